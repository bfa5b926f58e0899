//! The stand-ins for Hive as a process of its own, for tours. It says, a line each: where Hive's interfaces are, the key of
//! its visual project, that of its speech project, where the Moderation Dashboard is, and the key of the application
//! there. It ends when its standard input does.
//!
//! usage: hive-standin [CALLBACK AUTHORIZATION]     what the Dashboard's one rule fires on a gun of a score over 0.9
#![allow(clippy::unwrap_used)] // a tool of tests: a panic is the report

#[path = "../dashboard_standin/mod.rs"]
#[allow(dead_code)] // what tests look at
mod dashboard_standin;
#[path = "mod.rs"]
mod hive_standin;

use std::io::Read;

use dashboard_standin::{Action, DashboardStandin, Rule};

fn main() {
    let hive = hive_standin::HiveStandin::start();
    let (key, speech_key) = {
        let world = hive.world(); // once: it is behind a lock
        (world.key.clone(), world.speech_key.clone())
    };
    let dashboard = DashboardStandin::start();
    let mut arguments = std::env::args().skip(1);
    if let (Some(url), Some(authorization)) = (arguments.next(), arguments.next()) {
        let name = "ban-stream";
        let mut world = dashboard.world();
        world.rules.push(Rule { class: "gun_in_hand", over: 0.9, action: name });
        world.actions.push(Action { name, url, authorization });
    }
    let dashboard_key = dashboard.world().key.clone();
    println!("{}\n{key}\n{speech_key}\n{}\n{dashboard_key}", hive.address, dashboard.endpoint);
    let _ = std::io::stdin().read_to_end(&mut Vec::new()); // until whoever started it is gone
}
