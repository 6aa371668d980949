//! For build scripts: makes a package's binaries and tests find LibTorch when they run, without
//! `LD_LIBRARY_PATH`. The bindings (`tch`) find LibTorch by themselves when they are compiled.

#![forbid(unsafe_code)]

use std::env;
use std::path::{Path, PathBuf};
use std::process;

/// Prints the instructions for Cargo if the package is built with its feature `tch`: a run path to
/// LibTorch's folder, and a dependency on its CUDA library if there is one (no symbol of it is used directly, so the linker would drop
/// it, and the GPU would not be found).
///
/// If there is no LibTorch, it ends the build with a message that says how to fix it.
pub fn emit() {
    println!("cargo::rerun-if-env-changed=LIBTORCH");
    println!("cargo::rerun-if-env-changed=LIBTORCH_LIB");
    if env::var_os("CARGO_FEATURE_TCH").is_none() {
        return;
    }
    let root = root("LIBTORCH_LIB");
    for file in version_files(&root) {
        println!("cargo::rerun-if-changed={}", file.display());
    }
    let Ok(lib) = root.join("lib").canonicalize() else {
        println!(
            "cargo::error=there is no LibTorch at '{}': run tools/libtorch, or set LIBTORCH to its folder",
            root.display()
        );
        process::exit(1);
    };
    println!("cargo::rustc-link-arg=-Wl,-rpath,{}", lib.display());
    if lib.join("libtorch_cuda.so").exists() {
        println!("cargo::rustc-link-arg=-L{}", lib.display());
        println!("cargo::rustc-link-arg=-Wl,--no-as-needed,-ltorch_cuda,--as-needed");
    }
}

/// The files that say which LibTorch is in the folder, and so change with it. They come from `tools/libtorch`, PyTorch's
/// Python package or its C++ archive. Only files that exist are watched: Cargo treats a missing file as changed and would
/// rebuild every time.
fn version_files(root: &Path) -> Vec<PathBuf> {
    let names = ["version", "version.py", "build-version"];
    let files = names.map(|name| root.join(name));
    files.into_iter().filter(|file| file.exists()).collect()
}

/// LibTorch's include folders, for a C++ compiler.
#[must_use]
pub fn include_dirs() -> [PathBuf; 2] {
    let include = root("LIBTORCH_INCLUDE").join("include");
    ["", "torch/csrc/api/include"].map(|folder| include.join(Path::new(folder)))
}

/// The variable's value, or `LIBTORCH`, which `.cargo/config.toml` sets.
fn root(variable: &str) -> PathBuf {
    env::var_os(variable)
        .or_else(|| env::var_os("LIBTORCH"))
        .map(PathBuf::from)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;

    use super::*;

    #[test]
    fn only_files_that_exist_are_watched() {
        let root = tempfile::tempdir().unwrap();
        assert!(version_files(root.path()).is_empty());
        fs::write(root.path().join("version.py"), "__version__ = '2.11.0'").unwrap();
        assert_eq!(version_files(root.path()), [root.path().join("version.py")]);
        fs::write(root.path().join("version"), "2.9.0 (cpu)").unwrap();
        assert_eq!(version_files(root.path()).len(), 2);
    }
}
