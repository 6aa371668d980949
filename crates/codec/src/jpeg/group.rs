//! Four neighbouring blocks of coefficients, in the layout that the widest IDCT kernel loads.

/// Zigzag order: the row-major place of the k-th coefficient (T.81, figure A.6).
pub(crate) const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// Blocks in a group.
pub(crate) const BLOCKS: usize = 4;
/// Coefficients of a group.
pub(crate) const COEFFICIENTS: usize = BLOCKS * 64;

/// The place of zigzag position k in a group's first block.
const PLACES: [u8; 64] = {
    let mut places = [0; 64];
    let mut k = 0;
    while k < 64 {
        let (row, column) = (ZIGZAG[k] / 8, ZIGZAG[k] % 8);
        places[k] = row * (8 * BLOCKS as u8) + column;
        k += 1;
    }
    places
};

/// The place in a group of zigzag position k of each of its blocks. Positions past the block's end belong to an end of
/// block. Its zero may go to the last position, because a zero is there already.
pub(crate) static LANES: [[u8; 256]; BLOCKS] = {
    let mut lanes = [[0; 256]; BLOCKS];
    let mut at = 0;
    while at < BLOCKS * 256 {
        let (lane, k) = (at / 256, at % 256);
        let k = if k < 64 { k } else { 63 };
        lanes[lane][at % 256] = PLACES[k] + 8 * lane as u8;
        at += 1;
    }
    lanes
};

/// Coefficients of four blocks: row 0 of each block, then row 1 of each, and so on. Each row is one 64-byte line.
#[derive(Clone)]
#[repr(align(64))]
pub(crate) struct Group(pub(crate) [i16; COEFFICIENTS]);

impl Group {
    pub(crate) const ZERO: Group = Group([0; COEFFICIENTS]);

    /// Sets the coefficient at zigzag position `k` (up to 63) of block `lane` (up to 3).
    #[inline(always)]
    pub(crate) fn set(&mut self, lane: usize, k: u32, value: i16) {
        // The masks change nothing; they replace bounds checks.
        let place = usize::from(PLACES[(k & 63) as usize]) + (lane & (BLOCKS - 1)) * 8;
        self.0[place & (COEFFICIENTS - 1)] = value;
    }

    /// Sets every coefficient back to zero.
    #[inline(always)]
    pub(crate) fn clear(&mut self) {
        self.0.fill(0);
    }
}

/// A quantisation table spread over a group's layout.
#[derive(Clone)]
#[repr(align(64))]
pub(crate) struct Quantiser(pub(crate) [i16; COEFFICIENTS]);

impl Quantiser {
    /// From the 64 steps in zigzag order, as in the file.
    pub(crate) fn new(zigzag: &[u16; 64]) -> Self {
        let mut spread = [0i16; COEFFICIENTS];
        for (step, place) in zigzag.iter().zip(PLACES) {
            for lane in 0..BLOCKS {
                spread[usize::from(place) + lane * 8] = *step as i16;
            }
        }
        Quantiser(spread)
    }
}
