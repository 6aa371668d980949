//! Coefficients back to a scan's Huffman-coded bits, as the file's tables say.

use super::RecodeError;
use super::kernel;
use super::layout::Frame;
use super::model;
use crate::seek::header::Header;
use crate::seek::huffman::Spec;
use crate::seek::whole::Blocks;

/// Writes the scan, unstuffed; `padding` fills its last byte. To be called through [`kernel::write_scan`].
///
/// # Errors
/// [`RecodeError::Corrupt`] if a table is missing or lacks a code word that is needed.
#[inline(always)]
pub(super) fn write(
    header: &Header,
    frame: &Frame,
    components: &[Blocks],
    padding: u8,
) -> Result<Vec<u8>, RecodeError> {
    let mut codes = Vec::with_capacity(components.len());
    for component in header.components() {
        let (dc, ac) = (
            header.dc_table(component.dc)?,
            header.ac_table(component.ac)?,
        );
        codes.push((Codes::of(dc), Codes::of(ac)));
    }
    let mut bits = Bits::default();
    let mut predicted = [0i16; 3];
    let (across, down) = frame.mcus();
    for row in 0..down {
        for mcu in 0..across {
            for (c, blocks) in components.iter().enumerate() {
                let (wide, high) = frame.factors(c);
                let ((dc, ac), predicted) = (&codes[c], &mut predicted[c]);
                for v in 0..high {
                    let first = (row * high + v) * blocks.across + mcu * wide;
                    for block in &blocks.blocks[first..first + wide] {
                        write_block(block, block[0].wrapping_sub(*predicted), dc, ac, &mut bits)?;
                        *predicted = block[0];
                    }
                }
            }
        }
    }
    Ok(bits.finish(padding))
}

/// T.81 F.1.2: the DC difference, then runs of zeros with the coefficient behind them.
#[inline(always)]
fn write_block(
    block: &[i16; 64],
    difference: i16,
    dc: &Codes,
    ac: &Codes,
    bits: &mut Bits,
) -> Result<(), RecodeError> {
    // In registers: the loop is nothing but a chain of these.
    let (out, mut end) = bits.open();
    let mut sound = dc.put(difference.into(), 0, &mut end, out);
    let mut rest = kernel::nonzero(block) & !1;
    let mut last = 0;
    while rest != 0 {
        let k = rest.trailing_zeros();
        rest &= rest - 1;
        let mut run = k - last - 1;
        while run > 15 {
            sound &= ac.put(0, 0xf0, &mut end, out);
            run -= 16;
        }
        sound &= ac.put(block[k as usize].into(), run << 4, &mut end, out);
        last = k;
    }
    if last < 63 {
        sound &= ac.put(0, 0, &mut end, out);
    }
    bits.close(end);
    match sound {
        true => Ok(()),
        false => Err(RecodeError::Corrupt("its Huffman tables lack a code word")),
    }
}

/// Code word and length of each symbol; length 0 for those that have none.
struct Codes([(u16, u8); 256]);

impl Codes {
    fn of(spec: &Spec) -> Self {
        let mut codes = Codes([(0, 0); 256]);
        spec.codes(|code, length, symbol| {
            codes.0[usize::from(symbol)] = (code as u16, length as u8);
        });
        codes
    }

    /// Writes the code word of `run` (in the upper four bits of a symbol) and a value's class, and the value.
    /// False if there is no such code word.
    #[inline(always)]
    fn put(&self, value: i32, run: u32, end: &mut End, out: &mut [u8]) -> bool {
        let class = model::class(value);
        let (code, length) = self.0[((run | class & 15) & 255) as usize];
        let bits = u64::from(code) << class | u64::from(model::extra_bits(value, class));
        end.put(bits, u32::from(length) + class, out);
        length != 0
    }
}

/// What a block takes at most, in bytes: 64 coefficients of up to 32 bits each, an end of block of 16, and what is
/// written behind its end.
const ROOM: usize = 64 * 4 + 2 + 1 + 8;

/// Writes bits, most significant first.
#[derive(Default)]
struct Bits {
    /// What is written, and room behind it.
    bytes: Vec<u8>,
    /// Whole bytes written before the block at hand.
    written: usize,
    /// Less than a byte of bits behind them, left-aligned, and how many.
    pending: (u64, u32),
}

/// Where the bits of a block end.
struct End {
    at: usize,
    bits: u64,
    count: u32,
}

impl End {
    /// Appends `count` (up to 32) bits, the low ones of a value that has no others.
    #[inline(always)]
    fn put(&mut self, value: u64, count: u32, out: &mut [u8]) {
        self.count += count;
        self.bits |= value.wrapping_shl(64 - self.count);
        // All eight bytes are written each time: whether a word is full can hardly be predicted.
        if let Some(next) = out
            .get_mut(self.at..)
            .and_then(|rest| rest.first_chunk_mut())
        {
            *next = self.bits.to_be_bytes();
        }
        self.at += (self.count / 8) as usize;
        self.bits <<= self.count & !7;
        self.count &= 7;
    }
}

impl Bits {
    /// Room for a block, and where it begins; [`Bits::close`] is told where it ends.
    #[inline(always)]
    fn open(&mut self) -> (&mut [u8], End) {
        if self.bytes.len() < self.written + ROOM {
            let length = (self.written + ROOM).next_power_of_two();
            self.bytes.resize(length.max(1 << 17), 0);
        }
        let (bits, count) = self.pending;
        let room = &mut self.bytes[self.written..][..ROOM];
        (room, End { at: 0, bits, count })
    }

    #[inline(always)]
    fn close(&mut self, end: End) {
        self.written += end.at;
        self.pending = (end.bits, end.count);
    }

    fn finish(mut self, padding: u8) -> Vec<u8> {
        self.bytes.truncate(self.written);
        let (bits, count) = self.pending;
        if count > 0 {
            self.bytes
                .push((bits >> 56) as u8 | padding & (0xff >> count));
        }
        self.bytes
    }
}
