//! `shard convert`: the same images in another lossless encoding, shard by shard, into a new directory. The
//! source files are not needed: every encoding gives them back.

use std::{
    borrow::Cow,
    fs,
    io::{Write, stdout},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use anyhow::{Context, Result, bail};
use codec::{Encoding, PixelOptions, PixelPacker, TableTrainer, Tables};
use record::{
    Dataset, Io, MANIFEST_FILE, Manifest, NewRecord, Shard, ShardSummary, ShardWriter, Split,
    SplitInfo, TablesSummary,
};
use serde_json::{Value, json};

use crate::{
    Exit,
    args::{ConvertArgs, TablesFrom, pixels_told},
    build::{note::Note, tables::SAMPLE},
    parallel,
    progress::Progress,
    text,
};

pub(crate) fn run(args: &ConvertArgs, quiet: bool) -> Result<Exit> {
    let started = Instant::now();
    let dataset = Dataset::open(&args.dataset)?;
    let manifest = dataset.manifest();
    let to = Encoding::from(args.to);
    if let Some(from) = args.from.map(Encoding::from)
        && manifest.encoding != from.to_string()
    {
        bail!(
            "{}: its encoding is {}, not {from}",
            args.dataset.display(),
            manifest.encoding
        );
    }
    if args.out.join(MANIFEST_FILE).exists() {
        bail!(
            "{}: there is a data set already; give --out another directory",
            args.out.display()
        );
    }
    fs::create_dir_all(&args.out)
        .with_context(|| format!("cannot create {}", args.out.display()))?;
    let splits = manifest.splits.keys();
    let splits = splits.map(|name| dataset.split(name, Io::Map));
    let splits = splits.collect::<Result<Vec<_>, _>>()?;
    let from = Tables::of_dataset(dataset.tables()?.as_deref())?;
    let with = match (to, args.tables) {
        (Encoding::Recoded, TablesFrom::Trained) => Some(train(&splits, &from, quiet)?),
        (Encoding::Recoded, TablesFrom::Builtin) => Some(Tables::builtin()?),
        _ => None,
    };
    let job = Job {
        out: &args.out,
        from,
        to,
        with: with.clone(),
        pixels: (to == Encoding::Pixels).then(|| args.pixels.options()),
        progress: Progress::new("convert", splits.iter().map(Split::len).sum(), quiet),
    };
    let shards: Vec<&Shard> = splits.iter().flat_map(Split::shards).collect();
    let finished = Mutex::new(Vec::new());
    let convert = |(): &mut (), number: usize| {
        if let Some(shard) = shards.get(number) {
            let summary = job.shard(shard)?;
            let mut finished = finished.lock().unwrap_or_else(PoisonError::into_inner);
            finished.push((number, summary));
        }
        Ok::<_, anyhow::Error>(())
    };
    let threads = parallel::threads(args.threads);
    let result = parallel::for_each(threads, shards.len(), || Ok(()), convert);
    job.progress.finish();
    result?;
    let mut finished = finished
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    finished.sort_by_key(|&(number, _)| number);
    let summaries = finished.into_iter().map(|(_, summary)| summary).collect();
    let mut converted = converted(manifest, to, with.as_deref(), &splits, summaries);
    if let Some(options) = job.pixels {
        let told = pixels_told(options, "all");
        converted.options.insert("pixels".to_owned(), told);
    }
    if let Some(tables) = &with {
        TablesSummary::write(&args.out, tables.as_bytes())?;
    }
    converted.write(&args.out)?;
    if !quiet {
        let bytes = |manifest: &Manifest| manifest.splits.values().map(|split| split.bytes).sum();
        writeln!(
            stdout().lock(),
            "{}: {} as {to}, {} (was {}), {}",
            args.out.display(),
            text::count(splits.iter().map(Split::len).sum(), "record"),
            text::bytes(bytes(&converted)),
            text::bytes(bytes(manifest)),
            text::seconds(started.elapsed().as_secs_f64())
        )?;
    }
    Ok(Exit::Ok)
}

struct Job<'a> {
    out: &'a Path,
    from: Arc<Tables>,
    to: Encoding,
    with: Option<Arc<Tables>>,
    /// How pixels are stored, if that is what is made.
    pixels: Option<PixelOptions>,
    progress: Progress,
}

impl Job<'_> {
    /// Converts a shard, unless an earlier run has done so.
    fn shard(&self, shard: &Shard) -> Result<ShardSummary> {
        let summary = shard.summary();
        let path = self.out.join(&summary.file);
        let note = self.note(shard);
        if let Ok(there) = Shard::open(&path, Io::Map)
            && there.note() == note
            && there.verify().is_ok()
        {
            self.progress.add(summary.records, summary.bytes);
            return Ok(there.summary());
        }
        let mut writer = ShardWriter::create(&path)?;
        let mut scratch = Vec::new();
        let mut packer = self.pixels.map(PixelPacker::new).transpose()?;
        for number in 0..shard.len() {
            let payload = shard.bytes(number, &mut scratch)?;
            shard.check(number, payload)?;
            let entry = shard.entry(number).context("a record has no entry")?;
            let key = shard.key(number).unwrap_or_default();
            let (encoding, stored) = self
                .record(entry.encoding, payload, packer.as_mut())
                .with_context(|| format!("{}: record {number}, {key}", shard.path().display()))?;
            let record = NewRecord {
                key,
                label: entry.label,
                width: entry.width,
                height: entry.height,
                encoding: encoding.to_tag(),
            };
            writer.push(&record, &stored)?;
            self.progress.add(1, u64::from(entry.length));
        }
        Ok(writer.finish(&note)?)
    }

    /// The payload of a record in the new encoding, or as near to it as its kind allows.
    fn record(
        &self,
        tag: u8,
        payload: &[u8],
        packer: Option<&mut PixelPacker>,
    ) -> Result<(Encoding, Vec<u8>)> {
        let encoding = Encoding::from_tag(tag)?;
        let has_file = codec::gives_source(encoding, payload)?;
        let is_near = encoding == Encoding::Transcoded && packer.is_none();
        if self.to != Encoding::Source && (is_near || !has_file) {
            // As near as its kind allows already, or all there is.
            return Ok((encoding, payload.to_vec()));
        }
        let file = codec::unpack_with(encoding, payload, &self.from)?;
        if let Some(Ok(pixels)) = packer.map(|packer| packer.pack(&file)) {
            return Ok((Encoding::Pixels, pixels));
        }
        let (encoding, stored) = match &self.with {
            Some(tables) => codec::pack_with(&file, self.to, tables),
            None => codec::pack(&file, self.to),
        };
        let stored = match stored {
            Cow::Owned(stored) => stored,
            Cow::Borrowed(same) => same.to_vec(),
        };
        Ok((encoding, stored))
    }

    /// What tells a later run that a shard is the one that it would make itself.
    fn note(&self, shard: &Shard) -> Vec<u8> {
        let tables = self.with.as_ref().map_or(0, |tables| tables.id());
        let was = shard.summary().hash;
        let old = Note::parse(shard.note());
        let note = Note {
            plan: match self.pixels {
                Some(pixels) => format!("converted {was:016x} {pixels:?}"),
                None => format!("converted {was:016x} {} {tables:08x}", self.to),
            },
            on_bad: old.as_ref().and_then(|note| note.on_bad),
            odd: old.map(|note| note.odd).unwrap_or_default(),
        };
        serde_json::to_vec(&note).unwrap_or_default()
    }
}

/// Trains tables on records spread evenly over all splits.
fn train(splits: &[Split], from: &Tables, quiet: bool) -> Result<Arc<Tables>> {
    let all: u64 = splits.iter().map(Split::len).sum();
    let count = all.min(SAMPLE as u64);
    let progress = Progress::new("train tables", count, quiet);
    let mut trainer = TableTrainer::new();
    let mut scratch = Vec::new();
    for i in 0..count {
        let mut record = i * all / count;
        for split in splits {
            if record >= split.len() {
                record -= split.len();
                continue;
            }
            let payload = split.bytes(record, &mut scratch)?;
            split.check(record, payload)?;
            let tag = split.entry(record).map_or(0, |entry| entry.encoding);
            let file = codec::unpack_with(Encoding::from_tag(tag)?, payload, from)?;
            trainer.add(&file);
            progress.add(1, file.len() as u64);
            break;
        }
    }
    progress.finish();
    Ok(Arc::new(trainer.finish()?))
}

/// The manifest of the new data set, whose shards come in the order of the splits.
fn converted(
    old: &Manifest,
    to: Encoding,
    tables: Option<&Tables>,
    splits: &[Split],
    summaries: Vec<ShardSummary>,
) -> Manifest {
    let mut manifest = old.clone();
    manifest.encoding = to.to_string();
    manifest.tables = tables.map(|tables| TablesSummary::of(tables.as_bytes()));
    let from = json!(old.encoding);
    manifest.options.insert("converted_from".to_owned(), from);
    // Records whose files are at hand are pixels no longer; the others stay so.
    let kept = |pixels: &Value| pixels["originals"] == "kept";
    if manifest.options.get("pixels").is_some_and(kept) {
        manifest.options.remove("pixels");
    }
    let mut summaries = summaries.into_iter();
    for split in splits {
        let own = summaries.by_ref().take(split.shards().len()).collect();
        if let Some(info) = manifest.splits.get_mut(split.name()) {
            *info = SplitInfo::new(info.layout.clone(), own);
        }
    }
    manifest
}
