//! `--compare`: the same images in several encodings. A part of the data set is unpacked into a temporary directory, and
//! `shard build` builds it once for each encoding. It measures nothing.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use anyhow::{Context, Result, bail};
use codec::{Encoding, Tables};
use record::{Dataset, Io};
use tempfile::TempDir;

use super::report::Set;
use crate::args::BenchArgs;
use crate::progress::Progress;

/// A directory with a data set for each encoding. Dropping this value removes it.
pub(crate) struct Scratch {
    dir: TempDir,
    /// Each encoding with its options as given, and the directory of its data set.
    built: Vec<(String, PathBuf)>,
}

impl Scratch {
    /// Unpacks the first `--limit` records and builds them in each encoding.
    pub(crate) fn build(args: &BenchArgs, quiet: bool) -> Result<Self> {
        let parent = super::scratch_parent(args)?;
        let dir = tempfile::Builder::new()
            .prefix("shard-bench-")
            .tempdir_in(&parent)
            .with_context(|| format!("cannot make a directory in {}", parent.display()))?;
        let raw = dir.path().join("raw");
        unpack(args, &raw.join(&args.split), quiet)?;
        let mut built = Vec::new();
        for (number, wanted) in args.compare.iter().enumerate() {
            let out = dir.path().join(format!("set{number}"));
            build(&raw, &out, wanted)?;
            built.push((wanted.clone(), out));
        }
        Ok(Self { dir, built })
    }

    /// The data sets, named as on the command line.
    pub(crate) fn sets(&self, split: &str) -> Result<Vec<Set>> {
        debug_assert!(self.dir.path().is_dir());
        let sets = self.built.iter();
        sets.map(|(name, dir)| Set::open(dir, split, Some(name.clone())))
            .collect()
    }
}

/// Runs `shard build` for an encoding, which may have options behind it: `jpeg --short-side 400`. It runs as a process of
/// its own, so the result is what a user would get, and signals work.
fn build(raw: &Path, out: &Path, wanted: &str) -> Result<()> {
    let mut words = wanted.split_whitespace();
    let Some(encoding) = words.next() else {
        bail!("--compare: one of the encodings is empty; write for example --compare jpeg,source");
    };
    let program = env::current_exe().context("cannot find this program")?;
    let built = Command::new(program)
        .args(["--quiet", "build", "--encoding", encoding, "--source"])
        .arg(raw)
        .arg("--out")
        .arg(out)
        .args(words)
        .stdout(Stdio::null())
        .status()
        .context("cannot run shard build")?;
    if !built.success() {
        bail!("--compare: shard build --encoding {wanted} failed");
    }
    Ok(())
}

/// Writes the source files into class folders, a layout that fits any key and label.
fn unpack(args: &BenchArgs, folder: &Path, quiet: bool) -> Result<()> {
    let dataset = Dataset::open(&args.dataset)?;
    let split = dataset.split(&args.split, Io::Map)?;
    let classes = &dataset.manifest().classes;
    let count = split.len().min(args.limit);
    let tables = Tables::of_dataset(split.tables())?;
    let progress = Progress::new("unpack", count, quiet);
    let mut scratch = Vec::new();
    for record in 0..count {
        let payload = split.bytes(record, &mut scratch)?;
        split.check(record, payload)?;
        let entry = split.entry(record).context("the record has no entry")?;
        let file = codec::unpack_with(Encoding::from_tag(entry.encoding)?, payload, &tables)
            .with_context(|| format!("{}: record {record}", args.dataset.display()))?;
        let class = classes.get(entry.label as usize).with_context(|| {
            format!(
                "record {record} has label {}, but there is no such class",
                entry.label
            )
        })?;
        let dir = folder.join(&class.synset);
        fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        let path = dir.join(format!("{record}.JPEG"));
        fs::write(&path, &file).with_context(|| format!("cannot write {}", path.display()))?;
        progress.add(1, file.len() as u64);
    }
    progress.finish();
    Ok(())
}
