//! The `convert` binary.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::{Arg, ArgAction, Command, value_parser};
use cli::exit::{self, Exit};
use cli::output;
use train_programs::{flags, log};
use trainer::network::{Precision, Wanted, convert};

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
  Half the size:
      convert ckpt/inception_v4-200_40036 inception_v4.safetensors --dtype float16

Formats are told by the first bytes of FROM and by the name of TO. Tensors have timm's names in
.safetensors and .pth, MindCV's in .ckpt. The pickle in a .pth is read, never run. torch's num_batches_tracked is left out: nothing uses it.";

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
    let command = Command::new("convert")
        .about(ABOUT)
        .version(env!("CARGO_PKG_VERSION"))
        .after_long_help(EXAMPLES)
        .after_help("--help shows examples.")
        .arg(path("FROM", "A checkpoint's directory or a weights file"))
        .arg(path("TO", "The new file: .safetensors, .pth or .ckpt"))
        .arg(
            Arg::new("dtype")
                .long("dtype")
                .default_value("float32")
                .value_parser(value_parser!(Precision))
                .help("What numbers are rounded to: float32, float16, bfloat16"),
        )
        .arg(switch("force", "Write over TO if it is there"));
    let matches = flags::with_average(command).get_matches();
    log::to_stderr();
    let precision = matches.get_one("dtype").copied().unwrap_or_default();
    let path = |name: &str| {
        matches
            .get_one::<PathBuf>(name)
            .cloned()
            .unwrap_or_default()
    };
    exit::end(run(
        path("FROM"),
        path("TO"),
        flags::wanted(&matches),
        precision,
        matches.get_flag("force"),
    ))
}

fn run(
    from: PathBuf,
    to: PathBuf,
    wanted: Wanted,
    precision: Precision,
    force: bool,
) -> anyhow::Result<Exit> {
    if to.exists() && !force {
        bail!(
            "{} is there already; pass --force to write over it",
            to.display()
        );
    }
    let tensors = convert(&from, wanted, &to, precision)?;
    output::print(&format!("{}: {tensors} tensors", to.display()))?;
    Ok(Exit::Ok)
}
