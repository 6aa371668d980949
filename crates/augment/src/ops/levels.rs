//! Operations that map each level by itself: tables of 256 levels, and how they are found.
//! Tables of successive operations are composed, so that the pixels are rewritten once.

/// Where each level of a channel goes.
pub(super) type Table = [u8; 256];

/// How many pixels have each level, for each channel.
type Histograms = [[u32; 256]; 3];

const IDENTITY: Table = {
    let mut table = [0; 256];
    let mut level = 0;
    while level < 256 {
        table[level] = level as u8;
        level += 1;
    }
    table
};

/// A map of levels that the pixels have yet to go through, and what is known of their histograms.
pub(super) struct Levels {
    tables: [Table; 3],
    /// Of the pixels as they are stored, before the map.
    stored: Option<Histograms>,
}

impl Levels {
    pub(super) fn new() -> Self {
        Levels {
            tables: [IDENTITY; 3],
            stored: None,
        }
    }

    /// Appends a map that is the same for all channels.
    pub(super) fn map(&mut self, to: impl Fn(u8) -> u8) {
        for level in self.tables.as_flattened_mut() {
            *level = to(*level);
        }
    }

    /// Appends `ImageOps.equalize`; `pixels` are those that the map so far belongs to.
    pub(super) fn equalize(&mut self, pixels: &[u8]) {
        self.map_by_histogram(pixels, equalizing);
    }

    /// Appends `ImageOps.autocontrast`; `pixels` are those that the map so far belongs to.
    pub(super) fn stretch(&mut self, pixels: &[u8]) {
        self.map_by_histogram(pixels, stretching);
    }

    /// Rewrites the pixels. What is known of their histograms stays known.
    pub(super) fn apply(&mut self, pixels: &mut [u8]) {
        if self.tables == [IDENTITY; 3] {
            return;
        }
        rewrite(pixels, &self.tables);
        let seen = self.stored.map(|stored| self.mapped(&stored));
        *self = Levels {
            stored: seen,
            ..Levels::new()
        };
    }

    /// To be called when something else has changed the pixels after [`Levels::apply`].
    pub(super) fn forget(&mut self) {
        self.stored = None;
    }

    fn map_by_histogram(&mut self, pixels: &[u8], find: fn(&[u32; 256]) -> Table) {
        let stored = *self.stored.get_or_insert_with(|| count(pixels));
        let current = self.mapped(&stored);
        for (table, histogram) in self.tables.iter_mut().zip(&current) {
            let then = find(histogram);
            *table = table.map(|level| then[usize::from(level)]);
        }
    }

    /// Histograms as they are after the map.
    fn mapped(&self, stored: &Histograms) -> Histograms {
        let mut mapped = [[0; 256]; 3];
        for ((mapped, stored), table) in mapped.iter_mut().zip(stored).zip(&self.tables) {
            for (&count, &level) in stored.iter().zip(table) {
                mapped[usize::from(level)] += count;
            }
        }
        mapped
    }
}

/// The integer arithmetic of Pillow's `equalize`; images of few pixels or one level stay as they are.
fn equalizing(histogram: &[u32; 256]) -> Table {
    let total: u32 = histogram.iter().sum();
    let brightest = histogram.iter().rev().find(|&&count| count > 0);
    let step = (total - brightest.copied().unwrap_or(0)) / 255;
    if step == 0 {
        return IDENTITY;
    }
    let mut below = step / 2;
    histogram.map(|count| {
        // Pillow clips its table to bytes; rounding up can reach 256.
        let level = (below / step).min(255) as u8;
        below += count;
        level
    })
}

fn stretching(histogram: &[u32; 256]) -> Table {
    let low = histogram.iter().position(|&count| count > 0);
    let high = histogram.iter().rposition(|&count| count > 0);
    match (low, high) {
        (Some(low), Some(high)) if low < high => {
            let scale = 255.0 / (high - low) as f64;
            let offset = -(low as f64) * scale;
            // The casts truncate and saturate, as Pillow does.
            IDENTITY.map(|level| (f64::from(level) * scale + offset) as u8)
        }
        _ => IDENTITY,
    }
}

/// Four sets of counters, one for each of four neighbours, so that equal levels in a row do not wait
/// for one another's sums.
fn count(pixels: &[u8]) -> Histograms {
    let mut lanes = [[[0u32; 256]; 3]; 4];
    let (quads, rest) = pixels.as_chunks::<12>();
    for quad in quads {
        for (lane, pixel) in lanes.iter_mut().zip(quad.as_chunks::<3>().0) {
            for (histogram, &level) in lane.iter_mut().zip(pixel) {
                histogram[usize::from(level)] += 1;
            }
        }
    }
    for (i, &level) in rest.iter().enumerate() {
        lanes[0][i % 3][usize::from(level)] += 1;
    }
    let [mut sum, others @ ..] = lanes;
    for lane in others {
        for (sum, count) in sum.as_flattened_mut().iter_mut().zip(lane.as_flattened()) {
            *sum += count;
        }
    }
    sum
}

fn rewrite(pixels: &mut [u8], [red, green, blue]: &[Table; 3]) {
    let (pixels, _) = pixels.as_chunks_mut::<3>();
    for [r, g, b] in pixels {
        *r = red[usize::from(*r)];
        *g = green[usize::from(*g)];
        *b = blue[usize::from(*b)];
    }
}
