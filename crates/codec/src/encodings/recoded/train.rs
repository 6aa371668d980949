//! Makes [`Tables`] from a sample of the files to be stored.
//!
//! The result depends only on the files and their order.

use std::collections::BTreeMap;

use super::cluster;
use super::cluster::Histogram;
use super::contexts::{Contexts, MaskPlace, OF_BLOCKS, Occurs, PairPlace};
use super::error::RecodeError;
use super::layout::Shape;
use super::model::{MASK_BYTES, TOTAL};
use super::source::{Parts, Source};
use super::symbols::Symbols;
use super::tables::{Steps, Tables};
use crate::CodecError;
use crate::Level;

/// The most shared quantisation tables. A record names one in a byte, and 255 means none of them.
const MOST_STEPS: usize = 255;
/// Bytes of the dictionary for headers.
const DICTIONARY: usize = 16 << 10;
/// The most headers used to make the dictionary; more do not make it better.
const MOST_HEADERS: usize = 2000;
/// Longer headers hold previews and the like, which teach a dictionary nothing.
const LONGEST_HEADER: usize = 16 << 10;

/// Gathers the statistics of a sample of image files.
pub struct TableTrainer {
    seen: Seen,
    steps: BTreeMap<Steps, u64>,
    headers: Vec<Vec<u8>>,
    symbols: Symbols,
    /// Where symbols are gathered. Their contexts are ignored.
    by_rule: Contexts,
}

/// How often each symbol was seen, by where.
struct Seen {
    blocks: [Histogram; OF_BLOCKS],
    masks: Vec<Histogram>,
    pairs: Vec<Histogram>,
    /// The number of a place among all, by chroma, position and reach.
    mask_numbers: [[[u16; MASK_BYTES + 1]; MASK_BYTES]; 2],
    /// The number of the first pair, by chroma and count.
    pair_numbers: [[u16; 64]; 2],
}

impl Seen {
    fn nothing() -> Self {
        let mut seen = Seen {
            blocks: [[0; 256]; OF_BLOCKS],
            masks: Vec::new(),
            pairs: Vec::new(),
            mask_numbers: [[[0; _]; _]; _],
            pair_numbers: [[0; _]; _],
        };
        for place in MaskPlace::all() {
            let numbers = &mut seen.mask_numbers[usize::from(place.chroma)][place.position];
            numbers[place.reach] = seen.masks.len() as u16;
            seen.masks.push([0; 256]);
        }
        for place in PairPlace::all() {
            if place.pair == 0 {
                let numbers = &mut seen.pair_numbers[usize::from(place.chroma)];
                numbers[place.count] = seen.pairs.len() as u16;
            }
            seen.pairs.push([0; 256]);
        }
        seen
    }

    /// Adds a unit's symbols `by` (1, or -1 to take them back) times.
    fn add(&mut self, shape: &Shape, symbols: &Symbols, by: u64) {
        let blocks = symbols.phases()[0];
        for (&context, &symbol) in blocks.contexts.iter().zip(blocks.symbols) {
            let count = &mut self.blocks[usize::from(context) % OF_BLOCKS][usize::from(symbol)];
            *count = count.wrapping_add(by);
        }
        symbols.each_mask(shape, |place, byte| {
            let numbers = &self.mask_numbers[usize::from(place.chroma)][place.position];
            let count = &mut self.masks[usize::from(numbers[place.reach])][usize::from(byte)];
            *count = count.wrapping_add(by);
        });
        symbols.each_pair(shape, |place, symbol| {
            let first = self.pair_numbers[usize::from(place.chroma)][place.count];
            let count = &mut self.pairs[usize::from(first) + place.pair][usize::from(symbol)];
            *count = count.wrapping_add(by);
        });
    }
}

impl TableTrainer {
    /// A trainer that has seen nothing. Its tables suit no image in particular.
    pub fn new() -> Self {
        TableTrainer {
            seen: Seen::nothing(),
            steps: BTreeMap::new(),
            headers: Vec::new(),
            symbols: Symbols::new(Level::best()),
            by_rule: Contexts::by_rule(),
        }
    }

    /// Learns from a file. Files that the encoding does not take are skipped.
    pub fn add(&mut self, file: &[u8]) {
        let Ok(source) = Source::read(file) else {
            return;
        };
        if self.count(&source, 1).is_err() {
            // The file turned out to be damaged. The same fault occurs again at the same place, so nothing is learned
            // from it.
            let _ = self.count(&source, 1u64.wrapping_neg());
            return;
        }
        let Parts { header, steps, .. } = source.parts;
        *self.steps.entry(steps).or_default() += 1;
        if header.len() <= LONGEST_HEADER && self.headers.len() < MOST_HEADERS {
            self.headers.push(header.to_vec());
        }
    }

    fn count(&mut self, source: &Source<'_>, by: u64) -> Result<(), RecodeError> {
        let (frame, model) = (source.parts.frame, &self.by_rule);
        let (seen, symbols) = (&mut self.seen, &mut self.symbols);
        let mut row = 0;
        source.each_strip(|strip| {
            for column in 0..frame.units().0 {
                let shape = frame.shape(column, row);
                symbols.gather(model, &shape, strip, frame.columns(column))?;
                seen.add(&shape, symbols, by);
            }
            row += 1;
            Ok(())
        })?;
        Ok(())
    }

    /// The tables.
    ///
    /// # Errors
    /// None: tables made here can be read.
    pub fn finish(self) -> Result<Tables, CodecError> {
        let mut steps: Vec<(Steps, u64)> = self.steps.into_iter().collect();
        steps.sort_by_key(|&(steps, count)| (std::cmp::Reverse(count), steps));
        let palette: Vec<Steps> = steps
            .iter()
            .take(MOST_STEPS)
            .map(|&(steps, _)| steps)
            .collect();
        // Too few samples make no dictionary; packing without one works too.
        let dictionary = zstd::dict::from_samples(&self.headers, DICTIONARY).unwrap_or_default();
        let Seen {
            blocks,
            masks,
            pairs,
            ..
        } = &self.seen;
        let maps = cluster::maps(masks, pairs);
        let contexts = Contexts::new(&maps).ok_or(CodecError::Tables("they have no contexts"))?;
        let frequencies = frequencies(&contexts, blocks, masks, pairs);
        let bytes = Tables::write(
            &maps,
            &contexts.occurring(),
            &frequencies,
            &palette,
            &dictionary,
        );
        Tables::parse(&bytes)
    }
}

impl Default for TableTrainer {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for TableTrainer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TableTrainer")
            .field("headers", &self.headers.len())
            .finish_non_exhaustive()
    }
}

/// Frequencies that add up to [`TOTAL`] in each context. Symbols that can always occur get at least 1.
fn frequencies(
    contexts: &Contexts,
    blocks: &[Histogram; OF_BLOCKS],
    masks: &[Histogram],
    pairs: &[Histogram],
) -> Vec<[u16; 256]> {
    let mut sums = vec![[0u64; 256]; contexts.len()];
    let of_blocks = (0..OF_BLOCKS).zip(blocks);
    let of_masks = MaskPlace::all().map(|place| contexts.of_mask(place).into());
    let of_pairs = PairPlace::all().map(|place| contexts.of_pair(place).into());
    let places = of_blocks
        .chain(of_masks.zip(masks))
        .chain(of_pairs.zip(pairs));
    for (context, counts) in places {
        for (sum, count) in sums[context].iter_mut().zip(counts) {
            *sum += count;
        }
    }
    let sums = sums.iter().zip(contexts.occurring());
    sums.map(|(counts, occurs)| normalise(counts, &occurs))
        .collect()
}

/// A pair seen less often than this, out of [`TOTAL`], costs less as escapes than a frequency of 1 costs all others.
const RARE: (u64, u64) = (3, 20);

fn normalise(counts: &[u64; 256], occurs: &[Occurs; 256]) -> [u16; 256] {
    let all: u64 = counts.iter().sum();
    let is_rare = |symbol: usize| counts[symbol] * TOTAL as u64 * RARE.1 < all * RARE.0;
    let symbols: Vec<usize> = (0..256)
        .filter(|&symbol| match occurs[symbol] {
            Occurs::Never => false,
            Occurs::Perhaps => !is_rare(symbol),
            Occurs::Always => true,
        })
        .collect();
    // Add one to each count, so that nothing is impossible.
    let weight = |symbol: usize| u128::from(counts[symbol]) * 64 + 1;
    let sum: u128 = symbols.iter().map(|&symbol| weight(symbol)).sum();
    let mut frequencies = [0u16; 256];
    let mut left = TOTAL as i64;
    for &symbol in &symbols {
        let share = (weight(symbol) * TOTAL as u128 + sum / 2) / sum;
        frequencies[symbol] = share.max(1) as u16;
        left -= i64::from(frequencies[symbol]);
    }
    // Takes steps of one, each where it costs the fewest bits or gains the most.
    while left != 0 {
        let step = left.signum();
        let cost = |symbol: usize| {
            let now = f64::from(frequencies[symbol]);
            -(weight(symbol) as f64) * ((now + step as f64) / now).ln()
        };
        let able = symbols
            .iter()
            .copied()
            .filter(|&symbol| step > 0 || frequencies[symbol] > 1);
        let Some(best) = able.min_by(|&a, &b| cost(a).total_cmp(&cost(b))) else {
            break;
        };
        frequencies[best] = (i64::from(frequencies[best]) + step) as u16;
        left -= step;
    }
    frequencies
}
