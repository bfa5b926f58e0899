//! A comparison as one page that needs nothing else: no script, nothing loaded, the numbers as tables beside the one
//! drawing. The same comparison gives the same bytes.

use std::fmt::{self, Display, Write};

use crate::model::{Action, Verdict};

use super::{Compared, Comparison, Standing};
use crate::laboratory::html::{escaped, framed};

/// The page.
pub fn page(compared: &Compared) -> String {
    let comparison = &compared.comparison;
    let title = format!("{} in shadow", comparison.policy);
    let mut main = String::with_capacity(16 * 1024);
    let _ = writeln!(main, "<h1>{}</h1>", escaped(&title));
    lead(&mut main, compared);
    let _ = write!(main, "{}", Agreement(comparison));
    verdicts(&mut main, comparison);
    standings(&mut main, comparison);
    rules(&mut main, comparison);
    channels(&mut main, comparison);
    differences(&mut main, comparison);
    framed(&title, &main)
}

fn lead(page: &mut String, compared: &Compared) {
    let Comparison { frames, agree, beside, other_taxonomy, left_out, .. } = &compared.comparison;
    let beside: Vec<String> = beside.iter().map(ToString::to_string).collect();
    let until = compared.until.map_or("and runs still".to_owned(), |until| format!("until {until}"));
    let _ = write!(
        page,
        "<p class=\"lead\">Of {frames} frames judged by both, {agree} got the same verdict.</p>\n\
         <p>In shadow since {} {until}, beside {}. Read from position {} to {}{}. A shadow sees what the live policy looked \
         at, at its cadence and by its similarity, and nothing else.</p>\n",
        compared.since,
        escaped(&if beside.is_empty() { "no live policy yet".to_owned() } else { beside.join(", ") }),
        compared.from,
        compared.to,
        if compared.cut { "; there are later events that were not read" } else { "" },
    );
    if *other_taxonomy > 0 {
        let _ = writeln!(
            page,
            "<p class=\"note\">{other_taxonomy} frames it could not judge: the answer was in another taxonomy than its \
             rules. They are in no other count.</p>"
        );
    }
    if *left_out > 0 {
        let _ = writeln!(page, "<p class=\"note\">The answers to {left_out} further warnings were not counted.</p>");
    }
}

/// A bar with its parts, and the same as a table.
struct Agreement<'a>(&'a Comparison);

impl Display for Agreement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const WIDTH: u64 = 720;
        let Comparison { frames, agree, live_only, shadow_only, otherwise, .. } = self.0;
        let parts = [
            ("agree", "the same verdict", *agree),
            ("live", "only the live policy acts", *live_only),
            ("shadow", "only the shadow would", *shadow_only),
            ("otherwise", "both, not the same", *otherwise),
        ];
        write!(
            f,
            "<figure>\n<svg class=\"bar\" viewBox=\"0 0 {WIDTH} 28\" preserveAspectRatio=\"none\" role=\"img\" aria-labelledby=\"agreement\">\n"
        )?;
        writeln!(f, "<title id=\"agreement\">{agree} of {frames} frames got the same verdict</title>")?;
        let mut before = 0;
        for (class, _, count) in parts {
            // Where a part ends, so that they fill the bar whatever rounding does.
            let ends = |upto: u64| (upto * WIDTH).checked_div(*frames).unwrap_or(0);
            let (from, to) = (ends(before), ends(before + count));
            before += count;
            writeln!(f, "<rect class=\"{class}\" x=\"{from}\" y=\"0\" width=\"{}\" height=\"28\"/>", to - from)?;
        }
        f.write_str("</svg>\n<table>\n<caption>Frames judged by both</caption>\n<tbody>\n")?;
        for (class, name, count) in parts {
            let share = Milli((count * 1000).checked_div(*frames));
            writeln!(
                f,
                "<tr><th scope=\"row\"><span class=\"swatch {class}\"></span>{name}</th><td>{count}</td><td>{share}</td></tr>"
            )?;
        }
        f.write_str("</tbody>\n</table>\n</figure>\n")
    }
}

fn verdicts(page: &mut String, comparison: &Comparison) {
    table(page, "Verdicts", &["live", "in shadow", "frames"], &comparison.verdicts, |pair| {
        vec![word(pair.live).to_owned(), word(pair.shadow).to_owned(), pair.frames.to_string()]
    });
}

fn standings(page: &mut String, comparison: &Comparison) {
    let rows = [("live", comparison.live), ("in shadow", comparison.shadow)];
    let heads = ["", "warnings", "frames stopped for", "upheld", "dismissed", "unanswered", "precision"];
    table(page, "Warnings, and what people said of them", &heads, &rows, |(who, standing)| {
        let Standing { warnings, stops, upheld, dismissed, unanswered, precision_milli } = standing;
        let counts = [warnings, stops, upheld, dismissed, unanswered].map(u64::to_string);
        let precision = Milli(precision_milli.map(u64::from)).to_string();
        std::iter::once((*who).to_owned()).chain(counts).chain([precision]).collect()
    });
    page.push_str(
        "<p class=\"note\">Nobody was asked about the shadow's warnings. The live warning nearest to one of them speaks for \
         it: of the same rule about one of its frames, else about one of its frames, else of the same rule in the same \
         broadcast. Precision is upheld of those answered.</p>\n",
    );
}

fn rules(page: &mut String, comparison: &Comparison) {
    let heads = ["rule", "met under both", "only live", "only in shadow"];
    table(page, "Frames by rule", &heads, &comparison.rules, |rule| {
        vec![rule.rule.to_string(), rule.both.to_string(), rule.live_only.to_string(), rule.shadow_only.to_string()]
    });
}

fn channels(page: &mut String, comparison: &Comparison) {
    let heads = ["channel", "frames", "other verdict"];
    let title = format!("Channels ({} in all)", comparison.channels);
    table(page, &title, &heads, &comparison.by_channel, |channel| {
        vec![channel.channel.to_string(), channel.frames.to_string(), channel.differing.to_string()]
    });
}

fn differences(page: &mut String, comparison: &Comparison) {
    let heads = ["position", "captured", "channel", "live", "by", "in shadow", "by", "would have"];
    table(page, "The first frames with another verdict", &heads, &comparison.differences, |one| {
        let names =
            |rules: &[crate::model::RuleId]| rules.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        vec![
            one.position.to_string(),
            one.captured_at.to_string(),
            one.channel.to_string(),
            word(one.live.verdict).to_owned(),
            names(&one.live.rules),
            word(one.shadow.verdict).to_owned(),
            names(&one.shadow.rules),
            would(one.would).to_owned(),
        ]
    });
}

/// A table under its title; without rows the title says so.
fn table<T>(page: &mut String, title: &str, heads: &[&str], rows: &[T], cells: impl Fn(&T) -> Vec<String>) {
    let _ = writeln!(page, "<h2>{}</h2>", escaped(title));
    if rows.is_empty() {
        page.push_str("<p>None.</p>\n");
        return;
    }
    page.push_str("<div class=\"scroll\">\n<table>\n<thead><tr>");
    for head in heads {
        let _ = write!(page, "<th scope=\"col\">{}</th>", escaped(head));
    }
    page.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        page.push_str("<tr>");
        for cell in cells(row) {
            let _ = write!(page, "<td>{}</td>", escaped(&cell));
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody>\n</table>\n</div>\n");
}

/// A verdict as people read it.
pub fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Clear => "clear",
        Verdict::Warn => "warn",
        Verdict::Stop => "stop",
    }
}

/// What a shadow would have done, as people read it.
pub fn would(action: Option<Action>) -> &'static str {
    match action {
        None => "done nothing",
        Some(Action::Warn) => "asked a person",
        Some(Action::Stop) => "stopped",
        Some(Action::Suspend) => "suspended",
    }
}

/// A share in thousandths, as percent; a dash where there is none.
pub struct Milli(pub Option<u64>);

impl Display for Milli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(milli) => write!(f, "{}.{} %", milli / 10, milli % 10),
            None => f.write_str("–"),
        }
    }
}
