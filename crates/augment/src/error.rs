//! What can be wrong with the arguments of this crate. Pixels cannot be wrong: any byte is a valid level.

use crate::Region;

/// An argument that this crate refuses.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AugmentError {
    /// A rectangle without pixels, or one that ends beyond `u32::MAX`.
    #[error("{what} {rect} holds no pixels or is larger than 4294967295 pixels on a side")]
    BadRect {
        /// The purpose of the rectangle.
        what: &'static str,
        /// The rectangle.
        rect: Region,
    },
    /// A rectangle is not inside the image that it should be part of.
    #[error("window {window} is not inside the image of {width}x{height}")]
    WindowOutside {
        /// The window.
        window: Region,
        /// Width of the image.
        width: u32,
        /// Height of the image.
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
        needed: Region,
        /// What the view covers.
        available: Region,
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
        /// The given value.
        value: f64,
        /// The range in words.
        expects: &'static str,
    },
}

/// Accepts regions that hold pixels and whose edges are `u32`s.
pub(crate) fn checked(region: Region, what: &'static str) -> Result<Region, AugmentError> {
    match region.is_valid() {
        true => Ok(region),
        false => Err(AugmentError::BadRect { what, rect: region }),
    }
}

/// Accepts a parameter if `holds`. NaN fails every comparison, so state conditions positively.
pub(crate) fn require(
    holds: bool,
    name: &'static str,
    value: f64,
    expects: &'static str,
) -> Result<(), AugmentError> {
    if holds {
        Ok(())
    } else {
        Err(AugmentError::OutOfRange {
            name,
            value,
            expects,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn refuses_empty_and_overflowing_regions() {
        assert!(checked(Region::whole(0, 1), "crop").is_err());
        let far = Region {
            x: u32::MAX,
            y: 0,
            width: 1,
            height: 1,
        };
        assert_eq!(
            checked(far, "crop").unwrap_err().to_string(),
            "crop 1x1 at (4294967295, 0) holds no pixels or is larger than 4294967295 pixels on a side"
        );
    }
}
