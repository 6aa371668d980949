//! `shard inspect`: shows what a data set, a shard or a record holds, in words or as JSON.

use std::io::{Write, stdout};

use anyhow::Result;
use builder::{ClassView, DatasetView, Histogram, RecordView, ShardView, Sizes};
use indicatif::HumanCount;
use record::{Dataset, Io, OddAction, OddFile, Shard};
use serde::Serialize;
use serde_json::Value;

use crate::args::InspectArgs;
use crate::cmd::default_split;
use crate::{Exit, text};

/// Lines of a list for people; the JSON has them all.
const LIST: usize = 20;

/// Cells of the longest bar of a histogram.
const BAR: usize = 32;

pub(crate) fn run(args: &InspectArgs) -> Result<Exit> {
    match (args.path.is_file(), args.record) {
        (true, None) => print(args.json, &ShardView::new(&args.path)?, shard_text),
        (true, Some(record)) => {
            let shard = Shard::open(&args.path, Io::Map)?;
            print(
                args.json,
                &RecordView::in_shard(&shard, record)?,
                record_text,
            )
        }
        (false, None) => print(args.json, &DatasetView::new(&args.path)?, dataset_text),
        (false, Some(record)) => {
            let dataset = Dataset::open(&args.path)?;
            let name = default_split(dataset.manifest(), args.split.as_deref())?;
            let split = dataset.split(name, Io::Map)?;
            let view = RecordView::in_split(&split, record, dataset.manifest())?;
            print(args.json, &view, record_text)
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

fn dataset_text(view: &DatasetView) -> String {
    let options: Vec<_> = view
        .options
        .iter()
        .map(|(name, value)| format!("{name} {}", plain(value)))
        .collect();
    let mut text = format!(
        "{}: format {}, built by {}\nimages stored as: {}\noptions: {}\n",
        view.dataset,
        view.format,
        view.tool,
        view.encoding,
        options.join(", ")
    );
    for loss in &view.losses {
        text += &format!("{loss}\n");
    }
    for (name, split) in &view.splits {
        text += &format!(
            "\n{name}: {}, {} in {}, from {}\n",
            text::count(split.records, "record"),
            text::bytes(split.bytes),
            text::count(split.shards.len() as u64, "shard"),
            split.layout
        );
        text += &sizes_text(&split.sizes);
    }
    let classes = view.classes.iter().map(class_line);
    text += &format!(
        "\n{} classes:\n{}",
        view.num_classes,
        text::shorten(classes, LIST)
    );
    text + &odd_text(&view.odd)
}

fn class_line(class: &ClassView) -> String {
    let counts: Vec<_> = class
        .records
        .iter()
        .map(|(split, count)| format!("{split} {}", HumanCount(*count)))
        .collect();
    let (names, counts) = (class.names.join(", "), counts.join(", "));
    format!("{:>4} {:<12} {counts}  {names}", class.label, class.synset)
}

fn shard_text(view: &ShardView) -> String {
    let mut text = format!(
        "{}: format {}, {}, {}, hash {:016x}\nfeatures: must understand {:#x}, may ignore {:#x}\n",
        view.file,
        view.format,
        text::count(view.records, "record"),
        text::bytes(view.bytes),
        view.hash,
        view.must_understand,
        view.may_ignore
    );
    if let Some(note) = &view.note {
        text += &format!("plan {}\n", note.plan);
    }
    text += &sizes_text(&view.sizes);
    let labels = view.labels.iter();
    let lines = labels.map(|(label, count)| format!("{label:>4} {:>10}", HumanCount(*count)));
    text += &format!("{} labels:\n{}", lines.len(), text::shorten(lines, LIST));
    let note = view.note.as_ref();
    text + &note.map_or(String::new(), |note| odd_text(&note.odd))
}

fn record_text(view: &RecordView) -> String {
    let class = match (&view.class, &view.synset) {
        (Some(class), Some(synset)) if class != synset => format!(" ({synset}, {class})"),
        (Some(class), _) => format!(" ({class})"),
        _ => String::new(),
    };
    let intact = match view.intact {
        true => "the bytes match it",
        false => "THE BYTES DO NOT MATCH IT: the record is damaged",
    };
    format!(
        "record    {}\nkey       {}\nlabel     {}{class}\nsize      {} x {} px, {} ({} bytes)\n\
         image     {}\nencoding  {}\nhash      {}: {intact}\nplace     {}, record {}, offset {}\n",
        view.record,
        view.key,
        view.label,
        view.width,
        view.height,
        text::bytes(u64::from(view.bytes)),
        view.bytes,
        view.image,
        view.encoding,
        view.hash,
        view.shard,
        view.record_in_shard,
        view.offset
    )
}

fn sizes_text(sizes: &Sizes) -> String {
    let pixels = |value: u64| format!("{value} px");
    histogram_text("width", &sizes.width, pixels)
        + &histogram_text("height", &sizes.height, pixels)
        + &histogram_text("bytes of an image", &sizes.image_bytes, text::bytes)
}

/// A line of words and one with a bar for each range; nothing if there are no values.
fn histogram_text(what: &str, histogram: &Option<Histogram>, unit: fn(u64) -> String) -> String {
    let Some(histogram) = histogram else {
        return String::new();
    };
    let (min, max) = (unit(histogram.min), unit(histogram.max));
    let mean = unit(histogram.mean.round() as u64);
    let counts = histogram.ranges.iter().map(|range| range.count);
    let most = counts.max().unwrap_or(0);
    let mut text = format!("{what}: {min} to {max}, mean {mean}\n");
    for range in &histogram.ranges {
        let from = unit(range.from);
        let sign = if range.to.is_some() { ' ' } else { '+' };
        let count = HumanCount(range.count).to_string();
        let bar = text::bar(range.count, most, BAR);
        text += &format!("  {from:>10}{sign} {count:>10} {bar}\n");
    }
    text
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
            _ => "other",
        };
        format!("{action:<8} {}/{}: {}", odd.split, odd.key, odd.reason)
    });
    let count = text::count(odd.len() as u64, "unusual or bad file");
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
