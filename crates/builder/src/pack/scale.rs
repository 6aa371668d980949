//! Scales large images down while packing, as torchvision's `Resize` with Pillow's bicubic filter does. Lossy, and
//! only done when asked for.

use augment::{Filter, Job, Region, Resampler, RgbView};
use codec::{
    CodecError, Decoder, EncodeOptions, Encoding, ImageFile, ImageInfo, JpegColor, Kind, Sampling,
};

use crate::storage::Scale;

use super::EncodeError;

/// Scales images, one at a time.
pub(super) struct Scaler {
    scale: Scale,
    decoder: Decoder,
    resampler: Resampler,
}

/// An image made smaller.
pub(super) struct Scaled {
    /// Rows of RGB without gaps.
    pub(super) rgb: Vec<u8>,
    /// Width and height in pixels.
    pub(super) size: (u32, u32),
    /// The chroma resolution that it should be stored with.
    pub(super) sampling: Sampling,
    gray: bool,
    quality: u8,
}

impl Scaler {
    pub(super) fn new(scale: Scale, decoder: Decoder) -> Self {
        Self {
            scale,
            decoder,
            resampler: Resampler::new(),
        }
    }

    /// The image of a file scaled down; `None` if it is small enough.
    pub(super) fn scale(&mut self, file: &ImageFile<'_>) -> Result<Option<Scaled>, EncodeError> {
        let info = file.info();
        let scale = self.scale;
        let Some((width, height)) = scaled_size(info.width, info.height, scale.short_side) else {
            return Ok(None);
        };
        let decoded = self.decoder.decode(Encoding::Source, file.bytes(), None)?;
        let whole = Region::whole(info.width, info.height);
        let source = RgbView::new(decoded.pixels, decoded.stride, whole)?;
        let job = Job::new(whole, width, height, Filter::Bicubic)?;
        let mut rgb = vec![0; width as usize * height as usize * 3];
        self.resampler.run(source, &job, &mut rgb)?;
        Ok(Some(Scaled {
            rgb,
            size: (width, height),
            sampling: match scale.subsampled.unwrap_or_else(|| is_subsampled(info)) {
                true => Sampling::S420,
                false => Sampling::S444,
            },
            gray: info.kind == Kind::Jpeg && info.components == 1,
            quality: scale.jpeg_quality(),
        }))
    }
}

impl Scaled {
    pub(super) fn to_jpeg(&self) -> Result<Vec<u8>, CodecError> {
        let (width, height) = self.size;
        let options = EncodeOptions {
            optimize: true,
            color: match self.gray {
                true => JpegColor::Gray,
                false => JpegColor::YCbCr,
            },
            ..EncodeOptions::new(self.quality, self.sampling)
        };
        options.encode(&self.rgb, width, height)
    }
}

/// Whether chroma has half of luma's resolution or less, both ways.
fn is_subsampled(info: &ImageInfo) -> bool {
    let [luma, chroma, ..] = info.factors;
    info.kind == Kind::Jpeg && info.components == 3 && luma.0 > chroma.0 && luma.1 > chroma.1
}

/// The size with a shorter side of `short` and the longer one in proportion, rounded down, as
/// in torchvision's `Resize`; `None` if the image is no larger.
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
    use super::*;

    #[test]
    fn the_shorter_side_decides() {
        assert_eq!(scaled_size(500, 375, 256), Some((341, 256)));
        assert_eq!(scaled_size(375, 500, 256), Some((256, 341)));
        assert_eq!(scaled_size(256, 9000, 256), None);
        assert_eq!(scaled_size(65_500, 257, 256), Some((65_245, 256)));
    }
}
