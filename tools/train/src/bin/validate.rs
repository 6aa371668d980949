//! The `validate` binary.

use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command};
use cli::{flags, log, signal::Stop};
use serde_json::json;
use trainer::trained::{self, Trained};
use trainer::validation_line;

const ABOUT: &str =
    "Top-1, top-5 and loss over every image of the validation split, each exactly once";

const EXAMPLES: &str = "\
Examples:
  A checkpoint knows its own recipe and data set:
      validate --ckpt-path ckpt/inception_v4-200_40036
  The same on other shards, for a script:
      validate --ckpt-path ckpt/inception_v4-200_40036 --data-dir /data/imagenet-v2 --json
  Weights that timm published (they want their own pixels):
      validate --ckpt-path inception_v4.tf_in1k.safetensors --num-classes 1000 \\
          --data-dir /data/imagenet-shards --image-resize 299 --interpolation bicubic \\
          --mean 127.5,127.5,127.5 --std 127.5,127.5,127.5
  With MindCV's recipe file; what concerns training alone is passed over:
      validate -c inception_v4_ascend.yaml --data-dir /data/imagenet-shards \\
          --ckpt-path weights.safetensors";

fn main() -> ExitCode {
    let command = Command::new("validate")
        .about(ABOUT)
        .version(env!("CARGO_PKG_VERSION"));
    let matches = flags::with_recipe(command, |key| key.evaluation)
        .after_long_help(EXAMPLES)
        .after_help("--help shows all flags, and examples.")
        .arg(
            Arg::new("json")
                .long("json")
                .action(ArgAction::SetTrue)
                .help("Print one JSON object instead of a line"),
        )
        .get_matches();
    log::to_stderr();
    cli::exit(validate(&matches))
}

fn validate(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let (resolved, checkpoint) = trained::resolve(&flags::layers(matches)?)?;
    flags::report_notes(&resolved.notes);
    let recipe = &resolved.recipe;
    let stop = Stop::listen()?;
    let network = Trained::load(recipe, checkpoint.as_ref())?;
    let Some(found) = network.validate(stop.asked())? else {
        return Ok(stop.exit_code());
    };
    let text = if matches.get_flag("json") {
        let mut object = serde_json::to_value(found)?;
        object["img_per_s"] = json!(found.images_per_second());
        object["ckpt_path"] = json!(recipe.ckpt_path);
        object["data_dir"] = json!(recipe.data_dir);
        object.to_string()
    } else {
        validation_line(&found)
    };
    cli::print(&text)?;
    Ok(ExitCode::SUCCESS)
}
