//! How a sound file becomes a record: scaled first if that was asked for, then stored as near to what
//! was asked for as its kind allows. Everything here but scaling, and dropping originals, is lossless.

use std::borrow::Cow;

use anyhow::Result;
use augment::{CropRect, Filter, Job, Resampler, RgbView};
use codec::{
    Decoder, EncodeOptions, Encoding, ImageInfo, JpegColor, Kind, Originals, PixelOptions,
    PixelPacker, Sampling, Tables,
};
use serde::Serialize;

/// What was asked for, but for tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Storing {
    pub(crate) encoding: Encoding,
    /// Whether JPEGs that `encoding` does not take are stored in baseline form, and what becomes of
    /// the files themselves.
    pub(crate) transcode: Option<Originals>,
    /// Whether files that neither of these takes are stored as pixels.
    pub(crate) odd_as_pixels: bool,
    /// How pixels are stored where they are.
    pub(crate) pixels: PixelOptions,
    pub(crate) scale: Option<Scale>,
}

/// Scaling at build, which loses what the source had more of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Scale {
    /// Images whose shorter side is longer than this are scaled to it; others stay as they are.
    pub(crate) short_side: u32,
    /// libjpeg's quality of the new files; none where pixels are stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) quality: Option<u8>,
    /// Whether chroma has half of luma's resolution, both ways; if nothing is said, as the source has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subsampled: Option<bool>,
}

/// libjpeg's quality of scaled images if nothing is said.
pub(crate) const QUALITY: u8 = 95;

/// What is stored of a file.
pub(crate) struct Stored {
    pub(crate) encoding: Encoding,
    /// Absent if that is the file itself.
    pub(crate) payload: Option<Vec<u8>>,
    /// Width and height, if they are no longer those of the file.
    pub(crate) scaled_to: Option<(u32, u32)>,
}

/// Stores files, one at a time. One for each thread.
pub(crate) struct Storer<'a> {
    storing: Storing,
    tables: Option<&'a Tables>,
    /// There if anything is stored as pixels.
    packer: Option<PixelPacker>,
    decoder: Decoder,
    resampler: Resampler,
    pixels: Vec<u8>,
}

impl<'a> Storer<'a> {
    pub(crate) fn new(storing: Storing, tables: Option<&'a Tables>) -> Result<Self> {
        let pixels = storing.encoding == Encoding::Pixels || storing.odd_as_pixels;
        let packer = pixels.then(|| PixelPacker::new(storing.pixels));
        Ok(Self {
            storing,
            tables,
            packer: packer.transpose()?,
            decoder: Decoder::new()?,
            resampler: Resampler::new(),
            pixels: Vec::new(),
        })
    }

    /// How a file that was found sound is stored.
    pub(crate) fn store(&mut self, file: &[u8]) -> Result<Stored> {
        if let Some(scale) = self.storing.scale
            && let Some(scaled) = self.scale(file, scale)?
        {
            return Ok(scaled);
        }
        let (encoding, payload) = self.pack(file);
        let payload = match payload {
            Cow::Owned(payload) => Some(payload),
            Cow::Borrowed(_) => None,
        };
        Ok(Stored {
            encoding,
            payload,
            scaled_to: None,
        })
    }

    fn pack<'f>(&mut self, file: &'f [u8]) -> (Encoding, Cow<'f, [u8]>) {
        let (encoding, payload) = self.pack_jpeg(file);
        // A packer is there for the files that are no ordinary JPEGs, or for all.
        let packer = self.packer.as_mut();
        if encoding == Encoding::Source
            && let Some(Ok(payload)) = packer.map(|packer| packer.pack(file))
        {
            return (Encoding::Pixels, Cow::Owned(payload));
        }
        (encoding, payload)
    }

    /// The file in an encoding for JPEGs if it is one that is wanted and takes it, else verbatim.
    fn pack_jpeg<'f>(&self, file: &'f [u8]) -> (Encoding, Cow<'f, [u8]>) {
        if self.storing.encoding == Encoding::Pixels {
            return (Encoding::Source, Cow::Borrowed(file));
        }
        let wanted = self.storing.encoding;
        let packed = match self.tables {
            Some(tables) => codec::pack_with(file, wanted, tables),
            None => codec::pack(file, wanted),
        };
        match self.storing.transcode {
            Some(originals) if packed.0 == Encoding::Source => {
                match codec::transcode(file, originals) {
                    Some(payload) => (Encoding::Transcoded, Cow::Owned(payload)),
                    None => packed,
                }
            }
            _ => packed,
        }
    }

    /// The file scaled down; `None` if it is small enough.
    fn scale(&mut self, file: &[u8], scale: Scale) -> Result<Option<Stored>> {
        let info = codec::sniff(file)?;
        let Some((width, height)) = scaled_size(info.width, info.height, scale.short_side) else {
            return Ok(None);
        };
        let decoded = self.decoder.decode(Encoding::Source, file, None)?;
        let whole = CropRect::whole(info.width, info.height);
        let source = RgbView::new(decoded.pixels, decoded.stride, whole)?;
        let job = Job::new(whole, width, height, Filter::Bicubic)?;
        self.pixels.clear();
        self.pixels.resize(width as usize * height as usize * 3, 0);
        self.resampler.run(source, &job, &mut self.pixels)?;
        let sampling = match scale.subsampled.unwrap_or_else(|| is_subsampled(&info)) {
            true => Sampling::S420,
            false => Sampling::S444,
        };
        let scaled_to = Some((width, height));
        if self.storing.encoding == Encoding::Pixels
            && let Some(packer) = &mut self.packer
        {
            let payload = packer.pack_rgb(&self.pixels, (width, height), sampling)?;
            return Ok(Some(Stored {
                encoding: Encoding::Pixels,
                payload: Some(payload),
                scaled_to,
            }));
        }
        let gray = info.kind == Kind::Jpeg && info.components == 1;
        let options = EncodeOptions {
            optimize: true,
            color: match gray {
                true => JpegColor::Gray,
                false => JpegColor::YCbCr,
            },
            ..EncodeOptions::new(scale.quality.unwrap_or(QUALITY), sampling)
        };
        let scaled = options.encode(&self.pixels, width, height)?;
        let (encoding, payload) = self.pack(&scaled);
        Ok(Some(Stored {
            encoding,
            payload: Some(payload.into_owned()),
            scaled_to,
        }))
    }
}

/// Whether chroma has half of luma's resolution or less, both ways.
fn is_subsampled(info: &ImageInfo) -> bool {
    let [luma, chroma, ..] = info.factors;
    info.kind == Kind::Jpeg && info.components == 3 && luma.0 > chroma.0 && luma.1 > chroma.1
}

/// The size with a shorter side of `short` and the longer one in proportion, rounded down, as
/// torchvision's `Resize` has it; `None` if the image is no larger.
fn scaled_size(width: u32, height: u32, short: u32) -> Option<(u32, u32)> {
    if width.min(height) <= short {
        return None;
    }
    let long = |long: u32, side: u32| {
        (u64::from(short) * u64::from(long) / u64::from(side)) as u32 // at most `long`
    };
    Some(match width <= height {
        true => (short, long(height, width)),
        false => (long(width, height), short),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use codec::{PixelCompression, PixelsInfo};

    use super::*;

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

    fn store(storing: Storing, file: &[u8]) -> Stored {
        Storer::new(storing, None).unwrap().store(file).unwrap()
    }

    #[test]
    fn the_shorter_side_decides() {
        assert_eq!(scaled_size(500, 375, 256), Some((341, 256)));
        assert_eq!(scaled_size(375, 500, 256), Some((256, 341)));
        assert_eq!(scaled_size(256, 9000, 256), None);
        assert_eq!(scaled_size(65_500, 257, 256), Some((65_245, 256)));
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
            let stored = store(storing, &file);
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
        let stored = store(storing, &small);
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
                let stored = store(storing, &file);
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
        assert_eq!(store(odd, &cmyk.unwrap()).encoding, Encoding::Pixels);
        let plain = EncodeOptions::new(90, Sampling::S420).encode(&picture(64, 48), 64, 48);
        assert_eq!(store(odd, &plain.unwrap()).encoding, Encoding::Jpeg);
    }

    #[test]
    fn what_the_encoding_does_not_take_is_transcoded_where_asked() {
        let file = options(JpegColor::YCbCr)
            .encode(&picture(64, 48), 64, 48)
            .unwrap();
        assert_eq!(store(AS_JPEG, &file).encoding, Encoding::Source);
        for originals in [Originals::Keep, Originals::Drop] {
            let storing = Storing {
                transcode: Some(originals),
                ..AS_JPEG
            };
            let stored = store(storing, &file);
            assert_eq!(stored.encoding, Encoding::Transcoded);
            let payload = stored.payload.unwrap();
            let kept = codec::gives_source(Encoding::Transcoded, &payload).unwrap();
            assert_eq!(kept, originals == Originals::Keep);
            assert!(kept == (codec::unpack(stored.encoding, &payload).unwrap() == file));
            let cmyk = options(JpegColor::Cmyk)
                .encode(&[99; 64 * 48 * 4], 64, 48)
                .unwrap();
            assert_eq!(store(storing, &cmyk).encoding, Encoding::Source);
        }
    }
}
