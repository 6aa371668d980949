//! Small files about the data set (ground truth, `meta.mat`, label lists): where they may be, and their bytes.
//! The devkit may be unpacked or still a tar.gz. What the files mean is up to `labels`.

use std::fs::File;
use std::io;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use crate::error::SourceError;
use crate::matlab;
use crate::matlab::Synset;

const NAME: &str = "ILSVRC2012_devkit_t12";
const META: &str = "meta.mat";
/// The files wanted are below 3 MB each.
const MAX_FILE: u64 = 64 << 20;
/// The devkit unpacks to about 30 MB; more than this is not the devkit.
const MAX_ARCHIVE: u64 = 1 << 30;

/// A folder or devkit archive that may hold a wanted file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Folder(PathBuf),
    Archive(PathBuf),
}

/// A small file, read whole.
pub(crate) struct Blob {
    /// For messages; inside an archive `archive: entry`.
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
}

/// Where to look, nearest first: each folder itself, then an unpacked devkit in it, then a packed one.
pub(crate) fn places(folders: &[PathBuf]) -> Vec<Place> {
    let mut places = Vec::new();
    for folder in folders {
        let unpacked = folder.join(NAME);
        let inside = [
            folder.clone(),
            folder.join("data"),
            unpacked.clone(),
            unpacked.join("data"),
        ];
        places.extend(
            inside
                .into_iter()
                .filter(|dir| dir.is_dir())
                .map(Place::Folder),
        );
        let packed = folder.join(format!("{NAME}.tar.gz"));
        places.extend(packed.is_file().then_some(Place::Archive(packed)));
    }
    places
}

impl Place {
    /// The file of that name, if it is here.
    pub(crate) fn find(&self, name: &str) -> Result<Option<Blob>, SourceError> {
        match self {
            Place::Folder(folder) => {
                let path = folder.join(name);
                if path.is_file() {
                    read_small(&path).map(Some)
                } else {
                    Ok(None)
                }
            }
            Place::Archive(archive) => find_in_archive(archive, name),
        }
    }
}

/// The devkit's table of synsets from the first place that has it.
pub(crate) fn find_synsets(places: &[Place]) -> Result<Option<Vec<Synset>>, SourceError> {
    for place in places {
        if let Some(meta) = place.find(META)? {
            let synsets = matlab::read_synsets(&meta.bytes);
            return synsets
                .map(Some)
                .map_err(|error| SourceError::labels(&meta.path, error.to_string()));
        }
    }
    Ok(None)
}

/// Reads a file that should be small.
pub(crate) fn read_small(path: &Path) -> Result<Blob, SourceError> {
    let file = File::open(path).map_err(SourceError::io(path))?;
    read_limited(file, path.to_path_buf())
}

fn read_limited(reader: impl Read, path: PathBuf) -> Result<Blob, SourceError> {
    let mut bytes = Vec::new();
    reader
        .take(MAX_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(SourceError::io(&path))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(SourceError::labels(
            &path,
            format!("larger than {MAX_FILE} bytes; not a labels or devkit file"),
        ));
    }
    Ok(Blob { path, bytes })
}

fn find_in_archive(archive: &Path, name: &str) -> Result<Option<Blob>, SourceError> {
    let damaged = |error: io::Error| {
        SourceError::labels(
            archive,
            format!("not a tar.gz, or damaged: {error}; download the devkit again"),
        )
    };
    let file = File::open(archive).map_err(SourceError::io(archive))?;
    let mut tar = tar::Archive::new(MultiGzDecoder::new(file).take(MAX_ARCHIVE));
    for entry in tar.entries().map_err(damaged)? {
        let entry = entry.map_err(damaged)?;
        let inside = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if entry.header().entry_type().is_file() && inside.rsplit('/').next() == Some(name) {
            return read_limited(entry, format!("{}: {inside}", archive.display()).into())
                .map(Some);
        }
    }
    Ok(None)
}
