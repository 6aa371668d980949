//! The members of an uncompressed zip archive below 4 GiB, which is what `torch.save` writes for networks of this size.
//! It is not a general zip reader.

use std::collections::HashMap;
use std::io::{Read, Seek, SeekFrom};

use crate::reader::Fault;

const END: [u8; 4] = *b"PK\x05\x06";
const ENTRY: [u8; 4] = *b"PK\x01\x02";
const LOCAL: [u8; 4] = *b"PK\x03\x04";

const END_LENGTH: usize = 22;
const ENTRY_LENGTH: usize = 46;
const LOCAL_LENGTH: usize = 30;
const MAX_COMMENT: usize = 0xffff;

/// The longest member that is read whole. The pickle of a network takes less than 200 kB.
const MAX_WHOLE: u64 = 16 << 20;

/// An archive's table of contents.
pub(super) struct Archive {
    members: Vec<Member>,
    /// Where in the list each name is.
    places: HashMap<String, usize>,
}

/// One file in the archive.
pub(super) struct Member {
    name: String,
    /// Where its local header begins.
    header: u64,
    length: u64,
}

impl Archive {
    /// Reads the table at the end of a file of `length` bytes.
    pub(super) fn read<R: Read + Seek>(reader: &mut R, length: u64) -> Result<Self, Fault> {
        let tail = length.min((END_LENGTH + MAX_COMMENT) as u64);
        reader.seek(SeekFrom::Start(length - tail))?;
        let mut end = Vec::new();
        reader.take(tail).read_to_end(&mut end)?;
        let at = (0..=end.len().saturating_sub(END_LENGTH))
            .rev()
            .find(|&at| end[at..].starts_with(&END))
            .ok_or("the zip archive has no end: truncated, fetch it again")?;
        let end = end
            .get(at..at + END_LENGTH)
            .ok_or("the zip archive's end is cut short")?;
        let (count, size, start) = (word(end, 10), long(end, 12), long(end, 16));
        if count == 0xffff || start == 0xffff_ffff {
            return Err("a zip archive of more than 4 GiB, which is not read".into());
        }
        if start.checked_add(size).is_none_or(|table| table > length) {
            return Err("the zip archive's table reaches past its end".into());
        }
        reader.seek(SeekFrom::Start(start))?;
        let mut table = Vec::new();
        reader.take(size).read_to_end(&mut table)?;
        let (mut members, mut places) = (Vec::new(), HashMap::new());
        let mut rest = table.as_slice();
        for place in 0..count as usize {
            let (member, after) = entry(rest)?;
            // Readers disagree on which one counts. So a file could show one content to its checker and another to its
            // user.
            if places.insert(member.name.clone(), place).is_some() {
                return Err(
                    format!("two members of the zip archive are called {}", member.name).into(),
                );
            }
            members.push(member);
            rest = after;
        }
        Ok(Self { members, places })
    }

    /// The members' names, in the table's order.
    pub(super) fn members(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|member| member.name.as_str())
    }

    pub(super) fn find(&self, name: &str) -> Option<&Member> {
        Some(&self.members[*self.places.get(name)?])
    }

    /// Offset and length of a member's bytes.
    pub(super) fn place<R: Read + Seek>(
        &self,
        reader: &mut R,
        member: &Member,
    ) -> Result<(u64, u64), Fault> {
        reader.seek(SeekFrom::Start(member.header))?;
        let mut header = [0; LOCAL_LENGTH];
        reader.read_exact(&mut header)?;
        if !header.starts_with(&LOCAL) {
            return Err(format!("{} is not where the zip archive has it", member.name).into());
        }
        let names = word(&header, 26) + word(&header, 28);
        let start = member.header + LOCAL_LENGTH as u64 + names;
        let length = reader.seek(SeekFrom::End(0))?;
        if start
            .checked_add(member.length)
            .is_none_or(|end| end > length)
        {
            return Err(format!("{} reaches past the file's end", member.name).into());
        }
        Ok((start, member.length))
    }

    /// A member's bytes.
    pub(super) fn bytes<R: Read + Seek>(
        &self,
        reader: &mut R,
        member: &Member,
    ) -> Result<Vec<u8>, Fault> {
        let (start, length) = self.place(reader, member)?;
        if length > MAX_WHOLE {
            return Err(format!("{} of {length} bytes is too long", member.name).into());
        }
        reader.seek(SeekFrom::Start(start))?;
        let mut bytes = vec![0; length as usize];
        reader.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

/// The first entry of a table, and the bytes after it.
fn entry(table: &[u8]) -> Result<(Member, &[u8]), Fault> {
    let cut = "the zip archive's table is damaged";
    let head = table.get(..ENTRY_LENGTH).ok_or(cut)?;
    if !head.starts_with(&ENTRY) {
        return Err(cut.into());
    }
    let [name, extra, comment] = [28, 30, 32].map(|at| word(head, at) as usize);
    let (name, rest) = (
        table.get(ENTRY_LENGTH..ENTRY_LENGTH + name).ok_or(cut)?,
        table
            .get(ENTRY_LENGTH + name + extra + comment..)
            .ok_or(cut)?,
    );
    let name = String::from_utf8(name.to_vec()).map_err(|_| "a member's name is not UTF-8")?;
    let (method, packed, length) = (word(head, 10), long(head, 20), long(head, 24));
    if method != 0 || packed != length {
        return Err(format!("{name} is compressed, which torch.save never does").into());
    }
    let header = long(head, 42);
    let member = Member {
        name,
        header,
        length,
    };
    Ok((member, rest))
}

/// Little-endian u16. The callers' slices are long enough.
fn word(bytes: &[u8], at: usize) -> u64 {
    u64::from(bytes[at]) | u64::from(bytes[at + 1]) << 8
}

/// Little-endian u32.
fn long(bytes: &[u8], at: usize) -> u64 {
    word(bytes, at) | word(bytes, at + 2) << 16
}
