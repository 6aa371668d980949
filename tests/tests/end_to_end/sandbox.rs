//! A temporary folder for each test, and the programs to run in it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::sync::OnceLock;
use std::{env, fs};

use assert_cmd::assert::OutputAssertExt;
use made_images::MadeSet;
use serde_json::Value;
use tempfile::TempDir;

/// A temporary folder, which is removed at the end.
pub(crate) struct Sandbox {
    dir: TempDir,
}

/// The exit code and the output of a program.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { dir }
    }

    /// With a folder `raw/` of small images: this many `train` and `val` images of each of three classes.
    pub(crate) fn with_images(train: usize, val: usize) -> Self {
        let sandbox = Self::new();
        MadeSet {
            classes: 3,
            train,
            val,
            sides: (48, 80),
            seed: 7,
        }
        .write(&sandbox.path("raw"))
        .unwrap();
        sandbox
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs a program in the folder. Spaces separate the arguments.
    pub(crate) fn run(&self, program: &str, args: &str) -> Ran {
        let output = self.command(program, args).output().unwrap();
        Ran::from(output)
    }

    /// Runs `shard`, which must succeed.
    pub(crate) fn shard(&self, args: &str) -> Ran {
        let output = self.command("shard", args).assert().success();
        Ran::from(output.get_output().clone())
    }

    pub(crate) fn command(&self, program: &str, args: &str) -> Command {
        let mut command = Command::new(binary(program));
        command.args(args.split_whitespace());
        command.current_dir(self.dir.path());
        command
    }

    /// A program that another program starts: `nohup`, or `env` with a flag.
    pub(crate) fn command_behind(&self, first: &str, program: &str, args: &str) -> Command {
        let mut words = first.split_whitespace();
        let mut command = Command::new(words.next().unwrap());
        command.args(words).arg(binary(program));
        command.args(args.split_whitespace());
        command.current_dir(self.dir.path());
        command
    }

    /// Path and contents of every file below a folder.
    pub(crate) fn files(&self, name: &str) -> BTreeMap<PathBuf, Vec<u8>> {
        let root = self.path(name);
        let mut files = BTreeMap::new();
        collect(&root, &root, &mut files);
        files
    }

    /// Changes one byte of a file.
    pub(crate) fn flip(&self, name: &str, offset: u64) {
        let path = self.path(name);
        let mut bytes = fs::read(&path).unwrap();
        bytes[offset as usize] ^= 0x10;
        fs::write(&path, bytes).unwrap();
    }

    /// The manifest of the data set in `name`.
    pub(crate) fn manifest(&self, name: &str) -> Value {
        let json = fs::read(self.path(name).join("dataset.json")).unwrap();
        serde_json::from_slice(&json).unwrap()
    }
}

impl Ran {
    /// Standard output, parsed as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// Asserts the exit code.
    pub(crate) fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// Asserts that standard output or standard error contains each of these.
    pub(crate) fn says(self, words: &[&str]) -> Self {
        for word in words {
            let said = self.stdout.contains(word) || self.stderr.contains(word);
            assert!(said, "{word:?} is not in this:\n{self}");
        }
        self
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            code,
            stdout,
            stderr,
        } = self;
        write!(
            f,
            "exit code {code:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}"
        )
    }
}

/// The packages whose programs the tests run.
const PROGRAMS: [&str; 4] = ["shard", "train", "weights", "make-images"];

/// Starts a program with the default action for SIGHUP, even if these tests run under `nohup`.
pub(crate) const HANG_UP_ENDS: &str = "env --default-signal=HUP";

/// Sends a signal to a program.
pub(crate) fn send(signal: &str, child: &Child) {
    let pid = child.id().to_string();
    let sent = Command::new("kill").args(["-s", signal, &pid]).status();
    assert!(sent.unwrap().success());
}

/// The program, as the sources are now: the first call builds all programs.
pub(crate) fn binary(program: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(build).join(program)
}

/// Builds the programs with the profile and the target directory of these tests, and returns the folder they are in.
fn build() -> PathBuf {
    let test = env::current_exe().unwrap(); // target/debug/deps/end_to_end-…
    let folder = test.parent().and_then(Path::parent).unwrap();
    let profile = match folder.file_name().and_then(OsStr::to_str).unwrap() {
        "debug" => "dev",
        name => name,
    };
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    cargo.args([
        "build",
        "--quiet",
        "--locked",
        "--bins",
        "--profile",
        profile,
    ]);
    cargo.args(PROGRAMS.map(|package| format!("--package={package}")));
    cargo.arg("--target-dir").arg(folder.parent().unwrap());
    let built = Ran::from(cargo.output().unwrap());
    assert_eq!(built.code, Some(0), "the programs do not build: {built}");
    folder.to_owned()
}

fn collect(root: &Path, dir: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let name = path.strip_prefix(root).unwrap().to_owned();
            files.insert(name, fs::read(&path).unwrap());
        }
    }
}
