//! Where to compute. No other file names a backend.
//!
//! A device is named by a backend and, for GPUs, a number: `flex`, `tch`, `tch:cuda:0`, `cuda:0`.
//! Cargo's features decide which of them a build has. An error about a missing one says how to get it.

use std::fmt;
use std::num::NonZeroUsize;

use burn::tensor::Device;

/// The device is not available.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// A backend that this build does not include.
    #[error(
        "device '{device}' is not in this build, which has {}: {fix}",
        built_in()
    )]
    NotInThisBuild {
        /// The requested device.
        device: String,
        /// How to get it.
        fix: &'static str,
    },
    /// No such GPU.
    #[error("device '{device}': {cause}; `train --list-devices` lists the devices")]
    NotThere {
        /// The requested device.
        device: String,
        /// Why not.
        cause: String,
    },
    /// No backend of that name.
    #[error("device '{0}' is not known: it is one of flex, tch, tch:cuda:N and cuda:N (this build has {has})", has = built_in())]
    Unknown(String),
}

/// How to get LibTorch.
#[cfg(not(feature = "tch"))]
const BUILD_WITH_TCH: &str = "run tools/libtorch, then cargo build --release --features tch";
/// How to get LibTorch with a GPU.
const BUILD_WITH_TCH_CUDA: &str =
    "run tools/libtorch --cuda, then cargo build --release --features tch";
/// How to get CubeCL.
#[cfg(not(feature = "cuda"))]
const BUILD_WITH_CUDA: &str = "cargo build --release --features cuda";

/// Why a GPU backend finds no GPU.
#[cfg(any(feature = "tch", feature = "cuda", test))]
const NO_GPU: &str = "there is no NVIDIA GPU, or its driver (libcuda.so.1) is not installed or does not see it: nvidia-smi must list it";

/// The error for a GPU that is not among the `count` GPUs of this machine; `none` says why if there are none at all.
#[cfg(any(feature = "tch", feature = "cuda", test))]
fn not_there(device: &str, count: usize, none: &str) -> DeviceError {
    let cause = match count {
        0 => none.to_owned(),
        1 => "this machine has one NVIDIA GPU, which is number 0".to_owned(),
        _ => format!("this machine has {count} NVIDIA GPUs, counted from 0"),
    };
    DeviceError::NotThere {
        device: device.to_owned(),
        cause,
    }
}

/// A device's name, parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Flex,
    Tch,
    TchCuda(usize),
    Cuda(usize),
}

impl Place {
    fn parse(name: &str) -> Option<Self> {
        let mut words = name.split(':');
        let backend = words.next()?;
        let rest: Vec<&str> = words.collect();
        match (backend, rest.as_slice()) {
            ("flex", []) => Some(Place::Flex),
            ("tch", [] | ["cpu"]) => Some(Place::Tch),
            ("tch", ["cuda"]) => Some(Place::TchCuda(0)),
            ("tch", ["cuda", index]) => index.parse().ok().map(Place::TchCuda),
            ("cuda", []) => Some(Place::Cuda(0)),
            ("cuda", [index]) => index.parse().ok().map(Place::Cuda),
            _ => None,
        }
    }
}

/// The device with that name, without autodiff.
///
/// # Errors
/// There is no such device, or this build does not include it.
pub fn select(name: &str) -> Result<Device, DeviceError> {
    match Place::parse(name) {
        None => Err(DeviceError::Unknown(name.to_owned())),
        Some(Place::Flex) => Ok(Device::flex()),
        Some(Place::Tch) => libtorch::cpu(name),
        Some(Place::TchCuda(index)) => libtorch::gpu(name, index),
        Some(Place::Cuda(index)) => cubecl::gpu(name, index),
    }
}

/// A kind of device, for `--list-devices`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// What `--device` takes.
    pub name: String,
    /// What it is.
    pub what: &'static str,
    /// Why it is not available here, and how to fix that; `None` if it is available.
    pub missing: Option<String>,
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<12} {}", self.name, self.what)?;
        match &self.missing {
            Some(missing) => write!(f, " (not here: {missing})"),
            None => Ok(()),
        }
    }
}

/// Every kind of device, with every GPU by its number.
#[must_use]
pub fn list() -> Vec<Listed> {
    let listed = |name: String, what| Listed {
        missing: select(&name).err().map(|error| match error {
            DeviceError::NotInThisBuild { fix, .. } => fix.to_owned(),
            DeviceError::NotThere { cause, .. } => cause,
            DeviceError::Unknown(_) => error.to_string(),
        }),
        name,
        what,
    };
    let mut all = vec![
        listed("flex".to_owned(), "this CPU, in pure Rust"),
        listed("tch".to_owned(), "this CPU, through LibTorch"),
    ];
    // Without a GPU, its first name says so.
    for index in 0..libtorch::gpu_count().max(1) {
        let what = "an NVIDIA GPU, through LibTorch";
        all.push(listed(format!("tch:cuda:{index}"), what));
    }
    for index in 0..cubecl::gpu_count().max(1) {
        let what = "an NVIDIA GPU, through CubeCL (implemented but untested)";
        all.push(listed(format!("cuda:{index}"), what));
    }
    all
}

/// The backends of this build, for messages.
fn built_in() -> &'static str {
    match (cfg!(feature = "tch"), cfg!(feature = "cuda")) {
        (false, false) => "flex only",
        (true, false) => "flex and tch",
        (false, true) => "flex and cuda",
        (true, true) => "flex, tch and cuda",
    }
}

#[cfg(feature = "tch")]
mod libtorch {
    //! LibTorch, through burn-tch. burn calls it deprecated because its next version drops it; our version is
    //! pinned.
    #![allow(deprecated)]

    use super::{BUILD_WITH_TCH_CUDA, Device, DeviceError, NO_GPU, not_there};

    #[allow(clippy::unnecessary_wraps)] // may fail in builds without LibTorch
    pub(super) fn cpu(_name: &str) -> Result<Device, DeviceError> {
        Ok(Device::libtorch())
    }

    pub(super) fn gpu(name: &str, index: usize) -> Result<Device, DeviceError> {
        let count = gpu_count();
        if index < count {
            // Shapes stay the same, so cuDNN's search for the fastest kernels pays for itself.
            tch::Cuda::cudnn_set_benchmark(true);
            return Ok(Device::libtorch_cuda(index));
        }
        Err(if tch::utils::has_cudart() {
            not_there(name, count, NO_GPU)
        } else {
            let cause = format!("this LibTorch is for the CPU only: {BUILD_WITH_TCH_CUDA}");
            not_there(name, count, &cause)
        })
    }

    pub(super) fn gpu_count() -> usize {
        usize::try_from(tch::Cuda::device_count()).unwrap_or(0)
    }
}

#[cfg(not(feature = "tch"))]
mod libtorch {
    //! Replaces LibTorch in a build without it.

    use super::{BUILD_WITH_TCH, BUILD_WITH_TCH_CUDA, Device, DeviceError};

    pub(super) fn cpu(name: &str) -> Result<Device, DeviceError> {
        Err(DeviceError::NotInThisBuild {
            device: name.to_owned(),
            fix: BUILD_WITH_TCH,
        })
    }

    pub(super) fn gpu(name: &str, _index: usize) -> Result<Device, DeviceError> {
        Err(DeviceError::NotInThisBuild {
            device: name.to_owned(),
            fix: BUILD_WITH_TCH_CUDA,
        })
    }

    pub(super) fn gpu_count() -> usize {
        0
    }
}

#[cfg(feature = "cuda")]
mod cubecl {
    //! NVIDIA GPUs through CubeCL, which compiles its kernels at run time.

    use burn::tensor::DeviceType;

    use super::{Device, DeviceError, NO_GPU, not_there};

    pub(super) fn gpu(name: &str, index: usize) -> Result<Device, DeviceError> {
        // CubeCL panics when it first uses a GPU that does not exist, but it can be asked beforehand.
        let count = gpu_count();
        if index < count {
            return Ok(Device::cuda(index));
        }
        Err(not_there(name, count, NO_GPU))
    }

    pub(super) fn gpu_count() -> usize {
        Device::enumerate(DeviceType::Cuda).len()
    }
}

#[cfg(not(feature = "cuda"))]
mod cubecl {
    //! Replaces CubeCL in a build without it.

    use super::{BUILD_WITH_CUDA, Device, DeviceError};

    pub(super) fn gpu(name: &str, _index: usize) -> Result<Device, DeviceError> {
        Err(DeviceError::NotInThisBuild {
            device: name.to_owned(),
            fix: BUILD_WITH_CUDA,
        })
    }

    pub(super) fn gpu_count() -> usize {
        0
    }
}

/// Whether the device with that name is a GPU.
#[must_use]
pub fn is_gpu(device: &str) -> bool {
    let place = Place::parse(device);
    matches!(place, Some(Place::TchCuda(_) | Place::Cuda(_)))
}

/// How many threads read and decode by default. A network on the CPU uses all cores, and a loader with more than a
/// quarter of them would slow it down. With a network on a GPU, the loader gets all cores except the one that drives
/// the GPU.
#[must_use]
pub fn default_workers(device: &str) -> NonZeroUsize {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let workers = if is_gpu(device) { cores - 1 } else { cores / 4 };
    NonZeroUsize::new(workers).unwrap_or(NonZeroUsize::MIN)
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
    fn names_are_read() {
        assert_eq!(Place::parse("flex"), Some(Place::Flex));
        assert_eq!(Place::parse("tch"), Some(Place::Tch));
        assert_eq!(Place::parse("tch:cuda:3"), Some(Place::TchCuda(3)));
        assert_eq!(Place::parse("tch:cuda"), Some(Place::TchCuda(0)));
        assert_eq!(Place::parse("cuda:1"), Some(Place::Cuda(1)));
        for name in [
            "",
            "warp",
            "flex:1",
            "tch:1",
            "tch:cuda:x",
            "cuda:0:0",
            "cuda:-1",
        ] {
            assert_eq!(Place::parse(name), None, "{name}");
        }
    }

    #[test]
    fn flex_is_always_there_and_others_say_what_is() {
        assert!(select("flex").is_ok());
        for name in ["warp", "flex:1", ""] {
            let message = select(name).unwrap_err().to_string();
            assert!(message.contains("flex"), "{message}");
            assert!(message.contains(&format!("'{name}'")), "{message}");
        }
    }

    #[test]
    fn what_is_missing_says_how_to_get_it() {
        let said = |name| select(name).err().map(|error| error.to_string());
        if cfg!(feature = "tch") {
            assert_eq!(said("tch"), None);
        } else {
            assert!(said("tch").unwrap().contains("tools/libtorch"));
        }
        // A number that no machine reaches, so that a GPU makes no difference.
        for (name, built, fix) in [
            (
                "tch:cuda:99",
                cfg!(feature = "tch"),
                "tools/libtorch --cuda",
            ),
            ("cuda:99", cfg!(feature = "cuda"), "--features cuda"),
        ] {
            let message = said(name).unwrap();
            assert!(message.contains(&format!("'{name}'")), "{message}");
            let fixes = if built {
                vec!["nvidia-smi", "counted from 0", "number 0", "--cuda"]
            } else {
                vec![fix]
            };
            assert!(fixes.iter().any(|fix| message.contains(fix)), "{message}");
        }
    }

    #[test]
    fn the_error_for_a_missing_gpu_says_how_many_there_are() {
        let said = |count| not_there("cuda:7", count, NO_GPU).to_string();
        assert!(said(0).contains("driver (libcuda.so.1)"), "{}", said(0));
        assert!(said(1).contains("one NVIDIA GPU"), "{}", said(1));
        assert!(said(4).contains("4 NVIDIA GPUs"), "{}", said(4));
        for count in [0, 1, 4] {
            assert!(said(count).contains("'cuda:7'"), "{}", said(count));
            assert!(said(count).contains("--list-devices"), "{}", said(count));
        }
    }

    #[test]
    fn the_list_says_whether_each_is_available() {
        let list = list();
        assert!(list.len() >= 4);
        for device in list {
            assert_eq!(device.missing.is_none(), select(&device.name).is_ok());
        }
    }
}
