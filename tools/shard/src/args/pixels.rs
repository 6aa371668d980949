//! The words of images that are stored as pixels.

use clap::{Args, ValueEnum};
use codec::{Originals, PixelCompression, PixelOptions};
use serde::Serialize;
use serde_json::{Value, json};

/// How pixels are stored, and whether files are.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct PixelArgs {
    /// How pixels are stored: 'stored' as they are, or compressed with zstd's level -50 to 22; higher is
    /// smaller and slower [default: 1]
    #[arg(long, value_name = "LEVEL", allow_negative_numbers = true, value_parser = compression)]
    pub(crate) pixels_level: Option<PixelCompression>,

    /// Do not store the files behind what was made of them by --transcode or as pixels: saves their
    /// bytes; an export then gives baseline JPEGs or PNGs of the same pixels
    #[arg(long)]
    pub(crate) drop_originals: bool,
}

impl PixelArgs {
    pub(crate) fn options(&self) -> PixelOptions {
        let defaults = PixelOptions::default();
        PixelOptions {
            compression: self.pixels_level.unwrap_or(defaults.compression),
            originals: self.originals(),
        }
    }

    pub(crate) fn originals(&self) -> Originals {
        match self.drop_originals {
            true => Originals::Drop,
            false => Originals::Keep,
        }
    }
}

/// What happens to files that the encoding does not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Odd {
    /// Stored as they are, and decoded by libjpeg-turbo or as PNG
    Keep,
    /// Stored as pixels, in front of the file
    Pixels,
}

/// What a manifest says of stored pixels: of which files, and how.
pub(crate) fn told(options: PixelOptions, of: &str) -> Value {
    let level = match options.compression {
        PixelCompression::Stored => json!("stored"),
        PixelCompression::Zstd(level) => json!(level),
    };
    let originals = match options.originals {
        Originals::Keep => "kept",
        Originals::Drop => "dropped",
    };
    json!({ "of": of, "level": level, "originals": originals })
}

fn compression(text: &str) -> Result<PixelCompression, String> {
    let levels = PixelCompression::LEVELS;
    match text.parse() {
        _ if text == "stored" => Ok(PixelCompression::Stored),
        Ok(level) if levels.contains(&level) => Ok(PixelCompression::Zstd(level)),
        _ => Err(format!(
            "neither 'stored' nor a level from {} to {}",
            levels.start(),
            levels.end()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_read_and_nonsense_is_refused() {
        assert_eq!(compression("stored"), Ok(PixelCompression::Stored));
        assert_eq!(compression("-5"), Ok(PixelCompression::Zstd(-5)));
        assert!(compression("23").is_err() && compression("fast").is_err());
    }
}
