//! The gradients of a network by parameter name: added, scaled, measured, clipped. They do not depend on the update
//! rule.

use std::collections::BTreeMap;

use burn::module::Param;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use inception::{NamedVisitor, Network, Role};

/// A gradient for each parameter that has one, flattened.
#[derive(Clone, Debug, Default)]
pub struct Gradients {
    by_name: BTreeMap<String, Gradient>,
}

#[derive(Clone, Debug)]
struct Gradient {
    values: Tensor<1>,
    shape: Vec<usize>,
}

impl Gradients {
    /// Takes the gradients of `model`'s parameters out of a backward pass.
    #[must_use]
    pub fn collect(model: &Network, gradients: GradientsParams) -> Self {
        let mut collected = Collect {
            from: gradients,
            into: Gradients::default(),
        };
        model.visit_named(&mut collected);
        collected.into
    }

    /// Each gradient times `factor`.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        if factor == 1.0 {
            return self;
        }
        self.map(|values| values * factor)
    }

    /// The sum with `others`.
    #[must_use]
    pub fn plus(mut self, others: Gradients) -> Self {
        for (name, other) in others.by_name {
            let sum = match self.by_name.remove(&name) {
                Some(gradient) => gradient.values + other.values,
                None => other.values,
            };
            let gradient = Gradient {
                values: sum,
                shape: other.shape,
            };
            self.by_name.insert(name, gradient);
        }
        self
    }

    /// The Euclidean norm of all gradients together. It is NaN or infinite if one of them is, or if it exceeds the
    /// square root of the largest f32 (1.8e19).
    #[must_use]
    pub fn norm(&self) -> f64 {
        let squares = self.squares();
        if squares.is_empty() {
            return 0.0;
        }
        let squares = Tensor::cat(squares, 0).into_data();
        Self::norm_of(squares.iter::<f32>())
    }

    /// The sum of squares of each, `[1]`, on the device.
    #[must_use]
    pub fn squares(&self) -> Vec<Tensor<1>> {
        let gradients = self.by_name.values();
        gradients
            .map(|gradient| (gradient.values.clone() * gradient.values.clone()).sum())
            .collect()
    }

    /// The [`Self::norm`] of gradients with these [`Self::squares`].
    #[must_use]
    pub fn norm_of(squares: impl Iterator<Item = f32>) -> f64 {
        squares.map(f64::from).sum::<f64>().sqrt()
    }

    /// Scaled down to a norm of `limit` if their measured `norm` exceeds it (Pascanu et al. 2013; MindSpore's
    /// `clip_by_global_norm`, PyTorch's `clip_grad_norm_`).
    #[must_use]
    pub fn clipped(self, norm: f64, limit: f64) -> Self {
        if norm > limit {
            self.scaled(limit / norm)
        } else {
            self
        }
    }

    /// Removes one and returns it, flattened.
    pub fn remove(&mut self, name: &str) -> Option<Tensor<1>> {
        self.by_name.remove(name).map(|gradient| gradient.values)
    }

    /// Their values by name, each with its parameter's shape.
    pub fn to_data(&self) -> impl Iterator<Item = (&str, TensorData)> {
        self.by_name
            .iter()
            .map(|(name, gradient)| (name.as_str(), shaped(&gradient.values, &gradient.shape)))
    }

    /// Restored from values, on `device` (without autodiff).
    #[must_use]
    pub fn from_data(
        data: impl IntoIterator<Item = (String, TensorData)>,
        device: &Device,
    ) -> Self {
        let by_name = data.into_iter().map(|(name, data)| {
            let shape = data.shape().to_vec();
            let values = flat(data, device);
            (name, Gradient { values, shape })
        });
        Gradients {
            by_name: by_name.collect(),
        }
    }

    fn map(mut self, change: impl Fn(Tensor<1>) -> Tensor<1>) -> Self {
        for gradient in self.by_name.values_mut() {
            gradient.values = change(gradient.values.clone());
        }
        self
    }
}

struct Collect {
    from: GradientsParams,
    into: Gradients,
}

impl NamedVisitor for Collect {
    fn visit<const D: usize>(&mut self, name: &str, _role: Role, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.from.remove::<D>(param.id) {
            let gradient = Gradient {
                shape: gradient.dims().to_vec(),
                values: gradient.flatten(0, D - 1),
            };
            self.into.by_name.insert(name.to_owned(), gradient);
        }
    }
}

/// Flat values as data of that shape.
pub(super) fn shaped(values: &Tensor<1>, shape: &[usize]) -> TensorData {
    let (bytes, _, dtype) = values.to_data().into_parts();
    TensorData::from_bytes(bytes, shape.to_vec(), dtype)
}

/// Data of any shape as flat values.
pub(super) fn flat(data: TensorData, device: &Device) -> Tensor<1> {
    let (bytes, shape, dtype) = data.into_parts();
    let length: usize = shape.to_vec().iter().product();
    Tensor::from_data(TensorData::from_bytes(bytes, [length], dtype), device)
}
