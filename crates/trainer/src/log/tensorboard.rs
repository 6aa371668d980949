//! A run's numbers for TensorBoard: `events.out.tfevents.…` files, written without TensorFlow. They contain only
//! scalars, and a mark that makes TensorBoard forget what a killed run wrote after its last checkpoint.
//!
//! A file is a sequence of records (length, its checksum, data, its checksum; TensorFlow's
//! `record_writer.cc`). Each record holds an `Event` message (`event.proto`), which is encoded by hand: five fields are
//! enough.

use std::fs;
use std::fs::{File, OpenOptions};
use std::io;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// An event file, open for appending.
#[derive(Debug)]
pub struct EventFile {
    file: File,
    path: PathBuf,
}

impl EventFile {
    /// Starts a file in `dir` for events after step `step`. TensorBoard then drops later steps from the other files of
    /// the directory.
    ///
    /// # Errors
    /// The file system refused.
    pub fn begin(dir: &Path, step: u64) -> io::Result<Self> {
        let seconds = now() as u64;
        // A run that is killed and resumed within a second still gets its own file, sorted after the old one.
        let name = |number: u64| format!("events.out.tfevents.{seconds}.{number:06}");
        let open = |path: &Path| OpenOptions::new().append(true).create_new(true).open(path);
        let mut number = 0;
        let (file, path) = loop {
            let path = dir.join(name(number));
            match open(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                opened => break (opened?, path),
            }
        };
        let mut events = EventFile { file, path };
        events.write(0, &message(3, b"brain.Event:2"))?; // the format
        events.write(step + 1, &message(7, &varint_field(1, 1)))?; // a session starts
        Ok(events)
    }

    /// Deletes the event files of an earlier run in `dir`.
    ///
    /// # Errors
    /// The file system refused.
    pub fn clear(dir: &Path) -> io::Result<()> {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            if entry
                .file_name()
                .to_string_lossy()
                .starts_with("events.out.tfevents.")
            {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Appends numbers by tag, for step `step`.
    ///
    /// # Errors
    /// The file system refused.
    pub fn scalars(&mut self, step: u64, scalars: &[(&str, f64)]) -> io::Result<()> {
        let values: Vec<u8> = scalars
            .iter()
            .flat_map(|(tag, value)| {
                let mut scalar = message(1, tag.as_bytes());
                scalar.push(2 << 3 | 5);
                scalar.extend((*value as f32).to_le_bytes());
                message(1, &scalar)
            })
            .collect();
        self.write(step, &message(5, &values))
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Appends to the file at `path`, for a test.
    #[cfg(test)]
    pub(crate) fn onto(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).open(path)?;
        let path = path.to_owned();
        Ok(EventFile { file, path })
    }

    fn write(&mut self, step: u64, what: &[u8]) -> io::Result<()> {
        let mut event = vec![1 << 3 | 1];
        event.extend(now().to_le_bytes());
        event.extend(varint_field(2, step));
        event.extend(what);
        self.file.write_all(&record(&event))
    }
}

/// Seconds since 1970.
fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64())
}

fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut record = length.to_vec();
    record.extend(masked_checksum(&length).to_le_bytes());
    record.extend(data);
    record.extend(masked_checksum(data).to_le_bytes());
    record
}

/// CRC-32C, rotated and offset, so that data that contains checksums also has a good checksum.
fn masked_checksum(data: &[u8]) -> u32 {
    crc32c::crc32c(data)
        .rotate_right(15)
        .wrapping_add(0xa282_ead8)
}

/// A length-delimited field of a protocol buffer.
fn message(field: u8, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![field << 3 | 2];
    bytes.extend(varint(data.len() as u64));
    bytes.extend(data);
    bytes
}

fn varint_field(field: u8, value: u64) -> Vec<u8> {
    let mut bytes = vec![field << 3];
    bytes.extend(varint(value));
    bytes
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn checksums_are_castagnolis_and_masked() {
        // RFC 3720, B.4: 32 bytes of zeros.
        assert_eq!(crc32c::crc32c(&[0; 32]), 0x8a91_36aa);
        // The bytes with which TensorBoard's own writer begins every record of 24 bytes.
        assert_eq!(
            record(&[0; 24])[..12],
            [24, 0, 0, 0, 0, 0, 0, 0, 0xa3, 0x7f, 0x4b, 0x22]
        );
    }

    #[test]
    fn a_file_holds_its_version_its_start_and_its_numbers() {
        let dir = tempfile::tempdir().unwrap();
        let mut events = EventFile::begin(dir.path(), 300).unwrap();
        events.scalars(301, &[("train/loss", 0.5)]).unwrap();
        let mut bytes = &fs::read(events.path()).unwrap()[..];
        let mut found = Vec::new();
        while !bytes.is_empty() {
            let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
            let (whole, rest) = bytes.split_at(length + 16);
            assert_eq!(whole, record(&whole[12..12 + length]));
            found.push(whole[12 + 9..12 + length].to_vec()); // past the time
            bytes = rest;
        }
        let expected: [&[u8]; 3] = [
            b"\x10\x00\x1a\x0dbrain.Event:2",
            b"\x10\xad\x02\x3a\x02\x08\x01",
            b"\x10\xad\x02\x2a\x13\x0a\x11\x0a\x0atrain/loss\x15\x00\x00\x00\x3f",
        ];
        assert_eq!(found, expected);
        // A second writer at the same time gets another file.
        EventFile::begin(dir.path(), 300).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
        EventFile::clear(dir.path()).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
