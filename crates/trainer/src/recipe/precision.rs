//! Mixed precision in MindCV's words: levels and lists of cells to the formats of a network's layers.

use inception::{Format, Precision};
use serde::{Deserialize, Deserializer, Serialize};

use super::Recipe;

/// MindSpore's levels of mixed precision. Weights, their gradients, running statistics and the loss
/// are f32 in all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AmpLevel {
    /// All in f32.
    O0,
    /// Convolutions and the classifier in half precision; f32 between them.
    O1,
    /// All but BatchNorm in half precision; what BatchNorm takes and gives is, its sums, gamma and beta
    /// are not.
    O2,
    /// BatchNorm too: gamma, beta and a batch's statistics are rounded.
    O3,
}

/// What half precision is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AmpDtype {
    /// bfloat16, which has f32's range and needs no loss scale.
    Bf16,
    /// IEEE half precision, as on MindCV's Ascend.
    Fp16,
}

/// MindSpore's cells that `amp_cast_list` may name, those that compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cell {
    /// Convolutions.
    Conv2d,
    /// The classifier.
    Dense,
    /// BatchNorm.
    BatchNorm2d,
}

impl Cell {
    const ALL: [(&str, Cell); 3] = [
        ("Conv2d", Cell::Conv2d),
        ("Dense", Cell::Dense),
        ("BatchNorm2d", Cell::BatchNorm2d),
    ];
}

impl AmpLevel {
    /// Whether anything is in half precision.
    #[must_use]
    pub fn is_mixed(self) -> bool {
        self != Self::O0
    }

    /// The formats of a network's layers. `cells` replaces O1's list of what is in half precision
    /// (convolutions and classifier), or O2's of what is not (BatchNorm).
    #[must_use]
    pub fn precision(self, half: AmpDtype, cells: Option<&[Cell]>) -> Precision {
        let half = match half {
            AmpDtype::Bf16 => Format::Bf16,
            AmpDtype::Fp16 => Format::F16,
        };
        let format = |is_half| if is_half { half } else { Format::F32 };
        let of = |cell| {
            format(match self {
                Self::O0 => false,
                Self::O1 => cells
                    .unwrap_or(&[Cell::Conv2d, Cell::Dense])
                    .contains(&cell),
                Self::O2 => !cells.unwrap_or(&[Cell::BatchNorm2d]).contains(&cell),
                Self::O3 => true,
            })
        };
        Precision {
            convolution: of(Cell::Conv2d),
            normalisation: of(Cell::BatchNorm2d),
            classifier: of(Cell::Dense),
            activations: format(matches!(self, Self::O2 | Self::O3)),
        }
    }
}

impl Recipe {
    /// The formats of a training step.
    #[must_use]
    pub fn precision(&self) -> Precision {
        let cells = self.amp_cast_list.as_deref();
        self.amp_level.precision(self.amp_dtype, cells)
    }

    /// The formats of validation and prediction.
    #[must_use]
    pub fn val_precision(&self) -> Precision {
        self.val_amp_level.precision(self.amp_dtype, None)
    }
}

/// Reads a list of cells, or the Python expression that MindCV takes: `[nn.Conv2d, nn.Dense]`.
pub(super) fn cells<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<Cell>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        List(Vec<String>),
        Text(String),
    }
    let names = match Option::<Written>::deserialize(deserializer)? {
        None => return Ok(None),
        Some(Written::List(names)) => names,
        Some(Written::Text(text)) => {
            let between = |c: char| !(c.is_alphanumeric() || c == '.' || c == '_');
            text.split(between).map(str::to_owned).collect()
        }
    };
    let known = |name: &String| {
        let bare = name.rsplit('.').next().unwrap_or(name);
        let found = Cell::ALL.into_iter().find(|(known, _)| *known == bare);
        found.map(|(_, cell)| cell).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "'{name}' cannot be chosen; there are Conv2d, Dense and BatchNorm2d (pools, sums and \
                 ReLU take what flows between the layers)"
            ))
        })
    };
    let names = names.iter().filter(|name| !name.is_empty());
    names.map(known).collect::<Result<_, _>>().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: Format = Format::Bf16;

    fn formats(level: AmpLevel, cells: Option<&[Cell]>) -> [Format; 4] {
        let of = level.precision(AmpDtype::Bf16, cells);
        [
            of.convolution,
            of.normalisation,
            of.classifier,
            of.activations,
        ]
    }

    #[test]
    fn levels_mean_what_mindspore_means() {
        let full = Format::F32;
        assert_eq!(formats(AmpLevel::O0, None), [full; 4]);
        assert_eq!(formats(AmpLevel::O1, None), [HALF, full, HALF, full]);
        assert_eq!(formats(AmpLevel::O2, None), [HALF, full, HALF, HALF]);
        assert_eq!(formats(AmpLevel::O3, None), [HALF; 4]);
        let fp16 = AmpLevel::O3.precision(AmpDtype::Fp16, None);
        assert_eq!(fp16.activations, Format::F16);
    }

    #[test]
    fn a_list_replaces_o1s_cells_in_half_and_o2s_cells_in_full() {
        let full = Format::F32;
        let dense: &[Cell] = &[Cell::Dense];
        assert_eq!(formats(AmpLevel::O1, Some(dense)), [full, full, HALF, full]);
        assert_eq!(formats(AmpLevel::O2, Some(dense)), [HALF, HALF, full, HALF]);
        assert_eq!(formats(AmpLevel::O2, Some(&[])), [HALF; 4]);
        for level in [AmpLevel::O0, AmpLevel::O3] {
            assert_eq!(formats(level, Some(dense)), formats(level, None));
        }
    }
}
