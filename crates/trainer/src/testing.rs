//! What the crate's tests share: reference numbers made with PyTorch and MindSpore.
#![allow(clippy::unwrap_used)]

use serde_json::Value;

/// The reference numbers; `tests/data/formulas.py` says how they are made.
pub(crate) fn formulas() -> Value {
    serde_json::from_str(include_str!("../tests/data/formulas.json")).unwrap()
}

/// A JSON list of numbers.
pub(crate) fn numbers(list: &Value) -> Vec<f64> {
    let numbers = list.as_array().unwrap().iter();
    numbers.map(|number| number.as_f64().unwrap()).collect()
}
