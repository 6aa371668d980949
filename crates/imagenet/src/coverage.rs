//! How much of ImageNet a source covers. A subset, or another data set, is not an error.

use std::fmt;

use crate::names;
use crate::source::{ClassName, SplitSource};

/// Classes of ILSVRC2012.
pub const ILSVRC2012_CLASSES: usize = 1000;
/// Training images of ILSVRC2012.
pub const ILSVRC2012_TRAIN: usize = 1_281_167;
/// Validation images of ILSVRC2012.
pub const ILSVRC2012_VAL: usize = 50_000;

/// Counts of a source compared with ImageNet's. Its `Display` is a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// Number of classes.
    pub classes: usize,
    /// Training samples; `None` without a training split.
    pub train: Option<usize>,
    /// Validation samples; `None` without a validation split.
    pub val: Option<usize>,
    /// Which data set this is.
    pub extent: Extent,
    /// Classes that no sample of the first split (`train` where there is one) belongs to, by id.
    pub empty_classes: Vec<String>,
}

/// Which data set this is, by class ids and counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All 1000 classes, 1,281,167 training and 50,000 validation images.
    Whole,
    /// Classes of ILSVRC2012, but fewer of them, fewer images, or one split only.
    Part,
    /// All 1000 classes with more images than ILSVRC2012 has: something was added.
    Extended,
    /// At least one class that ILSVRC2012 does not have.
    Other,
}

impl Coverage {
    pub(crate) fn new(classes: &[ClassName], splits: &[SplitSource]) -> Coverage {
        let count = |name: &str| {
            splits
                .iter()
                .find(|split| split.name == name)
                .map(|split| split.samples.len())
        };
        let (train, val) = (count("train"), count("val"));
        let ours = classes
            .iter()
            .all(|class| names::ilsvrc2012_label(&class.synset).is_some());
        let whole = classes.len() == ILSVRC2012_CLASSES;
        let extent = match (train.unwrap_or(0), val.unwrap_or(0)) {
            _ if !ours => Extent::Other,
            (ILSVRC2012_TRAIN, ILSVRC2012_VAL) if whole => Extent::Whole,
            (t, v) if t > ILSVRC2012_TRAIN || v > ILSVRC2012_VAL => Extent::Extended,
            _ => Extent::Part,
        };
        Coverage {
            classes: classes.len(),
            train,
            val,
            extent,
            empty_classes: empty_classes(classes, splits),
        }
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let against = |count: usize, whole: usize| match self.extent {
            Extent::Other => thousands(count),
            _ => format!("{} of {}", thousands(count), thousands(whole)),
        };
        let split = |name: &str, count: Option<usize>, whole: usize| match count {
            Some(count) => format!("{name} {}", against(count, whole)),
            None => format!("no {name} split"),
        };
        f.write_str(match self.extent {
            Extent::Whole => "whole ImageNet (ILSVRC2012)",
            Extent::Part => "part of ImageNet (ILSVRC2012)",
            Extent::Extended => "ImageNet's classes, but more images than ILSVRC2012 has",
            Extent::Other => "not ImageNet: custom classes",
        })?;
        write!(
            f,
            ": classes {}, {}, {}",
            against(self.classes, ILSVRC2012_CLASSES),
            split("train", self.train, ILSVRC2012_TRAIN),
            split("val", self.val, ILSVRC2012_VAL)
        )?;
        match self.empty_classes.as_slice() {
            [] => Ok(()),
            [one] => write!(f, "; class {one} has no samples"),
            [first, ..] => write!(
                f,
                "; {} classes have no samples, {first} first",
                self.empty_classes.len()
            ),
        }
    }
}

fn empty_classes(classes: &[ClassName], splits: &[SplitSource]) -> Vec<String> {
    let Some(split) = splits.first() else {
        return Vec::new();
    };
    let mut seen = vec![false; classes.len()];
    for sample in &split.samples {
        if let Some(slot) = seen.get_mut(sample.label as usize) {
            *slot = true;
        }
    }
    let missing = classes.iter().zip(seen).filter(|(_, seen)| !seen);
    missing.map(|(class, _)| class.synset.clone()).collect()
}

/// 1281167 -> "1,281,167".
pub(crate) fn thousands(count: usize) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Layout, Sample};

    fn split(name: &str, count: usize, classes: u32) -> SplitSource {
        let sample = |i: usize| Sample {
            key: String::new(),
            misnamed: false,
            label: i as u32 % classes,
            size: 0,
        };
        SplitSource {
            name: name.into(),
            layout: Layout::ClassFolders,
            samples: (0..count).map(sample).collect(),
        }
    }

    fn imagenet_classes() -> Vec<ClassName> {
        names::ilsvrc2012_synsets()
            .map(|synset| names::name_class(synset.into(), &[]))
            .collect()
    }

    #[test]
    fn whole_imagenet_is_recognised_by_its_counts() {
        let classes = imagenet_classes();
        let splits = [
            split("train", ILSVRC2012_TRAIN, 1000),
            split("val", ILSVRC2012_VAL, 1000),
        ];
        let coverage = Coverage::new(&classes, &splits);
        assert_eq!(coverage.extent, Extent::Whole);
        assert_eq!(
            coverage.to_string(),
            "whole ImageNet (ILSVRC2012): classes 1,000 of 1,000, train 1,281,167 of 1,281,167, val 50,000 of 50,000"
        );
    }

    #[test]
    fn one_missing_image_makes_it_a_part() {
        let splits = [
            split("train", ILSVRC2012_TRAIN - 1, 1000),
            split("val", ILSVRC2012_VAL, 1000),
        ];
        assert_eq!(
            Coverage::new(&imagenet_classes(), &splits).extent,
            Extent::Part
        );
        let splits = [
            split("train", ILSVRC2012_TRAIN + 1, 1000),
            split("val", ILSVRC2012_VAL, 1000),
        ];
        assert_eq!(
            Coverage::new(&imagenet_classes(), &splits).extent,
            Extent::Extended
        );
    }

    #[test]
    fn own_classes_and_empty_ones_are_said_plainly() {
        let classes = ["cats", "dogs"].map(|name| names::name_class(name.into(), &[]));
        let coverage = Coverage::new(&classes, &[split("train", 5, 1)]);
        assert_eq!(coverage.extent, Extent::Other);
        assert_eq!(coverage.empty_classes, ["dogs"]);
        assert_eq!(
            coverage.to_string(),
            "not ImageNet: custom classes: classes 2, train 5, no val split; class dogs has no samples"
        );
    }
}
