//! Labels for validation images in a flat folder or tar: finds them, parses them, and matches them to the images.
//!
//! Three formats are recognised by content: the devkit's ground truth (one id per line, in the devkit's own numbering,
//! which `meta.mat` maps to synsets) and a list of synsets (one per line), both in the order of the image names; and
//! Kaggle's `LOC_val_solution.csv`, which names each image.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::devkit;
use crate::devkit::{Blob, Place};
use crate::error::SourceError;
use crate::matlab::Synset;
use crate::names::is_synset;
use crate::scan::{ClassScan, FoundFile};

/// File names looked for, in this order in each place.
const FILES: [&str; 3] = [
    "imagenet_2012_validation_synset_labels.txt",
    "LOC_val_solution.csv",
    "ILSVRC2012_validation_ground_truth.txt",
];

/// The devkit's names for its classes: synset and lemmas.
pub(crate) type DevkitClasses = Vec<(String, Vec<String>)>;

/// A flat split with its classes known.
pub(crate) struct Labelled {
    pub(crate) scan: ClassScan,
    /// All leaf classes of the devkit, if it was used.
    pub(crate) devkit: Option<DevkitClasses>,
}

/// What a labels file says.
#[derive(Debug, PartialEq, Eq)]
enum Labels {
    /// The devkit's ids, in image order.
    Ids(Vec<u32>),
    /// Synsets, in image order.
    Synsets(Vec<String>),
    /// Synsets by image name without extension.
    ByName(HashMap<String, String>),
}

/// Labels `files` (sorted by key) of the tar or folder `images` from the nearest labels in `folders`,
/// or from `given` (a labels file, a devkit folder or its tar.gz).
pub(crate) fn label(
    images: &Path,
    mut files: Vec<FoundFile>,
    folders: &[PathBuf],
    given: Option<&Path>,
) -> Result<Labelled, SourceError> {
    let (blob, places) = find(images, folders, given)?;
    let (synsets, devkit) = match parse(&blob)? {
        Labels::ByName(by_name) => (match_names(&blob, &files, images, &by_name)?, None),
        Labels::Synsets(synsets) => {
            check_order(&blob.path, images, &files, synsets.len())?;
            (synsets, None)
        }
        Labels::Ids(ids) => {
            check_order(&blob.path, images, &files, ids.len())?;
            let table = devkit::find_synsets(&places)?.ok_or_else(|| {
                SourceError::labels(
                    &blob.path,
                    "holds the devkit's ids, and meta.mat, which maps them to classes, was not found next to it or in \
                     the devkit; put ILSVRC2012_devkit_t12.tar.gz there, or use a list of synsets",
                )
            })?;
            let synsets = ids_to_synsets(&blob.path, &ids, &table)?;
            (synsets, Some(leaf_classes(table)))
        }
    };

    let mut scan = ClassScan::default();
    let mut numbers: HashMap<String, u32> = HashMap::new();
    for (file, synset) in files.iter_mut().zip(synsets) {
        file.class = match numbers.get(&synset) {
            Some(&number) => number,
            None => {
                let number = scan.add_class(&synset);
                numbers.insert(synset, number);
                number
            }
        };
    }
    scan.files = files;
    Ok(Labelled { scan, devkit })
}

fn find(
    images: &Path,
    folders: &[PathBuf],
    given: Option<&Path>,
) -> Result<(Blob, Vec<Place>), SourceError> {
    let mut places = devkit::places(folders);
    let preferred = match given {
        None => places.clone(),
        Some(path) if path.is_dir() => devkit::places(&[path.to_path_buf()]),
        Some(path) if is_archive(path) => vec![Place::Archive(path.to_path_buf())],
        Some(path) => {
            let beside = path.parent().unwrap_or(Path::new("."));
            places.splice(0..0, devkit::places(&[beside.to_path_buf()]));
            return Ok((devkit::read_small(path)?, places));
        }
    };
    for place in &preferred {
        for name in FILES {
            if let Some(blob) = place.find(name)? {
                // The devkit that the ground truth came from is the first place to look for the meaning of its ids.
                places.splice(0..0, [vec![place.clone()], preferred].concat());
                return Ok((blob, places));
            }
        }
    }
    let searched = match given {
        Some(path) => path.display().to_string(),
        None => folders
            .iter()
            .map(|dir| dir.display().to_string())
            .collect::<Vec<_>>()
            .join(", "),
    };
    Err(SourceError::LabelsMissing {
        images: images.to_path_buf(),
        searched,
        looked_for: format!("{} or ILSVRC2012_devkit_t12.tar.gz", FILES.join(", ")),
    })
}

fn is_archive(path: &Path) -> bool {
    let name = path.to_string_lossy().to_ascii_lowercase();
    name.ends_with(".tar.gz") || name.ends_with(".tgz")
}

fn parse(blob: &Blob) -> Result<Labels, SourceError> {
    let fail = |reason: String| SourceError::labels(&blob.path, reason);
    let text =
        std::str::from_utf8(&blob.bytes).map_err(|_| fail("not a text file of labels".into()))?;
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    // Blank lines may end the file, but not shift the labels after them.
    let used = lines
        .iter()
        .rposition(|line| !line.is_empty())
        .map_or(0, |last| last + 1);
    let lines = &lines[..used];
    let Some(first) = lines.first() else {
        return Err(fail("has no labels".into()));
    };
    let numbered = || (1..).zip(lines.iter().copied());

    if first.starts_with("ImageId,") {
        return numbered()
            .skip(1)
            .map(|(number, line)| {
                csv_row(line).ok_or_else(|| {
                    fail(format!(
                        "line {number} is not `image,synset x y x y …`: {line:?}"
                    ))
                })
            })
            .collect::<Result<_, _>>()
            .map(Labels::ByName);
    }
    if first.parse::<u32>().is_ok() {
        return numbered()
            .map(|(number, line)| {
                line.parse()
                    .map_err(|_| fail(format!("line {number} is not a class id: {line:?}")))
            })
            .collect::<Result<_, _>>()
            .map(Labels::Ids);
    }
    numbered()
        .map(|(number, line)| {
            let whole = !line.is_empty() && !line.contains(char::is_whitespace);
            // A list that starts with synsets contains nothing else; other data sets may use any class names.
            let same_kind = is_synset(line) == is_synset(first);
            if whole && same_kind {
                Ok(line.to_owned())
            } else {
                Err(fail(format!("line {number} is not a class: {line:?}")))
            }
        })
        .collect::<Result<_, _>>()
        .map(Labels::Synsets)
}

/// `ILSVRC2012_val_00048981,n03995372 85 1 499 272` -> image and synset.
fn csv_row(line: &str) -> Option<(String, String)> {
    let (image, boxes) = line.split_once(',')?;
    let synset = boxes.split_whitespace().next()?;
    Some((image.to_owned(), synset.to_owned()))
}

fn ids_to_synsets(path: &Path, ids: &[u32], table: &[Synset]) -> Result<Vec<String>, SourceError> {
    let by_id: HashMap<u32, &Synset> = table.iter().map(|synset| (synset.id, synset)).collect();
    (1..)
        .zip(ids)
        .map(|(line, id): (usize, &u32)| match by_id.get(id) {
            Some(synset) if synset.children == 0 => Ok(synset.wnid.clone()),
            Some(synset) => Err(SourceError::labels(
                path,
                format!(
                    "line {line}: id {id} is {}, an inner node of the hierarchy, not a class",
                    synset.wnid
                ),
            )),
            None => Err(SourceError::labels(
                path,
                format!("line {line}: the devkit's meta.mat has no id {id}"),
            )),
        })
        .collect()
}

fn leaf_classes(table: Vec<Synset>) -> DevkitClasses {
    let leaves = table.into_iter().filter(|synset| synset.children == 0);
    leaves
        .map(|synset| {
            (
                synset.wnid,
                synset.words.split(", ").map(str::to_owned).collect(),
            )
        })
        .collect()
}

fn match_names(
    blob: &Blob,
    files: &[FoundFile],
    images: &Path,
    by_name: &HashMap<String, String>,
) -> Result<Vec<String>, SourceError> {
    if files.len() != by_name.len() {
        return Err(label_count(&blob.path, images, files.len(), by_name.len()));
    }
    files
        .iter()
        .map(|file| {
            by_name.get(stem(&file.key)).cloned().ok_or_else(|| {
                SourceError::labels(
                    &blob.path,
                    format!(
                        "has no label for image {} of {}",
                        file.key,
                        images.display()
                    ),
                )
            })
        })
        .collect()
}

/// Lists give labels by position, so a missing or extra image would shift all labels after it.
fn check_order(
    labels: &Path,
    images: &Path,
    files: &[FoundFile],
    labels_found: usize,
) -> Result<(), SourceError> {
    if files.len() != labels_found {
        return Err(label_count(labels, images, files.len(), labels_found));
    }
    for (number, file) in (1_u64..).zip(files) {
        let own = stem(&file.key)
            .strip_prefix("ILSVRC2012_val_")
            .and_then(|digits| digits.parse::<u64>().ok());
        if own.is_some_and(|own| own != number) {
            return Err(SourceError::labels(
                labels,
                format!(
                    "label {number} would go to {} of {}: an image is missing, or does not belong here",
                    file.key,
                    images.display()
                ),
            ));
        }
    }
    Ok(())
}

/// A file name without its extension.
fn stem(key: &str) -> &str {
    key.rsplit_once('.').map_or(key, |(stem, _)| stem)
}

fn label_count(
    labels: &Path,
    images: &Path,
    image_count: usize,
    label_count: usize,
) -> SourceError {
    SourceError::LabelCount {
        images: images.to_path_buf(),
        labels: labels.to_path_buf(),
        image_count,
        label_count,
    }
}
