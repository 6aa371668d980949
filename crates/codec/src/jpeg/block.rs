//! The AC coefficients of a block, or of two at once: the hottest loop of decoding.
//!
//! A probe's result says where the next one looks, so a single block waits for memory most of the time. Two blocks of
//! different rows do not depend on each other and share the wait.

use super::bits::Cursor;
use super::group::{BLOCKS, COEFFICIENTS, LANES};
use super::tables::{AcTable, END, PARTIAL};

/// Where coefficients go.
pub(crate) trait Put {
    /// Takes the coefficient at zigzag position `k`, 1 to 255. Beyond 63, the block has ended; `value` may be put at
    /// position 63 or nowhere.
    fn put(&mut self, k: u64, value: i16);
}

/// A block of a group.
pub(crate) struct Place<'a> {
    group: &'a mut [i16; COEFFICIENTS],
    places: &'static [u8; 256],
}

impl<'a> Place<'a> {
    /// Block `lane`, below 4, of a group.
    #[inline(always)]
    pub(crate) fn new(group: &'a mut [i16; COEFFICIENTS], lane: usize) -> Self {
        Place {
            group,
            places: &LANES[lane % BLOCKS],
        }
    }
}

impl Put for Place<'_> {
    #[inline(always)]
    fn put(&mut self, k: u64, value: i16) {
        self.group[usize::from(self.places[(k & 0xff) as usize])] = value;
    }
}

/// A block being decoded.
pub(crate) struct Lane<P> {
    pub(crate) cursor: Cursor,
    /// The zigzag position decoded last.
    last: u64,
    into: P,
}

enum Step {
    Next,
    /// More bits are needed before the next probe.
    Refill,
    /// The block is over.
    End,
}

impl<P: Put> Lane<P> {
    /// A block whose AC coefficients begin at `cursor`.
    #[inline(always)]
    pub(crate) fn new(cursor: Cursor, into: P) -> Self {
        Lane {
            cursor,
            last: 0,
            into,
        }
    }

    /// One probe: one or two coefficients.
    #[inline(always)]
    fn step(&mut self, table: &AcTable, data: &[u8]) -> Step {
        let entry = table.entry(self.cursor.peek());
        if entry & PARTIAL == 0 {
            return self.take(entry);
        }
        self.cursor.refill(data);
        match self.take(table.resolve(entry, self.cursor.peek())) {
            Step::End => Step::End,
            Step::Next | Step::Refill => Step::Refill,
        }
    }

    #[inline(always)]
    fn take(&mut self, entry: u64) -> Step {
        let value = (entry >> 32) as i16;
        let first = self.last + (entry >> 8 & 0xff);
        self.into.put(first, value);
        self.last = first + (entry >> 16 & 0xff);
        self.into.put(self.last, (entry >> 48) as i16);
        if self.last < 63 {
            self.cursor.skip(entry);
            return Step::Next;
        }
        if first < 63 {
            self.cursor.skip(entry);
        } else {
            // The block ended with the first symbol. The second one belongs to the next block.
            self.cursor.skip(entry >> 24 & 0x3f);
            self.into.put(first, value);
            self.last = first;
        }
        Step::End
    }

    /// Whether a finished block ended with its 64th coefficient or with an end of block. Any other block ran over.
    #[inline(always)]
    fn is_sound(&self) -> bool {
        self.last == 63 || self.last >= END
    }
}

impl AcTable {
    /// Decodes the rest of one block. Returns false on a code word that the table does not have, or on coefficients
    /// past the block's end.
    #[inline(always)]
    pub(crate) fn one<P: Put>(&self, data: &[u8], a: &mut Lane<P>) -> bool {
        macro_rules! step {
            () => {
                match a.step(self, data) {
                    Step::Next => {}
                    Step::Refill => continue,
                    Step::End => return a.is_sound(),
                }
            };
        }
        // A refill lasts for five probes of 11 bits. A symbol that a probe did not resolve refills for itself.
        loop {
            a.cursor.refill(data);
            step!();
            step!();
            step!();
            step!();
            step!();
        }
    }

    /// Decodes two blocks side by side. Returns false under the same conditions as [`AcTable::one`], for either block.
    #[inline(always)]
    pub(crate) fn two<P: Put>(&self, data: &[u8], a: &mut Lane<P>, b: &mut Lane<P>) -> bool {
        macro_rules! step {
            ($lane:ident, $is_a:literal) => {
                match $lane.step(self, data) {
                    Step::Next => {}
                    Step::Refill => continue,
                    Step::End => break $is_a,
                }
            };
        }
        let a_is_over = loop {
            a.cursor.refill(data);
            b.cursor.refill(data);
            step!(a, true);
            step!(b, false);
            step!(a, true);
            step!(b, false);
            step!(a, true);
            step!(b, false);
            step!(a, true);
            step!(b, false);
            step!(a, true);
            step!(b, false);
        };
        if a_is_over {
            a.is_sound() && self.one(data, b)
        } else {
            b.is_sound() && self.one(data, a)
        }
    }
}
