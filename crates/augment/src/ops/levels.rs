//! Operations that map each level by itself: computes their tables of 256 levels. Tables of successive operations are
//! composed, so that the pixels are rewritten once.

use crate::Level;
use crate::rgb8::{self, Histograms, IDENTITY, Table};

/// A map of levels still to be applied to the pixels, and their histograms if known.
pub(super) struct Levels {
    tables: [Table; 3],
    /// Of the pixels as stored, before the map.
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

    /// Appends `ImageOps.equalize`. `pixels` are the pixels to which the map so far belongs.
    pub(super) fn equalize(&mut self, pixels: &[u8]) {
        let stored = *self.stored.get_or_insert_with(|| rgb8::count(pixels));
        self.append(self.mapped(&stored).each_ref().map(equalizing));
    }

    /// Appends `ImageOps.autocontrast`. `pixels` are the pixels to which the map so far belongs. It needs no
    /// histograms, which take ten times as long as finding the outermost levels.
    pub(super) fn stretch(&mut self, level: Level, pixels: &mut [u8]) {
        let bounds = match self.stored {
            Some(stored) => self.mapped(&stored).each_ref().map(outermost),
            None => {
                self.apply(level, pixels);
                rgb8::extremes(pixels)
            }
        };
        self.append(bounds.map(stretching));
    }

    /// Rewrites the pixels. Known histograms stay known.
    pub(super) fn apply(&mut self, level: Level, pixels: &mut [u8]) {
        if self.tables == [IDENTITY; 3] {
            return;
        }
        rgb8::map(level, pixels, &self.tables);
        let seen = self.stored.map(|stored| self.mapped(&stored));
        *self = Levels {
            stored: seen,
            ..Levels::new()
        };
    }

    /// Call this when something else has changed the pixels after [`Levels::apply`].
    pub(super) fn forget(&mut self) {
        self.stored = None;
    }

    fn append(&mut self, maps: [Table; 3]) {
        for (table, map) in self.tables.iter_mut().zip(maps) {
            *table = table.map(|level| map[usize::from(level)]);
        }
    }

    /// Histograms after the map.
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

/// The integer arithmetic of Pillow's `equalize`. Images with few pixels or only one level stay unchanged.
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

/// The least and the greatest level that occur.
fn outermost(histogram: &[u32; 256]) -> (u8, u8) {
    let low = histogram.iter().position(|&count| count > 0);
    let high = histogram.iter().rposition(|&count| count > 0);
    (low.unwrap_or(255) as u8, high.unwrap_or(0) as u8)
}

/// Channels with only one level stay unchanged.
fn stretching((low, high): (u8, u8)) -> Table {
    if low >= high {
        return IDENTITY;
    }
    let scale = 255.0 / f64::from(high - low);
    let offset = -f64::from(low) * scale;
    // The casts truncate and saturate, as Pillow does.
    IDENTITY.map(|level| (f64::from(level) * scale + offset) as u8)
}
