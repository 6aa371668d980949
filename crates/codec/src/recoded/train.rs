//! Makes [`Tables`] from a sample of the files that are to be stored.
//!
//! The result depends on the files and their order only.

use std::collections::BTreeMap;

use super::model::{self, CONTEXTS, TOTAL};
use super::source::{Parts, Source};
use super::symbols::{Phase, Symbols};
use super::tables::{Steps, Tables};
use crate::CodecError;
use crate::seek::Level;

/// Quantisation tables that may be shared; records name one in a byte, and 255 means none of them.
const MOST_STEPS: usize = 255;
/// Bytes of the dictionary for headers.
const DICTIONARY: usize = 16 << 10;
/// Headers that the dictionary is made from, at most: more do not make it better.
const MOST_HEADERS: usize = 2000;
/// Headers longer than this hold previews and the like, of which a dictionary learns nothing.
const LONGEST_HEADER: usize = 16 << 10;

/// Gathers the statistics of a sample of image files.
pub struct TableTrainer {
    counts: Vec<[u64; 256]>,
    steps: BTreeMap<Steps, u64>,
    headers: Vec<Vec<u8>>,
    symbols: Symbols,
}

impl TableTrainer {
    /// A trainer that has seen nothing; the tables that it makes fit no image in particular.
    pub fn new() -> Self {
        TableTrainer {
            counts: vec![[0; 256]; CONTEXTS],
            steps: BTreeMap::new(),
            headers: Vec::new(),
            symbols: Symbols::new(Level::best()),
        }
    }

    /// Learns from a file. Files that the encoding does not take are passed over.
    pub fn add(&mut self, file: &[u8]) {
        let Ok(source) = Source::read(file) else {
            return;
        };
        let Parts {
            frame,
            header,
            steps,
            ..
        } = source.parts;
        let (symbols, mut row) = (&mut self.symbols, 0);
        // A file that turns out to be damaged teaches nothing.
        let mut counts = vec![[0u32; 256]; CONTEXTS];
        let read = source.each_strip(|strip| {
            for column in 0..frame.units().0 {
                symbols.gather(&frame.shape(column, row), strip, frame.columns(column))?;
                for Phase { contexts, symbols } in symbols.phases() {
                    for (&context, &symbol) in contexts.iter().zip(symbols) {
                        counts[usize::from(context) % CONTEXTS][usize::from(symbol)] += 1;
                    }
                }
            }
            row += 1;
            Ok(())
        });
        if read.is_err() {
            return;
        }
        for (all, these) in self
            .counts
            .iter_mut()
            .flatten()
            .zip(counts.iter().flatten())
        {
            *all += u64::from(*these);
        }
        *self.steps.entry(steps).or_default() += 1;
        if header.len() <= LONGEST_HEADER && self.headers.len() < MOST_HEADERS {
            self.headers.push(header.to_vec());
        }
    }

    /// The tables.
    ///
    /// # Errors
    /// None: what is made here can be read.
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
        let bytes = Tables::write(&normalised(&self.counts), &palette, &dictionary);
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

/// Frequencies that add up to [`TOTAL`] in each context, at least 1 for each symbol that can occur.
pub(super) fn normalised(counts: &[[u64; 256]]) -> Vec<[u16; 256]> {
    let contexts = counts.iter().enumerate();
    contexts
        .map(|(context, counts)| normalise(counts, |symbol| model::occurs(context, symbol)))
        .collect()
}

fn normalise(counts: &[u64; 256], occurs: impl Fn(usize) -> bool) -> [u16; 256] {
    let symbols: Vec<usize> = (0..256).filter(|&symbol| occurs(symbol)).collect();
    // One more of each than was seen, so that nothing is impossible.
    let weight = |symbol: usize| u128::from(counts[symbol]) * 64 + 1;
    let sum: u128 = symbols.iter().map(|&symbol| weight(symbol)).sum();
    let mut frequencies = [0u16; 256];
    let mut left = TOTAL as i64;
    for &symbol in &symbols {
        let share = (weight(symbol) * TOTAL as u128 + sum / 2) / sum;
        frequencies[symbol] = share.max(1) as u16;
        left -= i64::from(frequencies[symbol]);
    }
    // Steps of one, each where it costs the fewest bits or gains the most.
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
