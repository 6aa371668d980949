//! The name of a checkpoint: MindCV's `{model}-{epoch}_{batch}`.

use std::fmt;

/// `inception_v4-3_5004`. Sorts by age within a run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// The epoch, from 1.
    pub epoch: u64,
    /// Batches done in that epoch.
    pub batch: u64,
    /// The network.
    pub model: String,
}

impl Name {
    /// Reads a directory's name; `None` if it is not a checkpoint's.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let (model, place) = name.rsplit_once('-')?;
        let (epoch, batch) = place.split_once('_')?;
        let parsed = Name {
            epoch: epoch.parse().ok()?,
            batch: batch.parse().ok()?,
            model: model.to_owned(),
        };
        // Each name has only one spelling: `+3_007` is not one of ours.
        (parsed.to_string() == name).then_some(parsed)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}_{}", self.model, self.epoch, self.batch)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        let name = Name::parse("inception_v4-3_5004").unwrap();
        assert_eq!(
            (name.model.as_str(), name.epoch, name.batch),
            ("inception_v4", 3, 5004)
        );
        assert_eq!(name.to_string(), "inception_v4-3_5004");
        for other in [
            "inception_v4-3_5004.tmp",
            "inception_v4",
            "a-1_",
            "a-+1_2",
            "a-01_2",
            "metrics.jsonl",
        ] {
            assert_eq!(Name::parse(other), None, "{other}");
        }
    }

    #[test]
    fn names_order_by_age() {
        let mut names: Vec<Name> = ["m-10_1", "m-9_20", "m-9_3"]
            .iter()
            .map(|name| Name::parse(name).unwrap())
            .collect();
        names.sort();
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["m-9_3", "m-9_20", "m-10_1"]);
    }
}
