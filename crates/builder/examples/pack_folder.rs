//! Packs a folder of class folders into shards, verifies them and exports the images again:
//! `cargo run --example pack_folder PHOTOS SHARDS COPY`
use imshard_builder::{Builder, ExportOptions, OnBad, VerifyOptions, export, silent, verify};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [photos, shards, copy] = &arguments[..] else {
        return Err("give three folders: PHOTOS SHARDS COPY".into());
    };
    let builder = Builder::from_path(photos)?.on_bad(OnBad::Skip);
    let built = builder.write(shards)?;
    println!("packed {} images", built.records);

    let verified = verify(shards, &VerifyOptions::default(), &silent)?;
    println!("found {} faults", verified.faults.len());

    let exported = export(shards, copy, &ExportOptions::default(), &silent)?;
    println!("wrote {} files", exported.written);
    Ok(())
}
