//! What a benchmark found: as text for people, as JSON for machines.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{Write, stdout},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result};
use loader::{Binding, Decode, LoaderRecipe, Stage, StatsSnapshot};
use serde::Serialize;

use crate::{
    args::{BenchArgs, OutputKind},
    machine::Machine,
    text,
};

/// Images per second that eight Ascend 910* cards consume (MindCV's README: 8 x 32 images, 80.97 ms
/// a step).
const TARGET: f64 = 3161.66;

#[derive(Serialize)]
pub(crate) struct Report {
    /// The best of `results`.
    best: Option<Summary>,
    target_img_per_s: f64,
    /// One for each set and number of threads: medians over the rounds.
    results: Vec<Summary>,
    /// All runs, in the order in which they were made.
    pub(crate) runs: Vec<Run>,
    pub(crate) sets: Vec<Set>,
    pipeline: Pipeline,
    /// The most memory that this process had resident, mapped shards included; and those shards.
    peak_resident_bytes: Option<u64>,
    mapped_bytes: u64,
    machine: Machine,
    command: String,
    version: &'static str,
    date: String,
}

/// A split that was measured.
#[derive(Serialize)]
pub(crate) struct Set {
    /// Its encoding; with `--compare` also the options that it was built with.
    pub(crate) name: String,
    pub(crate) dataset: PathBuf,
    pub(crate) split: String,
    pub(crate) encoding: String,
    pub(crate) records: u64,
    /// Of all shards, indices and padding included.
    pub(crate) bytes: u64,
    #[serde(skip)]
    pub(crate) shards: Vec<PathBuf>,
}

/// What was done to the images.
#[derive(Serialize)]
struct Pipeline {
    transform: String,
    recipe: Option<PathBuf>,
    batch: u32,
    size: u32,
    output: OutputKind,
    decode: Decode,
    cold: bool,
    pinned: bool,
    readahead: u64,
    shuffle_window: Option<u64>,
    /// Of the batches in the making, the one in use included.
    slot_bytes: u64,
}

/// One loader, for some seconds.
#[derive(Clone, Serialize)]
pub(crate) struct Run {
    set: String,
    threads: usize,
    img_per_s: f64,
    /// Over the cores that were in fact busy: CPU time, not threads.
    img_per_s_per_core: f64,
    /// 100 is one core.
    cpu_percent: f64,
    /// Of stored records.
    mb_per_s: f64,
    /// That the kernel had disks read for this process meanwhile, read-ahead included.
    disk_mb_per_s: Option<f64>,
    /// Microseconds of a thread for one image.
    stages_us: BTreeMap<&'static str, f64>,
    /// What sets the pace.
    binding: String,
    images: u64,
    decode_warnings: u64,
    failures: u64,
    seconds: f64,
}

/// All runs of one set and number of threads.
#[derive(Clone, Serialize)]
struct Summary {
    set: String,
    threads: usize,
    /// Median, and the least and the most.
    img_per_s: f64,
    range: [f64; 2],
    img_per_s_per_core: f64,
    bytes_per_image: u64,
    stages_us: BTreeMap<&'static str, f64>,
    share_of_target: f64,
    /// Cores of this machine that would reach the target at this rate for each core.
    cores_for_target: f64,
}

impl Report {
    /// Before anything has been measured.
    pub(crate) fn new(args: &BenchArgs, recipe: &LoaderRecipe, sets: Vec<Set>) -> Self {
        let train = super::is_train(args);
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
                    true => recipe.describe(),
                    false => "short side scaled, centre crop (0.875), bilinear".to_owned(),
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
                slot_bytes: super::SLOTS as u64
                    * u64::from(recipe.batch_size.get())
                    * image
                    * value,
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

    /// Sums up the runs.
    pub(crate) fn conclude(&mut self) -> Result<()> {
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

    pub(crate) fn print_heading(&self) -> Result<()> {
        let mut out = stdout().lock();
        let cores = text::count(self.machine.cores as u64, "core");
        writeln!(out, "{}, {cores}", self.machine.cpu)?;
        for set in &self.sets {
            writeln!(
                out,
                "{} {}: {}, {}, {} each, stored as {}",
                set.dataset.display(),
                set.split,
                text::count(set.records, "image"),
                text::bytes(set.bytes),
                text::bytes(set.bytes / set.records.max(1)),
                set.name,
            )?;
        }
        let pipeline = &self.pipeline;
        writeln!(
            out,
            "{}; decoded {}; out: {} px {:?} in batches of {}, {} of slots{}",
            pipeline.transform,
            match pipeline.decode {
                Decode::Fast => "fast",
                Decode::Exact => "exactly",
            },
            pipeline.size,
            pipeline.output,
            pipeline.batch,
            text::bytes(pipeline.slot_bytes),
            if pipeline.cold {
                "; page cache dropped"
            } else {
                ""
            },
        )?;
        Ok(())
    }

    pub(crate) fn print_conclusion(&self) -> Result<()> {
        let mut out = stdout().lock();
        if self.runs.len() > self.results.len() {
            for (index, summary) in self.results.iter().enumerate() {
                summary.print(&mut out, index == 0)?;
            }
        } else if self.sets.len() > 1 {
            writeln!(out)?;
            for summary in &self.results {
                summary.print_line(&mut out)?;
            }
        }
        if let Some(peak) = self.peak_resident_bytes {
            writeln!(
                out,
                "\npeak memory {}: {} of mapped shards, {} of slots, the rest is the program",
                text::bytes(peak),
                text::bytes(self.mapped_bytes.min(peak)),
                text::bytes(self.pipeline.slot_bytes),
            )?;
        }
        if let Some(best) = &self.best {
            writeln!(
                out,
                "\nbest: {:.0} img/s with {}: {:.0} % of the target of {TARGET} img/s (eight Ascend 910* cards);\n\
                 it would take {:.1} cores like these",
                best.img_per_s,
                text::count(best.threads as u64, "thread"),
                best.share_of_target * 100.0,
                best.cores_for_target,
            )?;
        }
        Ok(())
    }

    pub(crate) fn write_json(&self, path: &Path) -> Result<()> {
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

impl Run {
    pub(crate) fn new(
        set: String,
        interval: &StatsSnapshot,
        cpu: Duration,
        from_disk: Option<u64>,
    ) -> Self {
        let seconds = interval.elapsed.as_secs_f64();
        let cores = cpu.as_secs_f64() / seconds;
        let img_per_s = interval.images_per_second();
        Self {
            set,
            threads: interval.workers,
            img_per_s,
            img_per_s_per_core: img_per_s / cores,
            cpu_percent: cores * 100.0,
            mb_per_s: interval.bytes as f64 / seconds / 1e6,
            disk_mb_per_s: from_disk.map(|bytes| bytes as f64 / seconds / 1e6),
            stages_us: Stage::ALL
                .into_iter()
                .map(|stage| (stage.name(), interval.stage_us(stage)))
                .collect(),
            binding: match interval.binding() {
                Binding::Workers(stage) => stage.name().to_owned(),
                _ => "consumer".to_owned(),
            },
            images: interval.images,
            decode_warnings: interval.warnings,
            failures: interval.failures,
            seconds,
        }
    }

    pub(crate) fn print(&self) -> Result<()> {
        let mut out = stdout().lock();
        let disk = self.disk_mb_per_s.filter(|rate| *rate >= 0.05);
        writeln!(
            out,
            "\n{}, {}: {:.0} img/s, {:.0} img/s for each busy core, CPU {:.0} %, {:.1} MB/s stored{}",
            self.set,
            text::count(self.threads as u64, "thread"),
            self.img_per_s,
            self.img_per_s_per_core,
            self.cpu_percent,
            self.mb_per_s,
            disk.map_or_else(String::new, |rate| format!(", {rate:.1} MB/s from disk")),
        )?;
        print_stages(&mut out, &self.stages_us)?;
        if self.decode_warnings > 0 {
            let images = text::count(self.decode_warnings, "image");
            writeln!(out, "  {images} decoded with a warning (truncated data)")?;
        }
        Ok(())
    }
}

impl Summary {
    fn of(runs: &[&Run], set: &Set) -> Option<Self> {
        let median_of = |value: &dyn Fn(&Run) -> f64| {
            let mut values: Vec<f64> = runs.iter().map(|run| value(run)).collect();
            values.sort_unstable_by(f64::total_cmp);
            median(&values)
        };
        let img_per_s = median_of(&|run| run.img_per_s);
        let per_core = median_of(&|run| run.img_per_s_per_core);
        let rates = || runs.iter().map(|run| run.img_per_s);
        Some(Self {
            set: set.name.clone(),
            threads: runs.first()?.threads,
            img_per_s,
            range: [
                rates().fold(f64::INFINITY, f64::min),
                rates().fold(0.0, f64::max),
            ],
            img_per_s_per_core: per_core,
            bytes_per_image: set.bytes / set.records.max(1),
            stages_us: Stage::ALL
                .into_iter()
                .map(Stage::name)
                .map(|name| (name, median_of(&|run| run.stages_us[name])))
                .collect(),
            share_of_target: img_per_s / TARGET,
            cores_for_target: TARGET / per_core,
        })
    }

    fn print(&self, out: &mut impl Write, first: bool) -> Result<()> {
        if first {
            writeln!(out, "\nmedians over the rounds:")?;
        }
        writeln!(out)?;
        self.print_line(out)?;
        print_stages(out, &self.stages_us)
    }

    fn print_line(&self, out: &mut impl Write) -> Result<()> {
        let [least, most] = self.range;
        writeln!(
            out,
            "{}, {}: {:.0} img/s ({least:.0}-{most:.0}), {:.0} for each busy core, {} an image",
            self.set,
            text::count(self.threads as u64, "thread"),
            self.img_per_s,
            self.img_per_s_per_core,
            text::bytes(self.bytes_per_image),
        )?;
        Ok(())
    }
}

/// What the kernel has seen this process use at most.
fn peak_resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}

/// Of sorted values; 0 where there are none.
fn median(sorted: &[f64]) -> f64 {
    match sorted.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => sorted[odd / 2],
        even => f64::midpoint(sorted[even / 2 - 1], sorted[even / 2]),
    }
}

fn print_stages(out: &mut impl Write, stages: &BTreeMap<&'static str, f64>) -> Result<()> {
    let total: f64 = stages.values().sum();
    for stage in Stage::ALL {
        let us = stages.get(stage.name()).copied().unwrap_or_default();
        let bar = text::bar(us as u64, total as u64, 32);
        writeln!(out, "  {:<14} {us:>8.1} us  {bar}", stage.name())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(&[]), 0.0);
        assert_eq!(median(&[3.0]), 3.0);
        assert_eq!(median(&[1.0, 3.0, 100.0]), 3.0);
        assert_eq!(median(&[1.0, 3.0, 5.0, 100.0]), 4.0);
    }
}
