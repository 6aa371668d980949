//! One record as `shard inspect --record` shows it.

use anyhow::{Context, Result};
use codec::{Encoding, PixelsInfo, Tables};
use record::{Manifest, Shard, Split};
use serde::Serialize;

use crate::{cmd::class_name, text};

/// What index, manifest and the image's own header say of a record.
#[derive(Serialize)]
pub(crate) struct RecordView {
    record: u64,
    key: String,
    label: u32,
    /// Known where there is a manifest.
    class: Option<String>,
    synset: Option<String>,
    width: u32,
    height: u32,
    bytes: u32,
    hash: String,
    /// Whether the bytes have that hash.
    intact: bool,
    encoding: String,
    shard: String,
    record_in_shard: usize,
    offset: u64,
    /// What the image's header says, or why it says nothing.
    image: String,
}

impl RecordView {
    pub(crate) fn in_split(split: &Split, record: u64, manifest: &Manifest) -> Result<Self> {
        match split.locate(record) {
            Some((shard, number)) => {
                let view = Self::in_shard(shard, number as u64, Some(manifest), split.tables())?;
                Ok(Self { record, ..view })
            }
            // The error says how many there are.
            None => split
                .bytes(record, &mut Vec::new())
                .map_err(Into::into)
                .and_then(|_| anyhow::bail!("no record {record}")),
        }
    }

    pub(crate) fn in_shard(
        shard: &Shard,
        record: u64,
        manifest: Option<&Manifest>,
        tables: Option<&[u8]>,
    ) -> Result<Self> {
        let number = usize::try_from(record)?;
        let mut scratch = Vec::new();
        let bytes = shard.bytes(number, &mut scratch)?;
        let entry = shard.entry(number).context("the record has no entry")?;
        let class = manifest.and_then(|manifest| manifest.classes.get(entry.label as usize));
        Ok(Self {
            record,
            key: shard.key(number).unwrap_or_default().to_owned(),
            label: entry.label,
            class: manifest
                .and_then(|manifest| class_name(manifest, entry.label))
                .map(ToOwned::to_owned),
            synset: class.map(|class| class.synset.clone()),
            width: entry.width,
            height: entry.height,
            bytes: entry.length,
            hash: format!("{:016x}", entry.hash),
            intact: shard.check(number, bytes).is_ok(),
            encoding: Encoding::from_tag(entry.encoding)
                .map_or_else(|error| error.to_string(), |encoding| encoding.to_string()),
            shard: shard.path().display().to_string(),
            record_in_shard: number,
            offset: entry.offset,
            image: describe(entry.encoding, bytes, tables),
        })
    }

    pub(crate) fn text(&self) -> String {
        let class = match (&self.class, &self.synset) {
            (Some(class), Some(synset)) if class != synset => format!(" ({synset}, {class})"),
            (Some(class), _) => format!(" ({class})"),
            _ => String::new(),
        };
        let intact = match self.intact {
            true => "the bytes match it",
            false => "THE BYTES DO NOT MATCH IT: the record is damaged",
        };
        format!(
            "record    {}\nkey       {}\nlabel     {}{class}\nsize      {} x {} px, {} ({} bytes)\n\
             image     {}\nencoding  {}\nhash      {}: {intact}\nplace     {}, record {}, offset {}\n",
            self.record,
            self.key,
            self.label,
            self.width,
            self.height,
            text::bytes(u64::from(self.bytes)),
            self.bytes,
            self.image,
            self.encoding,
            self.hash,
            self.shard,
            self.record_in_shard,
            self.offset
        )
    }
}

fn describe(encoding: u8, bytes: &[u8], tables: Option<&[u8]>) -> String {
    if encoding == Encoding::Pixels.to_tag() {
        return PixelsInfo::of(bytes).map_or_else(|error| error.to_string(), describe_pixels);
    }
    let file = Tables::of_dataset(tables).and_then(|tables| {
        let encoding = Encoding::from_tag(encoding)?;
        codec::unpack_with(encoding, bytes, &tables)
    });
    match file.and_then(|file| codec::sniff(&file)) {
        Err(error) => error.to_string(),
        Ok(info) => {
            let factors = info.factors.iter().take(usize::from(info.components));
            let factors: Vec<_> = factors.map(|(h, v)| format!("{h}x{v}")).collect();
            let mut words = vec![
                format!("{} of {} x {}", info.kind, info.width, info.height),
                text::count(u64::from(info.components), "component"),
                format!("sampling {}", factors.join(" ")),
            ];
            words.extend(info.oddities.iter().map(ToString::to_string));
            words.join(", ")
        }
    }
}

fn describe_pixels(info: PixelsInfo) -> String {
    let PixelsInfo {
        width,
        height,
        colour,
        ratio: (across, down),
        stored,
        ..
    } = info;
    let chroma = match (across, down) {
        (1, 1) => String::new(),
        _ => format!(", {across} x {down} luma samples for one of chroma"),
    };
    let form = match info.compressed {
        true => "compressed",
        false => "plain",
    };
    let original = match info.original {
        0 => "the source file is not here".to_owned(),
        bytes => format!("source file of {} behind them", text::bytes(bytes as u64)),
    };
    format!(
        "pixels of {width} x {height}, {colour}{chroma}, {form} ({}); {original}",
        text::bytes(stored as u64)
    )
}
