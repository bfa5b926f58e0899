//! A report with the question that it answers: what is written to a file and answered over HTTP.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::frontier::Frontier;
use super::price::Prices;
use super::reading::Found;
use super::report::Report;
use crate::model::{ChannelPattern, PolicyRef, Position, Timestamp};

/// A policy tried on what was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Backtest {
    /// What was tried, and on what.
    #[serde(flatten)]
    pub subject: Subject,
    /// What came of it.
    #[serde(flatten)]
    pub report: Report,
}

/// What was tried, and on what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Subject {
    /// The policies tried, with the versions that they would get.
    pub policies: Vec<PolicyRef>,
    /// Only channels that one of these holds; all if there is none.
    pub only: Vec<ChannelPattern>,
    /// The first position that was read.
    pub from: Position,
    /// The last.
    pub to: Position,
    /// When the first event was recorded, if there is one.
    pub recorded_from: Option<Timestamp>,
    /// When the last was.
    pub recorded_to: Option<Timestamp>,
    /// Recorded outcomes of frames that were gone through.
    pub frames: u64,
}

impl Subject {
    /// What a run was about.
    pub fn of(found: &Found, policies: Vec<PolicyRef>, only: Vec<ChannelPattern>) -> Self {
        Self {
            policies,
            only,
            from: found.stretch.after.next(),
            to: found.stretch.to,
            recorded_from: found.recorded_from,
            recorded_to: found.recorded_to,
            frames: found.frames,
        }
    }
}

impl Backtest {
    /// What came of trying these policies, at these prices.
    pub fn of(found: Found, policies: Vec<PolicyRef>, only: Vec<ChannelPattern>, prices: &Prices) -> Self {
        let subject = Subject::of(&found, policies, only);
        Self { subject, report: found.report(prices) }
    }

    /// As it is written: readable JSON with a line's end.
    pub fn to_json(&self) -> String {
        to_json(self)
    }
}

impl Frontier {
    /// As it is written.
    pub fn to_json(&self) -> String {
        to_json(self)
    }
}

pub(super) fn to_json(document: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(document).expect("numbers, texts and lists are JSON");
    text.push('\n');
    text
}
