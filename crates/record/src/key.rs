//! What a record's key may be: a relative path that stays inside the directory it is joined to.

use std::fmt;

/// The longest key in bytes.
pub const MAX_KEY_LEN: usize = 1024;

/// Checks a key such as `n01440764/n01440764_10026.JPEG`: 1 to [`MAX_KEY_LEN`] bytes of UTF-8,
/// components separated by single slashes, none of them `.` or `..`, no control characters.
///
/// Shards are written and opened under this rule, so joining a key to a directory always names a
/// path beneath it, and printing a key cannot disturb a terminal.
///
/// # Errors
/// The rule that the key breaks.
pub fn check_key(key: &str) -> Result<(), KeyFault> {
    if key.is_empty() {
        return Err(KeyFault::Empty);
    }
    if key.len() > MAX_KEY_LEN {
        return Err(KeyFault::TooLong);
    }
    if key.chars().any(char::is_control) {
        return Err(KeyFault::ControlCharacter);
    }
    if key.starts_with('/') {
        return Err(KeyFault::Absolute);
    }
    for component in key.split('/') {
        match component {
            "" => return Err(KeyFault::EmptyComponent),
            "." | ".." => return Err(KeyFault::DotComponent),
            _ => {}
        }
    }
    Ok(())
}

/// Why a key is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyFault {
    /// It has no characters.
    Empty,
    /// It has more than [`MAX_KEY_LEN`] bytes.
    TooLong,
    /// It contains NUL, a newline or another control character.
    ControlCharacter,
    /// It starts with a slash.
    Absolute,
    /// It has two slashes in a row or one at its end.
    EmptyComponent,
    /// One of its components is `.` or `..`.
    DotComponent,
}

impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("is empty"),
            Self::TooLong => write!(f, "is longer than {MAX_KEY_LEN} bytes"),
            Self::ControlCharacter => f.write_str("contains a control character"),
            Self::Absolute => f.write_str("is an absolute path"),
            Self::EmptyComponent => f.write_str("has an empty path component"),
            Self::DotComponent => f.write_str("has a path component \".\" or \"..\""),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Component, Path};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ordinary_keys_pass() {
        for key in [
            "n01440764/n01440764_10026.JPEG",
            "a",
            "..a/b..",
            "val/猫 1.png",
            "a\\b",
        ] {
            assert_eq!(check_key(key), Ok(()), "{key:?}");
        }
        assert_eq!(check_key(&"k".repeat(MAX_KEY_LEN)), Ok(()));
    }

    #[test]
    fn each_fault_is_named() {
        for (key, fault) in [
            ("", KeyFault::Empty),
            ("/etc/passwd", KeyFault::Absolute),
            ("a//b", KeyFault::EmptyComponent),
            ("a/", KeyFault::EmptyComponent),
            ("..", KeyFault::DotComponent),
            ("a/../../b", KeyFault::DotComponent),
            ("./a", KeyFault::DotComponent),
            ("a\0b", KeyFault::ControlCharacter),
            ("a\u{1b}[2J", KeyFault::ControlCharacter),
        ] {
            assert_eq!(check_key(key), Err(fault), "{key:?}");
        }
        assert_eq!(
            check_key(&"k".repeat(MAX_KEY_LEN + 1)),
            Err(KeyFault::TooLong)
        );
    }

    proptest! {
        #[test]
        fn an_accepted_key_stays_beneath_its_directory(key in "[./a\\\\]{0,12}") {
            if check_key(&key).is_ok() {
                prop_assert!(Path::new(&key).components().all(|c| matches!(c, Component::Normal(_))));
            }
        }
    }
}
