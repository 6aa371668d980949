//! Groups places whose statistics are so alike that one context can serve them all. This is k-means; the distance is
//! the number of bits that a context's frequencies spend on a place's symbols.
//!
//! This is only the encoder's choice. A decoder uses the maps that the tables hold.

use super::contexts::{Maps, MaskPlace, PairPlace};

/// How often each symbol was seen at a place.
pub(super) type Histogram = [u64; 256];

/// A place seen fewer times than this stays where the rule put it.
const FEW: u64 = 64;
/// The most rounds; it settles after about ten.
const ROUNDS: usize = 30;

/// Maps for places with these counts, in the order of [`MaskPlace::all`] and [`PairPlace::all`].
pub(super) fn maps(masks: &[Histogram], pairs: &[Histogram]) -> Maps {
    let mut maps = Maps::by_rule();
    let is_first: Vec<bool> = MaskPlace::all().map(|place| place.position == 0).collect();
    settle(masks, &mut maps.masks, &is_first);
    settle(
        pairs,
        &mut maps.pairs,
        &vec![false; PairPlace::all().count()],
    );
    maps
}

/// Moves places to the contexts that code them in the fewest bits, until no place moves. A place stays among contexts
/// of its own kind.
fn settle(places: &[Histogram], map: &mut [u8], kinds: &[bool]) {
    for _ in 0..ROUNDS {
        let contexts = contexts(places, map, kinds);
        let mut moved = false;
        for ((place, context), kind) in places.iter().zip(&mut *map).zip(kinds) {
            if place.iter().sum::<u64>() < FEW {
                continue;
            }
            let alike = contexts
                .iter()
                .enumerate()
                .filter(|(_, other)| other.kind == *kind);
            let bits = alike.map(|(number, other)| (number, other.bits(place)));
            let best = bits.min_by(|a, b| a.1.total_cmp(&b.1));
            if let Some((best, _)) = best.filter(|&(best, _)| best != usize::from(*context)) {
                (*context, moved) = (best as u8, true);
            }
        }
        if !moved {
            break;
        }
    }
    number_through(map);
}

struct Context {
    kind: bool,
    /// Bits of each symbol.
    costs: [f64; 256],
}

impl Context {
    fn bits(&self, place: &Histogram) -> f64 {
        let seen = place
            .iter()
            .zip(&self.costs)
            .filter(|(count, _)| **count > 0);
        seen.map(|(&count, cost)| count as f64 * cost).sum()
    }
}

fn contexts(places: &[Histogram], map: &[u8], kinds: &[bool]) -> Vec<Context> {
    let most = map.iter().max().map_or(0, |&most| usize::from(most) + 1);
    let mut sums = vec![([0u64; 256], false); most];
    for ((place, &context), &kind) in places.iter().zip(map).zip(kinds) {
        let sum = &mut sums[usize::from(context)];
        sum.1 = kind;
        for (sum, count) in sum.0.iter_mut().zip(place) {
            *sum += count;
        }
    }
    let cost = |(sum, kind): ([u64; 256], bool)| {
        let all = sum.iter().sum::<u64>() as f64 + 1.0;
        let costs = sum.map(|count| (all / (count as f64 + 1.0 / 256.0)).log2());
        Context { kind, costs }
    };
    sums.into_iter().map(cost).collect()
}

/// Closes the gaps left by contexts without places.
fn number_through(map: &mut [u8]) {
    let mut numbers: Vec<u8> = map.to_vec();
    numbers.sort_unstable();
    numbers.dedup();
    for context in map {
        *context = numbers.partition_point(|number| number < context) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alike_places_end_in_one_context() {
        // Four places with two kinds of statistics, starting crosswise.
        let place = |symbol: usize| {
            let mut histogram = [0; 256];
            histogram[symbol] = 1000;
            histogram[7] = 10;
            histogram
        };
        let places = [place(1), place(2), place(1), place(2), place(1)];
        let mut map = [0, 0, 1, 1, 1];
        settle(&places, &mut map, &[false; 5]);
        assert!(map[0] == map[2] && map[2] == map[4] && map[1] == map[3]);
        assert_ne!(map[0], map[1]);
    }

    #[test]
    fn kinds_are_never_mixed_and_numbers_have_no_gaps() {
        let places = vec![[10; 256]; 6];
        let mut map = [4, 4, 9, 9, 9, 2];
        settle(&places, &mut map, &[true, true, false, false, false, false]);
        assert_eq!(map[0], map[1]);
        assert!(map[2..].iter().all(|context| *context != map[0]));
        assert_eq!(map.iter().max(), Some(&1));
    }
}
