//! The loops over a unit's symbols, for each instruction level.
//!
//! [`scalar`] defines the result; `avx2` and `avx512` compute the same with vectors, on any input. All lengths are part
//! of the types, so a kernel checks nothing. Its indices are bytes, or bounded by how they were made.
#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod scalar;

use std::ops::Range;

#[cfg(target_arch = "x86_64")]
use pixels::Instructions;

use super::bits::{BitWriter, End};
use super::contexts::Contexts;
use super::error::RecodeError;
use super::layout::{
    MOST_AC, MOST_BLOCKS, MOST_DC, MOST_LANES, MOST_MASKS, MOST_SYMBOLS, MOST_VALUES, Shape,
};
use super::rans::{LOWEST, Phase};
use super::tables::{Lookup, Tables};
use crate::Level;
use crate::jpeg::group::Group;

/// Elements that kernels may read and overwrite behind the last one of an array.
pub(super) const SLACK: usize = 64;

/// Which instructions do the work. Only [`Kernel::of`] makes values other than `Scalar`, after asking the processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kernel {
    Scalar,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// For processors where `pdep` exists but takes a hundred cycles.
    #[cfg(target_arch = "x86_64")]
    Avx2WithoutPdep,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Kernel {
    /// The best kernel for a level. A kernel may need more than the level promises; then this is a lesser one.
    pub(super) fn of(level: Level) -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if level.has(Instructions::Avx512Vbmi2) {
                return Kernel::Avx512;
            }
            if level.has(Instructions::Avx2Bmi) {
                return match has_slow_pdep() {
                    false => Kernel::Avx2,
                    true => Kernel::Avx2WithoutPdep,
                };
            }
        }
        let _ = level;
        Kernel::Scalar
    }
}

/// Whether this processor has what makes the encoding the fastest one: AVX2, and a fast `pdep`.
pub(crate) fn is_fast() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        matches!(Kernel::of(Level::best()), Kernel::Avx512 | Kernel::Avx2)
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        false
    }
}

/// Whether `pdep` is microcode: on AMD's processors before Zen 3 (families 15h to 18h), which do have AVX2.
#[cfg(target_arch = "x86_64")]
fn has_slow_pdep() -> bool {
    use std::arch::x86_64::__cpuid;
    let vendor = __cpuid(0);
    let is = |name: &[u8; 12]| {
        let parts = [vendor.ebx, vendor.edx, vendor.ecx].map(u32::to_le_bytes);
        parts.concat() == name
    };
    let version = __cpuid(1).eax;
    let family = (version >> 8 & 0xf) + (version >> 20 & 0xff);
    (is(b"AuthenticAMD") || is(b"HygonGenuine")) && family < 0x19
}

/// Which coefficients of a block are nonzero, one bit each. The encoder uses it at every level: its instructions are
/// part of any x86-64.
#[inline]
pub(super) fn nonzero(block: &[i16; 64]) -> u64 {
    let mut mask = 0;
    for (i, values) in block.chunks_exact(16).enumerate() {
        #[cfg(target_arch = "x86_64")]
        let zeros = {
            use std::arch::x86_64::*;
            // SAFETY: there are sixteen values of two bytes; any x86-64 has SSE2.
            unsafe {
                let at = values.as_ptr().cast::<__m128i>();
                // Saturation keeps nonzero values nonzero.
                let bytes = _mm_packs_epi16(_mm_loadu_si128(at), _mm_loadu_si128(at.add(1)));
                _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_setzero_si128())) as u16
            }
        };
        #[cfg(not(target_arch = "x86_64"))]
        let zeros = (0..16).fold(0u16, |bits, k| bits | u16::from(values[k] == 0) << k);
        mask |= u64::from(!zeros) << (16 * i);
    }
    mask
}

/// Arrays that the kernels work on.
pub(super) type Blocks<T> = [T; MOST_BLOCKS + SLACK];
pub(super) type Masks = [u8; MOST_MASKS + SLACK];
pub(super) type Symbols = [u8; MOST_SYMBOLS + SLACK];
pub(super) type Values = [i8; MOST_VALUES + SLACK];
pub(super) type Escapes = [u16; MOST_VALUES + 1];
pub(super) type AcBits = [u8; MOST_AC + 2 * MOST_LANES + SLACK];
pub(super) type DcBits = [u8; MOST_DC + SLACK];

/// States of the interleaved coders.
#[derive(Clone)]
#[repr(align(64))]
pub(super) struct States([u32; MOST_LANES]);

/// Decodes symbols: interleaved rANS.
pub(super) struct Coder<'a> {
    kernel: Kernel,
    lookup: &'a Lookup,
    states: States,
    lanes: usize,
    words: &'a [u8],
    at: usize,
}

/// Calls a function of the module that is named like the kernel.
macro_rules! on {
    ($kernel:expr, $function:ident($($argument:expr),* $(,)?)) => {
        match $kernel {
            Kernel::Scalar => scalar::$function($($argument),*),
            // SAFETY: `Kernel::of` made this value after finding that the processor has the
            // instructions; `Coder::decode`, the one place with a further condition, checks it.
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 | Kernel::Avx2WithoutPdep => unsafe { avx2::$function($($argument),*) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => unsafe { avx512::$function($($argument),*) },
        }
    };
}

impl<'a> Coder<'a> {
    /// A coder with `states` stored four bytes per lane, in 16, 32, 48 or 64 lanes. It reads `words`.
    pub(super) fn new(lookup: &'a Lookup, kernel: Kernel, states: &[u8], words: &'a [u8]) -> Self {
        let mut coder = Coder {
            kernel,
            lookup,
            states: States([0; MOST_LANES]),
            lanes: (states.len() / 64 * 16).clamp(16, MOST_LANES),
            words,
            at: 0,
        };
        for (state, bytes) in coder.states.0.iter_mut().zip(states.chunks_exact(4)) {
            *state = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
        coder
    }

    /// Decodes the symbols of a range to the same places of `symbols`; their contexts are given. The range starts at a
    /// multiple of the lanes.
    pub(super) fn decode(
        &mut self,
        contexts: &[u8],
        symbols: &mut [u8],
        range: Range<usize>,
    ) -> Result<(), RecodeError> {
        const SHORT: RecodeError = RecodeError::Corrupt("a unit needs more words than it can have");
        let (start, count) = (range.start, range.len());
        let contexts = contexts.get(start..range.end + SLACK).ok_or(SHORT)?;
        let symbols = symbols.get_mut(start..range.end + SLACK).ok_or(SHORT)?;
        // Each symbol reads at most one word; a vector of words is read whole.
        if self.words.len() < self.at + 2 * count + SLACK {
            return Err(SHORT);
        }
        self.at = on!(self.kernel, symbols(self, contexts, symbols, count));
        Ok(())
    }

    /// Bytes of words read.
    pub(super) fn read(&self) -> usize {
        self.at
    }

    /// After the last symbol: the bytes that the encoder hid in its first states, two per lane. `None` if not exactly
    /// `words` bytes were read, or if an encoder cannot start with these states.
    pub(super) fn seeds(&self, words: usize) -> Option<[u8; 2 * MOST_LANES]> {
        let mut seeds = [0; 2 * MOST_LANES];
        let states = &self.states.0[..self.lanes];
        for (seed, &state) in seeds.chunks_exact_mut(2).zip(states) {
            seed.copy_from_slice(&(state as u16).to_le_bytes());
        }
        let sound = self.at == words && states.iter().all(|&state| state & !0xffff == LOWEST);
        sound.then_some(seeds)
    }
}

/// Contexts of the first phase: one symbol a block.
pub(super) fn block_contexts(shape: &Shape, contexts: &mut Symbols) {
    for (i, context) in contexts[..shape.blocks].iter_mut().enumerate() {
        *context = super::model::block_context(shape.is_chroma(i));
    }
}

/// How many mask bytes each block has, and the contexts of all: byte 0 of every block that has one, then byte 1, and so
/// on. Returns their number. `blocks` is zero beyond the last block.
pub(super) fn mask_contexts(
    kernel: Kernel,
    model: &Contexts,
    shape: &Shape,
    blocks: &Blocks<u8>,
    reach: &mut Blocks<u8>,
    contexts: &mut Symbols,
) -> usize {
    on!(kernel, mask_contexts(model, shape, blocks, reach, contexts))
}

/// Puts the decoded mask bytes together: one mask a block.
pub(super) fn masks(
    kernel: Kernel,
    shape: &Shape,
    reach: &Blocks<u8>,
    bytes: &Masks,
    masks: &mut Blocks<u64>,
) {
    on!(kernel, masks(shape, reach, bytes, masks));
}

/// Contexts of the pairs of classes, and where each block's values start. `first` gets one more entry than there are
/// blocks. Returns the number of pairs.
pub(super) fn pair_contexts(
    kernel: Kernel,
    model: &Contexts,
    shape: &Shape,
    masks: &Blocks<u64>,
    first: &mut Blocks<u16>,
    contexts: &mut Symbols,
) -> usize {
    on!(kernel, pair_contexts(model, shape, masks, first, contexts))
}

/// Values of the first `count` pairs, two each, from their raw bits. Escaped values are zero and listed. Returns the
/// raw bits used and the number of escapes. `pairs` is zero beyond the last pair.
pub(super) fn values(
    kernel: Kernel,
    pairs: &Symbols,
    count: usize,
    bits: &AcBits,
    values: &mut Values,
    escapes: &mut Escapes,
) -> (usize, usize) {
    #[cfg(target_arch = "x86_64")]
    if kernel == Kernel::Avx2WithoutPdep {
        return scalar::values(pairs, count, bits, values, escapes);
    }
    on!(kernel, values(pairs, count, bits, values, escapes))
}

/// DC of all blocks. Each is predicted from the block on its left, or at the left edge from the one above. Returns the
/// raw bits used.
pub(super) fn dc(
    kernel: Kernel,
    shape: &Shape,
    blocks: &Blocks<u8>,
    reach: &Blocks<u8>,
    bits: &DcBits,
    dc: &mut Blocks<i16>,
) -> usize {
    on!(kernel, dc(shape, blocks, reach, bits, dc))
}

/// Everything needed to lay out blocks.
pub(super) struct Decoded<'a> {
    pub(super) masks: &'a Blocks<u64>,
    pub(super) first: &'a Blocks<u16>,
    pub(super) values: &'a Values,
    pub(super) dc: &'a Blocks<i16>,
}

/// Lays out `count` (up to four) blocks from block `first` on. The other blocks of the group are zero.
#[inline]
pub(super) fn place(
    kernel: Kernel,
    unit: &Decoded<'_>,
    first: usize,
    count: usize,
    group: &mut Group,
) {
    on!(kernel, place(unit, first, count, group));
}

/// Replaces blocks, from block `first` on, with their coefficients in zigzag order.
pub(super) fn blocks_of(kernel: Kernel, unit: &Decoded<'_>, first: usize, into: &mut [[i16; 64]]) {
    on!(kernel, blocks_of(unit, first, into));
}

/// The encoder's first step. Finds which AC coefficients of each block are nonzero, the symbols of the first phase,
/// zero beyond the last block, and the raw bits of DC.
///
/// # Errors
/// [`RecodeError::Unsupported`] for a DC difference that 8-bit images do not have.
pub(super) fn blocks(
    kernel: Kernel,
    shape: &Shape,
    units: &[&[i16; 64]; MOST_BLOCKS],
    masks: &mut Blocks<u64>,
    symbols: &mut Blocks<u8>,
    bits: &mut BitWriter,
) -> Result<(), RecodeError> {
    on!(kernel, blocks(shape, units, masks, symbols, bits))
}

/// The inverse of [`masks`]: byte 0 of the masks of all blocks that reach so far, then byte 1, and so on.
pub(super) fn mask_bytes(
    kernel: Kernel,
    shape: &Shape,
    reach: &Blocks<u8>,
    masks: &Blocks<u64>,
    bytes: &mut Masks,
) {
    on!(kernel, mask_bytes(shape, reach, masks, bytes));
}

/// Stands in place of a value that does not fit in seven bits and is stored as an escape.
pub(super) const BESIDE: i8 = i8::MIN;

/// The nonzero AC coefficients. Each block's start where `first` says, with a zero behind an odd number and behind all.
/// Escaped values are appended to `escapes`, with [`BESIDE`] in their place.
pub(super) fn together(
    kernel: Kernel,
    shape: &Shape,
    units: &[&[i16; 64]; MOST_BLOCKS],
    masks: &Blocks<u64>,
    first: &Blocks<u16>,
    values: &mut Values,
    escapes: &mut Vec<i16>,
) {
    on!(
        kernel,
        together(shape, units, masks, first, values, escapes)
    );
}

/// The inverse of [`values`]: the classes of `count` pairs of values, and their raw bits, which are appended to `room`
/// from `end` on. `values` is zero beyond the last pair.
pub(super) fn pairs(
    kernel: Kernel,
    values: &Values,
    count: usize,
    pairs: &mut Symbols,
    room: &mut [u8],
    end: &mut End,
) {
    #[cfg(target_arch = "x86_64")]
    if kernel == Kernel::Avx2WithoutPdep {
        return scalar::pairs(values, count, pairs, room, end);
    }
    on!(kernel, pairs(values, count, pairs, room, end));
}

/// The inverse of [`Coder`]: encodes the phases so that they decode in the given order. The lanes start with the bytes
/// of `seeds`, two each. Returns the states that a decoder starts with, and where it starts in `words`, whose contents
/// are replaced.
pub(super) fn encode(
    kernel: Kernel,
    tables: &Tables,
    phases: &[Phase<'_>; 3],
    seeds: &[u8],
    words: &mut Vec<u16>,
) -> ([u32; MOST_LANES], usize) {
    on!(kernel, encode(tables, phases, seeds, words))
}
