//! What a build tells its user at the end, in words or as JSON.

use std::{
    collections::BTreeMap,
    io::{Write, stdout},
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::Result;
use cli::signals::Stop;
use imagenet::Source;
use record::OddAction;
use serde::Serialize;

use crate::{Exit, text};

use super::{BadFile, Finished, frontier::Frontier, plan::SplitPlan};

/// The outcome of a build.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) status: Status,
    pub(crate) out: PathBuf,
    /// Of the shards that are finished, as the next two.
    pub(crate) records: u64,
    pub(crate) bytes: u64,
    pub(crate) shards: u64,
    pub(crate) shards_planned: u64,
    /// Shards that an earlier run had finished.
    pub(crate) shards_kept: u64,
    pub(crate) kept: Counts,
    pub(crate) repaired: Counts,
    pub(crate) skipped: Counts,
    /// The files that `--on-bad fail` failed for.
    pub(crate) bad: Vec<BadFile>,
    /// How much of ImageNet the source holds.
    pub(crate) source: String,
    pub(crate) seconds: f64,
    /// What was built, in bytes and speed; known of new sets of some size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) frontier: Option<Frontier>,
    /// Whether there is something to train on but nothing to validate with.
    #[serde(skip)]
    lacks_val: bool,
}

/// What a build is in the course of.
pub(crate) struct Run {
    pub(crate) started: Instant,
    pub(crate) stop: Stop,
}

/// How a build ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    /// There was nothing to do.
    Complete,
    /// The data set is finished.
    Built,
    /// There are bad files.
    Failed,
    /// A signal stopped it.
    Interrupted,
}

/// Odd files of one kind of treatment.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Counts {
    pub(crate) files: u64,
    /// By what is odd; a file with two oddities counts under both.
    pub(crate) by_reason: BTreeMap<String, u64>,
}

impl Report {
    pub(crate) fn new(
        status: Status,
        out: &Path,
        source: &dyn Source,
        plan: &[SplitPlan],
        finished: &[Finished],
    ) -> Self {
        let sum = |of: fn(&Finished) -> u64| finished.iter().map(of).sum();
        let counts = |action| Counts::of(finished, action);
        Self {
            status,
            out: out.to_owned(),
            records: sum(|shard| shard.summary.records),
            bytes: sum(|shard| shard.summary.bytes),
            shards: finished.len() as u64,
            shards_planned: plan.iter().map(|split| split.shards.len() as u64).sum(),
            shards_kept: 0,
            kept: counts(OddAction::Kept),
            repaired: counts(OddAction::Repaired),
            skipped: counts(OddAction::Skipped),
            bad: Vec::new(),
            source: source.report().to_string(),
            seconds: 0.0,
            frontier: None,
            lacks_val: plan.iter().all(|split| split.name != "val"),
        }
    }

    /// Prints the report and says how the command ends.
    pub(crate) fn print(mut self, json: bool, quiet: bool, run: &Run) -> Result<Exit> {
        self.seconds = run.started.elapsed().as_secs_f64();
        let printed = self.write(json, quiet);
        if !json && self.status == Status::Failed {
            text::complain(&self.failure());
        }
        // How the build ended is told by its exit code even where nobody reads the report.
        match self.status {
            Status::Complete | Status::Built => printed.map(|()| Exit::Ok),
            Status::Failed => Ok(Exit::Failed),
            Status::Interrupted => Ok(Exit::Interrupted(run.stop.exit_code())),
        }
    }

    fn write(&self, json: bool, quiet: bool) -> Result<()> {
        let mut out = stdout().lock();
        if json {
            serde_json::to_writer_pretty(&mut out, self)?;
            writeln!(out)?;
        } else if !quiet {
            out.write_all(self.text().as_bytes())?;
        }
        Ok(())
    }

    fn text(&self) -> String {
        let out = self.out.display();
        let records = text::count(self.records, "image");
        let shards = text::count(self.shards, "shard");
        let (bytes, seconds) = (text::bytes(self.bytes), text::seconds(self.seconds));
        let planned = self.shards_planned;
        let mut lines = match self.status {
            Status::Complete => vec![
                format!("{out} is complete: {records}, {bytes} in {shards}; nothing to do"),
                "(to rebuild a damaged shard, delete its file and run this again)".to_owned(),
            ],
            Status::Built => vec![format!("{out}: {records}, {bytes} in {shards}, {seconds}")],
            Status::Failed => vec![format!(
                "{out}: {} of {planned} shards finished and kept",
                self.shards
            )],
            Status::Interrupted => vec![format!(
                "interrupted with {} of {planned} shards finished; run the same command again to continue",
                self.shards
            )],
        };
        if self.shards_kept > 0 {
            let kept = text::count(self.shards_kept, "shard");
            lines.push(format!("{kept} of an earlier run verified and kept"));
        }
        lines.push(self.source.clone());
        for (what, counts) in [
            ("odd and stored", &self.kept),
            ("damaged and kept (repaired)", &self.repaired),
            ("bad and left out (skipped)", &self.skipped),
        ] {
            if counts.files > 0 {
                let files = text::count(counts.files, "file");
                lines.push(format!("{files} {what}: {}", counts.summary()));
            }
        }
        lines.extend(self.frontier.as_ref().map(Frontier::text));
        if self.status == Status::Built {
            lines.push(format!(
                "next: shard verify {out}   shard bench {out}   shard inspect {out}"
            ));
            if self.lacks_val {
                lines
                    .push("there is no val split: training works, validating needs one".to_owned());
            }
        }
        lines.join("\n") + "\n"
    }

    fn failure(&self) -> String {
        let repairable = self.bad.iter().filter(|file| file.repairable).count() as u64;
        let mut text = format!(
            "shard: {}:\n",
            text::count(self.bad.len() as u64, "bad file")
        );
        for BadFile {
            split, key, cause, ..
        } in &self.bad
        {
            text += &format!("  {split}/{}: {cause}\n", text::printable(key));
        }
        text += "Run the same command with --on-bad skip to leave them out";
        if repairable > 0 {
            let which = text::count(repairable, "file");
            text +=
                &format!(", or with --on-bad repair to keep the {which} that decode with warnings");
        }
        text + "; finished shards are kept.\n"
    }
}

impl Counts {
    fn of(finished: &[Finished], action: OddAction) -> Self {
        let mut counts = Self::default();
        let odd = finished.iter().flat_map(|shard| &shard.note.odd);
        for file in odd.filter(|file| file.action == action) {
            counts.files += 1;
            // Oddities are a list; of a fault the first words say enough.
            let reasons: Vec<&str> = match action {
                OddAction::Kept => file.reason.split(", ").collect(),
                _ => file
                    .reason
                    .split([':', ';', '('])
                    .take(1)
                    .map(str::trim)
                    .collect(),
            };
            for reason in reasons {
                *counts.by_reason.entry(reason.to_owned()).or_default() += 1;
            }
        }
        counts
    }

    fn summary(&self) -> String {
        let mut reasons: Vec<_> = self.by_reason.iter().collect();
        reasons.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        let parts: Vec<_> = reasons
            .into_iter()
            .map(|(reason, count)| format!("{count} {reason}"))
            .collect();
        parts.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use record::{OddFile, ShardSummary};

    use super::*;
    use crate::build::note::Note;

    fn shard(odd: &[(OddAction, &str)]) -> Finished {
        let odd = odd.iter().map(|&(action, reason)| OddFile {
            split: "train".to_owned(),
            key: "cats/a.JPEG".to_owned(),
            action,
            reason: reason.to_owned(),
        });
        Finished {
            summary: ShardSummary {
                file: "train-00000-of-00001.shard".to_owned(),
                records: 1,
                bytes: 1,
                hash: 0,
            },
            note: Note {
                plan: String::new(),
                on_bad: None,
                odd: odd.collect(),
            },
        }
    }

    #[test]
    fn oddities_are_counted_each_and_faults_by_their_first_words() {
        let shards = [
            shard(&[
                (OddAction::Kept, "gray"),
                (OddAction::Kept, "gray, progressive"),
            ]),
            shard(&[(
                OddAction::Skipped,
                "the file is empty (zero bytes); fetch it again",
            )]),
        ];
        let kept = Counts::of(&shards, OddAction::Kept);
        assert_eq!(kept.files, 2);
        assert_eq!(kept.summary(), "2 gray, 1 progressive");
        let skipped = Counts::of(&shards, OddAction::Skipped);
        assert_eq!(skipped.summary(), "1 the file is empty");
    }
}
