//! What the decoder needs of a baseline JPEG's header, and which files it takes.
//!
//! Not a general JPEG parser: whatever is not one 8-bit sequential Huffman scan of gray or YCbCr
//! without restart intervals is refused here, and stored another way.

use super::SeekError;
use super::huffman::Spec;
use crate::jpeg::header::{self, Color, DHT, DQT, SOF0, SOF1, SOS, Walk};

/// One colour component.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Component {
    id: u8,
    /// Blocks an MCU, across and down.
    pub(crate) across: usize,
    pub(crate) down: usize,
    quantiser: usize,
    /// Which Huffman tables it uses; below 4.
    pub(crate) dc: usize,
    pub(crate) ac: usize,
}

/// The header of a file that the decoder takes.
pub(crate) struct Header {
    pub(crate) width: usize,
    pub(crate) height: usize,
    components: [Component; 3],
    count: usize,
    quantisers: [Option<[u16; 64]>; 4],
    dc: [Option<Spec>; 4],
    ac: [Option<Spec>; 4],
    /// Where the entropy-coded data starts.
    pub(crate) scan: usize,
}

impl Header {
    /// Reads the markers up to the start of the scan.
    pub(crate) fn parse(file: &[u8]) -> Result<Self, SeekError> {
        let frame = header::read(file).map_err(|_| SeekError::Corrupt("its header is damaged"))?;
        refuse(&frame)?;
        let mut header = Header {
            width: frame.width as usize,
            height: frame.height as usize,
            components: [Component::default(); 3],
            count: usize::from(frame.components),
            quantisers: [None; 4],
            dc: [const { None }; 4],
            ac: [const { None }; 4],
            scan: 0,
        };
        let mut walk = Walk::new(file);
        while let Some(marker) = walk.next_marker() {
            match marker {
                DQT => header.read_quantisers(body(&mut walk)?)?,
                DHT => header.read_huffman(body(&mut walk)?)?,
                SOF0 | SOF1 => header.read_frame(body(&mut walk)?),
                SOS => {
                    header.read_scan(body(&mut walk)?)?;
                    header.scan = file.len() - walk.rest().len();
                    return Ok(header);
                }
                _ if header::has_body(marker) => {
                    body(&mut walk)?;
                }
                _ => {}
            }
        }
        Err(SeekError::Corrupt("there is no scan"))
    }

    /// The one or three components, in the order of the scan.
    pub(crate) fn components(&self) -> &[Component] {
        &self.components[..self.count]
    }

    /// The quantisation steps of a component, in zigzag order.
    pub(crate) fn quantiser(&self, component: &Component) -> Result<&[u16; 64], SeekError> {
        self.quantisers[component.quantiser]
            .as_ref()
            .ok_or(SeekError::Corrupt("a quantisation table is missing"))
    }

    pub(crate) fn dc_table(&self, id: usize) -> Result<&Spec, SeekError> {
        self.dc[id & 3]
            .as_ref()
            .ok_or(SeekError::Corrupt("a DC table is missing"))
    }

    pub(crate) fn ac_table(&self, id: usize) -> Result<&Spec, SeekError> {
        self.ac[id & 3]
            .as_ref()
            .ok_or(SeekError::Corrupt("an AC table is missing"))
    }

    fn read_quantisers(&mut self, mut body: &[u8]) -> Result<(), SeekError> {
        const BAD: SeekError = SeekError::Corrupt("a quantisation table is malformed");
        while let Some((&head, rest)) = body.split_first() {
            let mut steps = [0u16; 64];
            let bytes = 1 + usize::from(head >> 4 != 0);
            let (values, rest) = rest.split_at_checked(64 * bytes).ok_or(BAD)?;
            for (step, value) in steps.iter_mut().zip(values.chunks_exact(bytes)) {
                *step = value
                    .iter()
                    .fold(0, |step, &byte| step << 8 | u16::from(byte));
            }
            *self.quantisers.get_mut(usize::from(head & 15)).ok_or(BAD)? = Some(steps);
            body = rest;
        }
        Ok(())
    }

    fn read_huffman(&mut self, mut body: &[u8]) -> Result<(), SeekError> {
        const BAD: SeekError = SeekError::Corrupt("a Huffman table is malformed");
        while let Some((&head, rest)) = body.split_first() {
            let (spec, rest) = Spec::parse(rest).ok_or(BAD)?;
            let tables = if head >> 4 == 0 {
                &mut self.dc
            } else {
                &mut self.ac
            };
            *tables.get_mut(usize::from(head & 15)).ok_or(BAD)? = Some(spec);
            body = rest;
        }
        Ok(())
    }

    /// Takes the components from a frame header whose length has been checked.
    fn read_frame(&mut self, body: &[u8]) {
        let specs = body.get(6..).unwrap_or(&[]).chunks_exact(3);
        for (component, spec) in self.components.iter_mut().zip(specs) {
            *component = Component {
                id: spec[0],
                across: usize::from(spec[1] >> 4),
                down: usize::from(spec[1] & 15),
                quantiser: usize::from(spec[2] & 3),
                ..Component::default()
            };
        }
        if self.count == 1 {
            // A lone component's MCU is one block, whatever its factors are (T.81 A.2.2).
            (self.components[0].across, self.components[0].down) = (1, 1);
        }
    }

    fn read_scan(&mut self, body: &[u8]) -> Result<(), SeekError> {
        const OTHER: SeekError = SeekError::Unsupported("its scan is not a plain baseline one");
        let (&count, rest) = body.split_first().ok_or(OTHER)?;
        if usize::from(count) != self.count || rest.len() != 2 * self.count + 3 {
            return Err(OTHER);
        }
        let components = self.components.iter_mut().take(self.count);
        for (component, fields) in components.zip(rest.chunks_exact(2)) {
            let (dc, ac) = (usize::from(fields[1] >> 4), usize::from(fields[1] & 15));
            if component.id != fields[0] || dc > 3 || ac > 3 {
                return Err(OTHER);
            }
            (component.dc, component.ac) = (dc, ac);
        }
        if rest.ends_with(&[0, 63, 0]) {
            Ok(())
        } else {
            Err(OTHER)
        }
    }
}

fn body<'a>(walk: &mut Walk<'a>) -> Result<&'a [u8], SeekError> {
    walk.segment()
        .map_err(|_| SeekError::Corrupt("its header is cut short"))
}

/// Names what the decoder does not take.
fn refuse(frame: &header::Header) -> Result<(), SeekError> {
    let gray = frame.components == 1;
    let factors = matches!(frame.factors[0], (1 | 2 | 4, 1 | 2))
        && frame.factors[1..].iter().all(|&factor| factor == (1, 1));
    let reason = match frame {
        _ if frame.progressive => "it is progressive",
        _ if frame.arithmetic => "it is arithmetic-coded",
        _ if frame.separate_scans => "its components come in several scans",
        _ if frame.restart_interval != 0 => "it has restart intervals",
        _ if !matches!(frame.color, Color::Gray | Color::YCbCr) => "it is neither gray nor YCbCr",
        _ if !gray && !factors => "its sampling factors are unusual",
        _ => return Ok(()),
    };
    Err(SeekError::Unsupported(reason))
}
