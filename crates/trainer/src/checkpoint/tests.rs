//! Saves checkpoints, finds them again, damages them, and deletes them if there are too many.

use std::num::NonZeroUsize;

use burn::tensor::{Device, Tensor};
use inception::NetworkConfig;

use super::*;
use crate::device;
use crate::recipe::{KeepPolicy, Recipe};
use crate::step::accuracy::Evaluation;

fn network(seed: u64, device: &Device) -> Network {
    let config = NetworkConfig {
        num_classes: 3,
        width: 0.1,
        blocks: [1, 1, 1],
        ..NetworkConfig::default()
    };
    config.init(seed, device).unwrap()
}

fn state(epoch: u64, batch: u64) -> State {
    let recipe = Recipe {
        num_classes: NonZeroUsize::new(3),
        ..Recipe::default()
    };
    let mut state = State::new(&recipe, &[], 77);
    (state.epoch, state.batch, state.steps_per_epoch) = (epoch, batch, 10);
    state.steps = (epoch - 1) * 10 + batch;
    state.progress.loss_sum = 0.1 + 0.2; // not a short decimal
    state.progress.best = Some((1.0 / 3.0, 1));
    state
}

fn velocities() -> BTreeMap<String, TensorData> {
    let data = |values: Vec<f32>, shape: [usize; 2]| TensorData::new(values, shape);
    BTreeMap::from([
        (
            "features.0.conv.weight".to_owned(),
            data(vec![1.0, -2.5, f32::MIN_POSITIVE], [3, 1]),
        ),
        (
            "last_linear.weight".to_owned(),
            data(vec![0.1, 0.2], [1, 2]),
        ),
    ])
}

fn save_at(dir: &Path, keep: usize, epoch: u64, batch: u64) -> PathBuf {
    save_state(dir, newest(keep), state(epoch, batch))
}

fn newest(keep: usize) -> Retention {
    Retention {
        policy: KeepPolicy::LatestK,
        keep,
    }
}

fn save_state(dir: &Path, retention: Retention, state: State) -> PathBuf {
    let contents = Contents {
        model: &network(1, &device::cpu_for_tests()),
        average: None,
        optimizer: &velocities(),
    };
    save(dir, retention, state, contents).unwrap()
}

/// Saves epochs with these top-1 accuracies, one after another. Returns the names that are left, and the best.
fn left_of(policy: KeepPolicy, keep: usize, top1: &[Option<f64>]) -> (Vec<String>, Option<String>) {
    let dir = tempfile::tempdir().unwrap();
    for (epoch, top1) in (1..).zip(top1) {
        let mut state = state(epoch, 10);
        state.progress.last = top1.map(|top1| {
            let found = Evaluation {
                images: 1,
                skipped: 0,
                top1,
                top5: 1.0,
                loss: 0.5,
                seconds: 1.0,
            };
            (found, epoch)
        });
        save_state(dir.path(), Retention { policy, keep }, state);
    }
    let names = list(dir.path()).unwrap();
    let names = names.iter().map(|name| format!("{}", name.epoch)).collect();
    let link = fs::read_link(dir.path().join("inception_v4_best")).ok();
    if let Some(link) = &link {
        Checkpoint::open(&dir.path().join(link)).unwrap();
    }
    let best = link.map(|link| link.display().to_string());
    (names, best)
}

#[test]
fn the_best_stay_and_are_linked_to() {
    let top1 = [Some(0.1), Some(0.9), Some(0.3), None, Some(0.5), Some(0.2)];
    let best = Some("inception_v4-2_10".to_owned());
    let left = |policy, keep| left_of(policy, keep, &top1);
    let names = |list: &[&str]| {
        list.iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        left(KeepPolicy::LatestK, 2),
        (names(&["2", "5", "6"]), best.clone())
    );
    assert_eq!(
        left(KeepPolicy::TopK, 2),
        (names(&["2", "5", "6"]), best.clone())
    );
    assert_eq!(
        left(KeepPolicy::TopK, 3),
        (names(&["2", "3", "5", "6"]), best.clone())
    );
    assert_eq!(
        left(KeepPolicy::None, 1),
        (names(&["1", "2", "3", "4", "5", "6"]), best)
    );
    assert_eq!(
        left_of(KeepPolicy::TopK, 2, &[None, None]),
        (names(&["2"]), None)
    );
}

#[test]
fn a_save_that_fails_leaves_the_last_one_and_no_rest() {
    let dir = tempfile::tempdir().unwrap();
    let good = save_at(dir.path(), 5, 1, 10);
    // A tensor that no file can hold simulates a full disk.
    let broken = BTreeMap::from([("x".to_owned(), TensorData::new(vec![1_u8], [1]))]);
    let contents = Contents {
        model: &network(1, &device::cpu_for_tests()),
        average: None,
        optimizer: &broken,
    };
    assert!(save(dir.path(), newest(5), state(2, 10), contents).is_err());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    assert_eq!(Checkpoint::latest(dir.path()).unwrap().unwrap().dir(), good);
}

#[test]
fn the_average_is_saved_beside_the_weights() {
    let dir = tempfile::tempdir().unwrap();
    let device = device::cpu_for_tests();
    let contents = Contents {
        model: &network(1, &device),
        average: Some(&network(2, &device)),
        optimizer: &velocities(),
    };
    let path = save(dir.path(), newest(1), state(1, 10), contents).unwrap();
    let checkpoint = Checkpoint::open(&path).unwrap();
    let images = || Tensor::<4>::ones([1, 3, 75, 75], &device) * 0.5;
    for (file, seed) in [
        (checkpoint.model_path(), 1),
        (checkpoint.average_path().unwrap(), 2),
    ] {
        let loaded = crate::network::load(network(3, &device), &file).unwrap();
        let expected = network(seed, &device).forward(images()).into_data();
        assert_eq!(loaded.forward(images()).into_data(), expected);
    }
    // Loading the checkpoint gives the average by default.
    let loaded = crate::network::load(network(3, &device), &path).unwrap();
    let expected = network(2, &device).forward(images()).into_data();
    assert_eq!(loaded.forward(images()).into_data(), expected);
}

#[test]
fn what_is_saved_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let device = device::cpu_for_tests();
    let path = save_at(dir.path(), 3, 2, 10);
    assert_eq!(path, dir.path().join("inception_v4-2_10"));

    let checkpoint = Checkpoint::latest(dir.path()).unwrap().unwrap();
    assert_eq!(checkpoint.dir(), path);
    let mut expected = state(2, 10);
    expected.files = checkpoint.state().files.clone();
    assert_eq!(checkpoint.state(), &expected);
    assert_eq!(checkpoint.optimizer().unwrap(), velocities());

    let images = || Tensor::<4>::ones([1, 3, 75, 75], &device) * 0.5;
    let saved = network(1, &device).forward(images()).into_data();
    let other = network(2, &device);
    assert_ne!(other.forward(images()).into_data(), saved);
    let loaded = crate::network::load(other, &path).unwrap();
    assert_eq!(loaded.forward(images()).into_data(), saved);
}

#[test]
fn only_the_newest_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    for (epoch, batch) in [(9, 10), (10, 5), (10, 10), (2, 1)] {
        save_at(dir.path(), 2, epoch, batch);
    }
    let names: Vec<String> = list(dir.path())
        .unwrap()
        .iter()
        .map(Name::to_string)
        .collect();
    assert_eq!(names, ["inception_v4-10_5", "inception_v4-10_10"]);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[test]
fn what_was_not_finished_is_not_seen() {
    let dir = tempfile::tempdir().unwrap();
    assert!(
        Checkpoint::latest(&dir.path().join("nothing"))
            .unwrap()
            .is_none()
    );
    save_at(dir.path(), 5, 1, 10);
    // As a kill leaves them: one half written, one half deleted.
    fs::create_dir(dir.path().join("inception_v4-3_10.tmp")).unwrap();
    fs::create_dir(dir.path().join("inception_v4-2_10")).unwrap();
    fs::write(
        dir.path().join("inception_v4-2_10").join(MODEL_FILE),
        "half",
    )
    .unwrap();
    let latest = Checkpoint::latest(dir.path()).unwrap().unwrap();
    assert_eq!(latest.state().epoch, 1);
    // And they do not get in the way.
    save_at(dir.path(), 5, 2, 10);
    save_at(dir.path(), 5, 3, 10);
    assert_eq!(list(dir.path()).unwrap().len(), 3);
}

#[test]
fn saving_a_step_again_replaces_it() {
    let dir = tempfile::tempdir().unwrap();
    save_at(dir.path(), 5, 1, 4);
    let mut again = state(1, 4);
    again.progress.loss_sum = 9.0;
    save_state(dir.path(), newest(5), again);
    let latest = Checkpoint::latest(dir.path()).unwrap().unwrap();
    assert_eq!(latest.state().progress.loss_sum, 9.0);
}

#[test]
fn damage_is_noticed_wherever_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = save_at(dir.path(), 5, 1, 10);
    for file in [MODEL_FILE, OPTIMIZER_FILE] {
        let file = path.join(file);
        let whole = fs::read(&file).unwrap();
        let mut flipped = whole.clone();
        *flipped.last_mut().unwrap() ^= 1;
        for damaged in [flipped, whole[..whole.len() - 1].to_vec()] {
            fs::write(&file, damaged).unwrap();
            let error = Checkpoint::open(&path).unwrap_err();
            assert!(
                matches!(&error, CheckpointError::Damaged { path, .. } if *path == file),
                "{error}"
            );
        }
        fs::write(&file, whole).unwrap();
    }
    Checkpoint::open(&path).unwrap();
    fs::write(path.join(STATE_FILE), "{\"epoch\": 1").unwrap();
    assert!(matches!(
        Checkpoint::open(&path),
        Err(CheckpointError::Damaged { .. })
    ));
}

#[test]
fn a_wrong_path_says_what_was_expected() {
    let dir = tempfile::tempdir().unwrap();
    let message = Checkpoint::open(&dir.path().join("no"))
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("no such checkpoint") && message.contains("inception_v4-3_5004"),
        "{message}"
    );
    let message = Checkpoint::open(dir.path()).unwrap_err().to_string();
    assert!(message.contains("holds no state.json"), "{message}");
}
