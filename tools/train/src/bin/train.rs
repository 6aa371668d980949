//! The `train` binary.
#![forbid(unsafe_code)]

use std::fs;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use cli::exit;
use cli::exit::Exit;
use cli::output;
use cli::signals::Stop;
use cli::status_bar::StatusBar;
use tracing::info;
use train_programs::bar::Bar;
use train_programs::{flags, log};
use trainer::Resume;
use trainer::checkpoint::Checkpoint;
use trainer::recipe::{Layer, Purpose, Recipe};
use trainer::run;
use trainer::run::Outcome;
use trainer::run::step_timing;
use trainer::run::step_timing::StepTiming;
use trainer::{device, html_report};

const ABOUT: &str = "Trains Inception-v4 from a data set that `shard build` wrote";

const EXAMPLES: &str = "\
Examples:
  A first run, as in the recipe:
      train --config configs/inception_v4.yaml --data-dir /data/imagenet-shards
  The same with larger batches; lr_for_batch in the recipe scales the learning rate to match:
      train -c configs/inception_v4.yaml --data-dir /data/imagenet-shards --batch-size 128
  A small network on small images, for a CPU:
      train --data-dir SHARDS --image-resize 96 --width 0.25 --blocks 1,1,1 \\
          --bn-momentum 0.1 --batch-size 32 --lr 0.05 --warmup-epochs 1 --decay-epochs 9 \\
          --epoch-size 10 --val-while-train
  Resume where it stopped, or start if it has never run (for schedulers that requeue jobs):
      train -c configs/inception_v4.yaml --data-dir /data/imagenet-shards --resume
  MindCV's own recipe, without the options that are not implemented:
      train -c inception_v4_ascend.yaml --data-dir /data/imagenet-shards \\
          --distribute false --amp-level O0

  Whether the loader keeps up with the device:
      train -c configs/inception_v4.yaml --data-dir /data/imagenet-shards --bench-steps 20
  A page about a run, with plots (report.html in the run's folder, or --out FILE):
      train report ckpt

MindCV's spelling of flags works too (--data_dir). Every flag is also a key of the recipe file.

On a terminal, a bar shows the progress of the run and the time left.

Ctrl-C, SIGTERM or a lost terminal (SIGHUP, unless nohup ignores it) stops the run: it finishes
the current step, saves a checkpoint and exits with 130, 143 or 129. A second Ctrl-C or SIGTERM
exits at once. After an error the exit code is 1, after a wrong command line 2.

--ckpt-save-dir receives metrics.jsonl (a JSON object for each step and validation), result.log
(a line for each epoch), TensorBoard event files, and the checkpoints.";

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
                .help("Resume the newest run in --ckpt-save-dir, if there is one, or the run of this checkpoint"),
        )
        .arg(
            Arg::new("list-devices")
                .long("list-devices")
                .action(ArgAction::SetTrue)
                .help("List the values of --device, and which are available here"),
        )
        .arg(
            Arg::new("bench_steps")
                .long("bench-steps")
                .value_name("N")
                .value_parser(value_parser!(NonZeroU64))
                .help("Measure instead of training: N steps on real data, N steps on one cached batch, N batches of the loader alone; saves nothing"),
        )
        .args_conflicts_with_subcommands(true)
        .subcommand(report_command());
    let matches = command.get_matches();
    if let Some(("report", matches)) = matches.subcommand() {
        return exit::end(report(matches));
    }
    let bar = Bar(StatusBar::on_terminal());
    log::above(&bar.0);
    let result = train(&matches, &mut bar.clone());
    bar.0.clear();
    exit::end(result)
}

fn report_command() -> Command {
    Command::new("report")
        .about("Write one HTML page about a run: plots, validations, machine, recipe")
        .arg(
            Arg::new("run")
                .value_name("RUN")
                .required(true)
                .value_parser(value_parser!(PathBuf))
                .help("The --ckpt-save-dir of the run; it may still be running"),
        )
        .arg(
            Arg::new("out")
                .long("out")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("The HTML file [default: RUN/report.html]"),
        )
}

fn report(matches: &ArgMatches) -> anyhow::Result<Exit> {
    let path = |name| matches.get_one::<PathBuf>(name).cloned();
    let run = path("run").unwrap_or_default();
    let out = path("out").unwrap_or_else(|| run.join("report.html"));
    let html = html_report::html(&run)?;
    fs::write(&out, html).with_context(|| format!("cannot write {}", out.display()))?;
    output::print(&format!("wrote {}", out.display()))?;
    Ok(Exit::Ok)
}

fn train(matches: &ArgMatches, bar: &mut Bar) -> anyhow::Result<Exit> {
    if matches.get_flag("list-devices") {
        for device in device::list() {
            output::print(&device.to_string())?;
        }
        return Ok(Exit::Ok);
    }
    let layers = flags::layers(matches)?;
    let resume = match matches.get_one::<String>("resume").map(String::as_str) {
        None => Resume::No,
        Some("") => Resume::Latest,
        Some(path) => Resume::From(path.into()),
    };
    let resolved = Recipe::resolve(&base(matches, &resume, &layers)?, &layers, Purpose::Train)?;
    flags::report_notes(&resolved.notes);

    if let Some(steps) = matches.get_one::<NonZeroU64>("bench_steps") {
        output::print(&measured(&step_timing::measure(&resolved.recipe, *steps)?))?;
        return Ok(Exit::Ok);
    }
    let stop = Stop::listen()?;
    match run::train_watched(&resolved.recipe, &resume, stop.asked(), bar)? {
        Outcome::Finished => {
            info!("Finish training!");
            Ok(Exit::Ok)
        }
        Outcome::Interrupted { checkpoint } => {
            info!(
                "interrupted; continue with --resume {}",
                checkpoint.display()
            );
            Ok(Exit::Interrupted(stop.exit_code()))
        }
    }
}

/// The result of a measurement, in words.
fn measured(found: &StepTiming) -> String {
    let percent = |share: f64| 100.0 * share;
    format!(
        "{} steps of {} images\n\
         real data     {:10.2} img/s   data wait {:.1} %\n\
         cached batch  {:10.2} img/s   real data reaches {:.1} % of it\n\
         loader alone  {:10.2} img/s   {:.1} x the device's rate",
        found.steps,
        found.batch,
        found.real,
        percent(found.data_wait),
        found.cached,
        percent(found.real / found.cached),
        found.loader,
        found.loader / found.cached,
    )
}

/// The recipe that the flags change. Without a recipe file, a resumed run uses its checkpoint's recipe.
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
