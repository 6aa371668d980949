//! One source of settings, as written: a recipe file or the command line. Reading it checks that
//! every key is known; what the values mean is decided by [`super::Recipe`], after all layers.

use std::path::{Path, PathBuf};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_saphyr::Spanned;

use super::{
    RecipeError,
    keys::{self, Key},
};

/// Settings of one source, in the order in which they were written.
#[derive(Clone, Debug, Default)]
pub struct Layer {
    pub(super) entries: Vec<Entry>,
}

/// One setting and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: &'static Key,
    pub(super) value: Value,
    pub(super) origin: Origin,
}

/// Where a setting was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    File { path: PathBuf, line: u64 },
    Flag,
}

impl Layer {
    /// Reads a recipe file: a YAML mapping of MindCV's keys.
    ///
    /// # Errors
    /// The file cannot be read, is not such a mapping, or holds an unknown key.
    pub fn from_yaml_file(path: &Path) -> Result<Self, RecipeError> {
        let text = std::fs::read_to_string(path).map_err(|cause| RecipeError::Unreadable {
            path: path.to_owned(),
            cause,
        })?;
        Self::from_yaml(&text, path)
    }

    /// Reads a recipe from text; `path` is what errors name.
    ///
    /// # Errors
    /// As [`Self::from_yaml_file`].
    pub fn from_yaml(text: &str, path: &Path) -> Result<Self, RecipeError> {
        let Pairs(pairs) = serde_saphyr::from_str(text).map_err(|cause| RecipeError::NotYaml {
            path: path.to_owned(),
            cause: cause.to_string(),
        })?;
        let entries = pairs
            .into_iter()
            .map(|(name, value)| {
                let line = name.referenced.line();
                let key = keys::find(&name.value).ok_or_else(|| RecipeError::UnknownKey {
                    path: path.to_owned(),
                    line,
                    suggestion: keys::nearest_key(&name.value),
                    name: name.value.clone(),
                })?;
                let origin = Origin::File {
                    path: path.to_owned(),
                    line,
                };
                Ok(Entry { key, value, origin })
            })
            .collect::<Result<_, RecipeError>>()?;
        Ok(Layer { entries })
    }

    /// Takes flags: pairs of a key's name and the text behind the flag. Text is read as YAML reads
    /// it, so `0.1`, `true`, `none` and `[0.08, 1.0]` mean what they mean in a file; for lists the
    /// brackets may be left out.
    ///
    /// # Errors
    /// A name is no key.
    pub fn from_flags<'a>(
        flags: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, RecipeError> {
        let entries = flags
            .into_iter()
            .map(|(name, text)| {
                let key = keys::find(name).ok_or_else(|| RecipeError::UnknownFlag {
                    name: name.to_owned(),
                    suggestion: keys::nearest_key(name),
                })?;
                Ok(Entry {
                    key,
                    value: flag_value(key, text),
                    origin: Origin::Flag,
                })
            })
            .collect::<Result<_, RecipeError>>()?;
        Ok(Layer { entries })
    }
}

/// Reads a flag's text as YAML, unless only the bare text has the key's type (`--train-split 2012`).
fn flag_value(key: &Key, text: &str) -> Value {
    let bare = Value::String(text.to_owned());
    if text.is_empty() || text == "None" {
        return Value::Null;
    }
    let list = format!("[{text}]");
    let readings = [text, list.as_str()]
        .into_iter()
        .filter_map(|text| serde_saphyr::from_str::<Value>(text).ok())
        .chain([bare.clone()]);
    let mut fallback = None;
    for reading in readings {
        if super::type_error(key, &reading).is_none() {
            return reading;
        }
        fallback.get_or_insert(reading);
    }
    fallback.unwrap_or(bare)
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::File { path, line } => write!(f, "{}:{line}", path.display()),
            Origin::Flag => f.write_str("command line"),
        }
    }
}

/// A mapping's entries in order, each key with its place.
struct Pairs(Vec<(Spanned<String>, Value)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;
        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a mapping of keys to values, such as `batch_size: 32`")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(PairsVisitor)
    }
}
