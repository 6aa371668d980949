//! How fast a dataset's split can be loaded, and where the time goes.
//!
//! `cargo run --release -p loader --example throughput -- DATASET [workers] [seconds] [u8|f32]`
//!
//! The images are those of Inception-v4's training: random resized crop to 299 pixels, bilinear,
//! flipped. `shard bench` measures the same with more choices; this shows the loader's use, and its
//! cost without a tool around it: "the ring" is the time of a worker outside of all stages.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use augment::{Filter, Normalize, RandomResizedCrop};
use loader::{Cursor, Loader, LoaderConfig, OnError, Output, Preprocess, Shuffle, Stage};
use record::{Dataset, Io};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |index: usize| arguments.get(index).map(String::as_str);
    let dataset = argument(0).ok_or("usage: throughput DATASET [workers] [seconds] [u8|f32]")?;
    let workers = argument(1).unwrap_or("2").parse()?;
    let duration = Duration::from_secs_f64(argument(2).unwrap_or("5").parse()?);
    let output = match argument(3) {
        Some("f32") => Output::F32Nchw(Normalize::default()),
        _ => Output::U8Nhwc,
    };

    let split = Dataset::open(dataset)?.split("train", Io::Map)?;
    let mut loader = Loader::start(Arc::new(split), inception_training(workers, output))?;
    for _ in 0..loader.steps_per_epoch().min(16) {
        drop(loader.next().transpose()?); // buffers grow, pages are mapped
    }
    let (before, began) = (loader.stats(), Instant::now());
    while began.elapsed() < duration {
        drop(loader.next().transpose()?);
    }
    let stats = loader.stats().since(&before);

    let rate = stats.images_per_second();
    println!(
        "{workers} worker(s): {rate:.0} img/s, {:.0} img/s per worker",
        rate / workers as f64
    );
    let mut accounted = 0.0;
    for stage in Stage::ALL {
        println!(
            "{:>14} {:8.2} us/image",
            stage.name(),
            stats.stage_us(stage)
        );
        accounted += stats.stage_us(stage);
    }
    println!(
        "{:>14} {:8.2} us/image",
        "the ring",
        workers as f64 * 1e6 / rate - accounted
    );
    println!(
        "data wait {:.1} %, binding: {:?}",
        100.0 * stats.data_wait_share(),
        stats.binding()
    );
    Ok(())
}

fn inception_training(workers: usize, output: Output) -> LoaderConfig {
    LoaderConfig {
        batch: 32,
        size: 299,
        rank: 0,
        world: 1,
        workers,
        slots: 4,
        shuffle: Shuffle::Full,
        drop_last: true,
        start: Cursor::start(42),
        epochs: u64::MAX,
        preprocess: Preprocess::Train {
            crop: RandomResizedCrop::default(),
            filter: Filter::Bilinear,
            hflip: 0.5,
            vflip: 0.0,
            jitter: None,
            erase: None,
        },
        decode: loader::Decode::Fast,
        output,
        on_error: OnError::Fail,
    }
}
