//! Row groups, unpacked on demand. A row group (100 or 1000 images, up to about 100 MB) is the smallest unit that
//! parquet can read, so the last few stay in memory and neighbours share them.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use parquet::data_type::ByteArray;

use super::columns::RowFile;
use crate::error::SourceError;

/// The images of one row group.
type Group = Vec<Option<ByteArray>>;
/// Filled by the first thread that needs it, while others that need it wait.
type Slot = Arc<Mutex<Option<Arc<Group>>>>;

/// All row groups of a split.
pub(super) struct Groups {
    files: Vec<RowFile>,
    /// In row order.
    spans: Vec<Span>,
    /// Most recently used last; as many as there are threads to read them, and one.
    recent: Mutex<VecDeque<(usize, Slot)>>,
    capacity: usize,
}

struct Span {
    first_row: usize,
    file: usize,
    group: usize,
}

impl Groups {
    pub(super) fn new(files: Vec<RowFile>) -> Groups {
        let mut spans = Vec::new();
        let mut first_row = 0;
        for (file, rows) in files.iter().enumerate() {
            for (group, &count) in rows.groups.iter().enumerate() {
                spans.push(Span {
                    first_row,
                    file,
                    group,
                });
                first_row += count;
            }
        }
        let capacity = thread::available_parallelism().map_or(1, usize::from) + 1;
        Groups {
            files,
            spans,
            recent: Mutex::default(),
            capacity,
        }
    }

    /// The bytes of row `row`, which the caller has checked to exist.
    pub(super) fn read(
        &self,
        row: usize,
        key: &str,
        into: &mut Vec<u8>,
    ) -> Result<(), SourceError> {
        into.clear();
        let number = self
            .spans
            .partition_point(|span| span.first_row <= row)
            .saturating_sub(1);
        let span = &self.spans[number];
        let group = self.group(number, span)?;
        match group.get(row - span.first_row) {
            Some(Some(bytes)) => {
                into.extend_from_slice(bytes.data());
                Ok(())
            }
            _ => Err(SourceError::Read {
                path: self.files[span.file].path.clone(),
                key: key.to_owned(),
                reason: format!("row {} has no image bytes", row - span.first_row),
            }),
        }
    }

    fn group(&self, number: usize, span: &Span) -> Result<Arc<Group>, SourceError> {
        let slot = self.slot(number);
        // A reader that panicked left the slot empty or complete, never half filled.
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(group) = &*slot {
            return Ok(Arc::clone(group));
        }
        let group = Arc::new(self.files[span.file].read_group(span.group)?);
        *slot = Some(Arc::clone(&group));
        Ok(group)
    }

    fn slot(&self, number: usize) -> Slot {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let found = recent
            .iter()
            .position(|(have, _)| *have == number)
            .and_then(|at| recent.remove(at));
        let (_, slot) = found.unwrap_or_else(|| (number, Slot::default()));
        if recent.len() >= self.capacity {
            recent.pop_front();
        }
        recent.push_back((number, Arc::clone(&slot)));
        slot
    }
}

/// The file that holds a row of a split, and the row's number in it: for messages.
pub(super) fn locate(files: &[RowFile], mut row: usize) -> (&Path, usize) {
    for file in files {
        let rows: usize = file.groups.iter().sum();
        if row < rows {
            return (&file.path, row);
        }
        row -= rows;
    }
    (Path::new(""), row)
}
