//! The `summary` binary.

use std::process::ExitCode;

use clap::{ArgMatches, Command};
use cli::exit::{self, Exit};
use cli::output;
use train_programs::{flags, log};
use trainer::network;
use trainer::recipe::{Group, Purpose, Recipe};

const ABOUT: &str = "The layers of a network: output, parameters, multiply-adds";

const EXAMPLES: &str = "\
Examples:
  summary --model inception_v4 --image-resize 299
  summary -c configs/inception_v4.yaml";

fn main() -> ExitCode {
    let command = Command::new("summary")
        .about(ABOUT)
        .version(env!("CARGO_PKG_VERSION"));
    let about_networks = |key: &trainer::recipe::Key| {
        key.evaluation && key.group == Group::Model || key.name == "image_resize"
    };
    let matches = flags::with_recipe(command, about_networks)
        .after_long_help(EXAMPLES)
        .after_help("--help shows all flags, and examples.")
        .get_matches();
    log::to_stderr();
    exit::end(summary(&matches))
}

fn summary(matches: &ArgMatches) -> anyhow::Result<Exit> {
    let layers = flags::layers(matches)?;
    let recipe = Recipe::resolve(&Recipe::default(), &layers, Purpose::Evaluate)?.recipe;
    output::print(&network::summary(&recipe)?.to_string())?;
    Ok(Exit::Ok)
}
