//! Tars read in place: where each member's bytes are in the file on disk, also in tars inside the tar.
//! Nothing is unpacked, and only headers are read. What the members mean is up to `tars`.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::io::{Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use tar::EntryType;

use crate::error::SourceError;
use crate::scan::Name;

const BLOCK: u64 = 512;

/// A tar on disk. All reads are positioned, so one handle serves any number of threads.
pub(crate) struct TarFile {
    pub(crate) path: PathBuf,
    pub(crate) file: File,
    len: u64,
}

/// A stretch of the file that is a tar of its own: all of it, or one member.
pub(crate) struct Span {
    start: u64,
    len: u64,
    /// The member's name; `None` for the file itself.
    member: Option<String>,
}

/// One entry of a tar.
pub(crate) enum Member {
    /// A regular file whose bytes are in one piece at `offset` of the file on disk.
    File {
        /// Including the folders that contain it.
        name: String,
        /// Whether the last part of the name is not UTF-8.
        misnamed: bool,
        offset: u64,
        size: u64,
    },
    /// Something that has no bytes of its own in one piece (a link, a device, …).
    Unusable { name: String, reason: &'static str },
}

impl TarFile {
    pub(crate) fn open(path: &Path) -> Result<TarFile, SourceError> {
        let file = File::open(path).map_err(SourceError::io(path))?;
        let len = file.metadata().map_err(SourceError::io(path))?.len();
        Ok(TarFile {
            path: path.to_path_buf(),
            file,
            len,
        })
    }

    /// The file itself.
    pub(crate) fn whole(&self) -> Span {
        Span {
            start: 0,
            len: self.len,
            member: None,
        }
    }

    /// Length in blocks of 512 bytes, for progress.
    pub(crate) fn blocks(&self) -> usize {
        usize::try_from(self.len / BLOCK).unwrap_or(usize::MAX)
    }

    /// Calls `visit` for every entry but folders, in order, until it breaks.
    ///
    /// # Errors
    /// If the span is not a tar, or is cut off: an entry reaches beyond its end, or (for the file itself; tars inside
    /// are bounded by their entry) the end-of-archive marker is missing.
    pub(crate) fn visit(
        &self,
        span: &Span,
        mut visit: impl FnMut(Member) -> ControlFlow<()>,
    ) -> Result<(), SourceError> {
        let window = Window {
            file: &self.file,
            start: span.start,
            len: span.len,
            at: 0,
        };
        let mut archive = tar::Archive::new(window);
        let mut end = 0;
        for entry in archive
            .entries_with_seek()
            .map_err(|error| self.not_a_tar(span, end, &error))?
        {
            let entry = entry.map_err(|error| self.not_a_tar(span, end, &error))?;
            let (offset, size) = (entry.raw_file_position(), entry.size());
            let name = entry.path_bytes();
            if entry.header().entry_type() == EntryType::GNUSparse {
                let name = String::from_utf8_lossy(&name);
                return Err(self.error(
                    span,
                    format!("entry {name} is sparse; pack the tar again without --sparse"),
                ));
            }
            if size > span.len.saturating_sub(offset) {
                let needs = u128::from(offset) + u128::from(size);
                return Err(self.error(
                    span,
                    format!(
                        "cut off: entry {} reaches to byte {needs}, but there are only {}; download the file again",
                        String::from_utf8_lossy(&name),
                        span.len
                    ),
                ));
            }
            end = offset + size.next_multiple_of(BLOCK);
            let Some(member) = member(&entry, name, span.start + offset) else {
                continue;
            };
            if visit(member).is_break() {
                return Ok(());
            }
        }
        self.check_end(span, end)
    }

    /// After the last entry there must be zero blocks and nothing else, else something was lost.
    fn check_end(&self, span: &Span, end: u64) -> Result<(), SourceError> {
        if span.len < end.saturating_add(BLOCK) {
            return match span.member {
                Some(_) if span.len > 0 => Ok(()),
                Some(_) => {
                    Err(self.error(span, "empty: not a tar; download the file again".to_owned()))
                }
                None => Err(self.error(
                    span,
                    format!(
                        "cut off at byte {}: no end-of-archive marker; download the file again",
                        span.len
                    ),
                )),
            };
        }
        let mut window = Window {
            file: &self.file,
            start: span.start,
            len: span.len,
            at: end,
        };
        let mut buffer = [0; 16 * 1024];
        loop {
            let got = window
                .read(&mut buffer)
                .map_err(SourceError::io(&self.path))?;
            if got == 0 {
                return Ok(());
            }
            if buffer[..got].iter().any(|&byte| byte != 0) {
                return Err(self.error(
                    span,
                    "data after the end-of-archive marker (several tars joined?); give each tar by itself".to_owned(),
                ));
            }
        }
    }

    fn not_a_tar(&self, span: &Span, at: u64, error: &io::Error) -> SourceError {
        // The library's reason may quote a whole block of whatever the file holds.
        const ENOUGH: usize = 120;
        let quoted = error.to_string();
        let reason: String = quoted
            .chars()
            .filter(|letter| !letter.is_control())
            .take(ENOUGH)
            .collect();
        self.error(
            span,
            format!("not a tar, or damaged, at byte {at}: {reason}"),
        )
    }

    fn error(&self, span: &Span, reason: String) -> SourceError {
        let inside = match &span.member {
            Some(name) => format!("entry {name}"),
            None => "the tar itself".to_owned(),
        };
        SourceError::Tar {
            path: self.path.clone(),
            inside,
            reason,
        }
    }
}

impl Span {
    /// A member that is itself a tar.
    pub(crate) fn of_member(name: &str, offset: u64, size: u64) -> Span {
        Span {
            start: offset,
            len: size,
            member: Some(name.to_owned()),
        }
    }
}

/// `None` for entries without data: folders and global headers.
fn member<R: Read>(entry: &tar::Entry<'_, R>, name: Cow<'_, [u8]>, offset: u64) -> Option<Member> {
    let unusable = |reason| {
        Some(Member::Unusable {
            name: Name::of(&name).text,
            reason,
        })
    };
    match entry.header().entry_type() {
        EntryType::Directory | EntryType::XGlobalHeader => None,
        // Tars older than the type field mark a folder like this.
        EntryType::Regular if name.ends_with(b"/") => None,
        EntryType::Regular | EntryType::Continuous => Some(Member::File {
            name: Name::of(&name).text,
            misnamed: Name::of(name.rsplit(|&byte| byte == b'/').next().unwrap_or_default())
                .misnamed,
            offset,
            size: entry.size(),
        }),
        EntryType::Symlink | EntryType::Link => unusable("a link inside a tar"),
        _ => unusable("not a regular file"),
    }
}

/// A bounded stretch of a file as a reader with its own position: the file's shared position is never used.
struct Window<'f> {
    file: &'f File,
    start: u64,
    len: u64,
    at: u64,
}

impl Read for Window<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.len.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let want = into.len().min(left);
        let got = self.file.read_at(&mut into[..want], self.start + self.at)?;
        self.at += got as u64;
        Ok(got)
    }
}

impl Seek for Window<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.len.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
