//! Payloads of every encoding, as a hostile or damaged shard may hold them.
#![no_main]

use codec::{Decoder, Encoding, Level, Native, PixelsInfo, Plane, Region};
use libfuzzer_sys::fuzz_target;

/// Larger images only make a run slow.
const MOST_PIXELS: u64 = 1 << 20;

fuzz_target!(|data: &[u8]| {
    let Some((head, payload)) = data.split_first_chunk::<9>() else {
        return;
    };
    let Ok(encoding) = Encoding::from_tag(head[0] % 8) else {
        return;
    };
    let [x, y, width, height] =
        [1, 3, 5, 7].map(|at| u32::from(u16::from_le_bytes([head[at], head[at + 1]])));
    let part = Region {
        x,
        y,
        width,
        height,
    };
    let size = match encoding {
        Encoding::Pixels => PixelsInfo::of(payload).map(|info| (info.width, info.height)),
        _ => codec::unpack(encoding, payload)
            .and_then(|file| codec::sniff(&file))
            .map(|info| (info.width, info.height)),
    };
    let small =
        size.is_ok_and(|(width, height)| u64::from(width) * u64::from(height) <= MOST_PIXELS);
    if [Encoding::Source, Encoding::Pixels].contains(&encoding) && !small {
        return;
    }
    if encoding == Encoding::Pixels {
        let _ = codec::unpack(encoding, payload);
    }
    for region in [Some(part), None] {
        let mut results = Level::available().iter().map(|&level| {
            let mut decoder = Decoder::with_level(level).ok()?;
            let native = decoder.decode_native(encoding, payload, region);
            Some(native.map(summary).map_err(|error| error.to_string()))
        });
        let first = results.next();
        assert!(results.all(|other| Some(other) == first), "levels differ");
        if small && let Ok(mut decoder) = Decoder::new() {
            let _ = decoder.decode(encoding, payload, region);
        }
    }
});

/// Everything that a decode gave, for comparison.
fn summary(native: Native<'_>) -> (Vec<u8>, Vec<Region>) {
    let planes = match native {
        Native::Rgb(decoded) => return (decoded.pixels.to_vec(), vec![decoded.region]),
        Native::Planes(planes) => planes,
    };
    let planes: Vec<Plane<'_>> = std::iter::once(planes.luma)
        .chain(planes.chroma.into_iter().flatten())
        .collect();
    let samples = planes.iter().flat_map(|plane| {
        let rows = plane
            .data
            .chunks(plane.stride)
            .take(plane.region.height as usize);
        rows.flat_map(|row| &row[..plane.region.width as usize])
            .copied()
    });
    (
        samples.collect(),
        planes.iter().map(|plane| plane.region).collect(),
    )
}
