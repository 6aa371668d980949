//! What did not fit between a weights file and a network.

use std::collections::HashSet;
use std::fmt;
use std::io::{Read, Seek};

use weight_files::Reader;

use crate::TensorInfo;

/// What did not fit between a file and a network. Names are timm's, in the network's order
/// (`unused`: sorted).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// In the network, not in the file.
    pub missing: Vec<String>,
    /// In the file, not in the network.
    pub unused: Vec<String>,
    /// In both, with different shapes.
    pub misshaped: Vec<Misshaped>,
}

/// A tensor whose shapes in file and network differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misshaped {
    /// timm's name.
    pub name: String,
    /// Its shape in the file.
    pub file: Vec<usize>,
    /// Its shape in the network.
    pub network: Vec<usize>,
}

impl Report {
    /// Whether file and network held the same names and shapes.
    pub fn is_exact(&self) -> bool {
        self.missing.is_empty() && self.unused.is_empty() && self.misshaped.is_empty()
    }

    /// Whether only the shape of the classifier differs.
    pub(super) fn concerns_only(&self, classifier: &str) -> bool {
        let of_classifier = |tensor: &Misshaped| {
            let rest = tensor.name.strip_prefix(classifier);
            rest.is_some_and(|rest| rest.starts_with('.'))
        };
        self.missing.is_empty()
            && self.unused.is_empty()
            && self.misshaped.iter().all(of_classifier)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shapes: Vec<String> = self
            .misshaped
            .iter()
            .map(|m| {
                format!(
                    "{} ({:?} in the file, {:?} here)",
                    m.name, m.file, m.network
                )
            })
            .collect();
        let parts = [
            ("missing", &self.missing),
            ("unused", &self.unused),
            ("of another shape", &shapes),
        ];
        let said: Vec<String> = parts
            .into_iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(what, names)| {
                let more = if names.len() > 3 { ", ..." } else { "" };
                let first = &names[..names.len().min(3)];
                format!("{} {what}: {}{more}", names.len(), first.join(", "))
            })
            .collect();
        f.write_str(if said.is_empty() {
            "every tensor fits"
        } else {
            ""
        })?;
        f.write_str(&said.join("; "))
    }
}

/// Compares `tensors`, which belong to a network, with those of a file.
pub(super) fn compare<R: Read + Seek>(tensors: &[TensorInfo], file: &Reader<R>) -> Report {
    let mut report = Report::default();
    for tensor in tensors {
        match file.shape(&tensor.name) {
            None => report.missing.push(tensor.name.clone()),
            Some(shape) if shape != tensor.shape => report.misshaped.push(Misshaped {
                name: tensor.name.clone(),
                file: shape.to_vec(),
                network: tensor.shape.clone(),
            }),
            Some(_) => {}
        }
    }
    let known: HashSet<&str> = tensors.iter().map(|t| t.name.as_str()).collect();
    let names = file.tensors().map(|(name, _)| name);
    report.unused = names
        .filter(|name| !known.contains(name))
        .map(str::to_owned)
        .collect();
    report.unused.sort_unstable();
    report
}
