//! Shows what is at a path: `cargo run --release -p imshard-imagenet --example survey -- PATH [LABELS]`.
//! With `--read` it also reads every sample in order and times that.

#![forbid(unsafe_code)]

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use imshard_imagenet::{OpenOptions, Progress, Source};

fn main() -> Result<(), Box<dyn Error>> {
    let (flags, paths): (Vec<String>, Vec<String>) = std::env::args()
        .skip(1)
        .partition(|arg| arg.starts_with("--"));
    let path = paths
        .first()
        .ok_or("usage: survey PATH [LABELS] [--read]")?;

    let mut hook = |at: Progress| {
        eprint!(
            "\r{}: {} samples, {:.0} %",
            at.split,
            at.samples,
            100.0 * at.fraction
        );
    };
    let mut options = OpenOptions::new().progress(&mut hook);
    if let Some(labels) = paths.get(1) {
        options = options.labels(labels);
    }
    let begun = Instant::now();
    let source = options.open(Path::new(path))?;
    eprintln!();

    println!(
        "{}\n{}\nscanned in {:.3} s",
        source.describe(),
        source.coverage(),
        begun.elapsed().as_secs_f64()
    );
    for ignored in source.ignored() {
        println!("ignored: {}: {}", ignored.path.display(), ignored.reason);
    }
    if flags.iter().any(|flag| flag == "--read") {
        read_all(source.as_ref())?;
    }
    Ok(())
}

fn read_all(source: &dyn Source) -> Result<(), Box<dyn Error>> {
    let (begun, mut bytes, mut total) = (Instant::now(), Vec::new(), 0);
    for (split, found) in source.splits().iter().enumerate() {
        for index in 0..found.samples.len() {
            source.read(split, index, &mut bytes)?;
            total += bytes.len();
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "read {total} bytes in {seconds:.3} s, {:.0} MB/s",
        total as f64 / 1e6 / seconds
    );
    Ok(())
}
