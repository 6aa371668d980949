//! What `train`, `validate`, `predict` and `weights` share: flags made from the recipe's keys, logging, and what the
//! status bar says. What the programs do is in `trainer`.

#![forbid(unsafe_code)]

pub mod bar;
pub mod flags;
pub mod log;
