//! The `make-images` binary: writes a small set of JPEGs that a network learns within minutes.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::Parser;
use cli::exit::Exit;
use cli::{exit, output};
use made_images::{CLASSES, MadeSet, write_odd_files};

/// Make a small image set: OUT/train/CLASS/*.JPEG and OUT/val/CLASS/*.JPEG
///
/// Each class is a pattern of two random colours: blobs, checker, rings, solid, stripes. The same
/// arguments give the same files.
#[derive(Debug, Parser)]
#[command(name = "make-images", version)]
struct Args {
    /// The folder to write
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// Number of classes
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=CLASSES.len() as i64))]
    classes: u8,

    /// Training images per class
    #[arg(long, default_value_t = 200)]
    train: usize,

    /// Validation images per class
    #[arg(long, default_value_t = 40)]
    val: usize,

    /// Shortest side in pixels
    #[arg(long, default_value_t = 128)]
    smallest: u32,

    /// Longest side in pixels
    #[arg(long, default_value_t = 224)]
    largest: u32,

    /// Seed of all random choices
    #[arg(long, default_value_t = 42)]
    seed: u64,

    /// Add unusual files to the first training class (progressive, gray, CMYK, PNG named .JPEG, rotated,
    /// with restart markers) and broken ones (truncated, empty)
    #[arg(long)]
    odd: bool,
}

fn main() -> ExitCode {
    exit::end(run(&Args::parse()))
}

fn run(args: &Args) -> Result<Exit> {
    ensure!(
        (1..=args.largest).contains(&args.smallest),
        "--smallest must be at least 1 and at most --largest"
    );
    let set = MadeSet {
        classes: usize::from(args.classes),
        train: args.train,
        val: args.val,
        sides: (args.smallest, args.largest),
        seed: args.seed,
    };
    set.write(&args.out)?;
    if args.odd {
        write_odd_files(&args.out.join("train").join(CLASSES[0]), 0, args.seed)?;
    }
    let images = set.classes * (set.train + set.val) + if args.odd { 8 } else { 0 };
    output::print(&format!(
        "{images} files of {} classes in {}",
        set.classes,
        args.out.display()
    ))?;
    Ok(Exit::Ok)
}
