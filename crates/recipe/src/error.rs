//! What can be wrong with a recipe. Each message says where it is wrong and what to do.

use std::fmt;
use std::path::PathBuf;

/// What can be wrong with a recipe. Findings of one kind are reported all at once.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// The recipe file cannot be read.
    #[error("cannot read the recipe {}: {cause}", path.display())]
    Unreadable {
        /// The recipe file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The recipe file is not a YAML mapping.
    #[error("{} is not a valid recipe (a YAML mapping of keys to values): {cause}", path.display())]
    NotYaml {
        /// The recipe file.
        path: PathBuf,
        /// What the parser said, with the place.
        cause: String,
    },
    /// Keys in a recipe file are not known.
    #[error("{}", listed("the recipe has unknown keys", .0))]
    UnknownKeys(Vec<UnknownKey>),
    /// A flag is not known.
    #[error("unknown flag '{name}'{}", did_you_mean(*suggestion))]
    UnknownFlag {
        /// The flag as written.
        name: String,
        /// The known key most like it.
        suggestion: Option<&'static str>,
    },
    /// Values have the wrong type.
    #[error("{}", listed("the recipe has values of the wrong type", .0))]
    WrongTypes(Vec<WrongType>),
    /// Values that MindCV knows and that are not available here, or not yet; a line each.
    #[error("the recipe has unsupported options:\n  {}", .0.join("\n  "))]
    Refused(Vec<String>),
    /// Values out of range or that contradict one another; a line each.
    #[error("the recipe has invalid values:\n  {}", .0.join("\n  "))]
    Invalid(Vec<String>),
}

/// A key in a recipe file that is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownKey {
    /// The recipe file.
    pub path: PathBuf,
    /// The line, counted from one.
    pub line: u64,
    /// The key as written.
    pub name: String,
    /// The known key most like it.
    pub suggestion: Option<&'static str>,
}

/// A value of the wrong type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongType {
    /// File and line, or the command line.
    pub origin: String,
    /// The key.
    pub key: &'static str,
    /// What was found and what was expected.
    pub cause: String,
}

impl fmt::Display for UnknownKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, line, name) = (self.path.display(), self.line, &self.name);
        let suggestion = did_you_mean(self.suggestion);
        write!(f, "{path}:{line}: unknown key '{name}'{suggestion}")
    }
}

impl fmt::Display for WrongType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.origin, self.key, self.cause)
    }
}

/// One finding as it is, several as lines under a heading.
fn listed(heading: &str, findings: &[impl fmt::Display]) -> String {
    match findings {
        [one] => one.to_string(),
        several => several.iter().fold(format!("{heading}:"), |text, one| {
            format!("{text}\n  {one}")
        }),
    }
}

fn did_you_mean(suggestion: Option<&str>) -> String {
    match suggestion {
        Some(key) => format!("; did you mean '{key}'?"),
        None => "; `train --help` lists all keys".to_owned(),
    }
}
