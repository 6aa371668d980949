//! Which parameters have their own settings: those without weight decay, and layers that learn more slowly than the
//! ones above them.

use inception::Network;

use crate::recipe::{Recipe, WeightDecayFilter};

/// The settings of each parameter, by its name.
#[derive(Clone, Debug)]
pub(super) struct Groups {
    filter: WeightDecayFilter,
    weight_decay: f64,
    layer_decay: Option<f64>,
    /// From the input to the classifier.
    layers: Vec<String>,
}

/// The settings of one parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Group {
    pub(super) weight_decay: f64,
    /// Its learning rate is this factor times the schedule's.
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
        // The classifier learns at the full rate. Each layer below it learns at `layer_decay` times the rate of the
        // next.
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

/// The layer of a parameter, as in timm's `group_matcher`s: `features.3` (and `repeat.5` of Inception-ResNet), or else
/// the name's first part. The stem's first convolutions are one layer, and so are the last block and the convolution
/// after it.
fn layer(name: &str) -> &str {
    const TOGETHER: [(&str, &[&str]); 4] = [
        ("features.0", &["features.0.", "features.1.", "features.2."]),
        ("conv2d_1a", &["conv2d_1", "conv2d_2"]),
        ("conv2d_3b", &["conv2d_3", "conv2d_4"]),
        ("block8", &["block8", "conv2d_7"]),
    ];
    let is_in = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    if let Some((layer, _)) = TOGETHER.iter().find(|(_, prefixes)| is_in(prefixes)) {
        return layer;
    }
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
#[allow(clippy::unwrap_used)]
mod tests {
    use inception::{Architecture, NetworkConfig};

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
        assert_eq!(layer("features.2.bn.bias"), "features.0");
        assert_eq!(layer("features.21.branch0.bn.bias"), "features.21");
    }

    #[test]
    fn published_networks_have_timms_layers() {
        let fixture = crate::testing::formulas();
        for (architecture, classifier) in [
            (Architecture::InceptionV4, "last_linear.weight"),
            (Architecture::InceptionResNetV2, "classif.weight"),
        ] {
            let config = NetworkConfig {
                width: 0.05,
                num_classes: 2,
                ..NetworkConfig::of(architecture)
            };
            let model = config.init(1, &crate::device::cpu_for_tests()).unwrap();
            let recipe = Recipe {
                layer_decay: Some(0.5),
                ..Recipe::default()
            };
            let groups = Groups::new(&recipe, &model);
            let expected = fixture["layers"][architecture.as_str()]
                .as_object()
                .unwrap();
            assert!(expected.len() > 20 && expected[classifier] == 0);
            for (name, above) in expected {
                let above = i32::try_from(above.as_i64().unwrap()).unwrap();
                assert_eq!(groups.of(name).lr_factor, 0.5_f64.powi(above), "{name}");
            }
        }
    }

    #[test]
    fn lower_layers_learn_more_slowly() {
        let factors = |decay| groups(Disable, decay).map(|group| group.lr_factor);
        assert_eq!(factors(None), [1.0; 4]);
        let expected = [3, 2, 1, 0].map(|below| 0.5_f64.powi(below));
        assert_eq!(factors(Some(0.5)), expected);
    }
}
