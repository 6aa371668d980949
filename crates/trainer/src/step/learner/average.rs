//! The exponential moving average of a network in training: of its weights and of its running statistics.

use std::collections::BTreeMap;

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use inception::{NamedMapper, NamedVisitor, Network, Role};

/// Updates until the decay reaches 1 - 1/e of its full value, as in MindCV.
const WARM_UP: f64 = 2000.0;

/// An average `a` of weights `w`: at update t, from 1, `a = d a + (1 - d) w` with
/// `d = decay (1 - exp(-t / 2000))`, so that it quickly forgets its random beginning.
#[derive(Debug)]
pub struct Average {
    model: Network,
    decay: f64,
}

impl Average {
    /// Starts with the current weights of `model`.
    #[must_use]
    pub fn of(model: &Network, decay: f64) -> Self {
        // `valid` copies the running statistics; a clone would share them with the live network.
        let average = Average {
            model: model.valid(),
            decay,
        };
        average.moved(model, 0.0)
    }

    /// The averaged network, in validation mode, on the plain device.
    #[must_use]
    pub fn model(&self) -> &Network {
        &self.model
    }

    /// Continues from a saved average.
    pub(super) fn restore(&mut self, model: Network) {
        self.model = model;
    }

    /// The average after update number `updates` (from 1), which produced `live`.
    #[must_use]
    pub(super) fn after(self, updates: u64, live: &Network) -> Self {
        let kept = self.decay * (1.0 - (-(updates as f64) / WARM_UP).exp());
        self.moved(live, kept)
    }

    fn moved(mut self, live: &Network, kept: f64) -> Self {
        let mut tensors = Live(BTreeMap::new());
        live.visit_named(&mut tensors);
        self.model = self.model.map_named(&mut Move {
            live: tensors.0,
            kept,
        });
        self
    }
}

/// A network's tensors, flattened, on the plain device.
struct Live(BTreeMap<String, Tensor<1>>);

impl NamedVisitor for Live {
    fn visit<const D: usize>(&mut self, name: &str, _role: Role, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        let tensor = match tensor.device().is_autodiff() {
            true => tensor.inner(),
            false => tensor,
        };
        self.0.insert(name.to_owned(), tensor.flatten(0, D - 1));
    }
}

struct Move {
    live: BTreeMap<String, Tensor<1>>,
    kept: f64,
}

impl NamedMapper for Move {
    fn map<const D: usize>(
        &mut self,
        name: &str,
        _role: Role,
        param: Param<Tensor<D>>,
    ) -> Param<Tensor<D>> {
        let Some(live) = self.live.remove(name) else {
            return param;
        };
        param.map(|average| {
            let live = live.reshape(average.dims());
            match self.kept == 0.0 {
                true => live,
                false => average * self.kept + live * (1.0 - self.kept),
            }
        })
    }
}
