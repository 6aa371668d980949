//! PNG files as RGB, through the `png` crate.
//!
//! ImageNet has one PNG among its 1.3 million files, so this code is correct but not fast. A region costs as much as
//! the whole image.

use std::io::Cursor;

use crate::decoded::{Decoded, grow};
use crate::kind::{Kind, check_size};
use crate::sniff::{ImageInfo, Oddity};
use crate::{CodecError, Region};

/// The first bytes of every PNG file.
pub(crate) const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

type Reader<'a> = png::Reader<Cursor<&'a [u8]>>;

/// The fields of the header (IHDR).
pub(crate) fn info(bytes: &[u8]) -> Result<ImageInfo, CodecError> {
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    let header = decoder
        .read_header_info()
        .map_err(|error| CodecError::Header {
            kind: Kind::Png,
            reason: error.to_string(),
        })?;
    let mut oddities = vec![Oddity::Png];
    match header.color_type {
        png::ColorType::Grayscale => oddities.push(Oddity::Gray),
        png::ColorType::GrayscaleAlpha => oddities.extend([Oddity::Gray, Oddity::Transparency]),
        png::ColorType::Rgba => oddities.push(Oddity::Transparency),
        png::ColorType::Rgb | png::ColorType::Indexed => {}
    }
    if header.bit_depth == png::BitDepth::Sixteen {
        oddities.push(Oddity::SixteenBit);
    }
    Ok(ImageInfo {
        kind: Kind::Png,
        width: header.width,
        height: header.height,
        components: header.color_type.samples() as u8,
        bits: header.bit_depth as u8,
        factors: [(1, 1); 4],
        oddities,
    })
}

/// Decodes the whole image into `pixels` as RGB, with `samples` as scratch space.
///
/// The rules are those of Pillow 13.0's `Image.open(file).convert("RGB")`: alpha and transparent
/// colours are dropped, not blended; palette entries beyond the palette's end are black; 16-bit
/// samples keep their high byte, except that gray alone is cut off at 255 (mode `I;16`).
pub(crate) fn decode<'a>(
    bytes: &[u8],
    region: Option<Region>,
    samples: &mut Vec<u8>,
    pixels: &'a mut Vec<u8>,
) -> Result<Decoded<'a>, CodecError> {
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let (width, height) = decoder.read_header_info().map_err(failed)?.size();
    check_size(Kind::Png, width, height)?;
    let whole = Region::whole(width, height);
    if let Some(region) = region.filter(|region| !region.is_inside(&whole)) {
        return Err(CodecError::Region {
            region,
            width,
            height,
        });
    }
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().map_err(failed)?;
    let samples = grow(
        samples,
        reader
            .output_buffer_size()
            .ok_or(CodecError::TooLarge { width, height })?,
    )?;
    reader.next_frame(samples).map_err(failed)?;
    // `check_size` bounds the product, far below `usize::MAX`.
    let pixels = grow(pixels, width as usize * height as usize * 3)?;
    to_rgb(&reader, samples, pixels);
    Ok(Decoded {
        image: (width, height),
        region: whole,
        stride: width as usize * 3,
        pixels,
        warning: None,
    })
}

/// Takes the colour out of each pixel's samples.
fn to_rgb(reader: &Reader<'_>, samples: &[u8], pixels: &mut [u8]) {
    let (color, depth) = reader.output_color_type();
    let wide = depth == png::BitDepth::Sixteen;
    let plain_gray = reader.info().color_type == png::ColorType::Grayscale;
    let sample = if wide { 2 } else { 1 };
    let is_color = matches!(color, png::ColorType::Rgb | png::ColorType::Rgba);
    for (rgb, stored) in pixels
        .chunks_exact_mut(3)
        .zip(samples.chunks_exact(color.samples() * sample))
    {
        if is_color {
            rgb.copy_from_slice(&[stored[0], stored[sample], stored[2 * sample]]);
        } else if wide && plain_gray && stored[0] > 0 {
            rgb.fill(255);
        } else if wide && plain_gray {
            rgb.fill(stored[1]);
        } else {
            rgb.fill(stored[0]);
        }
    }
}

fn failed(error: png::DecodingError) -> CodecError {
    CodecError::Decode {
        kind: Kind::Png,
        reason: error.to_string(),
    }
}
