//! The recipe: everything that defines a training run, under MindCV's keys.
//!
//! A recipe file overrides the defaults, and the command line overrides the file. Both are read into [`Layer`]s,
//! which only know that a key exists. [`Recipe::resolve`] then decides what the values mean, reports
//! everything that is wrong at once, and gives a [`Recipe`] whose every field the run honours.
//!
//! The trainer and `shard bench` read recipes here, so they refuse the same mistakes in the same words, and what
//! one measures is what the other trains: [`Recipe::training_config`] is the only way from keys to a loader.
//!
//! This crate opens no data set, builds no network and knows neither burn nor clap. What the words mean
//! to a network is the trainer's business; its flags are made from [`all_keys`].
//!
//! # Adding a key
//! A field and its default in `recipe.rs`, a row in `keys/table.rs`, its row in `docs/recipe.md`, and the code that
//! uses it; if its range is limited, also a line in `validate.rs`. If it is neither a switch nor a number, another value
//! in `tests/every_key.rs`.

#![forbid(unsafe_code)]

mod error;
mod images;
mod keys;
mod layer;
mod recipe;
mod resolve;
mod spelling;
mod validate;
mod words;

pub use loader::{Decode, OnError};

pub use error::{RecipeError, UnknownKey, WrongType};
pub use keys::{Group, Key, Support, all as all_keys};
pub use layer::Layer;
pub use recipe::Recipe;
pub use resolve::{Purpose, Resolved, type_error};
pub use words::{
    AmpDtype, AmpLevel, Architecture, Cell, Initialisation, Interpolation, Io, KeepPolicy,
    LossName, LossScaleType, OptimizerName, Scheduler, UnknownArchitecture, WeightDecayFilter,
};

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;
