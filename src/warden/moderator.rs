//! What a moderator can ask for: acts on warnings, each as the moderator saw it, and on the stream.

use crate::events::{EnforcementKind, ReputationChange};
use crate::model::{ContentRef, EnforcementId, ModeratorId, Sequence, SessionId, Timestamp, WarningId};

use super::UpheldWarning;

/// The most warnings that one answer may name. Each may bring about three events besides the enforcements it calls
/// off, and an append holds 64.
pub const WARNINGS_PER_ANSWER_MAX: usize = 16;

/// What a moderator can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModeratorAct {
    /// Take a warning up.
    Claim(SeenWarning),
    /// Give it back.
    Release(SeenWarning),
    /// Agree with these warnings, and no others.
    Uphold(Answering),
    /// Disagree with these warnings, and no others.
    Dismiss(Answering),
    /// Take the answer back.
    Withdraw(SeenWarning),
    /// Ask somebody else to decide.
    Escalate {
        /// The warning.
        warning: SeenWarning,
        /// To whom, if to somebody in particular.
        to: Option<ModeratorId>,
    },
    /// Add a note.
    Note {
        /// The warning.
        warning: SeenWarning,
        /// The text, kept already.
        note: ContentRef,
    },
    /// Overturn an upheld warning on appeal, when its answer can no longer be taken back.
    Overturn {
        /// What, as the journal tells of it.
        upheld: UpheldWarning,
        /// Why, kept already.
        why: ContentRef,
    },
    /// Act on the stream. For a stop or suspension the broadcast that the moderator sees must be named.
    Enforce {
        /// What.
        kind: EnforcementKind,
        /// Which broadcast.
        session: Option<SessionId>,
        /// Why, kept already.
        reason: Option<ContentRef>,
    },
    /// Set the channel's reputation, or let it go again.
    AdjustReputation {
        /// What.
        change: ReputationChange,
        /// Until when; none: until somebody changes it.
        until: Option<Timestamp>,
        /// Why, kept already.
        why: ContentRef,
    },
    /// Let a held enforcement go ahead.
    AdmitHeld(EnforcementId),
    /// Call an enforcement off before it is tried.
    Cancel(EnforcementId),
}

/// A warning as a moderator saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenWarning {
    /// The warning.
    pub warning: WarningId,
    /// Its version then ([`super::Warning::version`]). None: whatever it is now.
    pub seen: Option<Sequence>,
}

impl From<WarningId> for SeenWarning {
    fn from(warning: WarningId) -> Self {
        Self { warning, seen: None }
    }
}

/// One answer to warnings of one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answering {
    /// The warnings, each as the moderator saw it; at most [`WARNINGS_PER_ANSWER_MAX`].
    pub warnings: Vec<SeenWarning>,
    /// A note on each of them, kept already.
    pub note: Option<ContentRef>,
    /// For how long it may be taken back.
    pub undo: UndoTime,
}

impl Answering {
    /// An answer without a note that may be taken back for as long as usual.
    pub fn to(warnings: impl IntoIterator<Item = impl Into<SeenWarning>>) -> Self {
        let warnings = warnings.into_iter().map(Into::into).collect();
        Self { warnings, note: None, undo: UndoTime::default() }
    }
}

/// For how long an answer may be taken back: a minute unless another time is set, ten at most, because a channel's
/// state holds answered warnings for as long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UndoTime(u32);

impl UndoTime {
    /// The longest, in milliseconds.
    pub const MS_MAX: u32 = 600_000;

    /// Takes milliseconds; none if they are more than [`UndoTime::MS_MAX`].
    pub const fn from_ms(ms: u32) -> Option<Self> {
        if ms <= Self::MS_MAX { Some(Self(ms)) } else { None }
    }

    /// The milliseconds.
    pub const fn as_ms(self) -> u32 {
        self.0
    }
}

impl Default for UndoTime {
    fn default() -> Self {
        Self(60_000)
    }
}
