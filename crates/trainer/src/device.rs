//! Where to compute. The only file that names a backend.

use std::num::NonZeroUsize;

use burn::tensor::Device;

/// The device is not one of this build.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// A backend that exists, but that this build was made without.
    #[error(
        "device '{0}': this build computes on flex only (pure Rust, on the CPU); pass --device flex"
    )]
    NotInThisBuild(String),
    /// No backend of that name.
    #[error("device '{0}' is not known; this build has flex (pure Rust, on the CPU)")]
    Unknown(String),
}

/// The device of that name, without autodiff.
///
/// # Errors
/// The name is not `flex`.
pub fn select(name: &str) -> Result<Device, DeviceError> {
    match name.split(':').next().unwrap_or_default() {
        "flex" if name == "flex" => Ok(Device::flex()),
        "tch" | "libtorch" | "cuda" | "cpu" | "wgpu" | "metal" | "rocm" => {
            Err(DeviceError::NotInThisBuild(name.to_owned()))
        }
        _ => Err(DeviceError::Unknown(name.to_owned())),
    }
}

/// How many threads read and decode when the recipe does not say: a quarter of the cores, at least
/// one. flex computes on all cores, so a loader that took more would slow the network it feeds.
#[must_use]
pub fn default_workers() -> NonZeroUsize {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    NonZeroUsize::new(cores / 4).unwrap_or(NonZeroUsize::MIN)
}

/// The processor, its threads and the memory of this machine, as far as Linux says it.
#[must_use]
pub fn machine() -> String {
    let field = |file: &str, name: &str| {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let processor = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned());
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let memory = field("/proc/meminfo", "MemTotal");
    let kib = memory.and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
    let memory = kib.map_or(String::new(), |kib| {
        format!(", {:.0} GiB", kib / 1024.0 / 1024.0)
    });
    format!("{processor}, {threads} threads{memory}")
}

/// The device of the crate's tests.
#[cfg(test)]
pub(crate) fn cpu_for_tests() -> Device {
    Device::flex()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn flex_is_there_and_others_say_what_is() {
        assert!(select("flex").is_ok());
        for name in ["tch", "cuda", "cuda:1", "warp", "flex:1", ""] {
            let message = select(name).unwrap_err().to_string();
            assert!(message.contains("flex"), "{message}");
            assert!(message.contains(&format!("'{name}'")), "{message}");
        }
    }
}
