//! The bytes around the tensors of a `.pth`: the pickle of a state dict, and the zip archive's headers.

use crate::Precision;

/// All members are in one folder, which torch allows to have any name.
const FOLDER: &str = "archive/";

/// 1980-01-01, the earliest date in a zip file: a fixed date, so that equal weights make equal files.
const DATE: u16 = 0x21;

/// The pickle of an ordered dictionary of tensors; tensor `i` is in the member `data/i`.
pub(crate) fn pickle_of(tensors: &[(String, Vec<usize>)], precision: Precision) -> Vec<u8> {
    let storage = match precision {
        Precision::F32 => "FloatStorage",
        Precision::F16 => "HalfStorage",
        Precision::BF16 => "BFloat16Storage",
    };
    let mut out = b"\x80\x02ccollections\nOrderedDict\n)R(".to_vec();
    for (index, (name, shape)) in tensors.iter().enumerate() {
        put_text(&mut out, name);
        out.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        put_text(&mut out, "storage");
        out.extend(format!("ctorch\n{storage}\n").as_bytes());
        put_text(&mut out, &index.to_string());
        put_text(&mut out, "cpu");
        put_integer(&mut out, shape.iter().product());
        out.extend(b"tQK\x00("); // the storage, offset 0
        for &extent in shape {
            put_integer(&mut out, extent);
        }
        out.extend(b"t(");
        for dimension in 0..shape.len() {
            put_integer(&mut out, shape[dimension + 1..].iter().product());
        }
        // No gradient, no hooks.
        out.extend(b"t\x89ccollections\nOrderedDict\n)RtR");
    }
    out.extend(b"u.");
    out
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'X');
    out.extend((text.len() as u32).to_le_bytes());
    out.extend(text.as_bytes());
}

fn put_integer(out: &mut Vec<u8>, value: usize) {
    out.extend(b"\x8a\x08"); // eight bytes
    out.extend((value as u64).to_le_bytes());
}

/// A member that has been written.
#[derive(Debug)]
pub(crate) struct Archived {
    name: String,
    crc: u32,
    length: u64,
    at: u64,
    /// Bytes between the header and the content, which align the content.
    padding: usize,
}

impl Archived {
    /// A member that begins at byte `at` of the file.
    pub(crate) fn new(name: &str, bytes: &[u8], at: u64, alignment: Option<u64>) -> Self {
        let name = format!("{FOLDER}{name}");
        let bare = at + 30 + name.len() as u64;
        let padding = alignment.map_or(0, |to| {
            // An extra field has a header of four bytes.
            (bare + 4).next_multiple_of(to) - bare
        });
        Self {
            name,
            crc: crc32fast::hash(bytes),
            length: bytes.len() as u64,
            at,
            padding: padding as usize,
        }
    }

    /// The header before the member's bytes.
    pub(crate) fn header(&self) -> Vec<u8> {
        let mut out = b"PK\x03\x04".to_vec();
        self.common(&mut out);
        put16(&mut out, self.padding);
        out.extend(self.name.as_bytes());
        if self.padding > 0 {
            // torch's own padding: a field called FB.
            out.extend(b"FB");
            put16(&mut out, self.padding - 4);
            out.resize(out.len() + self.padding - 4, b'Z');
        }
        out
    }

    fn common(&self, out: &mut Vec<u8>) {
        put16(out, 20); // version 2.0
        put16(out, 0x0800); // UTF-8 names
        put16(out, 0); // stored
        put16(out, 0);
        out.extend(DATE.to_le_bytes());
        out.extend(self.crc.to_le_bytes());
        out.extend((self.length as u32).to_le_bytes());
        out.extend((self.length as u32).to_le_bytes());
        put16(out, self.name.len());
    }
}

/// The table at the end of an archive, which begins at byte `at`.
pub(crate) fn table_of(members: &[Archived], at: u64) -> Vec<u8> {
    let mut out = Vec::new();
    for member in members {
        out.extend(b"PK\x01\x02");
        put16(&mut out, 20); // made by version 2.0
        member.common(&mut out);
        put16(&mut out, 0); // extra
        put16(&mut out, 0); // comment
        put16(&mut out, 0); // disk
        put16(&mut out, 0); // internal attributes
        out.extend([0; 4]); // external attributes
        out.extend((member.at as u32).to_le_bytes());
        out.extend(member.name.as_bytes());
    }
    let length = out.len() as u32;
    out.extend(b"PK\x05\x06");
    out.extend([0; 4]); // disks
    put16(&mut out, members.len());
    put16(&mut out, members.len());
    out.extend(length.to_le_bytes());
    out.extend((at as u32).to_le_bytes());
    put16(&mut out, 0); // comment
    out
}

fn put16(out: &mut Vec<u8>, value: usize) {
    out.extend((value as u16).to_le_bytes());
}
