//! One shard while it is written: takes samples in any order, stores them in the order of the plan, and decides
//! what happens to bad ones.

use std::collections::BTreeMap;
use std::path::Path;

use codec::Encoding;
use imagenet::Sample;
use record::{NewRecord, OddAction, OddFile, RecordError, ShardWriter};

use crate::build::{BadFile, Finished};
use crate::note::Note;
use crate::options::OnBad;
use crate::plan::{ShardPlan, SplitPlan};

use super::encode::Encoder;
use super::examine::{Examiner, Finding};
use super::{EncodeError, Job};

#[derive(Default)]
pub(super) struct OpenShard {
    /// The position of the sample to store next.
    pub(super) next: usize,
    /// Samples that are ready before their turn, by position.
    pub(super) early: BTreeMap<usize, Ready>,
    writer: Option<ShardWriter>,
    odd: Vec<OddFile>,
    pub(super) bad: Vec<BadFile>,
    pub(super) finished: Option<Finished>,
}

/// A sample that is examined and encoded, and waits to be stored.
pub(super) struct Ready {
    /// The source file.
    pub(super) bytes: Vec<u8>,
    finding: Finding,
    encoding: Encoding,
    /// What is stored, unless that is the file itself.
    payload: Option<Vec<u8>>,
}

impl Ready {
    /// Examines the file of a sample, and encodes it if it is sound.
    pub(super) fn new(
        key: &str,
        bytes: Vec<u8>,
        examiner: &mut Examiner,
        encoder: &mut Encoder<'_>,
    ) -> Result<Self, EncodeError> {
        let (mut encoding, mut payload) = (Encoding::Source, None);
        let (mut finding, file) = examiner.examine(key, &bytes);
        if let (Finding::Good { width, height, .. }, Some(file)) = (&mut finding, file) {
            let encoded = encoder.encode(&file)?;
            (encoding, payload) = (encoded.encoding, encoded.payload);
            if let Some(size) = encoded.scaled_to {
                (*width, *height) = size;
            }
        }
        Ok(Self {
            bytes,
            finding,
            encoding,
            payload,
        })
    }

    /// A sample whose name is not UTF-8. Its file is not read; the buffer goes along.
    pub(super) fn misnamed(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            finding: Finding::misnamed("is not UTF-8"),
            encoding: Encoding::Source,
            payload: None,
        }
    }
}

impl OpenShard {
    /// Stores the sample whose turn it is.
    pub(super) fn store(
        &mut self,
        job: &Job<'_>,
        split: &SplitPlan,
        plan: &ShardPlan,
        sample: &Sample,
        file: &[u8],
        ready: Ready,
    ) -> Result<(), RecordError> {
        let size = self.judge(job.on_bad, &split.name, &sample.key, ready.finding);
        let Some((width, height)) = size.filter(|_| self.bad.is_empty()) else {
            return Ok(());
        };
        let record = NewRecord {
            key: &sample.key,
            label: sample.label,
            width,
            height,
            encoding: ready.encoding.to_tag(),
        };
        let payload = ready.payload.as_deref().unwrap_or(file);
        writer(&mut self.writer, job.out, plan)?.push(&record, payload)
    }

    /// The size of an image that is stored; `None` for one that is not. Notes what was odd about it.
    fn judge(
        &mut self,
        on_bad: OnBad,
        split: &str,
        key: &str,
        finding: Finding,
    ) -> Option<(u32, u32)> {
        let mut odd = |action, reason| {
            self.odd.push(OddFile {
                split: split.to_owned(),
                key: key.to_owned(),
                action,
                reason,
            });
        };
        match finding {
            Finding::Good {
                width,
                height,
                odd: oddity,
            } => {
                if let Some(reason) = oddity {
                    odd(OddAction::Kept, reason);
                }
                Some((width, height))
            }
            Finding::Damaged { cause, .. } | Finding::Unusable { cause }
                if on_bad == OnBad::Skip =>
            {
                odd(OddAction::Skipped, cause);
                None
            }
            Finding::Damaged {
                width,
                height,
                cause,
            } if on_bad == OnBad::Repair => {
                let reason =
                    format!("{cause}; kept unchanged, it decodes to what libjpeg recovers");
                odd(OddAction::Repaired, reason);
                Some((width, height))
            }
            Finding::Unusable { cause } if on_bad == OnBad::Repair => {
                odd(OddAction::Skipped, cause);
                None
            }
            finding @ (Finding::Damaged { .. } | Finding::Unusable { .. }) => {
                self.bad.push(BadFile::new(split, key, finding));
                // This shard cannot be finished. The others can, and the list of bad files should
                // be complete.
                self.writer = None;
                None
            }
        }
    }

    /// Finishes the shard, whose samples are all stored, unless there were bad ones.
    pub(super) fn finish(&mut self, job: &Job<'_>, plan: &ShardPlan) -> Result<(), RecordError> {
        if !self.bad.is_empty() {
            return Ok(());
        }
        writer(&mut self.writer, job.out, plan)?; // all may have been skipped
        let was_bad = |odd: &OddFile| odd.action != OddAction::Kept;
        let note = Note {
            plan: plan.fingerprint.clone(),
            on_bad: self.odd.iter().any(was_bad).then_some(job.on_bad),
            odd: std::mem::take(&mut self.odd),
        };
        if let Some(writer) = self.writer.take() {
            let summary = writer.finish(&note.to_bytes())?;
            self.finished = Some(Finished { summary, note });
        }
        Ok(())
    }
}

impl BadFile {
    fn new(split: &str, key: &str, finding: Finding) -> Self {
        let repairable = matches!(finding, Finding::Damaged { .. });
        let cause = match finding {
            Finding::Damaged { cause, .. } | Finding::Unusable { cause } => cause,
            Finding::Good { .. } => String::new(),
        };
        Self {
            split: split.to_owned(),
            key: key.to_owned(),
            cause,
            repairable,
        }
    }
}

/// The shard's writer; its file appears with the first record.
fn writer<'w>(
    writer: &'w mut Option<ShardWriter>,
    out: &Path,
    plan: &ShardPlan,
) -> Result<&'w mut ShardWriter, RecordError> {
    let open = match writer.take() {
        Some(open) => open,
        None => ShardWriter::create(out.join(&plan.file))?,
    };
    Ok(writer.insert(open))
}
