//! Markers and segments: the outer structure of a JPEG file. Other modules read the contents of the segments.

use crate::{CodecError, Kind};

/// The unread part of the file.
pub(crate) struct Walk<'a> {
    rest: &'a [u8],
}

impl<'a> Walk<'a> {
    pub(crate) fn new(file: &'a [u8]) -> Self {
        Self { rest: file }
    }

    /// The bytes not walked over yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The code of the next marker. Skips anything that is not a marker: garbage, fill bytes, stuffed zeros. libjpeg
    /// tolerates those too (with a warning when it decodes). `None` at the end.
    pub(crate) fn next_marker(&mut self) -> Option<u8> {
        loop {
            let ff = self.rest.iter().position(|&byte| byte == 0xFF)?;
            let code = ff + self.rest[ff..].iter().position(|&byte| byte != 0xFF)?;
            let marker = self.rest[code];
            self.rest = &self.rest[code + 1..];
            if marker != 0 {
                return Some(marker);
            }
        }
    }

    /// The contents of the segment that begins here with its length. A length too small to count its own two bytes
    /// means an empty segment, as in libjpeg.
    pub(crate) fn segment(&mut self) -> Result<&'a [u8], CodecError> {
        let length = usize::from(self.u16().ok_or_else(cut_short)?).saturating_sub(2);
        let (body, rest) = self.rest.split_at_checked(length).ok_or_else(cut_short)?;
        self.rest = rest;
        Ok(body)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        let (raw, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(u16::from_be_bytes(*raw))
    }
}

fn cut_short() -> CodecError {
    damaged("the file ends inside a segment before the first scan")
}

/// The error of a header that stops libjpeg.
pub(crate) fn damaged(reason: &str) -> CodecError {
    CodecError::Header {
        kind: Kind::Jpeg,
        reason: reason.to_owned(),
    }
}

// Marker codes of ITU-T T.81, table B.1.
pub(crate) const TEM: u8 = 0x01;
pub(crate) const SOF0: u8 = 0xC0;
pub(crate) const SOF2: u8 = 0xC2;
pub(crate) const SOF3: u8 = 0xC3;
pub(crate) const DHT: u8 = 0xC4;
pub(crate) const SOF5: u8 = 0xC5;
pub(crate) const SOF7: u8 = 0xC7;
pub(crate) const SOF9: u8 = 0xC9;
pub(crate) const SOF10: u8 = 0xCA;
pub(crate) const SOF11: u8 = 0xCB;
pub(crate) const DAC: u8 = 0xCC;
pub(crate) const SOF13: u8 = 0xCD;
pub(crate) const SOF15: u8 = 0xCF;
pub(crate) const RST0: u8 = 0xD0;
pub(crate) const RST7: u8 = 0xD7;
pub(crate) const SOI: u8 = 0xD8;
pub(crate) const EOI: u8 = 0xD9;
pub(crate) const SOS: u8 = 0xDA;
pub(crate) const DQT: u8 = 0xDB;
pub(crate) const DNL: u8 = 0xDC;
pub(crate) const DRI: u8 = 0xDD;
pub(crate) const APP0: u8 = 0xE0;
pub(crate) const APP1: u8 = 0xE1;
pub(crate) const APP2: u8 = 0xE2;
pub(crate) const APP13: u8 = 0xED;
pub(crate) const APP14: u8 = 0xEE;
pub(crate) const APP15: u8 = 0xEF;
pub(crate) const COM: u8 = 0xFE;
