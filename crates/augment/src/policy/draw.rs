//! The draw of a policy for one image.

use crate::Op;

/// Operations to apply: one chain for most policies, several to be mixed for AugMix. Reusing a draw does not allocate
/// once it has held the longest one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draw {
    ops: Vec<Op>,
    /// Where each mixed chain ends in `ops`, and its weight; empty when `ops` is the only chain.
    mixed: Vec<(usize, f32)>,
    share: f32,
    rotation_fill_reversed: bool,
}

impl Draw {
    /// All operations, chain after chain.
    #[must_use]
    pub fn ops(&self) -> &[Op] {
        &self.ops
    }

    /// Whether the operations are chains to be mixed, rather than one chain.
    #[must_use]
    pub fn is_mixture(&self) -> bool {
        !self.mixed.is_empty()
    }

    /// The chains that AugMix mixes, with their weights, which add up to 1; none for other policies.
    pub fn mixed_chains(&self) -> impl Iterator<Item = (&[Op], f32)> {
        let begins = std::iter::once(0).chain(self.mixed.iter().map(|&(end, _)| end));
        begins
            .zip(&self.mixed)
            .map(|(begin, &(end, weight))| (&self.ops[begin..end], weight))
    }

    /// The share of the mixture in the result. The image itself makes up the rest.
    #[must_use]
    pub fn mixed_share(&self) -> f32 {
        self.share
    }

    /// Whether rotations fill with blue, green, red, as in MindCV.
    #[must_use]
    pub fn rotation_fill_reversed(&self) -> bool {
        self.rotation_fill_reversed
    }

    pub(super) fn clear(&mut self) {
        self.ops.clear();
        self.mixed.clear();
        self.share = 0.0;
        self.rotation_fill_reversed = false;
    }

    pub(super) fn push(&mut self, op: Op) {
        self.ops.push(op);
    }

    pub(super) fn end_mixed_chain(&mut self, weight: f32) {
        self.mixed.push((self.ops.len(), weight));
    }

    pub(super) fn set_mixed_share(&mut self, share: f32) {
        self.share = share;
    }

    pub(super) fn reverse_rotation_fill(&mut self) {
        self.rotation_fill_reversed = true;
    }
}
