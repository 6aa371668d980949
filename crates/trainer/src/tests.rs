//! The modules of the crate use one another in one direction only.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

/// Each module may use itself and those before it.
const ORDER: [&str; 11] = [
    "io_advice",
    "device",
    "recipe",
    "step",
    "data",
    "checkpoint",
    "network",
    "log",
    "evaluate",
    "run",
    "html_report",
];

#[test]
fn modules_use_only_those_before_them() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut used = 0;
    for file in sources(&src) {
        let path = file.strip_prefix(&src).unwrap();
        let module = path.components().next().unwrap().as_os_str();
        let module = module.to_str().unwrap().trim_end_matches(".rs");
        let Some(ours) = place(module) else {
            continue; // lib.rs, and what is compiled for tests alone
        };
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("\nmod tests {").next().unwrap();
        for other in modules_named_in(code) {
            let Some(theirs) = place(&other) else {
                panic!("{}: {other} has no place in the order", path.display());
            };
            assert!(theirs <= ours, "{}: uses {other}", path.display());
            used += usize::from(theirs < ours);
        }
    }
    assert!(used > 50, "only {used} uses were found");
}

#[test]
fn names_are_found_in_every_form_of_use() {
    let code = "use crate::a::B;\nuse crate::{c::D, e};\n/// [`crate::f`]\nlet x = crate::g();";
    assert_eq!(modules_named_in(code), ["a", "c", "e", "g"]);
}

fn place(module: &str) -> Option<usize> {
    ORDER.iter().position(|known| *known == module)
}

/// Every file of the crate, without those of tests.
fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let is_test = path.file_stem().is_some_and(|name| name == "tests");
        if path.is_dir() && !is_test {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") && !is_test {
            found.push(path);
        }
    }
    found
}

/// The names after `crate::` in code, without comments: one name, or the first names of a list in braces.
fn modules_named_in(code: &str) -> Vec<String> {
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    let code: Vec<&str> = code.lines().filter(is_code).collect();
    let code = code.join("\n");
    let name = |text: &str| -> String {
        let text = text.trim_start().chars();
        text.take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let mut found = Vec::new();
    for (index, _) in code.match_indices("crate::") {
        let rest = &code[index + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(list) => found.extend(list.split('}').next().unwrap().split(',').map(name)),
            None => found.push(name(rest)),
        }
    }
    found.retain(|name| !name.is_empty());
    found
}
