//! The formulas: from a parameter, its gradient and its state to the next parameter and state. They know nothing of a
//! network.

use burn::tensor::Tensor;

use super::groups::Group;
use crate::recipe::{OptimizerName, Recipe};

/// Decay rates of the moments of Adam and its relatives. MindCV keeps the defaults.
const BETAS: (f64, f64) = (0.9, 0.999);
/// Lion's (Chen et al. 2023).
const LION_BETAS: (f64, f64) = (0.9, 0.99);
/// RMSProp's decay: the paper's, and MindCV's.
const RMS_DECAY: f64 = 0.9;

/// What an update computes. `p` is the parameter, `g` its gradient, `r` the learning rate, `d` the weight decay, `t`
/// the number of the update from 1; `m` and `v` are state. If weight decay is coupled, `g += d p` comes first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Rule {
    /// Coupled. `v = momentum v + g; p -= r v`, or with Nesterov's momentum `p -= r (g + momentum v)`.
    Momentum { momentum: f64, nesterov: bool },
    /// Coupled (Kingma and Ba 2015). `m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2;
    /// p -= r m' / (sqrt(v') + eps)`, with `m' = m / (1 - b1^t)`, `v' = v / (1 - b2^t)`.
    Adam { eps: f64 },
    /// Adam, decoupled: `p -= r d p` (Loshchilov and Hutter 2019).
    AdamW { eps: f64 },
    /// Coupled: Adam with Nesterov's momentum (Dozat 2016), PyTorch's and MindCV's schedule of it.
    NAdam { eps: f64 },
    /// Decoupled. `p -= r sign(b1 m + (1 - b1) g); m = b2 m + (1 - b2) g`.
    Lion,
    /// Coupled, in TensorFlow's form, as in the paper and in MindSpore: `v` starts at 1 and eps is inside the root. `v = 0.9 v + 0.1 g^2; m = momentum m + r g / sqrt(v + eps); p -= m`.
    RmsProp { momentum: f64, eps: f64 },
    /// Coupled. `v += g^2; p -= r g / sqrt(v)`, with `v` from 0.1, as in MindSpore and TensorFlow.
    Adagrad,
    /// Adam's step plus `d p`, scaled to the parameter's norm (You et al. 2020).
    Lamb { eps: f64 },
}

/// A tensor that a rule keeps for each parameter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub(super) name: &'static str,
    start: f64,
}

const fn slot(name: &'static str, start: f64) -> Slot {
    Slot { name, start }
}

/// What an update depends on besides the parameter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hyperparameters {
    pub(super) lr: f64,
    pub(super) weight_decay: f64,
    pub(super) t: i32,
    /// NAdam's momenta: for this update, for the next, and the products up to each.
    pub(super) nesterov: [f64; 4],
}

impl Hyperparameters {
    /// Like `self`, but with learning rate `lr`, for the parameters of `group`.
    pub(super) fn for_group(self, lr: f64, group: Group) -> Self {
        Hyperparameters {
            lr: lr * group.lr_factor,
            weight_decay: group.weight_decay,
            ..self
        }
    }
}

impl Rule {
    pub(super) fn new(recipe: &Recipe) -> Self {
        let eps = |usual| recipe.eps.unwrap_or(usual);
        match recipe.opt {
            OptimizerName::Momentum | OptimizerName::Sgd => Rule::Momentum {
                momentum: recipe.momentum,
                nesterov: recipe.use_nesterov,
            },
            OptimizerName::Adam => Rule::Adam { eps: eps(1e-8) },
            OptimizerName::Adamw => Rule::AdamW { eps: eps(1e-8) },
            OptimizerName::Nadam => Rule::NAdam { eps: eps(1e-8) },
            OptimizerName::Lion => Rule::Lion,
            OptimizerName::Rmsprop => Rule::RmsProp {
                momentum: recipe.momentum,
                eps: eps(1e-10),
            },
            OptimizerName::Adagrad => Rule::Adagrad,
            OptimizerName::Lamb => Rule::Lamb { eps: eps(1e-6) },
        }
    }

    /// The state that the rule keeps, in the order that [`Self::apply`] takes and returns it.
    pub(super) fn slots(self) -> &'static [Slot] {
        const VELOCITY: &[Slot] = &[slot("velocity", 0.0)];
        const MOMENTS: &[Slot] = &[slot("mean", 0.0), slot("square", 0.0)];
        const MEAN: &[Slot] = &[slot("mean", 0.0)];
        const SCALED_VELOCITY: &[Slot] = &[slot("square", 1.0), slot("velocity", 0.0)];
        const SUM: &[Slot] = &[slot("sum", 0.1)];
        match self {
            Rule::Momentum { .. } => VELOCITY,
            Rule::Adam { .. } | Rule::AdamW { .. } | Rule::NAdam { .. } | Rule::Lamb { .. } => {
                MOMENTS
            }
            Rule::Lion => MEAN,
            Rule::RmsProp { .. } => SCALED_VELOCITY,
            Rule::Adagrad => SUM,
        }
    }

    /// Whether each number of a parameter is updated independently of the others.
    pub(super) fn is_elementwise(self) -> bool {
        !matches!(self, Rule::Lamb { .. })
    }

    /// The state of a parameter like `like` before its first update.
    pub(super) fn initial_state(self, like: &Tensor<1>) -> Vec<Tensor<1>> {
        let start = |slot: &Slot| like.full_like(slot.start);
        self.slots().iter().map(start).collect()
    }

    /// The hyperparameters of update number `updates` (from 1), without its rates.
    pub(super) fn hyperparameters(self, updates: u64) -> Hyperparameters {
        Hyperparameters {
            lr: 0.0,
            weight_decay: 0.0,
            t: i32::try_from(updates).unwrap_or(i32::MAX),
            nesterov: match self {
                Rule::NAdam { .. } => nesterov_momenta(updates),
                _ => [0.0; 4],
            },
        }
    }

    /// The new parameter and the new state.
    pub(super) fn apply(
        self,
        hyperparameters: Hyperparameters,
        p: Tensor<1>,
        g: Tensor<1>,
        state: Vec<Tensor<1>>,
    ) -> (Tensor<1>, Vec<Tensor<1>>) {
        let Hyperparameters {
            lr,
            weight_decay,
            t,
            nesterov: [mu, next_mu, product, next_product],
        } = hyperparameters;
        let decoupled = matches!(self, Rule::AdamW { .. } | Rule::Lion | Rule::Lamb { .. });
        let g = match weight_decay == 0.0 || decoupled {
            true => g,
            false => g + p.clone() * weight_decay,
        };
        let shrunk = |p: Tensor<1>| match weight_decay == 0.0 {
            true => p,
            false => p * (1.0 - lr * weight_decay),
        };
        let mut state = state.into_iter();
        // The state has as many tensors as there are slots, so the zeros are never used.
        let mut next = || state.next().unwrap_or_else(|| g.zeros_like());
        match self {
            Rule::Momentum { momentum, nesterov } => {
                let v = next() * momentum + g.clone();
                let direction = match nesterov {
                    true => g + v.clone() * momentum,
                    false => v.clone(),
                };
                (p - direction * lr, vec![v])
            }
            Rule::Adam { eps } | Rule::AdamW { eps } | Rule::Lamb { eps } => {
                let (m, v) = moments(next(), next(), &g);
                let mean = m.clone() / (1.0 - BETAS.0.powi(t));
                let step = mean / (root(&v, t) + eps);
                let p = match self {
                    Rule::AdamW { .. } => shrunk(p) - step * lr,
                    Rule::Lamb { .. } => {
                        let step = step + p.clone() * weight_decay;
                        let trust = trust(&p, &step);
                        p - step * trust * lr
                    }
                    _ => p - step * lr,
                };
                (p, vec![m, v])
            }
            Rule::NAdam { eps } => {
                let (m, v) = moments(next(), next(), &g);
                let mean = m.clone() * (next_mu / (1.0 - next_product))
                    + g * ((1.0 - mu) / (1.0 - product));
                (p - mean / (root(&v, t) + eps) * lr, vec![m, v])
            }
            Rule::Lion => {
                let m = next();
                let (b1, b2) = LION_BETAS;
                let direction = (m.clone() * b1 + g.clone() * (1.0 - b1)).sign();
                (shrunk(p) - direction * lr, vec![m * b2 + g * (1.0 - b2)])
            }
            Rule::RmsProp { momentum, eps } => {
                let v = next() * RMS_DECAY + g.clone() * g.clone() * (1.0 - RMS_DECAY);
                let m = next() * momentum + g / (v.clone() + eps).sqrt() * lr;
                (p - m.clone(), vec![v, m])
            }
            Rule::Adagrad => {
                let v = next() + g.clone() * g.clone();
                (p - g / v.clone().sqrt() * lr, vec![v])
            }
        }
    }
}

/// Adam's running means of `g` and of its square.
fn moments(m: Tensor<1>, v: Tensor<1>, g: &Tensor<1>) -> (Tensor<1>, Tensor<1>) {
    let (b1, b2) = BETAS;
    (
        m * b1 + g.clone() * (1.0 - b1),
        v * b2 + g.clone() * g.clone() * (1.0 - b2),
    )
}

/// The root of the unbiased second moment.
fn root(v: &Tensor<1>, t: i32) -> Tensor<1> {
    (v.clone() / (1.0 - BETAS.1.powi(t))).sqrt()
}

/// LAMB's factor: the parameter's norm divided by the step's; 1 if either is 0.
fn trust(p: &Tensor<1>, step: &Tensor<1>) -> f64 {
    let norm = |x: &Tensor<1>| -> f64 {
        let square: f32 = (x.clone() * x.clone()).sum().into_scalar();
        f64::from(square).sqrt()
    };
    match (norm(p), norm(step)) {
        (p, step) if p > 0.0 && step > 0.0 => p / step,
        _ => 1.0,
    }
}

/// `mu(t) = 0.9 (1 - 0.96^(0.004 t) / 2)` of this update and the next, and the products of all up to each.
fn nesterov_momenta(updates: u64) -> [f64; 4] {
    let mu = |t: u64| BETAS.0 * (1.0 - 0.5 * 0.96_f64.powf(t as f64 * 0.004));
    let mut product = 1.0;
    for t in 1..=updates {
        product *= mu(t);
        if product < f64::EPSILON / 4.0 {
            break; // from here on, 1 - product is exactly 1
        }
    }
    let next = mu(updates + 1);
    [mu(updates), next, product, product * next]
}
