//! How images are to be stored: the options as a user sets them, and what they come to once they have been
//! checked against each other.

use codec::{Encoding, Originals, PixelCompression, PixelOptions};
use serde::Serialize;
use serde_json::{Value, json};

use crate::options::{EncodingChoice, Odd, Subsampling, TablesFrom};

/// libjpeg's quality for scaled images, unless another is given.
const QUALITY: u8 = 95;

/// How images are stored, as set by the user. [`Storage::contradiction`] tells whether the settings fit together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Storage {
    /// The encoding of the files that it can take.
    pub encoding: EncodingChoice,
    /// Where the symbol tables of [`EncodingChoice::Recoded`] come from.
    pub tables: TablesFrom,
    /// Whether progressive, arithmetic-coded and restart-interval JPEGs are stored in baseline form.
    pub transcode: bool,
    /// What happens to files that `encoding` does not take.
    pub odd: Odd,
    /// How pixels are compressed where pixels are stored; zstd level 1 if absent.
    pub pixels_level: Option<PixelCompression>,
    /// Whether files that are transcoded or stored as pixels are dropped, so that an export gives baseline JPEGs or
    /// PNGs of the same pixels instead.
    pub drop_originals: bool,
    /// Whether large images are scaled down first. This is lossy.
    pub scale: Option<Scaling>,
}

/// Scaling while packing: images are made smaller with Pillow's antialiased bicubic filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scaling {
    /// Images with a longer short side, in pixels, are scaled to this one; others stay as they are.
    pub short_side: u32,
    /// libjpeg's quality for the scaled images, 1 to 100; 95 if absent. Not for [`EncodingChoice::Pixels`].
    pub quality: Option<u8>,
    /// Their chroma resolution. If absent: JPEGs have full resolution from quality 95 on and half below;
    /// pixels keep that of the source.
    pub subsampling: Option<Subsampling>,
}

/// Why settings do not fit together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Contradiction {
    /// Transcoding, where all files are stored as pixels anyway.
    #[error("encoding pixels takes progressive files as they are; leave transcode out")]
    TranscodeWithPixels,
    /// A JPEG quality, where no JPEGs are made.
    #[error("quality is for JPEGs, and encoding pixels makes none")]
    QualityWithPixels,
    /// Odd files as pixels, where no file is odd.
    #[error("with encoding source no file is odd; use encoding pixels")]
    OddWithSource,
    /// A compression level, where no pixels are stored.
    #[error("a pixels level needs encoding pixels or odd files as pixels")]
    LevelWithoutPixels,
    /// Dropped originals, where no copies of them are made.
    #[error("dropping originals needs transcode, encoding pixels or odd files as pixels")]
    DropWithoutCopy,
}

/// Settings that fit together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Storing {
    pub(crate) encoding: Encoding,
    /// Whether JPEGs that `encoding` does not take are stored in baseline form, and what happens to
    /// the files themselves.
    pub(crate) transcode: Option<Originals>,
    /// Whether files that neither of these takes are stored as pixels.
    pub(crate) odd_as_pixels: bool,
    /// How pixels are stored where they are.
    pub(crate) pixels: PixelOptions,
    pub(crate) scale: Option<Scale>,
}

/// Scaling with its defaults filled in. Manifests and fingerprints contain it: its names are part of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Scale {
    pub(crate) short_side: u32,
    /// Absent where pixels are stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) quality: Option<u8>,
    /// Whether chroma has half of luma's resolution, both ways; if absent, as in the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subsampled: Option<bool>,
}

impl Storage {
    /// The first thing about these settings that makes no sense.
    #[must_use]
    pub fn contradiction(&self) -> Option<Contradiction> {
        self.check().err()
    }

    pub(crate) fn check(&self) -> Result<Storing, Contradiction> {
        let pixels = self.encoding == EncodingChoice::Pixels;
        let odd_as_pixels = self.odd == Odd::Pixels;
        if pixels && self.transcode {
            return Err(Contradiction::TranscodeWithPixels);
        }
        if pixels && self.scale.is_some_and(|scale| scale.quality.is_some()) {
            return Err(Contradiction::QualityWithPixels);
        }
        if self.encoding == EncodingChoice::Source && odd_as_pixels {
            return Err(Contradiction::OddWithSource);
        }
        if !pixels && !odd_as_pixels {
            if self.pixels_level.is_some() {
                return Err(Contradiction::LevelWithoutPixels);
            }
            if self.drop_originals && !self.transcode {
                return Err(Contradiction::DropWithoutCopy);
            }
        }
        let originals = match self.drop_originals {
            true => Originals::Drop,
            false => Originals::Keep,
        };
        let level = self.pixels_level;
        Ok(Storing {
            encoding: self.encoding.into(),
            transcode: self.transcode.then_some(originals),
            odd_as_pixels,
            pixels: PixelOptions {
                compression: level.unwrap_or(PixelOptions::default().compression),
                originals,
            },
            scale: self.scale.map(|scaling| scaling.resolve(pixels)),
        })
    }
}

impl Scaling {
    fn resolve(self, pixels: bool) -> Scale {
        let quality = (!pixels).then(|| self.quality.unwrap_or(QUALITY));
        let asked = self.subsampling.map(|asked| asked == Subsampling::S420);
        Scale {
            short_side: self.short_side,
            quality,
            subsampled: asked.or(quality.map(|quality| quality < QUALITY)),
        }
    }
}

impl Scale {
    pub(crate) fn jpeg_quality(&self) -> u8 {
        self.quality.unwrap_or(QUALITY)
    }
}

/// What a manifest says about stored pixels: of which files they are, and how they are stored.
pub(crate) fn pixels_in_manifest(options: PixelOptions, of: &str) -> Value {
    let level = match options.compression {
        PixelCompression::Stored => json!("stored"),
        PixelCompression::Zstd(level) => json!(level),
    };
    json!({ "of": of, "level": level, "originals": originals_in_manifest(options.originals) })
}

/// What a manifest says about the files that something else was made of.
pub(crate) fn originals_in_manifest(originals: Originals) -> &'static str {
    match originals {
        Originals::Keep => "kept",
        Originals::Drop => "dropped",
    }
}

/// Pixel options in the words that notes and fingerprints contain. These must never change: a later run
/// recognises finished shards by them.
pub(crate) fn pixels_in_notes(options: PixelOptions) -> String {
    let compression = match options.compression {
        PixelCompression::Stored => "Stored".to_owned(),
        PixelCompression::Zstd(level) => format!("Zstd({level})"),
    };
    let originals = originals_in_notes(options.originals);
    format!("PixelOptions {{ compression: {compression}, originals: {originals} }}")
}

/// The same for originals.
pub(crate) fn originals_in_notes(originals: Originals) -> &'static str {
    match originals {
        Originals::Keep => "Keep",
        Originals::Drop => "Drop",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        let jpeg = Storage::default();
        let pixels = Storage {
            encoding: EncodingChoice::Pixels,
            ..jpeg
        };
        let dropped = Storage {
            drop_originals: true,
            ..jpeg
        };
        let scale = |quality| {
            Some(Scaling {
                short_side: 400,
                quality,
                subsampling: None,
            })
        };
        let level = Some(PixelCompression::Zstd(3));
        let (transcode, odd) = (true, Odd::Pixels);
        for (storage, wrong) in [
            (jpeg, None),
            (
                Storage {
                    transcode,
                    ..dropped
                },
                None,
            ),
            (Storage { odd, ..dropped }, None),
            (
                Storage {
                    pixels_level: level,
                    drop_originals: true,
                    ..pixels
                },
                None,
            ),
            (
                Storage {
                    scale: scale(None),
                    ..pixels
                },
                None,
            ),
            (
                Storage {
                    odd,
                    transcode,
                    pixels_level: level,
                    ..jpeg
                },
                None,
            ),
            (dropped, Some(Contradiction::DropWithoutCopy)),
            (
                Storage {
                    pixels_level: level,
                    ..jpeg
                },
                Some(Contradiction::LevelWithoutPixels),
            ),
            (
                Storage {
                    transcode,
                    ..pixels
                },
                Some(Contradiction::TranscodeWithPixels),
            ),
            (
                Storage {
                    scale: scale(Some(90)),
                    ..pixels
                },
                Some(Contradiction::QualityWithPixels),
            ),
            (
                Storage {
                    encoding: EncodingChoice::Source,
                    odd,
                    ..jpeg
                },
                Some(Contradiction::OddWithSource),
            ),
        ] {
            assert_eq!(storage.contradiction(), wrong, "{storage:?}");
        }
    }

    #[test]
    fn the_words_of_notes_are_fixed() {
        let options = PixelOptions {
            compression: PixelCompression::Zstd(1),
            originals: Originals::Keep,
        };
        assert_eq!(
            pixels_in_notes(options),
            "PixelOptions { compression: Zstd(1), originals: Keep }"
        );
        let scale = Scale {
            short_side: 32,
            quality: Some(95),
            subsampled: None,
        };
        assert_eq!(
            format!("{scale:?}"),
            "Scale { short_side: 32, quality: Some(95), subsampled: None }"
        );
    }
}
