//! Decides which image goes into which shard: a pure function of the source's list and the options. Nothing here
//! reads an image, so a second run makes the same plan before it knows what is finished.

mod fingerprint;

use imagenet::{Layout, Sample, Source};
use record::ShardName;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::options::{Check, Order, ShardSize};
use crate::storage::Storing;

use fingerprint::fingerprint;

/// Bytes of an image whose size the source does not know: the mean of ImageNet's training images.
const ASSUMED_BYTES: u64 = 110_000;

/// The most shards of a split: their numbers have five digits.
const MAX_SHARDS: u64 = 99_999;

/// The options that a plan depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlanOptions {
    pub(crate) shards: ShardSize,
    pub(crate) order: Option<Order>,
    pub(crate) seed: u64,
    pub(crate) check: Check,
    pub(crate) storing: Storing,
    /// The id of the symbol tables, if the encoding needs any.
    pub(crate) tables: Option<u32>,
}

/// The plan of one split.
#[derive(Debug)]
pub(crate) struct SplitPlan {
    pub(crate) name: String,
    pub(crate) layout: Layout,
    pub(crate) order: Order,
    /// The split's number in the source.
    pub(crate) source: usize,
    pub(crate) shards: Vec<ShardPlan>,
}

/// The plan of one shard.
#[derive(Debug)]
pub(crate) struct ShardPlan {
    pub(crate) file: String,
    /// Numbers of samples in the source's split, in the order of the records.
    pub(crate) samples: Vec<u32>,
    /// Stands for everything that decides the shard's bytes, except the images themselves and the
    /// treatment of bad ones.
    pub(crate) fingerprint: String,
}

/// Why there is no plan.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The source does not have a split that was asked for.
    #[error("no split {name}: the source has only {}", known.join(", "))]
    UnknownSplit {
        /// The split that was asked for.
        name: String,
        /// The splits that exist.
        known: Vec<String>,
    },
    /// The split's name, or its number of samples, is beyond what shards can hold.
    #[error("split {split} cannot be stored in shards: its name or its size is beyond the format")]
    Unplannable {
        /// The split.
        split: String,
    },
    /// The source has no images.
    #[error("there are no images in {source_name}")]
    NoImages {
        /// The source's description.
        source_name: String,
    },
}

/// Plans all splits of a source, or only those in `wanted`.
pub(crate) fn plan(
    source: &dyn Source,
    wanted: &[String],
    options: PlanOptions,
) -> Result<Vec<SplitPlan>, PlanError> {
    let splits = source.splits();
    if let Some(name) = wanted
        .iter()
        .find(|name| splits.iter().all(|split| split.name != **name))
    {
        let known = splits.iter().map(|split| split.name.clone()).collect();
        let name = name.clone();
        return Err(PlanError::UnknownSplit { name, known });
    }
    let plans = splits
        .iter()
        .enumerate()
        .filter(|(_, split)| wanted.is_empty() || wanted.contains(&split.name))
        .map(|(number, split)| {
            let order = order(&split.name, source.random_access(), options.order);
            let shards = plan_shards(source, number, order, options);
            Ok(SplitPlan {
                name: split.name.clone(),
                layout: split.layout,
                order,
                source: number,
                shards: shards.ok_or_else(|| PlanError::Unplannable {
                    split: split.name.clone(),
                })?,
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    if plans.iter().all(|split| split.shards.is_empty()) {
        let source_name = source.describe();
        return Err(PlanError::NoImages { source_name });
    }
    Ok(plans)
}

/// `None` if shards cannot hold the split.
fn plan_shards(
    source: &dyn Source,
    split: usize,
    order: Order,
    options: PlanOptions,
) -> Option<Vec<ShardPlan>> {
    let split = source.splits().get(split)?;
    let sequence = sequence(&split.samples, order, options.seed)?;
    let count = shard_count(&split.samples, options.shards);
    (0..count)
        .map(|index| {
            let name = ShardName::new(&split.name, index, count)?;
            let numbers = share(&sequence, index, count);
            let samples = numbers
                .iter()
                .filter_map(|&number| split.samples.get(number as usize));
            Some(ShardPlan {
                file: name.to_string(),
                samples: numbers.to_vec(),
                fingerprint: fingerprint(&name, samples, source.classes(), order, options),
            })
        })
        .collect()
}

fn order(split: &str, random_access: bool, asked: Option<Order>) -> Order {
    match asked {
        Some(order) => order,
        None if split == "train" && random_access => Order::Shuffled,
        None => Order::Source,
    }
}

/// The samples' numbers in the order of the records. Shuffled means sorted by a keyed hash of the
/// key, so that neither the order of the source's list nor a sample more or less moves the others.
fn sequence(samples: &[Sample], order: Order, seed: u64) -> Option<Vec<u32>> {
    let count = u32::try_from(samples.len()).ok()?;
    let mut sequence: Vec<u32> = (0..count).collect();
    if order == Order::Shuffled {
        sequence.sort_by_cached_key(|&number| {
            let key = samples
                .get(number as usize)
                .map_or("", |sample| sample.key.as_str());
            (xxh3_64_with_seed(key.as_bytes(), seed), key)
        });
    }
    Some(sequence)
}

fn shard_count(samples: &[Sample], shards: ShardSize) -> u32 {
    let most = (samples.len() as u64).min(MAX_SHARDS);
    let count = match shards {
        ShardSize::Count(count) => u64::from(count),
        ShardSize::Bytes(size) => total_bytes(samples).div_ceil(size.max(1)).max(1),
    };
    // Never a shard without samples; `most` fits.
    count.min(most) as u32
}

fn total_bytes(samples: &[Sample]) -> u64 {
    samples
        .iter()
        .map(|sample| match sample.size {
            0 => ASSUMED_BYTES,
            known => known,
        })
        .sum()
}

/// Part `index` of `count` parts that differ by one item at most.
fn share(sequence: &[u32], index: u32, count: u32) -> &[u32] {
    let bound =
        |index: u32| (sequence.len() as u64 * u64::from(index) / u64::from(count.max(1))) as usize;
    sequence
        .get(bound(index)..bound(index + 1))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use codec::{Encoding, Originals, PixelCompression, PixelOptions};

    use imagenet::{ClassName, Ignored, SourceError, SplitSource};

    use super::*;
    use crate::storage::Scale;

    struct Listed {
        classes: Vec<ClassName>,
        splits: Vec<SplitSource>,
        random_access: bool,
    }

    impl Source for Listed {
        fn describe(&self) -> String {
            "a list".to_owned()
        }
        fn classes(&self) -> &[ClassName] {
            &self.classes
        }
        fn splits(&self) -> &[SplitSource] {
            &self.splits
        }
        fn read(&self, split: usize, index: usize, _: &mut Vec<u8>) -> Result<(), SourceError> {
            Err(SourceError::OutOfRange {
                source_name: self.describe(),
                split,
                index,
            })
        }
        fn random_access(&self) -> bool {
            self.random_access
        }
        fn ignored(&self) -> &[Ignored] {
            &[]
        }
    }

    const OPTIONS: PlanOptions = PlanOptions {
        shards: ShardSize::Count(3),
        order: None,
        seed: 1,
        check: Check::Decode,
        storing: Storing {
            encoding: Encoding::Jpeg,
            transcode: None,
            odd_as_pixels: false,
            pixels: PixelOptions {
                compression: PixelCompression::Stored,
                originals: Originals::Keep,
            },
            scale: None,
        },
        tables: None,
    };

    fn listed(samples: u32) -> Listed {
        let sample = |number| Sample {
            key: format!("cats/{number:04}.JPEG"),
            misnamed: false,
            label: 0,
            size: 1000,
        };
        let split = |name: &str| SplitSource {
            name: name.to_owned(),
            layout: Layout::ClassFolders,
            samples: (0..samples).map(sample).collect(),
        };
        let class = ClassName {
            synset: "cats".to_owned(),
            names: Vec::new(),
        };
        Listed {
            classes: vec![class],
            splits: vec![split("train"), split("val")],
            random_access: true,
        }
    }

    fn samples(plan: &SplitPlan) -> Vec<u32> {
        plan.shards
            .iter()
            .flat_map(|shard| shard.samples.clone())
            .collect()
    }

    #[test]
    fn every_sample_is_planned_once_in_shards_of_even_size() {
        let plan = plan(&listed(100), &[], OPTIONS).unwrap();
        for split in &plan {
            let sizes: Vec<_> = split.shards.iter().map(|s| s.samples.len()).collect();
            assert_eq!(sizes, [33, 33, 34]);
            let mut all = samples(split);
            all.sort_unstable();
            assert!(all.into_iter().eq(0..100));
        }
        assert_eq!(plan[0].shards[2].file, "train-00002-of-00003.shard");
    }

    #[test]
    fn train_is_shuffled_by_the_seed_and_val_is_not() {
        let plan_of = |seed| plan(&listed(100), &[], PlanOptions { seed, ..OPTIONS }).unwrap();
        let (one, two) = (plan_of(1), plan_of(2));
        assert_ne!(samples(&one[0]), samples(&two[0]));
        assert!(!samples(&one[0]).is_sorted());
        assert!(samples(&one[1]).is_sorted());
    }

    #[test]
    fn slow_random_access_keeps_the_order_of_the_source_unless_asked() {
        let mut source = listed(50);
        source.random_access = false;
        assert!(samples(&plan(&source, &[], OPTIONS).unwrap()[0]).is_sorted());
        let order = Some(Order::Shuffled);
        let asked = plan(&source, &[], PlanOptions { order, ..OPTIONS }).unwrap();
        assert!(!samples(&asked[0]).is_sorted());
    }

    #[test]
    fn the_shuffled_order_does_not_depend_on_the_order_of_the_list() {
        let forward = listed(60);
        let mut backward = listed(60);
        backward.splits[0].samples.reverse();
        let keys = |source: &Listed| -> Vec<String> {
            samples(&plan(source, &[], OPTIONS).unwrap()[0])
                .into_iter()
                .map(|number| source.splits[0].samples[number as usize].key.clone())
                .collect()
        };
        assert_eq!(keys(&forward), keys(&backward));
    }

    #[test]
    fn shards_follow_the_size_asked_for_and_are_never_empty() {
        let source = listed(10);
        let samples = &source.splits[0].samples;
        assert_eq!(shard_count(samples, ShardSize::Bytes(10_000)), 1);
        assert_eq!(shard_count(samples, ShardSize::Bytes(9_999)), 2);
        assert_eq!(shard_count(samples, ShardSize::Bytes(1)), 10);
        assert_eq!(shard_count(samples, ShardSize::Count(50)), 10);
        assert_eq!(shard_count(&[], ShardSize::Count(50)), 0);
    }

    #[test]
    fn the_fingerprint_changes_with_whatever_changes_the_shard() {
        let fingerprint = |source: &Listed, options| {
            plan(source, &["train".to_owned()], options).unwrap()[0].shards[0]
                .fingerprint
                .clone()
        };
        let base = fingerprint(&listed(9), OPTIONS);
        assert_eq!(base, fingerprint(&listed(9), OPTIONS));
        let check = Check::Header;
        assert_ne!(
            base,
            fingerprint(&listed(9), PlanOptions { check, ..OPTIONS })
        );
        assert_ne!(
            base,
            fingerprint(&listed(9), PlanOptions { seed: 2, ..OPTIONS })
        );
        let mut renamed = listed(9);
        renamed.classes[0].synset = "dogs".to_owned();
        assert_ne!(base, fingerprint(&renamed, OPTIONS));
        let mut resized = listed(9);
        resized.splits[0]
            .samples
            .iter_mut()
            .for_each(|s| s.size += 1);
        assert_ne!(base, fingerprint(&resized, OPTIONS));
    }

    #[test]
    fn fingerprints_never_change() {
        let scale = Some(Scale {
            short_side: 256,
            quality: Some(90),
            subsampled: Some(true),
        });
        let storing = Storing {
            encoding: Encoding::Recoded,
            transcode: Some(Originals::Drop),
            odd_as_pixels: true,
            scale,
            ..OPTIONS.storing
        };
        let all = PlanOptions {
            storing,
            tables: Some(0x1234),
            ..OPTIONS
        };
        for (options, expected) in [
            (OPTIONS, "0c9d8ce3aaf137cbb23ab71fd8d5b05e"),
            (all, "b100f093e6b9dfd38db76ccf470a0efd"),
        ] {
            let plan = plan(&listed(9), &[], options).unwrap();
            assert_eq!(plan[0].shards[1].fingerprint, expected);
        }
    }

    #[test]
    fn an_unknown_split_is_named_beside_those_there_are() {
        let error = plan(&listed(9), &["test".to_owned()], OPTIONS).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no split test: the source has only train, val"
        );
    }
}
