//! The `summary` binary.

use std::process::ExitCode;

use clap::{ArgMatches, Command};
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
    train_programs::exit(summary(&matches))
}

fn summary(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let layers = flags::layers(matches)?;
    let recipe = Recipe::resolve(&Recipe::default(), &layers, Purpose::Evaluate)?.recipe;
    train_programs::print(&network::summary(&recipe)?.to_string())?;
    Ok(ExitCode::SUCCESS)
}
