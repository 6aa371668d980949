//! What is ours in reading JPEG: the header, the geometry of partial decoding, CMYK.
//!
//! The entropy decoder, the inverse DCT and the colour transform are libjpeg-turbo's.

pub(crate) mod cmyk;
pub(crate) mod crop;
mod exif;
pub(crate) mod header;
