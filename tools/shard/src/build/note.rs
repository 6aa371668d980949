//! What a builder writes into each shard's note, so that a later run can tell whether the shard is
//! the one it would write itself, without looking at the source.

use record::OddFile;
use serde::{Deserialize, Serialize};

use crate::args::OnBad;

/// The note of a shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    /// The fingerprint of the shard's plan.
    pub(crate) plan: String,
    /// How bad files were treated; absent where there were none, since then it does not matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) on_bad: Option<OnBad>,
    /// The odd files, in the order of the plan.
    pub(crate) odd: Vec<OddFile>,
}

impl Note {
    /// `None` if the bytes are no note of this program.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}
