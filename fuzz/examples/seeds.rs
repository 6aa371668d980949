//! Fills `fuzz/corpus` with small files of every kind: `cargo run --manifest-path fuzz/Cargo.toml --example seeds`.

use std::error::Error;
use std::fs;
use std::path::Path;

use codec::{
    EncodeOptions, Encoding, JpegColor, Originals, PixelCompression, PixelOptions, PixelPacker,
    Restart, Sampling, TableTrainer,
};
use record::{NewRecord, ShardWriter};

type Seeded = Result<(), Box<dyn Error>>;

fn main() -> Seeded {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let files = files()?;
    for (number, file) in files.iter().enumerate() {
        put(&corpus, "sniff", number, file)?;
        put(&corpus, "round_trip", number, file)?;
        let mut payloads = Vec::new();
        for wanted in [Encoding::Jpeg, Encoding::Recoded, Encoding::Pixels] {
            let (encoding, payload) = codec::pack(file, wanted);
            payloads.push((encoding, payload.into_owned()));
        }
        let transcoded = codec::transcode(file, Originals::Drop);
        payloads.extend(transcoded.map(|payload| (Encoding::Transcoded, payload)));
        let mut plain = PixelPacker::new(PixelOptions {
            compression: PixelCompression::Stored,
            originals: Originals::Drop,
        })?;
        payloads.extend(plain.pack(file).map(|payload| (Encoding::Pixels, payload)));
        for (way, (encoding, payload)) in payloads.into_iter().enumerate() {
            // A tag, and the region 6x5+3+2.
            let head = [encoding.to_tag(), 3, 0, 2, 0, 6, 0, 5, 0];
            put(
                &corpus,
                "payload",
                number * 5 + way,
                &[&head[..], &payload].concat(),
            )?;
        }
    }
    recoded(&corpus, &files)?;
    shards(&corpus, &files)?;
    let manifest = concat!(
        r#"{"format":"1.0","tool":"shard 0.1.0","encoding":"source","options":{"shards":1},"#,
        r#""classes":[{"synset":"n01440764","names":["tench"]}],"splits":{"train":{"layout":"folders","#,
        r#""records":1,"bytes":320,"shards":[{"file":"train-00000-of-00001.shard","records":1,"bytes":320,"#,
        r#""hash":"cff8f522bb7ed775"}]}},"odd":[{"split":"train","key":"a/b.JPEG","action":"kept","reason":"gray"}]}"#
    );
    put(&corpus, "manifest", 0, manifest.as_bytes())
}

/// Small JPEGs of every kind.
fn files() -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
    let mut files = Vec::new();
    for sampling in [
        Sampling::S444,
        Sampling::S422,
        Sampling::S420,
        Sampling::S440,
        Sampling::S411,
    ] {
        for color in [
            JpegColor::YCbCr,
            JpegColor::Gray,
            JpegColor::Rgb,
            JpegColor::Cmyk,
        ] {
            for (progressive, arithmetic, restart) in [
                (false, false, Restart::None),
                (true, false, Restart::None),
                (false, true, Restart::None),
                (false, false, Restart::Mcus(2)),
            ] {
                let options = EncodeOptions {
                    color,
                    progressive,
                    arithmetic,
                    restart,
                    optimize: true,
                    ..EncodeOptions::new(70, sampling)
                };
                let channels = if color == JpegColor::Cmyk { 4 } else { 3 };
                let (width, height) = (37u32, 21u32);
                let pixels: Vec<u8> = (0..width * height * channels)
                    .map(|i| ((i.wrapping_mul(2_654_435_761) >> 27) * (i / 300)) as u8)
                    .collect();
                files.push(options.encode(&pixels, width, height)?);
            }
        }
    }
    // Large and rich enough for the re-coded form to be the smaller one.
    for sampling in [Sampling::S444, Sampling::S420] {
        let pixels: Vec<u8> = (0..160 * 128 * 3u32)
            .map(|i| ((i.wrapping_mul(2_654_435_761) >> 26) + i / 240) as u8)
            .collect();
        files.push(EncodeOptions::new(95, sampling).encode(&pixels, 160, 128)?);
    }
    Ok(files)
}

/// Records with the built-in tables, and with some of their own.
fn recoded(corpus: &Path, files: &[Vec<u8>]) -> Seeded {
    let mut trainer = TableTrainer::new();
    files.iter().for_each(|file| trainer.add(file));
    let own = trainer.finish()?;
    let stored = &own.as_bytes()[8..];
    let mut seeds = 0;
    for file in files {
        for (tables, stored) in [(&*codec::Tables::builtin()?, &[][..]), (&own, stored)] {
            let (Encoding::Recoded, payload) = codec::pack_with(file, Encoding::Recoded, tables)
            else {
                continue;
            };
            let mut seed = u16::try_from(stored.len())?.to_le_bytes().to_vec();
            // The region 60x50+70+20.
            seed.extend([70, 0, 20, 0, 60, 0, 50, 0]);
            seed.extend(stored);
            seed.extend(&payload[4..]);
            put(corpus, "recoded", seeds, &seed)?;
            seeds += 1;
        }
    }
    Ok(())
}

fn shards(corpus: &Path, files: &[Vec<u8>]) -> Seeded {
    let dir = tempfile::tempdir()?;
    for (number, count) in [0, 1, 3].into_iter().enumerate() {
        let path = dir.path().join(format!("train-{number:05}-of-00003.shard"));
        let mut writer = ShardWriter::create(&path)?;
        for (label, file) in files.iter().take(count).enumerate() {
            let record = NewRecord {
                key: &format!("class/{label}.JPEG"),
                label: label as u32,
                width: 37,
                height: 21,
                encoding: 1,
            };
            writer.push(&record, file)?;
        }
        writer.finish(b"{}")?;
        put(corpus, "shard", number, &fs::read(&path)?)?;
    }
    Ok(())
}

fn put(corpus: &Path, target: &str, number: usize, bytes: &[u8]) -> Seeded {
    let dir = corpus.join(target);
    fs::create_dir_all(&dir)?;
    Ok(fs::write(dir.join(format!("seed{number}")), bytes)?)
}
