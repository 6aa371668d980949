//! Shared by the benches and programs here: which files to measure with, and how crops of them are drawn.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use augment::{RandomResizedCrop, SampleRng};
use codec::Region;

/// All files below `directory`, sorted by path.
///
/// # Errors
/// If a directory cannot be read; the error names it.
pub fn files_below(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    collect(directory, &mut files)?;
    files.sort();
    Ok(files)
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(directory).with_context(|| directory.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// The region that training draws from the `position`-th image, which has `width` x `height` pixels.
pub fn drawn_region(width: u32, height: u32, position: u64) -> Region {
    let rng = &mut SampleRng::new(0, 0, position);
    let crop = RandomResizedCrop::default().sample(width, height, rng);
    Region {
        x: crop.x,
        y: crop.y,
        width: crop.width,
        height: crop.height,
    }
}
