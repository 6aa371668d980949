//! A hash of everything that decides a shard's bytes. It goes into the shard's note, and a later run compares it.
//!
//! Every word that is hashed here is part of that promise: change one, and no finished shard is recognised any more.

use codec::Encoding;
use imagenet::{ClassName, Sample};
use record::ShardName;
use xxhash_rust::xxh3::Xxh3;

use crate::options::Order;
use crate::storage::{originals_in_notes, pixels_in_notes};

use super::PlanOptions;

/// Raised whenever plans or notes differ from what they were before.
const VERSION: &str = "plan 1";

pub(super) fn fingerprint<'a>(
    name: &ShardName,
    samples: impl Iterator<Item = &'a Sample>,
    classes: &[ClassName],
    order: Order,
    options: PlanOptions,
) -> String {
    let mut hash = Xxh3::new();
    let mut add = |text: &str| {
        hash.update(&(text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    };
    let storing = options.storing;
    add(VERSION);
    add(&name.to_string());
    add(&storing.encoding.to_string());
    if let Some(originals) = storing.transcode {
        let originals = originals_in_notes(originals);
        add(&format!("transcoded, originals: {originals}"));
    }
    if storing.odd_as_pixels || storing.encoding == Encoding::Pixels {
        let pixels = pixels_in_notes(storing.pixels);
        add(&format!("{pixels}, odd ones {}", storing.odd_as_pixels));
    }
    if let Some(scale) = storing.scale {
        add(&format!("{scale:?}"));
    }
    if let Some(id) = options.tables {
        add(&format!("tables {id:08x}"));
    }
    add(&format!("{order:?} {} {:?}", options.seed, options.check));
    for sample in samples {
        add(&sample.key);
        add(&format!("{} {}", sample.label, sample.size));
        if let Some(class) = classes.get(sample.label as usize) {
            add(&class.synset);
        }
    }
    format!("{:032x}", hash.digest128())
}
