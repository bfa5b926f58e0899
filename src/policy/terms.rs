//! The small words of the policy language: durations, percentages, windows, patterns. Each is read from the text that
//! stands in the file, or the text is found at fault with what was expected and what to write instead.

use std::fmt;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;

use regex::{Regex, RegexBuilder};

use super::bounds;
use super::diagnostic::Flaw;
use super::taxonomy::{Scale, closest_name};
use super::{AutomaticStops, Judges, Window};
use crate::model::{Confidence, Label, OnUnavailable, ProviderName, Severity};

/// Reads a duration such as `500ms`, `60s`, `1.5m`, `2h`, `1d` into milliseconds within a range.
pub(super) fn duration(text: &str, range: RangeInclusive<u32>) -> Result<u32, Flaw> {
    const EXPECTED: &str = "a number and a unit: ms, s, m, h or d";
    let (number, unit) = text.split_at(text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len()));
    let Ok(number @ 0.0..) = number.parse::<f64>() else {
        return Err(Flaw::new(format!("{text:?} is not a duration"), EXPECTED, "write 60s, 5m or 1.5h"));
    };
    let ms_per_unit = match unit.trim() {
        "ms" => 1.0,
        "s" => 1e3,
        "m" => 60e3,
        "h" => 3600e3,
        "d" => 86_400e3,
        "" => {
            return Err(Flaw::new(
                format!("{text:?} has no unit"),
                EXPECTED,
                format!("write {text}s if seconds are meant"),
            ));
        }
        _ => {
            let what = format!("{text:?} is not one number and one unit");
            return Err(Flaw::new(what, EXPECTED, "write 90s or 1.5m for a minute and a half"));
        }
    };
    let ms = number * ms_per_unit;
    if ms < f64::from(*range.start()) || ms > f64::from(*range.end()) {
        let (least, most) = (show_duration(*range.start()), show_duration(*range.end()));
        let nearest = if ms < f64::from(*range.start()) { &least } else { &most };
        let hint = format!("write {nearest}, or whatever lies between");
        return Err(Flaw::new(format!("{text} is out of range"), format!("{least} to {most}"), hint));
    }
    Ok(ms as u32)
}

/// Reads one cadence such as `60s`, or two such as `10s to 2m`, the faster first.
pub(super) fn cadence(text: &str, range: RangeInclusive<u32>) -> Result<(u32, u32), Flaw> {
    let Some((fastest, slowest)) = text.split_once(" to ") else {
        return duration(text, range).map(|every| (every, every));
    };
    let fastest = duration(fastest.trim(), range.clone())?;
    let slowest = duration(slowest.trim(), range)?;
    if fastest >= slowest {
        let (low, high) = (show_duration(slowest), show_duration(fastest));
        let hint =
            if low == high { format!("write {low} for a fixed cadence") } else { format!("write {low} to {high}") };
        let what = format!("{text:?} does not go from the closest watch to the most trusting");
        return Err(Flaw::new(what, "the shorter duration first", hint));
    }
    Ok((fastest, slowest))
}

/// Writes a cadence as [`cadence`] reads it.
pub(super) fn show_cadence(fastest_ms: u32, slowest_ms: u32) -> String {
    if fastest_ms == slowest_ms {
        return show_duration(fastest_ms);
    }
    format!("{} to {}", show_duration(fastest_ms), show_duration(slowest_ms))
}

/// Writes milliseconds in the largest unit that keeps them whole.
pub(super) fn show_duration(ms: u32) -> String {
    for (unit, per_unit) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)] {
        if ms >= per_unit && ms.is_multiple_of(per_unit) {
            return format!("{}{unit}", ms / per_unit);
        }
    }
    if ms == 0 { "0s".to_owned() } else { format!("{ms}ms") }
}

/// Reads a percentage such as `90`, `92.5` or `90 %`.
pub(super) fn percent(text: &str) -> Result<Confidence, Flaw> {
    let number = text.strip_suffix('%').unwrap_or(text).trim_end();
    number
        .parse()
        .ok()
        .and_then(|percent| Confidence::from_percent(percent).ok())
        .ok_or_else(|| Flaw::new(format!("{text:?} is not a confidence"), "percent, 0 to 100", "write 92.5 for 92.5 %"))
}

/// Reads a share such as `1 in 20`.
pub(super) fn share(text: &str) -> Result<NonZeroU32, Flaw> {
    let number = text.strip_prefix("1 in ").and_then(|number| number.trim().parse::<u32>().ok());
    let one_in = number.filter(|number| bounds::ONE_IN.contains(number)).and_then(NonZeroU32::new);
    one_in.ok_or_else(|| {
        let expected = format!("`1 in N`, N from {} to {}", bounds::ONE_IN.start(), bounds::ONE_IN.end());
        Flaw::new(format!("{text:?} is no share of the frames"), expected, "write 1 in 20 for one frame in twenty")
    })
}

/// Writes a share as it is read.
pub(super) fn show_share(one_in: NonZeroU32) -> String {
    format!("1 in {one_in}")
}

/// Reads a provider's name.
pub(super) fn provider(text: &str) -> Result<ProviderName, Flaw> {
    ProviderName::new(text).map_err(|error| {
        Flaw::new(
            error.to_string(),
            "the name that a provider calls itself",
            "write local, rekognition, hive or hive-speech",
        )
    })
}

/// Writes whose answer decides as it is read.
pub(super) fn show_judges(judges: &Judges) -> String {
    match judges {
        Judges::Configured => "as configured".to_owned(),
        Judges::InOrder(names) => match names.as_slice() {
            [one] => one.to_string(),
            several => format!("[{}]", several.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
        },
        Judges::Cascade { first, then, from, sample } => {
            let from = f64::from(from.as_milli()) / 1000.0;
            let sample = sample.map_or(String::new(), |one_in| format!(", sample: {}", show_share(one_in)));
            format!("{{ first: {first}, then: {then}, from: {from}{sample} }}")
        }
    }
}

/// Reads a score such as `0.9`.
pub(super) fn score(text: &str) -> Result<Confidence, Flaw> {
    let score = text.parse().ok().filter(|score: &f64| (0.0..=1.0).contains(score));
    score.and_then(|score| Confidence::from_percent(score * 100.0).ok()).ok_or_else(|| {
        let hint = "write 0.9; a threshold in percent is `confidence: 90`";
        Flaw::new(format!("{text:?} is not a score"), "a number from 0 to 1", hint)
    })
}

/// Writes a threshold as a score.
pub(super) fn show_score(threshold: Confidence) -> String {
    (f64::from(threshold.as_milli()) / 100_000.0).to_string()
}

/// Writes a threshold in the scale that it is stated in: `90 %`, `score 0.9`.
pub(super) fn show_threshold(threshold: Confidence, stated_in: Scale) -> String {
    match stated_in {
        Scale::Percent => format!("{} %", f64::from(threshold.as_milli()) / 1000.0),
        Scale::Unit => format!("score {}", show_score(threshold)),
        Scale::Severity => match Severity::of(threshold) {
            Some(severity) => format!("severity {} of {}", severity.get(), Severity::MAX.get()),
            None => show_threshold(threshold, Scale::Percent), // between two: only percent can say it
        },
    }
}

/// Reads a provider's severity such as `2`.
pub(super) fn from_severity(text: &str) -> Result<Confidence, Flaw> {
    let severity = text.parse().ok().and_then(Severity::new);
    severity.map(Severity::confidence).ok_or_else(|| {
        let hint = "write 2 for what the provider finds moderate or worse";
        Flaw::new(format!("{text:?} is no severity"), format!("1 to {}", Severity::MAX.get()), hint)
    })
}

/// Writes a label of a provider that answers severities.
pub(super) fn show_graded(label: &Label) -> String {
    format!("{} {}", label.path(), show_threshold(label.confidence(), Scale::Severity))
}

/// Reads a whole number within a range.
pub(super) fn whole<T>(text: &str, name: &str, range: RangeInclusive<T>, example: T) -> Result<T, Flaw>
where
    T: std::str::FromStr + PartialOrd + std::fmt::Display,
{
    match text.parse::<T>() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => Err(Flaw::new(
            format!("{text:?} is no {name}"),
            format!("a whole number from {} to {}", range.start(), range.end()),
            format!("write a number such as {example}"),
        )),
    }
}

/// Reads one of a few words.
pub(super) fn word<T: Copy>(text: &str, name: &str, words: &[(&str, T)]) -> Result<T, Flaw> {
    if let Some((_, meant)) = words.iter().find(|(word, _)| *word == text) {
        return Ok(*meant);
    }
    let all = words.iter().map(|(word, _)| *word).collect::<Vec<_>>();
    let hint = match closest_name(text, all.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("write one of: {}", all.join(", ")),
    };
    Err(Flaw::new(format!("{text:?} is no {name}"), all.join(" | "), hint))
}

/// Reads `2 of 3` or `3 within 2m`.
pub(super) fn window(text: &str) -> Result<Window, Flaw> {
    const HINT: &str =
        "write 2 of 3 for two of the last three assessed frames, 3 within 2m for three hits in two minutes";
    let flaw = || Flaw::new(format!("{text:?} is not a window"), "`N of M` or `N within DURATION`", HINT);
    let frames = 1..=bounds::WINDOW_FRAMES_MAX;
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        [hits, "of", of] => {
            let (hits, of) =
                (whole(hits, "number of hits", frames.clone(), 2)?, whole(of, "number of frames", frames, 3)?);
            if hits > of {
                let what = format!("{hits} hits can never be among {of} frames");
                return Err(Flaw::new(what, "N of M with N ≤ M", format!("write {of} of {hits}, or {hits} of {hits}")));
            }
            Ok(Window::Frames { hits, of })
        }
        [hits, "within", within @ ..] if !within.is_empty() => Ok(Window::Time {
            hits: whole(hits, "number of hits", frames, 2)?,
            within_ms: duration(&within.join(" "), bounds::WITHIN_MS)?,
        }),
        _ => Err(flaw()),
    }
}

/// Writes a window as it is read.
pub(super) fn show_window(window: Window) -> String {
    match window {
        Window::Frames { hits, of } => format!("{hits} of {of}"),
        Window::Time { hits, within_ms } => format!("{hits} within {}", show_duration(within_ms)),
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&show_window(*self))
    }
}

/// Reads `1 rule`, `2 rules within 2m` or `propose`.
pub(super) fn automatic_stops(text: &str) -> Result<AutomaticStops, Flaw> {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        ["propose"] => Ok(AutomaticStops::ProposeOnly),
        ["1", "rule"] => Ok(AutomaticStops::OneRule),
        [rules, "rules", "within", within @ ..] if !within.is_empty() => Ok(AutomaticStops::SeveralRules {
            rules: whole(rules, "number of rules", bounds::STOP_RULES, 2)?,
            within_ms: duration(&within.join(" "), bounds::STOP_WITHIN_MS)?,
        }),
        _ => Err(Flaw::new(
            format!("{text:?} does not say what an automatic stop needs"),
            "`1 rule`, `N rules within DURATION` or `propose`",
            "write 2 rules within 2m for a stop that two different rules agree on, propose to always ask a person",
        )),
    }
}

/// Writes it as it is read.
pub(super) fn show_automatic_stops(needed: AutomaticStops) -> String {
    match needed {
        AutomaticStops::OneRule => "1 rule".to_owned(),
        AutomaticStops::SeveralRules { rules, within_ms } => {
            format!("{rules} rules within {}", show_duration(within_ms))
        }
        AutomaticStops::ProposeOnly => "propose".to_owned(),
    }
}

impl fmt::Display for AutomaticStops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&show_automatic_stops(*self))
    }
}

/// Writes what follows where nobody can judge, as it is read.
pub(super) fn show_on_unavailable(then: OnUnavailable) -> &'static str {
    match then {
        OnUnavailable::Record => "record",
        OnUnavailable::Warn => "warn",
        OnUnavailable::Page => "page",
    }
}

/// Reads a channel pattern. A JavaScript literal such as `/^ivs-/i` is understood; a note says what was made of it.
pub(super) fn pattern(text: &str) -> Result<(Regex, Option<String>), Flaw> {
    const EXPECTED: &str = "a regular expression of at most 512 bytes";
    if text.is_empty() || text.len() > bounds::PATTERN_BYTES_MAX {
        let what = format!("the pattern has {} bytes", text.len());
        return Err(Flaw::new(what, EXPECTED, "write .* for every channel, list the channels where there are few"));
    }
    let (bare, note) = without_slashes(text)?;
    let compiled = RegexBuilder::new(&bare).size_limit(bounds::PATTERN_COMPILED_BYTES_MAX).build();
    compiled.map(|regex| (regex, note)).map_err(|error| match error {
        regex::Error::CompiledTooBig(limit) => Flaw::new(
            format!("the pattern takes more than {limit} bytes when compiled"),
            "a pattern without large repetitions",
            "write + or * in place of a large {n,m}",
        ),
        other => Flaw::new(
            format!("{text:?} is not a regular expression: {}", reason(&other)),
            "the syntax of the regex crate, without look-around and back-references",
            "put the pattern in '…' so that YAML leaves backslashes alone; escape . ( [ * + ? meant as they are",
        ),
    })
}

/// The last line of the regex crate's multi-line message is the reason, the rest draws the pattern.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.trim().trim_start_matches("error: ").to_owned()
}

fn without_slashes(text: &str) -> Result<(String, Option<String>), Flaw> {
    let Some((body, flags)) = text.strip_prefix('/').and_then(|rest| rest.rsplit_once('/')) else {
        return Ok((text.to_owned(), None));
    };
    if !flags.chars().all(|flag| flag.is_ascii_alphabetic()) {
        return Ok((text.to_owned(), None)); // a path such as /live/stage-1, not a literal
    }
    let mut kept = String::new();
    for flag in flags.chars() {
        match flag {
            'i' | 's' | 'm' => kept.push(flag),
            'g' | 'u' | 'y' | 'd' => {} // change how a script walks through matches, not what is found
            other => {
                let what = format!("{text:?} has the flag {other:?}, which is not known here");
                return Err(Flaw::new(
                    what,
                    "the flags i, m and s",
                    format!("write the pattern without slashes: {body}"),
                ));
            }
        }
    }
    let bare = if kept.is_empty() { body.to_owned() } else { format!("(?{kept}){body}") };
    let note = format!("{text} is written between slashes, as in JavaScript; it is read as {bare}");
    Ok((bare, Some(note)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written() {
        for (text, ms) in [("500ms", 500), ("60s", 60_000), ("1.5 m", 90_000), ("2h", 7_200_000), ("1d", 86_400_000)] {
            assert_eq!(duration(text, 0..=u32::MAX), Ok(ms), "{text}");
            assert_eq!(duration(&show_duration(ms), 0..=u32::MAX), Ok(ms), "{text}");
        }
        for nonsense in ["", "60", "s", "-1s", "1m30s", "1e3s", "1..5s", "one minute", "5 fortnights"] {
            assert!(duration(nonsense, 0..=u32::MAX).is_err(), "{nonsense:?}");
        }
        assert_eq!(duration("2h", 0..=3_600_000).unwrap_err().expected, "0s to 1h");
    }

    #[test]
    fn scores_are_read_and_written() {
        for (text, milli) in
            [("0", 0), ("0.9", 90_000), ("0.29", 29_000), ("0.57", 57_000), ("0.98765", 98_765), ("1", 100_000)]
        {
            assert_eq!(score(text).map(Confidence::as_milli), Ok(milli), "{text}");
            assert_eq!(show_score(score(text).unwrap()), text);
        }
        for nonsense in ["", "90", "1.1", "-0.1", "0.9 %", "NaN", "inf"] {
            assert!(score(nonsense).is_err(), "{nonsense:?}");
        }
    }

    #[test]
    fn windows_are_read_and_written() {
        for text in ["1 of 1", "2 of 3", "32 of 32", "3 within 2m"] {
            assert_eq!(show_window(window(text).unwrap()), text);
        }
        for nonsense in
            ["", "2", "2 of", "0 of 3", "3 of 2", "33 of 33", "2/3", "3 within", "3 within 2", "two of three"]
        {
            assert!(window(nonsense).is_err(), "{nonsense:?}");
        }
    }

    #[test]
    fn what_an_automatic_stop_needs_is_read_and_written() {
        for text in ["1 rule", "2 rules within 2m", "8 rules within 1h", "propose"] {
            assert_eq!(show_automatic_stops(automatic_stops(text).unwrap()), text);
        }
        for nonsense in ["", "2", "1 rules within 2m", "9 rules within 2m", "2 rules", "2 rules within 2h", "never"] {
            assert!(automatic_stops(nonsense).is_err(), "{nonsense:?}");
        }
    }

    #[test]
    fn shares_are_read_and_written() {
        for text in ["1 in 1", "1 in 20", "1 in 10000"] {
            assert_eq!(show_share(share(text).unwrap()), text);
        }
        for nonsense in ["", "20", "1 in 0", "1 in 10001", "2 in 20", "1 of 20", "1 in 2.5", "1 in -1", "5%"] {
            assert!(share(nonsense).is_err(), "{nonsense:?}");
        }
    }

    #[test]
    fn a_javascript_literal_is_understood_and_a_path_left_alone() {
        let finds = |text: &str, channel| {
            let (regex, note) = pattern(text).unwrap();
            (regex.is_match(channel), note.is_some())
        };
        assert_eq!(finds("/^ivs-/", "ivs-1"), (true, true));
        assert_eq!(finds("/^IVS-/gi", "ivs-1"), (true, true));
        assert_eq!(finds("/^a\\/b/", "a/b"), (true, true));
        assert_eq!(finds("/live/stage-1", "x/live/stage-1"), (true, false));
        assert_eq!(finds("^ivs-", "my-ivs-1"), (false, false));
        assert!(pattern("/a/q").is_err());
    }

    #[test]
    fn a_pattern_that_would_grow_without_bound_is_refused() {
        assert!(pattern("(?:\\pL{900}){900}").unwrap_err().what.contains("when compiled"));
        assert!(pattern(&"a".repeat(513)).is_err());
        assert!(pattern("(a").unwrap_err().what.contains("unclosed group"));
    }
}
