//! What images decode to, and the buffers for it.

use crate::{CodecError, Planes, Region};

/// Pixels of an image, in the decoder's buffer or in the payload.
#[derive(Debug)]
pub struct Decoded<'a> {
    /// Width and height of the whole image.
    pub image: (u32, u32),
    /// The part of the image that `pixels` holds. It covers at least the region that was asked for.
    pub region: Region,
    /// Bytes from one row to the next.
    pub stride: usize,
    /// Interleaved RGB, eight bits per sample, rows from top to bottom.
    pub pixels: &'a [u8],
    /// libjpeg-turbo's warning, if it decoded the file with one. For example, the file may be truncated and its missing
    /// rows gray. Only faults within or before the region are noticed.
    pub warning: Option<String>,
}

/// The form of the image that takes the least work to decode.
#[derive(Debug)]
pub enum Native<'a> {
    /// Interleaved pixels.
    Rgb(Decoded<'a>),
    /// The planes of a JPEG, not upsampled and not converted.
    Planes(Planes<'a>),
}

/// A buffer that grew beyond this is freed when the next image needs no more than it.
const KEEP: usize = 64 << 20;

/// The first `length` bytes of `buffer`, which grows if needed. Their contents are unspecified.
pub(crate) fn grow(buffer: &mut Vec<u8>, length: usize) -> Result<&mut [u8], CodecError> {
    if buffer.len() > KEEP && length <= KEEP {
        *buffer = Vec::new();
    }
    if let Some(missing @ 1..) = length.checked_sub(buffer.len()) {
        buffer
            .try_reserve_exact(missing)
            .map_err(|_| CodecError::OutOfMemory { bytes: length })?;
        buffer.resize(length, 0);
    }
    Ok(&mut buffer[..length])
}
