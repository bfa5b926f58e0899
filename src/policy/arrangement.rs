//! Who is asked about a frame, in what order, and whose answer decides.

use std::num::NonZeroU32;

use crate::model::{Confidence, ProviderName};

/// Who is asked about a frame. As a policy says nothing of it: whoever the configuration names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Arrangement {
    /// Whose answer decides.
    pub judges: Judges,
    /// Who must agree before a rule stops a stream by itself; asked where one would.
    pub second: Option<ProviderName>,
    /// Who else is asked about some of the frames, to be compared. Nothing rests on it and nothing waits for it.
    pub comparing: Option<Comparing>,
}

/// Whose answer decides.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Judges {
    /// The provider that the configuration names.
    #[default]
    Configured,
    /// The first of these that answers, each asked where those before it did not; 1 to 4.
    InOrder(Vec<ProviderName>),
    /// One that costs little says whether another need be asked.
    Cascade {
        /// Who screens.
        first: ProviderName,
        /// Who is asked where the first is at least so sure of any label, or did not answer.
        then: ProviderName,
        /// How sure.
        from: Confidence,
        /// Of the frames in which it is not, one in so many is asked about all the same, so that what the screen misses
        /// is known; none: of no frame.
        sample: Option<NonZeroU32>,
    },
}

/// Whose answers are compared with those that decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparing {
    /// Whose.
    pub with: ProviderName,
    /// On one in so many of the frames that are judged.
    pub one_in: NonZeroU32,
}
