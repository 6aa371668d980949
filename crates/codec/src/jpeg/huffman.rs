//! Huffman tables as in the file: the lengths of the code words, and what they mean.
//!
//! `tables.rs` makes the decoder's lookup tables from these.

/// A table as in the file: how many codes there are of each length, and their symbols.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spec {
    /// Codes of length 1 to 16 (index 0 is unused).
    counts: [u8; 17],
    symbols: [u8; 256],
    len: usize,
}

impl Spec {
    /// Reads the 16 counts and the symbols at the start of `bytes`. Also returns the bytes that follow.
    pub(crate) fn parse(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (head, rest) = bytes.split_at_checked(16)?;
        let mut counts = [0u8; 17];
        counts[1..].copy_from_slice(head);
        let len: usize = counts.iter().map(|&n| usize::from(n)).sum();
        let (listed, rest) = rest.split_at_checked(len)?;
        let mut symbols = [0u8; 256];
        symbols.get_mut(..len)?.copy_from_slice(listed);
        // If there are more codes of a length than fit, it is not a prefix code.
        let mut room = 1i32;
        for &count in &counts[1..] {
            room = room * 2 - i32::from(count);
            if room < 0 {
                return None;
            }
        }
        Some((
            Spec {
                counts,
                symbols,
                len,
            },
            rest,
        ))
    }

    /// What the code words mean, shortest first.
    pub(crate) fn symbols(&self) -> &[u8] {
        &self.symbols[..self.len]
    }

    /// Calls `found(code, length, symbol)` for every code word, shortest first.
    pub(crate) fn codes(&self, mut found: impl FnMut(u32, u32, u8)) {
        let mut code = 0u32;
        let mut symbols = self.symbols[..self.len].iter();
        for length in 1..=16u32 {
            for &symbol in symbols
                .by_ref()
                .take(usize::from(self.counts[length as usize]))
            {
                found(code, length, symbol);
                code += 1;
            }
            code <<= 1;
        }
    }
}

/// What code words decode to, by canonical code order: for those too long for a probe.
pub(crate) struct LongCodes {
    /// For each length: one past its largest code, left-aligned to 16 bits, and what to add to a code of that length to
    /// get its place in `symbols`.
    ends: [u32; 17],
    shift: [i32; 17],
    symbols: [u8; 256],
}

impl LongCodes {
    pub(crate) const EMPTY: LongCodes = LongCodes {
        ends: [0; 17],
        shift: [0; 17],
        symbols: [0; 256],
    };

    pub(crate) fn set(&mut self, spec: &Spec) {
        self.symbols = spec.symbols;
        let (mut code, mut place) = (0u32, 0i32);
        for length in 1..=16usize {
            self.shift[length] = place - code as i32;
            code += u32::from(spec.counts[length]);
            place += i32::from(spec.counts[length]);
            self.ends[length] = code << (16 - length);
            code <<= 1;
        }
    }

    /// The symbol and length of the code word at the start of `window`. `None` if it starts with no code word of this
    /// table.
    #[cold]
    pub(crate) fn find(&self, window: u64) -> Option<(u8, u32)> {
        let word = (window >> 48) as u32;
        let length = (1..=16).find(|&length| word < self.ends[length])?;
        let place = (word >> (16 - length)) as i32 + self.shift[length];
        let symbol = self.symbols.get(usize::try_from(place).ok()?)?;
        Some((*symbol, length as u32))
    }
}
