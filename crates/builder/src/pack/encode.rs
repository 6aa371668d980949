//! How a sound file becomes a record: scaled first if that was asked for, then stored in the encoding asked for, or
//! the nearest one that takes its kind. Everything here is lossless, except scaling and dropping originals.

use std::borrow::Cow;

use codec::{CodecError, Decoder, Encoding, ImageFile, PixelPacker, Tables};

use crate::storage::Storing;

use super::EncodeError;
use super::scale::{Scaled, Scaler};

/// What is stored of a file.
pub(super) struct Encoded {
    pub(super) encoding: Encoding,
    /// Absent if that is the file itself.
    pub(super) payload: Option<Vec<u8>>,
    /// Width and height, if they are no longer those of the file.
    pub(super) scaled_to: Option<(u32, u32)>,
}

/// Encodes files, one at a time. Each thread has its own.
pub(super) struct Encoder<'a> {
    storing: Storing,
    tables: Option<&'a Tables>,
    /// Present if anything is stored as pixels.
    packer: Option<PixelPacker>,
    /// Present if images are scaled.
    scaler: Option<Scaler>,
}

impl<'a> Encoder<'a> {
    pub(super) fn new(storing: Storing, tables: Option<&'a Tables>) -> Result<Self, CodecError> {
        let pixels = storing.encoding == Encoding::Pixels || storing.odd_as_pixels;
        let packer = pixels.then(|| PixelPacker::new(storing.pixels));
        let scaler = |scale| Ok::<_, CodecError>(Scaler::new(scale, Decoder::new()?));
        Ok(Self {
            storing,
            tables,
            packer: packer.transpose()?,
            scaler: storing.scale.map(scaler).transpose()?,
        })
    }

    /// Encodes a file that was found sound.
    pub(super) fn encode(&mut self, file: &ImageFile<'_>) -> Result<Encoded, EncodeError> {
        if let Some(scaler) = &mut self.scaler
            && let Some(scaled) = scaler.scale(file)?
        {
            return self.encode_scaled(&scaled);
        }
        let (encoding, payload) = self.unscaled(file);
        let payload = match payload {
            Cow::Owned(payload) => Some(payload),
            Cow::Borrowed(_) => None,
        };
        Ok(Encoded {
            encoding,
            payload,
            scaled_to: None,
        })
    }

    fn encode_scaled(&mut self, scaled: &Scaled) -> Result<Encoded, EncodeError> {
        let (encoding, payload) = match &mut self.packer {
            Some(packer) if self.storing.encoding == Encoding::Pixels => {
                let payload = packer.pack_rgb(&scaled.rgb, scaled.size, scaled.sampling)?;
                (Encoding::Pixels, payload)
            }
            _ => {
                let file = scaled.to_jpeg()?;
                let (encoding, payload) = self.unscaled(&ImageFile::read(&file)?);
                (encoding, payload.into_owned())
            }
        };
        Ok(Encoded {
            encoding,
            payload: Some(payload),
            scaled_to: Some(scaled.size),
        })
    }

    fn unscaled<'f>(&mut self, file: &ImageFile<'f>) -> (Encoding, Cow<'f, [u8]>) {
        let (encoding, payload) = self.as_jpeg(file);
        // There is a packer if all files are stored as pixels, or those that are not ordinary JPEGs.
        let packer = self.packer.as_mut();
        if encoding == Encoding::Source
            && let Some(Ok(payload)) = packer.map(|packer| packer.pack_file(file))
        {
            return (Encoding::Pixels, Cow::Owned(payload));
        }
        (encoding, payload)
    }

    /// The file in an encoding for JPEGs if one is wanted and takes it, else verbatim.
    fn as_jpeg<'f>(&self, file: &ImageFile<'f>) -> (Encoding, Cow<'f, [u8]>) {
        if self.storing.encoding == Encoding::Pixels {
            return (Encoding::Source, Cow::Borrowed(file.bytes()));
        }
        let packed = codec::pack_file(file, self.storing.encoding, self.tables);
        match self.storing.transcode {
            Some(originals) if packed.0 == Encoding::Source => {
                match codec::transcode(file.bytes(), originals) {
                    Some(payload) => (Encoding::Transcoded, Cow::Owned(payload)),
                    None => packed,
                }
            }
            _ => packed,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use codec::{
        EncodeOptions, JpegColor, Originals, PixelCompression, PixelOptions, PixelsInfo, Sampling,
    };

    use super::*;
    use crate::storage::Scale;

    const AS_JPEG: Storing = Storing {
        encoding: Encoding::Jpeg,
        transcode: None,
        odd_as_pixels: false,
        pixels: PixelOptions {
            compression: PixelCompression::Stored,
            originals: Originals::Keep,
        },
        scale: None,
    };

    fn picture(width: u32, height: u32) -> Vec<u8> {
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        pixels
            .flat_map(|(x, y)| [(x * 2) as u8, (y * 2) as u8, (x + y) as u8])
            .collect()
    }

    fn options(color: JpegColor) -> EncodeOptions {
        EncodeOptions {
            color,
            progressive: true,
            ..EncodeOptions::new(95, Sampling::S444)
        }
    }

    fn encode(storing: Storing, file: &[u8]) -> Encoded {
        let file = ImageFile::read(file).unwrap();
        Encoder::new(storing, None).unwrap().encode(&file).unwrap()
    }

    #[test]
    fn a_large_image_is_scaled_and_a_small_one_left_alone() {
        let scale = Scale {
            short_side: 48,
            quality: Some(95),
            subsampled: Some(false),
        };
        let storing = Storing {
            scale: Some(scale),
            ..AS_JPEG
        };
        for (color, components) in [(JpegColor::YCbCr, 3), (JpegColor::Gray, 1)] {
            let file = options(color).encode(&picture(120, 96), 120, 96).unwrap();
            let stored = encode(storing, &file);
            assert_eq!(stored.scaled_to, Some((60, 48)));
            assert_eq!(stored.encoding, Encoding::Jpeg);
            let back = codec::unpack(Encoding::Jpeg, &stored.payload.unwrap())
                .unwrap()
                .into_owned();
            let info = codec::sniff(&back).unwrap();
            assert_eq!(
                (info.width, info.height, info.components),
                (60, 48, components)
            );
            // The middle has the colour that it had; red and green are twice the position.
            let mut decoder = Decoder::new().unwrap();
            let decoded = decoder.decode(Encoding::Source, &back, None).unwrap();
            let middle = &decoded.pixels[24 * decoded.stride + 30 * 3..][..3];
            if components == 3 {
                let off = [121, 97, 109]
                    .iter()
                    .zip(middle)
                    .map(|(a, b): (&u8, _)| a.abs_diff(*b));
                assert!(off.max().unwrap() <= 4, "{middle:?}");
            }
        }
        let small = options(JpegColor::YCbCr)
            .encode(&picture(48, 96), 48, 96)
            .unwrap();
        let stored = encode(storing, &small);
        assert!(stored.scaled_to.is_none() && stored.payload.is_none());
    }

    #[test]
    fn pixels_take_every_file_and_keep_the_resolution_of_chroma() {
        let pixels = Storing {
            encoding: Encoding::Pixels,
            ..AS_JPEG
        };
        let scaled = Storing {
            scale: Some(Scale {
                short_side: 48,
                quality: None,
                subsampled: None,
            }),
            ..pixels
        };
        for (sampling, ratio) in [(Sampling::S444, (1, 1)), (Sampling::S420, (2, 2))] {
            let file = EncodeOptions {
                sampling,
                ..options(JpegColor::YCbCr)
            };
            let file = file.encode(&picture(120, 96), 120, 96).unwrap();
            for (storing, size, original) in
                [(pixels, None, file.len()), (scaled, Some((60, 48)), 0)]
            {
                let stored = encode(storing, &file);
                assert_eq!(
                    (stored.encoding, stored.scaled_to),
                    (Encoding::Pixels, size)
                );
                let info = PixelsInfo::of(&stored.payload.unwrap()).unwrap();
                assert_eq!((info.ratio, info.original), (ratio, original));
                assert_eq!((info.width, info.height), size.unwrap_or((120, 96)));
            }
        }
        let odd = Storing {
            odd_as_pixels: true,
            ..AS_JPEG
        };
        let cmyk = options(JpegColor::Cmyk).encode(&[99; 64 * 48 * 4], 64, 48);
        assert_eq!(encode(odd, &cmyk.unwrap()).encoding, Encoding::Pixels);
        let plain = EncodeOptions::new(90, Sampling::S420).encode(&picture(64, 48), 64, 48);
        assert_eq!(encode(odd, &plain.unwrap()).encoding, Encoding::Jpeg);
    }

    #[test]
    fn what_the_encoding_does_not_take_is_transcoded_where_asked() {
        let file = options(JpegColor::YCbCr)
            .encode(&picture(64, 48), 64, 48)
            .unwrap();
        assert_eq!(encode(AS_JPEG, &file).encoding, Encoding::Source);
        for originals in [Originals::Keep, Originals::Drop] {
            let storing = Storing {
                transcode: Some(originals),
                ..AS_JPEG
            };
            let stored = encode(storing, &file);
            assert_eq!(stored.encoding, Encoding::Transcoded);
            let payload = stored.payload.unwrap();
            let kept = codec::gives_source(Encoding::Transcoded, &payload).unwrap();
            assert_eq!(kept, originals == Originals::Keep);
            assert!(kept == (codec::unpack(stored.encoding, &payload).unwrap() == file));
            let cmyk = options(JpegColor::Cmyk)
                .encode(&[99; 64 * 48 * 4], 64, 48)
                .unwrap();
            assert_eq!(encode(storing, &cmyk).encoding, Encoding::Source);
        }
    }
}
