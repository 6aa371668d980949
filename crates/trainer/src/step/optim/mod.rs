//! The parameter update: one rule for every parameter. Its state (velocities, moments) is stored under the parameter's
//! name, so that a checkpoint means the same to any later process.
//!
//! burn's optimizers differ from those of MindCV and the paper: they store their state under parameter ids, which are
//! new in each process; RMSProp starts its accumulator at 0 with eps outside the root; SGD dampens momentum by 0.1;
//! and each parameter is clipped alone.

mod gradients;
mod groups;
mod multi_tensor;
mod rule;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;

use std::collections::BTreeMap;

use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};
use inception::{NamedMapper, Network, Role};

use crate::device;
use crate::recipe::Recipe;

pub use gradients::Gradients;
use groups::Groups;
use rule::{Hyperparameters, Rule};

/// A rule, and the state of every parameter that has been updated at least once.
#[derive(Clone, Debug)]
pub struct Optimizer {
    rule: Rule,
    groups: Groups,
    /// Updates done, which is the time in the rules' formulas.
    updates: u64,
    state: BTreeMap<String, ParameterState>,
    /// Whether parameters are joined and updated as one.
    multi_tensor: bool,
}

/// The state of a parameter: a flat tensor for each of the rule's slots, so that one map can hold parameters of every
/// rank.
#[derive(Clone, Debug)]
struct ParameterState {
    slots: Vec<Tensor<1>>,
    shape: Vec<usize>,
}

impl Optimizer {
    /// The optimizer of `recipe` before its first update, for a network shaped like `model`.
    #[must_use]
    pub fn new(recipe: &Recipe, model: &Network) -> Self {
        let rule = Rule::new(recipe);
        Optimizer {
            rule,
            groups: Groups::new(recipe, model),
            updates: 0,
            state: BTreeMap::new(),
            multi_tensor: device::is_gpu(&recipe.device) && rule.is_elementwise(),
        }
    }

    /// Updates every parameter of `model` that has a gradient, with learning rate `lr`.
    #[must_use]
    pub fn step(&mut self, lr: f64, model: Network, gradients: Gradients) -> Network {
        self.updates += 1;
        if self.multi_tensor {
            return self.update_multi_tensor(lr, model, gradients);
        }
        model.map_named(&mut Update {
            hyperparameters: self.rule.hyperparameters(self.updates),
            optimizer: self,
            gradients,
            lr,
        })
    }

    /// Updates done.
    #[must_use]
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// The state as `slot/parameter`, for example `velocity/last_linear.bias`, each with its parameter's
    /// shape.
    #[must_use]
    pub fn state(&self) -> BTreeMap<String, TensorData> {
        let mut found = BTreeMap::new();
        for (name, state) in &self.state {
            for (slot, values) in self.rule.slots().iter().zip(&state.slots) {
                let data = gradients::shaped(values, &state.shape);
                found.insert(format!("{}/{name}", slot.name), data);
            }
        }
        found
    }

    /// Restores what [`Self::state`] returned after `updates` updates, on `device` (without autodiff).
    ///
    /// # Errors
    /// The name of a tensor that is missing, or that this rule does not have.
    pub fn restore(
        &mut self,
        updates: u64,
        mut state: BTreeMap<String, TensorData>,
        device: &Device,
    ) -> Result<(), String> {
        let slots = self.rule.slots();
        let first = format!("{}/", slots.first().map_or("", |slot| slot.name));
        let names: Vec<String> = state
            .keys()
            .filter_map(|key| key.strip_prefix(&first).map(str::to_owned))
            .collect();
        self.updates = updates;
        self.state.clear();
        for name in names {
            let mut restored = ParameterState {
                slots: Vec::new(),
                shape: Vec::new(),
            };
            for slot in slots {
                let key = format!("{}/{name}", slot.name);
                let data = state.remove(&key).ok_or(key)?;
                restored.shape = data.shape().to_vec();
                restored.slots.push(gradients::flat(data, device));
            }
            self.state.insert(name, restored);
        }
        match state.pop_first() {
            Some((unknown, _)) => Err(unknown),
            None => Ok(()),
        }
    }
}

struct Update<'a> {
    optimizer: &'a mut Optimizer,
    hyperparameters: Hyperparameters,
    gradients: Gradients,
    lr: f64,
}

impl NamedMapper for Update<'_> {
    fn map<const D: usize>(
        &mut self,
        name: &str,
        _role: Role,
        param: Param<Tensor<D>>,
    ) -> Param<Tensor<D>> {
        let Some(gradient) = self.gradients.remove(name) else {
            return param;
        };
        let group = self.optimizer.groups.of(name);
        let hyperparameters = self.hyperparameters.for_group(self.lr, group);
        let known = self.optimizer.state.remove(name);
        let rule = self.optimizer.rule;
        param.map(|parameter| {
            let parameter = parameter.inner();
            let shape = parameter.dims();
            let slots = match known {
                Some(state) => state.slots,
                None => rule.initial_state(&gradient),
            };
            let (parameter, slots) = rule.apply(
                hyperparameters,
                parameter.flatten(0, D - 1),
                gradient,
                slots,
            );
            let shape_kept = shape.to_vec();
            let state = ParameterState {
                slots,
                shape: shape_kept,
            };
            self.optimizer.state.insert(name.to_owned(), state);
            Tensor::from_inner(parameter.reshape(shape)).require_grad()
        })
    }
}
