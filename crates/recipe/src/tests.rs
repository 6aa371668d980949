//! Recipes as users write them.

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::Path;

use super::*;

mod every_key;
mod images;
mod loading;
mod stored;

const MINDCV: &str = include_str!("../tests/data/inception_v4_ascend.yaml");

/// What MindCV's recipe needs to run here.
const FIXES: [(&str, &str); 2] = [("distribute", "false"), ("amp_level", "O0")];

fn yaml(text: &str) -> Layer {
    Layer::from_yaml(text, Path::new("a.yaml")).unwrap()
}

fn flags(flags: &[(&str, &str)]) -> Layer {
    Layer::from_flags(flags.iter().copied()).unwrap()
}

fn resolve(layers: &[Layer]) -> Result<Resolved, RecipeError> {
    Recipe::resolve(&Recipe::default(), layers, Purpose::Train)
}

fn recipe(layers: &[Layer]) -> Recipe {
    resolve(layers).unwrap().recipe
}

#[test]
fn mindcvs_recipe_loads_as_it_is() {
    assert_eq!(yaml(MINDCV).entries.len(), 39);
}

#[test]
fn what_it_asks_for_in_vain_is_refused_all_at_once() {
    let error = resolve(&[yaml(MINDCV)]).unwrap_err();
    let RecipeError::Refused(lines) = &error else {
        panic!("{error}");
    };
    assert_eq!(lines.len(), 2, "{error}");
    let message = error.to_string();
    for part in [
        "amp_level: O2 is half precision, which device flex does not support; pass --amp-level O0, \
         or --device tch or tch:cuda:0 (a.yaml:",
        "distribute: true is not implemented yet; pass --distribute false",
    ] {
        assert!(message.contains(part), "no '{part}' in: {message}");
    }
}

#[test]
fn with_the_flags_that_the_refusal_names_it_runs() {
    let resolved = resolve(&[yaml(MINDCV), flags(&FIXES)]).unwrap();
    let expected = Recipe {
        data_dir: "/path/to/imagenet".into(),
        batch_size: NonZeroU32::new(32).unwrap(),
        image_resize: NonZeroU32::new(299).unwrap(),
        auto_augment: Some("autoaug".to_owned()),
        re_prob: 0.25,
        num_classes: NonZeroUsize::new(1000),
        epoch_size: NonZeroU64::new(200).unwrap(),
        scheduler: Scheduler::WarmupCosineDecay,
        lr: 0.045,
        min_lr: 0.0,
        warmup_epochs: 5,
        decay_epochs: 195,
        weight_decay: 4e-5,
        label_smoothing: 0.1,
        val_while_train: true,
        loss_scale: 1024.0,
        ..Recipe::default()
    };
    assert_eq!(resolved.recipe, expected);
    // mode, dataset_sink_mode and dataset have no meaning here, and that is said.
    assert_eq!(resolved.notes.len(), 3, "{:?}", resolved.notes);
}

#[test]
fn training_only_values_do_not_stop_a_validation() {
    let resolved = Recipe::resolve(&Recipe::default(), &[yaml(MINDCV)], Purpose::Evaluate).unwrap();
    assert!(
        resolved
            .notes
            .iter()
            .any(|note| note.contains("distribute: true matters only to training"))
    );
    let other_network = flags(&[("model", "resnet50")]);
    assert!(Recipe::resolve(&Recipe::default(), &[other_network], Purpose::Evaluate).is_err());
}

#[test]
fn mixed_precision_is_refused_where_the_device_has_none() {
    let half = [("amp_level", "O2"), ("device", "tch:cuda:0")];
    let on_torch = resolve(&[flags(&half)]).unwrap();
    assert_eq!(on_torch.recipe.amp_level, AmpLevel::O2);
    let message = resolve(&[flags(&half[..1])]).unwrap_err().to_string();
    assert!(message.contains("device flex"), "{message}");
    assert!(message.contains("(command line)"), "{message}");
    // What only a validation would do in half precision stops that, and what a training did does not.
    for (key, stops) in [("amp_level", false), ("val_amp_level", true)] {
        let found = Recipe::resolve(
            &Recipe::default(),
            &[flags(&[(key, "O2")])],
            Purpose::Evaluate,
        );
        assert_eq!(found.is_err(), stops, "{key}: {found:?}");
    }
    let message = resolve(&[flags(&[("amp_level", "auto")])]).unwrap_err();
    assert!(
        message.to_string().contains("--amp-level O0 or O1"),
        "{message}"
    );
}

#[test]
fn fp16_without_a_loss_scale_is_advised_against() {
    let fp16 = [
        ("amp_level", "O2"),
        ("amp_dtype", "fp16"),
        ("device", "tch"),
    ];
    let advised = |layers: &[Layer]| {
        let notes = resolve(layers).unwrap().notes;
        notes.iter().any(|note| note.contains("--loss-scale 1024"))
    };
    assert!(advised(&[flags(&fp16)]));
    assert!(!advised(&[flags(&fp16), flags(&[("loss_scale", "1024")])]));
}

#[test]
fn cells_to_cast_are_read_as_mindcv_writes_them() {
    use Cell::{Conv2d, Dense};
    let expected = Some(vec![Conv2d, Dense]);
    for text in [
        "[nn.Conv2d, nn.Dense]",
        "(nn.Conv2d, nn.Dense,)",
        "Conv2d,Dense",
    ] {
        let cast = flags(&[("amp_cast_list", text)]);
        assert_eq!(recipe(&[cast]).amp_cast_list, expected, "{text}");
    }
    let file = yaml("amp_cast_list: [nn.Conv2d, nn.Dense]\n");
    assert_eq!(recipe(&[file]).amp_cast_list, expected);
    let pool = resolve(&[flags(&[("amp_cast_list", "[nn.MaxPool2d]")])]);
    let message = pool.unwrap_err().to_string();
    assert!(
        message.contains("'nn.MaxPool2d' cannot be chosen"),
        "{message}"
    );
}

#[test]
fn the_command_line_beats_the_file_and_the_file_the_defaults() {
    let file = yaml("lr: 0.5\nbatch_size: 7\n");
    assert_eq!(recipe(&[]).lr, 0.001);
    assert_eq!(recipe(std::slice::from_ref(&file)).lr, 0.5);
    let both = recipe(&[file, flags(&[("lr", "0.25")])]);
    assert_eq!((both.lr, both.batch_size.get()), (0.25, 7));
}

#[test]
fn an_unknown_key_names_the_nearest_and_the_line() {
    let error =
        Layer::from_yaml("seed: 1\n# typo\nbatchsize: 32\n", Path::new("a.yaml")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a.yaml:3: unknown key 'batchsize'; did you mean 'batch_size'?"
    );
    let error = Layer::from_yaml("xyzzy: 1", Path::new("a.yaml")).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("a.yaml:1: unknown key 'xyzzy'"),
        "{error}"
    );
}

#[test]
fn unknown_keys_and_wrong_types_are_each_listed_at_once() {
    let text = "sed: 1\nlr: 0.1\nbatchsize: 32\n";
    let error = Layer::from_yaml(text, Path::new("a.yaml")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the recipe has unknown keys:\n  a.yaml:1: unknown key 'sed'; did you mean 'seed'?\n  \
         a.yaml:3: unknown key 'batchsize'; did you mean 'batch_size'?"
    );
    let error = resolve(&[yaml("lr: fast\nseed: 1\nema: maybe\n")]).unwrap_err();
    let message = error.to_string();
    assert!(message.contains("a.yaml:1: lr: ") && message.contains("a.yaml:3: ema: "));
}

#[test]
fn a_wrong_type_names_key_and_line() {
    let error = resolve(&[yaml("seed: 1\nlr: fast\n")])
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("a.yaml:2: lr: ") && error.contains("\"fast\""),
        "{error}"
    );
    let error = resolve(&[flags(&[("batch_size", "0")])])
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("command line: batch_size: "), "{error}");
    let error = resolve(&[flags(&[("on_error", "ignore")])])
        .unwrap_err()
        .to_string();
    assert!(error.contains("fail") && error.contains("skip"), "{error}");
}

#[test]
fn text_that_is_not_a_mapping_is_not_a_recipe() {
    for text in ["- a\n- b\n", "batch_size", "lr: [1\n"] {
        let error = Layer::from_yaml(text, Path::new("a.yaml")).unwrap_err();
        assert!(
            matches!(error, RecipeError::NotYaml { .. }),
            "{text}: {error}"
        );
    }
    assert!(matches!(
        Layer::from_yaml("lr: 1\nlr: 2\n", Path::new("a.yaml")),
        Err(RecipeError::NotYaml { .. })
    ));
}

#[test]
fn flags_are_read_as_a_file_would_be() {
    let recipe = recipe(&[flags(&[
        ("scale", "0.3, 1.0"),
        ("blocks", "[1, 1, 1]"),
        ("shuffle", "False"),
        ("train_split", "2012"),
        ("weight_decay", "4e-5"),
        ("workers", "3"),
        ("io", "pread"),
    ])]);
    assert_eq!(recipe.scale, [0.3, 1.0]);
    assert_eq!(recipe.blocks, Some([1, 1, 1]));
    assert!(!recipe.shuffle);
    assert_eq!(recipe.train_split, "2012");
    assert_eq!(recipe.weight_decay, 4e-5);
    assert_eq!(recipe.workers, NonZeroUsize::new(3));
    assert_eq!(recipe.io, Io::Pread);
}

#[test]
fn nothing_means_the_default() {
    let recipe = recipe(&[yaml(
        "drop_rate: None\nckpt_path: ''\nworkers: null\nnum_classes:\n",
    )]);
    assert_eq!(recipe, Recipe::default());
}

#[test]
fn off_is_accepted_in_every_spelling() {
    let off = yaml(
        "auto_augment: None\nmixup: 0.0\ncutmix: 0\nema: False\nre_max_attempts: 10\nre_value: 0\n\
         gradient_accumulation_steps: 1\nnum_samples: null\namp_level: O0\nreduction: mean\n",
    );
    assert_eq!(recipe(&[off]), Recipe::default());
}

#[test]
fn what_depends_on_another_key_says_on_which() {
    let said = |list: &[(&str, &str)]| resolve(&[flags(list)]).unwrap_err().to_string();
    assert!(said(&[("drop_path_rate", "0.1")]).contains("no residual blocks"));
    let residual = [("drop_path_rate", "0.1"), ("model", "inception_resnet_v2")];
    assert_eq!(recipe(&[flags(&residual)]).drop_path_rate, 0.1);
    assert!(said(&[("aug_splits", "3")]).contains("--auto-augment augmix"));
    assert!(said(&[("aug_splits", "2"), ("auto_augment", "augmix")]).contains("must be 3"));
    assert!(said(&[("loss", "JSD")]).contains("--aug-splits 3"));
    let augmix = [
        ("aug_splits", "3"),
        ("auto_augment", "augmix"),
        ("loss", "JSD"),
    ];
    assert_eq!(recipe(&[flags(&augmix)]).loss, LossName::JensenShannon);
    let mixed = [
        ("aug_splits", "3"),
        ("auto_augment", "augmix"),
        ("mixup", "0.2"),
    ];
    assert!(said(&mixed).contains("--mixup 0"));
    assert!(said(&[("aug_repeats", "3"), ("num_samples", "9")]).contains("together"));
}

#[test]
fn values_out_of_range_are_listed_together() {
    let layer = flags(&[
        ("hflip", "1.5"),
        ("scale", "1.0,0.5"),
        ("image_resize", "64"),
        ("label_smoothing", "1"),
    ]);
    let message = resolve(&[layer]).unwrap_err().to_string();
    for key in [
        "hflip: 1.5",
        "scale: [1, 0.5]",
        "image_resize: 64",
        "label_smoothing: 1",
    ] {
        assert!(message.contains(key), "no '{key}' in: {message}");
    }
}

#[test]
fn a_schedule_longer_than_the_run_is_mentioned() {
    let notes = resolve(&[flags(&[
        ("epoch_size", "4"),
        ("decay_epochs", "4"),
        ("warmup_epochs", "1"),
    ])])
    .unwrap()
    .notes;
    assert!(
        notes.iter().any(|note| note.contains("epoch_size is 4")),
        "{notes:?}"
    );
}

#[test]
fn a_recipe_survives_being_stored() {
    let recipe = recipe(&[yaml(MINDCV), flags(&FIXES)]);
    let json = serde_json::to_string(&recipe).unwrap();
    assert_eq!(serde_json::from_str::<Recipe>(&json).unwrap(), recipe);
}

#[test]
fn colour_jitter_has_mindcvs_spellings() {
    let jitter = |text: &str| recipe(&[yaml(text)]).color_jitter;
    assert_eq!(jitter("color_jitter: 0.2"), Some([0.2; 3]));
    assert_eq!(
        jitter("color_jitter: [0.1, 0.2, 0.3]"),
        Some([0.1, 0.2, 0.3])
    );
    for off in ["None", "none", "null", "0", "0.0", "False"] {
        assert_eq!(jitter(&format!("color_jitter: {off}")), None, "{off}");
        let flag = flags(&[("color_jitter", off)]);
        assert_eq!(recipe(&[flag]).color_jitter, None, "{off}");
    }
    assert_eq!(jitter("seed: 1"), Some([0.4; 3]));
    assert!(resolve(&[yaml("color_jitter: often")]).is_err());
}

#[test]
fn schedules_that_cannot_be_are_refused() {
    let said = |list: &[(&str, &str)]| resolve(&[flags(list)]).unwrap_err().to_string();
    assert!(said(&[("scheduler", "one_cycle")]).contains("--warmup-epochs 0"));
    assert!(said(&[("scheduler", "multi_step_decay")]).contains("--multi-step-decay-milestones"));
    let steps = [
        ("scheduler", "multi_step_decay"),
        ("multi_step_decay_milestones", "30,60"),
    ];
    assert_eq!(
        recipe(&[flags(&steps)]).multi_step_decay_milestones,
        [30, 60]
    );
    assert!(said(&[("clip_value", "0"), ("layer_decay", "2")]).contains("layer_decay: 2"));
    assert!(
        recipe(&[yaml("layer_decay: None\nloss_scale_type: auto\nopt: adamw")])
            .layer_decay
            .is_none()
    );
}

#[test]
fn wrong_values_are_refused_as_people_speak() {
    for (flag, words) in [
        (
            ("epoch_size", "0"),
            "epoch_size: `0` is not a whole number, 1 or more",
        ),
        (("lr", "fast"), "lr: \"fast\" is not a number"),
        (
            ("warmup_epochs", "-1"),
            "warmup_epochs: `-1` is not a whole number, 0 or more",
        ),
        (("ema", "maybe"), "ema: \"maybe\" is not true or false"),
        (
            ("opt", "adma"),
            "opt: adma is not available (did you mean 'adam'?); pass --opt momentum or",
        ),
        (("scheduler", "cosine"), "(did you mean 'cosine_decay'?)"),
        (
            ("loss", "xyzzy"),
            "loss: xyzzy is not available; pass --loss CE or BCE or JSD",
        ),
    ] {
        let message = resolve(&[flags(&[flag])]).unwrap_err().to_string();
        assert!(message.contains(words), "no '{words}' in: {message}");
    }
}

#[test]
fn none_is_the_lack_of_a_value() {
    let file =
        yaml("num_classes: 1000\nlayer_decay: 0.9\nshuffle_window: 100\nauto_augment: autoaug\n");
    let keys = [
        "num_classes",
        "layer_decay",
        "shuffle_window",
        "auto_augment",
        "lr_for_batch",
    ];
    let none = flags(&keys.map(|key| (key, "none")));
    assert_eq!(resolve(&[file, none]).unwrap().recipe, Recipe::default());
    assert!(resolve(&[flags(&[("lr", "none")])]).is_err());
}
