//! An appeal against an upheld warning. The decision may be months old, and a channel's state remembers an answer only for
//! as long as it can be taken back: what the journal says of the warning is folded here, and goes with the act.

use crate::events::{Event, Recorded};
use crate::model::{ModeratorId, RuleId, SessionId, Timestamp, WarningId};

use super::Rejection;

/// A warning as its events tell of it, in order.
#[derive(Debug, Clone, Default)]
pub struct Appealed {
    raised: Option<(SessionId, RuleId, u8)>,
    upheld: Option<(ModeratorId, Timestamp)>,
    overturned: Option<ModeratorId>,
}

/// An upheld warning, as the journal tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpheldWarning {
    /// The warning.
    pub warning: WarningId,
    /// Who upheld it.
    pub upheld_by: ModeratorId,
    /// When that was recorded.
    pub upheld_at: Timestamp,
    /// The broadcast it is about.
    pub session: SessionId,
    /// The rule that raised it.
    pub rule: RuleId,
    /// 1 to 5.
    pub severity: u8,
}

impl Appealed {
    /// Takes one event of the warning's channel in. What is about other warnings is passed over.
    pub fn see(&mut self, warning: WarningId, recorded: &Recorded, event: &Event) {
        if event.warning() != Some(warning) {
            return;
        }
        match event {
            Event::WarningRaised(it) => self.raised = Some((it.session.clone(), it.rule.clone(), it.severity)),
            Event::WarningUpheld(it) => self.upheld = Some((it.by.clone(), recorded.envelope.recorded_at)),
            Event::WarningDismissed(_) | Event::WarningAnswerWithdrawn(_) => self.upheld = None,
            Event::WarningOverturned(it) => self.overturned = Some(it.by.clone()),
            _ => {} // whatever else was done with the warning is no answer to it
        }
    }

    /// When it was upheld, by an answer that nobody took back; none if it was not.
    pub fn upheld_at(&self) -> Option<Timestamp> {
        self.upheld.as_ref().map(|(_, at)| *at)
    }

    /// What `by` would overturn, unless the journal shows that there is nothing to. What they overturned themselves they
    /// may ask for again: it changes nothing.
    pub fn upheld(self, warning: WarningId, by: &ModeratorId) -> Result<UpheldWarning, Rejection> {
        let (session, rule, severity) = self.raised.ok_or(Rejection::UnknownWarning(warning))?;
        if let Some(by) = self.overturned.filter(|overturned| overturned != by) {
            return Err(Rejection::AlreadyOverturned { warning, by });
        }
        let (upheld_by, upheld_at) = self.upheld.ok_or(Rejection::NotUpheld(warning))?;
        Ok(UpheldWarning { warning, upheld_by, upheld_at, session, rule, severity })
    }
}
