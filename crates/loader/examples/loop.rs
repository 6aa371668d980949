//! Walks through two epochs of training batches: cargo run --release --example loop -- DATASET
use std::env;

use imshard_loader::{Images, Loader, LoaderConfig, open};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dataset = env::args().nth(1).ok_or("usage: loop DATASET")?;
    let config = LoaderConfig::train(32, 224).with_seed(42).with_epochs(2);
    let mut loader = Loader::start(open(dataset, "train")?, config)?;
    let mut cursor = loader.cursor();
    while let Some(batch) = loader.next() {
        let batch = batch?;
        if let Images::U8(pixels) = batch.images() {
            // One step of training on `pixels`, [batch.len(), 224, 224, 3], and `batch.labels()`.
            let (epoch, step, images) = (batch.epoch(), batch.step(), batch.len());
            println!(
                "epoch {epoch}, step {step}: {images} images, {} bytes",
                pixels.len()
            );
        }
        cursor = batch.next_cursor(); // save it with the weights
    }
    let rate = loader.stats().images_per_second();
    println!("stopped at {cursor:?} after {rate:.0} images/s");
    Ok(())
}
