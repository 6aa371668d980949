//! From layers of settings to one recipe. The last layer that names a key wins. What is not supported is refused by name,
//! and what has no meaning here is noted. Ranges are checked in `validate`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::error::WrongType;
use crate::keys::{Key, Support, nearest};
use crate::layer::Entry;
use crate::{Layer, Recipe, RecipeError, validate};

/// What the recipe is needed for. An unsupported value of a key that does not matter to the purpose is noted, not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Training.
    Train,
    /// Validation and prediction.
    Evaluate,
    /// Loading images alone, to measure the input pipeline.
    Load,
}

/// A recipe, and what the user should know about how it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// Every field of it is honoured by the run.
    pub recipe: Recipe,
    /// A line for each setting that was accepted without effect.
    pub notes: Vec<String>,
}

impl Recipe {
    /// Puts `layers` onto `base`, the last layer being the strongest.
    ///
    /// # Errors
    /// [`RecipeError::WrongTypes`] lists all values of the wrong type; otherwise [`RecipeError::Refused`] lists all values that
    /// are not supported, each with the flag that fixes it; otherwise [`RecipeError::Invalid`] lists all values that are out of
    /// range or contradict one another.
    pub fn resolve(
        base: &Recipe,
        layers: &[Layer],
        purpose: Purpose,
    ) -> Result<Resolved, RecipeError> {
        let mut strongest: BTreeMap<&str, &Entry> = BTreeMap::new();
        for entry in layers.iter().flat_map(|layer| &layer.entries) {
            strongest.insert(entry.key.name, entry);
        }

        let mut fields = fields_of(base);
        let defaults = fields_of(&Recipe::default());
        let (mut notes, mut refused, mut wrong_types) = (Vec::new(), Vec::new(), Vec::new());
        for entry in strongest.values().copied() {
            match meaning(entry, purpose) {
                Meaning::Value => match type_error(entry.key, &entry.value) {
                    None => {
                        fields.insert(entry.key.name.to_owned(), entry.value.clone());
                    }
                    Some(cause) => wrong_types.push(WrongType {
                        origin: entry.origin.to_string(),
                        key: entry.key.name,
                        cause,
                    }),
                },
                Meaning::Nothing => {
                    let nothing = match type_error(entry.key, &Value::Null) {
                        None => Some(&Value::Null),
                        Some(_) => defaults.get(entry.key.name),
                    };
                    fields.extend(nothing.map(|value| (entry.key.name.to_owned(), value.clone())));
                }
                Meaning::Refused(line) => refused.push(line),
                Meaning::NoEffect(line) => notes.push(line),
                Meaning::Off => {}
            }
        }
        if !wrong_types.is_empty() {
            return Err(RecipeError::WrongTypes(wrong_types));
        }
        let recipe: Recipe = serde_json::from_value(Value::Object(fields))
            .map_err(|cause| RecipeError::Invalid(vec![cause.to_string()]))?;
        if let Some((key, line)) = validate::beyond_the_device(&recipe, purpose) {
            let origin = strongest
                .get(key)
                .map(|entry| format!(" ({})", entry.origin));
            refused.push(line + &origin.unwrap_or_default());
        }
        if !refused.is_empty() {
            return Err(RecipeError::Refused(refused));
        }
        validate::check(&recipe, purpose)?;
        notes.extend(validate::advise(&recipe, purpose));
        Ok(Resolved { recipe, notes })
    }
}

/// What is wrong with the type of `value` for `key`; nothing for keys that are not fields.
#[must_use]
pub fn type_error(key: &Key, value: &Value) -> Option<String> {
    if !matches!(key.support, Support::Full | Support::Words(_)) {
        return None;
    }
    serde_json::from_value::<Recipe>(json!({ key.name: value }))
        .err()
        .map(|error| in_words(&error.to_string()))
}

/// An error of serde with its types in everyday words.
fn in_words(error: &str) -> String {
    let Some((found, expected)) = error.split_once(", expected ") else {
        return error.to_owned();
    };
    let expected = match expected {
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "u32" | "u64" | "usize" => "a whole number, 0 or more",
        other if other.starts_with("a nonzero u") => "a whole number, 1 or more",
        other => other,
    };
    let found = found
        .trim_start_matches("invalid value: integer ")
        .trim_start_matches("invalid type: floating point ")
        .trim_start_matches("invalid type: string ")
        .trim_start_matches("invalid type: ");
    format!("{found} is not {expected}")
}

enum Meaning {
    Value,
    /// No value, or the default where there must be one.
    Nothing,
    Off,
    NoEffect(String),
    Refused(String),
}

fn meaning(entry: &Entry, purpose: Purpose) -> Meaning {
    let key = entry.key;
    let (name, flag, origin) = (key.name, key.flag(), &entry.origin);
    let written = written(&entry.value);
    let refused = |why: &str, fix: &str| match purpose {
        Purpose::Evaluate if !key.evaluation => {
            Meaning::NoEffect(format!("{name}: {written} matters only to training"))
        }
        Purpose::Load if !key.loading => {
            Meaning::NoEffect(format!("{name}: {written} does not matter to loading"))
        }
        Purpose::Load => {
            Meaning::Refused(format!("{name}: {written} {why}; write {fix} ({origin})"))
        }
        Purpose::Train | Purpose::Evaluate => Meaning::Refused(format!(
            "{name}: {written} {why}; pass --{flag} {fix} ({origin})"
        )),
    };
    let no_such_word = |words: &[&'static str]| {
        let near = nearest(&written, words).map(|word| format!(" (did you mean '{word}'?)"));
        refused(
            &format!("is not available{}", near.unwrap_or_default()),
            &words.join(" or "),
        )
    };
    let not_implemented = |fix: &str| refused("is not implemented yet", fix);
    match key.support {
        Support::Full if is_nothing(&entry.value) || is_none(entry) => Meaning::Nothing,
        Support::Full => Meaning::Value,
        Support::Words(words) if words.contains(&written.as_str()) => Meaning::Value,
        Support::Words(_) if entry.value.is_null() => Meaning::Nothing,
        Support::Words(words) => no_such_word(words),
        Support::Off(values) | Support::Only(values, _) => {
            let off =
                is_nothing(&entry.value) || values.iter().any(|value| same_value(value, &written));
            let fix = values.first().copied().unwrap_or_default();
            match key.support {
                _ if off => Meaning::Off,
                Support::Only(_, reason) => {
                    refused(&format!("is not available here ({reason})"), fix)
                }
                _ => not_implemented(fix),
            }
        }
        Support::Ignored(reason) => {
            Meaning::NoEffect(format!("{name}: {written} has no effect: {reason}"))
        }
    }
}

/// Null, empty, or Python's `None`: "as if not given".
fn is_nothing(value: &Value) -> bool {
    value.is_null() || matches!(value.as_str(), Some("" | "None"))
}

/// `none`, for a key that has no such value but may have none.
fn is_none(entry: &Entry) -> bool {
    let says_none = entry.value.as_str() == Some("none");
    says_none
        && type_error(entry.key, &entry.value).is_some()
        && type_error(entry.key, &Value::Null).is_none()
}

fn same_value(expected: &str, written: &str) -> bool {
    match (expected.parse::<f64>(), written.parse::<f64>()) {
        (Ok(expected), Ok(written)) => expected == written,
        _ => expected.eq_ignore_ascii_case(written),
    }
}

fn written(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn fields_of(recipe: &Recipe) -> serde_json::Map<String, Value> {
    match serde_json::to_value(recipe) {
        Ok(Value::Object(fields)) => fields,
        // A struct of plain values always serialises to an object.
        _ => serde_json::Map::new(),
    }
}
