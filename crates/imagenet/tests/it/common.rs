//! Files and tars to open, and what one asks of the result.

use std::fs;
use std::path::{Path, PathBuf};

use imshard_imagenet::{Source, SourceError};
use tempfile::TempDir;

/// A temporary folder to put raw data in.
pub(crate) struct Scratch {
    dir: TempDir,
}

impl Scratch {
    pub(crate) fn new() -> Scratch {
        Scratch {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join(below)
    }

    /// Writes a file, with the folders that it needs.
    pub(crate) fn write(&self, below: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Writes one file for each name, its content made from the name.
    pub(crate) fn images(&self, below: &str, names: &[&str]) {
        for name in names {
            self.write(&format!("{below}/{name}"), image(name));
        }
    }

    pub(crate) fn open(&self) -> Box<dyn Source> {
        imshard_imagenet::open(self.root()).unwrap()
    }

    pub(crate) fn refusal(&self) -> String {
        refusal(imshard_imagenet::open(self.root()))
    }
}

/// What stands for the file of that name: different for each name, and not a multiple of a tar block.
pub(crate) fn image(name: &str) -> Vec<u8> {
    let file = name.rsplit('/').next().unwrap();
    format!("image {file} ")
        .repeat(20 + file.len())
        .into_bytes()
}

/// A tar of the given entries.
pub(crate) fn tar_of<'a>(entries: impl IntoIterator<Item = (&'a str, Vec<u8>)>) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder
            .append_data(&mut header, name, bytes.as_slice())
            .unwrap();
    }
    builder.into_inner().unwrap()
}

/// A tar of images whose content is made from their names.
pub(crate) fn tar_of_images(names: &[&str]) -> Vec<u8> {
    tar_of(names.iter().map(|name| (*name, image(name))))
}

pub(crate) fn refusal(result: Result<Box<dyn Source>, SourceError>) -> String {
    match result {
        Err(error) => error.to_string(),
        Ok(source) => panic!("opened: {}", source.describe()),
    }
}

pub(crate) fn synsets(source: &dyn Source) -> Vec<&str> {
    source
        .classes()
        .iter()
        .map(|class| class.synset.as_str())
        .collect()
}

/// Key and class of each sample of split number `split`.
pub(crate) fn samples(source: &dyn Source, split: usize) -> Vec<(&str, &str)> {
    let class = |label: u32| source.classes()[label as usize].synset.as_str();
    source.splits()[split]
        .samples
        .iter()
        .map(|sample| (sample.key.as_str(), class(sample.label)))
        .collect()
}

pub(crate) fn bytes(source: &dyn Source, split: usize, index: usize) -> Vec<u8> {
    let mut bytes = b"left over from the last read".to_vec();
    source.read(split, index, &mut bytes).unwrap();
    bytes
}

/// Every sample reads as the image of its name.
pub(crate) fn assert_all_read(source: &dyn Source) {
    for (split, found) in source.splits().iter().enumerate() {
        for (index, sample) in found.samples.iter().enumerate() {
            let got = bytes(source, split, index);
            assert_eq!(got, image(&sample.key), "{}", sample.key);
            assert!(
                sample.size == 0 || sample.size == got.len() as u64,
                "{}",
                sample.key
            );
        }
    }
}

/// File names left out, without their folders.
pub(crate) fn ignored(source: &dyn Source) -> Vec<(String, &str)> {
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    source
        .ignored()
        .iter()
        .map(|ignored| (name(&ignored.path), ignored.reason.as_str()))
        .collect()
}
