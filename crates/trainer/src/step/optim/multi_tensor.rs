//! Parameters with the same settings, joined and updated as one ("multi-tensor" in other frameworks). This is for GPUs:
//! starting an operation takes microseconds, however few numbers it has, and the networks have some 450 parameters,
//! most of them short. The resulting bits are the same as one by one. Rules that need a parameter as a whole cannot use
//! this.

use std::collections::BTreeMap;

use burn::module::Param;
use burn::tensor::Tensor;
use inception::{NamedMapper, NamedVisitor, Network, Role};

use super::groups::Group;
use super::{Gradients, Optimizer, ParameterState};

/// The parameters of a group, in the network's order. The tensors are on the plain device.
struct AlikeParameters {
    group: Group,
    names: Vec<String>,
    shapes: Vec<Vec<usize>>,
    parameters: Vec<Tensor<1>>,
    gradients: Vec<Tensor<1>>,
    /// For each slot of the rule, the tensors of all parameters.
    slots: Vec<Vec<Tensor<1>>>,
}

impl Optimizer {
    /// Updates every parameter of `model` that has a gradient.
    pub(super) fn update_multi_tensor(
        &mut self,
        lr: f64,
        model: Network,
        gradients: Gradients,
    ) -> Network {
        let mut sort = Sort {
            optimizer: self,
            gradients,
            sorted: Vec::new(),
        };
        model.visit_named(&mut sort);
        let sorted = sort.sorted;
        let hyperparameters = self.rule.hyperparameters(self.updates);
        let mut updated = BTreeMap::new();
        for alike in sorted {
            let joined = |tensors: Vec<Tensor<1>>| Tensor::cat(tensors, 0);
            let (parameters, slots) = self.rule.apply(
                hyperparameters.for_group(lr, alike.group),
                joined(alike.parameters),
                joined(alike.gradients),
                alike.slots.into_iter().map(joined).collect(),
            );
            let mut from = 0;
            for (name, shape) in alike.names.into_iter().zip(alike.shapes) {
                let length = shape.iter().product();
                let share = |all: &Tensor<1>| all.clone().narrow(0, from, length);
                updated.insert(name.clone(), share(&parameters));
                let slots = slots.iter().map(share).collect();
                self.state.insert(name, ParameterState { slots, shape });
                from += length;
            }
        }
        model.map_named(&mut PutBack(updated))
    }
}

/// Sorts parameters into their groups.
struct Sort<'a> {
    optimizer: &'a mut Optimizer,
    gradients: Gradients,
    sorted: Vec<AlikeParameters>,
}

impl NamedVisitor for Sort<'_> {
    fn visit<const D: usize>(&mut self, name: &str, _role: Role, param: &Param<Tensor<D>>) {
        let Some(gradient) = self.gradients.remove(name) else {
            return;
        };
        let group = self.optimizer.groups.of(name);
        let place = self.sorted.iter().position(|alike| alike.group == group);
        let place = place.unwrap_or_else(|| {
            self.sorted.push(AlikeParameters {
                group,
                names: Vec::new(),
                shapes: Vec::new(),
                parameters: Vec::new(),
                gradients: Vec::new(),
                slots: vec![Vec::new(); self.optimizer.rule.slots().len()],
            });
            self.sorted.len() - 1
        });
        let alike = &mut self.sorted[place];
        let known = self.optimizer.state.remove(name).map(|state| state.slots);
        let slots = known.unwrap_or_else(|| self.optimizer.rule.initial_state(&gradient));
        for (all, slot) in alike.slots.iter_mut().zip(slots) {
            all.push(slot);
        }
        let parameter = param.val().inner();
        alike.names.push(name.to_owned());
        alike.shapes.push(parameter.dims().to_vec());
        alike.parameters.push(parameter.flatten(0, D - 1));
        alike.gradients.push(gradient);
    }
}

/// New values, flat, by name.
struct PutBack(BTreeMap<String, Tensor<1>>);

impl NamedMapper for PutBack {
    fn map<const D: usize>(
        &mut self,
        name: &str,
        _role: Role,
        param: Param<Tensor<D>>,
    ) -> Param<Tensor<D>> {
        let Some(values) = self.0.remove(name) else {
            return param;
        };
        param.map(|old| Tensor::from_inner(values.reshape(old.dims())).require_grad())
    }
}
