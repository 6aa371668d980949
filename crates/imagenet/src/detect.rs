//! Recognises what is at a path, and opens it. Folders, which the user unpacked or arranged, are preferred to the
//! tars that they came from. Whatever is not used is reported.

use std::fs;
use std::path::{Path, PathBuf};

use crate::archive::TarFile;
use crate::error::SourceError;
use crate::folder;
use crate::folder::Listing;
use crate::labels;
use crate::progress::Hook;
use crate::raw::{Origin, RawSource, RawSplit};
use crate::scan;
use crate::scan::NameKind;
use crate::source::{Ignored, Layout, Source};
use crate::tars;
use crate::tars::TarKind;

const TRAIN_CANDIDATES: [&str; 2] = ["train", "ILSVRC2012_img_train.tar"];
const VAL_CANDIDATES: [&str; 3] = ["val", "validation", "ILSVRC2012_img_val.tar"];
/// Where Kaggle's archive keeps the two folders.
const KAGGLE: [&str; 2] = ["ILSVRC/Data/CLS-LOC", "Data/CLS-LOC"];

/// Opening in progress: what the user gave, and what was left out so far.
struct Opening<'o, 'h> {
    given: &'o Path,
    labels: Option<&'o Path>,
    hook: &'o mut Hook<'h>,
    ignored: Vec<Ignored>,
}

pub(crate) fn open(
    path: &Path,
    labels: Option<&Path>,
    hook: &mut Hook<'_>,
) -> Result<Box<dyn Source>, SourceError> {
    let metadata = fs::metadata(path).map_err(SourceError::io(path))?;
    if let Some(found) = what_is_no_source(path, &metadata) {
        return Err(SourceError::Unrecognised {
            path: path.to_path_buf(),
            found: found.to_owned(),
        });
    }
    let parquet = parquet_files(path, metadata.is_dir())?;
    if !parquet.is_empty() {
        return open_parquet(path, parquet, hook);
    }
    let mut opening = Opening {
        given: path,
        labels,
        hook,
        ignored: Vec::new(),
    };
    let splits = if metadata.is_dir() {
        opening.folder(path)?
    } else {
        vec![opening.tar(path, None)?]
    };
    if let Some(labels) = labels
        && !splits.iter().any(|split| split.layout.is_flat())
    {
        let reason =
            "labels are for validation images in a flat folder or tar, and there are none here"
                .to_owned();
        opening.ignored.push(Ignored {
            path: labels.to_path_buf(),
            reason,
        });
    }
    Ok(Box::new(RawSource::assemble(
        path,
        splits,
        opening.ignored,
    )?))
}

/// What is there, if it is clearly neither a folder nor an archive.
fn what_is_no_source(path: &Path, metadata: &fs::Metadata) -> Option<&'static str> {
    if metadata.is_dir() {
        return None;
    }
    if !metadata.is_file() {
        return Some("neither a file nor a folder"); // opening a pipe would wait for a writer
    }
    let name = path.file_name()?.to_string_lossy();
    (scan::name_kind(&name) == NameKind::Image).then_some("a single image")
}

impl Opening<'_, '_> {
    fn folder(&mut self, dir: &Path) -> Result<Vec<RawSplit>, SourceError> {
        let dir = KAGGLE
            .iter()
            .map(|below| dir.join(below))
            .find(|path| path.is_dir())
            .unwrap_or(dir.to_path_buf());
        let mut splits = Vec::new();
        if let Some(path) = self.choose(&dir, &TRAIN_CANDIDATES)? {
            splits.push(self.split(&path, "train")?);
        }
        if let Some(path) = self.choose(&dir, &VAL_CANDIDATES)? {
            splits.push(self.split(&path, "val")?);
        }
        if splits.is_empty() {
            splits.push(self.bare_folder(&dir)?);
        }
        Ok(splits)
    }

    /// The first candidate that exists and is not an empty folder; the others are listed as ignored.
    fn choose(&mut self, dir: &Path, candidates: &[&str]) -> Result<Option<PathBuf>, SourceError> {
        let mut chosen: Option<PathBuf> = None;
        for path in candidates.iter().map(|name| dir.join(name)) {
            let present = path.is_file() || (path.is_dir() && !is_empty(&path)?);
            match &chosen {
                _ if !present => {}
                None => chosen = Some(path),
                Some(used) => self.ignored.push(Ignored {
                    path,
                    reason: format!("{} is used instead", used.display()),
                }),
            }
        }
        Ok(chosen)
    }

    fn split(&mut self, path: &Path, name: &'static str) -> Result<RawSplit, SourceError> {
        if path.is_file() {
            return self.tar(path, Some(name));
        }
        let listing = Listing::of(path)?;
        if name == "val" && listing.folders.is_empty() && !listing.images.is_empty() {
            return self.flat_folder(path, listing);
        }
        self.class_folders(path, name)
    }

    /// Neither train nor val inside: class folders are train, images side by side are val.
    fn bare_folder(&mut self, dir: &Path) -> Result<RawSplit, SourceError> {
        let listing = Listing::of(dir)?;
        if listing.folders.is_empty() && !listing.images.is_empty() {
            return self.flat_folder(dir, listing);
        }
        self.class_folders(dir, "train")
    }

    fn class_folders(&mut self, dir: &Path, name: &'static str) -> Result<RawSplit, SourceError> {
        let scan = folder::scan_class_folders(dir, name, self.hook, &mut self.ignored)?;
        if scan.files.is_empty() {
            let folders = scan.classes.len();
            let found =
                format!("{folders} folders, and no .JPEG, .jpg or .png file in any of them");
            return Err(SourceError::Unrecognised {
                path: dir.to_path_buf(),
                found,
            });
        }
        let origin = Origin::Folder(dir.to_path_buf());
        Ok(RawSplit {
            name,
            layout: Layout::ClassFolders,
            scan,
            origin,
            devkit: None,
        })
    }

    fn flat_folder(&mut self, dir: &Path, listing: Listing) -> Result<RawSplit, SourceError> {
        self.ignored.extend(listing.others);
        // Labels are matched by the order of the names, so no image can be left out.
        if let Some(name) = listing.images.iter().find(|name| name.misnamed) {
            let path = dir.join(&name.text);
            return Err(SourceError::NameNotUtf8 { path });
        }
        let files = listing
            .images
            .into_iter()
            .map(|name| scan::FoundFile {
                key: name.text,
                misnamed: false,
                class: 0,
                offset: 0,
                size: 0,
            })
            .collect();
        let labelled = labels::label(dir, files, &self.label_folders(dir), self.labels)?;
        Ok(RawSplit {
            name: "val",
            layout: Layout::FlatFolder,
            scan: labelled.scan,
            origin: Origin::Folder(dir.to_path_buf()),
            devkit: labelled.devkit,
        })
    }

    /// A tar, for the split `expected`, or else the one that its contents suggest.
    fn tar(&mut self, path: &Path, expected: Option<&str>) -> Result<RawSplit, SourceError> {
        let tar = TarFile::open(path)?;
        let kind = tars::kind(&tar)?;
        match (kind, expected) {
            (TarKind::ClassTars, None | Some("train")) => {
                let scan = tars::scan_class_tars(&tar, "train", self.hook, &mut self.ignored)?;
                Ok(RawSplit {
                    name: "train",
                    layout: Layout::TarOfTars,
                    scan,
                    origin: Origin::Tar(tar),
                    devkit: None,
                })
            }
            (TarKind::Images, None | Some("val")) => {
                let mut files = tars::scan_flat_tar(&tar, "val", self.hook, &mut self.ignored)?;
                scan::sort_by_key(&mut files, "val", path)?;
                let labelled = labels::label(path, files, &self.label_folders(path), self.labels)?;
                Ok(RawSplit {
                    name: "val",
                    layout: Layout::FlatTar,
                    scan: labelled.scan,
                    origin: Origin::Tar(tar),
                    devkit: labelled.devkit,
                })
            }
            (kind, _) => Err(SourceError::Unrecognised {
                path: path.to_path_buf(),
                found: kind.to_string(),
            }),
        }
    }

    /// Where labels may be: with the images, next to them, one folder up, and at the path that was given.
    fn label_folders(&self, images: &Path) -> Vec<PathBuf> {
        let mut folders: Vec<PathBuf> = Vec::new();
        let own = images.is_dir().then_some(images);
        let above = images.ancestors().skip(1).take(2).map(|dir| {
            if dir.as_os_str().is_empty() {
                Path::new(".")
            } else {
                dir
            }
        });
        for dir in own
            .into_iter()
            .chain(above)
            .chain(self.given.is_dir().then_some(self.given))
        {
            if !folders.iter().any(|have| have == dir) {
                folders.push(dir.to_path_buf());
            }
        }
        folders
    }
}

fn is_empty(dir: &Path) -> Result<bool, SourceError> {
    Ok(fs::read_dir(dir)
        .map_err(SourceError::io(dir))?
        .next()
        .is_none())
}

/// Parquet files at a path: the file itself, or those in the folder or in its `data`.
fn parquet_files(path: &Path, is_dir: bool) -> Result<Vec<PathBuf>, SourceError> {
    let is_parquet = |path: &Path| {
        path.extension()
            .is_some_and(|extension| extension == "parquet")
    };
    if !is_dir {
        return Ok(if is_parquet(path) {
            vec![path.to_path_buf()]
        } else {
            Vec::new()
        });
    }
    for dir in [path.to_path_buf(), path.join("data")] {
        if !dir.is_dir() {
            continue;
        }
        let mut files = Vec::new();
        for entry in fs::read_dir(&dir).map_err(SourceError::io(&dir))? {
            let path = entry.map_err(SourceError::io(&dir))?.path();
            if is_parquet(&path) {
                files.push(path);
            }
        }
        if !files.is_empty() {
            files.sort_unstable();
            return Ok(files);
        }
    }
    Ok(Vec::new())
}

#[cfg(feature = "parquet")]
fn open_parquet(
    root: &Path,
    files: Vec<PathBuf>,
    hook: &mut Hook<'_>,
) -> Result<Box<dyn Source>, SourceError> {
    Ok(Box::new(crate::hf::ParquetSource::open(root, files, hook)?))
}

#[cfg(not(feature = "parquet"))]
fn open_parquet(
    root: &Path,
    _: Vec<PathBuf>,
    _: &mut Hook<'_>,
) -> Result<Box<dyn Source>, SourceError> {
    Err(SourceError::ParquetDisabled {
        path: root.to_path_buf(),
    })
}
