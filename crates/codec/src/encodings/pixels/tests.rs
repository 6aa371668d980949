//! The filter and its inverse, the levels against one another, and records that were tampered with.
#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::prelude::*;

use super::filter::{self, Residuals, VECTOR};
use super::{PixelCompression, PixelOptions, PixelPacker, Record, colour};
use crate::{CodecError, Decoder, Encoding, Level, Originals, Region, Sampling};

const STORED: PixelCompression = PixelCompression::Stored;

fn packer(compression: PixelCompression) -> PixelPacker {
    let originals = Originals::Drop;
    PixelPacker::new(PixelOptions {
        compression,
        originals,
    })
    .unwrap()
}

fn noise(length: usize, seed: u32) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

proptest! {
    #[test]
    fn the_filter_is_undone_at_every_level(
        width in 1usize..150,
        rows in 0usize..17,
        wanted in 0.0..=1.0f64,
        seed: u32,
    ) {
        let samples = noise(width * rows, seed);
        let mut residuals = Vec::new();
        filter::apply(&samples, width, &mut residuals);
        residuals.extend([0xa5; VECTOR]);
        let wanted = (width as f64 * wanted) as usize;
        let stride = width.next_multiple_of(VECTOR);
        for &level in Level::available() {
            let mut out = vec![0; stride * rows];
            let residuals = Residuals { bytes: &residuals, width, rows };
            filter::undo(level, residuals, wanted, &mut out, stride);
            for row in 0..rows {
                prop_assert_eq!(&out[row * stride..][..wanted], &samples[row * width..][..wanted]);
            }
        }
    }

    #[test]
    fn damage_is_an_error_or_the_same_wrong_pixels_at_every_level(
        compressed: bool,
        sampled: bool,
        damage in prop::collection::vec((0.0..1.0f64, any::<u8>()), 1..6),
        cut in prop::option::of(0.0..1.0f64),
    ) {
        let compression = if compressed { PixelCompression::Zstd(1) } else { STORED };
        let sampling = if sampled { Sampling::S420 } else { Sampling::S444 };
        let rgb: Vec<u8> = (0..61 * 40 * 3).map(|i| (i / 50) as u8).collect();
        let mut record = packer(compression).pack_rgb(&rgb, (61, 40), sampling).unwrap();
        // Half of the faults go into the head and the table, where they do the most damage.
        for (i, (at, value)) in damage.into_iter().enumerate() {
            let most = if i % 2 == 0 { 28 } else { record.len() };
            record[(at * most as f64) as usize] = value;
        }
        if let Some(cut) = cut {
            record.truncate((cut * record.len() as f64) as usize);
        }
        let region = Some(Region { x: 20, y: 17, width: 30, height: 20 });
        for region in [None, region] {
            let mut results = Level::available().iter().map(|&level| {
                let mut decoder = Decoder::with_level(level).unwrap();
                let decoded = decoder.decode(Encoding::Pixels, &record, region);
                decoded.map(|decoded| (decoded.region, decoded.pixels.to_vec()))
            });
            let first = results.next().unwrap();
            for other in results {
                prop_assert_eq!(&other, &first);
            }
        }
    }
}

#[test]
fn colours_come_back_and_grays_are_exact() {
    for level in 0..=255 {
        let [y, cb, cr] = colour::to_ycc(&[level; 3]);
        assert_eq!((y[0], cb[0], cr[0]), (level, 128, 128));
    }
    let rgb = noise(3 * 999, 5);
    let [g, r, b] = colour::split(&rgb);
    let mut merged = vec![0; rgb.len()];
    colour::merge([&g, &r, &b], &mut merged);
    assert_eq!(merged, rgb);
    // libjpeg-turbo's own conversion, on an image that its DCT does not change.
    let red = colour::to_ycc(&[255, 0, 0]);
    assert_eq!(red.map(|plane| plane[0]), [76, 85, 255]);
}

#[test]
fn halving_repeats_the_last_row_and_column() {
    assert_eq!(colour::halve(&[8], 1), [8]);
    assert_eq!(colour::halve(&[0, 4, 9], 3), [2, 9]);
    assert_eq!(colour::halve(&[0, 4, 2, 2, 7, 7], 2), [2, 7]);
    // Halves are rounded down and up in turn.
    assert_eq!(colour::halve(&[0, 1, 0, 1, 0, 1, 0, 1], 4), [0, 1]);
}

#[test]
fn lengths_are_checked_before_anything_is_allocated() {
    let gray: Vec<u8> = (0..64 * 64).flat_map(|i| [(i / 64) as u8; 3]).collect();
    let record = packer(PixelCompression::Zstd(1))
        .pack_rgb(&gray, (64, 64), Sampling::S444)
        .unwrap();
    let refused = |at: usize, bytes: &[u8], words: &str| {
        let mut record = record.clone();
        record[at..at + bytes.len()].copy_from_slice(bytes);
        let mut decoder = Decoder::new().unwrap();
        let error = decoder.decode(Encoding::Pixels, &record, None).unwrap_err();
        assert!(error.to_string().contains(words), "{at}: {error}");
    };
    refused(0, &[0, 0, 0, 0], "no pixels");
    refused(0, &[0, 0, 1, 0, 0, 0, 1, 0], "at most");
    refused(8, &[7], "colour");
    refused(9, &[0x33], "colour");
    refused(10, &[9], "form");
    refused(12, &u32::MAX.to_le_bytes(), "add up");
    // As wide as allowed, with the bytes that one pixel's width takes.
    refused(0, &(1u32 << 21).to_le_bytes(), "too short");
    refused(16, &u32::MAX.to_le_bytes(), "outside");
    assert_eq!(
        Record::parse(&record[..15]).unwrap_err(),
        CodecError::Pixels("its parts do not add up to its length")
    );
}
