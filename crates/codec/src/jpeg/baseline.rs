//! What our own decoder needs of a baseline JPEG's header: components and tables.
//!
//! It is filled while [`Header`] is read, from the segments of any file. [`Header::baseline`] decides whether the
//! decoder takes this kind of file.

use super::JpegError;
use super::header::Header;
use super::huffman::Spec;

/// One colour component.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Component {
    id: u8,
    /// Blocks per MCU, across and down.
    pub(crate) across: usize,
    pub(crate) down: usize,
    quantiser: usize,
    /// The Huffman tables that it uses; below 4.
    pub(crate) dc: usize,
    pub(crate) ac: usize,
}

/// The frame, the tables and the scan header of a file that our own decoder takes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Baseline {
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

impl Baseline {
    /// Reads the markers up to the start of the scan.
    ///
    /// # Errors
    /// [`JpegError::Unsupported`] for files of another kind, [`JpegError::Corrupt`] for damaged ones.
    pub(crate) fn parse(file: &[u8]) -> Result<Self, JpegError> {
        let header = Header::read(file).map_err(|_| JpegError::Corrupt("its header is damaged"))?;
        header.baseline().cloned()
    }

    /// The one or three components, in the order of the scan.
    pub(crate) fn components(&self) -> &[Component] {
        &self.components[..self.count]
    }

    /// The quantisation steps of a component, in zigzag order.
    pub(crate) fn quantiser(&self, component: &Component) -> Result<&[u16; 64], JpegError> {
        self.quantisers[component.quantiser]
            .as_ref()
            .ok_or(JpegError::Corrupt("a quantisation table is missing"))
    }

    pub(crate) fn dc_table(&self, id: usize) -> Result<&Spec, JpegError> {
        self.dc[id & 3]
            .as_ref()
            .ok_or(JpegError::Corrupt("a DC table is missing"))
    }

    pub(crate) fn ac_table(&self, id: usize) -> Result<&Spec, JpegError> {
        self.ac[id & 3]
            .as_ref()
            .ok_or(JpegError::Corrupt("an AC table is missing"))
    }

    pub(super) fn read_quantisers(&mut self, mut body: &[u8]) -> Result<(), JpegError> {
        const BAD: JpegError = JpegError::Corrupt("a quantisation table is malformed");
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

    pub(super) fn read_huffman(&mut self, mut body: &[u8]) -> Result<(), JpegError> {
        const BAD: JpegError = JpegError::Corrupt("a Huffman table is malformed");
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

    /// Takes the components from a checked frame header.
    pub(super) fn read_frame(&mut self, components: u8, size: (u16, u16), body: &[u8]) {
        (self.width, self.height) = (usize::from(size.0), usize::from(size.1));
        self.count = usize::from(components).min(self.components.len());
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

    /// Takes the tables of each component from the scan header. The scan itself begins at byte `start`.
    pub(super) fn read_scan(&mut self, body: &[u8], start: usize) -> Result<(), JpegError> {
        const OTHER: JpegError = JpegError::Unsupported("its scan is not a plain baseline one");
        self.scan = start;
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
