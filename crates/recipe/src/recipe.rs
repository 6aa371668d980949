//! The recipe itself: one field for each key that has an effect, and its default. What the keys mean stands in the
//! table of `keys`.

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::spelling;
use crate::words::{
    AmpDtype, AmpLevel, Architecture, Cell, Initialisation, Interpolation, Io, KeepPolicy,
    LossName, LossScaleType, OptimizerName, Scheduler, WeightDecayFilter,
};
use crate::{Decode, OnError};

/// Everything that defines a run. The fields are MindCV's keys, and ours where MindCV has none. The key
/// table ([`all_keys`](crate::all_keys)) says what each one means. It serialises to a map of the same keys, in this
/// order, which checkpoints hold.
///
/// The defaults are MindCV's, except `opt`, which is adam there and momentum here, as in MindCV's Inception-v4 recipe,
/// and `model`, which is mobilenet_v2 there.
#[allow(missing_docs)] // the row of the same name in the key table describes a field
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recipe {
    pub device: String,
    pub workers: Option<NonZeroUsize>,
    pub seed: u64,
    pub log_interval: NonZeroU64,
    pub tensorboard: bool,
    pub val_while_train: bool,
    pub val_interval: NonZeroU64,

    pub data_dir: PathBuf,
    pub train_split: String,
    pub val_split: String,
    pub batch_size: NonZeroU32,
    pub num_parallel_workers: NonZeroUsize,
    pub io: Io,
    pub on_error: OnError,
    pub shuffle: bool,
    #[serde(deserialize_with = "spelling::optional_count")]
    pub shuffle_window: Option<NonZeroU64>,
    pub readahead: u64,
    pub decode: Decode,
    pub drop_remainder: bool,
    #[serde(deserialize_with = "spelling::optional_count")]
    pub num_samples: Option<NonZeroU64>,

    pub image_resize: NonZeroU32,
    pub crop_pct: f64,
    pub interpolation: Interpolation,
    pub mean: [f32; 3],
    pub std: [f32; 3],
    pub scale: [f64; 2],
    pub ratio: [f64; 2],
    pub hflip: f64,
    pub vflip: f64,
    #[serde(deserialize_with = "spelling::jitter")]
    pub color_jitter: Option<[f64; 3]>,
    #[serde(deserialize_with = "spelling::optional_word")]
    pub auto_augment: Option<String>,
    pub aug_splits: u32,
    pub aug_repeats: u32,
    pub re_prob: f64,
    pub re_scale: [f64; 2],
    pub re_ratio: [f64; 2],
    #[serde(deserialize_with = "spelling::channels")]
    pub re_value: [f64; 3],
    pub re_max_attempts: NonZeroU32,
    pub mixup: f64,
    pub cutmix: f64,
    pub cutmix_prob: f64,

    pub model: Architecture,
    pub num_classes: Option<NonZeroUsize>,
    pub width: f64,
    pub blocks: Option<[usize; 3]>,
    pub residual_scale: [f64; 3],
    pub init: Initialisation,
    pub drop_rate: f64,
    pub drop_path_rate: f64,
    pub bn_momentum: f64,

    pub ckpt_path: Option<PathBuf>,
    pub resume_opt: bool,
    pub ckpt_save_dir: PathBuf,
    pub ckpt_save_interval: NonZeroU64,
    pub ckpt_save_steps: Option<NonZeroU64>,
    pub ckpt_save_policy: KeepPolicy,
    pub keep_checkpoint_max: NonZeroUsize,
    pub ema: bool,
    pub ema_decay: f64,

    pub opt: OptimizerName,
    pub momentum: f64,
    pub use_nesterov: bool,
    pub weight_decay: f64,
    pub weight_decay_filter: WeightDecayFilter,
    pub eps: Option<f64>,
    pub layer_decay: Option<f64>,
    pub gradient_accumulation_steps: NonZeroU64,
    pub clip_grad: bool,
    pub clip_value: f64,
    pub nonfinite_skips: u64,

    pub epoch_size: NonZeroU64,
    pub scheduler: Scheduler,
    pub lr: f64,
    pub min_lr: f64,
    pub warmup_epochs: u64,
    pub warmup_factor: f64,
    pub decay_epochs: u64,
    pub lr_for_batch: Option<NonZeroU32>,
    pub lr_epoch_stair: bool,
    pub decay_rate: f64,
    pub multi_step_decay_milestones: Vec<u64>,
    pub num_cycles: NonZeroU64,
    pub cycle_decay: f64,

    pub loss: LossName,
    pub label_smoothing: f64,
    pub amp_level: AmpLevel,
    pub val_amp_level: AmpLevel,
    pub amp_dtype: AmpDtype,
    #[serde(deserialize_with = "spelling::cells")]
    pub amp_cast_list: Option<Vec<Cell>>,
    pub loss_scale_type: LossScaleType,
    pub loss_scale: f64,
}

impl Default for Recipe {
    fn default() -> Self {
        Recipe {
            device: "flex".to_owned(),
            workers: None,
            seed: 42,
            log_interval: nonzero(100),
            tensorboard: true,
            val_while_train: false,
            val_interval: nonzero(1),

            data_dir: PathBuf::from("./"),
            train_split: "train".to_owned(),
            val_split: "val".to_owned(),
            batch_size: NonZeroU32::MIN.saturating_add(127),
            num_parallel_workers: NonZeroUsize::MIN.saturating_add(7),
            io: Io::Map,
            on_error: OnError::Fail,
            shuffle: true,
            shuffle_window: None,
            readahead: 64,
            decode: Decode::Fast,
            drop_remainder: true,
            num_samples: None,

            image_resize: NonZeroU32::MIN.saturating_add(223),
            crop_pct: 0.875,
            interpolation: Interpolation::Bilinear,
            mean: [0.485 * 255.0, 0.456 * 255.0, 0.406 * 255.0],
            std: [0.229 * 255.0, 0.224 * 255.0, 0.225 * 255.0],
            scale: [0.08, 1.0],
            ratio: [0.75, 1.333],
            hflip: 0.5,
            vflip: 0.0,
            color_jitter: Some([0.4; 3]),
            auto_augment: None,
            aug_splits: 0,
            aug_repeats: 0,
            re_prob: 0.0,
            re_scale: [0.02, 0.33],
            re_ratio: [0.3, 3.3],
            re_value: [0.0; 3],
            re_max_attempts: NonZeroU32::MIN.saturating_add(9),
            mixup: 0.0,
            cutmix: 0.0,
            cutmix_prob: 1.0,

            model: Architecture::InceptionV4,
            num_classes: None,
            width: 1.0,
            blocks: None,
            residual_scale: [0.17, 0.10, 0.20],
            init: Initialisation::XavierUniform,
            drop_rate: 0.2,
            drop_path_rate: 0.0,
            bn_momentum: 3e-4,

            ckpt_path: None,
            resume_opt: false,
            ckpt_save_dir: PathBuf::from("./ckpt"),
            ckpt_save_interval: nonzero(1),
            ckpt_save_steps: None,
            ckpt_save_policy: KeepPolicy::LatestK,
            keep_checkpoint_max: NonZeroUsize::MIN.saturating_add(9),
            ema: false,
            ema_decay: 0.9999,

            opt: OptimizerName::Momentum,
            momentum: 0.9,
            use_nesterov: false,
            weight_decay: 1e-6,
            weight_decay_filter: WeightDecayFilter::Disable,
            eps: None,
            layer_decay: None,
            gradient_accumulation_steps: NonZeroU64::MIN,
            clip_grad: false,
            clip_value: 15.0,
            nonfinite_skips: 3,

            epoch_size: nonzero(90),
            scheduler: Scheduler::CosineDecay,
            lr: 0.001,
            min_lr: 1e-6,
            warmup_epochs: 3,
            warmup_factor: 0.0,
            decay_epochs: 100,
            lr_for_batch: None,
            lr_epoch_stair: false,
            decay_rate: 0.9,
            multi_step_decay_milestones: Vec::new(),
            num_cycles: NonZeroU64::MIN,
            cycle_decay: 1.0,

            loss: LossName::CrossEntropy,
            label_smoothing: 0.0,
            amp_level: AmpLevel::O0,
            val_amp_level: AmpLevel::O0,
            amp_dtype: AmpDtype::Bf16,
            amp_cast_list: None,
            loss_scale_type: LossScaleType::Fixed,
            loss_scale: 1.0,
        }
    }
}

fn nonzero(value: u64) -> NonZeroU64 {
    NonZeroU64::new(value).unwrap_or(NonZeroU64::MIN)
}
