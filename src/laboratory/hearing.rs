//! Segments on trial: what the policy on trial would have asked about them, at its own cadence, and what it makes of the
//! answers on record. No picture is measured by one, and none stands in for another: a segment that nobody asked about
//! then is not known.

use super::asking::Deciding;
use super::judging::Hidden;
use super::report::Passed;
use super::tally::Tally;
use super::trial::{Known, Seen, Trial};
use super::unknowable::Unknown;
use crate::events::{Event, FrameAssessed, FrameFailed, FrameSkipped, Skip};
use crate::model::{Frame, FrameId, Label, Medium, RuleId, SessionId, WarningId};
use crate::warden::{Answered, Beside, Command, Next, Track, decide};

impl Trial {
    /// A segment was assessed. `speaks_for` are the recorded warnings that it speaks for.
    pub(super) fn heard(
        &mut self,
        seen: &Seen<'_>,
        assessed: &FrameAssessed,
        whole: Option<&[Label]>,
        speaks_for: &[(RuleId, WarningId)],
        tally: &mut Tally,
    ) -> Known {
        let (medium, session) = (assessed.medium, &assessed.session);
        let Some(listening) = self.policy.listening(medium).cloned() else {
            self.pass(seen, assessed, Passed::NotAskedFor, tally);
            return Known::Whole;
        };
        let over = self.state.is_replaced(session) || self.state.has_ended(session);
        if !over && !self.would_ask(seen, session, medium, assessed.frame) {
            self.pass(seen, assessed, Passed::TooSoon, tally);
            return Known::Whole;
        }
        self.count_calls(seen, session, &[listening.judged_by.as_str().into()], tally);
        let theirs = &assessed.provider;
        let unknown = match *theirs.name == *listening.judged_by.as_str() {
            false => Some(Unknown::NotAsked),
            true if !self.policy.reads_of(medium, &theirs.taxonomy) => Some(Unknown::OtherTaxonomy),
            true => None,
        };
        if let Some(kind) = unknown {
            tally.calls_without_answer += 1;
            self.unknown(kind, seen, assessed.frame, tally);
            self.asked_about(medium, seen);
            return Known::Clouded;
        }
        self.judged += 1;
        tally.judged += 1;
        let answer = Answered {
            provider: theirs.clone(),
            labels: whole.unwrap_or(&assessed.labels).to_vec(),
            kept: assessed.answer.clone(),
            unmapped: assessed.unmapped,
            content_types: Vec::new(),
            floor: assessed.floor,
            moments: Vec::new(), // no verdict rests on when it was
            spoken: assessed.spoken.clone(),
        };
        let hidden = Hidden {
            taxonomy: theirs.taxonomy.clone(),
            labels: answer.labels.clone(),
            floor: assessed.floor,
            gone: whole.is_none() && assessed.answer.is_some(),
        };
        let deciding = Deciding { answer, beside: Beside::default(), in_part: hidden.gone };
        let decided = self.judge(seen, assessed, deciding, speaks_for, tally);
        let hides = self.hides_a_hit(&hidden, &decided, assessed.frame, seen, tally);
        if decided.verdict != Some(assessed.verdict) {
            self.differ(seen, assessed, decided, tally);
        }
        if hides { Known::Clouded } else { Known::Whole }
    }

    /// A segment was not asked about.
    pub(super) fn unheard(
        &mut self,
        seen: &Seen<'_>,
        event: &Event,
        skipped: &FrameSkipped,
        tally: &mut Tally,
    ) -> Known {
        let kind = match skipped.because {
            Skip::TooSoon { .. } => Some(Unknown::TooSoonThen),
            Skip::Superseded { .. } | Skip::Overloaded | Skip::GaveWay { .. } => Some(Unknown::CrowdedOut),
            Skip::Stale { .. } | Skip::NoPolicy => Some(Unknown::PassedOver),
            // Without a track nobody could have answered, whatever the policy.
            Skip::OtherSession
            | Skip::OtherSource
            | Skip::Unsupported
            | Skip::Similar { .. }
            | Skip::NoTrack { .. } => None,
        };
        let session = self.state.session.as_ref().map(|session| session.id.clone());
        if let (Skip::NoTrack { .. }, Some(session)) = (&skipped.because, &session)
            && !self.would_ask(seen, session, skipped.medium, skipped.frame)
        {
            // At the cadence on trial it would not have been fetched: the next is due no later for it.
            if let Some(track) = self.track(skipped.medium) {
                track.saw(seen.captured_at);
            }
            return Known::Whole;
        }
        if let (Some(kind), Some(session), Some(listening)) =
            (kind, session, self.policy.listening(skipped.medium).cloned())
            && self.would_ask(seen, &session, skipped.medium, skipped.frame)
        {
            self.count_calls(seen, &session, &[listening.judged_by.as_str().into()], tally);
            tally.calls_without_answer += 1;
            self.unknown(kind, seen, skipped.frame, tally);
            self.asked_about(skipped.medium, seen);
            return Known::Clouded;
        }
        self.apply_one(event, seen.envelope.recorded_at, Some(seen.captured_at));
        Known::Whole
    }

    /// A segment could not be judged. Nothing says that it could have been under another policy.
    pub(super) fn unheard_of(
        &mut self,
        seen: &Seen<'_>,
        event: &Event,
        failed: &FrameFailed,
        tally: &mut Tally,
    ) -> Known {
        let session = self.state.session.as_ref().map(|session| session.id.clone());
        let asks = session.is_some_and(|session| {
            self.policy.listening(failed.medium).is_some()
                && self.would_ask(seen, &session, failed.medium, failed.frame)
        });
        if asks {
            self.unknown(Unknown::Failed, seen, failed.frame, tally);
        }
        self.apply_one(event, seen.envelope.recorded_at, Some(seen.captured_at));
        if asks { Known::Clouded } else { Known::Whole }
    }

    /// Whether it would be asked about: the warden's own decision, as if the segment had come at once.
    fn would_ask(&self, seen: &Seen<'_>, session: &SessionId, medium: Medium, id: FrameId) -> bool {
        let frame = Frame { medium, ..self.frame(seen, session, id) };
        let command = Command::TakeFrame { frame };
        let decision = decide(&self.state, Some(&self.policy), seen.captured_at, &command).unwrap_or_default();
        decision.next == Some(Next::Ask)
    }

    /// It was asked about here, and what was answered is not known: the cadence goes on from it.
    fn asked_about(&mut self, medium: Medium, seen: &Seen<'_>) {
        if let Some(track) = self.track(medium) {
            track.judged(seen.captured_at);
        }
    }

    fn track(&mut self, medium: Medium) -> Option<&mut Track> {
        match medium {
            Medium::Picture => None,
            Medium::Clip => Some(&mut self.state.segments.get_or_insert_default().clips),
            Medium::Sound => Some(&mut self.state.segments.get_or_insert_default().sound),
        }
    }
}
