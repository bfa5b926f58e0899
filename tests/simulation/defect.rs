//! Bugs that the simulation must find. Each sits at the seam between the core and what runs it, where such bugs are made.

/// A planted bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defect {
    /// The source is told "done" when the append is queued.
    AcknowledgesBeforeDurable,
    /// After a restart a frame's outcome is looked up no more and written under an id of its own.
    SecondOutcomeAfterCrash,
    /// The platform is told to stop whatever is on the air.
    StopsWithoutSession,
    /// An attempt without an answer is made again without looking.
    RetriesBlindly,
    /// Dismissing one warning dismisses all that are open on the channel.
    DismissesAll,
    /// A provider that fails is taken for one that saw nothing.
    FailureIsClear,
    /// What was spent of the budget is forgotten at a restart.
    ForgetsBudget,
    /// The frame whose place a newer one takes is dropped.
    LosesSuperseded,
    /// A frame counts as looked at before it was judged.
    SampledBeforeJudged,
    /// A duplicate of a frame in flight starts work of its own.
    AsksTwice,
    /// A segment without sound is taken for one in which nothing was said.
    MuteIsClear,
    /// The provider that screens decides, though it saw enough for another to be asked.
    ScreenDecides,
    /// Whoever must agree with a stop and does not answer, or disagrees, is taken for one that agrees.
    SilenceAgrees,
    /// After a restart a row of failed segments begins anew.
    ForgetsFailures,
    /// A frame that came without the name of its broadcast is taken to show what is on the air.
    NamesTheNameless,
    /// What is on the air is taken for a broadcast without a name, whenever it began.
    TakesWhatIsOnTheAir,
}

impl Defect {
    pub const ALL: [Self; 16] = [
        Self::AcknowledgesBeforeDurable,
        Self::SecondOutcomeAfterCrash,
        Self::StopsWithoutSession,
        Self::RetriesBlindly,
        Self::DismissesAll,
        Self::FailureIsClear,
        Self::ForgetsBudget,
        Self::LosesSuperseded,
        Self::SampledBeforeJudged,
        Self::AsksTwice,
        Self::MuteIsClear,
        Self::ScreenDecides,
        Self::SilenceAgrees,
        Self::ForgetsFailures,
        Self::NamesTheNameless,
        Self::TakesWhatIsOnTheAir,
    ];
}
