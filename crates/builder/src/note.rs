//! What a build writes into each shard's note, so that a later run can tell whether the shard is
//! the one it would write itself, without reading the source.

use record::OddFile;
use serde::{Deserialize, Serialize};

use crate::options::OnBad;

/// The note of a shard that this crate wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The fingerprint of the shard's plan.
    pub plan: String,
    /// How bad files were treated; absent if there were none, because then it does not matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_bad: Option<OnBad>,
    /// The odd files, in the order of the plan.
    pub odd: Vec<OddFile>,
}

impl Note {
    /// `None` if another program wrote these bytes.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// The bytes that a shard carries: JSON.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        // Words and lists of words always have a JSON form.
        serde_json::to_vec(self).unwrap_or_default()
    }
}
