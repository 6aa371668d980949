//! What can be wrong with the arguments of this crate. Pixels cannot be wrong: any byte is a level.

use crate::CropRect;

/// An argument that this crate refuses.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AugmentError {
    /// A rectangle without pixels, or one that ends beyond `u32::MAX`.
    #[error("{what} {rect} holds no pixels or is larger than 4294967295 pixels on a side")]
    BadRect {
        /// What the rectangle was meant for.
        what: &'static str,
        /// The rectangle.
        rect: CropRect,
    },
    /// The window that was asked for is not inside the resized image.
    #[error("window {window} is not inside the resized image of {width}x{height}")]
    WindowOutside {
        /// The window.
        window: CropRect,
        /// Width of the resized image.
        width: u32,
        /// Height of the resized image.
        height: u32,
    },
    /// A buffer is too short for the pixels that it should hold.
    #[error(
        "{width}x{height} RGB pixels with {stride} bytes a row need {needed} bytes, but the buffer has {actual}"
    )]
    ShortBuffer {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Bytes from one row to the next.
        stride: usize,
        /// Bytes that are needed.
        needed: usize,
        /// Bytes that are there.
        actual: usize,
    },
    /// The resampler needs pixels that the view does not cover.
    #[error(
        "the resampler reads {needed}, but only {available} was decoded; decode `Job::source()`"
    )]
    SourceMissing {
        /// What the job reads.
        needed: CropRect,
        /// What the view covers.
        available: CropRect,
    },
    /// The output slice does not have the length of the result.
    #[error("the result has {expected} values, but the output slice has room for {actual}")]
    OutputLength {
        /// Length that the result has.
        expected: usize,
        /// Length of the slice.
        actual: usize,
    },
    /// A number outside of its range.
    #[error("{name} is {value}; it must be {expects}")]
    OutOfRange {
        /// Name of the parameter.
        name: &'static str,
        /// What was given.
        value: f64,
        /// The range in words.
        expects: &'static str,
    },
}
