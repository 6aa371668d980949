//! Re-coded records and the tables that they were made with, either of which may be anything.
//!
//! Input: u16 length of the tables (0: the built-in ones), the region's x, y, width and height as u16, tables
//! without their first eight bytes, record without the number of its tables. What is left out is supplied, so
//! that nothing is refused for it.
#![no_main]

use std::sync::Arc;

use codec::{Decoder, Encoding, Level, Native, Plane, Region, Tables, unpack_with};
use libfuzzer_sys::fuzz_target;

/// Larger images only make a run slow.
const MOST_PIXELS: u32 = 1 << 20;
const MAGIC: &[u8; 8] = b"recoded\x02";

fuzz_target!(|data: &[u8]| {
    let Some((head, rest)) = data.split_first_chunk::<10>() else {
        return;
    };
    let [length, x, y, width, height] =
        [0, 2, 4, 6, 8].map(|at| u32::from(u16::from_le_bytes([head[at], head[at + 1]])));
    let Some((stored, rest)) = rest.split_at_checked(length as usize) else {
        return;
    };
    let tables = match length {
        0 => Tables::builtin(),
        _ => Tables::parse(&[MAGIC, stored].concat()).map(Arc::new),
    };
    let Ok(tables) = tables else {
        return;
    };
    let again = Tables::parse(tables.as_bytes()).map(|tables| tables.id());
    assert_eq!(
        again,
        Ok(tables.id()),
        "tables that were read are read again"
    );

    let record = [&tables.id().to_le_bytes(), rest].concat();
    let side = |at: usize| {
        let bytes = record.get(at..).and_then(|rest| rest.first_chunk());
        bytes.map_or(0, |bytes| u32::from(u16::from_le_bytes(*bytes)))
    };
    if side(4) * side(6) > MOST_PIXELS {
        return;
    }
    let part = Region {
        x,
        y,
        width,
        height,
    };
    let file = unpack_with(Encoding::Recoded, &record, &tables);
    for region in [Some(part), None] {
        let mut results = Level::available().iter().map(|&level| {
            let mut decoder = Decoder::with_level(level).ok()?.with_tables(tables.clone());
            let native = decoder.decode_native(Encoding::Recoded, &record, region);
            Some(native.map(samples).map_err(|error| error.to_string()))
        });
        let first = results.next();
        assert!(results.all(|other| Some(other) == first), "levels differ");
        if file.is_ok() && region.is_none() {
            assert!(
                first.flatten().is_some_and(|planes| planes.is_ok()),
                "a record that gives its file decodes"
            );
        }
        if let Ok(decoder) = Decoder::new() {
            let mut decoder = decoder.with_tables(tables.clone());
            let _ = decoder.decode(Encoding::Recoded, &record, region);
        }
    }
    // What came back is a file of some encoding; packed anew, it comes back again.
    if let Ok(file) = file {
        let (encoding, payload) = codec::pack_with(&file, Encoding::Recoded, &tables);
        let back = unpack_with(encoding, &payload, &tables);
        assert!(
            back.is_ok_and(|back| back == file),
            "it comes back once more"
        );
    }
});

/// All samples that a decode gave, and where they belong.
fn samples(native: Native<'_>) -> Vec<(Region, Vec<u8>)> {
    let Native::Planes(planes) = native else {
        return Vec::new();
    };
    let planes = std::iter::once(planes.luma).chain(planes.chroma.into_iter().flatten());
    let of = |plane: Plane<'_>| {
        let (width, height) = (plane.region.width as usize, plane.region.height as usize);
        let rows = plane.data.chunks(plane.stride).take(height);
        let samples = rows.flat_map(|row| &row[..width]).copied().collect();
        (plane.region, samples)
    };
    planes.map(of).collect()
}
