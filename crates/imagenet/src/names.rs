//! The 1000 classes of ILSVRC2012, embedded: synset ids in label order and WordNet's names for them.
//! Not the classes of a given data set: those come from the data.

use std::sync::LazyLock;

use crate::source::ClassName;

/// Synset id and names, sorted by id.
type Row = (&'static str, Vec<&'static str>);

static TABLE: LazyLock<Vec<Row>> = LazyLock::new(|| {
    include_str!("../data/synsets.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('\t'))
        .map(|(synset, names)| (synset, names.split(", ").collect()))
        .collect()
});

/// WordNet's names for one of the 1000 ILSVRC2012 classes, the usual one first; `None` for any other synset.
#[must_use]
pub fn class_names(synset: &str) -> Option<&'static [&'static str]> {
    let row = TABLE.binary_search_by(|(id, _)| (*id).cmp(synset)).ok()?;
    TABLE.get(row).map(|(_, names)| names.as_slice())
}

/// The ids of the 1000 ILSVRC2012 classes in label order (sorted; class 0 is `n01440764`).
pub fn ilsvrc2012_synsets() -> impl ExactSizeIterator<Item = &'static str> {
    TABLE.iter().map(|(synset, _)| *synset)
}

/// The label of a synset in ILSVRC2012's sorted order.
pub(crate) fn ilsvrc2012_label(synset: &str) -> Option<u32> {
    let row = TABLE.binary_search_by(|(id, _)| (*id).cmp(synset)).ok()?;
    u32::try_from(row).ok()
}

/// Whether a string has the form of a noun synset's id: `n` and eight digits.
pub(crate) fn is_synset(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 9 && bytes[0] == b'n' && bytes[1..].iter().all(u8::is_ascii_digit)
}

/// A class with its embedded names, or with those in `fallback` if the table has none.
pub(crate) fn name_class(synset: String, fallback: &[String]) -> ClassName {
    let names = match class_names(&synset) {
        Some(names) => names.iter().map(|&name| name.to_owned()).collect(),
        None => fallback.to_vec(),
    };
    ClassName { synset, names }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_thousand_classes_sorted_from_tench_to_toilet_tissue() {
        let synsets: Vec<&str> = ilsvrc2012_synsets().collect();
        assert_eq!(synsets.len(), 1000);
        assert!(synsets.is_sorted_by(|a, b| a < b));
        assert!(synsets.iter().all(|synset| is_synset(synset)));
        assert_eq!(synsets[0], "n01440764");
        assert_eq!(synsets[999], "n15075141");
        assert_eq!(class_names("n01440764").unwrap()[0], "tench");
        assert_eq!(class_names("n15075141").unwrap()[0], "toilet tissue");
    }

    #[test]
    fn every_name_is_one_clean_lemma() {
        for synset in ilsvrc2012_synsets() {
            let names = class_names(synset).unwrap();
            assert!(!names.is_empty());
            for name in names {
                assert_eq!(name.trim(), *name, "{synset}");
                assert!(
                    !name.is_empty() && !name.contains([',', '\t']),
                    "{synset}: {name:?}"
                );
            }
        }
    }

    #[test]
    fn labels_are_positions_in_sorted_order() {
        assert_eq!(ilsvrc2012_label("n01440764"), Some(0));
        assert_eq!(
            ilsvrc2012_label("n02084071"),
            None,
            "dog is an inner node, not one of the classes"
        );
        assert_eq!(ilsvrc2012_label("n15075141"), Some(999));
        assert_eq!(class_names("cats"), None);
    }
}
