//! What is in the output directory: finished shards of this plan, outdated ones, leftovers, or
//! other people's files. It only looks; [`sweep`] is the one function that removes something.

mod error;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::{fs, io};

use record::{Io, MANIFEST_FILE, Shard, ShardName, TABLES_FILE};

use crate::FileError;
use crate::note::Note;
use crate::options::OnBad;
use crate::plan::{ShardPlan, SplitPlan};

pub use error::{SurveyError, Why};

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    /// Shards whose notes say that they belong to the plan. Their records are not verified yet.
    pub(crate) finished: Vec<(Shard, Note)>,
    /// Shards that do not belong to the plan and must go.
    pub(crate) stale: Vec<Stale>,
    /// Temporary files of an interrupted build.
    pub(crate) leftovers: Vec<PathBuf>,
    /// Whether there is a manifest: the build had finished.
    pub(crate) complete: bool,
    /// Whether there is a file of symbol tables: a build had finished its shards.
    pub(crate) tables: bool,
}

/// A shard that does not belong to the plan.
#[derive(Debug)]
pub(crate) struct Stale {
    pub(crate) path: PathBuf,
    pub(crate) why: Why,
}

impl Survey {
    /// A finished data set, or shards of a split that this build does not make, are hours of work:
    /// they are not thrown away unless the user says so.
    ///
    /// # Errors
    /// [`SurveyError::OtherBuild`] if a sweep would destroy such shards.
    pub(crate) fn refuse_to_destroy(&self, dir: &Path) -> Result<(), SurveyError> {
        let lost = self.stale.iter().find(|stale| match stale.why {
            Why::Damaged(_) => false,
            Why::Changed(_) | Why::NotPlanned => self.complete,
            Why::OtherSplit => true,
        });
        let Some(Stale { path, why }) = lost else {
            return Ok(());
        };
        Err(SurveyError::OtherBuild {
            dir: dir.to_owned(),
            finished: self.complete,
            file: path.file_name().unwrap_or_default().display().to_string(),
            why: why.clone(),
        })
    }
}

/// Keeps other builds out of the directory while the handle lives. File systems without locks
/// go without.
pub(crate) fn lock(dir: &Path) -> Result<File, SurveyError> {
    let handle = File::open(dir).map_err(FileError::new("open", dir))?;
    match handle.try_lock() {
        Err(TryLockError::WouldBlock) => Err(SurveyError::Busy {
            dir: dir.to_owned(),
        }),
        Ok(()) | Err(TryLockError::Error(_)) => Ok(handle),
    }
}

/// Looks through `dir`, which may not exist yet.
///
/// # Errors
/// If the directory cannot be read, or is not empty and contains no build of ours.
pub(crate) fn survey(dir: &Path, plan: &[SplitPlan], on_bad: OnBad) -> Result<Survey, SurveyError> {
    let mut survey = Survey::default();
    let mut strangers = Vec::new();
    let mut found = Vec::new();
    for name in names(dir)? {
        let unfinished = name.strip_suffix(".tmp");
        let is_ours = |name: &str| {
            [MANIFEST_FILE, TABLES_FILE].contains(&name) || ShardName::parse(name).is_some()
        };
        if unfinished.is_some_and(is_ours) {
            survey.leftovers.push(dir.join(name));
        } else if name == MANIFEST_FILE {
            survey.complete = true;
        } else if name == TABLES_FILE {
            survey.tables = true;
        } else if is_ours(&name) {
            found.push(name);
        } else if !name.starts_with('.') && name != "lost+found" {
            strangers.push(name);
        }
    }
    if let Some(stranger) = strangers.first()
        && !survey.complete
        && found.is_empty()
        && survey.leftovers.is_empty()
        && !survey.tables
    {
        return Err(SurveyError::NotADataset {
            dir: dir.to_owned(),
            stranger: stranger.clone(),
        });
    }

    found.sort_unstable();
    for name in found {
        let path = dir.join(&name);
        match find(plan, &name) {
            Err(why) => survey.stale.push(Stale { path, why }),
            Ok(shard_plan) => match finished(&path, shard_plan, on_bad) {
                Ok(finished) => survey.finished.push(finished),
                Err(why) => survey.stale.push(Stale { path, why }),
            },
        }
    }
    Ok(survey)
}

/// Removes the manifest with its tables, the leftovers of an interrupted build, and stale shards. It runs before
/// the build, so that there is no data set while its shards change.
///
/// # Errors
/// If a file cannot be removed.
pub(crate) fn sweep(dir: &Path, survey: &Survey) -> Result<(), FileError> {
    let manifest = survey.complete.then(|| dir.join(MANIFEST_FILE));
    let tables = survey.tables.then(|| dir.join(TABLES_FILE));
    let stale = survey.stale.iter().map(|stale| &stale.path);
    for path in manifest
        .iter()
        .chain(&tables)
        .chain(&survey.leftovers)
        .chain(stale)
    {
        fs::remove_file(path).map_err(FileError::new("remove", path))?;
    }
    Ok(())
}

fn names(dir: &Path) -> Result<Vec<String>, FileError> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(FileError::new("read", dir))?,
    };
    entries
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<_>>()
        .map_err(FileError::new("read", dir))
}

fn find<'a>(plan: &'a [SplitPlan], file: &str) -> Result<&'a ShardPlan, Why> {
    let name = ShardName::parse(file).ok_or(Why::NotPlanned)?;
    let split = plan.iter().find(|split| split.name == name.split());
    let shards = &split.ok_or(Why::OtherSplit)?.shards;
    let shard = shards.get(name.index() as usize);
    shard
        .filter(|shard| shard.file == file)
        .ok_or(Why::NotPlanned)
}

fn finished(path: &Path, plan: &ShardPlan, on_bad: OnBad) -> Result<(Shard, Note), Why> {
    let shard = Shard::open(path, Io::Map).map_err(|error| Why::Damaged(error.to_string()))?;
    let note = Note::parse(shard.note()).ok_or(Why::Changed("another program wrote it"))?;
    if note.plan != plan.fingerprint {
        return Err(Why::Changed(
            "the source's files or the options have changed",
        ));
    }
    match note.on_bad {
        Some(then) if then != on_bad => Err(Why::Changed(
            "it had bad files, and they are now treated differently",
        )),
        _ => Ok((shard, note)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use imagenet::Layout;
    use record::{NewRecord, ShardWriter};

    use super::*;
    use crate::options::Order;

    fn plan() -> Vec<SplitPlan> {
        let shard = |index| ShardPlan {
            file: format!("train-0000{index}-of-00002.shard"),
            samples: vec![index],
            fingerprint: format!("plan of {index}"),
        };
        vec![SplitPlan {
            name: "train".to_owned(),
            layout: Layout::ClassFolders,
            order: Order::Source,
            source: 0,
            shards: (0..2).map(shard).collect(),
        }]
    }

    fn write(dir: &Path, file: &str, plan: &str, on_bad: Option<OnBad>) {
        let mut writer = ShardWriter::create(dir.join(file)).unwrap();
        let record = NewRecord {
            key: "cats/a.JPEG",
            label: 0,
            width: 1,
            height: 1,
            encoding: 1,
        };
        writer.push(&record, b"payload").unwrap();
        let note = Note {
            plan: plan.to_owned(),
            on_bad,
            odd: Vec::new(),
        };
        writer.finish(&serde_json::to_vec(&note).unwrap()).unwrap();
    }

    #[test]
    fn nothing_there_is_nothing_found() {
        let dir = tempfile::tempdir().unwrap();
        for path in [dir.path().join("new"), dir.path().to_owned()] {
            let survey = survey(&path, &plan(), OnBad::Fail).unwrap();
            assert!(survey.finished.is_empty() && !survey.complete);
        }
    }

    #[test]
    fn a_directory_of_others_is_refused_and_a_dot_file_is_not() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(".nfs0001"), "").unwrap();
        assert!(survey(dir.path(), &plan(), OnBad::Fail).is_ok());
        fs::write(dir.path().join("thesis.tex"), "").unwrap();
        let error = survey(dir.path(), &plan(), OnBad::Fail).unwrap_err();
        assert!(error.to_string().contains("thesis.tex"), "{error}");
    }

    #[test]
    fn finished_stale_and_leftover_files_are_told_apart_and_swept() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "train-00000-of-00002.shard", "plan of 0", None);
        write(dir.path(), "train-00001-of-00002.shard", "another", None);
        write(dir.path(), "train-00000-of-00007.shard", "plan of 0", None);
        fs::write(dir.path().join("train-00001-of-00002.shard.tmp"), "x").unwrap();
        write(dir.path(), "val-00000-of-00001.shard", "plan of 0", None);
        fs::write(dir.path().join(MANIFEST_FILE), "{}").unwrap();
        let survey = survey(dir.path(), &plan(), OnBad::Fail).unwrap();
        assert!(survey.complete);
        assert_eq!(survey.finished.len(), 1);
        let whys: Vec<_> = survey.stale.iter().map(|stale| &stale.why).collect();
        assert!(matches!(
            whys[..],
            [Why::NotPlanned, Why::Changed(_), Why::OtherSplit]
        ));
        assert_eq!(survey.leftovers.len(), 1);
        sweep(dir.path(), &survey).unwrap();
        assert_eq!(names(dir.path()).unwrap(), ["train-00000-of-00002.shard"]);
    }

    #[test]
    fn the_treatment_of_bad_files_matters_only_where_there_were_some() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "train-00000-of-00002.shard", "plan of 0", None);
        let skip = Some(OnBad::Skip);
        write(dir.path(), "train-00001-of-00002.shard", "plan of 1", skip);
        let finished = |on_bad| survey(dir.path(), &plan(), on_bad).unwrap().finished.len();
        assert_eq!(finished(OnBad::Skip), 2);
        assert_eq!(finished(OnBad::Repair), 1);
        assert_eq!(finished(OnBad::Fail), 1);
    }
}
