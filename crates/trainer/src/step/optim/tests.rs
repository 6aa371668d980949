//! Compares with PyTorch's and MindSpore's numbers (`tests/data/formulas.json`), and tests a whole network.

use burn::optim::GradientsParams;
use burn::tensor::Device;
use inception::{NamedVisitor, NetworkConfig};
use serde_json::Value;

use super::*;
use crate::device;
use crate::recipe::OptimizerName;
use crate::testing::{formulas, numbers};

fn tensor(values: &[f64], device: &Device) -> Tensor<1> {
    let values: Vec<f32> = values.iter().map(|value| *value as f32).collect();
    let length = values.len();
    Tensor::from_data(TensorData::new(values, [length]), device)
}

/// The parameters after each step of the fixture.
fn trajectory(recipe: &Recipe, fixture: &Value) -> Vec<Vec<f64>> {
    let device = device::cpu_for_tests();
    let rule = Rule::new(recipe);
    let mut p = tensor(&numbers(&fixture["start"]), &device);
    let mut state = rule.initial_state(&p);
    let gradients = fixture["gradients"].as_array().unwrap();
    let steps = gradients.iter().zip(numbers(&fixture["rates"])).enumerate();
    steps
        .map(|(index, (gradient, lr))| {
            let hyperparameters = Hyperparameters {
                lr,
                weight_decay: fixture["weight_decay"].as_f64().unwrap(),
                ..rule.hyperparameters(index as u64 + 1)
            };
            let g = tensor(&numbers(gradient), &device);
            let kept = std::mem::take(&mut state);
            (p, state) = rule.apply(hyperparameters, p.clone(), g, kept);
            p.to_data().iter::<f32>().map(f64::from).collect()
        })
        .collect()
}

/// The recipe of a case in the fixture: `WORD` or `mindspore WORD`, with `eps VALUE` behind it if that is not the default.
/// `nesterov` is Nesterov's momentum.
fn recipe_of(case: &str) -> Recipe {
    let (word, eps) = match case.split_once(" eps ") {
        Some((word, eps)) => (word, Some(eps.parse().unwrap())),
        None => (case, None),
    };
    let (opt, use_nesterov) = match word {
        "nesterov" => ("momentum", true),
        "mindspore nesterov" => ("sgd", true),
        _ => (word.trim_start_matches("mindspore "), false),
    };
    Recipe {
        opt: serde_json::from_value(opt.into()).unwrap(),
        eps,
        use_nesterov,
        ..Recipe::default()
    }
}

#[test]
fn every_optimizer_steps_as_pytorch_or_mindspore_do() {
    let fixture = formulas();
    let cases = fixture["optimizers"].as_object().unwrap();
    for opt in OptimizerName::ALL {
        let mut tested = cases.keys().map(|case| recipe_of(case).opt);
        assert!(tested.any(|tested| tested == opt), "no case for {opt:?}");
    }
    for (case, expected) in cases {
        let tolerance = match case.as_str() {
            // These run in f32 on MindSpore's side too, with eps placed differently.
            "mindspore adam" => 1e-5,
            "mindspore nadam" => 2e-5,
            _ => 1e-6,
        };
        let expected = expected.as_array().unwrap();
        let found = trajectory(&recipe_of(case), &fixture);
        assert_eq!(found.len(), expected.len());
        for (step, (found, expected)) in found.iter().zip(expected).enumerate() {
            for (found, expected) in found.iter().zip(numbers(expected)) {
                assert!(
                    (found - expected).abs() < tolerance,
                    "{case}, step {step}: {found} is not {expected}"
                );
            }
        }
    }
}

#[test]
fn the_norm_is_of_all_gradients_together() {
    let fixture = &formulas()["clip"];
    let device = device::cpu_for_tests();
    let data = fixture["before"].as_array().unwrap().iter().enumerate();
    let data = data.map(|(index, values)| {
        let tensor = tensor(&numbers(values), &device);
        (index.to_string(), tensor.into_data())
    });
    let gradients = Gradients::from_data(data, &device);
    let norm = gradients.norm();
    assert!((norm - fixture["norm"].as_f64().unwrap()).abs() < 1e-4);
    let limit = fixture["limit"].as_f64().unwrap();
    let clipped = gradients.clone().clipped(norm, limit);
    for (name, found) in clipped.to_data() {
        let expected = numbers(&fixture["after"][name.parse::<usize>().unwrap()]);
        for (found, expected) in found.iter::<f32>().zip(expected) {
            assert!(
                (f64::from(found) - expected).abs() < 1e-5,
                "{found} {expected}"
            );
        }
    }
    let untouched = gradients.clone().clipped(norm, norm);
    assert!(untouched.to_data().eq(gradients.to_data()));
    assert!(!gradients.scaled(f64::NAN).norm().is_finite());
}

fn network(device: &Device) -> Network {
    let config = NetworkConfig {
        num_classes: 3,
        drop_rate: 0.0,
        width: 0.1,
        blocks: [1, 1, 1],
        ..Default::default()
    };
    config.init(1, device).unwrap()
}

/// One update of a whole (small) network leaves every parameter with its state and its shape, and no running statistic
/// with any. Then the state is restored.
#[test]
fn a_step_updates_every_parameter_of_a_network() {
    let device = device::cpu_for_tests().autodiff();
    let images = Tensor::<4>::ones([2, 3, 75, 75], &device)
        * Tensor::from_data([[[[1.0]]], [[[-0.5]]]], &device);
    for opt in OptimizerName::ALL {
        let model = network(&device);
        let loss = model.forward(images.clone()).powi_scalar(2).sum();
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        let gradients = Gradients::collect(&model, gradients);
        let recipe = Recipe {
            opt,
            ..Recipe::default()
        };
        let mut optimizer = Optimizer::new(&recipe, &model);
        let before = model.tensors();
        let model = optimizer.step(0.1, model, gradients);
        assert_eq!(model.tensors(), before);

        let state = optimizer.state();
        for tensor in before {
            for slot in optimizer.rule.slots() {
                let found = state.get(&format!("{}/{}", slot.name, tensor.name));
                let expected = (tensor.role == Role::Parameter).then_some(tensor.shape.clone());
                assert_eq!(
                    found.map(|data| data.shape().to_vec()),
                    expected,
                    "{}",
                    tensor.name
                );
            }
        }
        let mut restored = Optimizer::new(&recipe, &model);
        let plain = device::cpu_for_tests();
        restored.restore(1, state.clone(), &plain).unwrap();
        assert_eq!(restored.state(), state);

        let mut damaged = state;
        damaged.insert("wheel/x".to_owned(), TensorData::from([1.0_f32]));
        assert_eq!(restored.restore(1, damaged, &plain).unwrap_err(), "wheel/x");
    }
}

/// The parameters of a network, by name.
#[derive(Default, PartialEq)]
struct Values(BTreeMap<String, Vec<f32>>);

impl NamedVisitor for Values {
    fn visit<const D: usize>(&mut self, name: &str, role: Role, param: &Param<Tensor<D>>) {
        if role == Role::Statistic {
            return;
        }
        let values = param.val().into_data().iter::<f32>().collect();
        self.0.insert(name.to_owned(), values);
    }
}

impl Values {
    fn of(model: &Network) -> Self {
        let mut values = Values::default();
        model.visit_named(&mut values);
        values
    }
}

/// This is for GPUs, but works on every device.
#[test]
fn parameters_updated_as_one_are_the_same_bits() {
    let rule = |opt| {
        Rule::new(&Recipe {
            opt,
            ..Recipe::default()
        })
    };
    // Sgd is momentum by another name.
    let optimizers = OptimizerName::ALL
        .into_iter()
        .filter(|opt| *opt != OptimizerName::Sgd && rule(*opt).is_elementwise());
    let mut names = vec!["flex"];
    names.extend(cfg!(feature = "tch").then_some("tch"));
    for name in names {
        let plain = device::select(name).unwrap();
        let device = plain.clone().autodiff();
        let images = Tensor::<4>::ones([2, 3, 75, 75], &device)
            * Tensor::from_data([[[[1.0]]], [[[-0.5]]]], &device);
        for (opt, layer_decay) in optimizers
            .clone()
            .zip([None, Some(0.9)].into_iter().cycle())
        {
            let recipe = Recipe {
                opt,
                layer_decay,
                weight_decay: 0.1,
                ..Recipe::default()
            };
            let (mut apart, mut joined) = (network(&device), network(&device));
            let mut one_by_one = Optimizer::new(&recipe, &apart);
            let mut multi_tensor = Optimizer {
                multi_tensor: true,
                ..one_by_one.clone()
            };
            assert!(!one_by_one.multi_tensor);
            for step in 0..3 {
                let before = Values::of(&apart);
                let loss = apart.forward(images.clone()).powi_scalar(2).sum();
                let gradients = GradientsParams::from_grads(loss.backward(), &apart);
                let mut gradients = Gradients::collect(&apart, gradients);
                if step == 1 {
                    gradients.remove(BIAS); // what has no gradient stays
                }
                joined = multi_tensor.step(0.01, joined, gradients.clone());
                apart = one_by_one.step(0.01, apart, gradients);
                let after = Values::of(&apart);
                assert_eq!(after.0[BIAS] == before.0[BIAS], step == 1);
                assert!(
                    Values::of(&joined) == after,
                    "{opt:?} on {name}, step {step}"
                );
                assert!(
                    multi_tensor.state() == one_by_one.state(),
                    "{opt:?} on {name}"
                );
            }
            // The rest are independent parameters, which continue to learn.
            let logits = joined.forward(images.clone());
            let gradients = GradientsParams::from_grads(logits.sum().backward(), &joined);
            let found = Gradients::collect(&joined, gradients);
            assert_eq!(found.to_data().count(), multi_tensor.state.len());
        }
    }
}

const BIAS: &str = "last_linear.bias";

#[test]
fn gpus_join_parameters_for_elementwise_rules() {
    let model = network(&device::cpu_for_tests());
    let multi_tensor = |device: &str, opt| {
        let recipe = Recipe {
            device: device.to_owned(),
            opt,
            ..Recipe::default()
        };
        Optimizer::new(&recipe, &model).multi_tensor
    };
    for device in ["tch:cuda:0", "cuda:1"] {
        assert!(multi_tensor(device, OptimizerName::Momentum));
        assert!(!multi_tensor(device, OptimizerName::Lamb));
    }
    assert!(!multi_tensor("tch", OptimizerName::Momentum));
    assert!(!multi_tensor("flex", OptimizerName::Momentum));
}
