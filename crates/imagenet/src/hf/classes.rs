//! Which classes the labels of parquet rows mean.
//!
//! The evidence, best first: synsets in the image paths, which must fit ILSVRC2012's sorted order (0 = `n01440764`);
//! the class names in the file's metadata (written by Hugging Face's `datasets`). Labels alone prove nothing.

use serde_json::Value;

use super::Scan;
use crate::error::SourceError;
use crate::names::{class_names, ilsvrc2012_label, ilsvrc2012_synsets, name_class};
use crate::source::ClassName;

/// The classes in label order.
pub(super) fn identify(scans: &[Scan]) -> Result<Vec<ClassName>, SourceError> {
    let has_synsets = scans
        .iter()
        .flat_map(|scan| &scan.rows)
        .any(|row| row.synset.is_some());
    let classes = match metadata_names(scans) {
        _ if has_synsets => ilsvrc2012(),
        Some(names) if are_ilsvrc2012(&names) => ilsvrc2012(),
        Some(names) => names
            .into_iter()
            .map(|name| ClassName {
                synset: name,
                names: Vec::new(),
            })
            .collect(),
        None => {
            return Err(SourceError::Parquet {
                path: first_path(scans),
                reason: "neither the image paths nor the metadata say which classes the labels mean; expected paths \
                         such as n01440764_10026_n01440764.JPEG, or class names in the huggingface metadata"
                    .to_owned(),
            });
        }
    };
    for scan in scans {
        check_labels(scan, classes.len())?;
    }
    Ok(classes)
}

fn check_labels(scan: &Scan, classes: usize) -> Result<(), SourceError> {
    for (row, found) in scan.rows.iter().enumerate() {
        let reason = match &found.synset {
            Some(synset) if ilsvrc2012_label(synset) != Some(found.label) => format!(
                "label {} belongs to an image of {synset}, which is not class {} of ILSVRC2012 in sorted order; \
                 only ImageNet's own numbering is read",
                found.label, found.label
            ),
            _ if found.label as usize >= classes => {
                format!("label {} is beyond the {classes} classes", found.label)
            }
            _ => continue,
        };
        let (path, row) = super::groups::locate(&scan.files, row);
        return Err(SourceError::Parquet {
            path: path.to_path_buf(),
            reason: format!("row {row}: {reason}"),
        });
    }
    Ok(())
}

fn ilsvrc2012() -> Vec<ClassName> {
    ilsvrc2012_synsets()
        .map(|synset| name_class(synset.to_owned(), &[]))
        .collect()
}

/// Whether the names are those of ILSVRC2012 in its order: synset ids, or WordNet's lemmas.
fn are_ilsvrc2012(names: &[String]) -> bool {
    let first_lemma = |text: &str| text.split(", ").next().map(str::to_owned);
    names.len() == ilsvrc2012_synsets().len()
        && names
            .iter()
            .zip(ilsvrc2012_synsets())
            .all(|(name, synset)| {
                let lemma = class_names(synset).and_then(|lemmas| lemmas.first().copied());
                name == synset || first_lemma(name).as_deref() == lemma
            })
}

/// `info.features.label.names` of the first file's `huggingface` metadata.
fn metadata_names(scans: &[Scan]) -> Option<Vec<String>> {
    let file = scans.first()?.files.first()?;
    let metadata: Value = serde_json::from_str(file.metadata.as_deref()?).ok()?;
    let names = metadata.pointer("/info/features/label/names")?.as_array()?;
    names
        .iter()
        .map(|name| name.as_str().map(str::to_owned))
        .collect()
}

fn first_path(scans: &[Scan]) -> std::path::PathBuf {
    scans
        .iter()
        .flat_map(|scan| &scan.files)
        .map(|file| file.path.clone())
        .next()
        .unwrap_or_default()
}
