//! How one image is stored in a record, and how to decode a region of it.
//!
//! The crate knows only pixels and image files. It knows nothing of shards, paths or labels.
//! * [`sniff`] tells from the bytes alone what an image file is and what is unusual about it.
//! * [`Decoder`] turns a stored payload, or just a rectangle of it, into RGB pixels or planes.
//! * [`EncodeOptions`] and [`encode_jpeg`] make JPEG files.
//!
//! An [`Encoding`] says how the payload of a record was made from the source file: [`pack`] makes it, [`unpack`]
//! restores the file. `jpeg` handles JPEG itself. `encodings` has a folder for each encoding with the same five
//! functions, and one table that chooses between them. `encodings` uses `jpeg`, never the reverse.
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
