//! Examines one source file: can it be stored, and is anything odd about it? It sees bytes and key only; what
//! happens to a bad file is decided in `shard`.

use std::fmt::Display;

use codec::{CodecError, Decoder, Health, ImageFile, ImageInfo, Kind, Oddity};

use crate::options::Check;

/// What is known about a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Finding {
    /// It can be stored. An oddity is not a fault.
    Good {
        width: u32,
        height: u32,
        odd: Option<String>,
    },
    /// It decodes, but some of its pixels are guesses.
    Damaged {
        width: u32,
        height: u32,
        cause: String,
    },
    /// It cannot be used.
    Unusable { cause: String },
}

impl Finding {
    /// The file has a name that no record can have.
    pub(super) fn misnamed(fault: impl Display) -> Self {
        let cause = format!("its name {fault}; rename it or leave it out");
        Self::Unusable { cause }
    }
}

/// Examines files, one at a time. Each thread has its own.
pub(super) struct Examiner {
    /// Absent if only headers are checked.
    decoder: Option<Decoder>,
}

impl Examiner {
    pub(super) fn new(check: Check) -> Result<Self, CodecError> {
        let decoder = match check {
            Check::Decode => Some(Decoder::new()?),
            Check::Header => None,
        };
        Ok(Self { decoder })
    }

    /// What is known about the file, and the file with its header read if it has one.
    pub(super) fn examine<'f>(
        &mut self,
        key: &str,
        bytes: &'f [u8],
    ) -> (Finding, Option<ImageFile<'f>>) {
        if let Err(fault) = record::check_key(key) {
            return (Finding::misnamed(fault), None);
        }
        match ImageFile::read(bytes) {
            Ok(file) => (self.image(key, &file), Some(file)),
            Err(error) => (unusable(error), None),
        }
    }

    fn image(&mut self, key: &str, file: &ImageFile<'_>) -> Finding {
        let info = file.info();
        let (width, height) = (info.width, info.height);
        let decoder = self.decoder.as_mut();
        match decoder.map(|decoder| decoder.file_health(file)) {
            None | Some(Health::Clean) => Finding::Good {
                width,
                height,
                odd: oddities(key, info),
            },
            Some(Health::Damaged(warning)) => Finding::Damaged {
                width,
                height,
                cause: format!("decodes only with a warning: {warning}"),
            },
            Some(Health::Undecodable(error)) => unusable(error),
        }
    }
}

fn unusable(error: CodecError) -> Finding {
    let cause = error.to_string();
    Finding::Unusable { cause }
}

/// How the file differs from what its name promises: a baseline colour JPEG.
fn oddities(key: &str, info: &ImageInfo) -> Option<String> {
    let mut odd = Vec::new();
    let (_, extension) = key.rsplit_once('.').unwrap_or((key, ""));
    let named_png = extension.eq_ignore_ascii_case("png");
    match (info.kind, named_png) {
        (Kind::Png, false) => odd.push(format!("PNG named .{extension}")),
        (Kind::Jpeg, true) => odd.push(format!("JPEG named .{extension}")),
        _ => {}
    }
    let further = info.oddities.iter().filter(|odd| **odd != Oddity::Png);
    odd.extend(further.map(ToString::to_string));
    (!odd.is_empty()).then(|| odd.join(", "))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use codec::{EncodeOptions, JpegColor, Sampling, encode_jpeg};

    use super::*;

    const SIDE: u32 = 64;

    fn pixels() -> Vec<u8> {
        (0..SIDE * SIDE * 3)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect()
    }

    fn jpeg() -> Vec<u8> {
        encode_jpeg(&pixels(), SIDE, SIDE, 90, Sampling::S420).unwrap()
    }

    fn examine(check: Check, key: &str, bytes: &[u8]) -> Finding {
        Examiner::new(check).unwrap().examine(key, bytes).0
    }

    #[test]
    fn an_ordinary_file_passes_without_a_word() {
        let finding = examine(Check::Decode, "cats/a.JPEG", &jpeg());
        let (width, height) = (SIDE, SIDE);
        let odd = None;
        assert_eq!(finding, Finding::Good { width, height, odd });
    }

    #[test]
    fn oddities_are_told_and_no_fault() {
        let mut options = EncodeOptions::new(90, Sampling::S444);
        options.color = JpegColor::Gray;
        options.progressive = true;
        let bytes = options.encode(&pixels(), SIDE, SIDE).unwrap();
        let Finding::Good { odd, .. } = examine(Check::Decode, "cats/a.png", &bytes) else {
            panic!("a gray progressive JPEG is good");
        };
        assert_eq!(odd.unwrap(), "JPEG named .png, gray, progressive");
    }

    #[test]
    fn a_truncated_file_is_damaged_which_only_decoding_shows() {
        let bytes = jpeg();
        let half = &bytes[..bytes.len() / 2];
        assert!(matches!(
            examine(Check::Decode, "cats/a.JPEG", half),
            Finding::Damaged { width: SIDE, height: SIDE, cause } if cause.contains("warning")
        ));
        assert!(matches!(
            examine(Check::Header, "cats/a.JPEG", half),
            Finding::Good { .. }
        ));
    }

    #[test]
    fn what_is_no_image_is_unusable_with_its_cause() {
        for (bytes, word) in [(&b""[..], "empty"), (b"GIF89a......", "GIF")] {
            let Finding::Unusable { cause } = examine(Check::Header, "cats/a.JPEG", bytes) else {
                panic!("{word} passed");
            };
            assert!(cause.contains(word), "{cause}");
        }
        assert!(matches!(
            examine(Check::Header, "../a.JPEG", &jpeg()),
            Finding::Unusable { .. }
        ));
    }
}
