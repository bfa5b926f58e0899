//! The arena as a table in a terminal, and as plain sentences below it.

use std::cmp::Reverse;
use std::fmt::Write;

use crate::laboratory::html::words::{count, duration, of, share};
use crate::laboratory::price::Dollars;

use super::report::{
    Agreement, BothAsked, LabelFigures, LeftOut, ModelChange, ModelFigures, Moved, Pair, Rate, Report, Screen,
    Threshold,
};

/// Labels that are shown of each model version, those with the most warnings.
const LABELS_SHOWN: usize = 10;
/// Rules that are shown of each pair, those with the most frames on which they differ.
const RULES_SHOWN: usize = 10;
/// Categories that are shown of a pair, those on which they differ most.
const CATEGORIES_SHOWN: usize = 10;
/// Labels that are shown of each change.
const CHANGED_SHOWN: usize = 5;
/// Changes that are shown.
const CHANGES_SHOWN: usize = 5;
/// Frames that are shown of each disagreement.
const EXAMPLES_SHOWN: usize = 3;

/// A screenful or two.
pub fn text(report: &Report) -> String {
    let mut text = String::with_capacity(4096);
    head(&mut text, report);
    calls(&mut text, report);
    labels(&mut text, report);
    screens(&mut text, report);
    pairs(&mut text, report);
    changes(&mut text, report);
    sentences(&mut text, report);
    text
}

fn head(text: &mut String, report: &Report) {
    let time = |at: Option<crate::model::Timestamp>| at.map_or("-".to_owned(), |at| at.to_string());
    let _ = writeln!(
        text,
        "positions {} to {}, recorded {} to {}{}",
        report.from,
        report.to,
        time(report.recorded_from),
        time(report.recorded_to),
        if report.cut { "; earlier ones were not read" } else { "" }
    );
    let failed = match report.failed.frames {
        0 => String::new(),
        frames => format!(
            "; {} failed at a provider that the record does not name, after {}",
            of(frames, "frame", "frames"),
            of(report.failed.tries, "try", "tries")
        ),
    };
    let _ = writeln!(text, "{} decided by a provider{failed}", of(report.frames, "frame", "frames"));
}

fn calls(text: &mut String, report: &Report) {
    let _ = writeln!(
        text,
        "\n{:<12} {:<20} {:>9} {:>9} {:>9} {:>9} {:>9} {:>10} {:>8} {:>8} {:>8} {:>10}",
        "provider",
        "model",
        "asked",
        "decided",
        "screened",
        "seconded",
        "compared",
        "unanswered",
        "median",
        "p95",
        "p99",
        "cost"
    );
    for model in &report.models {
        let ms = |ms: Option<u64>| ms.map_or("-".to_owned(), duration);
        let (calls, took) = (&model.calls, &model.took);
        let _ = writeln!(
            text,
            "{:<12} {:<20} {:>9} {:>9} {:>9} {:>9} {:>9} {:>10} {:>8} {:>8} {:>8} {:>10}",
            model.provider,
            model.model,
            count(calls.asked),
            count(calls.decided),
            count(calls.screened),
            count(calls.seconded),
            count(calls.compared),
            count(calls.unanswered),
            ms(took.median_ms),
            ms(took.p95_ms),
            ms(took.p99_ms),
            model.cost_micros.map_or("-".to_owned(), |micros| Dollars(micros).to_string()),
        );
    }
}

fn labels(text: &mut String, report: &Report) {
    let warned = report.models.iter().any(|model| model.labels.iter().any(|label| label.warnings > 0));
    if !warned {
        return;
    }
    let _ = writeln!(
        text,
        "\n{:<46} {:>9} {:>9} {:>9} {:>10}  {:<25}",
        "warnings by label and score", "upheld", "dismissed", "waiting", "asked from", "upheld rate, 95 % interval"
    );
    for (model, label) in warned_labels(report) {
        let Rate { count: upheld, of: answers, .. } = label.upheld;
        let asked_from = label.asked_from.map_or("-".to_owned(), |from| format!("{from} %"));
        let _ = writeln!(
            text,
            "{:<46} {:>9} {:>9} {:>9} {:>10}  {}",
            format!("{} {}: {}", model.provider, model.model, label.label),
            count(upheld),
            count(answers - upheld),
            count(label.warnings - answers),
            asked_from,
            interval(label.upheld),
        );
        for band in label.by_score.iter().filter(|band| band.unanswered + band.upheld.of > 0) {
            let _ = writeln!(
                text,
                "{:<46} {:>9} {:>9} {:>9} {:>10}  {}",
                format!("  {} to {} %", band.from, band.to),
                count(band.upheld.count),
                count(band.upheld.of - band.upheld.count),
                count(band.unanswered),
                "",
                interval(band.upheld),
            );
        }
    }
}

fn screens(text: &mut String, report: &Report) {
    if report.screens.is_empty() {
        return;
    }
    let _ = writeln!(
        text,
        "\n{:<46} {:>9} {:>9} {:>9} {:>9}  missed of the sample",
        "screens", "saved", "worth", "passed", "sampled"
    );
    for screen in &report.screens {
        let then = screen.then.as_deref().unwrap_or("-");
        let _ = writeln!(
            text,
            "{:<46} {:>9} {:>9} {:>9} {:>9}  {} ({})",
            format!("{}: {} before {then}", screen.policy, screen.provider),
            count(screen.saved),
            screen.saved_micros.map_or("-".to_owned(), |micros| Dollars(micros).to_string()),
            count(screen.passed),
            count(screen.sampled),
            count(screen.missed.count),
            interval(screen.missed),
        );
    }
}

fn pairs(text: &mut String, report: &Report) {
    if report.pairs.is_empty() {
        return;
    }
    let _ = writeln!(
        text,
        "\n{:<46} {:>9} {:>9} {:>9} {:>9}  kappa, 95 % interval",
        "two providers on the same frames", "both", "only 1st", "only 2nd", "neither"
    );
    for pair in &report.pairs {
        let name = format!("{} and {}, {}", pair.one, pair.other, because(pair.because));
        agreement(text, &name, &pair.any_rule);
        let mut rules: Vec<_> = pair.rules.iter().collect();
        rules.sort_by_key(|rule| Reverse(rule.agreement.one_only + rule.agreement.other_only));
        for rule in rules.into_iter().take(RULES_SHOWN) {
            agreement(text, &format!("  {} of {}", rule.rule, rule.policy), &rule.agreement);
            for example in rule.agreement.examples.iter().take(EXAMPLES_SHOWN) {
                let _ = writeln!(
                    text,
                    "    position {}, {} at {}: only {} saw it",
                    example.position, example.channel, example.captured_at, example.yes
                );
            }
        }
        let mut categories: Vec<_> = pair.categories.iter().collect();
        categories.sort_by_key(|named| Reverse(named.agreement.one_only + named.agreement.other_only));
        for named in categories.into_iter().take(CATEGORIES_SHOWN) {
            agreement(text, &format!("  naming {}", named.category), &named.agreement);
        }
    }
}

fn agreement(text: &mut String, name: &str, of: &Agreement) {
    let kappa = of.kappa.map_or("-".to_owned(), |kappa| {
        let milli = |milli: i32| format!("{:.2}", f64::from(milli) / 1000.0);
        format!("{} ({} to {})", milli(kappa.milli), milli(kappa.low_milli), milli(kappa.high_milli))
    });
    let [both, one, other, neither] = [of.both, of.one_only, of.other_only, of.neither].map(count);
    let _ = writeln!(text, "{name:<46} {both:>9} {one:>9} {other:>9} {neither:>9}  {kappa}");
}

fn changes(text: &mut String, report: &Report) {
    for change in report.changes.iter().take(CHANGES_SHOWN) {
        let _ = writeln!(
            text,
            "\n{} {} became {} at position {}, {}: {} held against as many before",
            change.provider,
            change.before,
            change.after,
            change.position,
            change.at,
            of(change.frames, "comparable answer", "comparable answers")
        );
        for label in change.labels.iter().take(CHANGED_SHOWN) {
            let points = |permille: i32| format!("{:+.1}", f64::from(permille) / 10.0);
            let _ = writeln!(
                text,
                "  {:<44} {:>9} {:>9}  {} to {} points, 99 % interval{}",
                label.label.as_str(),
                count(label.before),
                count(label.after),
                points(label.low_permille),
                points(label.high_permille),
                if label.confidence_moved { "; its confidence changed too" } else { "" }
            );
        }
    }
}

fn sentences(text: &mut String, report: &Report) {
    let mut say = |sentence: String| {
        let _ = write!(text, "\n{sentence}");
    };
    say(String::new());
    for model in &report.models {
        say(said_of_model(model));
    }
    for screen in &report.screens {
        say(said_of_screen(screen));
    }
    for pair in report.pairs.iter().filter(|pair| pair.because == BothAsked::Compared) {
        say(said_of_pair(pair));
    }
    for change in report.changes.iter().take(CHANGES_SHOWN) {
        say(said_of_change(change));
    }
    let mut asked = false;
    for (model, label) in warned_labels(report) {
        asked = true;
        say(said_of_threshold(model, label, report.wanted_permille));
    }
    if asked {
        say("Below the thresholds that were in force nobody was asked: what is there is not known.".to_owned());
    }
    for left_out in said_of_left_out(&report.left_out) {
        say(left_out);
    }
    text.push('\n');
}

fn said_of_model(model: &ModelFigures) -> String {
    let ModelFigures { provider, model: version, calls, took, .. } = model;
    let answered = calls.asked - calls.unanswered;
    let mut said = format!("{provider} {version} answered {} of {}", count(answered), of(calls.asked, "call", "calls"));
    if let (Some(median), Some(p99)) = (took.median_ms, took.p99_ms) {
        let _ = write!(said, ", half of them within {} and 99 of 100 within {}", duration(median), duration(p99));
    }
    match model.cost_micros {
        Some(micros) => {
            let _ = write!(said, ", for {}.", Dollars(micros));
        }
        None => said.push_str("; no price was said."),
    }
    said
}

fn said_of_screen(screen: &Screen) -> String {
    let Screen { policy, provider, then, saved, sampled, missed, .. } = screen;
    let then = then.as_deref().unwrap_or("nobody yet");
    let worth = screen.saved_micros.map_or(String::new(), |micros| format!(" ({})", Dollars(micros)));
    let found = match screen.missed_of_saved {
        None => "none of them was sampled, so nobody knows what was missed".to_owned(),
        Some(estimate) => format!(
            "{} of {} hit a rule, so about {} of the saved were missed, between {} and {}",
            count(missed.count),
            of(*sampled, "sampled frame", "sampled frames"),
            count(estimate.about),
            count(estimate.low),
            count(estimate.high)
        ),
    };
    format!("Under {policy}, {provider} before {then} saved {}{worth}; {found}.", of(*saved, "call", "calls"))
}

fn said_of_pair(pair: &Pair) -> String {
    let any = &pair.any_rule;
    let agreed = of(any.both + any.neither, "frame", "frames");
    let beyond = match any.kappa {
        None => "what of that is chance cannot be said".to_owned(),
        Some(kappa) if kappa.low_milli > 0 => "more than chance would bring".to_owned(),
        Some(_) => "which may be chance".to_owned(),
    };
    format!(
        "{} and {} agree whether a rule is hit on {agreed} of {}; {beyond}.",
        pair.one,
        pair.other,
        count(pair.frames)
    )
}

fn said_of_change(change: &ModelChange) -> String {
    let ModelChange { provider, before, after, frames, .. } = change;
    if change.too_few {
        let frames = of(*frames, "comparable answer", "comparable answers");
        return format!("Whether {provider} says the same since {after} cannot be said: {frames} are too few.");
    }
    let moved = change.labels.iter().filter(|label| label.rate != Moved::NotCertain || label.confidence_moved);
    let taxonomy =
        if change.other_taxonomy { "; its taxonomy changed, so labels may only be named otherwise" } else { "" };
    match moved.count() {
        0 => format!(
            "{provider} says the same since {after} as {before} did, as far as {} tell{taxonomy}.",
            of(*frames, "answer", "answers")
        ),
        moved => format!(
            "{provider} says other things since {after} than {before} did: {} certainly changed{taxonomy}.",
            of(moved as u64, "label", "labels")
        ),
    }
}

fn said_of_threshold(model: &ModelFigures, label: &LabelFigures, wanted_permille: u32) -> String {
    let wanted = share(Some(wanted_permille));
    let name = format!("{} {}, {}", model.provider, model.model, label.label);
    match label.threshold {
        Threshold::NothingAsked => format!("{name}: nobody was asked."),
        Threshold::TooFew { answers, needed } => format!(
            "{name}: no threshold for {wanted} can be said from {}; {} that all upheld would do.",
            of(answers, "answer", "answers"),
            count(needed)
        ),
        Threshold::NotReached { best, upheld } => {
            format!("{name}: no threshold certainly reaches {wanted}; from {best} % on it is {}.", interval(upheld))
        }
        Threshold::From { threshold, upheld, upheld_below, dismissed_below, uneven } => format!(
            "{name}: from {threshold} % on {} was upheld, {wanted} or more with 95 % certainty; it would have let {} pass and \
             spared {}{}.",
            interval(upheld),
            of(upheld_below, "upheld warning", "upheld warnings"),
            of(dismissed_below, "dismissed one", "dismissed ones"),
            if uneven { ", but some higher scores were upheld less often: do not rely on it" } else { "" }
        ),
    }
}

fn said_of_left_out(left_out: &LeftOut) -> Vec<String> {
    let LeftOut { model_answers, labels, cut_answers, warnings, pairs, compared, screens } = *left_out;
    let all = [
        (model_answers, "answers of model versions beyond the first 64 are in no count"),
        (labels, "times a label beyond the first 8,192 was named, which is in no count"),
        (cut_answers, "long answers were not at hand whole: only their surest labels are counted"),
        (warnings, "older warnings were let go of: what was said to them later is not counted"),
        (pairs, "frames of further pairs, or hits of further rules, are in no count"),
        (compared, "compared answers came too late, or for frames before what was read"),
        (screens, "frames of further screens are in no count"),
    ];
    all.into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{} {what}.", count(number)))
        .collect()
}

/// The labels that raised warnings, of each model version those with the most.
fn warned_labels(report: &Report) -> impl Iterator<Item = (&ModelFigures, &LabelFigures)> {
    report.models.iter().flat_map(|model| {
        let mut warned: Vec<&LabelFigures> = model.labels.iter().filter(|label| label.warnings > 0).collect();
        warned.sort_by_key(|label| Reverse(label.warnings)); // stable: then by path
        warned.into_iter().take(LABELS_SHOWN).map(move |label| (model, label))
    })
}

fn interval(rate: Rate) -> String {
    match rate.permille {
        None => "–".to_owned(),
        permille => {
            format!("{} ({} to {})", share(permille), share(Some(rate.low_permille)), share(Some(rate.high_permille)))
        }
    }
}

fn because(because: BothAsked) -> &'static str {
    match because {
        BothAsked::Compared => "compared",
        BothAsked::ComparedBehindAScreen => "compared behind a screen",
        BothAsked::PastTheScreen => "past the screen",
        BothAsked::Sampled => "sampled",
        BothAsked::Seconded => "seconded",
    }
}
