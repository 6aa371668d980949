//! How recipes spell values that serde alone would not read: "none" in several forms, one number for three, Python's
//! lists. It checks no ranges.

use std::num::NonZeroU64;

use serde::{Deserialize, Deserializer};

use crate::words::Cell;

/// Colour jitter as MindCV spells it: one strength for brightness, contrast and saturation, or three, or none.
pub(crate) fn jitter<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<[f64; 3]>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Each([f64; 3]),
        One(f64),
        Off(bool),
        Word(String),
    }
    match Option::<Written>::deserialize(deserializer)? {
        Some(Written::Each(strengths)) => Ok(Some(strengths)),
        Some(Written::One(strength)) => Ok(Some([strength; 3])),
        None | Some(Written::Off(false)) => Ok(None),
        Some(Written::Word(word)) if is_none(&word) => Ok(None),
        Some(_) => Err(serde::de::Error::custom(
            "expected a strength, three (brightness, contrast, saturation), or none",
        )),
    }
    .map(|strengths| strengths.filter(|strengths| *strengths != [0.0; 3]))
}

/// A number for all channels, or one for each. MindSpore's `random` is refused.
pub(crate) fn channels<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[f64; 3], D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Each([f64; 3]),
        All(f64),
    }
    match Written::deserialize(deserializer) {
        Ok(Written::Each(values)) => Ok(values),
        Ok(Written::All(value)) => Ok([value; 3]),
        Err(_) => Err(serde::de::Error::custom("expected a number, or three")),
    }
}

/// A word, or `none` in one of its spellings.
pub(crate) fn optional_word<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Word(String),
        Off(bool),
    }
    match Option::<Written>::deserialize(deserializer)? {
        None | Some(Written::Off(false)) => Ok(None),
        Some(Written::Word(word)) if is_none(&word) => Ok(None),
        Some(Written::Word(word)) => Ok(Some(word)),
        Some(Written::Off(true)) => Err(serde::de::Error::custom("expected a name, or none")),
    }
}

/// A count from 1, or 0 or nothing for none.
pub(crate) fn optional_count<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<NonZeroU64>, D::Error> {
    Ok(Option::<u64>::deserialize(deserializer)?.and_then(NonZeroU64::new))
}

fn is_none(word: &str) -> bool {
    word.is_empty() || word.eq_ignore_ascii_case("none")
}

/// Reads a list of cells, or the Python expression that MindCV takes: `[nn.Conv2d, nn.Dense]`.
pub(crate) fn cells<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<Cell>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        List(Vec<String>),
        Text(String),
    }
    let names = match Option::<Written>::deserialize(deserializer)? {
        None => return Ok(None),
        Some(Written::List(names)) => names,
        Some(Written::Text(text)) => {
            let between = |c: char| !(c.is_alphanumeric() || c == '.' || c == '_');
            text.split(between).map(str::to_owned).collect()
        }
    };
    let known = |name: &String| {
        let bare = name.rsplit('.').next().unwrap_or(name);
        let found = Cell::ALL.into_iter().find(|(known, _)| *known == bare);
        found.map(|(_, cell)| cell).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "'{name}' cannot be chosen; choose from Conv2d, Dense and BatchNorm2d (pools, sums and \
                 ReLU have the format of what flows between the layers)"
            ))
        })
    };
    let names = names.iter().filter(|name| !name.is_empty());
    names.map(known).collect::<Result<_, _>>().map(Some)
}
