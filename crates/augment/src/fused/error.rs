//! What can be wrong with a request for a fused crop. Samples cannot be wrong: any byte is a valid level.

use crate::Region;

/// A request that the fused resampler refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FusedError {
    /// The crop or the output is empty, or one of its sides is too large for the fixed-point positions.
    #[error("{what} of {width}x{height} pixels: both sides must be between 1 and {most}")]
    Size {
        /// Which of the two.
        what: &'static str,
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// The largest allowed side.
        most: u32,
    },
    /// A chroma sample must stand for whole luma samples.
    #[error("chroma ratio {across}:{down}: both must be between 1 and {most}")]
    Ratio {
        /// Luma samples per chroma sample across.
        across: u32,
        /// Luma samples per chroma sample down.
        down: u32,
        /// The largest allowed ratio.
        most: u32,
    },
    /// The given samples do not cover what the crop needs.
    #[error("the crop needs the {plane} samples {needed}, but the view holds {available}")]
    NotCovered {
        /// Name of the plane.
        plane: &'static str,
        /// Samples that are needed, in coordinates of the component's whole plane.
        needed: Region,
        /// Samples that the view has.
        available: Region,
    },
    /// The slice of a plane is shorter than its size and stride say, or its rows overlap.
    #[error(
        "the {plane} plane of {width}x{height} samples with {stride} bytes a row needs {needed} bytes, but the slice has {actual}"
    )]
    ShortPlane {
        /// Name of the plane.
        plane: &'static str,
        /// Samples per row.
        width: u32,
        /// Rows.
        height: u32,
        /// Bytes from one row to the next.
        stride: usize,
        /// Bytes that are needed.
        needed: usize,
        /// Bytes that are there.
        actual: usize,
    },
    /// The output slice does not have three bytes for each pixel.
    #[error("the result has {expected} bytes, but the output slice has {actual}")]
    OutputLength {
        /// Bytes of the result.
        expected: usize,
        /// Bytes of the slice.
        actual: usize,
    },
}
