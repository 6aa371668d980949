//! Every key works, or is accepted with a note, or is refused with a fix; and the table in the docs says which.

use std::collections::BTreeMap;

use serde_json::Value;

use super::*;

/// The keys of MindCV's `config.py` (GitHub, July 2025) with its defaults, except `model` and `opt`, whose defaults are
/// others here.
const MINDCVS: &str = "\
mode: 0\ndistribute: false\nval_while_train: false\nval_interval: 1\nlog_interval: 100\nseed: 42\n\
device_target: Ascend\ndataset: imagenet\ndata_dir: ./\ntrain_split: train\nval_split: val\n\
dataset_download: false\nnum_parallel_workers: 8\nshuffle: true\nnum_samples: null\nbatch_size: 128\n\
drop_remainder: true\nimage_resize: 224\nscale: [0.08, 1.0]\nratio: [0.75, 1.333]\nhflip: 0.5\nvflip: 0.0\n\
color_jitter: 0.4\ninterpolation: bilinear\nauto_augment: null\naug_splits: 0\nre_prob: 0.0\n\
re_scale: [0.02, 0.33]\nre_ratio: [0.3, 3.3]\nre_value: 0\nre_max_attempts: 10\n\
mean: [123.675, 116.28, 103.53]\nstd: [58.395, 57.12, 57.375]\ncrop_pct: 0.875\nmixup: 0.0\ncutmix: 0.0\n\
cutmix_prob: 1.0\naug_repeats: 0\nnum_classes: null\nin_channels: 3\ndrop_rate: null\ndrop_path_rate: null\n\
pretrained: false\nckpt_path: ''\nresume_opt: false\nkeep_checkpoint_max: 10\nckpt_save_dir: ./ckpt\n\
ckpt_save_interval: 1\nckpt_save_policy: latest_k\nepoch_size: 90\ndataset_sink_mode: true\nema: false\n\
ema_decay: 0.9999\nclip_grad: false\nclip_value: 15.0\nlayer_decay: null\ngradient_accumulation_steps: 1\n\
momentum: 0.9\nweight_decay: 1e-6\nuse_nesterov: false\nweight_decay_filter: disable\nscheduler: cosine_decay\n\
lr: 0.001\nmin_lr: 1e-6\nwarmup_epochs: 3\nwarmup_factor: 0.0\ndecay_epochs: 100\ndecay_rate: 0.9\n\
lr_epoch_stair: false\nnum_cycles: 1\ncycle_decay: 1.0\nloss: CE\nlabel_smoothing: 0.0\naux_factor: 0.0\n\
reduction: mean\namp_level: O0\nval_amp_level: O0\namp_cast_list: null\nloss_scale_type: fixed\n\
loss_scale: 1.0\ndrop_overflow_update: false\neval_shuffle: false\n";

/// Another value for each key to which [`another`] gives none that is valid, and what else it takes.
const OTHERS: &str = "\
device tch:cuda:0|data_dir /elsewhere|val_split test|io pread|on_error skip|train_split all|decode exact|\
interpolation bicubic|mean 1,2,3|std 1,2,3|scale 0.5,1|ratio 1,1|re_scale 0.1,0.2|re_ratio 1,2|re_value 1.5|\
auto_augment randaug-m9-n2|color_jitter 0.1|aug_splits 3 auto_augment augmix|aug_repeats 3|\
model inception_resnet_v2|blocks 1,1,1|residual_scale 0.1,0.1,0.1|init truncated_normal|\
drop_path_rate 0.1 model inception_resnet_v1|ckpt_path x|resume_opt true ckpt_path x|ckpt_save_dir y|\
ckpt_save_policy top_k|opt adamw|weight_decay_filter auto|scheduler constant|multi_step_decay_milestones 1,2|\
loss BCE|loss_scale_type dynamic|amp_level O2 device tch:cuda:0|val_amp_level O2 device tch:cuda:0|\
amp_dtype fp16|amp_cast_list Dense";

/// A value other than the default, for switches and numbers: the other one, one more, or half as much. Most ranges
/// have it.
fn another(default: &Value) -> Option<String> {
    match default {
        Value::Null => Some("1".to_owned()),
        Value::Bool(on) => Some((!on).to_string()),
        Value::Number(number) => match (number.as_u64(), number.as_f64()) {
            (Some(whole), _) => Some((whole + 1).to_string()),
            (None, Some(0.0)) => Some("0.5".to_owned()),
            (None, real) => real.map(|real| (real / 2.0).to_string()),
        },
        Value::String(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// What is refused, whatever its key otherwise takes.
const REFUSED: [(&str, &str); 13] = [
    ("distribute", "true"),
    ("dataset_download", "true"),
    ("pretrained", "true"),
    ("in_channels", "1"),
    ("reduction", "sum"),
    ("opt", "adan"),
    ("scheduler", "plateau"),
    ("loss", "asl_single_label"),
    ("model", "resnet50"),
    ("ckpt_save_policy", "oldest"),
    ("interpolation", "area"),
    ("weight_decay_filter", "some"),
    ("loss_scale_type", "rising"),
];

#[test]
fn every_key_of_mindcv_is_known_and_its_default_taken() {
    let layer = yaml(MINDCVS);
    assert_eq!(layer.entries.len(), 82);
    let mut found = resolve(&[layer]).unwrap().recipe;
    let default = Recipe::default();
    // 0.224 x 255 in single precision is not 57.12.
    for (found, default) in found.std.iter_mut().zip(default.std) {
        assert!((*found - default).abs() < 1e-5);
        *found = default;
    }
    assert_eq!(found, default);
    for key in ["model", "opt", "eps", "multi_step_decay_milestones"] {
        assert!(all_keys().iter().any(|known| known.name == key), "{key}");
    }
}

#[test]
fn every_key_works_or_is_noted_or_refused_with_a_fix() {
    let others: BTreeMap<&str, Vec<&str>> = OTHERS
        .split('|')
        .map(|line| line.split(' ').collect::<Vec<_>>())
        .map(|words| (words[0], words))
        .collect();
    for key in all_keys() {
        match key.support {
            Support::Full | Support::Words(_) => {
                let default = serde_json::to_value(Recipe::default()).unwrap();
                let other = another(&default[key.name]);
                let pairs: Vec<(&str, &str)> = match (others.get(key.name), &other) {
                    (Some(words), _) => words.chunks(2).map(|pair| (pair[0], pair[1])).collect(),
                    (None, Some(other)) => vec![(key.name, other)],
                    (None, None) => panic!("{}: give it another value in OTHERS", key.name),
                };
                let found = serde_json::to_value(recipe(&[flags(&pairs)])).unwrap();
                assert_ne!(found[key.name], default[key.name], "{}", key.name);
            }
            Support::Ignored(reason) => {
                let notes = resolve(&[flags(&[(key.name, "1")])]).unwrap().notes;
                let note = notes.iter().find(|note| note.starts_with(key.name));
                assert!(note.is_some_and(|note| note.contains(reason)), "{notes:?}");
            }
            Support::Off(values) | Support::Only(values, _) => {
                for value in values {
                    assert_eq!(recipe(&[flags(&[(key.name, value)])]), Recipe::default());
                }
                let message = resolve(&[flags(&[(key.name, "7")])])
                    .unwrap_err()
                    .to_string();
                let fix = format!("pass --{} {}", key.flag(), values[0]);
                assert!(message.contains(&fix), "{message}");
            }
        }
    }
}

#[test]
fn exactly_the_keys_that_a_loader_uses_are_marked() {
    // Where images come from, and who reads them: the caller of a loader says that.
    const CALLERS: &str = "data_dir train_split val_split num_parallel_workers io on_error";
    let callers: Vec<&str> = CALLERS.split(' ').collect();
    for key in all_keys() {
        let is_of_images = matches!(key.group, Group::Data | Group::Augmentation);
        let has_effect = matches!(key.support, Support::Full | Support::Words(_));
        let expected = is_of_images && has_effect && !callers.contains(&key.name);
        assert_eq!(key.loading, expected, "{}", key.name);
    }
}

#[test]
fn what_is_refused_names_its_flag() {
    for (key, value) in REFUSED {
        let message = resolve(&[flags(&[(key, value)])]).unwrap_err().to_string();
        let flag = format!("pass --{} ", key.replace('_', "-"));
        assert!(
            message.contains(&format!("{key}: {value} is not ")),
            "{message}"
        );
        assert!(message.contains(&flag), "{message}");
    }
    // Not a word of its list, but a value of the wrong type.
    let message = resolve(&[flags(&[("re_value", "random")])])
        .unwrap_err()
        .to_string();
    assert!(message.contains("expected a number, or three"), "{message}");
}

/// What the table in the docs begins each row with.
fn rows() -> Vec<String> {
    let defaults = serde_json::to_value(Recipe::default()).unwrap();
    let rounded = |value: &Value| match value.as_f64() {
        Some(number) if value.is_f64() => (number as f32).to_string(),
        _ => value.to_string(),
    };
    all_keys()
        .iter()
        .map(|key| {
            let default = match (key.support, defaults.get(key.name)) {
                (Support::Ignored(_), _) => "no effect".to_owned(),
                (Support::Off(values) | Support::Only(values, _), _) => {
                    format!("only {}", values[0])
                }
                (_, None | Some(Value::Null)) => "none".to_owned(),
                (_, Some(Value::Array(list))) if list.is_empty() => "none".to_owned(),
                (_, Some(Value::Array(list))) => {
                    list.iter().map(rounded).collect::<Vec<_>>().join(", ")
                }
                (_, Some(Value::String(text))) => text.clone(),
                (_, Some(value)) => rounded(value),
            };
            let help = match key.support {
                Support::Ignored(reason) => format!("{}: {reason}", key.help),
                Support::Only(_, reason) => format!("{}: {reason}", key.help),
                _ => key.help.to_owned(),
            };
            format!("| `{}` | {default} | {help} |", key.name)
        })
        .collect()
}

#[test]
fn the_table_in_the_docs_is_this_programs() {
    let page = include_str!("../../../../docs/recipe.md");
    let found: Vec<&str> = page
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    let expected = rows();
    let listed = expected.join("\n");
    assert_eq!(found.len(), expected.len(), "the rows begin with\n{listed}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            found.starts_with(&expected),
            "{found}\ndoes not begin with\n{expected}"
        );
    }
}
