//! Packs a folder of class folders into shards, verifies them and exports the images again:
//! `cargo run --example pack_folder PHOTOS SHARDS COPY`
use imshard_builder::{Builder, ExportOptions, OnBad, VerifyOptions, export, silent, verify};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [photos, shards, copy] = &arguments[..] else {
        return Err(
            "give three folders: PHOTOS, with a folder for each class, SHARDS and COPY".into(),
        );
    };
    let built = Builder::from_path(photos)?
        .on_bad(OnBad::Skip)
        .write(shards)?;
    println!(
        "{} images packed, {} left out",
        built.records, built.skipped.files
    );

    let verified = verify(shards, &VerifyOptions::default(), &silent)?;
    println!(
        "{} records verified, {} faults",
        verified.records,
        verified.faults.len()
    );

    let exported = export(shards, copy, &ExportOptions::default(), &silent)?;
    println!("{} files written to {copy}", exported.written);
    Ok(())
}
