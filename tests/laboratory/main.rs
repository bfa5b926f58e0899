//! The laboratory: histories written by hand for what each figure means and for what cannot be known, random ones for
//! what must hold of any, and the commands and the store as a person uses them.

mod arena;
mod changed;
mod frontier;
mod heard;
mod identity;
#[path = "../warden/lines.rs"]
#[allow(dead_code)] // shared with the tests of the warden, which use all of it
mod lines;
mod pages;
mod recorder;
mod running;
#[path = "../warden/samples.rs"]
#[allow(dead_code)]
mod samples;
mod told;
mod truth;
mod unknowables;
#[path = "../warden/wanted.rs"]
#[allow(dead_code)]
mod wanted;
