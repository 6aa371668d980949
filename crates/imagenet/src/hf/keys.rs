//! Turns the file names in Hugging Face's files into the keys that class folders would give.

use std::collections::HashSet;

use crate::names::is_synset;

/// Makes keys, no two of them the same.
#[derive(Default)]
pub(super) struct UniqueKeys {
    used: HashSet<String>,
}

impl UniqueKeys {
    /// `n01440764/n01440764_10026.JPEG` for `n01440764_10026_n01440764.JPEG`. Without a path the row's number names
    /// the sample; a key already taken gets `-2`, `-3`, … before its extension.
    pub(super) fn make(&mut self, path: Option<&str>, class: &str, row: usize) -> String {
        let wanted = match path.map(base_name).filter(|name| !name.is_empty()) {
            Some(name) => {
                let (stem, extension) = split_extension(name);
                format!("{class}/{}{extension}", without_synset(stem))
            }
            None => format!("{class}/row-{row:07}.JPEG"),
        };
        let mut key = wanted.clone();
        let mut copy = 2;
        while !self.used.insert(key.clone()) {
            let (stem, extension) = split_extension(&wanted);
            key = format!("{stem}-{copy}{extension}");
            copy += 1;
        }
        key
    }
}

/// The synset that a path ends (or, as in ILSVRC's own training names, begins) with.
pub(super) fn synset_in(path: &str) -> Option<&str> {
    let (stem, _) = split_extension(base_name(path));
    let last = stem.rsplit('_').next().filter(|part| is_synset(part));
    last.or_else(|| stem.split('_').next().filter(|part| is_synset(part)))
}

fn without_synset(stem: &str) -> &str {
    match stem.rsplit_once('_') {
        Some((rest, last)) if is_synset(last) && !rest.is_empty() => rest,
        _ => stem,
    }
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// `("a", ".JPEG")`; the extension is empty if there is none.
fn split_extension(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(dot) if !name[dot..].contains('/') => name.split_at(dot),
        _ => (name, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_the_class_folders() {
        let mut keys = UniqueKeys::default();
        let key = keys.make(Some("n01440764_10026_n01440764.JPEG"), "n01440764", 0);
        assert_eq!(key, "n01440764/n01440764_10026.JPEG");
        let key = keys.make(
            Some("ILSVRC2012_val_00039905_n03710637.JPEG"),
            "n03710637",
            1,
        );
        assert_eq!(key, "n03710637/ILSVRC2012_val_00039905.JPEG");
        assert_eq!(
            keys.make(Some("a/b/n01440764_1.JPEG"), "n01440764", 2),
            "n01440764/n01440764_1.JPEG"
        );
    }

    #[test]
    fn no_key_is_given_twice() {
        let mut keys = UniqueKeys::default();
        assert_eq!(keys.make(Some("x.jpg"), "c", 0), "c/x.jpg");
        assert_eq!(keys.make(Some("x-2.jpg"), "c", 1), "c/x-2.jpg");
        assert_eq!(keys.make(Some("x.jpg"), "c", 2), "c/x-3.jpg");
        assert_eq!(keys.make(None, "c", 7), "c/row-0000007.JPEG");
        assert_eq!(keys.make(Some(""), "c", 8), "c/row-0000008.JPEG");
        assert_eq!(keys.make(Some("plain"), "c.d", 9), "c.d/plain");
        assert_eq!(keys.make(Some("plain"), "c.d", 10), "c.d/plain-2");
    }

    #[test]
    fn synsets_are_found_at_either_end_of_a_name() {
        assert_eq!(
            synset_in("n01440764_10026_n01440764.JPEG"),
            Some("n01440764")
        );
        assert_eq!(synset_in("dir/n01440764_10026.JPEG"), Some("n01440764"));
        assert_eq!(
            synset_in("ILSVRC2012_val_00039905_n03710637.JPEG"),
            Some("n03710637")
        );
        assert_eq!(synset_in("ILSVRC2012_val_00039905.JPEG"), None);
        assert_eq!(synset_in(""), None);
    }
}
