//! Runs the real binaries as a user would, on images made on the spot.
//!
//! Each module covers one topic; `sandbox` has what they share. These tests see only what a user sees;
//! the rest is tested in the crates.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod sandbox;

mod building;
mod converting;
mod damage;
mod long_runs;
mod no_room;
mod odd_files;
mod official;
mod resuming;
mod round_trip;
mod stored_pixels;
mod training;
mod unusual;
mod watching;
mod weights;
