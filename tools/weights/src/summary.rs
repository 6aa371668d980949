//! `weights summary`: the layers of a network.

use anyhow::Result;
use clap::{ArgMatches, Command};
use cli::exit::Exit;
use cli::output;
use train_programs::flags;
use trainer::network;
use trainer::recipe::{Group, Key, Purpose, Recipe};

const EXAMPLES: &str = "\
Examples:
  weights summary --model inception_v4 --image-resize 299
  weights summary -c configs/inception_v4.yaml";

pub(crate) fn command() -> Command {
    let command = Command::new("summary")
        .about("List the layers of a network: output shape, parameters, multiply-adds");
    flags::with_recipe(command, shapes_the_network)
        .after_long_help(EXAMPLES)
        .after_help("--help shows all flags, and examples.")
}

fn shapes_the_network(key: &Key) -> bool {
    key.evaluation && key.group == Group::Model || key.name == "image_resize"
}

pub(crate) fn run(matches: &ArgMatches) -> Result<Exit> {
    let layers = flags::layers(matches)?;
    let recipe = Recipe::resolve(&Recipe::default(), &layers, Purpose::Evaluate)?.recipe;
    output::print(&network::summary(&recipe)?.to_string())?;
    Ok(Exit::Ok)
}
