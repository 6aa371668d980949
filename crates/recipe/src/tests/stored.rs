//! Recipes that checkpoints hold: what an earlier program wrote is read, and written the same again.

use super::*;

/// The recipe in the `state.json` of a checkpoint that was written before this crate existed.
const STORED: &str = include_str!("../../tests/data/stored_recipe.json");

fn fields(json: &str) -> serde_json::Map<String, serde_json::Value> {
    serde_json::from_str(json).unwrap()
}

#[test]
fn a_stored_recipe_is_read_and_written_byte_for_byte() {
    let recipe: Recipe = serde_json::from_str(STORED).unwrap();
    assert_eq!(recipe.model, Architecture::InceptionResNetV2);
    assert_eq!(recipe.auto_augment.as_deref(), Some("augmix"));
    let written = serde_json::to_string_pretty(&recipe).unwrap() + "\n";
    if fields(&written).len() == fields(STORED).len() {
        assert_eq!(written, STORED);
    }
    // Keys that came later lie between the old lines, which keep their order.
    let mut lines = written.lines().map(|line| line.trim_end_matches(','));
    for line in STORED.lines().map(|line| line.trim_end_matches(',')) {
        assert!(
            lines.any(|written| written == line),
            "no {line} in its place"
        );
    }
}

#[test]
fn a_recipe_stored_before_a_key_existed_gets_its_default() {
    let mut fields = fields(STORED);
    fields.remove("readahead");
    let recipe: Recipe = serde_json::from_value(fields.into()).unwrap();
    assert_eq!(recipe.readahead, Recipe::default().readahead);
}
