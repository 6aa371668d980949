//! Translates between MindCV's and timm's names of tensors. Only names differ: both store the same numbers in the same
//! shapes.
//!
//! BatchNorm is gamma, beta, moving_mean and moving_variance in MindSpore. Apart from that,
//! Inception-v4's blocks have other names in MindCV, and its stem is one block, so numbers differ by five.
//! MindCV has no Inception-ResNet: in a `.ckpt` they keep timm's names, with MindSpore's names for BatchNorm.

use std::collections::HashSet;

/// MindCV's stem, and timm's.
const STEM: [(&str, &str); 7] = [
    ("features.0.conv2d_1a_3x3", "features.0"),
    ("features.0.conv2d_2a_3x3", "features.1"),
    ("features.0.conv2d_2b_3x3", "features.2"),
    ("features.0.mixed_3a_branch_1", "features.3.conv"),
    ("features.0.mixed_4a_branch_0", "features.4.branch0"),
    ("features.0.mixed_4a_branch_1", "features.4.branch1"),
    ("features.0.mixed_5a_branch_0", "features.5.conv"),
];

/// timm has this many more stages than MindCV, because MindCV's stem is one block.
const SHIFT: usize = 5;

/// The branches of Inception-C; those of other blocks differ only by the underscore after `branch`. Note that both
/// `branch_2.2` and `branch_2_2` occur.
const INCEPTION_C: [(&str, &str); 10] = [
    ("branch_0", "branch0"),
    ("branch_1", "branch1_0"),
    ("branch_1_1", "branch1_1a"),
    ("branch_1_2", "branch1_1b"),
    ("branch_2.0", "branch2_0"),
    ("branch_2.1", "branch2_1"),
    ("branch_2.2", "branch2_2"),
    ("branch_2_1", "branch2_3a"),
    ("branch_2_2", "branch2_3b"),
    ("branch_3", "branch3"),
];

const BATCH_NORM: [(&str, &str); 4] = [
    ("gamma", "weight"),
    ("beta", "bias"),
    ("moving_mean", "running_mean"),
    ("moving_variance", "running_var"),
];

/// Renames MindCV's tensors to timm's names. A list without MindSpore's BatchNorm stays as it is.
pub(crate) fn to_timm<T>(tensors: Vec<(String, T)>) -> Vec<(String, T)> {
    let is_mindspore = |name: &str| name.ends_with(".moving_mean");
    if !tensors.iter().any(|(name, _)| is_mindspore(name)) {
        return tensors;
    }
    let names = tensors.iter().map(|(name, _)| name.as_str());
    let forked = blocks_with(names, "branch_1_1");
    // The paper's networks also call their classifier this, and have no `features`.
    let v4 = tensors
        .iter()
        .any(|(name, _)| name.starts_with("features."));
    let renamed = |name: &str| {
        let name = batch_norm(name, Direction::ToTimm);
        if let Some(rest) = name.strip_prefix("classifier.").filter(|_| v4) {
            return format!("last_linear.{rest}");
        }
        block_to_timm(&name, &forked).unwrap_or(name)
    };
    let names: Vec<String> = tensors.iter().map(|(name, _)| renamed(name)).collect();
    let values = tensors.into_iter().map(|(_, value)| value);
    names.into_iter().zip(values).collect()
}

/// MindCV's names for tensors with timm's names, in the same order.
pub(crate) fn from_timm(names: &[String]) -> Vec<String> {
    let forked = blocks_with(names.iter().map(String::as_str), "branch1_0");
    let renamed = |name: &String| {
        let name = batch_norm(name, Direction::ToMindCv);
        if let Some(rest) = name.strip_prefix("last_linear.") {
            return format!("classifier.{rest}");
        }
        block_from_timm(&name, &forked).unwrap_or(name)
    };
    names.iter().map(renamed).collect()
}

enum Direction {
    ToTimm,
    ToMindCv,
}

fn batch_norm(name: &str, direction: Direction) -> String {
    let renamed = BATCH_NORM.iter().find_map(|(mindspore, timm)| {
        let (from, to) = match direction {
            Direction::ToTimm => (mindspore, timm),
            Direction::ToMindCv => (timm, mindspore),
        };
        let stem = name.strip_suffix(from)?;
        stem.ends_with(".bn.").then(|| format!("{stem}{to}"))
    });
    renamed.unwrap_or_else(|| name.to_owned())
}

/// The numbers of the blocks that have a branch of this name: the Inception-C blocks.
fn blocks_with<'a>(names: impl Iterator<Item = &'a str>, branch: &str) -> HashSet<usize> {
    names
        .filter_map(|name| {
            let (number, rest) = block(name)?;
            (rest.split('.').next() == Some(branch)).then_some(number)
        })
        .collect()
}

/// `features.N.rest` as `N` and `rest`.
fn block(name: &str) -> Option<(usize, &str)> {
    let (number, rest) = name.strip_prefix("features.")?.split_once('.')?;
    Some((number.parse().ok()?, rest))
}

fn block_to_timm(name: &str, forked: &HashSet<usize>) -> Option<String> {
    for (mindcv, timm) in STEM {
        if let Some(rest) = after(name, mindcv) {
            return Some(format!("{timm}{rest}"));
        }
    }
    let (number, rest) = block(name)?;
    let rest = if forked.contains(&number) {
        renamed(rest, INCEPTION_C.iter().copied())?
    } else {
        format!("branch{}", rest.strip_prefix("branch_")?)
    };
    Some(format!("features.{}.{rest}", number.checked_add(SHIFT)?))
}

fn block_from_timm(name: &str, forked: &HashSet<usize>) -> Option<String> {
    for (mindcv, timm) in STEM {
        if let Some(rest) = after(name, timm) {
            return Some(format!("{mindcv}{rest}"));
        }
    }
    let (number, rest) = block(name)?;
    let rest = if forked.contains(&number) {
        renamed(
            rest,
            INCEPTION_C.iter().map(|(mindcv, timm)| (*timm, *mindcv)),
        )?
    } else {
        format!("branch_{}", rest.strip_prefix("branch")?)
    };
    Some(format!("features.{}.{rest}", number.checked_sub(SHIFT)?))
}

/// `name` with its prefix replaced, if it has one of them.
fn renamed<'a>(name: &str, mut pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Option<String> {
    pairs.find_map(|(from, to)| Some(format!("{to}{}", after(name, from)?)))
}

/// The rest of the name after `prefix`, if `prefix` ends at a part's end.
fn after<'a>(name: &'a str, prefix: &str) -> Option<&'a str> {
    name.strip_prefix(prefix)
        .filter(|rest| rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::collections::BTreeMap;

    /// All 747 names of MindCV's Inception-v4, each with timm's.
    const NAMES: &str = include_str!("../tests/fixtures/namemap_mindcv_to_timm.json");

    #[test]
    fn every_name_of_mindcv_has_timms_and_back() {
        let map: BTreeMap<String, String> = serde_json::from_str(NAMES).unwrap();
        assert_eq!(map.len(), 747);
        let named: Vec<(String, ())> = map.keys().map(|name| (name.clone(), ())).collect();
        let timm: Vec<String> = to_timm(named).into_iter().map(|(name, ())| name).collect();
        assert_eq!(timm, map.values().cloned().collect::<Vec<_>>());
        let mindcv = from_timm(&timm);
        assert_eq!(mindcv, map.into_keys().collect::<Vec<_>>());
    }

    #[test]
    fn other_networks_change_their_batch_norm_alone() {
        let timm = [
            "conv2d_1a.bn.weight",
            "repeat.0.branch1.1.bn.running_var",
            "repeat.0.conv2d.bias",
            "classif.weight",
            "stem.mixed_3a.conv.bn.running_mean",
            "classifier.weight",
        ]
        .map(str::to_owned);
        let mindspore = from_timm(&timm);
        assert_eq!(mindspore[1], "repeat.0.branch1.1.bn.moving_variance");
        assert_eq!(mindspore[2], timm[2]);
        let named = mindspore.into_iter().map(|name| (name, ())).collect();
        let back: Vec<String> = to_timm(named).into_iter().map(|(name, ())| name).collect();
        assert_eq!(back, timm);
    }
}
