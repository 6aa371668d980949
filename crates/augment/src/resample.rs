//! Resizes a rectangle of an image: [`Job`] says what to do, [`Resampler`] does it. The filters are in `filter`, the
//! weight tables in `axis`, the arithmetic on rows in `convolve` and `plain`. There is no colour, no float pixels, no
//! alpha.

mod axis;
mod convolve;
mod filter;
#[cfg(target_arch = "x86_64")]
mod picks;
mod plain;

use axis::{Axis, Span};
use convolve::Across;
pub use filter::Filter;

use crate::error::checked;
use crate::{AugmentError, Level, Region, RgbView};

/// One resize: crop first, then scale the crop, then keep a window of the result, then flip.
///
/// Pixels outside the crop are never read, as in torchvision's `resized_crop` (crop, then resize) and unlike Pillow's
/// `resize(box=...)`. The window is cut out of the *scaled* crop, and equals that part of the whole scaled crop bit for
/// bit. Only the pixels that it needs are read and computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    crop: Region,
    scaled: (u32, u32),
    window: Region,
    filter: Filter,
    flip_horizontal: bool,
    flip_vertical: bool,
}

impl Job {
    /// Scales `crop` (in pixels of the image) to `width` x `height` pixels.
    ///
    /// # Errors
    /// [`AugmentError::BadRect`] when either has no pixels.
    pub fn new(
        crop: Region,
        width: u32,
        height: u32,
        filter: Filter,
    ) -> Result<Self, AugmentError> {
        let crop = checked(crop, "crop")?;
        let window = checked(Region::whole(width, height), "output")?;
        Ok(Job {
            crop,
            scaled: (width, height),
            window,
            filter,
            flip_horizontal: false,
            flip_vertical: false,
        })
    }

    /// Keeps only `window` of the scaled crop.
    ///
    /// # Errors
    /// [`AugmentError::WindowOutside`] if it reaches beyond the scaled crop, [`AugmentError::BadRect`] if it is empty.
    pub fn window(self, window: Region) -> Result<Self, AugmentError> {
        let window = checked(window, "window")?;
        let (width, height) = self.scaled;
        if !Region::whole(width, height).contains(&window) {
            return Err(AugmentError::WindowOutside {
                window,
                width,
                height,
            });
        }
        Ok(Job { window, ..self })
    }

    /// Mirrors the result left to right, top to bottom, or both.
    #[must_use]
    pub fn flipped(self, horizontal: bool, vertical: bool) -> Self {
        Job {
            flip_horizontal: horizontal,
            flip_vertical: vertical,
            ..self
        }
    }

    /// The pixels of the image that the job reads: the smallest rectangle that must be decoded.
    #[must_use]
    pub fn source(&self) -> Region {
        let columns = self.columns().support();
        let rows = self.rows().support();
        Region {
            x: self.crop.x + columns.start,
            y: self.crop.y + rows.start,
            width: columns.end - columns.start,
            height: rows.end - rows.start,
        }
    }

    /// Width and height of the result in pixels.
    #[must_use]
    pub fn output_size(&self) -> (u32, u32) {
        (self.window.width, self.window.height)
    }

    /// Width and height of the scaled crop. The result is a window of it.
    #[must_use]
    pub fn scaled_size(&self) -> (u32, u32) {
        self.scaled
    }

    fn columns(&self) -> Span {
        Span {
            filter: self.filter,
            source: self.crop.width,
            scaled: self.scaled.0,
            first: self.window.x,
            count: self.window.width,
        }
    }

    fn rows(&self) -> Span {
        Span {
            filter: self.filter,
            source: self.crop.height,
            scaled: self.scaled.1,
            first: self.window.y,
            count: self.window.height,
        }
    }
}

/// Runs [`Job`]s. Make one per thread: it keeps its weight tables and intermediate rows, so it allocates nothing once
/// it has met the largest job.
///
/// [`Filter::Nearest`], [`Filter::Bilinear`] and [`Filter::Bicubic`] are bit-exact with Pillow up to version 12, which
/// published checkpoints were validated with: first along the rows, then down the columns. (Pillow 13 swaps the passes
/// if the height shrinks by more than twice as many pixels as the width. Those results differ by a level with bilinear
/// and by more with bicubic.) [`Filter::PlainBilinear`] is bit-exact with OpenCV 4 and 5, except for outputs above the
/// centre of the first row or below that of the last, where it may differ by one level.
#[derive(Debug)]
pub struct Resampler {
    level: Level,
    columns: Axis,
    across: Across,
    rows: Axis,
    strip: Vec<u8>,
    wide_strip: Vec<i16>,
}

impl Default for Resampler {
    fn default() -> Self {
        Self::new()
    }
}

impl Resampler {
    /// A resampler that has not allocated anything yet, for the best level of this processor.
    #[must_use]
    pub fn new() -> Self {
        Self::with_level(Level::best())
    }

    /// Uses `level`. The bytes do not depend on it.
    #[must_use]
    pub fn with_level(level: Level) -> Self {
        Resampler {
            level,
            columns: Axis::default(),
            across: Across::default(),
            rows: Axis::default(),
            strip: Vec::new(),
            wide_strip: Vec::new(),
        }
    }

    /// Resamples pixels of `source` into `output`: RGB interleaved, without padding between rows.
    ///
    /// # Errors
    /// [`AugmentError::SourceMissing`] unless `source` covers [`Job::source`];
    /// [`AugmentError::OutputLength`] unless `output` has 3 x width x height bytes of the window.
    pub fn run(
        &mut self,
        source: RgbView<'_>,
        job: &Job,
        output: &mut [u8],
    ) -> Result<(), AugmentError> {
        let needed = job.source();
        if !source.region().contains(&needed) {
            return Err(AugmentError::SourceMissing {
                needed,
                available: source.region(),
            });
        }
        let row_bytes = 3 * job.window.width as usize;
        let expected = row_bytes * job.window.height as usize;
        if output.len() != expected {
            return Err(AugmentError::OutputLength {
                expected,
                actual: output.len(),
            });
        }
        self.columns.build(&job.columns(), job.flip_horizontal);
        self.across
            .prepare(self.level, &self.columns, needed.width as usize);
        self.rows.build(&job.rows(), false);
        let input = Rows { source, needed };
        let output = Lines {
            output,
            row_bytes,
            upside_down: job.flip_vertical,
        };
        match job.filter {
            Filter::PlainBilinear => self.interpolate(&input, output),
            Filter::Nearest | Filter::Bilinear | Filter::Bicubic => self.convolve(&input, output),
        }
        Ok(())
    }

    /// Pillow's two passes: rows become narrow 8-bit rows, which are then blended.
    fn convolve(&mut self, input: &Rows<'_>, mut output: Lines<'_>) {
        let row_bytes = output.row_bytes;
        reserve(&mut self.strip, input.needed.height as usize * row_bytes);
        let mut done = 0;
        for (line, (rows, weights)) in self.rows.outputs().enumerate() {
            for row in rows.start.max(done)..rows.end {
                let narrow = &mut self.strip[row * row_bytes..][..row_bytes];
                self.across
                    .run(self.level, &self.columns, input.row(row), narrow);
            }
            done = done.max(rows.end);
            let strip = &self.strip[rows.start * row_bytes..rows.end * row_bytes];
            convolve::down(self.level, strip, weights, output.line(line));
        }
    }

    /// OpenCV's two passes: rows become narrow rows of 15-bit sums, which are then blended.
    fn interpolate(&mut self, input: &Rows<'_>, mut output: Lines<'_>) {
        let row_values = output.row_bytes;
        reserve(
            &mut self.wide_strip,
            input.needed.height as usize * row_values,
        );
        let mut done = 0;
        for (line, (rows, weights)) in self.rows.outputs().enumerate() {
            for row in rows.start.max(done)..rows.end {
                let narrow = &mut self.wide_strip[row * row_values..][..row_values];
                let row = input.row(row);
                if !self.across.run_wide(self.level, row, narrow) {
                    plain::across(row, &self.columns, narrow);
                }
            }
            done = done.max(rows.end);
            let strip = &self.wide_strip[rows.start * row_values..rows.end * row_values];
            plain::down(self.level, strip, weights, output.line(line));
        }
    }
}

/// The rows of the source that a job reads, counted from its first row.
struct Rows<'a> {
    source: RgbView<'a>,
    needed: Region,
}

impl<'a> Rows<'a> {
    fn row(&self, row: usize) -> &'a [u8] {
        self.source
            .row(self.needed.x, self.needed.y + row as u32, self.needed.width)
    }
}

/// The rows of the output, in the order that they are made.
struct Lines<'a> {
    output: &'a mut [u8],
    row_bytes: usize,
    upside_down: bool,
}

impl Lines<'_> {
    fn line(&mut self, made: usize) -> &mut [u8] {
        let begin = self.row_bytes * made;
        let begin = if self.upside_down {
            self.output.len() - self.row_bytes - begin
        } else {
            begin
        };
        &mut self.output[begin..begin + self.row_bytes]
    }
}

/// Makes room without clearing the contents: every value is written before it is read.
fn reserve<T: Copy + Default>(buffer: &mut Vec<T>, len: usize) {
    if buffer.len() < len {
        buffer.resize(len, T::default());
    }
}

#[cfg(test)]
mod tests;
