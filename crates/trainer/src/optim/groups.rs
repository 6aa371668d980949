//! Which parameters are treated differently: those that weight decay spares, and layers that learn more
//! slowly than the ones above them.

use inception::Network;

use crate::recipe::{Recipe, WeightDecayFilter};

/// How each parameter is treated, by its name.
#[derive(Clone, Debug)]
pub(super) struct Groups {
    filter: WeightDecayFilter,
    weight_decay: f64,
    layer_decay: Option<f64>,
    /// From the input to the classifier.
    layers: Vec<String>,
}

/// How one parameter is treated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Group {
    pub(super) weight_decay: f64,
    /// Its learning rate is so much of the schedule's.
    pub(super) lr_factor: f64,
}

impl Groups {
    pub(super) fn new(recipe: &Recipe, model: &Network) -> Self {
        let names = model.tensors().into_iter().map(|tensor| tensor.name);
        Groups {
            filter: recipe.weight_decay_filter,
            weight_decay: recipe.weight_decay,
            layer_decay: recipe.layer_decay,
            layers: layers(names),
        }
    }

    /// `name` is timm's: `….bn.weight` is BatchNorm's gamma.
    pub(super) fn of(&self, name: &str) -> Group {
        let norm = name.ends_with(".bn.weight") || name.ends_with(".bn.bias");
        let spared = match self.filter {
            WeightDecayFilter::Disable => false,
            WeightDecayFilter::Auto => norm,
            WeightDecayFilter::NormAndBias => norm || name.ends_with(".bias"),
        };
        // The classifier learns at the full rate, each layer below it at `layer_decay` of the next.
        let lr_factor = self.layer_decay.map_or(1.0, |decay| {
            let place = self.layers.iter().position(|known| known == layer(name));
            let above = place.map_or(0, |place| self.layers.len() - 1 - place);
            decay.powi(i32::try_from(above).unwrap_or(i32::MAX))
        });
        Group {
            weight_decay: if spared { 0.0 } else { self.weight_decay },
            lr_factor,
        }
    }
}

/// The layers of parameters in the network's order.
fn layers(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut layers: Vec<String> = names.map(|name| layer(&name).to_owned()).collect();
    layers.dedup();
    layers
}

/// What counts as a layer: `features.3` (and `repeat.5` of Inception-ResNet), else the name's first part.
fn layer(name: &str) -> &str {
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = name.split('.');
    let first = parts.next().map_or(0, str::len);
    let length = match parts.next() {
        Some(second) if is_number(second) => first + 1 + second.len(),
        _ => first,
    };
    name.get(..length).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use WeightDecayFilter::{Auto, Disable, NormAndBias};

    const NAMES: [&str; 4] = [
        "features.0.conv.weight",
        "features.3.bn.weight",
        "features.20.branch0.bn.bias",
        "last_linear.bias",
    ];

    fn groups(filter: WeightDecayFilter, layer_decay: Option<f64>) -> [Group; 4] {
        let groups = Groups {
            filter,
            weight_decay: 1.0,
            layer_decay,
            layers: layers(NAMES.iter().map(|name| (*name).to_owned())),
        };
        NAMES.map(|name| groups.of(name))
    }

    #[test]
    fn the_filter_spares_what_it_says() {
        let decays = |filter| groups(filter, None).map(|group| group.weight_decay);
        assert_eq!(decays(Disable), [1.0; 4]);
        assert_eq!(decays(Auto), [1.0, 0.0, 0.0, 1.0]);
        assert_eq!(decays(NormAndBias), [1.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn layers_are_stages_and_blocks() {
        let found = [
            "conv2d_1a.conv.weight",
            "repeat.5.branch0.bn.bias",
            "features.3.conv.bn.bias",
        ];
        assert_eq!(found.map(layer), ["conv2d_1a", "repeat.5", "features.3"]);
        assert_eq!(layer("classif.weight"), "classif");
    }

    #[test]
    fn lower_layers_learn_more_slowly() {
        let factors = |decay| groups(Disable, decay).map(|group| group.lr_factor);
        assert_eq!(factors(None), [1.0; 4]);
        let expected = [3, 2, 1, 0].map(|below| 0.5_f64.powi(below));
        assert_eq!(factors(Some(0.5)), expected);
    }
}
