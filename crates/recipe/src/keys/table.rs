//! The rows of the key table, a line each. [`Key`] says what a column means.

use loader::Policy;

use super::Group::{
    Augmentation, Checkpoint, Data, Loss, Model, Optimizer, Precision, Schedule, System,
};
use super::Support::{Full, Ignored, Off, Only, Words};
use super::{Group, Key, Support};
use crate::words::OptimizerName;

/// A key that matters only to training.
const fn training(name: &'static str, group: Group, support: Support, help: &'static str) -> Key {
    Key {
        name,
        group,
        support,
        evaluation: false,
        loading: false,
        help,
    }
}

/// A key that matters to validation and prediction too.
const fn always(name: &'static str, group: Group, support: Support, help: &'static str) -> Key {
    Key {
        name,
        group,
        support,
        evaluation: true,
        loading: false,
        help,
    }
}

impl Key {
    /// The key matters to the loader.
    const fn loads(mut self) -> Key {
        self.loading = true;
        self
    }
}

const OFF: Support = Off(&["false"]);

#[rustfmt::skip] // a row is a line
pub(super) const KEYS: &[Key] = &[
    always("device", System, Full, "Where to compute: flex (this CPU), tch, tch:cuda:0, cuda:0; see `train --list-devices`"),
    always("workers", System, Full, "Threads that read and decode [default: num_parallel_workers, at most a quarter of the cores, at least 1]"),
    training("seed", System, Full, "Seed of initialisation, shuffling, augmentation and dropout"),
    training("log_interval", System, Full, "Log every N-th step"),
    training("tensorboard", System, Full, "Also write event files for TensorBoard into ckpt_save_dir"),
    training("val_while_train", System, Full, "Validate at the end of epochs"),
    training("val_interval", System, Full, "Validate after every N-th epoch"),
    training("distribute", System, OFF, "More than one device (not implemented yet)"),
    training("mode", System, Ignored("there are no graph or eager modes to choose from"), "MindSpore's execution mode"),
    training("device_target", System, Ignored("it names MindSpore's devices; use --device"), "MindSpore's device"),
    training("dataset_sink_mode", System, Ignored("batches are always prefetched"), "How MindSpore feeds a device"),
    always("data_dir", Data, Full, "The data set: a directory that `shard build` wrote"),
    always("val_split", Data, Full, "Split to validate on"),
    always("batch_size", Data, Full, "Images per step").loads(),
    always("num_parallel_workers", Data, Full, "Like --workers, but limited to a quarter of the cores"),
    always("io", Data, Full, "How shards are read: map (memory map), pread (positioned reads, for network file systems)"),
    always("on_error", Data, Full, "What to do with a record that cannot be read or decoded: fail, or skip (leave it out and count it)"),
    training("train_split", Data, Full, "Split to train on"),
    training("shuffle", Data, Full, "A new order in each epoch").loads(),
    training("shuffle_window", Data, Full, "For data sets larger than memory: shuffle within windows of this many records; 0 shuffles all").loads(),
    training("readahead", Data, Full, "How many records ahead the disk is asked to read; 0 turns it off").loads(),
    training("decode", Data, Full, "How training images are decoded: fast (fused kernels), or exact (libjpeg-turbo, Pillow's resampling)").loads(),
    training("drop_remainder", Data, Full, "Leave out the last batch of an epoch if it is not full").loads(),
    training("num_samples", Data, Full, "Images per epoch, drawn anew for each (without shuffle: the first ones); none takes all").loads(),
    training("dataset", Data, Ignored("the shards say what they hold"), "MindCV's name of the data set"),
    training("dataset_download", Data, Only(&["false"], "nothing is downloaded; `shard build` packs what is on the disk"), "Download the data set"),
    training("eval_shuffle", Data, Ignored("the order of validation changes no metric"), "Shuffle the validation set"),
    always("image_resize", Augmentation, Full, "Side of the images that the network sees, in pixels").loads(),
    always("crop_pct", Augmentation, Full, "Validation: scale the short side to floor(image_resize / crop_pct), then take the centre").loads(),
    always("interpolation", Augmentation, Words(&["bilinear", "bicubic", "nearest", "plain_bilinear"]), "Resampling: bilinear, bicubic (both antialiased as in Pillow), nearest, plain_bilinear (as in OpenCV, which MindCV uses)").loads(),
    always("mean", Augmentation, Full, "Mean of each channel, in 0..255").loads(),
    always("std", Augmentation, Full, "Standard deviation of each channel, in 0..255").loads(),
    training("scale", Augmentation, Full, "Random crop: share of the image's area, smallest and largest").loads(),
    training("ratio", Augmentation, Full, "Random crop: aspect ratio, smallest and largest").loads(),
    training("hflip", Augmentation, Full, "Probability of a horizontal flip").loads(),
    training("vflip", Augmentation, Full, "Probability of a vertical flip").loads(),
    training("re_prob", Augmentation, Full, "Random erasing: probability").loads(),
    training("re_scale", Augmentation, Full, "Random erasing: share of the area, smallest and largest").loads(),
    training("re_ratio", Augmentation, Full, "Random erasing: aspect ratio, smallest and largest").loads(),
    training("re_max_attempts", Augmentation, Full, "Random erasing: attempts to find a rectangle before giving up").loads(),
    training("re_value", Augmentation, Full, "Random erasing: the value that is left, after normalisation: a number (0 is the mean), or three").loads(),
    training("auto_augment", Augmentation, Full, Policy::HELP).loads(),
    training("color_jitter", Augmentation, Full, "Strength of brightness, contrast and saturation jitter: a number, three, or none").loads(),
    training("mixup", Augmentation, Full, "Mixup: alpha of the beta distribution; 0 turns it off").loads(),
    training("cutmix", Augmentation, Full, "CutMix: alpha of the beta distribution; 0 turns it off").loads(),
    training("cutmix_prob", Augmentation, Full, "Share of batches that mixup or CutMix is applied to").loads(),
    training("aug_splits", Augmentation, Full, "3 gives each image a clean view and two augmented by auto_augment, for loss JSD; 0 turns it off").loads(),
    training("aug_repeats", Augmentation, Full, "Repeated augmentation: an epoch visits one image in N, and each N times; 0 or 1 turns it off").loads(),
    always("model", Model, Words(&["inception_v4", "inception_resnet_v2", "inception_resnet_v2_paper", "inception_resnet_v1"]), "The network: inception_v4, inception_resnet_v2 (timm's), inception_resnet_v2_paper, inception_resnet_v1"),
    always("num_classes", Model, Full, "Classes [default: those of the data set]"),
    always("in_channels", Model, Only(&["3"], "records hold colour images"), "Colour channels; only 3"),
    always("width", Model, Full, "Factor on all channel counts; below 1 makes a smaller network"),
    always("blocks", Model, Full, "Numbers of A, B and C blocks [default: the published network's; 4,7,3 for inception_v4]"),
    always("residual_scale", Model, Full, "Factors on the residuals of the A, B and C blocks of Inception-ResNet"),
    training("init", Model, Full, "Initial weights of convolutions: xavier_uniform (MindCV), truncated_normal (TF-slim)"),
    training("drop_rate", Model, Full, "Dropout before the classifier"),
    training("bn_momentum", Model, Full, "BatchNorm: weight of the new value in the moving average (MindCV 0.0003, timm 0.1)"),
    training("drop_path_rate", Model, Full, "Stochastic depth of Inception-ResNet: how often training leaves out the last residual; earlier ones less often"),
    training("pretrained", Model, Only(&["false"], "nothing is downloaded; --ckpt-path reads published weights from a file"), "Download weights"),
    always("ckpt_path", Checkpoint, Full, "Checkpoint directory, or weights: .safetensors, PyTorch's .pth, MindSpore's .ckpt"),
    training("resume_opt", Checkpoint, Full, "Continue the run of --ckpt-path, with its optimizer, schedule and data order"),
    training("ckpt_save_dir", Checkpoint, Full, "Directory for checkpoints, metrics.jsonl and result.log"),
    training("ckpt_save_interval", Checkpoint, Full, "Save after every N-th epoch, and after the last one"),
    training("ckpt_save_steps", Checkpoint, Full, "Also save after every N-th step"),
    training("ckpt_save_policy", Checkpoint, Words(&["latest_k", "top_k", "none"]), "Which checkpoints to keep: the newest (latest_k), those with the best top-1 (top_k), all (none)"),
    training("keep_checkpoint_max", Checkpoint, Full, "How many checkpoints to keep; the newest and the best are always kept"),
    training("ema", Checkpoint, Full, "Keep a moving average (EMA) of weights and statistics; validate and save it too"),
    training("ema_decay", Checkpoint, Full, "Decay of the moving average, times 1 - exp(-updates / 2000)"),
    training("opt", Optimizer, Words(OptimizerName::WORDS), OptimizerName::HELP),
    training("momentum", Optimizer, Full, "Momentum for momentum and rmsprop"),
    training("use_nesterov", Optimizer, Full, "Use Nesterov's momentum"),
    training("weight_decay", Optimizer, Full, OptimizerName::WEIGHT_DECAY_HELP),
    training("weight_decay_filter", Optimizer, Words(&["disable", "auto", "norm_and_bias"]), "What to exclude from weight decay: nothing (disable), BatchNorm (auto), BatchNorm and biases (norm_and_bias)"),
    training("gradient_accumulation_steps", Optimizer, Full, "Batches per update; their gradients are averaged over images"),
    training("clip_grad", Optimizer, Full, "Clip the norm of all gradients together to clip_value"),
    training("clip_value", Optimizer, Full, "The norm to clip to"),
    training("layer_decay", Optimizer, Full, "Each layer learns more slowly than the one above it, by this factor; or none"),
    training("eps", Optimizer, Full, OptimizerName::EPS_HELP),
    training("nonfinite_skips", Optimizer, Full, "How many batches in a row may be skipped because loss or gradient is NaN or infinite; one more ends the run"),
    training("epoch_size", Schedule, Full, "Number of epochs"),
    training("scheduler", Schedule, Words(&["constant", "cosine_decay", "warmup_cosine_decay", "step_decay", "multi_step_decay", "exponential_decay", "polynomial_decay", "one_cycle", "cyclic"]), "After warmup_epochs: constant, cosine_decay (or warmup_cosine_decay), step_decay, multi_step_decay, exponential_decay, polynomial_decay, one_cycle, cyclic"),
    training("lr", Schedule, Full, "The highest learning rate"),
    training("min_lr", Schedule, Full, "The lowest learning rate of cosine_decay, one_cycle and cyclic"),
    training("warmup_epochs", Schedule, Full, "Epochs of linear warm-up"),
    training("warmup_factor", Schedule, Full, "Learning rate at step 0, as a share of lr"),
    training("decay_epochs", Schedule, Full, "Epochs from lr to min_lr; for step_decay, epochs per step"),
    training("lr_for_batch", Schedule, Full, "The batch size that lr is meant for; lr is scaled by batch_size / N"),
    training("lr_epoch_stair", Schedule, Full, "Change the learning rate only between epochs"),
    training("num_cycles", Schedule, Full, "Cycles of cosine_decay and cyclic"),
    training("cycle_decay", Schedule, Full, "Factor on the highest rate of each further cosine cycle"),
    training("decay_rate", Schedule, Full, "Factor of step_decay, multi_step_decay and (per epoch) exponential_decay; power of polynomial_decay"),
    training("multi_step_decay_milestones", Schedule, Full, "Epochs after the warm-up at which multi_step_decay multiplies by decay_rate"),
    always("loss", Loss, Words(&["CE", "BCE", "JSD"]), "CE: cross entropy of the softmax; BCE: binary cross entropy of each class; JSD: CE of the clean view and the divergence of all views, with aug_splits"),
    always("label_smoothing", Loss, Full, "Label smoothing, also in the validation loss"),
    always("reduction", Loss, Only(&["mean"], "the sum is the mean times the batch size; change lr instead"), "How the losses of a batch are reduced; only mean"),
    training("aux_factor", Loss, Ignored("Inception-v4 has no auxiliary classifier"), "Weight of an auxiliary loss"),
    training("amp_level", Precision, Words(&["O0", "O1", "O2", "O3"]), "Mixed precision on LibTorch: O0 none; O1 convolutions and classifier; O2 all but BatchNorm; O3 all. Weights stay float32"),
    always("val_amp_level", Precision, Words(&["O0", "O1", "O2", "O3"]), "The same for validation and prediction, where BatchNorm is folded into the convolutions"),
    always("amp_dtype", Precision, Words(&["bf16", "fp16"]), "The half precision format: bf16, or fp16 (MindCV's; give it a loss_scale)"),
    training("amp_cast_list", Precision, Full, "Some of Conv2d, Dense, BatchNorm2d: the layers in half precision with O1, or in float32 with O2"),
    training("loss_scale_type", Precision, Words(&["fixed", "dynamic", "auto"]), "fixed, or dynamic (auto): halved when a gradient overflows, doubled after 2000 updates without an overflow"),
    training("loss_scale", Precision, Full, "Factor on the loss before the backward pass; the gradient is divided by it"),
    training("drop_overflow_update", Precision, Ignored("an infinite or NaN gradient never reaches the weights"), "Skip an update whose gradient overflows"),
];
