//! The `predict` binary.
#![forbid(unsafe_code)]

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use cli::exit;
use cli::exit::Exit;
use cli::output;
use cli::text::complain;
use train_programs::{flags, log};
use trainer::evaluate::predict::{GUESSES, Prediction};
use trainer::evaluate::trained_network;
use trainer::evaluate::trained_network::TrainedNetwork;

const ABOUT: &str = "Prints the most likely classes of JPEG or PNG images";

const EXAMPLES: &str = "\
Examples:
  predict cat.jpg dog.png --ckpt-path ckpt/inception_v4-200_40036
  predict cat.jpg --ckpt-path ckpt/inception_v4-200_40036 --json

Images are prepared as in validation. Class names come from the checkpoint or, for a weights file,
from the data set in --data-dir. If an image cannot be read, predict reports it, continues with
the others and exits with 1.";

fn main() -> ExitCode {
    let command = Command::new("predict")
        .about(ABOUT)
        .version(env!("CARGO_PKG_VERSION"));
    let matches = flags::with_loading(flags::with_recipe(command, |key| key.evaluation))
        .after_long_help(EXAMPLES)
        .after_help("--help shows all flags, and examples.")
        .arg(
            Arg::new("images")
                .value_name("IMAGE")
                .required(true)
                .num_args(1..)
                .value_parser(value_parser!(PathBuf))
                .help("Image files"),
        )
        .arg(
            Arg::new("top")
                .long("top")
                .value_name("N")
                .value_parser(value_parser!(usize))
                .help(format!("Classes per image [default: {GUESSES}]")),
        )
        .arg(
            Arg::new("json")
                .long("json")
                .action(ArgAction::SetTrue)
                .help("Print one JSON object per image, one per line"),
        )
        .get_matches();
    log::to_stderr();
    exit::end(predict(&matches))
}

fn predict(matches: &ArgMatches) -> anyhow::Result<Exit> {
    let (resolved, checkpoint) = trained_network::resolve(&flags::layers(matches)?)?;
    flags::report_notes(&resolved.notes);
    let loading = flags::loading(matches);
    let trained = TrainedNetwork::load(&resolved.recipe, checkpoint.as_ref(), &loading)?;
    let mut predictor = trained.predictor()?;
    let most = matches.get_one("top").copied().unwrap_or(GUESSES);
    let mut code = Exit::Ok;
    for image in matches.get_many::<PathBuf>("images").into_iter().flatten() {
        match predictor.predict(image, most) {
            Ok(prediction) if matches.get_flag("json") => {
                output::print_json_line(&prediction)?;
            }
            Ok(prediction) => output::print(&table(&prediction)?)?,
            Err(error) => {
                complain(&format!("error: {error}"));
                code = Exit::Failed;
            }
        }
    }
    Ok(code)
}

/// The guesses for an image, one per line.
fn table(prediction: &Prediction) -> Result<String, std::fmt::Error> {
    let mut text = prediction.image.display().to_string();
    for guess in &prediction.guesses {
        write!(
            text,
            "\n  {:6.2} %  {}",
            100.0 * guess.probability,
            guess.name
        )?;
        if !guess.synset.is_empty() && guess.synset != guess.name {
            write!(text, " ({})", guess.synset)?;
        }
    }
    Ok(text)
}
