//! An evaluation's results by class, and its confusion matrix. Counts scores; runs no network.

use std::collections::BTreeMap;
use std::fmt::Write;

use record::Class;

use crate::step::accuracy::top_k;

/// Counts over all images of an evaluation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClassCounts {
    classes: BTreeMap<u32, Counts>,
    /// How many images with the first class as label have the second as their first guess.
    confusion: BTreeMap<(u32, u32), u64>,
}

/// Counts over some images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Images.
    pub images: u64,
    /// Those whose label is the first guess.
    pub top1: u64,
    /// Those whose label is among the first five guesses.
    pub top5: u64,
}

impl Counts {
    fn plus(self, other: Counts) -> Counts {
        Counts {
            images: self.images + other.images,
            top1: self.top1 + other.top1,
            top5: self.top5 + other.top5,
        }
    }

    fn share(&self, count: u64) -> f64 {
        count as f64 / (self.images as f64).max(1.0)
    }
}

impl ClassCounts {
    /// Counts images by their scores, row-major, one row per label; a higher score means a likelier class. Ties
    /// go to the lower class. If the label's score is NaN, the image counts as wrong.
    pub(crate) fn add(&mut self, scores: &[f32], labels: &[u32]) {
        let classes = scores.len() / labels.len().max(1);
        if classes == 0 {
            return;
        }
        for (row, &label) in scores.chunks_exact(classes).zip(labels) {
            let found = Counts {
                images: 1,
                top1: top_k(row, &[label], 1),
                top5: top_k(row, &[label], 5),
            };
            let counts = self.classes.entry(label).or_default();
            *counts = counts.plus(found);
            *self.confusion.entry((label, first(row))).or_default() += 1;
        }
    }

    /// Over all classes.
    #[must_use]
    pub fn total(&self) -> Counts {
        let counts = self.classes.values();
        counts.fold(Counts::default(), |sum, counts| sum.plus(*counts))
    }

    /// Share of the images whose label is the first guess, 0 to 1.
    #[must_use]
    pub fn top1(&self) -> f64 {
        self.total().share(self.total().top1)
    }

    /// Share of the images whose label is among the first five guesses, 0 to 1.
    #[must_use]
    pub fn top5(&self) -> f64 {
        self.total().share(self.total().top5)
    }

    /// A CSV table with a line for each class that has images: its index, synset, name, number of images, top-1 and
    /// top-5.
    #[must_use]
    pub fn per_class_csv(&self, classes: &[Class]) -> String {
        let mut text = "class,synset,name,images,top1,top5\n".to_owned();
        for (class, counts) in &self.classes {
            let (synset, name) = names(classes, *class);
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "{class},{synset},{name},{},{:.6},{:.6}",
                counts.images,
                counts.share(counts.top1),
                counts.share(counts.top5)
            );
        }
        text
    }

    /// The confusion matrix as a CSV table, with a line for each pair that occurs: index and synset of the label,
    /// index and synset of the first guess, number of images.
    #[must_use]
    pub fn confusion_csv(&self, classes: &[Class]) -> String {
        let mut text = "label,label_synset,guess,guess_synset,images\n".to_owned();
        for ((label, guess), images) in &self.confusion {
            let (of_label, of_guess) = (names(classes, *label).0, names(classes, *guess).0);
            let _ = writeln!(text, "{label},{of_label},{guess},{of_guess},{images}");
        }
        text
    }
}

/// The class with the highest score; the lowest such class if there are several.
fn first(row: &[f32]) -> u32 {
    let mut best = 0;
    for (class, score) in row.iter().enumerate() {
        if *score > row[best] || row[best].is_nan() {
            best = class;
        }
    }
    best as u32
}

/// A class's synset and first name as CSV fields; empty if unknown.
fn names(classes: &[Class], class: u32) -> (String, String) {
    let Some(class) = classes.get(class as usize) else {
        return (String::new(), String::new());
    };
    let name = class.names.first().map_or("", String::as_str);
    (field(&class.synset), field(name))
}

/// Quoted if it contains a comma, a quote or a line break (RFC 4180).
fn field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(synset: &str, name: &str) -> Class {
        Class {
            synset: synset.to_owned(),
            names: vec![name.to_owned()],
        }
    }

    #[test]
    fn images_are_counted_by_class_and_by_guess() {
        let mut counts = ClassCounts::default();
        let rows = [[0.1, 0.9], [0.7, 0.3], [f32::NAN, 0.2]];
        counts.add(&rows.concat(), &[1, 1, 0]);
        let total = Counts {
            images: 3,
            top1: 1,
            top5: 2,
        };
        assert_eq!(counts.total(), total);
        let classes = [class("n1", "a, b"), class("n2", "c")];
        assert_eq!(
            counts.per_class_csv(&classes),
            "class,synset,name,images,top1,top5\n\
             0,n1,\"a, b\",1,0.000000,0.000000\n\
             1,n2,c,2,0.500000,1.000000\n"
        );
        assert_eq!(
            counts.confusion_csv(&classes),
            "label,label_synset,guess,guess_synset,images\n\
             0,n1,1,n2,1\n1,n2,0,n1,1\n1,n2,1,n2,1\n"
        );
    }
}
