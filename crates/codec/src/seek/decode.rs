//! Decodes a region of a seek-indexed record into planes, and walks a whole scan to index it.
//!
//! Planes are as the file stores them: nothing is upsampled or converted here.

use super::SeekError;
use super::bits::Bits;
use super::group::{BLOCKS, Group, Quantiser};
use super::header::{Component, Header};
use super::huffman::{AcTable, DcTable};
use super::idct::{self, Level};
use super::index::{Entry, Index};
use super::payload::Payload;
use crate::{CodecError, Region};

/// Samples of one component: a rectangle of its plane.
#[derive(Clone, Copy, Debug)]
pub struct Plane<'a> {
    /// Rows of `stride` bytes, from top to bottom. Beyond the region's width they hold padding.
    pub data: &'a [u8],
    /// Bytes from one row to the next.
    pub stride: usize,
    /// Which samples these are, in the component's own plane.
    pub region: Region,
}

/// A region of an image as a JPEG stores it: planes, before upsampling and colour conversion.
#[derive(Clone, Copy, Debug)]
pub struct Planes<'a> {
    /// Width and height of the whole image.
    pub image: (u32, u32),
    /// Y, at the image's own resolution.
    pub luma: Plane<'a>,
    /// Cb and Cr; none for a gray image.
    pub chroma: Option<[Plane<'a>; 2]>,
    /// Luma samples a chroma sample, across and down: (1, 1) is 4:4:4, (2, 2) is 4:2:0.
    pub ratio: (u32, u32),
}

/// The tables of one image.
pub(super) struct Tables {
    dc: [DcTable; 4],
    ac: [AcTable; 4],
}

impl Tables {
    pub(super) fn empty() -> Self {
        Tables {
            dc: std::array::from_fn(|_| DcTable::empty()),
            ac: std::array::from_fn(|_| AcTable::empty()),
        }
    }

    /// Fills the tables that the image's components name.
    pub(super) fn set(&mut self, header: &Header) -> Result<(), SeekError> {
        let (mut dc_done, mut ac_done) = ([false; 4], [false; 4]);
        for component in header.components() {
            let (dc, ac) = (component.dc & 3, component.ac & 3);
            if !dc_done[dc] {
                self.dc[dc].set(header.dc_table(dc)?)?;
                dc_done[dc] = true;
            }
            if !ac_done[ac] {
                self.ac[ac].set(header.ac_table(ac)?);
                ac_done[ac] = true;
            }
        }
        Ok(())
    }
}

/// Rows of blocks that an MCU of the accepted sampling factors has at most: two of luma, two chroma.
const MOST_ROWS: usize = 4;

/// Decodes regions; one a thread. Keeps its tables and planes from image to image.
pub(crate) struct SeekDecoder {
    level: Level,
    tables: Tables,
    steps: [Quantiser; 3],
    planes: [Vec<u8>; 3],
    groups: Box<[Group; MOST_ROWS]>,
}

impl SeekDecoder {
    /// A decoder that uses the given instructions, or the best that this processor has if it
    /// lacks those.
    pub(crate) fn with_level(level: Level) -> Self {
        SeekDecoder {
            level: level.min(Level::best()),
            tables: Tables::empty(),
            steps: std::array::from_fn(|_| Quantiser::new(&[0; 64])),
            planes: [const { Vec::new() }; 3],
            groups: Box::new([const { Group::ZERO }; MOST_ROWS]),
        }
    }

    /// Decodes the planes of all MCUs that touch `region`, or of the whole image.
    ///
    /// # Errors
    /// [`CodecError::Region`] if the region is empty or reaches beyond the image;
    /// [`CodecError::Decode`] if the record is damaged.
    pub(crate) fn decode(
        &mut self,
        record: &[u8],
        region: Option<Region>,
    ) -> Result<Planes<'_>, CodecError> {
        let payload = Payload::parse(record)?;
        let header = payload.header()?;
        let (width, height) = (header.width as u32, header.height as u32);
        let whole = Region::whole(width, height);
        let region = region.unwrap_or(whole);
        if !region.is_inside(&whole) {
            return Err(CodecError::Region {
                region,
                width,
                height,
            });
        }
        let [x, y, width, height] =
            [region.x, region.y, region.width, region.height].map(|n| n as usize);
        self.tables.set(&header)?;
        let grid = Grid::of(&header);
        let index = Index::parse(
            payload.index,
            grid.across,
            grid.down,
            header.components().len(),
        )?;
        let window = Window {
            left: x / grid.mcu_width,
            right: (x + width).div_ceil(grid.mcu_width),
            top: y / grid.mcu_height,
            bottom: (y + height).div_ceil(grid.mcu_height),
        };
        for (c, component) in header.components().iter().enumerate() {
            self.steps[c] = Quantiser::new(header.quantiser(component)?);
            let rows = (window.bottom - window.top) * component.down * 8;
            self.planes[c].resize(rows * window.stride(component), 0);
        }
        for row in window.top..window.bottom {
            let segment = window.left / index.segment;
            self.row(
                &header,
                &payload,
                &window,
                row,
                segment * index.segment,
                index.entry(row, segment),
            )?;
        }
        Ok(self.planes(&header, &window))
    }

    /// Decodes one row of MCUs: from MCU `first`, where `entry` says how to start, it skips to the
    /// window and decodes to its right edge.
    fn row(
        &mut self,
        header: &Header,
        payload: &Payload,
        window: &Window,
        row: usize,
        first: usize,
        entry: Entry,
    ) -> Result<(), SeekError> {
        let Self {
            level,
            tables,
            steps,
            planes,
            groups,
        } = self;
        let mut bits = Bits::at(payload.scan, entry.position as usize);
        let mut dc = entry.dc;
        groups.iter_mut().for_each(Group::clear);
        for _ in first..window.left {
            for (component, dc) in header.components().iter().zip(&mut dc) {
                for _ in 0..component.across * component.down {
                    tables.skip(component, &mut bits, dc)?;
                }
            }
        }
        for mcu in 0..window.right - window.left {
            let mut slot = 0;
            for (c, component) in header.components().iter().enumerate() {
                for v in 0..component.down {
                    let group = &mut groups[(slot + v) % MOST_ROWS];
                    for h in 0..component.across {
                        let block = mcu * component.across + h;
                        let lane = block % BLOCKS;
                        tables.block(component, &mut bits, &mut dc[c], group, lane)?;
                        let last =
                            h + 1 == component.across && mcu + 1 == window.right - window.left;
                        if lane + 1 == BLOCKS || last {
                            let stride = window.stride(component);
                            let line = ((row - window.top) * component.down + v) * 8;
                            let at = line * stride + (block - lane) * 8;
                            idct::group(*level, &group.0, &steps[c], &mut planes[c][at..], stride);
                            group.clear();
                        }
                    }
                }
                slot += component.down;
            }
        }
        if bits.position() > payload.scan.len() * 8 {
            Err(OVERRUN)
        } else {
            Ok(())
        }
    }

    fn planes(&self, header: &Header, window: &Window) -> Planes<'_> {
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
                data: &self.planes[c],
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

const OVERRUN: SeekError = SeekError::Corrupt("the entropy-coded data is cut short");
const NO_CODE: SeekError = SeekError::Corrupt("the entropy-coded data holds no valid code");

impl Tables {
    /// Decodes one block of a component into `lane` of `group`; `dc` is the component's running
    /// predictor. A function of its own, with the reader copied, so that its loop has all registers.
    #[inline(never)]
    fn block(
        &self,
        component: &Component,
        bits: &mut Bits,
        dc: &mut i16,
        group: &mut Group,
        lane: usize,
    ) -> Result<(), SeekError> {
        self.coefficients(component, bits, dc, |k, value| group.set(lane, k, value))
    }

    /// Steps over one block.
    #[inline(never)]
    fn skip(&self, component: &Component, bits: &mut Bits, dc: &mut i16) -> Result<(), SeekError> {
        self.coefficients(component, bits, dc, |_, _| {})
    }

    #[inline(always)]
    fn coefficients(
        &self,
        component: &Component,
        bits: &mut Bits,
        dc: &mut i16,
        mut place: impl FnMut(u32, i16),
    ) -> Result<(), SeekError> {
        let mut reader = *bits;
        let difference = self.dc[component.dc & 3].next(&mut reader).ok_or(NO_CODE)?;
        *dc = dc.wrapping_add(difference);
        place(0, *dc);
        let sound = self.ac[component.ac & 3].block(&mut reader, place);
        *bits = reader;
        if sound { Ok(()) } else { Err(NO_CODE) }
    }
}

/// How many MCUs an image has, and how large they are in luma pixels.
struct Grid {
    mcu_width: usize,
    mcu_height: usize,
    across: usize,
    down: usize,
}

impl Grid {
    fn of(header: &Header) -> Self {
        let luma = &header.components()[0];
        let (mcu_width, mcu_height) = (8 * luma.across, 8 * luma.down);
        Grid {
            mcu_width,
            mcu_height,
            across: header.width.div_ceil(mcu_width),
            down: header.height.div_ceil(mcu_height),
        }
    }
}

/// The MCUs to decode: columns left..right of rows top..bottom.
struct Window {
    left: usize,
    right: usize,
    top: usize,
    bottom: usize,
}

impl Window {
    /// Bytes a row of a component's plane: whole groups of blocks.
    fn stride(&self, component: &Component) -> usize {
        ((self.right - self.left) * component.across).div_ceil(BLOCKS) * idct::ROW
    }
}

/// Walks a whole scan and gives an index entry for every `segment` MCUs of every row.
///
/// # Errors
/// [`SeekError::Corrupt`] if the scan has invalid codes, ends early or goes on after its last MCU.
pub(super) fn walk(
    header: &Header,
    tables: &Tables,
    scan: &[u8],
    segment: usize,
) -> Result<Vec<Entry>, SeekError> {
    let grid = Grid::of(header);
    let mut entries = Vec::with_capacity(grid.down * grid.across.div_ceil(segment));
    let mut bits = Bits::at(scan, 0);
    let mut dc = [0i16; 3];
    for _ in 0..grid.down {
        for mcu in 0..grid.across {
            if mcu % segment == 0 {
                let position = u32::try_from(bits.position())
                    .map_err(|_| SeekError::Unsupported("its scan is larger than 512 MiB"))?;
                entries.push(Entry { position, dc });
            }
            for (component, dc) in header.components().iter().zip(&mut dc) {
                for _ in 0..component.across * component.down {
                    tables.skip(component, &mut bits, dc)?;
                }
            }
        }
        if bits.position() > scan.len() * 8 {
            return Err(OVERRUN);
        }
    }
    if scan.len() * 8 - bits.position() >= 8 {
        return Err(SeekError::Unsupported(
            "its entropy-coded data goes on after the last block",
        ));
    }
    Ok(entries)
}
