//! A network's layers: each one's output, parameters and multiply-adds. It computes only shapes.

use std::fmt;

use burn::tensor::{Device, Tensor};

use crate::config::{ConfigError, NetworkConfig, check_input};
use crate::names::{Role, TensorInfo};

/// A convolution with its BatchNorm, or the classifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// timm's name, without `.conv`.
    pub name: String,
    /// Kernel height and width; `None` for the classifier.
    pub kernel: Option<[usize; 2]>,
    /// Channels, height and width of its output.
    pub output: [usize; 3],
    /// Trained numbers, including those of its BatchNorm.
    pub parameters: usize,
    /// Pairs of a multiplication and an addition for one image, plus two for each output of a BatchNorm, as in timm's
    /// table of models. ReLU and pools are not counted.
    pub multiply_adds: u64,
}

/// The layers of a network for images of one size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// In the network's order.
    pub layers: Vec<Layer>,
}

/// Where a stage of the network begins and ends, in pixels.
struct Stage {
    name: String,
    from: [usize; 2],
    to: [usize; 2],
}

impl Summary {
    /// The summary of the network of `config` for images of `size` x `size` px. The sizes are computed on `device`, with the
    /// narrowest network.
    ///
    /// # Errors
    /// [`ConfigError`] for a configuration, or a size, that does not give a valid network.
    pub fn of(config: &NetworkConfig, size: usize, device: &Device) -> Result<Self, ConfigError> {
        check_input(size)?;
        let stages = stages(config, size, device)?;
        let tensors = config.init(0, device)?.tensors();
        let layers: Vec<&[TensorInfo]> = tensors
            .chunk_by(|a, b| layer_of(&a.name) == layer_of(&b.name))
            .collect();
        let names: Vec<&str> = layers
            .iter()
            .map(|layer| layer_of(&layer[0].name))
            .collect();
        let measured = layers.iter().zip(&names).filter_map(|(tensors, name)| {
            let parameters = tensors.iter().filter(|t| t.role == Role::Parameter);
            let parameters = parameters.map(elements).sum();
            let weight = tensors.iter().find(|t| t.shape.len() > 1)?;
            let (kernel, [height, width]) = match weight.shape[..] {
                [_, _, height, width] => (Some([height, width]), output(name, &names, &stages)),
                _ => (None, [1, 1]),
            };
            let has_norm = tensors.iter().any(|t| t.name.ends_with(".bn.weight"));
            let normalised = 2 * usize::from(has_norm) * weight.shape[0] * height * width;
            Some(Layer {
                name: (*name).to_owned(),
                kernel,
                output: [weight.shape[0], height, width],
                parameters,
                multiply_adds: (elements(weight) * height * width + normalised) as u64,
            })
        });
        Ok(Self {
            layers: measured.collect(),
        })
    }

    /// Trained numbers of the network.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.layers.iter().map(|layer| layer.parameters).sum()
    }

    /// Multiply-adds of one image.
    #[must_use]
    pub fn multiply_adds(&self) -> u64 {
        self.layers.iter().map(|layer| layer.multiply_adds).sum()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<36} {:>6} {:>16} {:>12} {:>14}",
            "layer", "kernel", "output", "parameters", "multiply-adds"
        )?;
        for layer in &self.layers {
            let kernel = layer.kernel.map(|[y, x]| format!("{y} x {x}"));
            let [channels, height, width] = layer.output;
            writeln!(
                f,
                "{:<36} {:>6} {:>16} {:>12} {:>14}",
                layer.name,
                kernel.unwrap_or_default(),
                format!("{channels} x {height} x {width}"),
                layer.parameters,
                layer.multiply_adds
            )?;
        }
        write!(
            f,
            "{} parameters, {:.2} G multiply-adds per image",
            self.parameters(),
            self.multiply_adds() as f64 / 1e9
        )
    }
}

/// The stages of the network. Their sizes do not depend on its width, so a narrow network gives them.
fn stages(config: &NetworkConfig, size: usize, device: &Device) -> Result<Vec<Stage>, ConfigError> {
    let narrow = NetworkConfig {
        width: f64::MIN_POSITIVE,
        num_classes: 1,
        ..config.clone()
    };
    let images = Tensor::zeros([1, config.in_channels, size, size], device);
    let mut stages = Vec::new();
    let mut from = [size, size];
    narrow.init(0, device)?.forward_observed(images, |name, x| {
        let [_, _, height, width] = x.dims();
        let (name, to) = (name.to_owned(), [height, width]);
        stages.push(Stage { name, from, to });
        from = to;
    });
    Ok(stages)
}

/// Height and width of a convolution's output. In a stage that shrinks its input, the last convolution of each branch
/// shrinks it; all others keep the size.
fn output(name: &str, names: &[&str], stages: &[Stage]) -> [usize; 2] {
    let within = |stage: &Stage, name: &str| {
        let rest = name.strip_prefix(stage.name.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let Some(stage) = stages.iter().find(|stage| within(stage, name)) else {
        return [0, 0];
    };
    let goes_on = name.rsplit_once('.').is_some_and(|(branch, number)| {
        let next = |number: usize| names.contains(&format!("{branch}.{}", number + 1).as_str());
        within(stage, branch) && number.parse().is_ok_and(next)
    });
    if goes_on { stage.from } else { stage.to }
}

/// A tensor's layer: its name before `.conv.weight`, `.bn.bias`, `.weight`.
fn layer_of(tensor: &str) -> &str {
    let module = tensor.rsplit_once('.').map_or(tensor, |(module, _)| module);
    let bare = module.strip_suffix(".conv").or(module.strip_suffix(".bn"));
    bare.unwrap_or(module)
}

fn elements(tensor: &TensorInfo) -> usize {
    tensor.shape.iter().product()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::Architecture;

    #[test]
    fn inception_v4_is_as_timm_counts_it() {
        let summary = Summary::of(&NetworkConfig::default(), 299, &Device::flex()).unwrap();
        assert_eq!(summary.parameters(), 42_679_816);
        // 12.28 G in timm's table of models.
        let giga = summary.multiply_adds() as f64 / 1e9;
        assert!((giga - 12.28).abs() < 0.005, "{giga}");
        assert_eq!(summary.layers[0].output, [32, 149, 149]);
        let reduction = summary
            .layers
            .iter()
            .find(|l| l.name == "features.10.branch1.2");
        assert_eq!(reduction.unwrap().output, [256, 17, 17]);
        let before = summary
            .layers
            .iter()
            .find(|l| l.name == "features.10.branch1.1");
        assert_eq!(before.unwrap().output, [224, 35, 35]);
        assert_eq!(summary.layers.last().unwrap().output, [1000, 1, 1]);
        assert_eq!(summary.layers.len(), 150);
    }

    #[test]
    fn inception_resnet_v2_is_as_timm_counts_it() {
        let config = NetworkConfig::of(Architecture::InceptionResNetV2);
        let summary = Summary::of(&config, 299, &Device::flex()).unwrap();
        assert_eq!(summary.parameters(), 55_843_464);
        // 13.18 G in timm's table of models.
        let giga = summary.multiply_adds() as f64 / 1e9;
        assert!((giga - 13.18).abs() < 0.005, "{giga}");
    }

    #[test]
    fn a_size_too_small_is_refused() {
        assert!(Summary::of(&NetworkConfig::default(), 74, &Device::flex()).is_err());
    }
}
