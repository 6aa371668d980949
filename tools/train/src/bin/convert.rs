//! The `convert` binary.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::{Arg, ArgAction, Command, value_parser};
use cli::log;
use trainer::network::{Selection, convert};

const ABOUT: &str =
    "Weights from one format to another: .safetensors, PyTorch's .pth, MindSpore's .ckpt";

const EXAMPLES: &str = "\
Examples:
  A checkpoint for timm, and for MindCV:
      convert ckpt/inception_v4-200_40036 inception_v4.safetensors
      convert ckpt/inception_v4-200_40036 inception_v4.ckpt
  MindCV's published weights for this project, and the moving average of a training of MindCV's:
      convert inception_v4-db9c45b3.ckpt inception_v4.safetensors
      convert inception_v4-200_40036.ckpt average.safetensors --ema

Formats are told by the first bytes of FROM and by the name of TO. Tensors have timm's names in
.safetensors and .pth, MindCV's in .ckpt; all are written as float32. The pickle in a .pth is read,
never run. torch's num_batches_tracked is left out: nothing uses it.";

fn main() -> ExitCode {
    let path = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .value_name(name)
            .required(true)
            .value_parser(value_parser!(PathBuf))
            .help(help)
    };
    let switch = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .action(ArgAction::SetTrue)
            .help(help)
    };
    let matches = Command::new("convert")
        .about(ABOUT)
        .version(env!("CARGO_PKG_VERSION"))
        .after_long_help(EXAMPLES)
        .after_help("--help shows examples.")
        .arg(path("FROM", "A checkpoint's directory or a weights file"))
        .arg(path("TO", "The new file: .safetensors, .pth or .ckpt"))
        .arg(switch(
            "ema",
            "The moving average of the weights instead of the weights",
        ))
        .arg(switch("force", "Write over TO if it is there"))
        .get_matches();
    log::to_stderr();
    let selection = match matches.get_flag("ema") {
        true => Selection::Average,
        false => Selection::Weights,
    };
    let path = |name: &str| {
        matches
            .get_one::<PathBuf>(name)
            .cloned()
            .unwrap_or_default()
    };
    cli::exit(run(
        path("FROM"),
        path("TO"),
        selection,
        matches.get_flag("force"),
    ))
}

fn run(from: PathBuf, to: PathBuf, selection: Selection, force: bool) -> anyhow::Result<ExitCode> {
    if to.exists() && !force {
        bail!(
            "{} is there already; pass --force to write over it",
            to.display()
        );
    }
    let tensors = convert(&from, selection, &to)?;
    cli::print(&format!("{}: {tensors} tensors", to.display()))?;
    Ok(ExitCode::SUCCESS)
}
