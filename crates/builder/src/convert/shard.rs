//! Converts one shard, record by record.

use std::path::Path;
use std::sync::Arc;

use codec::{CodecError, Encoding, PixelOptions, PixelPacker, Tables};
use record::{Io, NewRecord, Shard, ShardSummary, ShardWriter};

use crate::event::Running;
use crate::note::Note;
use crate::storage::pixels_in_notes;

use super::ConvertError;

/// What all shards of a conversion share.
pub(super) struct Conversion<'a> {
    pub(super) out: &'a Path,
    pub(super) to: Encoding,
    pub(super) old_tables: Arc<Tables>,
    pub(super) new_tables: Option<Arc<Tables>>,
    /// How pixels are stored, if the new encoding is pixels.
    pub(super) pixels: Option<PixelOptions>,
    pub(super) running: Running<'a>,
}

impl Conversion<'_> {
    /// Converts a shard, unless an earlier run has done so.
    pub(super) fn shard(&self, shard: &Shard) -> Result<ShardSummary, ConvertError> {
        let summary = shard.summary();
        let path = self.out.join(&summary.file);
        let note = self.note(shard);
        if let Ok(there) = Shard::open(&path, Io::Map)
            && there.note() == note
            && there.verify().is_ok()
        {
            self.running.done(summary.records, summary.bytes);
            return Ok(there.summary());
        }
        let mut writer = ShardWriter::create(&path)?;
        let mut scratch = Vec::new();
        let mut packer = self.pixels.map(PixelPacker::new).transpose()?;
        for (number, entry) in shard.entries().iter().enumerate() {
            let payload = shard.bytes(number, &mut scratch)?;
            shard.check(number, payload)?;
            let key = shard.key(number).unwrap_or_default();
            let converted = self.record(entry.encoding, payload, packer.as_mut());
            let (encoding, stored) = converted.map_err(|cause| ConvertError::Convert {
                shard: shard.path().to_owned(),
                record: number,
                key: key.to_owned(),
                cause,
            })?;
            let record = NewRecord {
                key,
                label: entry.label,
                width: entry.width,
                height: entry.height,
                encoding: encoding.to_tag(),
            };
            writer.push(&record, &stored)?;
            self.running.done(1, u64::from(entry.length));
        }
        Ok(writer.finish(&note)?)
    }

    /// The payload of a record in the new encoding, or the nearest one that takes its kind.
    fn record(
        &self,
        tag: u8,
        payload: &[u8],
        packer: Option<&mut PixelPacker>,
    ) -> Result<(Encoding, Vec<u8>), CodecError> {
        let encoding = Encoding::from_tag(tag)?;
        let has_file = codec::gives_source(encoding, payload)?;
        let is_near = encoding == Encoding::Transcoded && packer.is_none();
        if self.to != Encoding::Source && (is_near || !has_file) {
            // It is the nearest already, or all there is.
            return Ok((encoding, payload.to_vec()));
        }
        let file = codec::unpack_with(encoding, payload, &self.old_tables)?;
        if let Some(Ok(pixels)) = packer.map(|packer| packer.pack(&file)) {
            return Ok((Encoding::Pixels, pixels));
        }
        let (encoding, stored) = match &self.new_tables {
            Some(tables) => codec::pack_with(&file, self.to, tables),
            None => codec::pack(&file, self.to),
        };
        Ok((encoding, stored.into_owned()))
    }

    /// The note that tells a later run that a shard is the one that it would write itself.
    fn note(&self, shard: &Shard) -> Vec<u8> {
        let tables = self.new_tables.as_ref().map_or(0, |tables| tables.id());
        let was = shard.summary().hash;
        let old = Note::parse(shard.note());
        let note = Note {
            plan: match self.pixels {
                Some(pixels) => format!("converted {was:016x} {}", pixels_in_notes(pixels)),
                None => format!("converted {was:016x} {} {tables:08x}", self.to),
            },
            on_bad: old.as_ref().and_then(|note| note.on_bad),
            odd: old.map(|note| note.odd).unwrap_or_default(),
        };
        note.to_bytes()
    }
}
