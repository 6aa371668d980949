//! The real binaries, driven as a user drives them, on images made on the spot.
//!
//! A module for each kind of journey; `bench` (as in workbench) has what they share. Nothing here
//! reaches into the crates: what a user cannot see is tested where it lies.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bench;

mod building;
mod converting;
mod damage;
mod levels;
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
