//! Weight files: saving and loading them, and files that must be refused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use burn::tensor::Device;
use imshard_inception::weights::{
    self, Completeness, Error, Report, Selection, WeightsError, save,
};
use imshard_inception::{Network, NetworkConfig};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use support::{Step, images, loss, small, small_networks, values};
use weight_files::{Precision, convert};

fn load(
    model: Network,
    path: impl AsRef<Path>,
    completeness: Completeness,
) -> Result<(Network, Report), WeightsError> {
    weights::load(model, path, Selection::Weights, completeness)
}

fn model(seed: u64) -> Network {
    small().init(seed, &Device::flex()).unwrap()
}

/// (name, dtype, shape, bytes) of every tensor in a file.
type Tensors = Vec<(String, Dtype, Vec<usize>, Vec<u8>)>;

fn tensors_of(path: &Path) -> Tensors {
    let bytes = fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let owned = |(name, view): (String, TensorView<'_>)| {
        (
            name,
            view.dtype(),
            view.shape().to_vec(),
            view.data().to_vec(),
        )
    };
    file.tensors().into_iter().map(owned).collect()
}

fn write_tensors(path: &Path, tensors: &Tensors) {
    let views: HashMap<&str, TensorView<'_>> = tensors
        .iter()
        .map(|(name, dtype, shape, data)| {
            (
                name.as_str(),
                TensorView::new(*dtype, shape.clone(), data).unwrap(),
            )
        })
        .collect();
    fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

#[test]
fn what_is_saved_after_a_training_step_loads_bit_for_bit() {
    let dir = tempfile::tempdir().unwrap();
    let device = Device::flex().autodiff();
    let trained = small().init(1, &device).unwrap();
    let gradients = loss(&trained, images([2, 3, 75, 75], &device)).backward();
    let trained = trained.map_named(&mut Step {
        gradients: &gradients,
        rate: 0.1,
        only: &|_| true,
    });

    let path = dir.path().join("model.safetensors");
    save(&trained, &path).unwrap();
    let (loaded, report) = load(model(2), &path, Completeness::Exact).unwrap();
    assert_eq!(report, Report::default());
    assert_eq!(values(&loaded), values(&trained));

    // The last training step is in the file: statistics too.
    let mean = values(&loaded)
        .into_iter()
        .find(|(n, _)| n == "features.0.bn.running_mean");
    assert!(mean.unwrap().1.iter().all(|v| *v != 0.0));

    let again = dir.path().join("again.safetensors");
    save(&loaded, &again).unwrap();
    assert_eq!(fs::read(&path).unwrap(), fs::read(&again).unwrap());
    assert_eq!(
        fs::read_dir(dir.path()).unwrap().count(),
        2,
        "a temporary file was left"
    );
}

#[test]
fn a_loaded_network_still_trains() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.safetensors");
    save(&model(1), &path).unwrap();
    let device = Device::flex().autodiff();
    let (loaded, _) = load(
        small().init(2, &device).unwrap(),
        &path,
        Completeness::Exact,
    )
    .unwrap();
    let gradients = loss(&loaded, images([2, 3, 75, 75], &device)).backward();
    let before = values(&loaded);
    let stepped = loaded.map_named(&mut Step {
        gradients: &gradients,
        rate: 0.1,
        only: &|_| true,
    });
    assert_ne!(values(&stepped), before);
}

#[test]
fn timms_counters_are_ignored_and_half_precision_is_converted() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.safetensors");
    save(&model(1), &path).unwrap();
    let mut tensors = tensors_of(&path);
    let counter = 7_i64.to_le_bytes().to_vec();
    tensors.push((
        "features.0.bn.num_batches_tracked".into(),
        Dtype::I64,
        vec![],
        counter,
    ));
    let bias = tensors
        .iter_mut()
        .find(|t| t.0 == "last_linear.bias")
        .unwrap();
    bias.1 = Dtype::BF16;
    bias.3 = [0xc0, 0x3f].repeat(10); // 1.5
    write_tensors(&path, &tensors);

    let (loaded, report) = load(model(2), &path, Completeness::Exact).unwrap();
    assert!(report.is_exact());
    let bias = values(&loaded).pop().unwrap();
    assert_eq!(bias, ("last_linear.bias".to_owned(), vec![1.5; 10]));
}

#[test]
fn what_does_not_fit_is_named_and_refused_unless_partial() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.safetensors");
    let source = model(1);
    save(&source, &path).unwrap();
    let mut tensors = tensors_of(&path);
    tensors.retain(|t| t.0 != "features.0.bn.weight");
    tensors.push(("classifier.weight".into(), Dtype::F32, vec![1], vec![0; 4]));
    write_tensors(&path, &tensors);

    let target = || {
        let config = NetworkConfig {
            num_classes: 7,
            ..small()
        };
        config.init(2, &Device::flex()).unwrap()
    };
    let error = load(target(), &path, Completeness::Exact).unwrap_err();
    let message = error.to_string();
    for part in [
        "1 missing: features.0.bn.weight",
        "1 unused: classifier.weight",
        "last_linear.weight ([10, 384] in the file, [7, 384] here)",
    ] {
        assert!(message.contains(part), "{message}");
    }

    let (loaded, report) = load(target(), &path, Completeness::Partial).unwrap();
    assert_eq!(report.missing, ["features.0.bn.weight"]);
    assert_eq!(report.unused, ["classifier.weight"]);
    let misshaped: Vec<&str> = report.misshaped.iter().map(|m| m.name.as_str()).collect();
    assert_eq!(misshaped, ["last_linear.weight", "last_linear.bias"]);
    let (loaded, fresh) = (values(&loaded), values(&target()));
    assert_eq!(loaded[0], values(&source)[0]);
    assert_eq!(
        loaded.last(),
        fresh.last(),
        "the classifier must keep its initial values"
    );
}

#[test]
fn errors_of_files_name_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.safetensors");
    save(&model(1), &path).unwrap();
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let error = load(model(2), &path, Completeness::Partial).unwrap_err();
    assert!(
        matches!(error, WeightsError::File(Error::Length { .. })),
        "{error}"
    );
    assert!(error.to_string().contains("model.safetensors"), "{error}");

    let error = load(model(2), dir.path().join("absent"), Completeness::Exact).unwrap_err();
    assert!(
        matches!(error, WeightsError::File(Error::Io { .. })),
        "{error}"
    );
    assert!(error.to_string().contains("absent"), "{error}");
    let error = save(&model(1), dir.path().join("no/such/a.safetensors")).unwrap_err();
    assert!(
        matches!(error, WeightsError::File(Error::Io { .. })),
        "{error}"
    );
}

#[test]
fn every_format_becomes_every_other_and_keeps_every_bit() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    for network in small_networks() {
        let model = network.init(1, &Device::flex()).unwrap();
        for from in ["a.safetensors", "a.pth", "a.ckpt"] {
            weights::save(&model, at(from)).unwrap();
            for to in ["b.safetensors", "b.pth", "b.ckpt"] {
                let count = convert(at(from), Selection::Weights, at(to), Precision::F32).unwrap();
                assert_eq!(count, model.tensors().len());
                let fresh = network.init(2, &Device::flex()).unwrap();
                let exact = Completeness::Exact;
                let (loaded, _) = weights::load(fresh, at(to), Selection::Weights, exact).unwrap();
                assert!(
                    values(&loaded) == values(&model),
                    "{}: {from} to {to}",
                    network.architecture
                );
            }
        }
    }
}

#[test]
fn a_classifier_of_other_classes_starts_anew_only_when_asked() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ten.ckpt");
    weights::save(&small().init(1, &Device::flex()).unwrap(), &path).unwrap();
    let seven = || {
        let config = imshard_inception::NetworkConfig {
            num_classes: 7,
            ..small()
        };
        config.init(2, &Device::flex()).unwrap()
    };
    let load = |completeness| weights::load(seven(), &path, Selection::Weights, completeness);
    assert!(matches!(
        load(Completeness::Exact),
        Err(WeightsError::Mismatch { .. })
    ));
    let (loaded, report) = load(Completeness::AnyClassifier).unwrap();
    assert_eq!(report.misshaped.len(), 2);
    assert_eq!(values(&loaded).last(), values(&seven()).last());
    assert_ne!(values(&loaded)[0], values(&seven())[0]);
}
