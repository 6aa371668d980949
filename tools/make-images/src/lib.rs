//! Makes small sets of image files: classes that a network learns within minutes, and the unusual and broken files
//! that real collections contain.
//!
//! The tests and the quickstart use it. No code that handles ImageNet does.
#![forbid(unsafe_code)]

mod odd;
mod pattern;
mod random;

pub use odd::write_odd_files;
pub use pattern::{CLASSES, picture};
pub use random::Random;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use codec::{Sampling, encode_jpeg};

/// What a generated set contains.
#[derive(Clone, Copy, Debug)]
pub struct MadeSet {
    /// How many of [`CLASSES`] there are.
    pub classes: usize,
    /// Training images of each class.
    pub train: usize,
    /// Validation images of each class.
    pub val: usize,
    /// Shortest and longest side in pixels; width and height of each image are random.
    pub sides: (u32, u32),
    /// The same seed gives the same files.
    pub seed: u64,
}

impl MadeSet {
    /// Writes `train/<class>/*.JPEG` and `val/<class>/*.JPEG` below `root`.
    ///
    /// # Errors
    /// A file cannot be written. The message names it.
    pub fn write(&self, root: &Path) -> Result<()> {
        for (split, count) in [("train", self.train), ("val", self.val)] {
            for (class, name) in CLASSES.iter().take(self.classes).enumerate() {
                let folder = root.join(split).join(name);
                fs::create_dir_all(&folder)
                    .with_context(|| format!("creating {}", folder.display()))?;
                for index in 0..count {
                    let key = [
                        self.seed,
                        u64::from(split == "val"),
                        class as u64,
                        index as u64,
                    ];
                    let path = folder.join(format!("{name}_{index:05}.JPEG"));
                    fs::write(&path, self.image(class, &mut Random::new(&key))?)
                        .with_context(|| format!("writing {}", path.display()))?;
                }
            }
        }
        Ok(())
    }

    fn image(&self, class: usize, random: &mut Random) -> Result<Vec<u8>> {
        let side = |random: &mut Random| random.between(self.sides.0, self.sides.1);
        let (width, height) = (side(random), side(random));
        // Three quarters of ImageNet is 4:4:4, the rest mostly 4:2:0.
        let sampling = if random.chance(0.75) {
            Sampling::S444
        } else {
            Sampling::S420
        };
        let quality = random.between(75, 96) as u8;
        Ok(encode_jpeg(
            &picture(class, width, height, random),
            width,
            height,
            quality,
            sampling,
        )?)
    }
}
