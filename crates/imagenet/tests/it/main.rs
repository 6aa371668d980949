//! Opens small raw data sets of every known layout, made in a temporary folder: what is found, what is read, what
//! is refused and how the refusal reads. The "images" are a few bytes each: this crate does not look inside.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
mod folders;
#[cfg(feature = "parquet")]
mod hugging_face;
mod tars;
mod validation;
