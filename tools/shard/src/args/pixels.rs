//! The options of images that are stored as pixels, of `shard build` and `shard convert`.

use builder::{Originals, PixelCompression, PixelOptions};
use clap::Args;

/// How pixels are stored, and whether files are.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct PixelArgs {
    /// How pixels are stored: 'stored' as they are, or compressed at zstd's level -50 to 22; higher levels
    /// are smaller and slower [default: 1]
    #[arg(long, value_name = "LEVEL", allow_negative_numbers = true, value_parser = compression)]
    pub(crate) pixels_level: Option<PixelCompression>,

    /// Do not store the original files of transcoded images and of pixels. This saves their bytes; an
    /// export then gives baseline JPEGs or PNGs of the same pixels
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

    fn originals(&self) -> Originals {
        match self.drop_originals {
            true => Originals::Drop,
            false => Originals::Keep,
        }
    }
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
