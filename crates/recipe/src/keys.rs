//! Every key that a recipe may have: its place in the help, what it means, and how far it is supported. The table is the
//! only list of keys, and the flags of `train` are made from it.
//!
//! It holds no values: those are the fields of [`Recipe`](crate::Recipe).

mod table;

use table::KEYS;

/// The heading under which a key appears in `--help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Devices, seeds, logging.
    System,
    /// Where samples come from and how they are batched.
    Data,
    /// What happens to pixels.
    Augmentation,
    /// The network.
    Model,
    /// Saving and resuming.
    Checkpoint,
    /// The parameter update.
    Optimizer,
    /// The learning rate over time.
    Schedule,
    /// What is minimised.
    Loss,
    /// Number formats.
    Precision,
}

impl Group {
    /// The heading as the help prints it.
    #[must_use]
    pub fn heading(self) -> &'static str {
        match self {
            Group::System => "System",
            Group::Data => "Data",
            Group::Augmentation => "Augmentation",
            Group::Model => "Model",
            Group::Checkpoint => "Checkpoints",
            Group::Optimizer => "Optimizer",
            Group::Schedule => "Learning rate",
            Group::Loss => "Loss",
            Group::Precision => "Precision",
        }
    }
}

/// How far a key is supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// Any valid value. The key is a field of [`Recipe`](crate::Recipe).
    Full,
    /// One of these words. The key is a field of [`Recipe`](crate::Recipe).
    Words(&'static [&'static str]),
    /// Not implemented yet. Only these values are accepted, which all mean "off". The error proposes the first one.
    Off(&'static [&'static str]),
    /// Not available here, for this reason. Only these values are accepted. The error proposes the first one.
    Only(&'static [&'static str], &'static str),
    /// Accepted without effect, for this reason.
    Ignored(&'static str),
}

/// One key of a recipe.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// As it is written in a recipe file: `batch_size`. The flag is `--batch-size`.
    pub name: &'static str,
    /// Its heading in the help.
    pub group: Group,
    /// How far it is supported.
    pub support: Support,
    /// Whether it changes what validation and prediction compute.
    pub evaluation: bool,
    /// Whether it changes what a loader does.
    pub loading: bool,
    /// One line for the help.
    pub help: &'static str,
}

impl Key {
    /// The flag's name without the dashes in front: `batch-size`.
    #[must_use]
    pub fn flag(&self) -> String {
        self.name.replace('_', "-")
    }
}

/// All keys, in the order of the help.
#[must_use]
pub fn all() -> &'static [Key] {
    KEYS
}

/// The key of that name.
pub(crate) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// The known key most like `name`, if one is close enough to be meant.
pub(crate) fn nearest_key(name: &str) -> Option<&'static str> {
    let names: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
    nearest(name, &names)
}

/// The word of `words` most like `name`, if one is close enough to be meant.
pub(crate) fn nearest(name: &str, words: &[&'static str]) -> Option<&'static str> {
    let name = name.replace('-', "_").to_lowercase();
    let words = words.iter().copied();
    words
        .map(|word| (strsim::jaro_winkler(&name, &word.to_lowercase()), word))
        .filter(|(similarity, _)| *similarity >= 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::Recipe;
    use std::collections::BTreeSet;

    #[test]
    fn every_field_of_the_recipe_is_a_key_and_every_supported_key_a_field() {
        let fields = serde_json::to_value(Recipe::default()).unwrap();
        let fields: BTreeSet<&str> = fields
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let keys: BTreeSet<&str> = KEYS
            .iter()
            .filter(|key| matches!(key.support, Support::Full | Support::Words(_)))
            .map(|key| key.name)
            .collect();
        assert_eq!(fields, keys);
    }

    #[test]
    fn no_key_is_listed_twice() {
        let names: BTreeSet<&str> = KEYS.iter().map(|key| key.name).collect();
        assert_eq!(names.len(), KEYS.len());
    }

    #[test]
    fn a_typing_error_finds_its_key() {
        assert_eq!(nearest_key("batchsize"), Some("batch_size"));
        assert_eq!(nearest_key("label-smoothng"), Some("label_smoothing"));
        assert_eq!(nearest_key("warmup_epoch"), Some("warmup_epochs"));
        assert_eq!(nearest_key("xyzzy"), None);
        assert_eq!(nearest("adma", &["momentum", "adam"]), Some("adam"));
    }
}
