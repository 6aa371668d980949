//! Turns coefficients back into a scan's Huffman-coded bits, using the file's tables.

use pixels::dispatch;

use super::error::RecodeError;
use super::kernel;
use super::layout::Frame;
use super::model;
use crate::Level;
use crate::jpeg::baseline::Baseline;
use crate::jpeg::coefficients::Blocks;
use crate::jpeg::huffman::Spec;

/// Writes a scan, unstuffed, some rows of MCUs at a time.
pub(super) struct Writer {
    frame: Frame,
    /// The tables of each component: DC, AC.
    codes: Vec<(Codes, Codes)>,
    bits: Bits,
    /// The DC of each component's last block.
    dc: [i16; 3],
}

impl Writer {
    /// # Errors
    /// [`RecodeError::Corrupt`] if a table is missing.
    pub(super) fn new(header: &Baseline, frame: Frame) -> Result<Self, RecodeError> {
        let codes = header.components().iter().map(|component| {
            let (dc, ac) = (
                header.dc_table(component.dc)?,
                header.ac_table(component.ac)?,
            );
            Ok((Codes::of(dc), Codes::of(ac)))
        });
        Ok(Writer {
            frame,
            codes: codes.collect::<Result<_, RecodeError>>()?,
            bits: Bits::default(),
            dc: [0; 3],
        })
    }

    /// The scan; `padding` fills its last byte.
    pub(super) fn finish(self, padding: u8) -> Vec<u8> {
        self.bits.finish(padding)
    }
}

dispatch! {
    /// Writes the rows of MCUs whose blocks these are, per component.
    ///
    /// # Errors
    /// [`RecodeError::Corrupt`] if a table lacks a code word that is needed.
    pub(super) fn write_rows(
        level: Level,
        writer: &mut Writer,
        components: &[Blocks],
    ) -> Result<(), RecodeError> {
        Avx2Bmi => write,
        _ => write,
    }
}

#[inline(always)]
fn write(writer: &mut Writer, components: &[Blocks]) -> Result<(), RecodeError> {
    let Writer {
        frame,
        codes,
        bits,
        dc: last,
    } = writer;
    let down = components[0].blocks.len() / (components[0].across * frame.factors(0).1);
    for row in 0..down {
        for mcu in 0..frame.mcus().0 {
            for (c, blocks) in components.iter().enumerate() {
                let (wide, high) = frame.factors(c);
                let ((dc, ac), last) = (&codes[c], &mut last[c]);
                for v in 0..high {
                    let first = (row * high + v) * blocks.across + mcu * wide;
                    for block in &blocks.blocks[first..first + wide] {
                        write_block(block, block[0].wrapping_sub(*last), dc, ac, bits)?;
                        *last = block[0];
                    }
                }
            }
        }
    }
    Ok(())
}

/// T.81 F.1.2: the DC difference, then runs of zeros, each followed by its coefficient.
#[inline(always)]
fn write_block(
    block: &[i16; 64],
    difference: i16,
    dc: &Codes,
    ac: &Codes,
    bits: &mut Bits,
) -> Result<(), RecodeError> {
    // Kept in registers: the loop is a single chain of these.
    let (out, mut end) = bits.open();
    let mut lacking = dc.put(difference, 0, &mut end, out);
    let mut rest = kernel::nonzero(block) & !1;
    let mut last = 0;
    while rest != 0 {
        let k = rest.trailing_zeros();
        rest &= rest - 1;
        let mut run = k - last - 1;
        while run > 15 {
            lacking |= ac.put(0, 15, &mut end, out);
            run -= 16;
        }
        lacking |= ac.put(block[(k & 63) as usize], run, &mut end, out);
        last = k;
    }
    if last < 63 {
        lacking |= ac.put(0, 0, &mut end, out);
    }
    bits.close(end);
    match lacking & LACKING {
        0 => Ok(()),
        _ => Err(RecodeError::Corrupt("its Huffman tables lack a code word")),
    }
}

/// Values from `-SMALL` to `SMALL - 1` have their own entries.
const SMALL: i32 = 16;
/// The lowest bits of an entry are how many bits there are to write.
const LENGTH: u32 = 0x3f;
/// The entry for a code word that does not exist.
const LACKING: u32 = 1 << 31;

/// The bits to write for a run of zeros (up to 15) and the value behind it. An entry holds the bits, from bit 6 on, and
/// their number, or [`LACKING`].
struct Codes {
    /// For small values: code word and value bits, by run and value.
    small: [[u32; 2 * SMALL as usize]; 16],
    /// For the others: the code word alone, by symbol.
    words: [u32; 256],
}

impl Codes {
    fn of(spec: &Spec) -> Self {
        let mut codes = Codes {
            small: [[LACKING; 2 * SMALL as usize]; 16],
            words: [LACKING; 256],
        };
        spec.codes(|code, length, symbol| {
            codes.words[usize::from(symbol)] = (code & 0xffff) << 6 | length;
        });
        for (run, entries) in codes.small.iter_mut().enumerate() {
            for (entry, value) in entries.iter_mut().zip(-SMALL..SMALL) {
                let class = model::class(value);
                let word = codes.words[run << 4 | class as usize];
                if word & LACKING == 0 {
                    let bits = (word >> 6) << class | model::extra_bits(value, class);
                    *entry = bits << 6 | ((word & LENGTH) + class);
                }
            }
        }
        codes
    }

    /// Writes the code word of a run and a value's class, and the value. Returns the entry.
    #[inline(always)]
    fn put(&self, value: i16, run: u32, end: &mut End, out: &mut [u8]) -> u32 {
        let value = i32::from(value);
        let place = (value + SMALL) as u32;
        match self.small[(run & 15) as usize].get(place as usize) {
            Some(&entry) => {
                end.put((entry >> 6).into(), entry & LENGTH, out);
                entry
            }
            None => {
                let class = model::class(value);
                let word = self.words[((run << 4 | class & 15) & 255) as usize];
                let bits = u64::from(word >> 6 & 0xffff) << class
                    | u64::from(model::extra_bits(value, class));
                end.put(bits, (word & LENGTH) + class, out);
                word
            }
        }
    }
}

/// The most bytes that a block takes: 64 coefficients of up to 32 bits each, an end of block of 16, and the bytes
/// written behind its end.
const ROOM: usize = 64 * 4 + 2 + 1 + 8;

/// Writes bits, most significant first.
#[derive(Default)]
struct Bits {
    /// The written bytes, and room behind them.
    bytes: Vec<u8>,
    /// Whole bytes written before the current block.
    written: usize,
    /// Less than a byte of bits behind them, left-aligned, and their number.
    pending: (u64, u32),
}

/// Where the bits of a block end.
struct End {
    at: usize,
    bits: u64,
    count: u32,
}

impl End {
    /// Appends `count` (up to 32) bits, the low ones of `value`. Its other bits must be zero.
    #[inline(always)]
    fn put(&mut self, value: u64, count: u32, out: &mut [u8]) {
        self.count += count;
        self.bits |= value.wrapping_shl(64 - self.count);
        // All eight bytes are written each time, because whether a word is full can hardly be predicted.
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
    /// Room for a block, and where it begins. Pass its end to [`Bits::close`].
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
