//! Images in folders: one folder per class, or all in one folder.
//! Links are followed. Files are listed, not opened; their sizes stay unknown.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::{fs, io};

use crate::error::SourceError;
use crate::progress::Hook;
use crate::scan::{ClassScan, FoundFile, Name, NameKind, name_kind};
use crate::source::Ignored;

/// Deeper than any data set; only a link that leads back up goes this deep.
const MAX_DEPTH: usize = 16;

/// What a folder holds itself, names sorted byte-wise.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) folders: Vec<String>,
    pub(crate) images: Vec<Name>,
    pub(crate) others: Vec<Ignored>,
}

impl Listing {
    pub(crate) fn of(dir: &Path) -> Result<Listing, SourceError> {
        let mut listing = Listing::default();
        for entry in fs::read_dir(dir).map_err(SourceError::io(dir))? {
            let entry = entry.map_err(SourceError::io(dir))?;
            let path = entry.path();
            let mut kind = entry.file_type().map_err(SourceError::io(&path))?;
            if kind.is_symlink() {
                kind = match fs::metadata(&path) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        return Err(SourceError::DeadLink { path });
                    }
                    target => target.map_err(SourceError::io(&path))?.file_type(),
                };
            }
            let name = Name::of(entry.file_name().as_bytes());
            let reason = match name_kind(&name.text) {
                _ if kind.is_dir() && name.text.starts_with('.') => "a hidden folder",
                _ if kind.is_dir() && name.misnamed => {
                    return Err(SourceError::NameNotUtf8 { path });
                }
                _ if kind.is_dir() => {
                    listing.folders.push(name.text);
                    continue;
                }
                NameKind::Image if kind.is_file() => {
                    listing.images.push(name);
                    continue;
                }
                NameKind::Image => "neither a file nor a folder",
                NameKind::Other(reason) => reason,
            };
            listing.others.push(Ignored {
                path,
                reason: reason.to_owned(),
            });
        }
        listing.folders.sort_unstable();
        listing.images.sort_unstable();
        listing.others.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Ok(listing)
    }
}

/// The images of `<root>/<class>/`, also in folders below a class; key = path below `root`.
pub(crate) fn scan_class_folders(
    root: &Path,
    split: &'static str,
    hook: &mut Hook<'_>,
    ignored: &mut Vec<Ignored>,
) -> Result<ClassScan, SourceError> {
    let top = Listing::of(root)?;
    ignored.extend(top.others);
    ignored.extend(top.images.iter().map(|name| Ignored {
        path: root.join(&name.text),
        reason: "an image outside the class folders".to_owned(),
    }));
    let mut scan = ClassScan::default();
    for (done, class) in top.folders.iter().enumerate() {
        let class_number = scan.add_class(class);
        scan_class(root, class, class_number, 1, &mut scan.files, ignored)?;
        hook.report(split, scan.files.len(), done + 1, top.folders.len());
    }
    Ok(scan)
}

fn scan_class(
    root: &Path,
    below: &str,
    class: u32,
    depth: usize,
    files: &mut Vec<FoundFile>,
    ignored: &mut Vec<Ignored>,
) -> Result<(), SourceError> {
    let dir = root.join(below);
    if depth > MAX_DEPTH {
        let what = format!("more than {MAX_DEPTH} folders deep; does a link lead back up?");
        return Err(SourceError::Unrecognised {
            path: dir,
            found: what,
        });
    }
    let listing = Listing::of(&dir)?;
    ignored.extend(listing.others);
    files.extend(listing.images.iter().map(|name| FoundFile {
        key: format!("{below}/{}", name.text),
        misnamed: name.misnamed,
        class,
        offset: 0,
        size: 0,
    }));
    for folder in &listing.folders {
        scan_class(
            root,
            &format!("{below}/{folder}"),
            class,
            depth + 1,
            files,
            ignored,
        )?;
    }
    Ok(())
}
