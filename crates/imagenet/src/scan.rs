//! What a scan of one split finds, before classes are numbered: shared by folders and tars.
//! It knows no file formats, only the names of image files.

use std::ffi::OsStr;
use std::path::Path;

use crate::error::SourceError;

/// The images of one split, by class.
#[derive(Debug, Default)]
pub(crate) struct ClassScan {
    /// In the order of discovery; `FoundFile::class` indexes this.
    pub(crate) classes: Vec<String>,
    pub(crate) files: Vec<FoundFile>,
}

/// One image file.
#[derive(Debug)]
pub(crate) struct FoundFile {
    pub(crate) key: String,
    /// Whether the key only shows a name that is not UTF-8.
    pub(crate) misnamed: bool,
    /// Index into the scan's classes; 0 while labels are not known.
    pub(crate) class: u32,
    /// Where its bytes start in the tar; 0 in folders.
    pub(crate) offset: u64,
    /// Bytes; 0 in folders.
    pub(crate) size: u64,
}

impl ClassScan {
    /// Notes one more class; its number is what `FoundFile::class` holds.
    pub(crate) fn add_class(&mut self, name: &str) -> u32 {
        self.classes.push(name.to_owned());
        // Labels are u32 everywhere; no one has that many folders.
        u32::try_from(self.classes.len() - 1).unwrap_or(u32::MAX)
    }
}

/// A file's name as text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name {
    /// Bytes that are not UTF-8 are written as `\xE9`.
    pub(crate) text: String,
    /// Whether there are such bytes.
    pub(crate) misnamed: bool,
}

impl Name {
    pub(crate) fn of(bytes: &[u8]) -> Name {
        let mut text = String::with_capacity(bytes.len());
        let mut misnamed = false;
        for chunk in bytes.utf8_chunks() {
            text.push_str(chunk.valid());
            for byte in chunk.invalid() {
                misnamed = true;
                text.push_str(&format!("\\x{byte:02X}"));
            }
        }
        Name { text, misnamed }
    }
}

/// What a file's name says it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NameKind {
    Image,
    /// Left out, for the reason given.
    Other(&'static str),
}

/// Decides by the name alone: what the bytes are is up to the codec.
pub(crate) fn name_kind(file_name: &str) -> NameKind {
    if file_name.starts_with('.') {
        return NameKind::Other("a hidden file");
    }
    let extension = Path::new(file_name).extension().and_then(OsStr::to_str);
    let known = |known: &str| extension.is_some_and(|have| have.eq_ignore_ascii_case(known));
    if ["jpeg", "jpg", "png"].into_iter().any(known) {
        NameKind::Image
    } else {
        NameKind::Other("not a .JPEG, .jpg or .png file")
    }
}

/// Sorts by key (byte-wise) and refuses a key that occurs twice.
pub(crate) fn sort_by_key(
    files: &mut [FoundFile],
    split: &str,
    path: &Path,
) -> Result<(), SourceError> {
    files.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    match files.windows(2).find(|pair| pair[0].key == pair[1].key) {
        None => Ok(()),
        Some(pair) => Err(SourceError::DuplicateKey {
            path: path.to_path_buf(),
            split: split.to_owned(),
            key: pair[0].key.clone(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_utf_8_are_shown() {
        let name = Name::of(b"caf\xE9 \xC3\xA9.jpg");
        assert_eq!(
            (name.text.as_str(), name.misnamed),
            ("caf\\xE9 é.jpg", true)
        );
        assert!(!Name::of("caf\\xE9 é.jpg".as_bytes()).misnamed);
    }

    #[test]
    fn image_names_in_any_case_and_nothing_else() {
        for name in [
            "a.JPEG",
            "a.jpg",
            "a.Png",
            "n01440764_10026.JPEG",
            "a.tar.jpeg",
        ] {
            assert_eq!(name_kind(name), NameKind::Image, "{name}");
        }
        for name in [
            "a.gif",
            "jpeg",
            "a.jpeg.txt",
            "Thumbs.db",
            "._a.JPEG",
            ".jpg",
            "",
        ] {
            assert!(matches!(name_kind(name), NameKind::Other(_)), "{name}");
        }
    }
}
