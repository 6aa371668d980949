//! Turns planes into RGB pixels exactly as libjpeg-turbo does by default: fancy upsampling (jdsample.c), then the
//! fixed-point colour conversion of jdcolor.c, formula by formula.
//!
//! There is one implementation in plain Rust, compiled once for each instruction level. The loops are simple enough for
//! the compiler to vectorise.

use pixels::dispatch;

use crate::decoded::{Decoded, Native, grow};
use crate::{CodecError, Level, Plane, Planes, Region};

/// Width of the border around a region, in luma pixels, whose chroma samples upsampling reads.
const MARGIN: u32 = 2;

/// `region` with the margin that its upsampling needs, within an image of this size.
pub(crate) fn with_margin(region: Region, image: (u32, u32)) -> Region {
    let grown = |start: u32, length: u32, whole: u32| {
        let first = start.saturating_sub(MARGIN);
        (first, (start + length + MARGIN).min(whole) - first)
    };
    let (x, width) = grown(region.x, region.width, image.0);
    let (y, height) = grown(region.y, region.height, image.1);
    Region {
        x,
        y,
        width,
        height,
    }
}

/// Makes RGB pixels. Keeps its buffers from image to image.
pub(crate) struct Converter {
    level: Level,
    rows: Scratch,
    pixels: Vec<u8>,
}

impl Converter {
    pub(crate) fn new(level: Level) -> Self {
        Converter {
            level,
            rows: Scratch::default(),
            pixels: Vec::new(),
        }
    }

    /// The pixels that libjpeg-turbo would give for `region`, or for the whole image. Planes must cover the region with
    /// its margin. RGB pixels pass through unchanged.
    ///
    /// # Errors
    /// [`CodecError::OutOfMemory`].
    pub(crate) fn rgb<'a>(
        &'a mut self,
        decoded: Native<'a>,
        region: Option<Region>,
    ) -> Result<Decoded<'a>, CodecError> {
        let planes = match decoded {
            Native::Rgb(decoded) => return Ok(decoded),
            Native::Planes(planes) => planes,
        };
        let region = region.unwrap_or(Region::whole(planes.image.0, planes.image.1));
        let count = region.width as usize * region.height as usize * 3;
        let pixels = grow(&mut self.pixels, count)?;
        convert(self.level, &planes, region, &mut self.rows, pixels);
        Ok(Decoded {
            image: planes.image,
            region,
            stride: region.width as usize * 3,
            pixels,
            warning: None,
        })
    }
}

/// Working rows.
#[derive(Default)]
struct Scratch {
    /// One row of sums of two chroma rows, with a neighbour at each end.
    sums: Vec<u16>,
    /// Rows of Cb and Cr at luma's resolution, from an even column on.
    full: [Vec<u8>; 2],
}

dispatch! {
    /// Writes the pixels of `region` to `out`, 3 bytes each, rows without gaps. The planes must cover the region with
    /// its margin.
    fn convert(
        level: Level,
        planes: &Planes<'_>,
        region: Region,
        scratch: &mut Scratch,
        out: &mut [u8],
    ) {
        Avx512 => rows,
        Avx2 => rows,
        _ => rows,
    }
}

#[inline(always)]
fn rows(planes: &Planes<'_>, region: Region, scratch: &mut Scratch, out: &mut [u8]) {
    let (x, width) = (region.x as usize, region.width as usize);
    let lines = out.chunks_exact_mut(width * 3);
    for (y, line) in (region.y as usize..).zip(lines.take(region.height as usize)) {
        let luma = &row(&planes.luma, y)[x - planes.luma.region.x as usize..][..width];
        let Some(chroma) = &planes.chroma else {
            gray(luma, line);
            continue;
        };
        let Scratch { sums, full } = scratch;
        for (plane, full) in chroma.iter().zip(full.iter_mut()) {
            upsample(plane, planes, (x, y, width), sums, full);
        }
        let [cb, cr] = &*full;
        color(luma, &cb[..width], &cr[..width], line);
    }
}

/// `width` samples of a chroma plane at luma's resolution, from (`x`, `y`) on.
#[inline(always)]
fn upsample(
    plane: &Plane<'_>,
    planes: &Planes<'_>,
    (x, y, width): (usize, usize, usize),
    sums: &mut Vec<u16>,
    full: &mut Vec<u8>,
) {
    full.clear();
    let left = plane.region.x as usize;
    let wide = planes.image.0.div_ceil(2) > 2;
    match planes.ratio {
        (1, 1) => full.extend(&row(plane, y)[x - left..][..width]),
        (1, 2) => {
            let (near, far, lower) = two_rows(plane, y);
            let bias = if lower { 2 } else { 1 };
            let pairs = near[x - left..][..width].iter().zip(&far[x - left..]);
            full.extend(
                pairs.map(|(&near, &far)| {
                    ((3 * u16::from(near) + u16::from(far) + bias) >> 2) as u8
                }),
            );
        }
        (2, down @ (1 | 2)) if wide => {
            let (first, count) = (x / 2 - left, (x + width).div_ceil(2) - x / 2);
            full.resize(2 * count, 0);
            if down == 1 {
                let samples = row(plane, y).iter().map(|&sample| u16::from(sample));
                gather(samples, first, count, sums);
                across::<2, 1, 2>(sums, full);
            } else {
                let (near, far, _) = two_rows(plane, y);
                let pairs = near.iter().zip(far);
                let samples = pairs.map(|(&near, &far)| 3 * u16::from(near) + u16::from(far));
                gather(samples, first, count, sums);
                across::<4, 8, 7>(sums, full);
            }
            if x % 2 == 1 {
                full.copy_within(1.., 0);
            }
        }
        // For other ratios, and for images of up to four pixels across, samples are repeated.
        (across, down) => {
            let row = row(plane, y / down as usize);
            let columns = (x..x + width).map(|x| row[x / across as usize - left]);
            full.extend(columns);
        }
    }
}

/// Row `y`, counted in the plane's own rows. Its first sample is that of the plane's region.
#[inline(always)]
fn row<'a>(plane: &Plane<'a>, y: usize) -> &'a [u8] {
    let start = (y - plane.region.y as usize) * plane.stride;
    &plane.data[start..][..plane.region.width as usize]
}

/// The chroma row that holds the image's row `y`, the neighbouring row on its other side, and whether that neighbour is
/// the row below. At the edges of the plane its outermost row replaces the missing one.
#[inline(always)]
fn two_rows<'a>(plane: &Plane<'a>, y: usize) -> (&'a [u8], &'a [u8], bool) {
    let first = plane.region.y as usize;
    let last = first + plane.region.height as usize - 1;
    let (near, lower) = (y / 2, y % 2 == 1);
    let far = match lower {
        true => (near + 1).min(last),
        false => near.saturating_sub(1).max(first),
    };
    (row(plane, near), row(plane, far), lower)
}

/// `count` samples from `first` on, with the neighbour before and after them. At the ends of the plane its outermost
/// sample replaces the missing neighbour.
#[inline(always)]
fn gather(
    samples: impl ExactSizeIterator<Item = u16> + Clone,
    first: usize,
    count: usize,
    sums: &mut Vec<u16>,
) {
    let available = samples.len();
    sums.clear();
    if first == 0 {
        sums.extend(samples.clone().next());
    }
    let from = first.saturating_sub(1);
    let to = (first + count + 1).min(available);
    sums.extend(samples.skip(from).take(to - from));
    if first + count == available {
        sums.extend(sums.last().copied());
    }
}

/// Two pixels for each of `sums` except the outermost: three parts of it and one of the neighbour on the pixel's side,
/// divided by 2^`SHIFT` with these roundings.
#[inline(always)]
fn across<const SHIFT: u32, const LEFT: u16, const RIGHT: u16>(sums: &[u16], full: &mut [u8]) {
    let count = full.len() / 2;
    let (before, own, after) = (&sums[..count], &sums[1..][..count], &sums[2..][..count]);
    let pairs = full.as_chunks_mut::<2>().0;
    for (((pair, &before), &own), &after) in pairs.iter_mut().zip(before).zip(own).zip(after) {
        *pair = [
            ((3 * own + before + LEFT) >> SHIFT) as u8,
            ((3 * own + after + RIGHT) >> SHIFT) as u8,
        ];
    }
}

#[inline(always)]
fn gray(luma: &[u8], out: &mut [u8]) {
    for (pixel, &level) in out.as_chunks_mut::<3>().0.iter_mut().zip(luma) {
        *pixel = [level; 3];
    }
}

/// JFIF's conversion in 16-bit fixed point, as jdcolor.c rounds it.
#[inline(always)]
fn color(luma: &[u8], cb: &[u8], cr: &[u8], out: &mut [u8]) {
    const HALF: i32 = 1 << 15;
    let pixels = out.as_chunks_mut::<3>().0.iter_mut();
    for (((pixel, &luma), &cb), &cr) in pixels.zip(luma).zip(cb).zip(cr) {
        let (luma, cb, cr) = (i32::from(luma), i32::from(cb) - 128, i32::from(cr) - 128);
        let red = luma + ((91_881 * cr + HALF) >> 16);
        let green = luma + ((-22_554 * cb - 46_802 * cr + HALF) >> 16);
        let blue = luma + ((116_130 * cb + HALF) >> 16);
        *pixel = [red, green, blue].map(|level| level.clamp(0, 255) as u8);
    }
}
