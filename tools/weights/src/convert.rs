//! `weights convert`: weights from one format to another.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use cli::exit::Exit;
use cli::output;
use train_programs::flags;
use trainer::network;
use trainer::network::Precision;

const EXAMPLES: &str = "\
Examples:
  A checkpoint for timm, and for MindCV:
      weights convert ckpt/inception_v4-200_40036 inception_v4.safetensors
      weights convert ckpt/inception_v4-200_40036 inception_v4.ckpt
  MindCV's published weights for this project, and the moving average of a MindCV training:
      weights convert inception_v4-db9c45b3.ckpt inception_v4.safetensors
      weights convert inception_v4-200_40036.ckpt average.safetensors --ema
  Half the size:
      weights convert ckpt/inception_v4-200_40036 inception_v4.safetensors --dtype float16

The first bytes of FROM tell its format; the extension of TO chooses the new one. Tensors have timm's
names in .safetensors and .pth files, and MindCV's in .ckpt files. The pickle in a .pth file is read
but never executed. torch's num_batches_tracked is left out, since nothing uses it.";

pub(crate) fn command() -> Command {
    let path = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .value_name(name)
            .required(true)
            .value_parser(value_parser!(PathBuf))
            .help(help)
    };
    let command = Command::new("convert")
        .about("Convert weights to .safetensors, to PyTorch's .pth or to MindSpore's .ckpt")
        .after_long_help(EXAMPLES)
        .after_help("--help shows examples.")
        .arg(path("FROM", "A checkpoint's folder or a weights file"))
        .arg(path("TO", "The new file: .safetensors, .pth or .ckpt"))
        .arg(
            Arg::new("dtype")
                .long("dtype")
                .default_value("float32")
                .value_parser(value_parser!(Precision))
                .help("Output data type: float32, float16 or bfloat16"),
        )
        .arg(
            Arg::new("force")
                .long("force")
                .action(ArgAction::SetTrue)
                .help("Overwrite TO if it exists"),
        );
    flags::with_average(command)
}

pub(crate) fn run(matches: &ArgMatches) -> Result<Exit> {
    let path = |name: &str| {
        matches
            .get_one::<PathBuf>(name)
            .cloned()
            .unwrap_or_default()
    };
    let (from, to) = (path("FROM"), path("TO"));
    if to.exists() && !matches.get_flag("force") {
        bail!(
            "{} exists already; pass --force to overwrite it",
            to.display()
        );
    }
    let precision = matches.get_one("dtype").copied().unwrap_or_default();
    let tensors = network::convert(&from, flags::wanted(matches), &to, precision)?;
    output::print(&format!("{}: {tensors} tensors", to.display()))?;
    Ok(Exit::Ok)
}
