//! A filter as query parameters: lists are separated by commas, a parameter may be given several times.

use std::fmt::Display;
use std::str::FromStr;

use super::Filter;
use crate::events::EventType;
use crate::model::{Timestamp, Verdict};

/// Why parameters are no filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// A value is not what the parameter takes.
    #[error("the parameter `{parameter}` takes {expected}; {found:?} is none: {reason}")]
    Value {
        /// The parameter.
        parameter: &'static str,
        /// What it takes.
        expected: &'static str,
        /// The value, shortened to 100 characters.
        found: String,
        /// What is wrong with it.
        reason: String,
    },
    /// More values than a list may hold.
    #[error("the parameter `{parameter}` takes at most {max} values", max = Filter::VALUES_MAX)]
    TooMany {
        /// The parameter.
        parameter: &'static str,
    },
    /// A moment was given twice.
    #[error("the parameter `{parameter}` takes one moment, this is another one: {found:?}")]
    Twice {
        /// The parameter.
        parameter: &'static str,
        /// The second value, shortened to 100 characters.
        found: String,
    },
    /// No event can lie in the range.
    #[error("`{from_name}` ({from}) must lie before `{to_name}` ({to})")]
    EmptyRange {
        /// The parameter of the start.
        from_name: &'static str,
        /// The start.
        from: Timestamp,
        /// The parameter of the end.
        to_name: &'static str,
        /// The end.
        to: Timestamp,
    },
}

impl FilterError {
    /// The parameter it is about.
    pub fn parameter(&self) -> &'static str {
        match self {
            Self::Value { parameter, .. } | Self::TooMany { parameter } | Self::Twice { parameter, .. } => parameter,
            Self::EmptyRange { from_name, .. } => from_name,
        }
    }
}

impl Filter {
    /// Every parameter, and what it takes.
    pub const PARAMETERS: [(&'static str, &'static str); 12] = [
        ("type", "types of events, as in `FrameAssessed,WarningRaised`"),
        ("channel", "channel ids in which `*` stands for any run of characters"),
        ("verdict", "verdicts: clear, warn or stop"),
        ("label", "label paths, which stand for what lies below them too"),
        ("rule", "ids of rules"),
        ("moderator", "pseudonyms of moderators"),
        ("external", "names of external actors, as in `hive-dashboard`"),
        ("policy", "policies, `id` or `id@version`"),
        ("recorded_from", "a moment in RFC 3339; recorded then or later"),
        ("recorded_to", "a moment in RFC 3339; recorded before it"),
        ("captured_from", "a moment in RFC 3339; captured then or later"),
        ("captured_to", "a moment in RFC 3339; captured before it"),
    ];

    /// The filter that these parameters name. Parameters of other names are somebody else's.
    pub fn from_parameters<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, FilterError> {
        let mut filter = Self::default();
        for (name, value) in parameters {
            if let Some((parameter, expected)) = Self::PARAMETERS.iter().find(|(known, _)| *known == name) {
                filter.take(parameter, expected, value)?;
            }
        }
        filter.check()?;
        Ok(filter)
    }

    fn take(&mut self, parameter: &'static str, expected: &'static str, value: &str) -> Result<(), FilterError> {
        let of = Of { parameter, expected };
        match parameter {
            "type" => of.list(value, &mut self.types, |name| {
                EventType::from_name(name).ok_or("no event has that type".to_owned())
            }),
            "channel" => of.list(value, &mut self.channels, read),
            "verdict" => of.list(value, &mut self.verdicts, |name| match name {
                "clear" => Ok(Verdict::Clear),
                "warn" => Ok(Verdict::Warn),
                "stop" => Ok(Verdict::Stop),
                _ => Err("there is no such verdict".to_owned()),
            }),
            "label" => of.list(value, &mut self.labels, read),
            "rule" => of.list(value, &mut self.rules, read),
            "moderator" => of.list(value, &mut self.moderators, read),
            "external" => of.list(value, &mut self.externals, read),
            "policy" => of.list(value, &mut self.policies, read),
            "recorded_from" => of.moment(value, &mut self.recorded_from),
            "recorded_to" => of.moment(value, &mut self.recorded_to),
            "captured_from" => of.moment(value, &mut self.captured_from),
            "captured_to" => of.moment(value, &mut self.captured_to),
            other => unreachable!("{other} is not in PARAMETERS"),
        }
    }
}

/// The parameter that is being read.
struct Of {
    parameter: &'static str,
    expected: &'static str,
}

impl Of {
    fn list<T>(
        &self,
        text: &str,
        list: &mut Vec<T>,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<(), FilterError> {
        for found in text.split(',') {
            if list.len() == Filter::VALUES_MAX {
                return Err(FilterError::TooMany { parameter: self.parameter });
            }
            list.push(read(found).map_err(|reason| self.refused(found, reason))?);
        }
        Ok(())
    }

    fn moment(&self, text: &str, moment: &mut Option<Timestamp>) -> Result<(), FilterError> {
        let read = read(text).map_err(|reason| self.refused(text, reason))?;
        match moment.replace(read) {
            None => Ok(()),
            Some(_) => Err(FilterError::Twice { parameter: self.parameter, found: shortened(text) }),
        }
    }

    fn refused(&self, found: &str, reason: String) -> FilterError {
        FilterError::Value { parameter: self.parameter, expected: self.expected, found: shortened(found), reason }
    }
}

fn read<T: FromStr<Err: Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

fn shortened(text: &str) -> String {
    text.chars().take(100).collect()
}
