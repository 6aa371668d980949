//! What must hold between the values of a recipe before a run can start.

use super::{AmpDtype, LossName, LossScaleType, Purpose, Recipe, RecipeError, Scheduler};
use crate::device;

/// The smallest image from which the networks' reductions leave at least one pixel.
const SMALLEST_IMAGE: u32 = 75;

/// Checks ranges and combinations; the error lists everything that is wrong, not just the first.
pub(super) fn check(recipe: &Recipe, purpose: Purpose) -> Result<(), RecipeError> {
    let mut wrong = Vec::new();
    let mut need = |holds: bool, message: String| {
        if !holds {
            wrong.push(message);
        }
    };
    let r = recipe;

    need(
        r.image_resize.get() >= SMALLEST_IMAGE,
        format!(
            "image_resize: {} is too small; {SMALLEST_IMAGE} is the least",
            r.image_resize
        ),
    );
    need(
        r.crop_pct > 0.0 && r.crop_pct <= 1.0,
        format!("crop_pct: {} is not above 0 and at most 1", r.crop_pct),
    );
    if let Some(Err(cause)) = r.auto_augment.as_deref().map(str::parse::<augment::Policy>) {
        need(false, format!("auto_augment: {cause}"));
    }
    for (key, value) in [
        ("hflip", r.hflip),
        ("vflip", r.vflip),
        ("re_prob", r.re_prob),
        ("bn_momentum", r.bn_momentum),
        ("warmup_factor", r.warmup_factor),
        ("cutmix_prob", r.cutmix_prob),
        ("ema_decay", r.ema_decay),
        ("layer_decay", r.layer_decay.unwrap_or(1.0)),
    ] {
        need(
            (0.0..=1.0).contains(&value),
            format!("{key}: {value} is not between 0 and 1"),
        );
    }
    for (key, value) in [
        ("drop_rate", r.drop_rate),
        ("drop_path_rate", r.drop_path_rate),
        ("label_smoothing", r.label_smoothing),
        ("momentum", r.momentum),
    ] {
        need(
            (0.0..1.0).contains(&value),
            format!("{key}: {value} is not at least 0 and below 1"),
        );
    }
    for (key, [from, to], most) in [
        ("scale", r.scale, 1.0),
        ("re_scale", r.re_scale, 1.0),
        ("ratio", r.ratio, f64::INFINITY),
        ("re_ratio", r.re_ratio, f64::INFINITY),
    ] {
        need(
            0.0 < from && from <= to && to <= most && to.is_finite(),
            format!("{key}: [{from}, {to}] is no range of positive numbers, the smaller one first"),
        );
    }
    for (key, value) in [
        ("lr", r.lr),
        ("min_lr", r.min_lr),
        ("weight_decay", r.weight_decay),
        ("mixup", r.mixup),
        ("cutmix", r.cutmix),
        ("decay_rate", r.decay_rate),
        ("cycle_decay", r.cycle_decay),
        ("eps", r.eps.unwrap_or(0.0)),
    ] {
        need(
            value.is_finite() && value >= 0.0,
            format!("{key}: {value} is not a number of at least 0"),
        );
    }
    need(
        r.std.iter().all(|std| *std > 0.0) && r.mean.iter().all(|mean| mean.is_finite()),
        format!("std: {:?} and mean: {:?} cannot normalise", r.std, r.mean),
    );
    for (key, value) in [("clip_value", r.clip_value), ("loss_scale", r.loss_scale)] {
        need(
            value.is_finite() && value > 0.0,
            format!("{key}: {value} is not a number above 0"),
        );
    }
    let whole_run = matches!(r.scheduler, Scheduler::OneCycle | Scheduler::Cyclic);
    need(
        !whole_run || (r.warmup_epochs == 0 && !r.lr_epoch_stair),
        "scheduler: one_cycle and cyclic warm up by themselves and change every step; pass \
         --warmup-epochs 0 --lr-epoch-stair false"
            .to_owned(),
    );
    let milestones = &r.multi_step_decay_milestones;
    need(
        r.scheduler != Scheduler::MultiStepDecay || !milestones.is_empty(),
        "scheduler: multi_step_decay needs --multi-step-decay-milestones, such as 30,60,80"
            .to_owned(),
    );
    need(
        r.scheduler != Scheduler::StepDecay || r.decay_epochs > 0,
        "decay_epochs: 0 makes no step_decay".to_owned(),
    );
    need(
        r.width > 0.0 && r.width <= 16.0,
        format!("width: {} is not above 0 and at most 16", r.width),
    );
    need(
        r.residual_scale
            .iter()
            .all(|scale| *scale > 0.0 && scale.is_finite()),
        format!("residual_scale: {:?} are not all above 0", r.residual_scale),
    );
    if purpose == Purpose::Train {
        need(
            r.drop_path_rate == 0.0 || r.model.has_residuals(),
            format!(
                "drop_path_rate: {} has nothing to drop in {}, which has no residual blocks (MindCV's \
                 inception_v4 takes no drop_path_rate at all); pass --drop-path-rate 0, or an \
                 Inception-ResNet as --model",
                r.drop_path_rate,
                r.model.as_str()
            ),
        );
        need(
            r.aug_splits == 0 || r.aug_splits == 3,
            format!(
                "aug_splits: {} must be 3 (a clean view and two augmented ones), or 0",
                r.aug_splits
            ),
        );
        need(
            r.aug_splits == 0 || r.auto_augment.is_some(),
            "aug_splits: it needs an auto_augment; pass --auto-augment augmix".to_owned(),
        );
        need(
            r.aug_splits == 0 || (r.mixup == 0.0 && r.cutmix == 0.0),
            "aug_splits: the views of an image cannot be mixed with others; pass --mixup 0 --cutmix 0"
                .to_owned(),
        );
        need(
            r.loss != LossName::JensenShannon || r.aug_splits > 0,
            "loss: JSD compares views of one image; pass --aug-splits 3 --auto-augment augmix"
                .to_owned(),
        );
        need(
            r.aug_repeats <= 1 || r.num_samples.is_none(),
            "num_samples: it cannot be set together with aug_repeats".to_owned(),
        );
        need(
            !r.resume_opt || r.ckpt_path.is_some(),
            "resume_opt: true needs the checkpoint to continue; pass --ckpt-path too".to_owned(),
        );
    }

    if wrong.is_empty() {
        Ok(())
    } else {
        Err(RecipeError::Invalid(wrong))
    }
}

/// The key that asks for what the recipe's device cannot do, and the mend.
pub(super) fn beyond_the_device(
    recipe: &Recipe,
    purpose: Purpose,
) -> Option<(&'static str, String)> {
    let levels = [
        ("amp_level", recipe.amp_level, purpose == Purpose::Train),
        ("val_amp_level", recipe.val_amp_level, true),
    ];
    let (key, level, _) = levels
        .into_iter()
        .find(|(_, level, matters)| *matters && level.is_mixed())?;
    if device::computes_in_half(&recipe.device) {
        return None;
    }
    let (flag, device) = (key.replace('_', "-"), &recipe.device);
    Some((
        key,
        format!(
            "{key}: {level:?} is half precision, which device {device} does not compute in; pass \
             --{flag} O0, or --device tch or tch:cuda:0"
        ),
    ))
}

/// What is legal and yet perhaps not meant.
pub(super) fn advise(recipe: &Recipe, purpose: Purpose) -> Vec<String> {
    let decay = match recipe.scheduler {
        Scheduler::CosineDecay | Scheduler::WarmupCosineDecay => {
            recipe.decay_epochs.saturating_mul(recipe.num_cycles.get())
        }
        _ => 0,
    };
    let epochs = recipe.epoch_size.get();
    let mut advice = Vec::new();
    if purpose == Purpose::Train && recipe.warmup_epochs.saturating_add(decay) > epochs {
        advice.push(format!(
            "warmup_epochs + decay_epochs is {}, but epoch_size is {epochs}: training ends before \
             the schedule does",
            recipe.warmup_epochs.saturating_add(decay)
        ));
    }
    if purpose == Purpose::Train
        && recipe.amp_level.is_mixed()
        && recipe.amp_dtype == AmpDtype::Fp16
        && recipe.loss_scale_type == LossScaleType::Fixed
        && recipe.loss_scale <= 1.0
    {
        advice.push(
            "amp_dtype: gradients below 6e-8 vanish in fp16; --loss-scale 1024 (MindCV's) or \
             --loss-scale-type dynamic keeps them"
                .to_owned(),
        );
    }
    advice
}
