//! A walk over the markers of a JPEG file up to its first scan.
//!
//! It reads what a data set's builder wants to know and skips tables. What it accepts and
//! how it tells colour spaces apart follows libjpeg (`jdmarker.c`, `default_decompress_parms` in
//! `jdapimin.c`), so that it does not refuse a file that decodes. It allocates nothing unless it
//! fails, reads no byte out of bounds, and takes time linear in the header.

use super::exif;
use crate::{CodecError, Kind, Unsupported};

/// What stands before the first scan of a JPEG file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) components: u8,
    /// Horizontal and vertical sampling factor, 1 to 4 each, of the first `components`; else 1.
    pub(crate) factors: [(u8, u8); 4],
    pub(crate) color: Color,
    pub(crate) progressive: bool,
    pub(crate) arithmetic: bool,
    /// The first scan holds fewer than all components.
    pub(crate) separate_scans: bool,
    /// MCUs between restart markers; 0 for none.
    pub(crate) restart_interval: u16,
    pub(crate) orientation: Option<u8>,
}

/// How a JPEG stores colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Color {
    Gray,
    YCbCr,
    Rgb,
    Cmyk,
    Ycck,
}

impl Header {
    /// Width in pixels of an interleaved MCU. A single component is never interleaved.
    pub(crate) fn mcu_width(&self) -> u32 {
        let widest = self.factors.iter().map(|&(h, _)| h).max().unwrap_or(1);
        8 * if self.components == 1 {
            1
        } else {
            u32::from(widest)
        }
    }
}

/// Reads the header of a JPEG file.
///
/// # Errors
/// [`CodecError::Unsupported`] for processes and component counts that are not read,
/// [`CodecError::Header`] for everything that libjpeg would not get past.
pub(crate) fn read(bytes: &[u8]) -> Result<Header, CodecError> {
    let mut walk = Walk::new(bytes);
    if walk.u16() != Some(u16::from_be_bytes([0xFF, SOI])) {
        return Err(damaged("it does not begin with a start-of-image marker"));
    }
    let mut frame: Option<Frame> = None;
    let mut hints = Hints::default();
    let mut restart_interval = 0;
    let mut orientation = None;
    loop {
        let Some(marker) = walk.next_marker() else {
            return Err(damaged("the file ends before the first scan"));
        };
        match marker {
            SOF0..=SOF2 | SOF9 | SOF10 => {
                if frame.is_some() {
                    return Err(damaged("it has two frame headers"));
                }
                frame = Some(Frame::read(marker, walk.segment()?)?);
            }
            SOF3 | SOF11 => return Err(CodecError::Unsupported(Unsupported::Lossless)),
            SOF5..=SOF7 | SOF13..=SOF15 => {
                return Err(CodecError::Unsupported(Unsupported::Hierarchical));
            }
            SOS => {
                let frame = frame.ok_or_else(|| damaged("a scan comes before the frame header"))?;
                let in_scan = *walk
                    .segment()?
                    .first()
                    .ok_or_else(|| damaged("the scan header is empty"))?;
                return Ok(Header {
                    width: u32::from(frame.width),
                    height: u32::from(frame.height),
                    components: frame.components,
                    factors: frame.factors,
                    color: hints.color(&frame),
                    progressive: matches!(frame.marker, SOF2 | SOF10),
                    arithmetic: matches!(frame.marker, SOF9 | SOF10),
                    separate_scans: in_scan < frame.components,
                    restart_interval,
                    orientation,
                });
            }
            SOI => return Err(damaged("it has two start-of-image markers")),
            EOI => return Err(damaged("it holds no image, only tables")),
            DRI => {
                let body = walk.segment()?;
                let raw = body
                    .first_chunk()
                    .ok_or_else(|| damaged("the restart interval is cut short"))?;
                restart_interval = u16::from_be_bytes(*raw);
            }
            APP0 => hints.jfif |= is_jfif(walk.segment()?),
            APP1 => {
                let body = walk.segment()?;
                orientation = orientation.or_else(|| exif::orientation(body));
            }
            APP14 => hints.adobe = adobe_transform(walk.segment()?).or(hints.adobe),
            RST0..=RST7 | TEM => {}
            DHT | DAC | DQT | DNL | APP2..=APP13 | APP15 | COM => {
                walk.segment()?;
            }
            other => {
                return Err(damaged(&format!(
                    "marker 0x{other:02X} is not one of JPEG's"
                )));
            }
        }
    }
}

/// The frame header (SOFn).
struct Frame {
    marker: u8,
    width: u16,
    height: u16,
    components: u8,
    ids: [u8; 4],
    factors: [(u8, u8); 4],
}

impl Frame {
    fn read(marker: u8, body: &[u8]) -> Result<Self, CodecError> {
        let Some((&[bits, h0, h1, w0, w1, components], specs)) = body.split_first_chunk() else {
            return Err(damaged("the frame header is cut short"));
        };
        let (width, height) = (u16::from_be_bytes([w0, w1]), u16::from_be_bytes([h0, h1]));
        match bits {
            8 => {}
            12 => return Err(CodecError::Unsupported(Unsupported::TwelveBit)),
            _ => return Err(damaged(&format!("{bits} bits a sample"))),
        }
        if width == 0 || height == 0 {
            return Err(damaged(&format!("the image is {width} x {height} pixels")));
        }
        if !matches!(components, 1 | 3 | 4) {
            return Err(CodecError::Unsupported(Unsupported::Components(components)));
        }
        if specs.len() != 3 * usize::from(components) {
            return Err(damaged(
                "the frame header's length does not match its components",
            ));
        }
        let mut frame = Self {
            marker,
            width,
            height,
            components,
            ids: [0; 4],
            factors: [(1, 1); 4],
        };
        for (i, spec) in specs.chunks_exact(3).enumerate() {
            let (h, v) = (spec[1] >> 4, spec[1] & 15);
            if !matches!((h, v), (1..=4, 1..=4)) {
                return Err(damaged(&format!("sampling factors {h} x {v}")));
            }
            frame.ids[i] = spec[0];
            frame.factors[i] = (h, v);
        }
        Ok(frame)
    }
}

/// What the application segments say about colour.
#[derive(Default)]
struct Hints {
    jfif: bool,
    adobe: Option<u8>,
}

impl Hints {
    /// libjpeg's guess (`default_decompress_parms`).
    fn color(&self, frame: &Frame) -> Color {
        match (frame.components, self.adobe) {
            (1, _) => Color::Gray,
            (3, _) if self.jfif => Color::YCbCr,
            (3, Some(0)) => Color::Rgb,
            (3, None) if frame.ids[..3] == *b"RGB" => Color::Rgb,
            (3, _) => Color::YCbCr,
            (_, None | Some(0)) => Color::Cmyk,
            (_, Some(_)) => Color::Ycck,
        }
    }
}

fn is_jfif(body: &[u8]) -> bool {
    body.len() >= 14 && body.starts_with(b"JFIF\0")
}

fn adobe_transform(body: &[u8]) -> Option<u8> {
    if body.starts_with(b"Adobe") {
        body.get(11).copied()
    } else {
        None
    }
}

/// The part of the file that is still to be read.
pub(crate) struct Walk<'a> {
    rest: &'a [u8],
}

impl<'a> Walk<'a> {
    pub(crate) fn new(file: &'a [u8]) -> Self {
        Self { rest: file }
    }

    /// What has not been walked over yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The code of the next marker, past anything that is none: garbage, fill bytes, stuffed
    /// zeros. libjpeg tolerates those too (with a warning when it decodes). `None` at the end.
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

    /// The contents of the segment that begins here with its length. A length that does not even
    /// count its own two bytes means an empty segment, as it does to libjpeg.
    pub(crate) fn segment(&mut self) -> Result<&'a [u8], CodecError> {
        let length = usize::from(self.u16().ok_or_else(cut_short)?).saturating_sub(2);
        let (body, rest) = self.rest.split_at_checked(length).ok_or_else(cut_short)?;
        self.rest = rest;
        Ok(body)
    }

    fn u16(&mut self) -> Option<u16> {
        let (raw, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(u16::from_be_bytes(*raw))
    }
}

/// Whether a marker is followed by a length and contents.
pub(crate) fn has_body(marker: u8) -> bool {
    !matches!(marker, SOI | EOI | TEM | RST0..=RST7)
}

fn cut_short() -> CodecError {
    damaged("the file ends inside a segment before the first scan")
}

fn damaged(reason: &str) -> CodecError {
    CodecError::Header {
        kind: Kind::Jpeg,
        reason: reason.to_owned(),
    }
}

// Marker codes of ITU-T T.81, table B.1.
const TEM: u8 = 0x01;
pub(crate) const SOF0: u8 = 0xC0;
pub(crate) const SOF1: u8 = 0xC1;
const SOF2: u8 = 0xC2;
const SOF3: u8 = 0xC3;
pub(crate) const DHT: u8 = 0xC4;
const SOF5: u8 = 0xC5;
const SOF7: u8 = 0xC7;
const SOF9: u8 = 0xC9;
const SOF10: u8 = 0xCA;
const SOF11: u8 = 0xCB;
const DAC: u8 = 0xCC;
const SOF13: u8 = 0xCD;
const SOF15: u8 = 0xCF;
const RST0: u8 = 0xD0;
const RST7: u8 = 0xD7;
const SOI: u8 = 0xD8;
const EOI: u8 = 0xD9;
pub(crate) const SOS: u8 = 0xDA;
pub(crate) const DQT: u8 = 0xDB;
const DNL: u8 = 0xDC;
const DRI: u8 = 0xDD;
const APP0: u8 = 0xE0;
const APP1: u8 = 0xE1;
const APP2: u8 = 0xE2;
const APP13: u8 = 0xED;
const APP14: u8 = 0xEE;
const APP15: u8 = 0xEF;
const COM: u8 = 0xFE;
