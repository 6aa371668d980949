//! How one image is stored in a record, and how a region of it comes back.
//!
//! The crate knows pixels and image files and nothing else: no shards, no paths, no labels.
//! * [`sniff`] tells from the bytes alone what an image file is and what is odd about it.
//! * [`Decoder`] turns a stored payload, or just a rectangle of it, into RGB pixels or planes.
//! * [`EncodeOptions`] and [`encode_jpeg`] make JPEG files.
//!
//! An [`Encoding`] names how the payload of a record came from the source file: [`pack`] makes it,
//! [`unpack`] gives the file back. `jpeg` knows JPEG itself, `encodings` has a folder for each encoding with the
//! same five functions, and one table that chooses between them. `encodings` uses `jpeg`, never the reverse.
#![deny(unsafe_code)]

mod decoded;
mod decoder;
mod encoding;
mod encodings;
mod error;
mod jpeg;
mod kind;
mod png;
mod sniff;
mod store;

pub use decoded::{Decoded, Native};
pub use decoder::{Decoder, Health};
pub use encoding::Encoding;
pub use encodings::pixels::{PixelCompression, PixelOptions, PixelPacker, PixelsInfo};
pub use encodings::recoded::{TableTrainer, Tables};
pub use encodings::transcoded::{Originals, transcode};
pub use error::{CodecError, Unsupported};
pub use jpeg::encode::{EncodeOptions, JpegColor, Restart, Sampling, encode_jpeg};
pub use kind::{Kind, MAX_PIXELS};
pub use pixels::{Level, LevelKind, Plane, Planes, Region};
pub use sniff::{ImageFile, ImageInfo, Oddity, sniff};
pub use store::{gives_source, image_size, pack, pack_file, pack_with, unpack, unpack_with};
