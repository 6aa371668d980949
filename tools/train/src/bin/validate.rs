//! The `validate` binary.
#![forbid(unsafe_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use cli::exit;
use cli::exit::Exit;
use cli::output;
use cli::signals::Stop;
use cli::status_bar::StatusBar;
use serde_json::json;
use train_programs::bar::Bar;
use train_programs::{flags, log};
use trainer::evaluate::multi_crop::Crops;
use trainer::evaluate::trained_network;
use trainer::evaluate::trained_network::TrainedNetwork;
use trainer::log::live_progress::Watcher;
use trainer::validation_line;

const ABOUT: &str =
    "Measures top-1, top-5 and loss over the validation split, each image exactly once";

const EXAMPLES: &str = "\
Examples:
  A checkpoint contains its recipe and the path of its data set:
      validate --ckpt-path ckpt/inception_v4-200_40036
  The same on other shards, for a script:
      validate --ckpt-path ckpt/inception_v4-200_40036 --data-dir /data/imagenet-v2 --json
  Weights from timm and from MindCV, with the preprocessing of each:
      validate --ckpt-path inception_v4.tf_in1k.safetensors --preprocess timm \\
          --data-dir /data/imagenet-shards
      validate --ckpt-path inception_v4.ckpt --preprocess mindcv --data-dir /data/imagenet-shards
  An ensemble as in the paper, of Inception-v4 and Inception-ResNet-v2, on 144 crops:
      validate --ckpt-path v4.safetensors --ensemble inception_resnet_v2=a.safetensors \\
          --crops 144 --preprocess paper --data-dir /data/imagenet-shards
  With MindCV's recipe file; training-only keys are ignored:
      validate -c inception_v4_ascend.yaml --data-dir /data/imagenet-shards \\
          --ckpt-path weights.safetensors

On a terminal, a bar shows the progress, the accuracy so far and the time left.";

fn main() -> ExitCode {
    let command = Command::new("validate")
        .about(ABOUT)
        .version(env!("CARGO_PKG_VERSION"));
    let matches = flags::with_loading(flags::with_recipe(command, |key| key.evaluation))
        .after_long_help(EXAMPLES)
        .after_help("--help shows all flags, and examples.")
        .arg(
            Arg::new("json")
                .long("json")
                .action(ArgAction::SetTrue)
                .help("Print one JSON object instead of a line"),
        )
        .arg(
            Arg::new("crops")
                .long("crops")
                .value_name("1|10|12|144")
                .default_value("1")
                .value_parser(value_parser!(Crops))
                .help("Crops of each image; their outputs are averaged"),
        )
        .arg(table(
            "per-class",
            "Write a CSV table of the classes: images, top-1, top-5",
        ))
        .arg(table(
            "confusion",
            "Write a confusion matrix as CSV: true class, predicted class, count",
        ))
        .get_matches();
    let bar = Bar(StatusBar::on_terminal());
    log::to_stderr_above(&bar.0);
    let result = validate(&matches, &bar);
    bar.0.clear();
    exit::end(result)
}

fn table(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .help(help)
}

/// Refuses a path where a table cannot be written, as far as one can tell before the hours of computing.
fn can_be_written(path: &Path) -> anyhow::Result<()> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        bail!(
            "cannot write {}: {} is not a folder; create it first",
            path.display(),
            folder.display()
        );
    }
    if path.is_dir() {
        bail!("cannot write {}: it is a folder", path.display());
    }
    Ok(())
}

fn validate(matches: &ArgMatches, bar: &Bar) -> anyhow::Result<Exit> {
    let (resolved, checkpoint) = trained_network::resolve(&flags::layers(matches)?)?;
    flags::report_notes(&resolved.notes);
    for name in ["per-class", "confusion"] {
        if let Some(path) = matches.get_one::<PathBuf>(name) {
            can_be_written(path)?;
        }
    }
    let recipe = &resolved.recipe;
    let stop = Stop::listen()?;
    let network = TrainedNetwork::load(recipe, checkpoint.as_ref(), &flags::loading(matches))?;
    let crops = matches
        .get_one::<Crops>("crops")
        .copied()
        .unwrap_or_default();
    let mut watcher = bar.clone();
    let validated = network.validate(crops, stop.asked(), &mut |at| watcher.validating(at))?;
    bar.0.clear();
    let Some(validated) = validated else {
        return Ok(Exit::Interrupted(stop.exit_code()));
    };
    let (found, counts, classes) = (
        validated.evaluation,
        validated.class_counts,
        validated.classes,
    );
    let text = if matches.get_flag("json") {
        let mut object = serde_json::to_value(found)?;
        object["crops"] = json!(crops.count());
        object["img_per_s"] = json!(found.images_per_second());
        object["ckpt_path"] = json!(recipe.ckpt_path);
        object["data_dir"] = json!(recipe.data_dir);
        object.to_string()
    } else {
        validation_line(&found)
    };
    // The result first: it took long, and a table that cannot be written must not lose it.
    let printed = output::print(&text);
    for (name, text) in [
        ("per-class", counts.per_class_csv(&classes)),
        ("confusion", counts.confusion_csv(&classes)),
    ] {
        if let Some(path) = matches.get_one::<PathBuf>(name) {
            fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    printed?;
    Ok(Exit::Ok)
}
