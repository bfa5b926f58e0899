//! Whether a recorded frame would have been found similar to another frame than the one it was compared with.
//!
//! The journal holds a frame's hash, and how far its luma was from the reference of the time; pictures are not kept. If
//! the reference on trial is another frame, its hash still decides, but how far the luma lies is known only within
//! bounds: mean absolute difference is a distance, so going round by the recorded references in between gives the most
//! and the least that it can be. Where both ends of these bounds lead to the same decision it is known, and otherwise
//! not. Knows no rules: [`decide()`](crate::warden::decide()) is asked for each end.

use super::trial::{Seen, Trial};
use super::unknowable::Unknown;
use crate::events::NewEvent;
use crate::model::{
    FrameId, ImageFacts, ImageFormat, LumaDelta, Measurement, PerceptualHash, SessionId, Sha256, Similarity,
};
use crate::warden::{Command, Next, decide};

/// The most that two pictures can differ by, in hundredths of a grey level.
const MOST: u32 = 25_500;
/// A recorded difference is cut to hundredths, so it may be this much more.
const CUT: u32 = 1;

/// What is known of a difference in luma: at least and at most, in hundredths of a grey level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Luma {
    least: u32,
    most: u32,
}

impl Luma {
    /// Nothing is known.
    pub const UNKNOWN: Self = Self { least: 0, most: MOST };
    /// A frame and itself.
    pub const NONE: Self = Self { least: 0, most: 0 };

    /// As recorded, if it was.
    pub fn recorded(delta: Option<LumaDelta>) -> Self {
        delta.map_or(Self::UNKNOWN, |LumaDelta(delta)| Self {
            least: u32::from(delta),
            most: (u32::from(delta) + CUT).min(MOST),
        })
    }

    /// From A to C, where this is from A to B and `on` from B to C: at most both together, at least what one of them
    /// exceeds the other by.
    pub fn and_on(self, on: Self) -> Self {
        let least = self.least.saturating_sub(on.most).max(on.least.saturating_sub(self.most));
        Self { least, most: (self.most + on.most).min(MOST) }
    }

    /// The bounds, the nearer first. Similarity only falls with distance, so if both say the same, so does all between.
    pub fn ends(self) -> [LumaDelta; 2] {
        [self.least, self.most].map(|end| LumaDelta(end as u16)) // at most MOST
    }
}

/// Whether a frame is like the reference on trial.
pub(super) enum Like {
    /// It is, and this follows.
    Same(Vec<NewEvent>),
    /// It is not, or it does not matter.
    Different,
    /// It is not known, because of this.
    Unknown(Unknown),
}

impl Trial {
    /// Whether a frame is like the reference on trial, by its hash and by what is known of its luma.
    pub(super) fn like(&self, seen: &Seen<'_>, session: &SessionId, id: FrameId, hash: Option<PerceptualHash>) -> Like {
        let (Some(_), Some(reference)) = (self.policy.similarity, &self.state.reference) else {
            return Like::Different;
        };
        let Some(reference_hash) = reference.hash else { return Like::Different }; // in doubt a frame is assessed
        let same_reference = seen.reference == Some(reference.frame);
        let Some(hash) = hash else {
            // It would have been fetched. If even the same picture would be asked about, its hash does not matter.
            return match self.compared(seen, session, id, reference_hash, Some(LumaDelta(0))) {
                Some(_) => Like::Unknown(Unknown::NoHash),
                None => Like::Different,
            };
        };
        let at_hand = seen.measured.map(|Similarity(_, luma)| luma);
        if let (true, Some(luma)) = (same_reference, at_hand) {
            let same = self.compared(seen, session, id, hash, luma);
            return same.map_or(Like::Different, Like::Same);
        }
        let [nearest, farthest] = self.luma.and_on(Luma::recorded(at_hand.flatten())).ends();
        match self.compared(seen, session, id, hash, Some(farthest)) {
            Some(events) => Like::Same(events),
            None if self.compared(seen, session, id, hash, Some(nearest)).is_none() => Like::Different,
            None => Like::Unknown(Unknown::Likeness),
        }
    }

    /// What follows if the frame is similar to the reference on trial; none if it is not.
    fn compared(
        &self,
        seen: &Seen<'_>,
        session: &SessionId,
        id: FrameId,
        hash: PerceptualHash,
        luma: Option<LumaDelta>,
    ) -> Option<Vec<NewEvent>> {
        // Only hash and luma are compared.
        let image = ImageFacts { sha256: Sha256([0; 32]), bytes: 0, width: 0, height: 0, format: ImageFormat::Jpeg };
        let to = self.state.reference.as_ref()?.sequence;
        let measured = Measurement { image, hash, luma: luma.map(|delta| (to, delta)) };
        let frame = self.frame(seen, session, id);
        let command = Command::CompareFrame { frame, policy: self.policy.clone(), measured };
        let decision = decide(&self.state, Some(&self.policy), seen.envelope.recorded_at, &command).ok()?;
        (decision.next != Some(Next::Ask)).then_some(decision.events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::LumaPlane;

    #[test]
    fn a_difference_lies_within_what_the_way_round_allows() {
        let plane = |seed: u32| {
            let mut plane = Box::new([0u8; 1024]);
            for (at, level) in (0u32..).zip(plane.iter_mut()) {
                *level = ((at * 7 + seed * 31) * (seed % 5 + 1) / 3 % 251) as u8;
            }
            LumaPlane(plane)
        };
        for (a, b, c) in [(1, 2, 3), (4, 4, 9), (5, 20, 5), (7, 8, 7), (0, 250, 3)] {
            let (a, b, c) = (plane(a), plane(b), plane(c));
            let round = Luma::recorded(Some(a.delta(&b))).and_on(Luma::recorded(Some(b.delta(&c))));
            let straight = u32::from(a.delta(&c).0);
            assert!((round.least..=round.most).contains(&straight), "{round:?} does not hold {straight}");
        }
    }

    #[test]
    fn nothing_known_on_the_way_is_nothing_known_at_its_end() {
        assert_eq!(Luma::UNKNOWN.and_on(Luma::recorded(Some(LumaDelta(100)))), Luma::UNKNOWN);
        let far = Luma::recorded(Some(LumaDelta(3000))).and_on(Luma::recorded(Some(LumaDelta(100))));
        assert_eq!(far.ends(), [LumaDelta(2899), LumaDelta(3102)]);
    }
}
