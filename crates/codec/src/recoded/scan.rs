//! Coefficients back to a scan's Huffman-coded bits, as the file's tables say.

use super::RecodeError;
use super::kernel;
use super::layout::Frame;
use super::model;
use crate::seek::header::Header;
use crate::seek::huffman::Spec;
use crate::seek::whole::Blocks;

/// Writes the scan, unstuffed; `padding` fills its last byte.
///
/// # Errors
/// [`RecodeError::Corrupt`] if a table is missing or lacks a code word that is needed.
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
fn write_block(
    block: &[i16; 64],
    difference: i16,
    dc: &Codes,
    ac: &Codes,
    bits: &mut Bits,
) -> Result<(), RecodeError> {
    // In registers, and what it fills on the stack: the loop is nothing but a chain of these.
    let (mut word, mut out) = (bits.pending, Filled::default());
    let mut sound = dc.put(difference.into(), 0, &mut word, &mut out);
    let mut rest = kernel::nonzero(block) & !1;
    let mut last = 0;
    while rest != 0 {
        let k = rest.trailing_zeros();
        rest &= rest - 1;
        let mut run = k - last - 1;
        while run > 15 {
            sound &= ac.put(0, 0xf0, &mut word, &mut out);
            run -= 16;
        }
        sound &= ac.put(block[k as usize].into(), run << 4, &mut word, &mut out);
        last = k;
    }
    if last < 63 {
        sound &= ac.put(0, 0, &mut word, &mut out);
    }
    bits.pending = word;
    bits.bytes.extend_from_slice(out.bytes());
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
    fn put(&self, value: i32, run: u32, word: &mut Pending, out: &mut Filled) -> bool {
        let class = model::class(value);
        let (code, length) = self.0[((run | class & 15) & 255) as usize];
        let bits = u64::from(code) << class | u64::from(model::extra_bits(value, class));
        word.put(bits, u32::from(length) + class, out);
        length != 0
    }
}

/// Writes bits, most significant first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    pending: Pending,
}

/// Less than a word of bits.
#[derive(Clone, Copy, Default)]
struct Pending {
    bits: u64,
    count: u32,
}

impl Pending {
    /// Appends `count` (up to 32) bits, the low ones of a value that has no others.
    #[inline(always)]
    fn put(&mut self, value: u64, count: u32, out: &mut Filled) {
        self.bits = self.bits << count | value;
        self.count += count;
        if self.count >= 32 {
            self.count -= 32;
            out.push((self.bits >> self.count) as u32);
        }
    }
}

/// The words that a block fills: 64 coefficients have up to 32 bits each, and an end of block 16.
struct Filled {
    words: [[u8; 4]; 66],
    count: usize,
}

impl Default for Filled {
    fn default() -> Self {
        Filled {
            words: [[0; 4]; 66],
            count: 0,
        }
    }
}

impl Filled {
    #[inline(always)]
    fn push(&mut self, word: u32) {
        if let Some(next) = self.words.get_mut(self.count) {
            *next = word.to_be_bytes();
            self.count += 1;
        }
    }

    fn bytes(&self) -> &[u8] {
        self.words[..self.count].as_flattened()
    }
}

impl Bits {
    fn finish(mut self, padding: u8) -> Vec<u8> {
        let Pending { bits, mut count } = self.pending;
        let spare = (8 - count % 8) % 8;
        let bits = bits << spare | u64::from(padding) & ((1 << spare) - 1);
        count += spare;
        while count > 0 {
            count -= 8;
            self.bytes.push((bits >> count) as u8);
        }
        self.bytes
    }
}
