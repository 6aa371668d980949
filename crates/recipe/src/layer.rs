//! One source of settings, as written: a recipe file or the command line. Reading it checks only that every key is
//! known. `resolve` decides what the values mean, after all layers.

use std::path::{Path, PathBuf};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_saphyr::Spanned;

use crate::error::UnknownKey;
use crate::keys;
use crate::keys::Key;
use crate::{RecipeError, type_error};

/// Settings of one source, in the order in which they were written.
#[derive(Clone, Debug, Default)]
pub struct Layer {
    pub(crate) entries: Vec<Entry>,
}

/// One setting and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: &'static Key,
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

/// Where a setting was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    File { path: PathBuf, line: u64 },
    Flag,
}

impl Layer {
    /// Reads a recipe file: a YAML mapping of MindCV's keys.
    ///
    /// # Errors
    /// The file cannot be read, is not such a mapping, or has unknown keys.
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
        let (mut entries, mut unknown) = (Vec::new(), Vec::new());
        for (name, value) in pairs {
            let (path, line) = (path.to_owned(), name.referenced.line());
            match keys::find(&name.value) {
                Some(key) => entries.push(Entry {
                    key,
                    value,
                    origin: Origin::File { path, line },
                }),
                None => unknown.push(UnknownKey {
                    path,
                    line,
                    suggestion: keys::nearest_key(&name.value),
                    name: name.value,
                }),
            }
        }
        match unknown.is_empty() {
            true => Ok(Layer { entries }),
            false => Err(RecipeError::UnknownKeys(unknown)),
        }
    }

    /// Takes flags: pairs of a key's name and the text of the flag. The text is read as YAML, so `0.1`, `true`, `none`
    /// and `[0.08, 1.0]` mean what they mean in a file. Lists may leave out the brackets.
    ///
    /// # Errors
    /// A name is not a key.
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

/// Reads a flag's text as YAML, or as bare text if only that has the key's type (`--train-split 2012`).
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
        if type_error(key, &reading).is_none() {
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

/// The entries of a mapping in order, each key with its place in the file.
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
