//! What a backtest cannot know, by kind: counted and shown, never guessed.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shown::Shown;
use crate::model::{ChannelId, FrameId, Position, Timestamp};

/// Frames of each kind that a report names.
pub const EXAMPLES_MAX: usize = 10;

/// Why it is not known what the policy on trial would have said of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unknown {
    /// It was found similar to an assessed one and nobody asked about it; the policy on trial would have.
    SimilarThen,
    /// A look was due, and the frame had come too soon for the cadence then: it was never looked at.
    TooSoonThen,
    /// A look was due, and the frame gave way to a newer one or to channels with more need, or there was no room for it.
    CrowdedOut,
    /// A look was due, and the frame had been too old, or of a channel that no policy watched.
    PassedOver,
    /// It would have been asked about, and could not be judged then either.
    Failed,
    /// Its likeness to the reference on trial follows neither from its hash nor from the luma that was recorded.
    Likeness,
    /// Nobody fetched it, so that it has no hash to compare.
    NoHash,
    /// The provider was asked to report no label as unsure as a rule's threshold, and the rule was not hit.
    BelowFloor,
    /// The answer is in another taxonomy than the policy's.
    OtherTaxonomy,
    /// A provider would have been asked about it that was not asked then.
    NotAsked,
    /// The answer was long, and the whole of it is no longer in the content store; a rule was not hit by what the event
    /// holds.
    AnswerGone,
}

/// What is unknowable for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnknownOf {
    /// Why.
    pub kind: Unknown,
    /// Of how many frames.
    pub count: u64,
    /// The first of them.
    pub shown: Vec<UnknownFrame>,
}

/// A frame of which something is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnknownFrame {
    /// Where its outcome is recorded.
    pub position: Position,
    /// The channel.
    pub channel: ChannelId,
    /// The frame.
    pub frame: FrameId,
    /// Its own time.
    pub captured_at: Timestamp,
}

/// Counts by kind.
#[derive(Debug, Clone, Default)]
pub(super) struct Unknowns(BTreeMap<Unknown, Shown<Position, UnknownFrame, EXAMPLES_MAX>>);

impl Unknown {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::SimilarThen,
        Self::TooSoonThen,
        Self::CrowdedOut,
        Self::PassedOver,
        Self::Failed,
        Self::Likeness,
        Self::NoHash,
        Self::BelowFloor,
        Self::OtherTaxonomy,
        Self::NotAsked,
        Self::AnswerGone,
    ];

    /// In a line, for people.
    pub const fn about(self) -> &'static str {
        match self {
            Self::SimilarThen => "found similar then and not shown to a provider; would have been",
            Self::TooSoonThen => "a look was due, the frame had come too soon then and was never looked at",
            Self::CrowdedOut => {
                "a look was due, the frame had given way to another, or to channels with more need, or found no room"
            }
            Self::PassedOver => "a look was due, the frame had been too old or no policy watched",
            Self::Failed => "would have been shown to a provider, and could not be judged then",
            Self::Likeness => "may or may not be similar to the frame it would have been compared with",
            Self::NoHash => "never fetched, so that it cannot be compared",
            Self::BelowFloor => "a rule has a threshold below what the provider was asked to report",
            Self::OtherTaxonomy => "answered in another taxonomy than the policy's",
            Self::NotAsked => "would have been shown to a provider that was not asked then",
            Self::AnswerGone => "the whole answer is no longer kept, only its surest labels",
        }
    }
}

impl Unknowns {
    pub fn add(&mut self, kind: Unknown, position: Position, frame: impl FnOnce() -> UnknownFrame) {
        self.0.entry(kind).or_default().add(position, frame);
    }

    pub fn merge(&mut self, other: Self) {
        for (kind, shown) in other.0 {
            self.0.entry(kind).or_default().merge(shown);
        }
    }

    pub fn into_list(self) -> Vec<UnknownOf> {
        let of = |(kind, shown): (Unknown, Shown<_, _, EXAMPLES_MAX>)| UnknownOf {
            kind,
            count: shown.count(),
            shown: shown.into_items(),
        };
        self.0.into_iter().map(of).collect()
    }
}
