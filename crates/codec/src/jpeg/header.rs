//! The header of a JPEG file: everything up to its first scan, read in one walk over its markers.
//!
//! Like libjpeg, it decides what to accept and how to tell colour spaces apart (`jdmarker.c`,
//! `default_decompress_parms` in `jdapimin.c`), so it does not refuse a file that decodes. It allocates nothing unless
//! it fails, reads no byte out of bounds, and takes time linear in the header.

use super::JpegError;
use super::baseline::Baseline;
use super::exif;
use super::markers::*;
use crate::{CodecError, Unsupported};

/// The part of a JPEG file before its first scan.
#[derive(Clone, Debug)]
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
    baseline: Baseline,
    /// The first fault in the data for `baseline`. Other decoders may well tolerate it.
    fault: Option<JpegError>,
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

    /// The data that our own decoder needs, if it takes this kind of file: one sequential Huffman scan of gray or YCbCr
    /// without restart intervals.
    ///
    /// # Errors
    /// [`JpegError::Unsupported`] for files of another kind, [`JpegError::Corrupt`] for damaged tables.
    pub(crate) fn baseline(&self) -> Result<&Baseline, JpegError> {
        self.refuse()?;
        match self.fault {
            Some(fault) => Err(fault),
            None => Ok(&self.baseline),
        }
    }

    /// Reads the header of a JPEG file.
    ///
    /// # Errors
    /// [`CodecError::Unsupported`] for processes and component counts that are not supported, [`CodecError::Header`]
    /// for everything that stops libjpeg.
    pub(crate) fn read(bytes: &[u8]) -> Result<Header, CodecError> {
        let mut walk = Walk::new(bytes);
        if walk.u16() != Some(u16::from_be_bytes([0xFF, SOI])) {
            return Err(damaged("it does not begin with a start-of-image marker"));
        }
        let mut frame: Option<Frame> = None;
        let mut hints = Hints::default();
        let mut restart_interval = 0;
        let mut orientation = None;
        let mut baseline = Baseline::default();
        let mut fault = None;
        loop {
            let Some(marker) = walk.next_marker() else {
                return Err(damaged("the file ends before the first scan"));
            };
            match marker {
                SOF0..=SOF2 | SOF9 | SOF10 => {
                    if frame.is_some() {
                        return Err(damaged("it has two frame headers"));
                    }
                    let body = walk.segment()?;
                    let read = Frame::read(marker, body)?;
                    baseline.read_frame(read.components, (read.width, read.height), body);
                    frame = Some(read);
                }
                SOF3 | SOF11 => return Err(CodecError::Unsupported(Unsupported::Lossless)),
                SOF5..=SOF7 | SOF13..=SOF15 => {
                    return Err(CodecError::Unsupported(Unsupported::Hierarchical));
                }
                SOS => {
                    let frame =
                        frame.ok_or_else(|| damaged("a scan comes before the frame header"))?;
                    let body = walk.segment()?;
                    let in_scan = *body
                        .first()
                        .ok_or_else(|| damaged("the scan header is empty"))?;
                    let read = baseline.read_scan(body, bytes.len() - walk.rest().len());
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
                        baseline,
                        fault: fault.or(read.err()),
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
                DQT => {
                    let read = baseline.read_quantisers(walk.segment()?);
                    fault = fault.or(read.err());
                }
                DHT => {
                    let read = baseline.read_huffman(walk.segment()?);
                    fault = fault.or(read.err());
                }
                APP0 => hints.jfif |= is_jfif(walk.segment()?),
                APP1 => {
                    let body = walk.segment()?;
                    orientation = orientation.or_else(|| exif::orientation(body));
                }
                APP14 => hints.adobe = adobe_transform(walk.segment()?).or(hints.adobe),
                RST0..=RST7 | TEM => {}
                DAC | DNL | APP2..=APP13 | APP15 | COM => {
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

    /// Names the feature that our own decoder does not support.
    fn refuse(&self) -> Result<(), JpegError> {
        let gray = self.components == 1;
        let factors = matches!(self.factors[0], (1 | 2 | 4, 1 | 2))
            && self.factors[1..].iter().all(|&factor| factor == (1, 1));
        let reason = match self {
            _ if self.progressive => "it is progressive",
            _ if self.arithmetic => "it is arithmetic-coded",
            _ if self.separate_scans => "its components come in several scans",
            _ if self.restart_interval != 0 => "it has restart intervals",
            _ if !matches!(self.color, Color::Gray | Color::YCbCr) => {
                "it is neither gray nor YCbCr"
            }
            _ if !gray && !factors => "its sampling factors are unusual",
            _ => return Ok(()),
        };
        Err(JpegError::Unsupported(reason))
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
            _ => return Err(damaged(&format!("{bits} bits per sample"))),
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
