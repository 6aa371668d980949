//! What `shard` says beyond the words that all tools share.

use std::path::Path;

pub(crate) use cli::text::*;
use codec::Encoding;

/// Advice for a data set whose encoding is not the fastest on this processor, if it is not.
pub(crate) fn faster_encoding(encoding: &str, dataset: &Path) -> Option<String> {
    let (jpeg, recoded) = (Encoding::Jpeg.to_string(), Encoding::Recoded.to_string());
    let fastest = Encoding::fastest().to_string();
    if fastest == encoding || ![jpeg, recoded].contains(&encoding.to_owned()) {
        return None;
    }
    let processor = match Encoding::fastest() {
        Encoding::Recoded => "this processor has AVX2",
        _ => "this processor lacks AVX2, or has it with slow bit operations",
    };
    let dataset = dataset.display();
    Some(format!(
        "{processor}: {fastest} decodes faster than {encoding}; shard convert {dataset} --to {fastest} --out DIR"
    ))
}
