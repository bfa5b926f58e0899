//! The figures of a seed, as the tables that stand in docs/benches.md.

use crate::population::Kind;
use crate::tally::{Tallies, Tally};

/// An arm's name, its cadence as people read it, and what came of it.
pub struct Row<'a> {
    /// Which arm.
    pub arm: &'a str,
    /// Its cadence.
    pub cadence: String,
    /// What came of it.
    pub tallies: &'a Tallies,
}

/// What each arm found, with how many calls.
pub fn arms(seed: u64, rows: &[Row<'_>]) {
    println!(
        "\n| seed {seed} | calls | found: half within | three quarters | p95 of those found | episodes never found | \
         harmful broadcasts missed | false warnings |"
    );
    println!("|{}", " --- |".repeat(8));
    for Row { arm, cadence, tallies } in rows {
        let all = tallies.all();
        println!(
            "| {arm}, {cadence} | {} | {} | {} | {} | {} of {} | {} of {} | {} |",
            all.calls,
            seconds(all.found_within(0.5)),
            seconds(all.found_within(0.75)),
            seconds(all.of_found_within(0.95)),
            all.never_found(),
            all.found_after.len(),
            all.missed,
            all.harmful,
            all.false_warnings,
        );
    }
}

/// Where the calls go, and who is found how soon, by kind of channel.
pub fn kinds(of: &str, arms: &[(&str, Tallies)]) {
    let names = |what: &str| arms.iter().map(|(arm, _)| format!(" {arm}: {what} |")).collect::<String>();
    println!("\n| {of} | channels |{}{}{}", names("calls an hour"), names("half within"), names("broadcasts missed"));
    println!("|{}", " --- |".repeat(2 + 3 * arms.len()));
    for (kind, _) in Kind::ALL {
        let tallies = || arms.iter().filter_map(|(_, tallies)| tallies.0.get(&kind));
        let row = |cell: fn(&Tally) -> String| tallies().map(|tally| format!(" {} |", cell(tally))).collect::<String>();
        let channels = tallies().map(|tally| tally.channels).max().unwrap_or(0);
        println!("| {} | {channels} |{}{}{}", name(kind), row(calls), row(median), row(missed));
    }
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Known => "clean, with a past",
        Kind::New => "clean, new",
        Kind::Noisy => "clean, the model often wrong",
        Kind::HarmfulNew => "harmful, new",
        Kind::HarmfulKnown => "harmful, upheld before",
        Kind::LateForetold => "turns harmful late, near misses before",
        Kind::LateUnforetold => "turns harmful late, without a sign",
    }
}

fn calls(tally: &Tally) -> String {
    format!("{:.0}", tally.calls as f64 * 3_600_000.0 / tally.on_air as f64)
}

fn median(tally: &Tally) -> String {
    if tally.harmful == 0 { String::new() } else { seconds(tally.found_within(0.5)) }
}

fn missed(tally: &Tally) -> String {
    if tally.harmful == 0 { String::new() } else { format!("{} of {}", tally.missed, tally.harmful) }
}

/// Milliseconds as seconds.
pub fn seconds(ms: Option<u64>) -> String {
    ms.map_or("never".to_owned(), |ms| format!("{:.0} s", ms as f64 / 1000.0))
}
