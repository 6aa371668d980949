//! Checks one record: its label, its hash, and on request its pixels.

use std::sync::Arc;

use codec::{CodecError, Decoder, Encoding, Health, Tables};
use record::Entry;

use super::{Faults, OpenShard};

/// Checks records, one at a time. Each thread has its own.
pub(super) struct Checker<'a> {
    /// Present if images are decoded.
    decoder: Option<Decoder>,
    tables: &'a Tables,
    scratch: Vec<u8>,
}

/// What is wrong with an image.
enum Problem {
    Warning(String),
    Fault(String),
}

impl<'a> Checker<'a> {
    pub(super) fn new(decode: bool, tables: &'a Arc<Tables>) -> Result<Self, CodecError> {
        let decoder = decode.then(Decoder::new).transpose()?;
        Ok(Self {
            decoder: decoder.map(|decoder| decoder.with_tables(tables.clone())),
            tables,
            scratch: Vec::new(),
        })
    }

    /// Checks one record and returns its length in bytes.
    pub(super) fn check(
        &mut self,
        open: &OpenShard<'_>,
        record: usize,
        faults: &Faults<'_>,
    ) -> u64 {
        let Some(entry) = open.shard.entry(record) else {
            return 0;
        };
        let classes = faults.classes;
        if entry.label as usize >= classes {
            let problem = format!("label {} of {classes} classes", entry.label);
            faults.add(open, Some(record), problem);
        }
        let intact = open
            .shard
            .bytes(record, &mut self.scratch)
            .and_then(|bytes| {
                open.shard.check(record, bytes)?;
                Ok(bytes)
            });
        match (intact, &mut self.decoder) {
            (Err(error), _) => faults.add(open, Some(record), error),
            (Ok(bytes), Some(decoder)) => match decode(decoder, self.tables, entry, bytes) {
                Ok(()) => {}
                Err(Problem::Warning(problem)) => faults.add_warning(open, record, problem),
                Err(Problem::Fault(problem)) => faults.add(open, Some(record), problem),
            },
            (Ok(_), None) => {}
        }
        u64::from(entry.length)
    }
}

fn decode(
    decoder: &mut Decoder,
    tables: &Tables,
    entry: Entry,
    bytes: &[u8],
) -> Result<(), Problem> {
    let fault = |error: CodecError| Problem::Fault(error.to_string());
    let encoding = Encoding::from_tag(entry.encoding).map_err(fault)?;
    let (width, height) = codec::image_size(encoding, bytes, tables).map_err(fault)?;
    if (width, height) != (entry.width, entry.height) {
        return Err(Problem::Fault(format!(
            "the image is {width} x {height} pixels, the index says {} x {}",
            entry.width, entry.height
        )));
    }
    match decoder.health(encoding, bytes) {
        Health::Clean => Ok(()),
        Health::Damaged(warning) => Err(Problem::Warning(format!(
            "decodes only with a warning: {warning}"
        ))),
        Health::Undecodable(error) => Err(fault(error)),
    }
}
