//! What must hold between the values of a recipe before it can be used. Types have been checked before.

use loader::Policy;

use crate::{AmpDtype, LossName, LossScaleType, Purpose, Recipe, RecipeError, Scheduler};

/// The smallest image of which the networks' reductions leave at least one pixel.
const SMALLEST_IMAGE: u32 = 75;

/// Everything that is wrong, a line each.
#[derive(Default)]
struct Findings(Vec<String>);

impl Findings {
    fn need(&mut self, holds: bool, message: impl FnOnce() -> String) {
        if !holds {
            self.0.push(message());
        }
    }

    /// From 0 to 1, both included.
    fn share(&mut self, key: &str, value: f64) {
        self.need((0.0..=1.0).contains(&value), || {
            format!("{key}: {value} is not between 0 and 1")
        });
    }

    /// From 0 to below 1.
    fn rate(&mut self, key: &str, value: f64) {
        self.need((0.0..1.0).contains(&value), || {
            format!("{key}: {value} is not at least 0 and below 1")
        });
    }

    /// A finite number of at least 0.
    fn amount(&mut self, key: &str, value: f64) {
        self.need(value.is_finite() && value >= 0.0, || {
            format!("{key}: {value} is not a number of at least 0")
        });
    }

    /// A finite number above 0.
    fn positive(&mut self, key: &str, value: f64) {
        self.need(value.is_finite() && value > 0.0, || {
            format!("{key}: {value} is not a number above 0")
        });
    }

    /// Two positive numbers, the smaller one first, none above `most`.
    fn range(&mut self, key: &str, [from, to]: [f64; 2], most: f64) {
        self.need(
            0.0 < from && from <= to && to <= most && to.is_finite(),
            || {
                format!(
                    "{key}: [{from}, {to}] is not a range of positive numbers, the smaller one first"
                )
            },
        );
    }
}

/// Checks ranges and combinations. The error lists everything that is wrong.
pub(crate) fn check(recipe: &Recipe, purpose: Purpose) -> Result<(), RecipeError> {
    let mut findings = Findings::default();
    images(recipe, &mut findings);
    if purpose != Purpose::Load {
        network(recipe, &mut findings);
        updates(recipe, &mut findings);
    }
    if purpose != Purpose::Evaluate {
        training_images(recipe, &mut findings);
    }
    if purpose == Purpose::Train {
        training(recipe, &mut findings);
    }
    match findings.0.is_empty() {
        true => Ok(()),
        false => Err(RecipeError::Invalid(findings.0)),
    }
}

/// What the loader needs.
fn images(r: &Recipe, findings: &mut Findings) {
    findings.need(r.crop_pct > 0.0 && r.crop_pct <= 1.0, || {
        format!("crop_pct: {} is not above 0 and at most 1", r.crop_pct)
    });
    if let Some(Err(cause)) = r.auto_augment.as_deref().map(str::parse::<Policy>) {
        findings.need(false, || format!("auto_augment: {cause}"));
    }
    for (key, value) in [
        ("hflip", r.hflip),
        ("vflip", r.vflip),
        ("re_prob", r.re_prob),
        ("cutmix_prob", r.cutmix_prob),
    ] {
        findings.share(key, value);
    }
    findings.range("scale", r.scale, 1.0);
    findings.range("re_scale", r.re_scale, 1.0);
    findings.range("ratio", r.ratio, f64::INFINITY);
    findings.range("re_ratio", r.re_ratio, f64::INFINITY);
    findings.amount("mixup", r.mixup);
    findings.amount("cutmix", r.cutmix);
    let divides = r.std.iter().all(|std| *std > 0.0) && r.mean.iter().all(|mean| mean.is_finite());
    findings.need(divides, || {
        format!("std: {:?} and mean: {:?} cannot normalise", r.std, r.mean)
    });
}

/// What the network needs.
fn network(r: &Recipe, findings: &mut Findings) {
    findings.need(r.image_resize.get() >= SMALLEST_IMAGE, || {
        format!(
            "image_resize: {} is too small; the minimum is {SMALLEST_IMAGE}",
            r.image_resize
        )
    });
    findings.share("bn_momentum", r.bn_momentum);
    findings.rate("drop_rate", r.drop_rate);
    findings.rate("drop_path_rate", r.drop_path_rate);
    findings.need(r.width > 0.0 && r.width <= 16.0, || {
        format!("width: {} is not above 0 and at most 16", r.width)
    });
    let scales = &r.residual_scale;
    findings.need(
        scales.iter().all(|scale| *scale > 0.0 && scale.is_finite()),
        || format!("residual_scale: {scales:?} are not all above 0"),
    );
}

/// What loss, optimizer and schedule need.
fn updates(r: &Recipe, findings: &mut Findings) {
    for (key, value) in [
        ("warmup_factor", r.warmup_factor),
        ("ema_decay", r.ema_decay),
        ("layer_decay", r.layer_decay.unwrap_or(1.0)),
    ] {
        findings.share(key, value);
    }
    findings.rate("label_smoothing", r.label_smoothing);
    findings.rate("momentum", r.momentum);
    for (key, value) in [
        ("lr", r.lr),
        ("min_lr", r.min_lr),
        ("weight_decay", r.weight_decay),
        ("decay_rate", r.decay_rate),
        ("cycle_decay", r.cycle_decay),
        ("eps", r.eps.unwrap_or(0.0)),
    ] {
        findings.amount(key, value);
    }
    findings.positive("clip_value", r.clip_value);
    findings.positive("loss_scale", r.loss_scale);
    let whole_run = matches!(r.scheduler, Scheduler::OneCycle | Scheduler::Cyclic);
    findings.need(
        !whole_run || (r.warmup_epochs == 0 && !r.lr_epoch_stair),
        || {
            "scheduler: one_cycle and cyclic have their own warm-up and change every step; pass \
             --warmup-epochs 0 --lr-epoch-stair false"
                .to_owned()
        },
    );
    let milestones = &r.multi_step_decay_milestones;
    findings.need(
        r.scheduler != Scheduler::MultiStepDecay || !milestones.is_empty(),
        || {
            "scheduler: multi_step_decay needs --multi-step-decay-milestones, such as 30,60,80"
                .to_owned()
        },
    );
    findings.need(
        r.scheduler != Scheduler::StepDecay || r.decay_epochs > 0,
        || "decay_epochs: step_decay needs at least 1".to_owned(),
    );
}

/// What the loader needs for training images.
fn training_images(r: &Recipe, findings: &mut Findings) {
    findings.need(r.aug_splits == 0 || r.aug_splits == 3, || {
        format!(
            "aug_splits: {} must be 3 (a clean view and two augmented ones), or 0",
            r.aug_splits
        )
    });
    findings.need(r.aug_splits == 0 || r.auto_augment.is_some(), || {
        "aug_splits: it needs an auto_augment; pass --auto-augment augmix".to_owned()
    });
    let mixed = r.mixup != 0.0 || r.cutmix != 0.0;
    findings.need(r.aug_splits == 0 || !mixed, || {
        "aug_splits: the views of an image cannot be mixed with others; pass --mixup 0 --cutmix 0"
            .to_owned()
    });
    findings.need(r.aug_repeats <= 1 || r.num_samples.is_none(), || {
        "num_samples: it cannot be set together with aug_repeats".to_owned()
    });
}

/// What a training run needs.
fn training(r: &Recipe, findings: &mut Findings) {
    findings.need(r.drop_path_rate == 0.0 || r.model.has_residuals(), || {
        format!(
            "drop_path_rate: {} has nothing to drop in {}, which has no residual blocks (MindCV's \
             inception_v4 does not accept drop_path_rate at all); pass --drop-path-rate 0, or an \
             Inception-ResNet as --model",
            r.drop_path_rate,
            r.model.as_str()
        )
    });
    let compares = r.loss == LossName::JensenShannon;
    findings.need(!compares || r.aug_splits > 0, || {
        "loss: JSD compares views of one image; pass --aug-splits 3 --auto-augment augmix"
            .to_owned()
    });
    findings.need(!r.resume_opt || r.ckpt_path.is_some(), || {
        "resume_opt: true needs the checkpoint to continue; pass --ckpt-path too".to_owned()
    });
}

/// The key that asks for something that the recipe's device cannot do, and how to fix it.
pub(crate) fn beyond_the_device(
    recipe: &Recipe,
    purpose: Purpose,
) -> Option<(&'static str, String)> {
    let levels = [
        ("amp_level", recipe.amp_level, purpose == Purpose::Train),
        (
            "val_amp_level",
            recipe.val_amp_level,
            purpose != Purpose::Load,
        ),
    ];
    let (key, level, _) = levels
        .into_iter()
        .find(|(_, level, matters)| *matters && level.is_mixed())?;
    let (flag, device) = (key.replace('_', "-"), &recipe.device);
    if computes_in_half(device) {
        return None;
    }
    Some((
        key,
        format!(
            "{key}: {level:?} is half precision, which device {device} does not support; pass \
             --{flag} O0, or --device tch or tch:cuda:0"
        ),
    ))
}

/// Only LibTorch computes in half precision. flex would emulate it, and CubeCL's has never been run.
fn computes_in_half(device: &str) -> bool {
    device == "tch" || device.starts_with("tch:")
}

/// What is allowed but perhaps not intended.
pub(crate) fn advise(recipe: &Recipe, purpose: Purpose) -> Vec<String> {
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
