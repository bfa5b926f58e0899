//! A report in a screenful of text, for a terminal.

use std::fmt::Write;

use super::document::{Backtest, Subject};
use super::frontier::{Frontier, PriceOf};
use super::html::words::{change, count, duration, of, share};
use super::price::Dollars;
use super::report::{NotOnRecord, Truth};

/// Warnings lost that are named.
const LOST_NAMED_MAX: usize = 5;

/// What came of a backtest.
pub fn backtest(backtest: &Backtest) -> String {
    let Backtest { subject, report } = backtest;
    let mut text = subject_line(subject);
    let mut line = |name: &str, said: String| {
        let _ = writeln!(text, "{name:<13}{said}");
    };
    let (then, now) = (report.total.recorded, report.total.proposed);
    line("warnings", format!("{} recorded, {} proposed", count(then.warnings), count(now.warnings)));
    line("stops", format!("{} recorded, {} proposed without a person", count(then.stops), count(now.stops)));
    line("gained", some(report.gained.count));
    line("lost", some(report.lost.count));
    line("recall", recall(&report.truth));
    let truth = &report.truth;
    line(
        "precision",
        format!(
            "{} recorded ({} upheld, {} dismissed), {} proposed ({}, {})",
            share(truth.recorded.precision_permille),
            count(truth.recorded.upheld),
            count(truth.recorded.dismissed),
            share(truth.proposed.precision_permille),
            count(truth.proposed.upheld),
            count(truth.proposed.dismissed)
        ),
    );
    for (name, times) in [("to warning", &report.to_warning), ("to stop", &report.to_stop)] {
        if let (Some(median), Some(p95)) = (times.median_ms, times.p95_ms) {
            line(name, format!("{} at the median, {} at the 95th percentile", change(median), change(p95)));
        }
    }
    let calls = &report.calls;
    let proposed = match (calls.proposed, calls.proposed_micros) {
        (Some(calls), Some(micros)) => format!("{} proposed ({})", count(calls), Dollars(micros)),
        (Some(calls), None) => format!("{} proposed, whose cost is not known whole", count(calls)),
        (None, _) => "not to be estimated: the policy looks more often than the recording did".to_owned(),
    };
    line("calls", format!("{} recorded ({}), {proposed}", count(calls.recorded), Dollars(calls.recorded_micros)));
    for to in calls.by_provider.iter().filter(|_| calls.by_provider.len() > 1 || calls.is_unpriced()) {
        let proposed = to.proposed.map_or(String::new(), |calls| format!(", {} proposed", count(calls)));
        let price = to.price_micros.map_or("no price was said, its calls are in no cost".to_owned(), each);
        line("", format!("{}: {} recorded{proposed}; {price}", to.provider, count(to.recorded)));
    }
    for NotOnRecord { medium, channels } in &calls.not_on_record {
        let channels = of(*channels, "channel", "channels");
        line("", format!("{}: nothing on record of {channels}, its calls are in no figure", medium.name()));
    }
    let unknowable: u64 = report.unknowable.iter().map(|of_kind| of_kind.count).sum();
    line("unknowable", of(unknowable, "frame", "frames"));
    for of_kind in &report.unknowable {
        line("", format!("{} {}", count(of_kind.count), of_kind.kind.about()));
    }
    for lost in report.lost.shown.iter().take(LOST_NAMED_MAX) {
        line(
            "",
            format!("lost: {} on {} at {}, position {}", lost.rule, lost.channel, lost.captured_at, lost.position),
        );
    }
    text
}

fn each(micros: u64) -> String {
    format!("{} each", Dollars(micros))
}

fn some(warnings: u64) -> String {
    if warnings == 0 { "none".to_owned() } else { of(warnings, "warning", "warnings") }
}

/// What became of the warnings that people upheld; what did not happen is not said.
fn recall(truth: &Truth) -> String {
    let upheld = of(truth.recorded.upheld, "upheld warning", "upheld warnings");
    if truth.recorded.upheld == 0 {
        return "unknown: nobody upheld a warning".to_owned();
    }
    let found = match truth.upheld_found == truth.recorded.upheld {
        true => format!("all of {upheld} found"),
        false => format!("{} of {upheld} found", count(truth.upheld_found)),
    };
    let others = [(truth.upheld_lost, "lost"), (truth.upheld_unknowable, "unknowable")];
    let others =
        others.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!(", {} {what}", count(*number)));
    format!("{}: {found}{}", share(truth.recall_permille), others.collect::<String>())
}

/// What came of a frontier.
pub fn frontier(frontier: &Frontier) -> String {
    let mut text = subject_line(&frontier.subject);
    let _ = writeln!(
        text,
        "  {:<12} {:>14} {:>14} {:>12} {:>9} {:>7} {:>11} {:>12} {:>12}",
        "every", "calls/chan-h", "$/chan-h", "$/day", "detected", "missed", "unknowable", "median", "p95"
    );
    for point in &frontier.points {
        let ms = |ms: Option<i64>| ms.map_or("-".to_owned(), |ms| duration(ms.unsigned_abs()));
        let _ = writeln!(
            text,
            "{} {:<12} {:>14} {:>14} {:>12} {:>9} {:>7} {:>11} {:>12} {:>12}",
            if point.on_the_frontier { "*" } else { " " },
            point.every,
            format!(
                "{}.{}",
                count(point.calls_per_channel_hour_milli / 1000),
                point.calls_per_channel_hour_milli % 1000 / 100
            ),
            Dollars(point.micros_per_channel_hour).to_string(),
            Dollars(point.micros_per_day).to_string(),
            count(point.detected),
            count(point.missed),
            count(point.unknowable),
            ms(point.median_ms),
            ms(point.p95_ms)
        );
    }
    for PriceOf { provider, price_micros } in &frontier.prices {
        let price = price_micros.map_or("no price was said, its calls are in no cost".to_owned(), each);
        let _ = writeln!(text, "a call to {provider}: {price}");
    }
    if frontier.unheard {
        text.push_str("of segments that the policy asks for nothing is on record: their calls are in no figure\n");
    }
    if !frontier.refused.is_empty() {
        let _ = writeln!(text, "not dense enough for: {}", frontier.refused.join(", "));
    }
    match (&frontier.chosen, frontier.budget_micros_per_day) {
        (Some(chosen), Some(budget)) => {
            let _ = write!(text, "\nwithin {} a day:\n{}", Dollars(budget), chosen.yaml);
        }
        (None, Some(_)) if frontier.is_part_of_the_cost() => {
            text.push_str("\nwhat a budget buys cannot be told while calls are in no cost\n");
        }
        (None, Some(budget)) => {
            let _ = writeln!(text, "\nno cadence that was tried is within {} a day", Dollars(budget));
        }
        (_, None) => {}
    }
    text
}

fn subject_line(subject: &Subject) -> String {
    let policies: Vec<String> = subject.policies.iter().map(ToString::to_string).collect();
    let time = |at: Option<crate::model::Timestamp>| at.map_or("-".to_owned(), |at| at.to_string());
    format!(
        "{} on {}, recorded {} to {}\n",
        policies.join(", "),
        of(subject.frames, "frame", "frames"),
        time(subject.recorded_from),
        time(subject.recorded_to)
    )
}
