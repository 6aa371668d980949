//! Fills `fuzz/weights/corpus` with small files of every kind: `cargo run --manifest-path
//! fuzz/weights/Cargo.toml --example seeds`. The files that PyTorch and MindSpore wrote are the
//! fixtures of `crates/weight-files`.

use std::error::Error;
use std::fs;
use std::path::Path;

use weight_files::{Encoder, Format, Precision};

fn main() -> Result<(), Box<dyn Error>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let put = |target: &str, name: &str, bytes: &[u8]| {
        let dir = here.join("corpus").join(target);
        fs::create_dir_all(&dir)?;
        fs::write(dir.join(name), bytes)
    };
    for format in Format::ALL {
        for precision in [Precision::F32, Precision::F16, Precision::BF16] {
            let file = small(format, precision)?;
            put(&format.to_string(), &precision.to_string(), &file)?;
            if format == Format::Pth {
                put("pickle", &precision.to_string(), pickle(&file))?;
            }
        }
    }
    for entry in fs::read_dir(here.join("../../crates/weight-files/tests/fixtures"))? {
        let path = entry?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let bytes = fs::read(&path)?;
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("pth") => {
                put("pth", name, &bytes)?;
                put("pickle", name, pickle(&bytes))?;
            }
            Some("ckpt") => {
                put("ckpt", name, &bytes)?;
                put("ckpt", "without_checksum", &bytes[..bytes.len() - 17])?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Tensors of several shapes, under names that translation changes and under some that it leaves.
fn small(format: Format, precision: Precision) -> Result<Vec<u8>, weight_files::Error> {
    let tensors = [
        ("weight", vec![2, 3]),
        ("bias", vec![3]),
        ("scale", vec![]),
        ("nothing", vec![0, 2]),
    ];
    let tensors: Vec<_> = tensors.map(|(name, shape)| (name.to_owned(), shape)).into();
    let mut file = Encoder::new(Vec::new(), "seed", format, precision, tensors)?;
    file.tensor(&[0.5, -1.0, 2.0, 3.0, 0.0, 7.0])?;
    file.tensor(&[1.0, 2.0, 4.0])?;
    file.tensor(&[0.25])?;
    file.tensor(&[])?;
    file.finish()
}

/// From a pickle's protocol byte to the header of the next member.
fn pickle(file: &[u8]) -> &[u8] {
    let find = |from: usize, what: &[u8]| {
        let mut at = file[from..].windows(what.len());
        at.position(|window| window == what)
            .map_or(file.len(), |at| from + at)
    };
    let start = find(0, b"\x80\x02");
    &file[start..find(start, b"PK")]
}
