//! The figures of a seed, as tables that stand in docs/benches.md.

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
        "\n| seed {seed} | cadence | calls | median | p95 | episodes never found | harmful broadcasts missed | false warnings |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    for Row { arm, cadence, tallies } in rows {
        let all = tallies.all();
        println!(
            "| {arm} | {cadence} | {} | {} | {} | {} of {} | {} of {} | {} of {} |",
            all.calls,
            seconds(all.found_within(0.5)),
            seconds(all.found_within(0.95)),
            all.never_found(),
            all.found_after.len(),
            all.missed,
            all.harmful,
            all.false_warnings,
            all.warnings,
        );
    }
}

/// Where the calls go, and who is found how soon, by kind of channel.
pub fn kinds(seed: u64, rows: &[Row<'_>]) {
    println!(
        "\n| seed {seed}, by kind | channels |{}",
        rows.iter().map(|row| format!(" {} |", row.arm)).collect::<String>()
    );
    println!("| --- | --- |{}", " --- |".repeat(rows.len()));
    let Some(first) = rows.first() else { return };
    for (kind, tally) in &first.tallies.0 {
        let of = |row: &Row<'_>| format!(" {} |", cell(&row.tallies.0[kind], row.tallies.all().calls));
        println!("| {kind:?} | {} |{}", tally.channels, rows.iter().map(of).collect::<String>());
    }
}

fn cell(tally: &Tally, of_calls: u64) -> String {
    let share = tally.calls as f64 * 100.0 / of_calls as f64;
    let an_hour = tally.calls as f64 * 3_600_000.0 / tally.on_air as f64;
    let mut cell = format!("{share:.1} % of calls, {an_hour:.0} an hour");
    if tally.harmful > 0 {
        let [median, p95] = [0.5, 0.95].map(|of| seconds(tally.found_within(of)));
        cell += &format!("; {median} / {p95}, {} of {} missed", tally.missed, tally.harmful);
    }
    cell
}

/// Milliseconds as seconds.
pub fn seconds(ms: Option<u64>) -> String {
    ms.map_or("never".to_owned(), |ms| format!("{:.0} s", ms as f64 / 1000.0))
}
