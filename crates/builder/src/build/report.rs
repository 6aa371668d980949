//! How a build ended, as data. What people read is written by whoever runs the build.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use record::OddAction;
use serde::Serialize;

use super::Finished;

/// The outcome of a build.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Built {
    /// Whether the data set is finished, and if not, why.
    pub status: Status,
    /// The output directory.
    pub out: PathBuf,
    /// The manifest, if the data set is finished.
    #[serde(skip)]
    pub manifest: Option<PathBuf>,
    /// Records in the finished shards.
    pub records: u64,
    /// Bytes of the finished shards.
    pub bytes: u64,
    /// How many shards are finished.
    pub shards: u64,
    /// How many there will be.
    pub shards_planned: u64,
    /// How many of them an earlier run had finished.
    pub shards_kept: u64,
    /// Odd files, stored as they are.
    pub kept: OddCounts,
    /// Damaged files that were kept, with [`OnBad::Repair`](crate::OnBad::Repair).
    pub repaired: OddCounts,
    /// Bad files that were left out.
    pub skipped: OddCounts,
    /// The files that the build failed for, with [`OnBad::Fail`](crate::OnBad::Fail).
    pub bad: Vec<BadFile>,
    /// How much of ImageNet the source holds, in a sentence.
    pub source: String,
    /// The splits that were built.
    #[serde(skip)]
    pub splits: Vec<String>,
}

/// How a build ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Status {
    /// There was nothing to do: the data set was finished before.
    Complete,
    /// The data set is finished.
    Built,
    /// There are bad files. Shards without any are finished.
    Failed,
    /// The stop flag was set.
    Interrupted,
}

/// A file that cannot be packed as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BadFile {
    /// The split that it belongs to.
    pub split: String,
    /// Its key.
    pub key: String,
    /// What is wrong with it.
    pub cause: String,
    /// Whether [`OnBad::Repair`](crate::OnBad::Repair) would keep it.
    pub repairable: bool,
}

/// Odd files that were treated alike. Its `Display` lists the reasons, the most frequent first.
#[derive(Debug, Default, Serialize)]
#[non_exhaustive]
pub struct OddCounts {
    /// How many there are.
    pub files: u64,
    /// By what is odd; a file with two oddities counts under both.
    pub by_reason: BTreeMap<String, u64>,
}

impl Built {
    pub(super) fn of_shards(status: Status, out: &Path, finished: &[Finished]) -> Self {
        let sum = |of: fn(&Finished) -> u64| finished.iter().map(of).sum();
        let counts = |action| OddCounts::of(finished, action);
        Self {
            status,
            out: out.to_owned(),
            manifest: None,
            records: sum(|shard| shard.summary.records),
            bytes: sum(|shard| shard.summary.bytes),
            shards: finished.len() as u64,
            shards_planned: 0,
            shards_kept: 0,
            kept: counts(OddAction::Kept),
            repaired: counts(OddAction::Repaired),
            skipped: counts(OddAction::Skipped),
            bad: Vec::new(),
            source: String::new(),
            splits: Vec::new(),
        }
    }
}

impl OddCounts {
    fn of(finished: &[Finished], action: OddAction) -> Self {
        let mut counts = Self::default();
        let odd = finished.iter().flat_map(|shard| &shard.note.odd);
        for file in odd.filter(|file| file.action == action) {
            counts.files += 1;
            // Oddities are a list; for a fault the first words are enough.
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
}

impl fmt::Display for OddCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut reasons: Vec<_> = self.by_reason.iter().collect();
        reasons.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        let parts: Vec<_> = reasons
            .into_iter()
            .map(|(reason, count)| format!("{count} {reason}"))
            .collect();
        f.write_str(&parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use record::{OddFile, ShardSummary};

    use super::*;
    use crate::note::Note;

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
        let kept = OddCounts::of(&shards, OddAction::Kept);
        assert_eq!(kept.files, 2);
        assert_eq!(kept.to_string(), "2 gray, 1 progressive");
        let skipped = OddCounts::of(&shards, OddAction::Skipped);
        assert_eq!(skipped.to_string(), "1 the file is empty");
    }
}
