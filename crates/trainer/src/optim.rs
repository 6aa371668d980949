//! Stochastic gradient descent with momentum and coupled weight decay. Keeps one velocity for each
//! parameter, by the parameter's name, so that a checkpoint means the same to any later process.
//!
//! burn's own optimizer computes the same (with dampening 0) but keys its state by parameter ids,
//! which are drawn anew each time a network is made.

use std::collections::BTreeMap;

use burn::module::Param;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use inception::{NamedMapper, Network, Role};

use crate::recipe::{Recipe, WeightDecayFilter};

/// Momentum, and the velocity of every parameter that has been updated once.
#[derive(Clone, Debug)]
pub struct Momentum {
    rule: Rule,
    filter: WeightDecayFilter,
    velocities: BTreeMap<String, Velocity>,
}

/// For a parameter p with gradient g, learning rate r, momentum m and weight decay d:
/// `g += d p; v = m v + g; p -= r v`, or with Nesterov's momentum `p -= r (g + m v)`.
#[derive(Clone, Copy, Debug)]
struct Rule {
    momentum: f64,
    nesterov: bool,
    weight_decay: f64,
}

/// A velocity, flattened, so that one map holds those of parameters of all ranks.
#[derive(Clone, Debug)]
struct Velocity {
    values: Tensor<1>,
    shape: Vec<usize>,
}

impl Momentum {
    /// The optimizer of `recipe`, at rest.
    #[must_use]
    pub fn new(recipe: &Recipe) -> Self {
        Momentum {
            rule: Rule {
                momentum: recipe.momentum,
                nesterov: recipe.use_nesterov,
                weight_decay: recipe.weight_decay,
            },
            filter: recipe.weight_decay_filter,
            velocities: BTreeMap::new(),
        }
    }

    /// Updates every parameter of `model` that has a gradient, with learning rate `lr`.
    #[must_use]
    pub fn step(&mut self, lr: f64, model: Network, gradients: GradientsParams) -> Network {
        model.map_named(&mut Update {
            optimizer: self,
            gradients,
            lr,
        })
    }

    /// The velocities by parameter name, each with its parameter's shape.
    #[must_use]
    pub fn state(&self) -> BTreeMap<String, TensorData> {
        self.velocities
            .iter()
            .map(|(name, velocity)| {
                let (bytes, _, dtype) = velocity.values.to_data().into_parts();
                let data = TensorData::from_bytes(bytes, velocity.shape.clone(), dtype);
                (name.clone(), data)
            })
            .collect()
    }

    /// Puts back what [`Self::state`] gave, on `device` (without autodiff).
    pub fn restore(&mut self, state: BTreeMap<String, TensorData>, device: &Device) {
        self.velocities = state
            .into_iter()
            .map(|(name, data)| {
                let (bytes, shape, dtype) = data.into_parts();
                let shape = shape.to_vec();
                let flat = [shape.iter().product::<usize>()];
                let values = Tensor::from_data(TensorData::from_bytes(bytes, flat, dtype), device);
                (name, Velocity { values, shape })
            })
            .collect();
    }
}

struct Update<'a> {
    optimizer: &'a mut Momentum,
    gradients: GradientsParams,
    lr: f64,
}

impl NamedMapper for Update<'_> {
    fn map<const D: usize>(
        &mut self,
        name: &str,
        _role: Role,
        param: Param<Tensor<D>>,
    ) -> Param<Tensor<D>> {
        let Some(gradient) = self.gradients.remove::<D>(param.id) else {
            return param;
        };
        let rule = Rule {
            weight_decay: decay(
                name,
                self.optimizer.filter,
                self.optimizer.rule.weight_decay,
            ),
            ..self.optimizer.rule
        };
        let velocity = self.optimizer.velocities.remove(name);
        let shape = gradient.dims();
        param.map(|parameter| {
            let velocity = velocity.map(|velocity| velocity.values.reshape(shape));
            let (parameter, velocity) = rule.apply(self.lr, parameter.inner(), gradient, velocity);
            let velocity = Velocity {
                values: velocity.reshape([-1]),
                shape: shape.to_vec(),
            };
            self.optimizer.velocities.insert(name.to_owned(), velocity);
            Tensor::from_inner(parameter).require_grad()
        })
    }
}

impl Rule {
    /// The new parameter and the new velocity.
    fn apply<const D: usize>(
        self,
        lr: f64,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        velocity: Option<Tensor<D>>,
    ) -> (Tensor<D>, Tensor<D>) {
        let gradient = if self.weight_decay == 0.0 {
            gradient
        } else {
            gradient + parameter.clone() * self.weight_decay
        };
        let velocity = match velocity {
            Some(velocity) => velocity * self.momentum + gradient.clone(),
            None => gradient.clone(),
        };
        let direction = if self.nesterov {
            gradient + velocity.clone() * self.momentum
        } else {
            velocity.clone()
        };
        (parameter - direction * lr, velocity)
    }
}

/// The weight decay of the parameter of that name (timm's: `….bn.weight` is BatchNorm's gamma).
fn decay(name: &str, filter: WeightDecayFilter, weight_decay: f64) -> f64 {
    let norm = name.ends_with(".bn.weight") || name.ends_with(".bn.bias");
    let spared = match filter {
        WeightDecayFilter::Disable => false,
        WeightDecayFilter::Auto => norm,
        WeightDecayFilter::NormAndBias => norm || name.ends_with(".bias"),
    };
    if spared { 0.0 } else { weight_decay }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::device;
    use inception::NetworkConfig;

    const LR: f64 = 0.1;

    /// Three steps with gradients 1, -2, 0.5 from p = 2, by the library and by hand.
    fn three_steps(rule: Rule, by_hand: impl Fn(f64, f64, f64) -> (f64, f64)) {
        let device = device::cpu_for_tests();
        let scalar = |x: f64| Tensor::<1>::from_data(TensorData::new(vec![x as f32], [1]), &device);
        let (mut p, mut v) = (scalar(2.0), None);
        let (mut p_hand, mut v_hand) = (2.0, 0.0);
        for g in [1.0, -2.0, 0.5] {
            let (new_p, new_v) = rule.apply(LR, p, scalar(g), v);
            (p, v) = (new_p, Some(new_v));
            (p_hand, v_hand) = by_hand(p_hand, v_hand, g);
            let found: f32 = p.clone().into_scalar();
            assert!(
                (f64::from(found) - p_hand).abs() < 1e-6,
                "{found} is not {p_hand}"
            );
        }
    }

    #[test]
    fn plain_momentum() {
        let rule = Rule {
            momentum: 0.9,
            nesterov: false,
            weight_decay: 0.0,
        };
        three_steps(rule, |p, v, g| {
            let v = 0.9 * v + g;
            (p - LR * v, v)
        });
    }

    #[test]
    fn weight_decay_is_part_of_the_gradient() {
        let rule = Rule {
            momentum: 0.9,
            nesterov: false,
            weight_decay: 0.01,
        };
        three_steps(rule, |p, v, g| {
            let v = 0.9 * v + g + 0.01 * p;
            (p - LR * v, v)
        });
    }

    #[test]
    fn nesterov_looks_ahead() {
        let rule = Rule {
            momentum: 0.9,
            nesterov: true,
            weight_decay: 0.01,
        };
        three_steps(rule, |p, v, g| {
            let g = g + 0.01 * p;
            let v = 0.9 * v + g;
            (p - LR * (g + 0.9 * v), v)
        });
    }

    #[test]
    fn the_filter_spares_what_it_says() {
        use WeightDecayFilter::{Auto, Disable, NormAndBias};
        let names = [
            "features.0.conv.weight",
            "features.0.bn.weight",
            "features.0.bn.bias",
            "last_linear.bias",
        ];
        let decays = |filter| names.map(|name| decay(name, filter, 1.0));
        assert_eq!(decays(Disable), [1.0; 4]);
        assert_eq!(decays(Auto), [1.0, 0.0, 0.0, 1.0]);
        assert_eq!(decays(NormAndBias), [1.0, 0.0, 0.0, 0.0]);
    }

    /// One update of a whole (small) network moves every parameter by -lr times its gradient, and
    /// leaves no parameter without a velocity and no running statistic with one.
    #[test]
    fn a_step_moves_every_parameter_of_a_network() {
        let device = device::cpu_for_tests().autodiff();
        let config = NetworkConfig {
            num_classes: 3,
            drop_rate: 0.0,
            width: 0.1,
            blocks: [1, 1, 1],
            ..Default::default()
        };
        let model = config.init(1, &device).unwrap();
        let images = Tensor::<4>::ones([2, 3, 75, 75], &device)
            * Tensor::from_data([[[[1.0]]], [[[-0.5]]]], &device);
        let loss = model.forward(images).powi_scalar(2).sum();
        let gradients = GradientsParams::from_grads(loss.backward(), &model);

        let mut optimizer = Momentum::new(&Recipe {
            weight_decay: 0.0,
            ..Recipe::default()
        });
        let before = model.tensors();
        let model = optimizer.step(LR, model, gradients);
        assert_eq!(model.tensors(), before);

        let state = optimizer.state();
        for tensor in before {
            match tensor.role {
                Role::Parameter => assert_eq!(state[&tensor.name].shape().to_vec(), tensor.shape),
                Role::Statistic => assert!(!state.contains_key(&tensor.name), "{}", tensor.name),
            }
        }

        let mut restored = Momentum::new(&Recipe::default());
        restored.restore(state.clone(), &device::cpu_for_tests());
        assert_eq!(restored.state(), state);
    }
}
