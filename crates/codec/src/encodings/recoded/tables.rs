//! What the images of a data set share: symbol frequencies, quantisation tables, and a dictionary for file headers. A
//! record can only be decoded with the tables that it was made with, and names them by hash.

use std::sync::{Arc, OnceLock};

use twox_hash::XxHash3_64;
use zstd::dict::{DecoderDictionary, EncoderDictionary};
use zstd::zstd_safe::{CDict, DDict};

use super::contexts;
use super::contexts::{Contexts, MOST_CONTEXTS, Maps, Occurs};
use super::model::{BITS, ESCAPE, TOTAL};
use super::rans::Coding;
use crate::CodecError;

/// The first bytes of stored tables: letters and version.
const MAGIC: [u8; 8] = *b"recoded\x02";
/// The compression level of headers. They are short and are packed once.
const HEADER_LEVEL: i32 = 9;
/// A longer header is treated as damage; a JPEG's may hold megabytes of profiles and previews.
const MOST_HEADER: usize = 64 << 20;

/// A power of two with room for all contexts.
pub(super) const CODED: usize = MOST_CONTEXTS.next_power_of_two();

/// The 8-bit quantisation tables of up to three components, each in zigzag order.
pub(super) type Steps = [[u8; 64]; 3];

/// Symbol frequencies, quantisation tables and header dictionary of a data set in the `recoded` encoding.
/// [`TableTrainer`](crate::TableTrainer) makes them once, or they are built in. Every record needs them.
///
/// Large (1.2 MiB) and immutable: share it between threads in an [`Arc`].
pub struct Tables {
    bytes: Vec<u8>,
    id: u32,
    contexts: Contexts,
    /// By context; there is room for a power of two.
    codings: Box<[[Coding; 256]; CODED]>,
    lookup: Lookup,
    pub(super) palette: Vec<Steps>,
    reader: DecoderDictionary<'static>,
    /// `None` if the dictionary cannot be used to write frames.
    writer: OnceLock<Option<EncoderDictionary<'static>>>,
    dictionary: Vec<u8>,
}

/// Which symbol a state decodes to: `bias << 20 | frequency << 8 | symbol`, by context and low bits of the state. There
/// is room for each context that a byte can name, so none is out of bounds. The pages of contexts that do not exist are
/// never touched.
pub(super) struct Lookup(Box<[u32; 256 * TOTAL]>);

impl Lookup {
    /// The entry of a state in a context.
    #[inline(always)]
    pub(super) fn entry(&self, context: u8, state: u32) -> u32 {
        self.0[usize::from(context) << BITS | state as usize & (TOTAL - 1)]
    }

    /// All entries, for kernels that gather them.
    #[inline(always)]
    #[cfg(target_arch = "x86_64")]
    pub(super) fn entries(&self) -> &[u32; 256 * TOTAL] {
        &self.0
    }
}

impl Tables {
    /// The tables that come with this crate, for data sets too small to train their own.
    ///
    /// # Errors
    /// None: these tables were tested.
    pub fn builtin() -> Result<Arc<Self>, CodecError> {
        Self::shared().cloned()
    }

    /// The given tables, or the built-in ones.
    pub(crate) fn or_builtin(given: Option<&Self>) -> Result<&Self, CodecError> {
        match given {
            Some(tables) => Ok(tables),
            None => Ok(Self::shared()?),
        }
    }

    fn shared() -> Result<&'static Arc<Self>, CodecError> {
        static BUILTIN: OnceLock<Arc<Tables>> = OnceLock::new();
        match BUILTIN.get() {
            Some(tables) => Ok(tables),
            None => {
                let tables = Arc::new(Tables::parse(include_bytes!("builtin.tables"))?);
                Ok(BUILTIN.get_or_init(|| tables))
            }
        }
    }

    /// The stored tables of a data set, or the built-in ones if it has none.
    ///
    /// # Errors
    /// Those of [`Tables::parse`].
    pub fn of_dataset(stored: Option<&[u8]>) -> Result<Arc<Self>, CodecError> {
        match stored {
            Some(bytes) => Ok(Arc::new(Self::parse(bytes)?)),
            None => Self::builtin(),
        }
    }

    /// Reads stored tables.
    ///
    /// # Errors
    /// [`CodecError::Tables`] if they are damaged or of an unknown version.
    pub fn parse(bytes: &[u8]) -> Result<Self, CodecError> {
        if !bytes.starts_with(&MAGIC) {
            return Err(CodecError::Tables(
                "another version of this software wrote them",
            ));
        }
        Self::read(bytes).ok_or(CodecError::Tables("they are damaged"))
    }

    /// The tables in their stored form.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The id of these tables in records: the low half of the xxh3-64 of [`Tables::as_bytes`].
    pub fn id(&self) -> u32 {
        self.id
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(&MAGIC)?;
        let contexts = Contexts::read(&mut rest)?;
        let mut codings = vec![[Coding::NONE; 256]; CODED].into_boxed_slice();
        let mut lookup = vec![0u32; 256 * TOTAL].into_boxed_slice();
        let places = lookup.chunks_exact_mut(TOTAL).zip(&mut codings);
        for (occurs, (entries, coding)) in contexts.occurring().iter().zip(places) {
            *coding = read_context(occurs, &mut rest, entries)?;
        }
        let (&colours, after) = rest.split_first()?;
        let (palette, dictionary) = after.split_at_checked(usize::from(colours) * 192)?;
        // Some bytes look like a dictionary but are damaged; the safe constructor below would panic on them.
        DDict::try_create(dictionary)?;
        let palette = palette.chunks_exact(192);
        let steps = |bytes: &[u8]| {
            let mut steps = [[0; 64]; 3];
            for (steps, bytes) in steps.iter_mut().zip(bytes.chunks_exact(64)) {
                steps.copy_from_slice(bytes);
            }
            steps
        };
        Some(Tables {
            bytes: bytes.to_vec(),
            id: XxHash3_64::oneshot(bytes) as u32,
            contexts,
            codings: codings.try_into().ok()?,
            lookup: Lookup(lookup.try_into().ok()?),
            palette: palette.map(steps).collect(),
            reader: DecoderDictionary::copy(dictionary),
            writer: OnceLock::new(),
            dictionary: dictionary.to_vec(),
        })
    }

    /// The stored form of tables with these contexts and the frequencies of the symbols that occur, which add up to
    /// [`TOTAL`] in each context.
    pub(super) fn write(
        maps: &Maps,
        occurring: &[[Occurs; 256]],
        frequencies: &[[u16; 256]],
        palette: &[Steps],
        dictionary: &[u8],
    ) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(maps.bytes());
        for (occurs, frequencies) in occurring.iter().zip(frequencies) {
            for (symbol, &frequency) in frequencies.iter().enumerate() {
                if occurs[symbol] != Occurs::Never {
                    match frequency {
                        0..128 => bytes.push(frequency as u8),
                        _ => bytes.extend([frequency as u8 | 0x80, (frequency >> 7) as u8]),
                    }
                }
            }
        }
        bytes.push(palette.len() as u8);
        bytes.extend(palette.iter().flatten().flatten());
        bytes.extend(dictionary);
        bytes
    }

    #[inline(always)]
    pub(super) fn coding(&self, context: u8, symbol: u8) -> Coding {
        self.codings[usize::from(context) % CODED][usize::from(symbol)]
    }

    /// Whether a symbol that can occur in a context has no frequency and is coded as escapes.
    #[inline(always)]
    pub(super) fn lacks(&self, context: u8, symbol: u8) -> bool {
        self.coding(context, symbol).frequency() == 0
    }

    /// How a pair that the tables lack is coded: with one escape if the tables have such a symbol, else with escapes
    /// only.
    pub(super) fn instead_of(&self, context: u8, pair: u8) -> u8 {
        let escapes = contexts::instead_of(usize::from(pair >> 4)) as u8;
        let one = [pair & 0x0f | ESCAPE << 4, pair & 0xf0 | ESCAPE];
        let mut one = one.into_iter().filter(|_| pair >> 4 != 0);
        one.find(|&one| one != pair && !self.lacks(context, one))
            .unwrap_or(escapes)
    }

    /// All codings, for kernels that gather them: by context, and by symbol.
    #[inline(always)]
    #[cfg(target_arch = "x86_64")]
    pub(super) fn codings(&self) -> &[[Coding; 256]; CODED] {
        &self.codings
    }

    pub(super) fn contexts(&self) -> &Contexts {
        &self.contexts
    }

    pub(super) fn lookup(&self) -> &Lookup {
        &self.lookup
    }

    /// Packs the header of a file.
    pub(super) fn pack_header(&self, header: &[u8]) -> Option<Vec<u8>> {
        let dictionary = self.writer.get_or_init(|| {
            CDict::try_create(&self.dictionary, HEADER_LEVEL)?;
            Some(EncoderDictionary::copy(&self.dictionary, HEADER_LEVEL))
        });
        let dictionary = dictionary.as_ref()?;
        let mut packer = zstd::bulk::Compressor::with_prepared_dictionary(dictionary).ok()?;
        packer.include_checksum(false).ok()?;
        packer.include_dictid(false).ok()?;
        packer.compress(header).ok()
    }

    /// Unpacks what [`Tables::pack_header`] made.
    pub(super) fn unpack_header(&self, packed: &[u8], length: usize) -> Option<Vec<u8>> {
        if length > MOST_HEADER {
            return None;
        }
        let mut unpacker = zstd::bulk::Decompressor::with_prepared_dictionary(&self.reader).ok()?;
        let header = unpacker.decompress(packed, length).ok()?;
        (header.len() == length).then_some(header)
    }
}

/// Reads the frequencies of a context, where these symbols can occur, and fills its lookup `entries`.
fn read_context(
    occurs: &[Occurs; 256],
    rest: &mut &[u8],
    entries: &mut [u32],
) -> Option<[Coding; 256]> {
    let mut codings = [Coding::NONE; 256];
    let mut start = 0u32;
    for symbol in (0..256).filter(|&symbol| occurs[symbol] != Occurs::Never) {
        let (&low, after) = rest.split_first()?;
        *rest = after;
        let mut frequency = u32::from(low & 0x7f);
        if low & 0x80 != 0 {
            let (&high, after) = rest.split_first()?;
            *rest = after;
            frequency |= u32::from(high) << 7;
        }
        let end = start + frequency;
        let span = entries.get_mut(start as usize..end as usize)?;
        if span.is_empty() && occurs[symbol] == Occurs::Always {
            return None;
        }
        for (bias, entry) in span.iter_mut().enumerate() {
            *entry = (bias as u32) << 20 | frequency << 8 | symbol as u32;
        }
        codings[symbol] = Coding::of(frequency as u16, start as u16);
        start = end;
    }
    (start as usize == TOTAL).then_some(codings)
}

impl std::fmt::Debug for Tables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tables")
            .field("id", &self.id)
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}
