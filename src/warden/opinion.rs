//! What providers said of a frame beside the one whose answer decides it, as commands carry it to the warden.

use std::sync::Arc;

use super::Answered;
use crate::events::{Arranged, FailedStage, OpinionRole};
use crate::model::ProviderRef;
use crate::policy::Policy;

/// What one provider said that did not decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opinion {
    /// What it was asked for.
    pub role: OpinionRole,
    /// What came of it.
    pub said: Said,
    /// From the first try to the end of the last, in milliseconds.
    pub took_ms: u32,
}

/// What came of asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// It answered.
    Answer(Answered),
    /// It did not.
    Nothing {
        /// Who was asked, as it calls itself; with no model or taxonomy if there is no such provider.
        provider: ProviderRef,
        /// Where it failed.
        stage: FailedStage,
        /// What was wrong.
        reason: String,
        /// How often it was asked.
        attempts: u8,
    },
}

/// What stands beside the answer that decides a frame. Nothing, where one provider was asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Beside {
    /// Why the one that decides was asked.
    pub arranged: Option<Arranged>,
    /// What the others said, in the order in which they were asked; a handful.
    pub opinions: Vec<Opinion>,
}

/// Everybody whom a policy's arrangement asked about a frame, and none of whom may decide it.
#[derive(Debug, Clone)]
pub struct InVain {
    /// The policy.
    pub policy: Arc<Policy>,
    /// What each said, in the order in which they were asked.
    pub opinions: Vec<Opinion>,
}

impl Opinion {
    /// Who was asked.
    pub fn provider(&self) -> &ProviderRef {
        match &self.said {
            Said::Answer(answer) => &answer.provider,
            Said::Nothing { provider, .. } => provider,
        }
    }
}
