//! Crop, antialiased bilinear resampling, mirroring and YCbCr -> RGB in one pass over the rows. Goes from a decoder's
//! planes to interleaved pixels, without an image in between.
//!
//! For training, where speed matters most. Weights have 7 bits and chroma is enlarged by the same filter, so the result
//! differs by about a level from [`Resampler`](crate::Resampler) on the decoder's RGB. To reproduce a published number
//! to the last digit, use that one.
//!
//! # What is computed
//! Everything is computed in integers, so it is the same on every machine and at every [`Level`]:
//! 1. `axis`: the weights of Pillow's antialiased triangle, whole numbers that add up to 128.
//! 2. Across, each needed row once: (64 + sum of weights x samples) >> 7.
//! 3. Down, with 16 bits per value and without rounding: sum of weights x (sample - 128).
//! 4. `colour`: JFIF's conversion of those sums, rounded once.
//!
//! Only luma in the crop counts, as in torchvision's crop-then-resize, and only the chroma samples of such luma,
//! however much more the views hold. So the result depends only on the image and the crop.

mod axis;
mod blend;
mod colour;
mod columns;
mod cut;
mod error;
mod line;
// Only vector kernels read picks, and so far only x86-64 has such kernels.
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
mod picks;
mod scalar;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

use axis::{Axis, Span};
use blend::Blend;
use columns::Columns;
use cut::Cut;
pub use error::FusedError;
use line::{Line, Ring};

use crate::{Level, Planes, Region, RgbView, rgb8};

/// Makes training crops. Make one per thread: it keeps its weight tables and rows, so it allocates nothing once it has
/// met the largest crop.
#[derive(Debug)]
pub struct FusedResampler {
    level: Level,
    luma: Stage,
    chroma: Stage,
    /// Copies of rows whose memory ends right behind them, or the planes of an interleaved row.
    spare: [Vec<u8>; 3],
}

impl Default for FusedResampler {
    fn default() -> Self {
        Self::new()
    }
}

impl FusedResampler {
    /// Uses the best level of this processor.
    #[must_use]
    pub fn new() -> Self {
        Self::with_level(Level::best())
    }

    /// Uses `level`. The bytes do not depend on it.
    #[must_use]
    pub fn with_level(level: Level) -> Self {
        FusedResampler {
            level,
            luma: Stage::default(),
            chroma: Stage::default(),
            spare: Default::default(),
        }
    }

    /// Scales `crop`, in luma samples of the whole image, to `width` x `height` pixels of `out` (R, G, B bytes
    /// interleaved, no padding), mirrored left to right if `flip` is set.
    ///
    /// # Errors
    /// [`FusedError::NotCovered`] or [`FusedError::ShortPlane`] when `source` lacks samples of the crop;
    /// [`FusedError::OutputLength`] unless `out` has 3 x `width` x `height` bytes; [`FusedError::Size`] or
    /// [`FusedError::Ratio`] for sides and ratios of 0, or beyond any image.
    pub fn run(
        &mut self,
        source: &Planes<'_>,
        crop: Region,
        width: u32,
        height: u32,
        flip: bool,
        out: &mut [u8],
    ) -> Result<(), FusedError> {
        let level = self.level;
        let frame = Frame::new(crop, (width, height), flip, out.len())?;
        let luma = Cut::of(source.luma, "luma", frame.needed((1, 1)))?;
        let Some([cb, cr]) = source.chroma else {
            self.luma.prepare(level, &frame, (1, 1), 1);
            for (y, out) in frame.rows(out) {
                self.luma.feed(level, y, &[luma], &mut self.spare[0]);
                Blend::Gray(self.luma.ring.plane(0)).run(level, out);
            }
            return Ok(());
        };
        let ratio = checked_ratio(source.ratio)?;
        let needed = frame.needed(ratio);
        let planes = [luma, Cut::of(cb, "Cb", needed)?, Cut::of(cr, "Cr", needed)?];
        if ratio == (1, 1) {
            self.luma.prepare(level, &frame, ratio, 3);
            for (y, out) in frame.rows(out) {
                self.luma.feed(level, y, &planes, &mut self.spare[0]);
                let ring = &self.luma.ring;
                Blend::Ycc(ring.plane(0), [ring.plane(1), ring.plane(2)]).run(level, out);
            }
        } else {
            self.luma.prepare(level, &frame, (1, 1), 1);
            self.chroma.prepare(level, &frame, ratio, 2);
            for (y, out) in frame.rows(out) {
                self.luma.feed(level, y, &planes[..1], &mut self.spare[0]);
                self.chroma.feed(level, y, &planes[1..], &mut self.spare[0]);
                let (luma, chroma) = (&self.luma.ring, &self.chroma.ring);
                Blend::Ycc(luma.plane(0), [chroma.plane(0), chroma.plane(1)]).run(level, out);
            }
        }
        Ok(())
    }

    /// Like [`FusedResampler::run`], from pixels that are RGB already.
    ///
    /// # Errors
    /// As [`FusedResampler::run`].
    pub fn run_rgb(
        &mut self,
        source: &RgbView<'_>,
        crop: Region,
        width: u32,
        height: u32,
        flip: bool,
        out: &mut [u8],
    ) -> Result<(), FusedError> {
        let frame = Frame::new(crop, (width, height), flip, out.len())?;
        if !source.region().contains(&crop) {
            return Err(FusedError::NotCovered {
                plane: "RGB",
                needed: crop,
                available: source.region(),
            });
        }
        let level = self.level;
        let Stage {
            columns,
            rows,
            ring,
        } = self.luma.prepare(level, &frame, (1, 1), 3);
        for plane in &mut self.spare {
            plane.resize(columns.reach().next_multiple_of(Line::LEN), 0);
        }
        for (y, out) in frame.rows(out) {
            for row in ring.aim(rows, y) {
                let row_pixels = source.row(crop.x, crop.y + row as u32, crop.width);
                let planes = self.spare.each_mut().map(Vec::as_mut_slice);
                rgb8::split(level, row_pixels, planes);
                for (plane, samples) in self.spare.iter().enumerate() {
                    columns.run(level, samples, ring.slot(plane, row));
                }
            }
            Blend::Rgb([ring.plane(0), ring.plane(1), ring.plane(2)]).run(level, out);
        }
        Ok(())
    }
}

/// The tables and rows for planes of one size.
#[derive(Debug, Default)]
struct Stage {
    columns: Columns,
    rows: Axis,
    ring: Ring,
}

impl Stage {
    /// Computes the tables, and empties the ring.
    fn prepare(
        &mut self,
        level: Level,
        frame: &Frame,
        ratio: (u32, u32),
        planes: usize,
    ) -> &mut Self {
        self.columns.build(level, &frame.across(ratio.0));
        columns::fill(level, &mut self.rows, &frame.down(ratio.1));
        self.ring.reset(&self.rows, frame.output.0 as usize, planes);
        self
    }

    /// Puts the rows of `planes` that output row `y` needs into the ring.
    fn feed(&mut self, level: Level, y: usize, planes: &[Cut<'_>], spare: &mut Vec<u8>) {
        let reach = self.columns.reach();
        for row in self.ring.aim(&self.rows, y) {
            for (plane, cut) in planes.iter().enumerate() {
                let samples = cut.row(row, reach, spare);
                self.columns.run(level, samples, self.ring.slot(plane, row));
            }
        }
    }
}

/// A checked crop and its output size.
struct Frame {
    crop: Region,
    output: (u32, u32),
    flip: bool,
}

impl Frame {
    fn new(crop: Region, output: (u32, u32), flip: bool, bytes: usize) -> Result<Self, FusedError> {
        let most = Span::MOST;
        let sides = [
            ("the crop", crop.width, crop.height),
            ("the output", output.0, output.1),
        ];
        for (what, width, height) in sides {
            if !(1..=most).contains(&width) || !(1..=most).contains(&height) {
                return Err(FusedError::Size {
                    what,
                    width,
                    height,
                    most,
                });
            }
        }
        let expected = (3 * output.0 as usize).saturating_mul(output.1 as usize);
        if bytes != expected {
            return Err(FusedError::OutputLength {
                expected,
                actual: bytes,
            });
        }
        Ok(Frame { crop, output, flip })
    }

    /// The rows of the output.
    fn rows<'o>(&self, out: &'o mut [u8]) -> impl Iterator<Item = (usize, &'o mut [u8])> + use<'o> {
        out.chunks_exact_mut(3 * self.output.0 as usize).enumerate()
    }

    fn across(&self, ratio: u32) -> Span {
        Span {
            begin: self.crop.x,
            extent: self.crop.width,
            ratio,
            outputs: self.output.0,
            reversed: self.flip,
        }
    }

    fn down(&self, ratio: u32) -> Span {
        Span {
            begin: self.crop.y,
            extent: self.crop.height,
            ratio,
            outputs: self.output.1,
            reversed: false,
        }
    }

    /// The samples that a plane must contain.
    fn needed(&self, ratio: (u32, u32)) -> Region {
        let (x, width) = self.across(ratio.0).samples();
        let (y, height) = self.down(ratio.1).samples();
        Region {
            x,
            y,
            width,
            height,
        }
    }
}

fn checked_ratio((across, down): (u32, u32)) -> Result<(u32, u32), FusedError> {
    // A JPEG component has at most four blocks for each block of another.
    let most = 4;
    if (1..=most).contains(&across) && (1..=most).contains(&down) {
        Ok((across, down))
    } else {
        Err(FusedError::Ratio { across, down, most })
    }
}

#[cfg(test)]
mod tests;
