//! The recipe as the trainer sees it: all of the crate `recipe`, and what its words mean to the network and to mixed
//! precision. That crate has the keys, their checks and the way from files and flags to a recipe, and does not need
//! burn.

mod precision;

pub use ::recipe::{
    AmpDtype, AmpLevel, Architecture, Cell, Decode, Group, Initialisation, Interpolation, Io,
    KeepPolicy, Key, Layer, LossName, LossScaleType, OnError, OptimizerName, Purpose, Recipe,
    RecipeError, Resolved, Scheduler, Support, UnknownArchitecture, WeightDecayFilter, all_keys,
};

pub use precision::{evaluation_precision, training_precision};

/// The network with that name.
#[must_use]
pub fn architecture(name: Architecture) -> inception::Architecture {
    match name {
        Architecture::InceptionV4 => inception::Architecture::InceptionV4,
        Architecture::InceptionResNetV1 => inception::Architecture::InceptionResNetV1,
        Architecture::InceptionResNetV2 => inception::Architecture::InceptionResNetV2,
        Architecture::InceptionResNetV2Paper => inception::Architecture::InceptionResNetV2Paper,
    }
}

/// The initialisation of weights with that name.
#[must_use]
pub fn initialisation(name: Initialisation) -> inception::Initialisation {
    match name {
        Initialisation::XavierUniform => inception::Initialisation::XavierUniform,
        Initialisation::TruncatedNormal => inception::Initialisation::TruncatedNormal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_have_one_name_in_recipes_and_in_code() {
        for name in Architecture::ALL {
            let network = architecture(name);
            assert_eq!(network.as_str(), name.as_str());
            assert_eq!(network.has_residuals(), name.has_residuals());
        }
        assert_eq!(inception::Architecture::ALL.len(), Architecture::ALL.len());
    }
}
