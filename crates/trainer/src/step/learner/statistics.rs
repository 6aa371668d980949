//! The running statistics of a network, saved before a forward pass and restored if the step fails. Saving them copies
//! no numbers.

use burn::module::Param;
use burn::tensor::Tensor;
use inception::{NamedMapper, NamedVisitor, Network, Role};

/// Every running mean and variance, in the network's order.
pub(super) struct Statistics(Vec<Tensor<1>>);

impl Statistics {
    pub(super) fn of(model: &Network) -> Self {
        let mut taken = Statistics(Vec::new());
        model.visit_named(&mut taken);
        taken
    }

    /// `model` with these statistics.
    pub(super) fn restored(self, model: Network) -> Network {
        model.map_named(&mut PutBack(self.0.into_iter()))
    }
}

impl NamedVisitor for Statistics {
    fn visit<const D: usize>(&mut self, _name: &str, role: Role, param: &Param<Tensor<D>>) {
        if role == Role::Statistic {
            self.0.push(param.val().flatten(0, D - 1));
        }
    }
}

struct PutBack(std::vec::IntoIter<Tensor<1>>);

impl NamedMapper for PutBack {
    fn map<const D: usize>(
        &mut self,
        _name: &str,
        role: Role,
        param: Param<Tensor<D>>,
    ) -> Param<Tensor<D>> {
        match self.0.len() {
            _ if role == Role::Parameter => param,
            0 => param,
            _ => param.map(|now| match self.0.next() {
                Some(before) => before.reshape(now.dims()),
                None => now,
            }),
        }
    }
}
