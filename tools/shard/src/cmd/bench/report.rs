//! The report of a benchmark: everything that was measured and where, which `--json` writes as it is. `print` shows it to
//! people.

use std::io::{Write, stdout};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{env, fs};

use anyhow::{Context, Result};
use loader::Decode;
use recipe::Recipe;
use serde::Serialize;

use super::measurement::{Run, Summary, TARGET};
use super::pipeline;
use super::pipeline::SLOTS;
use crate::args::{BenchArgs, OutputKind};
use crate::machine::Machine;

#[derive(Serialize)]
pub(crate) struct Report {
    /// The best of `results`.
    pub(super) best: Option<Summary>,
    target_img_per_s: f64,
    /// Medians over the rounds, for each data set and number of threads.
    pub(super) results: Vec<Summary>,
    /// All runs, in the order in which they were made.
    pub(super) runs: Vec<Run>,
    pub(super) sets: Vec<Set>,
    pub(super) pipeline: Pipeline,
    /// The most memory that this process had resident, mapped shards included.
    pub(super) peak_resident_bytes: Option<u64>,
    /// The size of those shards.
    pub(super) mapped_bytes: u64,
    pub(super) machine: Machine,
    command: String,
    version: &'static str,
    date: String,
}

/// A split that was measured.
#[derive(Serialize)]
pub(crate) struct Set {
    /// Its encoding; with `--compare` also the options that it was built with.
    pub(super) name: String,
    pub(super) dataset: PathBuf,
    pub(super) split: String,
    pub(super) encoding: String,
    pub(super) records: u64,
    /// The size of all shards, indices and padding included.
    pub(super) bytes: u64,
    #[serde(skip)]
    pub(super) shards: Vec<PathBuf>,
}

/// What was done to the images.
#[derive(Serialize)]
pub(super) struct Pipeline {
    pub(super) transform: String,
    recipe: Option<PathBuf>,
    pub(super) batch: u32,
    pub(super) size: u32,
    pub(super) output: OutputKind,
    pub(super) decode: Decode,
    pub(super) cold: bool,
    pinned: bool,
    readahead: u64,
    shuffle_window: Option<u64>,
    /// The size of all slots, the one in use included.
    pub(super) slot_bytes: u64,
}

impl Report {
    /// Before anything has been measured.
    pub(super) fn new(args: &BenchArgs, recipe: &Recipe, sets: Vec<Set>) -> Self {
        let train = pipeline::is_train(args);
        let image = u64::from(recipe.image_resize.get()).pow(2) * 3;
        let value = match args.output {
            OutputKind::U8 => 1,
            OutputKind::F32 => 4,
        };
        Self {
            best: None,
            target_img_per_s: TARGET,
            results: Vec::new(),
            runs: Vec::new(),
            pipeline: Pipeline {
                transform: match train {
                    true => recipe.describe_training(),
                    false => recipe.describe_evaluation(),
                },
                recipe: args.recipe.clone(),
                batch: recipe.batch_size.get(),
                size: recipe.image_resize.get(),
                output: args.output,
                decode: if train { recipe.decode } else { Decode::Exact },
                cold: args.cold,
                pinned: args.pin,
                readahead: recipe.readahead,
                shuffle_window: recipe.shuffle_window.map(Into::into),
                slot_bytes: SLOTS as u64 * u64::from(recipe.batch_size.get()) * image * value,
            },
            peak_resident_bytes: None,
            mapped_bytes: sets.iter().map(|set| set.bytes).sum(),
            machine: Machine::this(),
            command: env::args().collect::<Vec<_>>().join(" "),
            version: env!("CARGO_PKG_VERSION"),
            date: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            sets,
        }
    }

    /// Summarises the runs.
    pub(super) fn conclude(&mut self) -> Result<()> {
        for set in &self.sets {
            let mut threads: Vec<usize> = self.runs.iter().map(|run| run.threads).collect();
            threads.sort_unstable();
            threads.dedup();
            for threads in threads {
                let runs = self.runs.iter();
                let runs: Vec<&Run> = runs
                    .filter(|run| run.set == set.name && run.threads == threads)
                    .collect();
                self.results.extend(Summary::of(&runs, set));
            }
        }
        self.peak_resident_bytes = peak_resident();
        let best = self.results.iter();
        self.best = best
            .max_by(|a, b| a.img_per_s.total_cmp(&b.img_per_s))
            .cloned();
        self.best
            .as_ref()
            .context("nothing was measured")
            .map(|_| ())
    }

    pub(super) fn write_json(&self, path: &Path) -> Result<()> {
        let mut json = serde_json::to_vec_pretty(self)?;
        json.push(b'\n');
        if path == Path::new("-") {
            stdout().lock().write_all(&json)?;
        } else {
            fs::write(path, json).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }
}

/// The most memory that this process has had, according to the kernel.
fn peak_resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}
