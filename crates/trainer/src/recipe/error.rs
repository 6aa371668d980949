//! What can be wrong with a recipe.

use std::path::PathBuf;

/// What can be wrong with a recipe. Each message says where and what to do.
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
    #[error("{} is no recipe (a YAML mapping of keys to values): {cause}", path.display())]
    NotYaml {
        /// The recipe file.
        path: PathBuf,
        /// What the parser said, with the place.
        cause: String,
    },
    /// A key in a recipe file is not known.
    #[error("{}:{line}: unknown key '{name}'{}", path.display(), did_you_mean(*suggestion))]
    UnknownKey {
        /// The recipe file.
        path: PathBuf,
        /// Counted from one.
        line: u64,
        /// The key as written.
        name: String,
        /// The known key most like it.
        suggestion: Option<&'static str>,
    },
    /// A flag is not known.
    #[error("unknown flag '{name}'{}", did_you_mean(*suggestion))]
    UnknownFlag {
        /// The flag as written.
        name: String,
        /// The known key most like it.
        suggestion: Option<&'static str>,
    },
    /// A value has the wrong type.
    #[error("{origin}: {key}: {cause}")]
    WrongType {
        /// File and line, or the command line.
        origin: String,
        /// The key.
        key: &'static str,
        /// What was found and what was expected.
        cause: String,
    },
    /// Values that MindCV knows and that are not to be had here, or not yet, all of them, a line each.
    #[error("the recipe asks for what cannot be had:\n  {}", .0.join("\n  "))]
    Refused(Vec<String>),
    /// Values that make no sense, all of them, a line each.
    #[error("the recipe cannot be run:\n  {}", .0.join("\n  "))]
    Invalid(Vec<String>),
}

fn did_you_mean(suggestion: Option<&str>) -> String {
    match suggestion {
        Some(key) => format!("; did you mean '{key}'?"),
        None => "; --help lists all keys".to_owned(),
    }
}
