//! What the encodings make of the JPEGs of a directory tree, in bytes, and how long packing takes:
//! `cargo run --release -p benches --bin tables -- DIR [OUT]`.
//!
//! Tables are trained on every other file, and sizes are reported separately for the files in and out of that half.
//! Every record is unpacked and compared with its file. With OUT, tables trained on all files are written there; the
//! built-in ones were made this way.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use codec::{Encoding, TableTrainer, pack_with, unpack_with};

fn main() -> Result<()> {
    let mut args = std::env::args_os().skip(1);
    let Some(directory) = args.next() else {
        bail!("usage: tables DIR [OUT]");
    };
    let mut files = Vec::new();
    for path in benches::files_below(Path::new(&directory))? {
        let file = std::fs::read(&path).with_context(|| path.display().to_string())?;
        if codec::sniff(&file).is_ok() {
            files.push(file);
        }
    }
    ensure!(files.len() >= 2, "there are no two images below it");
    if let Some(out) = args.next() {
        let mut trainer = TableTrainer::new();
        files.iter().for_each(|file| trainer.add(file));
        std::fs::write(out, trainer.finish()?.as_bytes())?;
    }

    let start = Instant::now();
    let mut trainer = TableTrainer::new();
    files.iter().step_by(2).for_each(|file| trainer.add(file));
    let tables = trainer.finish()?;
    println!(
        "tables: {} bytes, {:.2?} an image",
        tables.as_bytes().len(),
        start.elapsed() / files.len().div_ceil(2) as u32
    );
    println!(
        "encoding | packed in | bytes of files trained on | of the others | of them stored otherwise"
    );
    for wanted in [Encoding::Jpeg, Encoding::Recoded] {
        let start = Instant::now();
        let packed: Vec<_> = files
            .iter()
            .map(|file| pack_with(file, wanted, &tables))
            .collect();
        let each = start.elapsed() / files.len() as u32;
        for (file, (encoding, payload)) in files.iter().zip(&packed) {
            let back = unpack_with(*encoding, payload, &tables)?;
            ensure!(back == *file, "a file did not come back");
        }
        let half = |first: usize| (first..files.len()).step_by(2);
        let share = |first: usize| {
            let source: usize = half(first).map(|i| files[i].len()).sum();
            let stored: usize = half(first).map(|i| packed[i].1.len()).sum();
            stored as f64 / source as f64
        };
        let otherwise = half(1).filter(|&i| packed[i].0 != wanted).count();
        println!(
            "{wanted} | {each:.2?} | {:.4} | {:.4} | {:.1} %",
            share(0),
            share(1),
            otherwise as f64 * 100.0 / half(1).count() as f64
        );
    }
    Ok(())
}
