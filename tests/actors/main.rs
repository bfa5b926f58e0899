//! The wardens and the enforcement reactor as they run: on real arbiters, over a real journal on disk, with real
//! pictures. Only those outside are scripted: the provider and the platform (`scripted`), each keeping its contract.

mod arranged;
mod enforcement;
mod erasure;
mod evidence;
mod frames;
mod keeper;
mod panics;
mod policies;
mod premises;
mod resting;
mod scripted;
mod segments;
mod sweep;
mod turns;
mod views;
