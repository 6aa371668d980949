//! Unusual and broken files, as real collections have them among their JPEGs.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use codec::{EncodeOptions, JpegColor, Restart, Sampling};

use crate::{Random, picture};

const SIDES: (u32, u32) = (120, 97);

/// Adds one file of each odd kind to the class folder `folder`, and returns the file names. `odd_*` are unusual but
/// valid, `bad_*` are broken.
///
/// # Errors
/// A file cannot be written. The message names it.
pub fn write_odd_files(folder: &Path, class: usize, seed: u64) -> Result<Vec<String>> {
    let plain = EncodeOptions::new(90, Sampling::S420);
    let jpeg = |options: EncodeOptions| {
        options.encode(&pixels(class, seed, options.color), SIDES.0, SIDES.1)
    };
    let sound = jpeg(plain)?;
    let truncated = sound[..sound.len() / 2].to_vec();
    let files = [
        (
            "odd_progressive",
            jpeg(EncodeOptions {
                progressive: true,
                ..plain
            })?,
        ),
        (
            "odd_gray",
            jpeg(EncodeOptions {
                color: JpegColor::Gray,
                ..plain
            })?,
        ),
        (
            "odd_cmyk",
            jpeg(EncodeOptions {
                color: JpegColor::Cmyk,
                ..plain
            })?,
        ),
        (
            "odd_restart",
            jpeg(EncodeOptions {
                restart: Restart::Rows(1),
                ..plain
            })?,
        ),
        ("odd_rotated", with_orientation(&sound, 6)),
        ("odd_png", png(&pixels(class, seed, JpegColor::Rgb))?),
        ("bad_truncated", truncated),
        ("bad_empty", Vec::new()),
    ];
    let mut names = Vec::new();
    for (name, bytes) in files {
        let path = folder.join(format!("{name}.JPEG"));
        fs::write(&path, bytes).with_context(|| format!("writing {}", path.display()))?;
        names.push(format!("{name}.JPEG"));
    }
    Ok(names)
}

/// RGB pixels, or inverted CMYK ones without black.
fn pixels(class: usize, seed: u64, color: JpegColor) -> Vec<u8> {
    let rgb = picture(class, SIDES.0, SIDES.1, &mut Random::new(&[seed, 77]));
    match color {
        JpegColor::Cmyk | JpegColor::Ycck => rgb
            .chunks_exact(3)
            .flat_map(|p| [p[0], p[1], p[2], 255])
            .collect(),
        _ => rgb,
    }
}

/// The file with an EXIF segment that tells a viewer to rotate it.
fn with_orientation(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    let length = (exif.len() as u16 + 2).to_be_bytes();
    let (start, rest) = jpeg.split_at(2);
    [start, &[0xFF, 0xE1], &length, &exif, rest].concat()
}

fn png(rgb: &[u8]) -> Result<Vec<u8>> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, SIDES.0, SIDES.1);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header()?.write_image_data(rgb)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use codec::{Decoder, Encoding, Health, sniff};

    #[test]
    fn odd_files_are_what_their_names_say() {
        let folder = tempfile::tempdir().unwrap();
        let names = write_odd_files(folder.path(), 1, 5).unwrap();
        assert_eq!(names.len(), 8);
        for name in names {
            let bytes = fs::read(folder.path().join(&name)).unwrap();
            let health = Decoder::new().unwrap().health(Encoding::Source, &bytes);
            assert_eq!(
                health == Health::Clean,
                name.starts_with("odd_"),
                "{name}: {health:?}"
            );
            if name.starts_with("odd_") {
                let oddities = sniff(&bytes).unwrap().oddities;
                assert_eq!(oddities.len(), 1, "{name}: {oddities:?}");
            }
        }
    }
}
