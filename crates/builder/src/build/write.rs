//! The steps of a build: plan, survey, pack, manifest.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use codec::Tables;
use record::{Dataset, MANIFEST_FILE, Shard, TablesSummary};

use crate::event::{Event, Pass, Running};
use crate::note::Note;
use crate::pack::{Job, Written};
use crate::plan::{PlanOptions, SplitPlan, plan};
use crate::storage::Storing;
use crate::survey::{Stale, Survey, Why};
use crate::tables::tables_of_source;
use crate::{FileError, pack, parallel, survey};

use super::manifest::manifest;
use super::{BuildError, Builder, Built, Finished, Status};

/// A build whose plan is made.
pub(super) struct Build<'a> {
    pub(super) options: &'a Builder<'a>,
    pub(super) out: &'a Path,
    pub(super) storing: Storing,
    pub(super) tables: Option<Arc<Tables>>,
    pub(super) plan: Vec<SplitPlan>,
}

pub(super) fn write(options: &Builder<'_>, out: &Path) -> Result<Built, BuildError> {
    let storing = options.storage.check()?;
    let source = options.source.as_ref();
    let from = options.storage.tables;
    let tables = tables_of_source(source, storing.encoding, from, options.watch)?;
    let plan_options = PlanOptions {
        shards: options.shards,
        order: options.order,
        seed: options.seed,
        check: options.check,
        storing,
        tables: tables.as_ref().map(|tables| tables.id()),
    };
    let build = Build {
        options,
        out,
        storing,
        tables,
        plan: plan(source, &options.splits, plan_options)?,
    };
    build.run()
}

impl Build<'_> {
    fn run(&self) -> Result<Built, BuildError> {
        let (out, options) = (self.out, self.options);
        // Twice: other people's directories are refused before anything is touched, and what counts is
        // what is there once no other build is writing.
        survey::survey(out, &self.plan, options.on_bad)?;
        fs::create_dir_all(out).map_err(FileError::new("create", out))?;
        let _lock = survey::lock(out)?;
        let survey = survey::survey(out, &self.plan, options.on_bad)?;
        if !options.rebuild {
            survey.refuse_to_destroy(out)?;
        }
        if let Some(finished) = self.is_complete(&survey) {
            return Ok(Built::new(Status::Complete, self, &finished));
        }

        self.announce(&survey);
        survey::sweep(out, &survey)?;
        let kept = self.verify_finished(survey.finished)?;
        let shards_kept = kept.len() as u64;
        let written = self.pack_missing(&kept)?;
        let all = in_order_of_plan(&self.plan, kept.into_iter().chain(written.finished));
        let status = self.finish(&all)?;
        Ok(Built {
            shards_kept,
            bad: written.bad,
            ..Built::new(status, self, &all)
        })
    }

    /// Writes tables and manifest if all shards are there.
    fn finish(&self, finished: &[Finished]) -> Result<Status, BuildError> {
        let planned: usize = self.plan.iter().map(|split| split.shards.len()).sum();
        if finished.len() < planned {
            return Ok(match self.options.stop.load(Ordering::Relaxed) {
                true => Status::Interrupted,
                false => Status::Failed,
            });
        }
        if let Some(tables) = &self.tables {
            TablesSummary::write(self.out, tables.as_bytes())?;
        }
        manifest(self, finished).write(self.out)?;
        Ok(Status::Built)
    }

    /// Whether the data set is what this build would make, as far as the notes tell.
    fn is_complete(&self, survey: &Survey) -> Option<Vec<Finished>> {
        if !survey.complete || !survey.stale.is_empty() {
            return None;
        }
        let finished = survey.finished.iter().map(|(shard, note)| Finished {
            summary: shard.summary(),
            note: note.clone(),
        });
        let finished = in_order_of_plan(&self.plan, finished);
        let there = Dataset::open(self.out).ok()?;
        let same = *there.manifest() == manifest(self, &finished);
        same.then_some(finished)
    }

    fn announce(&self, survey: &Survey) {
        for Stale { path, why } in &survey.stale {
            (self.options.watch)(Event::Removed { path, why });
        }
        let files = survey.leftovers.len();
        if files > 0 {
            (self.options.watch)(Event::Cleaned { files });
        }
    }

    /// Checks every byte of the shards that an earlier run finished; removes those that are damaged.
    fn verify_finished(&self, candidates: Vec<(Shard, Note)>) -> Result<Vec<Finished>, FileError> {
        let watch = self.options.watch;
        let records = candidates.iter().map(|(shard, _)| shard.len() as u64).sum();
        let running = Running::begin(watch, Pass::Check, records);
        let verified = Mutex::new(Vec::new());
        let check = |(): &mut (), item: usize| {
            let Some((shard, note)) = candidates.get(item) else {
                return Ok(());
            };
            if self.options.stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            let summary = shard.summary();
            if let Err(damage) = shard.verify() {
                let path = shard.path();
                let why = &Why::Damaged(damage.to_string());
                watch(Event::Removed { path, why });
                return fs::remove_file(path).map_err(FileError::new("remove", path));
            }
            running.done(summary.records, summary.bytes);
            let note = note.clone();
            let mut verified = verified.lock().unwrap_or_else(PoisonError::into_inner);
            verified.push(Finished { summary, note });
            Ok(())
        };
        parallel::for_each(self.threads(), candidates.len(), || Ok(()), check)?;
        Ok(verified
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner))
    }

    fn pack_missing(&self, kept: &[Finished]) -> Result<Written, pack::PackError> {
        let done: HashSet<&str> = kept
            .iter()
            .map(|shard| shard.summary.file.as_str())
            .collect();
        let shards: Vec<_> = self
            .plan
            .iter()
            .flat_map(|split| split.shards.iter().map(move |shard| (split, shard)))
            .filter(|(_, shard)| !done.contains(shard.file.as_str()))
            .collect();
        let images = shards
            .iter()
            .map(|(_, shard)| shard.samples.len() as u64)
            .sum();
        let options = self.options;
        pack::write_shards(&Job {
            source: options.source.as_ref(),
            out: self.out,
            shards,
            on_bad: options.on_bad,
            check: options.check,
            storing: self.storing,
            tables: self.tables.as_deref(),
            threads: self.threads(),
            progress: &Running::begin(options.watch, Pass::Build, images),
            stop: options.stop,
        })
    }

    fn threads(&self) -> usize {
        parallel::thread_count(self.options.threads)
    }
}

impl Built {
    fn new(status: Status, build: &Build<'_>, finished: &[Finished]) -> Self {
        let plan = &build.plan;
        let mut built = Self::of_shards(status, build.out, finished);
        built.shards_planned = plan.iter().map(|split| split.shards.len() as u64).sum();
        built.source = build.options.source.coverage().to_string();
        built.splits = plan.iter().map(|split| split.name.clone()).collect();
        built.manifest = matches!(status, Status::Built | Status::Complete)
            .then(|| build.out.join(MANIFEST_FILE));
        built
    }
}

fn in_order_of_plan(
    plan: &[SplitPlan],
    shards: impl IntoIterator<Item = Finished>,
) -> Vec<Finished> {
    let mut by_file: HashMap<_, _> = shards
        .into_iter()
        .map(|shard| (shard.summary.file.clone(), shard))
        .collect();
    plan.iter()
        .flat_map(|split| &split.shards)
        .filter_map(|shard| by_file.remove(&shard.file))
        .collect()
}
