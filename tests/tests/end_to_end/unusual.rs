//! Valid files of unusual kinds and sizes: each comes back byte for byte from every encoding.

use std::fs;
use std::path::Path;

use codec::{EncodeOptions, JpegColor, Restart, Sampling};
use made_images::{Random, picture};

use crate::sandbox::Sandbox;

const PLAIN: EncodeOptions = EncodeOptions::new(90, Sampling::S420);

/// Name, options, width and height of each file.
fn kinds() -> Vec<(&'static str, EncodeOptions, (u32, u32))> {
    let size = (113, 70);
    vec![
        ("baseline", PLAIN, size),
        (
            "progressive",
            EncodeOptions {
                progressive: true,
                ..PLAIN
            },
            size,
        ),
        (
            "arithmetic",
            EncodeOptions {
                arithmetic: true,
                ..PLAIN
            },
            size,
        ),
        (
            "restart",
            EncodeOptions {
                restart: Restart::Mcus(2),
                ..PLAIN
            },
            size,
        ),
        (
            "quarter_chroma",
            EncodeOptions {
                sampling: Sampling::S411,
                ..PLAIN
            },
            size,
        ),
        (
            "cmyk",
            EncodeOptions {
                color: JpegColor::Cmyk,
                ..PLAIN
            },
            size,
        ),
        (
            "ycck",
            EncodeOptions {
                color: JpegColor::Ycck,
                ..PLAIN
            },
            size,
        ),
        (
            "rgb",
            EncodeOptions {
                color: JpegColor::Rgb,
                ..PLAIN
            },
            size,
        ),
        (
            "gray",
            EncodeOptions {
                color: JpegColor::Gray,
                ..PLAIN
            },
            size,
        ),
        ("one_pixel", PLAIN, (1, 1)),
        ("wide", PLAIN, (65_500, 3)),
        ("tall", PLAIN, (2, 65_500)),
    ]
}

fn write_all(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for (name, options, (width, height)) in kinds() {
        let rgb = picture(1, width, height, &mut Random::new(&[3]));
        let pixels = match options.color {
            JpegColor::Cmyk | JpegColor::Ycck => {
                let pixels = rgb.chunks_exact(3);
                pixels.flat_map(|p| [p[0], p[1], p[2], 200]).collect()
            }
            _ => rgb,
        };
        let file = options.encode(&pixels, width, height).unwrap();
        fs::write(folder.join(format!("{name}.JPEG")), file).unwrap();
    }
}

#[test]
fn every_kind_comes_back_from_every_encoding() {
    let sandbox = Sandbox::new();
    write_all(&sandbox.path("raw/train/all"));
    let raw = sandbox.files("raw");
    assert_eq!(raw.len(), kinds().len());
    for (number, options) in [
        "jpeg",
        "jpeg --transcode",
        "jpeg --odd pixels",
        "recoded --tables builtin",
        "source",
        "pixels",
        "pixels --pixels-level stored",
    ]
    .iter()
    .enumerate()
    {
        let (set, back) = (format!("set{number}"), format!("back{number}"));
        sandbox.shard(&format!(
            "build --source raw --out {set} -q --encoding {options}"
        ));
        sandbox
            .shard(&format!("verify {set} --decode"))
            .says(&[": OK: ", "12 records"]);
        sandbox.shard(&format!("export {set} --out {back} -q"));
        for (path, file) in sandbox.files(&back) {
            assert!(raw[&path] == file, "{options}: {}", path.display());
        }
        assert_eq!(sandbox.files(&back).len(), raw.len(), "{options}");
    }
}

#[test]
fn twelve_bits_per_sample_are_refused_by_name() {
    let sandbox = Sandbox::new();
    let folder = sandbox.path("raw/train/all");
    write_all(&folder);
    // The precision in the frame header, as in files of medical cameras.
    let mut file = fs::read(folder.join("baseline.JPEG")).unwrap();
    let frame = file.windows(2).position(|pair| pair == [0xff, 0xc0]);
    let frame = frame.unwrap();
    (file[frame + 1], file[frame + 4]) = (0xc1, 12);
    fs::write(folder.join("twelve.JPEG"), file).unwrap();
    sandbox
        .run("shard", "build --source raw --out set")
        .ends_with(1)
        .says(&["twelve.JPEG: JPEG with 12 bits per sample is not supported"]);
    sandbox
        .shard("build --source raw --out set --on-bad skip")
        .says(&["12 images", "1 bad file left out"]);
}
