//! Mixed precision: from a recipe's levels and lists of cells to the formats of a network's layers.

use inception::{Format, Precision};

use super::{AmpDtype, AmpLevel, Cell, Recipe};

/// The formats of a training step.
#[must_use]
pub fn training_precision(recipe: &Recipe) -> Precision {
    let cells = recipe.amp_cast_list.as_deref();
    precision(recipe.amp_level, recipe.amp_dtype, cells)
}

/// The formats of validation and prediction.
#[must_use]
pub fn evaluation_precision(recipe: &Recipe) -> Precision {
    precision(recipe.val_amp_level, recipe.amp_dtype, None)
}

/// The formats of a network's layers. `cells` replaces O1's list of the layers in half precision (convolutions and
/// classifier), or O2's list of the layers that are not (BatchNorm).
fn precision(level: AmpLevel, half: AmpDtype, cells: Option<&[Cell]>) -> Precision {
    let half = match half {
        AmpDtype::Bf16 => Format::Bf16,
        AmpDtype::Fp16 => Format::F16,
    };
    let format = |is_half| if is_half { half } else { Format::F32 };
    let of = |cell| {
        format(match level {
            AmpLevel::O0 => false,
            AmpLevel::O1 => cells
                .unwrap_or(&[Cell::Conv2d, Cell::Dense])
                .contains(&cell),
            AmpLevel::O2 => !cells.unwrap_or(&[Cell::BatchNorm2d]).contains(&cell),
            AmpLevel::O3 => true,
        })
    };
    Precision {
        convolution: of(Cell::Conv2d),
        normalisation: of(Cell::BatchNorm2d),
        classifier: of(Cell::Dense),
        activations: format(matches!(level, AmpLevel::O2 | AmpLevel::O3)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: Format = Format::Bf16;

    fn formats(level: AmpLevel, cells: Option<&[Cell]>) -> [Format; 4] {
        let of = precision(level, AmpDtype::Bf16, cells);
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
        let fp16 = precision(AmpLevel::O3, AmpDtype::Fp16, None);
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
