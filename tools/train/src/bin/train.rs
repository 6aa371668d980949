//! The `train` binary.

use std::process::ExitCode;

use clap::{Arg, ArgMatches, Command};
use cli::{flags, log, signal::Stop};
use tracing::info;
use trainer::Resume;
use trainer::checkpoint::Checkpoint;
use trainer::recipe::{Layer, Purpose, Recipe};
use trainer::run::{self, Outcome};

const ABOUT: &str = "Trains Inception-v4 from a data set that `shard build` wrote";

const EXAMPLES: &str = "\
Examples:
  A first run, with everything as the recipe says:
      train --config configs/inception_v4.yaml --data-dir /data/imagenet-shards
  The same with larger batches; the recipe's lr_for_batch scales the learning rate with them:
      train -c configs/inception_v4.yaml --data-dir /data/imagenet-shards --batch-size 128
  A small network on small images, for a CPU:
      train --data-dir SHARDS --image-resize 96 --width 0.25 --blocks 1,1,1 \\
          --bn-momentum 0.1 --batch-size 32 --lr 0.05 --warmup-epochs 1 --decay-epochs 9 \\
          --epoch-size 10 --val-while-train
  On from where it stopped, or from the start if it never ran (for schedulers that requeue):
      train -c configs/inception_v4.yaml --data-dir /data/imagenet-shards --resume
  MindCV's own recipe, without what is not implemented yet:
      train -c inception_v4_ascend.yaml --data-dir /data/imagenet-shards \\
          --distribute false --amp-level O0

Flags may be written as MindCV writes them (--data_dir). Every flag is a key of the recipe
file, too.

Ctrl-C or SIGTERM finishes the step at hand, saves a checkpoint and exits with 130 or 143;
a second one exits at once. Errors exit with 1, a wrong command line with 2.

In --ckpt-save-dir: metrics.jsonl (a JSON object for each step and validation), result.log
(a line for each epoch), and the checkpoints.";

fn main() -> ExitCode {
    let command = flags::with_recipe(Command::new("train").about(ABOUT).version(env!("CARGO_PKG_VERSION")), |_| true)
        .after_long_help(EXAMPLES)
        .after_help("--help shows all flags, and examples.")
        .arg(
            Arg::new("resume")
                .long("resume")
                .value_name("CHECKPOINT")
                .num_args(0..=1)
                .default_missing_value("")
                .help("Continue the newest run in --ckpt-save-dir, if there is one, or the one of this checkpoint"),
        );
    let matches = command.get_matches();
    log::to_stdout();
    cli::exit(train(&matches))
}

fn train(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let layers = flags::layers(matches)?;
    let resume = match matches.get_one::<String>("resume").map(String::as_str) {
        None => Resume::No,
        Some("") => Resume::Latest,
        Some(path) => Resume::From(path.into()),
    };
    let resolved = Recipe::resolve(&base(matches, &resume, &layers)?, &layers, Purpose::Train)?;
    flags::report_notes(&resolved.notes);

    let stop = Stop::listen()?;
    match run::train(&resolved.recipe, &resume, stop.asked())? {
        Outcome::Finished => {
            info!("Finish training!");
            Ok(ExitCode::SUCCESS)
        }
        Outcome::Interrupted { checkpoint } => {
            info!(
                "interrupted; continue with --resume {}",
                checkpoint.display()
            );
            Ok(stop.exit_code())
        }
    }
}

/// What the flags are put onto. Without a recipe file, a run continues by its checkpoint's recipe.
fn base(matches: &ArgMatches, resume: &Resume, layers: &[Layer]) -> anyhow::Result<Recipe> {
    let checkpoint = match resume {
        _ if matches.contains_id("config") => None,
        Resume::No => None,
        Resume::From(path) => Some(Checkpoint::open(path)?),
        Resume::Latest => {
            let flags = Recipe::resolve(&Recipe::default(), layers, Purpose::Train)?;
            Checkpoint::latest(&flags.recipe.ckpt_save_dir)?
        }
    };
    Ok(checkpoint.map_or_else(Recipe::default, |checkpoint| {
        checkpoint.state().recipe.clone()
    }))
}
