//! The stand-in for Hive as a process of its own, for tours: says where it listens on its first line, the key of its visual
//! project on its second and that of its speech project on its third, and ends when its standard input does.
#![allow(clippy::unwrap_used)] // a tool of tests: a panic is the report

#[path = "mod.rs"]
mod hive_standin;

use std::io::Read;

fn main() {
    let standin = hive_standin::HiveStandin::start();
    println!("{}\n{}\n{}", standin.address, standin.world().key, standin.world().speech_key);
    let _ = std::io::stdin().read_to_end(&mut Vec::new()); // until whoever started it is gone
}
