//! `shard inspect`: what a data set or a shard holds, told by manifest and indexes alone.

use std::{
    collections::{BTreeMap, HashMap},
    io::{Write, stdout},
    path::Path,
};

use anyhow::Result;
use indicatif::HumanCount;
use record::{Dataset, Io, OddAction, OddFile, Shard};
use serde::Serialize;
use serde_json::Value;

use crate::{
    Exit,
    args::InspectArgs,
    build::note::Note,
    cmd::{default_split, losses, record_view::RecordView},
    histogram::Histogram,
    text,
};

/// Lines of a list for people; the JSON has them all.
const LIST: usize = 20;

pub(crate) fn run(args: &InspectArgs) -> Result<Exit> {
    match (args.path.is_file(), args.record) {
        (true, None) => print(args.json, &ShardView::new(&args.path)?, ShardView::text),
        (true, Some(record)) => {
            let shard = Shard::open(&args.path, Io::Map)?;
            let view = RecordView::in_shard(&shard, record, None, None)?;
            print(args.json, &view, RecordView::text)
        }
        (false, None) => print(args.json, &DatasetView::new(&args.path)?, DatasetView::text),
        (false, Some(record)) => {
            let dataset = Dataset::open(&args.path)?;
            let name = default_split(dataset.manifest(), args.split.as_deref())?;
            let split = dataset.split(name, Io::Map)?;
            let view = RecordView::in_split(&split, record, dataset.manifest())?;
            print(args.json, &view, RecordView::text)
        }
    }
}

fn print<V: Serialize>(json: bool, view: &V, text: impl Fn(&V) -> String) -> Result<Exit> {
    let mut out = stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut out, view)?;
        writeln!(out)?;
    } else {
        out.write_all(text(view).as_bytes())?;
    }
    Ok(Exit::Ok)
}

#[derive(Serialize)]
struct DatasetView {
    dataset: String,
    format: String,
    tool: String,
    encoding: String,
    options: BTreeMap<String, Value>,
    /// What it no longer has of its sources.
    losses: Vec<String>,
    num_classes: usize,
    splits: BTreeMap<String, SplitView>,
    classes: Vec<ClassView>,
    odd: Vec<OddFile>,
}

#[derive(Serialize)]
struct SplitView {
    layout: String,
    records: u64,
    bytes: u64,
    shards: Vec<record::ShardSummary>,
    #[serde(flatten)]
    sizes: Sizes,
}

#[derive(Serialize)]
struct ClassView {
    label: u32,
    synset: String,
    names: Vec<String>,
    /// Records by split.
    records: BTreeMap<String, u64>,
}

#[derive(Serialize)]
struct ShardView {
    file: String,
    format: String,
    records: u64,
    bytes: u64,
    #[serde(serialize_with = "as_hex")]
    hash: u64,
    must_understand: u64,
    may_ignore: u64,
    /// Records by label.
    labels: BTreeMap<u32, u64>,
    #[serde(flatten)]
    sizes: Sizes,
    /// What the builder noted; nothing if another program wrote the shard.
    note: Option<Note>,
}

/// Distributions over the records of a split or shard.
#[derive(Default, Serialize)]
struct Sizes {
    width: Option<Histogram>,
    height: Option<Histogram>,
    image_bytes: Option<Histogram>,
}

impl Sizes {
    fn of<'a>(shards: impl Iterator<Item = &'a Shard> + Clone) -> Self {
        let histogram = |value: fn(&record::Entry) -> u32| {
            let entries = shards.clone().flat_map(Shard::entries);
            Histogram::of(entries.map(|entry| u64::from(value(entry))).collect())
        };
        Self {
            width: histogram(|entry| entry.width),
            height: histogram(|entry| entry.height),
            image_bytes: histogram(|entry| entry.length),
        }
    }

    fn text(&self) -> String {
        let shown = |what, histogram: &Option<Histogram>, unit: fn(u64) -> String| {
            let histogram = histogram.as_ref();
            histogram.map_or(String::new(), |histogram| histogram.text(what, unit))
        };
        let pixels = |value: u64| format!("{value} px");
        shown("width", &self.width, pixels)
            + &shown("height", &self.height, pixels)
            + &shown("bytes of an image", &self.image_bytes, text::bytes)
    }
}

impl DatasetView {
    fn new(dir: &Path) -> Result<Self> {
        let dataset = Dataset::open(dir)?;
        let manifest = dataset.manifest();
        let mut counts: HashMap<u32, BTreeMap<String, u64>> = HashMap::new();
        let mut splits = BTreeMap::new();
        for (name, info) in &manifest.splits {
            let split = dataset.split(name, Io::Map)?;
            for entry in split.shards().iter().flat_map(Shard::entries) {
                *counts
                    .entry(entry.label)
                    .or_default()
                    .entry(name.clone())
                    .or_default() += 1;
            }
            let view = SplitView {
                layout: info.layout.clone(),
                records: info.records,
                bytes: info.bytes,
                shards: info.shards.clone(),
                sizes: Sizes::of(split.shards().iter()),
            };
            splits.insert(name.clone(), view);
        }
        let classes = (0..)
            .zip(&manifest.classes)
            .map(|(label, class)| ClassView {
                label,
                synset: class.synset.clone(),
                names: class.names.clone(),
                records: counts.remove(&label).unwrap_or_default(),
            });
        let classes = classes.collect();
        Ok(Self {
            dataset: dir.display().to_string(),
            format: manifest.format.to_string(),
            tool: manifest.tool.clone(),
            encoding: manifest.encoding.clone(),
            options: manifest.options.clone(),
            losses: losses(manifest),
            num_classes: manifest.classes.len(),
            splits,
            classes,
            odd: manifest.odd.clone(),
        })
    }

    fn text(&self) -> String {
        let options: Vec<_> = self
            .options
            .iter()
            .map(|(name, value)| format!("{name} {}", plain(value)))
            .collect();
        let mut text = format!(
            "{}: format {}, built by {}\nimages stored as: {}\noptions: {}\n",
            self.dataset,
            self.format,
            self.tool,
            self.encoding,
            options.join(", ")
        );
        for loss in &self.losses {
            text += &format!("{loss}\n");
        }
        for (name, split) in &self.splits {
            text += &format!(
                "\n{name}: {}, {} in {}, from {}\n",
                text::count(split.records, "record"),
                text::bytes(split.bytes),
                text::count(split.shards.len() as u64, "shard"),
                split.layout
            );
            text += &split.sizes.text();
        }
        let classes = self.classes.iter().map(ClassView::line);
        text += &format!(
            "\n{} classes:\n{}",
            self.num_classes,
            text::shorten(classes, LIST)
        );
        text + &odd_text(&self.odd)
    }
}

impl ClassView {
    fn line(&self) -> String {
        let counts: Vec<_> = self
            .records
            .iter()
            .map(|(split, count)| format!("{split} {}", HumanCount(*count)))
            .collect();
        let names = self.names.join(", ");
        let ClassView { label, synset, .. } = self;
        format!("{label:>4} {synset:<12} {}  {names}", counts.join(", "))
    }
}

impl ShardView {
    fn new(path: &Path) -> Result<Self> {
        let shard = Shard::open(path, Io::Map)?;
        let (summary, header) = (shard.summary(), shard.header());
        let mut labels = BTreeMap::new();
        for entry in shard.entries() {
            *labels.entry(entry.label).or_default() += 1;
        }
        Ok(Self {
            file: path.display().to_string(),
            format: header.version.to_string(),
            records: summary.records,
            bytes: summary.bytes,
            hash: summary.hash,
            must_understand: header.must_understand,
            may_ignore: header.may_ignore,
            labels,
            sizes: Sizes::of(std::iter::once(&shard)),
            note: Note::parse(shard.note()),
        })
    }

    fn text(&self) -> String {
        let mut text = format!(
            "{}: format {}, {}, {}, hash {:016x}\nfeatures: must understand {:#x}, may ignore {:#x}\n",
            self.file,
            self.format,
            text::count(self.records, "record"),
            text::bytes(self.bytes),
            self.hash,
            self.must_understand,
            self.may_ignore
        );
        if let Some(note) = &self.note {
            text += &format!("plan {}\n", note.plan);
        }
        text += &self.sizes.text();
        let labels = self.labels.iter();
        let lines = labels.map(|(label, count)| format!("{label:>4} {:>10}", HumanCount(*count)));
        text += &format!("{} labels:\n{}", lines.len(), text::shorten(lines, LIST));
        text + &self
            .note
            .as_ref()
            .map_or(String::new(), |note| odd_text(&note.odd))
    }
}

fn odd_text(odd: &[OddFile]) -> String {
    if odd.is_empty() {
        return String::new();
    }
    let lines = odd.iter().map(|odd| {
        let action = match odd.action {
            OddAction::Kept => "kept",
            OddAction::Repaired => "repaired",
            OddAction::Skipped => "skipped",
            _ => "treated otherwise",
        };
        format!("{action:<8} {}/{}: {}", odd.split, odd.key, odd.reason)
    });
    let count = text::count(odd.len() as u64, "odd file");
    format!("\n{count}:\n{}", text::shorten(lines, LIST))
}

/// A JSON value without quotes around plain words.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(map) => {
            let parts: Vec<_> = map
                .iter()
                .map(|(k, v)| format!("{k} {}", plain(v)))
                .collect();
            format!("({})", parts.join(", "))
        }
        other => other.to_string(),
    }
}

fn as_hex<S: serde::Serializer>(hash: &u64, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&format_args!("{hash:016x}"))
}
