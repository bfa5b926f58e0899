//! The stand-in for Hive as a process of its own, for tours: says where it listens on its first line and the key that it
//! takes on its second, and ends when its standard input does.
#![allow(clippy::unwrap_used)] // a tool of tests: a panic is the report

#[path = "mod.rs"]
mod hive_standin;

use std::io::Read;

fn main() {
    let standin = hive_standin::HiveStandin::start();
    println!("{}\n{}", standin.address, standin.world().key);
    let _ = std::io::stdin().read_to_end(&mut Vec::new()); // until whoever started it is gone
}
