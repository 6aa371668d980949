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
    let class = model::class(difference.into());
    dc.put(class as u8, difference.into(), class, bits)?;
    let mut rest = kernel::nonzero(block) & !1;
    let mut last = 0;
    while rest != 0 {
        let k = rest.trailing_zeros();
        rest &= rest - 1;
        let mut run = k - last - 1;
        while run > 15 {
            ac.put(0xf0, 0, 0, bits)?;
            run -= 16;
        }
        let value = i32::from(block[k as usize]);
        let class = model::class(value);
        ac.put((run << 4 | class & 15) as u8, value, class, bits)?;
        last = k;
    }
    if last < 63 {
        ac.put(0, 0, 0, bits)?;
    }
    Ok(())
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

    /// Writes the code word of a symbol, and behind it a value of `class`, up to 16 bits.
    #[inline(always)]
    fn put(&self, symbol: u8, value: i32, class: u32, bits: &mut Bits) -> Result<(), RecodeError> {
        let (code, length) = self.0[usize::from(symbol)];
        if length == 0 {
            return Err(RecodeError::Corrupt("its Huffman tables lack a code word"));
        }
        let extra = model::extra_bits(value, class) & ((1 << class) - 1);
        bits.put(u32::from(code) << class | extra, u32::from(length) + class);
        Ok(())
    }
}

/// Writes bits, most significant first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    pending: u64,
    count: u32,
}

impl Bits {
    /// Appends the low `count` (up to 32) bits of `value`; its others are ignored.
    #[inline(always)]
    fn put(&mut self, value: u32, count: u32) {
        self.pending = self.pending << count | u64::from(value) & ((1 << count) - 1);
        self.count += count;
        if self.count >= 32 {
            self.count -= 32;
            self.bytes
                .extend(((self.pending >> self.count) as u32).to_be_bytes());
        }
    }

    fn finish(mut self, padding: u8) -> Vec<u8> {
        let spare = (8 - self.count % 8) % 8;
        self.put(padding.into(), spare);
        while self.count > 0 {
            self.count -= 8;
            self.bytes.push((self.pending >> self.count) as u8);
        }
        self.bytes
    }
}
