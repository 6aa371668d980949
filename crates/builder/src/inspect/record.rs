//! One record: what index and manifest say about it, whether it is intact, and what its image is.

use std::fmt;

use codec::{Encoding, ImageInfo, PixelsInfo, Tables};
use record::{Manifest, RecordError, Shard, Split};
use serde::{Serialize, Serializer};

/// What a record holds.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct RecordView {
    /// Its number in the split or shard.
    pub record: u64,
    /// Its key.
    pub key: String,
    /// Its label.
    pub label: u32,
    /// What people call its class; absent without a manifest.
    pub class: Option<String>,
    /// Its class's WordNet synset id; absent without a manifest.
    pub synset: Option<String>,
    /// Width of the image in pixels.
    pub width: u32,
    /// Height of the image in pixels.
    pub height: u32,
    /// Bytes of the payload.
    pub bytes: u32,
    /// The payload's hash as the index says, as 16 hexadecimal digits.
    pub hash: String,
    /// Whether the payload has that hash.
    pub intact: bool,
    /// The encoding's name, or why it has none.
    pub encoding: String,
    /// The shard's file.
    pub shard: String,
    /// Its number in the shard.
    pub record_in_shard: usize,
    /// Where the payload starts in the shard, in bytes.
    pub offset: u64,
    /// What the image's own header says. In JSON, a sentence.
    pub image: Image,
}

/// What an image's own header says.
#[derive(Debug)]
#[non_exhaustive]
pub enum Image {
    /// It is a file.
    File(ImageInfo),
    /// It is stored as pixels.
    Pixels(PixelsInfo),
    /// It cannot be read, and why.
    Unreadable(String),
}

impl RecordView {
    /// Record `record` of a split, counted from 0.
    ///
    /// # Errors
    /// If there is no such record, or it cannot be read. Damage is not an error: see [`RecordView::intact`].
    pub fn in_split(split: &Split, record: u64, manifest: &Manifest) -> Result<Self, RecordError> {
        let Some((shard, number)) = split.locate(record) else {
            return Err(no_such_record(split.name().to_owned(), record, split.len()));
        };
        let view = Self::read(shard, number, split.tables())?;
        let class = manifest.classes.get(view.label as usize);
        let name = class.map(|class| class.names.first().unwrap_or(&class.synset));
        Ok(Self {
            record,
            class: name.cloned(),
            synset: class.map(|class| class.synset.clone()),
            ..view
        })
    }

    /// Record `record` of a shard file, counted from 0. A record that needs the data set's symbol tables is shown
    /// without its image.
    ///
    /// # Errors
    /// If there is no such record, or it cannot be read.
    pub fn in_shard(shard: &Shard, record: u64) -> Result<Self, RecordError> {
        let number = usize::try_from(record).unwrap_or(usize::MAX);
        Self::read(shard, number, None)
    }

    fn read(shard: &Shard, number: usize, tables: Option<&[u8]>) -> Result<Self, RecordError> {
        let mut scratch = Vec::new();
        let bytes = shard.bytes(number, &mut scratch)?;
        let place = || shard.path().display().to_string();
        let entry = shard
            .entry(number)
            .ok_or_else(|| no_such_record(place(), number as u64, shard.len() as u64))?;
        Ok(Self {
            record: number as u64,
            key: shard.key(number).unwrap_or_default().to_owned(),
            label: entry.label,
            class: None,
            synset: None,
            width: entry.width,
            height: entry.height,
            bytes: entry.length,
            hash: format!("{:016x}", entry.hash),
            intact: shard.check(number, bytes).is_ok(),
            encoding: Encoding::from_tag(entry.encoding)
                .map_or_else(|error| error.to_string(), |encoding| encoding.to_string()),
            shard: place(),
            record_in_shard: number,
            offset: entry.offset,
            image: Image::of(entry.encoding, bytes, tables),
        })
    }
}

impl Image {
    fn of(tag: u8, bytes: &[u8], tables: Option<&[u8]>) -> Self {
        let read = || {
            let encoding = Encoding::from_tag(tag)?;
            if encoding == Encoding::Pixels {
                return PixelsInfo::of(bytes).map(Self::Pixels);
            }
            let tables = Tables::of_dataset(tables)?;
            let file = codec::unpack_with(encoding, bytes, &tables)?;
            codec::sniff(&file).map(Self::File)
        };
        read().unwrap_or_else(|error| Self::Unreadable(error.to_string()))
    }
}

impl Serialize for Image {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(info) => f.write_str(&file_words(info)),
            Self::Pixels(info) => f.write_str(&pixel_words(info)),
            Self::Unreadable(why) => f.write_str(why),
        }
    }
}

fn file_words(info: &ImageInfo) -> String {
    let plural = if info.components == 1 { "" } else { "s" };
    let factors = info.factors.iter().take(usize::from(info.components));
    let factors: Vec<_> = factors.map(|(h, v)| format!("{h}x{v}")).collect();
    let mut words = vec![
        format!("{} of {} x {}", info.kind, info.width, info.height),
        format!("{} component{plural}", info.components),
        format!("sampling {}", factors.join(" ")),
    ];
    words.extend(info.oddities.iter().map(ToString::to_string));
    words.join(", ")
}

fn pixel_words(info: &PixelsInfo) -> String {
    let chroma = match info.ratio {
        (1, 1) => String::new(),
        (across, down) => format!(", {across} x {down} luma samples for each chroma sample"),
    };
    let form = match info.compressed {
        true => "compressed",
        false => "plain",
    };
    let original = match info.original {
        0 => "the source file is not here".to_owned(),
        bytes => format!("source file of {bytes} bytes behind them"),
    };
    format!(
        "pixels of {} x {}, {}{chroma}, {form} ({} bytes); {original}",
        info.width, info.height, info.colour, info.stored
    )
}

fn no_such_record(place: String, record: u64, records: u64) -> RecordError {
    RecordError::NoSuchRecord {
        place,
        record,
        records,
    }
}
