//! The first 64 bytes of a shard: what the file is and which version of the format it has.
//! Nothing in it depends on the records.

use std::fmt;
use std::path::Path;

use crate::hash::xxh3;
use crate::wire::Fields;
use crate::{Part, RecordError};

/// Every payload starts at a multiple of this many bytes, counted from the file's start.
pub const ALIGNMENT: u32 = 64;

pub(crate) const HEADER_LEN: u64 = 64;

const LETTERS: [u8; 7] = *b"IMSHARD";
const HASHED: usize = 56;

/// The header of a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The version of the format that the writer used.
    pub version: Version,
    /// Features that a reader must know to read the file correctly. Version 1.0 defines none.
    pub must_understand: u64,
    /// Features that a reader may ignore. Version 1.0 defines none.
    pub may_ignore: u64,
}

/// A version of the format: old readers refuse a new major number and accept a new minor one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Readers refuse a greater one than they know.
    pub major: u8,
    /// Readers accept any.
    pub minor: u16,
}

impl Version {
    /// What this crate writes, and the newest major version that it reads.
    pub const CURRENT: Self = Self { major: 1, minor: 0 };
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl Header {
    pub(crate) const CURRENT: Self = Self {
        version: Version::CURRENT,
        must_understand: 0,
        may_ignore: 0,
    };

    /// The header's bytes, and the hash that ends them.
    pub(crate) fn encode(&self) -> (Vec<u8>, u64) {
        let mut bytes = Vec::with_capacity(HEADER_LEN as usize);
        bytes.extend_from_slice(&LETTERS);
        bytes.push(self.version.major);
        bytes.extend_from_slice(&self.version.minor.to_le_bytes());
        bytes.extend_from_slice(&[0; 2]);
        bytes.extend_from_slice(&ALIGNMENT.to_le_bytes());
        bytes.extend_from_slice(&self.must_understand.to_le_bytes());
        bytes.extend_from_slice(&self.may_ignore.to_le_bytes());
        bytes.resize(HASHED, 0);
        let hash = xxh3(&bytes);
        bytes.extend_from_slice(&hash.to_le_bytes());
        (bytes, hash)
    }

    /// The header, with its own hash.
    ///
    /// Damage is distinguished from a newer version: letters, version and hash keep their places in every version,
    /// so the hash is checked first.
    pub(crate) fn decode(
        bytes: &[u8; HEADER_LEN as usize],
        path: &Path,
    ) -> Result<(Self, u64), RecordError> {
        let malformed =
            |detail: &str| RecordError::malformed(path, Part::Header)(detail.to_owned());
        let mut fields = Fields(bytes);
        let parsed = (|| {
            let letters: [u8; 7] = fields.array()?;
            let [major] = fields.array()?;
            let minor = fields.u16()?;
            let _reserved: [u8; 2] = fields.array()?;
            let alignment = fields.u32()?;
            let header = Self {
                version: Version { major, minor },
                must_understand: fields.u64()?,
                may_ignore: fields.u64()?,
            };
            let _reserved: [u8; 24] = fields.array()?;
            Some((letters, alignment, header, fields.u64()?))
        })();
        let (letters, alignment, header, expected) =
            parsed.ok_or_else(|| malformed("it is shorter than its fields"))?;

        if letters != LETTERS {
            let mut found = [0; 8];
            found.copy_from_slice(bytes.get(..8).unwrap_or(&[0; 8]));
            return Err(RecordError::NotAShard {
                path: path.into(),
                found,
            });
        }
        let found = xxh3(bytes.get(..HASHED).unwrap_or_default());
        if found != expected {
            return Err(RecordError::Damaged {
                path: path.into(),
                part: Part::Header,
                expected,
                found,
            });
        }
        if header.version.major > Version::CURRENT.major {
            let (found, supported) = (header.version, Version::CURRENT);
            return Err(RecordError::NewerVersion {
                path: path.into(),
                found,
                supported,
            });
        }
        if header.version.major == 0 {
            return Err(malformed("there is no version 0"));
        }
        if header.must_understand != 0 {
            let bits = header.must_understand;
            return Err(RecordError::UnknownFeatures {
                path: path.into(),
                bits,
            });
        }
        if alignment != ALIGNMENT {
            return Err(malformed(&format!(
                "its alignment is {alignment}, not {ALIGNMENT}"
            )));
        }
        Ok((header, found))
    }
}
