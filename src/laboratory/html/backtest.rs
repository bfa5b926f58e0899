//! A backtest as a page: what would change, what is gained and lost, how sure that is, what it costs, and what cannot be
//! known.

use std::fmt::Write;

use super::chart::{Bars, Part, bars};
use super::words::{change, count, duration, of, share};
use super::{escaped, framed};
use crate::laboratory::document::{Backtest, Subject};
use crate::laboratory::price::Dollars;
use crate::laboratory::report::{AnswerKind, Answers, Change, ComparedRule, Episodes, NotOnRecord, Report};
use crate::model::{Timestamp, Verdict};

/// Rules in a chart; the table behind it has all.
const RULES_DRAWN_MAX: usize = 24;

/// The whole page.
pub fn page(backtest: &Backtest) -> String {
    let Backtest { subject, report } = backtest;
    let mut main = String::with_capacity(32 * 1024);
    head(&mut main, "What this policy would have done", subject);
    answers(&mut main, report);
    truth(&mut main, report);
    rules(&mut main, &report.rules);
    episodes(&mut main, "Lost", "Warnings that were raised and would certainly not have been.", &report.lost);
    episodes(
        &mut main,
        "Gained",
        "Warnings that would have been raised and were not. What a person answered to another warning on the same frame \
         is their answer here too.",
        &report.gained,
    );
    times(&mut main, report);
    cost(&mut main, report);
    unknowable(&mut main, report);
    channels(&mut main, report);
    differences(&mut main, report);
    let names: Vec<String> = subject.policies.iter().map(ToString::to_string).collect();
    framed(&format!("Backtest of {}", names.join(", ")), &main)
}

/// Title and subject, the same for every page.
pub(super) fn head(main: &mut String, title: &str, subject: &Subject) {
    let names: Vec<String> = subject.policies.iter().map(|policy| escaped(&policy.to_string())).collect();
    let time = |at: Option<Timestamp>| at.map_or("–".to_owned(), |at| escaped(&at.to_string()));
    let only: Vec<String> = subject.only.iter().map(|pattern| escaped(pattern.as_str())).collect();
    let only = if only.is_empty() { String::new() } else { format!(", channels {}", only.join(", ")) };
    let _ = writeln!(
        main,
        "<header><h1>{title}</h1><p class=\"about\"><b>{}</b> on {} recorded from {} to {}, positions {} to {}{only}.</p>\
         </header>",
        names.join(", "),
        of(subject.frames, "frame", "frames"),
        time(subject.recorded_from),
        time(subject.recorded_to),
        subject.from,
        subject.to,
    );
}

fn answers(main: &mut String, report: &Report) {
    let truth = &report.truth;
    let item = |main: &mut String, figure: &str, about: &str| {
        let _ = write!(main, "<li><b>{figure}</b><span>{about}</span></li>");
    };
    main.push_str("<ul class=\"answers\">");
    let warnings = format!("{} → {}", count(report.total.recorded.warnings), count(report.total.proposed.warnings));
    item(main, &warnings, "warnings, recorded and proposed");
    let upheld = truth.recorded.upheld;
    let found = format!("{} of {}", count(truth.upheld_found), count(upheld));
    item(main, &found, "upheld warnings that would have been raised too");
    let precision =
        format!("{} → {}", share(truth.recorded.precision_permille), share(truth.proposed.precision_permille));
    item(main, &precision, "of answered warnings upheld");
    let calls = match report.calls.proposed_micros {
        Some(micros) => format!("{} → {}", Dollars(report.calls.recorded_micros), Dollars(micros)),
        None => format!("{} → ?", Dollars(report.calls.recorded_micros)),
    };
    item(main, &calls, "for calls to the provider");
    main.push_str("</ul>\n");
    if report.left_out > 0 {
        let _ = write!(
            main,
            "<p class=\"note\">{} of channels beyond the most that one backtest tries are left out.</p>",
            of(report.left_out, "event", "events")
        );
    }
}

fn truth(main: &mut String, report: &Report) {
    let truth = &report.truth;
    main.push_str(
        "<section><h2>Against moderators’ answers</h2><p class=\"about\">A warning of this policy counts as upheld if it \
         shares a frame with one that a person upheld, as dismissed if only with one they dismissed. Of what nobody was \
         ever warned, no recording says anything.</p><figure>",
    );
    key(main, &[("good", "upheld"), ("bad", "dismissed"), ("none", "without an answer")]);
    let parts = |answers: &Answers| -> Vec<Part> {
        vec![("good", answers.upheld), ("bad", answers.dismissed), ("none", answers.unanswered)]
    };
    let rows = [
        Bars { name: "recorded", bars: vec![parts(&truth.recorded)] },
        Bars { name: "proposed", bars: vec![parts(&truth.proposed)] },
    ];
    main.push_str(&bars("Warnings by what moderators answered, recorded and proposed", &rows));
    main.push_str("<details><summary>The figures</summary><div class=\"scroll\"><table><caption>Warnings by answer</caption>\
                   <tr><th>warnings<th class=\"n\">upheld<th class=\"n\">dismissed<th class=\"n\">without an answer<th class=\"n\">precision");
    for (name, answers) in [("recorded", &truth.recorded), ("proposed", &truth.proposed)] {
        let _ = write!(
            main,
            "<tr><td>{name}<td class=\"n\">{}<td class=\"n\">{}<td class=\"n\">{}<td class=\"n\">{}",
            count(answers.upheld),
            count(answers.dismissed),
            count(answers.unanswered),
            share(answers.precision_permille)
        );
    }
    main.push_str("</table></div></details></figure>");
    let _ = writeln!(
        main,
        "<p>Of {}, {} would have been raised too (recall {}), {} would certainly have been lost{}. {} would have been \
         spared.</p></section>",
        of(truth.recorded.upheld, "upheld warning", "upheld warnings"),
        count(truth.upheld_found),
        share(truth.recall_permille),
        if truth.upheld_lost == 0 { "none".to_owned() } else { count(truth.upheld_lost) },
        match truth.upheld_unknowable {
            0 => String::new(),
            unknowable => format!(", and of {} it cannot be known", count(unknowable)),
        },
        of(truth.dismissed_spared, "dismissed warning", "dismissed warnings"),
    );
}

fn rules(main: &mut String, rules: &[ComparedRule]) {
    main.push_str("<section><h2>By rule</h2>");
    if rules.is_empty() {
        main.push_str("<p class=\"about\">No rule raised anything, then or now.</p></section>\n");
        return;
    }
    main.push_str("<figure>");
    key(main, &[("then", "recorded"), ("now", "proposed")]);
    let drawn: Vec<Bars<'_>> = rules
        .iter()
        .take(RULES_DRAWN_MAX)
        .map(|rule| Bars {
            name: rule.rule.as_str(),
            bars: vec![vec![("then", rule.compared.recorded.warnings)], vec![("now", rule.compared.proposed.warnings)]],
        })
        .collect();
    main.push_str(&bars("Warnings by rule, recorded and proposed", &drawn));
    main.push_str(
        "<details><summary>The figures</summary><div class=\"scroll\"><table><caption>Warnings and stops by rule, recorded \
         → proposed</caption><tr><th>rule<th class=\"n\">warnings<th class=\"n\">stops without a person\
         <th class=\"n\">upheld<th class=\"n\">dismissed<th class=\"n\">precision",
    );
    for rule in rules {
        let (then, now) = (&rule.compared.recorded, &rule.compared.proposed);
        let arrow = |then: u64, now: u64| format!("{} → {}", count(then), count(now));
        let (before, after) = (&rule.answers_recorded, &rule.answers_proposed);
        let _ = write!(
            main,
            "<tr><td>{}<td class=\"n\">{}<td class=\"n\">{}<td class=\"n\">{}<td class=\"n\">{}<td class=\"n\">{} → {}",
            escaped(rule.rule.as_str()),
            arrow(then.warnings, now.warnings),
            arrow(then.stops, now.stops),
            arrow(before.upheld, after.upheld),
            arrow(before.dismissed, after.dismissed),
            share(before.precision_permille),
            share(after.precision_permille),
        );
    }
    main.push_str("</table></div></details></figure></section>\n");
}

fn episodes(main: &mut String, title: &str, about: &str, episodes: &Episodes) {
    let _ = write!(
        main,
        "<section><h2>{title}: {}</h2><p class=\"about\">{about}</p>",
        of(episodes.count, "warning", "warnings")
    );
    if !episodes.shown.is_empty() {
        let open = if episodes.shown.len() <= 12 { " open" } else { "" };
        let _ = write!(
            main,
            "<details{open}><summary>{}</summary><div class=\"scroll\"><table><tr><th>answer<th>rule<th>label<th>channel\
             <th>captured at<th>frame",
            shown(episodes.shown.len(), episodes.count)
        );
        for episode in &episodes.shown {
            let (class, answer) = match episode.answer {
                AnswerKind::Upheld => ("upheld", "upheld"),
                AnswerKind::Dismissed => ("dismissed", "dismissed"),
                AnswerKind::Unanswered => ("about", "none"),
            };
            let label = episode
                .label
                .as_ref()
                .map_or("–".to_owned(), |label| escaped(&format!("{} {} %", label.path(), label.confidence())));
            let _ = write!(
                main,
                "<tr><td class=\"{class}\">{answer}<td>{}<td>{label}<td>{}<td>{}<td><code>{}</code>",
                escaped(episode.rule.as_str()),
                escaped(episode.channel.as_str()),
                escaped(&episode.captured_at.to_string()),
                episode.frame,
            );
        }
        main.push_str("</table></div></details>");
    }
    main.push_str("</section>\n");
}

fn times(main: &mut String, report: &Report) {
    main.push_str(
        "<section><h2>Sooner or later</h2><p class=\"about\">Of upheld warnings: when they would have been raised, and when \
         a stop of their broadcast would have been asked for, against when they were. A person answers when they did.</p>\
         <div class=\"scroll\"><table><tr><th>until<th class=\"n\">in both<th class=\"n\">sooner<th class=\"n\">later\
         <th class=\"n\">median<th class=\"n\">95th percentile<th class=\"n\">only proposed<th class=\"n\">only recorded",
    );
    for (name, times) in [("the warning", &report.to_warning), ("the stop", &report.to_stop)] {
        let Change { in_both, sooner, later, median_ms, p95_ms, gained, lost } = times;
        let shown = |ms: &Option<i64>| ms.map_or("–".to_owned(), change);
        let _ = write!(
            main,
            "<tr><td>{name}<td class=\"n\">{}<td class=\"n\">{}<td class=\"n\">{}<td class=\"n\">{}<td class=\"n\">{}\
             <td class=\"n\">{}<td class=\"n\">{}",
            count(*in_both),
            count(*sooner),
            count(*later),
            shown(median_ms),
            shown(p95_ms),
            count(*gained),
            count(*lost),
        );
    }
    main.push_str("</table></div>");
    let after = &report.after_stop;
    if after.sessions > 0 {
        let _ = write!(
            main,
            "<p class=\"note\">{} would have been stopped and go on in the recording. {} after that are counted as made, {} \
             are not counted as gained.</p>",
            of(after.sessions, "broadcast", "broadcasts"),
            of(after.calls, "call", "calls"),
            of(after.warnings, "warning", "warnings"),
        );
    }
    if after.cut_short > 0 {
        let _ = write!(
            main,
            "<p class=\"note\">{} stopped then and would not have been: what they would have shown is not recorded.</p>",
            of(after.cut_short, "broadcast was", "broadcasts were"),
        );
    }
    main.push_str("</section>\n");
}

fn cost(main: &mut String, report: &Report) {
    let calls = &report.calls;
    main.push_str("<section><h2>Calls and cost</h2><figure>");
    key(main, &[("then", "recorded"), ("now", "proposed"), ("none", "of which no answer is known")]);
    let proposed: Vec<Part> = calls.proposed.map_or(Vec::new(), |proposed| {
        vec![("now", proposed.saturating_sub(calls.without_answer)), ("none", calls.without_answer)]
    });
    let rows = [
        Bars { name: "recorded", bars: vec![vec![("then", calls.recorded)]] },
        Bars { name: "proposed", bars: vec![proposed] },
    ];
    main.push_str(&bars("Calls to the provider, recorded and proposed", &rows));
    let _ = write!(main, "<figcaption>{} recorded", Dollars(calls.recorded_micros));
    match calls.proposed_micros {
        Some(micros) => {
            let _ = write!(main, ", {} proposed.", Dollars(micros));
        }
        None if calls.proposed.is_some() => main.push_str(". The proposed cost is not known whole."),
        None => main
            .push_str(". The proposed cost cannot be estimated: the policy looks more often than the recording did."),
    }
    for to in &calls.by_provider {
        let proposed = to.proposed.map_or(String::new(), |calls| format!(", {} proposed", of(calls, "call", "calls")));
        let price =
            to.price_micros.map_or("no price was said".to_owned(), |micros| format!("{} each", Dollars(micros)));
        let name = escaped(&to.provider);
        let _ = write!(main, " {name}: {} recorded{proposed}, {price}.", of(to.recorded, "call", "calls"));
    }
    for NotOnRecord { medium, channels } in &calls.not_on_record {
        let channels = of(*channels, "channel", "channels");
        let _ = write!(main, " Of {} nothing is on record of {channels}: its calls are in no figure.", medium.name());
    }
    main.push_str("</figcaption></figure>");
    let density = &report.density;
    let ms = |ms: Option<i64>| ms.map_or("–".to_owned(), |ms| duration(ms.unsigned_abs()));
    let _ = writeln!(
        main,
        "<p class=\"note\">The recording looked every {} at the median, the policy asks for a look every {}. {} came later \
         than due, by {} at the median, and {} had no frame at all.</p></section>",
        ms(density.recorded_median_ms),
        ms(density.asked_median_ms),
        of(density.late, "look", "looks"),
        ms(density.late_median_ms),
        count(density.missed),
    );
}

fn unknowable(main: &mut String, report: &Report) {
    main.push_str(
        "<section><h2>What cannot be known</h2><p class=\"about\">The recording holds what was looked at and what was \
         answered. The rest is counted here, and nothing above rests on a guess about it.</p>",
    );
    if report.unknowable.is_empty() {
        main.push_str("<p>Nothing: every frame that the policy would have looked at was looked at and answered.</p>");
    } else {
        main.push_str("<div class=\"scroll\"><table><tr><th>why<th class=\"n\">frames<th>the first of them");
        for of_kind in &report.unknowable {
            let first = of_kind.shown.first().map_or(String::new(), |frame| {
                format!("{}, {}", escaped(frame.channel.as_str()), escaped(&frame.captured_at.to_string()))
            });
            let _ = write!(
                main,
                "<tr><td>{}<td class=\"n\">{}<td>{first}",
                escaped(of_kind.kind.about()),
                count(of_kind.count)
            );
        }
        main.push_str("</table></div>");
    }
    main.push_str("</section>\n");
}

fn channels(main: &mut String, report: &Report) {
    let _ = write!(
        main,
        "<section><h2>By channel</h2><details><summary>{} of {}, the largest difference first</summary>\
         <div class=\"scroll\"><table><tr><th>channel<th class=\"n\">warnings<th class=\"n\">stops without a person",
        count(report.by_channel.len() as u64),
        of(report.channels, "channel", "channels")
    );
    for channel in &report.by_channel {
        let (then, now) = (&channel.compared.recorded, &channel.compared.proposed);
        let _ = write!(
            main,
            "<tr><td>{}<td class=\"n\">{} → {}<td class=\"n\">{} → {}",
            escaped(channel.channel.as_str()),
            count(then.warnings),
            count(now.warnings),
            count(then.stops),
            count(now.stops)
        );
    }
    main.push_str("</table></div></details></section>\n");
}

fn differences(main: &mut String, report: &Report) {
    let _ = write!(main, "<section><h2>Other verdicts: {}</h2>", of(report.differing, "frame", "frames"));
    if !report.differences.is_empty() {
        let _ = write!(
            main,
            "<details><summary>{}</summary><div class=\"scroll\"><table><tr><th>channel<th>captured at<th>recorded\
             <th>proposed<th>frame",
            shown(report.differences.len(), report.differing)
        );
        for difference in &report.differences {
            let recorded = difference.recorded.verdict.map_or("–", word);
            let proposed = match (difference.proposed.verdict, difference.proposed.skipped) {
                (Some(verdict), _) => word(verdict),
                (None, Some(passed)) => passed.about(),
                (None, None) => "not judged",
            };
            let _ = write!(
                main,
                "<tr><td>{}<td>{}<td>{}<td>{}<td><code>{}</code>",
                escaped(difference.channel.as_str()),
                escaped(&difference.captured_at.to_string()),
                recorded,
                proposed,
                difference.frame
            );
        }
        main.push_str("</table></div></details>");
    }
    main.push_str("</section>\n");
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Clear => "clear",
        Verdict::Warn => "warn",
        Verdict::Stop => "stop",
    }
}

/// What the colours of a chart stand for.
pub(super) fn key(main: &mut String, parts: &[(&str, &str)]) {
    main.push_str("<figcaption class=\"key\">");
    for (class, about) in parts {
        let _ = write!(main, "<i class=\"{class}\"></i>{about}");
    }
    main.push_str("</figcaption>");
}

fn shown(shown: usize, all: u64) -> String {
    let shown = shown as u64;
    if shown == all { format!("All {}", count(all)) } else { format!("{} of {}", count(shown), count(all)) }
}
