//! The line format of all tables: one thing a line, words and `key=value` options, `#` begins a comment.

use std::str::FromStr;

use streamwarden::model::Timestamp;

/// One line that is neither empty nor a comment.
#[derive(Clone)]
pub struct Line<'a> {
    /// Where it stands, `file:line`, for messages.
    pub place: String,
    /// Words without `=`.
    pub words: Vec<&'a str>,
    /// Options, in order.
    pub options: Vec<(&'a str, &'a str)>,
}

/// The lines of a table.
pub fn read<'a>(file: &str, text: &'a str) -> Vec<Line<'a>> {
    let lines = text.lines().enumerate().filter_map(|(number, line)| {
        let line = line.split('#').next().unwrap_or_default().trim();
        (!line.is_empty()).then(|| Line::parse(format!("{file}:{}", number + 1), line))
    });
    lines.collect()
}

impl<'a> Line<'a> {
    fn parse(place: String, line: &'a str) -> Self {
        let (options, words): (Vec<&str>, Vec<&str>) = line.split_whitespace().partition(|word| word.contains('='));
        Self { place, words, options: options.iter().filter_map(|option| option.split_once('=')).collect() }
    }

    /// The same line without its first word.
    pub fn rest(&self) -> Self {
        Self { place: self.place.clone(), words: self.words[1..].to_vec(), options: self.options.clone() }
    }

    /// The `at`th word.
    pub fn word(&self, at: usize) -> &'a str {
        self.words.get(at).unwrap_or_else(|| panic!("{}: word {} is missing", self.place, at + 1))
    }

    /// The words from the `at`th on, joined.
    pub fn words_from(&self, at: usize) -> String {
        self.words[at.min(self.words.len())..].join(" ")
    }

    /// An option, if it is there.
    pub fn option(&self, key: &str) -> Option<&'a str> {
        self.options.iter().find(|(name, _)| *name == key).map(|(_, value)| *value)
    }

    /// An option's value, or a default.
    pub fn value<T: FromStr>(&self, key: &str, default: T) -> T {
        self.option(key).map_or(default, |text| self.parsed(key, text))
    }

    /// A word as a value.
    pub fn number<T: FromStr>(&self, at: usize) -> T {
        self.parsed("number", self.word(at))
    }

    /// An option as a moment, in seconds after the table's beginning.
    pub fn moment(&self, key: &str) -> Option<Timestamp> {
        self.option(key).map(|text| moment(self.parsed(key, text)))
    }

    fn parsed<T: FromStr>(&self, key: &str, text: &str) -> T {
        text.parse().unwrap_or_else(|_| panic!("{}: {key} cannot be {text:?}", self.place))
    }
}

/// A table's second 0: 2026-01-01T00:00:00Z.
pub const BEGINNING_MS: i64 = 1_767_225_600_000;

/// `seconds` after the beginning.
pub fn moment(seconds: f64) -> Timestamp {
    Timestamp::from_micros(BEGINNING_MS * 1000 + (seconds * 1e6).round() as i64)
}

/// A moment as a table writes it.
pub fn seconds(moment: Timestamp) -> String {
    format!("{}", (moment.as_micros() - BEGINNING_MS * 1000) as f64 / 1e6)
}
