//! Decodes a region of a seek-indexed record into planes.
//!
//! Planes are as the file stores them: nothing is upsampled or converted here.

use super::failed;
use super::index::Index;
use super::payload::Payload;
use crate::decoded::{Native, grow};
use crate::encodings::functions::{ImageDecoder, Wanted};
use crate::encodings::recoded::tables::Tables as SharedTables;
use crate::jpeg::JpegError;
use crate::jpeg::baseline::Baseline;
use crate::jpeg::grid::{Grid, Window};
use crate::jpeg::group::Quantiser;
use crate::jpeg::rows::{self, Groups, Rows};
use crate::jpeg::tables::Tables;
use crate::kind::check_size;
use crate::{CodecError, Kind, Level, Plane, Planes, Region};

/// Decodes regions; one per thread. Keeps its tables and planes from image to image.
pub(crate) struct IndexedDecoder {
    level: Level,
    tables: Tables,
    steps: [Quantiser; 3],
    planes: [Vec<u8>; 3],
    groups: Box<Groups>,
}

impl IndexedDecoder {
    /// A decoder that uses the given instructions.
    pub(crate) fn new(level: Level) -> Self {
        IndexedDecoder {
            level,
            tables: Tables::empty(),
            steps: std::array::from_fn(|_| Quantiser::new(&[0; 64])),
            planes: [const { Vec::new() }; 3],
            groups: rows::groups(),
        }
    }

    /// Decodes the planes of all MCUs that touch the wanted region.
    ///
    /// # Errors
    /// [`CodecError::Region`] if the region is empty or reaches beyond the image;
    /// [`CodecError::Decode`] if the record is damaged.
    pub(crate) fn planes(
        &mut self,
        record: &[u8],
        wanted: Wanted,
    ) -> Result<Planes<'_>, CodecError> {
        let payload = Payload::parse(record).map_err(failed)?;
        let header = Baseline::parse(payload.header).map_err(failed)?;
        let image = (header.width as u32, header.height as u32);
        check_size(Kind::Jpeg, image.0, image.1)?;
        let region = wanted.of_image(image)?;
        self.tables.set(&header).map_err(failed)?;
        let components = header.components();
        let grid = Grid::of(&header);
        let index = Index::parse(payload.index, grid.across, grid.down, components.len());
        let index = index.map_err(failed)?;
        // Every block takes a bit for DC and one for its end. So the payload's length bounds the memory allocated for
        // its planes, whatever size its header claims.
        let blocks: usize = components.iter().map(|c| c.across * c.down).sum();
        if grid.across * grid.down * blocks * 2 > payload.scan.len() * 8 {
            return Err(failed(JpegError::Corrupt("it has more blocks than bits")));
        }
        let window = grid.window(region);
        for (c, component) in components.iter().enumerate() {
            self.steps[c] = Quantiser::new(header.quantiser(component).map_err(failed)?);
            grow(&mut self.planes[c], window.plane(component))?;
        }
        let segment = window.left / index.segment;
        let rows = Rows::new(
            self.level,
            &header,
            &self.tables,
            &self.steps,
            payload.scan,
            &window,
            segment * index.segment,
        );
        for row in (window.top..window.bottom).step_by(2) {
            let entries = [row, (row + 1).min(window.bottom - 1)];
            let entries = entries.map(|row| index.entry(row, segment));
            let decoded = rows.decode(row, entries, &mut self.groups, &mut self.planes);
            decoded.map_err(failed)?;
        }
        Ok(self.of_window(&header, &window))
    }

    fn of_window(&self, header: &Baseline, window: &Window) -> Planes<'_> {
        let components = header.components();
        let ratio = (components[0].across, components[0].down);
        let plane = |c: usize| {
            let component = &components[c];
            let (x, y) = (
                window.left * component.across * 8,
                window.top * component.down * 8,
            );
            let whole = |size: usize, own: usize, most: usize| (size * own).div_ceil(most);
            let width = (window.right - window.left) * component.across * 8;
            let height = (window.bottom - window.top) * component.down * 8;
            Plane {
                data: &self.planes[c][..window.plane(component)],
                stride: window.stride(component),
                region: Region {
                    x: x as u32,
                    y: y as u32,
                    width: width.min(whole(header.width, component.across, ratio.0) - x) as u32,
                    height: height.min(whole(header.height, component.down, ratio.1) - y) as u32,
                },
            }
        };
        Planes {
            image: (header.width as u32, header.height as u32),
            luma: plane(0),
            chroma: (components.len() == 3).then(|| [plane(1), plane(2)]),
            ratio: (ratio.0 as u32, ratio.1 as u32),
        }
    }
}

impl ImageDecoder for IndexedDecoder {
    fn decode<'a>(
        &'a mut self,
        payload: &'a [u8],
        _: Option<&SharedTables>,
        wanted: Wanted,
    ) -> Result<Native<'a>, CodecError> {
        self.planes(payload, wanted).map(Native::Planes)
    }

    fn judged(
        &self,
        payload: &[u8],
        _: Option<&SharedTables>,
    ) -> Result<Option<Vec<u8>>, CodecError> {
        super::unpack(payload).map(Some)
    }
}
