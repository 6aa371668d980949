//! Which context codes each symbol: maps that a data set's tables hold.
//!
//! A mask byte's context depends on chroma, its position and how far its block reaches. A pair's context depends on
//! chroma, how many AC coefficients of its block are nonzero, and which pair of them it is. A decoder knows all of this
//! before the phase. Which of these share a context was learned with the frequencies ([`super::cluster`]).

use super::model::{DC_CLASSES, ESCAPE, MASK_BYTES, MOST_PAIRS};

/// A block's first symbol has one of two contexts, luma's and chroma's.
pub(super) const OF_BLOCKS: usize = 2;
/// Contexts of all phases at most.
pub(super) const MOST_CONTEXTS: usize = 128;
/// The most nonzero AC coefficients.
const MOST_COUNT: usize = 63;

/// Contexts are numbered consecutively over the phases.
pub(super) struct Contexts {
    /// By chroma, position and reach, of which there are eight: one shuffle looks up one row.
    masks: [[MaskRow; MASK_BYTES]; 2],
    /// By chroma and count.
    pairs: Box<[[PairRow; MOST_COUNT + 1]; 2]>,
    of_masks: usize,
    of_pairs: usize,
}

/// Contexts of the mask bytes at one position, by how many mask bytes their blocks have.
#[derive(Clone, Copy)]
#[repr(align(16))]
pub(super) struct MaskRow(pub(super) [u8; 16]);

/// Contexts of the pairs of a block, which one load of 32 bytes copies.
#[derive(Clone, Copy)]
#[repr(align(32))]
pub(super) struct PairRow(pub(super) [u8; MOST_PAIRS]);

/// What a mask byte's context depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MaskPlace {
    pub(super) chroma: bool,
    pub(super) position: usize,
    /// Mask bytes of the block, more than `position`.
    pub(super) reach: usize,
}

/// What a pair's context depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PairPlace {
    pub(super) chroma: bool,
    /// Nonzero AC coefficients of the block, more than `2 * pair`.
    pub(super) count: usize,
    pub(super) pair: usize,
}

impl MaskPlace {
    /// All of them, in the order in which the maps are stored.
    pub(super) fn all() -> impl Iterator<Item = MaskPlace> {
        [false, true].into_iter().flat_map(|chroma| {
            (0..MASK_BYTES).flat_map(move |position| {
                (position + 1..=MASK_BYTES).map(move |reach| MaskPlace {
                    chroma,
                    position,
                    reach,
                })
            })
        })
    }

    /// Bit 0 of a block's first mask byte would be DC, which is always coded. A block's last mask byte is never zero.
    pub(super) fn may_hold(self, byte: usize) -> bool {
        (self.position > 0 || byte & 1 == 0) && (self.reach > self.position + 1 || byte != 0)
    }
}

impl PairPlace {
    /// All of them, in the order in which the maps are stored.
    pub(super) fn all() -> impl Iterator<Item = PairPlace> {
        [false, true].into_iter().flat_map(|chroma| {
            (1..=MOST_COUNT).flat_map(move |count| {
                (0..count.div_ceil(2)).map(move |pair| PairPlace {
                    chroma,
                    count,
                    pair,
                })
            })
        })
    }

    /// Coefficients from this pair on.
    pub(super) fn remaining(self) -> usize {
        self.count - 2 * self.pair
    }

    /// Both classes are at least one, except that nothing follows the last of an odd number.
    pub(super) fn may_hold(self, symbol: usize) -> bool {
        let (first, second) = (symbol & 15, symbol >> 4);
        let of_second = if self.remaining() == 1 {
            0..=0
        } else {
            1..=usize::from(ESCAPE)
        };
        (1..=usize::from(ESCAPE)).contains(&first) && of_second.contains(&second)
    }
}

/// Whether a symbol can occur in a context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occurs {
    Never,
    /// A pair of classes that has a frequency or else is coded as escapes.
    Perhaps,
    /// It has a frequency of at least one.
    Always,
}

/// The symbol that codes any pair with such a `second` class as escapes: both values, or the only one.
pub(super) const fn instead_of(second: usize) -> usize {
    match second {
        0 => ESCAPE as usize,
        _ => ESCAPE as usize | (ESCAPE as usize) << 4,
    }
}

/// Numbers of contexts, from 0 in each phase, in the order of [`MaskPlace::all`] and [`PairPlace::all`].
pub(super) struct Maps {
    pub(super) masks: Vec<u8>,
    pub(super) pairs: Vec<u8>,
}

impl Contexts {
    /// `None` if there are too many contexts, or if the first mask bytes of blocks share a context with others: bytes
    /// that may hold DC's bit must stay apart.
    pub(super) fn new(maps: &Maps) -> Option<Self> {
        let mut firsts = [None; MOST_CONTEXTS];
        for (place, &context) in MaskPlace::all().zip(&maps.masks) {
            let is_first = place.position == 0;
            let first = firsts.get_mut(usize::from(context))?;
            if *first.get_or_insert(is_first) != is_first {
                return None;
            }
        }
        let contexts = Self::of(maps);
        (contexts.len() <= MOST_CONTEXTS).then_some(contexts)
    }

    /// The maps of [`Maps::by_rule`], which are sound.
    pub(super) fn by_rule() -> Self {
        Self::of(&Maps::by_rule())
    }

    fn of(maps: &Maps) -> Self {
        let count = |map: &[u8]| map.iter().max().map_or(0, |&most| usize::from(most) + 1);
        let (of_masks, of_pairs) = (count(&maps.masks), count(&maps.pairs));
        let mut contexts = Contexts {
            masks: [[MaskRow([0; 16]); MASK_BYTES]; 2],
            pairs: Box::new([[PairRow([0; MOST_PAIRS]); MOST_COUNT + 1]; 2]),
            of_masks,
            of_pairs,
        };
        for (place, &context) in MaskPlace::all().zip(&maps.masks) {
            let row = &mut contexts.masks[usize::from(place.chroma)][place.position];
            row.0[place.reach] = OF_BLOCKS as u8 + context;
        }
        for (place, &context) in PairPlace::all().zip(&maps.pairs) {
            let row = &mut contexts.pairs[usize::from(place.chroma)][place.count];
            row.0[place.pair] = ((OF_BLOCKS + of_masks) as u8).wrapping_add(context);
        }
        contexts
    }

    /// Reads the maps at the start of `bytes`.
    pub(super) fn read(bytes: &mut &[u8]) -> Option<Self> {
        let mut take = |count: usize| {
            let (map, rest) = bytes.split_at_checked(count)?;
            *bytes = rest;
            Some(map.to_vec())
        };
        let masks = take(MaskPlace::all().count())?;
        let pairs = take(PairPlace::all().count())?;
        Self::new(&Maps { masks, pairs })
    }

    /// How many contexts there are.
    pub(super) fn len(&self) -> usize {
        OF_BLOCKS + self.of_masks + self.of_pairs
    }

    /// Which symbols can occur in each context.
    pub(super) fn occurring(&self) -> Vec<[Occurs; 256]> {
        let mut all = vec![[Occurs::Never; 256]; self.len()];
        for context in &mut all[..OF_BLOCKS] {
            context[..(MASK_BYTES + 1) * DC_CLASSES].fill(Occurs::Always);
        }
        for place in MaskPlace::all() {
            let context = &mut all[usize::from(self.of_mask(place))];
            for symbol in (0..256).filter(|&symbol| place.may_hold(symbol)) {
                context[symbol] = Occurs::Always;
            }
        }
        for place in PairPlace::all() {
            let context = &mut all[usize::from(self.of_pair(place))];
            for symbol in (0..256).filter(|&symbol| place.may_hold(symbol)) {
                context[symbol] = match symbol >> 4 {
                    second if symbol == instead_of(second) => Occurs::Always,
                    _ => Occurs::Perhaps,
                };
            }
        }
        all
    }

    pub(super) fn of_mask(&self, place: MaskPlace) -> u8 {
        self.mask_row(place.chroma, place.position).0[place.reach]
    }

    pub(super) fn of_pair(&self, place: PairPlace) -> u8 {
        self.pair_row(place.chroma, place.count).0[place.pair]
    }

    /// Contexts of mask bytes at a position below 8.
    #[inline(always)]
    pub(super) fn mask_row(&self, chroma: bool, position: usize) -> &MaskRow {
        &self.masks[usize::from(chroma)][position % MASK_BYTES]
    }

    /// Contexts of the pairs of a block with `count` nonzero AC coefficients, up to 63.
    #[inline(always)]
    pub(super) fn pair_row(&self, chroma: bool, count: usize) -> &PairRow {
        &self.pairs[usize::from(chroma)][count & MOST_COUNT]
    }
}

impl Maps {
    /// The maps as they are stored.
    pub(super) fn bytes(&self) -> impl Iterator<Item = u8> {
        self.masks.iter().chain(&self.pairs).copied()
    }

    /// Maps made without data: 24 contexts of mask bytes, 16 of pairs.
    pub(super) fn by_rule() -> Self {
        Maps {
            masks: MaskPlace::all().map(mask_rule).collect(),
            pairs: PairPlace::all().map(pair_rule).collect(),
        }
    }
}

/// By the position, by whether it is a block's last byte, and near the start by how many follow.
fn mask_rule(place: MaskPlace) -> u8 {
    let follow = place.reach - place.position - 1;
    let context = match (place.position, follow) {
        (0, _) => follow.min(3),
        (position @ 1..=2, 0) => 3 + position,
        (_, 0) => 6,
        (1, 1) => 7,
        (1, _) => 8,
        (2, _) => 9,
        (3, _) => 10,
        (_, _) => 11,
    };
    context as u8 + if place.chroma { 12 } else { 0 }
}

/// By how many coefficients remain: the last ones are small.
fn pair_rule(place: PairPlace) -> u8 {
    let bounds = [2, 3, 5, 7, 11, 17, 29];
    let context = bounds.partition_point(|&bound| bound <= place.remaining());
    context as u8 + if place.chroma { 8 } else { 0 }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn maps_come_back() {
        let maps = Maps::by_rule();
        let contexts = Contexts::new(&maps).unwrap();
        assert_eq!(contexts.len(), OF_BLOCKS + 24 + 16);
        let stored: Vec<u8> = maps.bytes().collect();
        assert_eq!(stored.len(), 72 + 2048);
        let mut rest = &stored[..];
        let again = Contexts::read(&mut rest).unwrap();
        assert!(rest.is_empty());
        assert!(MaskPlace::all().all(|place| again.of_mask(place) == contexts.of_mask(place)));
        assert!(PairPlace::all().all(|place| again.of_pair(place) == contexts.of_pair(place)));
        assert!(Contexts::read(&mut &stored[1..]).is_none(), "cut short");
    }

    #[test]
    fn first_mask_bytes_stay_apart_from_others() {
        let mut maps = Maps::by_rule();
        let second = MaskPlace::all()
            .position(|place| place.position == 1)
            .unwrap();
        maps.masks[second] = maps.masks[0];
        assert!(Contexts::new(&maps).is_none());
        maps.masks[second] = 200;
        assert!(Contexts::new(&maps).is_none(), "too many");
    }

    #[test]
    fn what_cannot_be_has_no_frequency() {
        let contexts = Contexts::new(&Maps::by_rule()).unwrap();
        let occurring = contexts.occurring();
        assert!(
            occurring
                .iter()
                .all(|context| context.contains(&Occurs::Always))
        );
        for place in MaskPlace::all().filter(|place| place.position == 0) {
            let odd = (1..256).step_by(2);
            let context = &occurring[usize::from(contexts.of_mask(place))];
            assert!(
                odd.map(|symbol| context[symbol])
                    .all(|occurs| occurs == Occurs::Never)
            );
        }
    }
}
