//! A channel through the real core: each thumbnail that could be taken is handed to `decide`, and what follows is
//! folded with `apply`, with a person answering what is raised.
//!
//! Thumbnails that come too soon bring about nothing but their own outcome, so they are jumped over;
//! [`jumping_changes_nothing`] holds that against handing over each.

use std::collections::VecDeque;
use std::sync::Arc;

use streamwarden::events::{Event, Skip, Timings};
use streamwarden::model::{
    EventId, Fingerprint, Frame, FrameId, FrameOrigin, ImageFacts, ImageFormat, Label, LabelPath, Measurement,
    ModeratorId, ProviderRef, SessionId, Sha256, Timestamp, WarningId,
};
use streamwarden::policy::Policy;
use streamwarden::warden::{
    Answered, Answering, Applied, Beside, ChannelState, Command, ModeratorAct, Next, apply, decide, due,
};

use crate::pictures::Picture;
use crate::population::{Broadcast, Channel, RULES, T0, THUMBNAIL};
use crate::tally::{Tally, answer};

/// Which thumbnails are handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thumbnails {
    /// Those that could be taken.
    Due,
    /// Every one.
    Every,
}

/// What was seen while a channel was watched, besides the tally.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// Every picture assessed, in milliseconds since [`T0`].
    pub assessed: Vec<u64>,
    /// The cadences that were set, in milliseconds.
    pub cadences: Vec<u32>,
    /// What is known of the channel in the end; its sequence counts each thumbnail handed over.
    pub state: ChannelState,
}

/// Watches a channel under a policy.
pub fn watch(channel: &Channel, policy: &Arc<Policy>, thumbnails: Thumbnails, tally: &mut Tally) -> Watched {
    tally.channels += 1;
    let mut state = ChannelState::new(channel.id.clone());
    state.ledger = channel.ledger.clone();
    let watched = Watched { assessed: Vec::new(), cadences: Vec::new(), state };
    let mut watch = Watch { channel, policy, watched, raised: VecDeque::new(), hits: Vec::new() };
    for broadcast in &channel.broadcasts {
        watch.broadcast(broadcast, thumbnails, tally);
    }
    tally.calls += watch.watched.assessed.len() as u64;
    watch.watched
}

/// Watches channels twice, jumping over thumbnails and handing over each, and asserts that nothing differs.
pub fn jumping_changes_nothing(channels: impl Iterator<Item = Channel>, policy: &Arc<Policy>) {
    for channel in channels {
        let watched = |thumbnails| {
            let mut tally = Tally::default();
            let Watched { assessed, cadences, state } = watch(&channel, policy, thumbnails, &mut tally);
            (tally, assessed, cadences, state.ledger)
        };
        assert_eq!(watched(Thumbnails::Due), watched(Thumbnails::Every), "{}, a {:?}", channel.id, channel.kind);
    }
}

struct Watch<'a> {
    channel: &'a Channel,
    policy: &'a Arc<Policy>,
    watched: Watched,
    /// Warnings without an answer, by when it comes.
    raised: VecDeque<(u64, WarningId, bool)>,
    /// Pictures of the broadcast that met a rule.
    hits: Vec<u64>,
}

impl Watch<'_> {
    fn broadcast(&mut self, broadcast: &Broadcast, thumbnails: Thumbnails, tally: &mut Tally) {
        let session = SessionId::new(format!("st-{}", broadcast.from)).expect("a sound id");
        self.answer_until(broadcast.from, None);
        self.decide(broadcast.from, &Command::StartSession { session: session.clone(), at: when(broadcast.from) });
        let mut at = broadcast.from;
        while at < broadcast.until {
            self.answer_until(at, Some(broadcast));
            if thumbnails == Thumbnails::Due {
                let due = self.due(broadcast, &session, at);
                // An answer in between may bring the watch closer.
                let answered = self.raised.front().map_or(u64::MAX, |(at, ..)| *at);
                let next = due.min(answered.max(at + 1)).max(at);
                if next > at {
                    at = on_the_grid(broadcast, next);
                    continue;
                }
            }
            self.thumbnail(broadcast, &session, at, tally);
            at += THUMBNAIL;
        }
        self.seen_before(broadcast, broadcast.until);
        tally.broadcast(broadcast, &self.hits);
        self.hits.clear();
        self.decide(broadcast.until, &Command::EndSession { session });
    }

    /// From when on a thumbnail is taken, seen from the one at `at`, in milliseconds.
    fn due(&mut self, broadcast: &Broadcast, session: &SessionId, at: u64) -> u64 {
        self.seen_before(broadcast, at);
        let due = due(&self.watched.state, self.policy, session, when(at));
        due.map_or(at, |due| due.ms_since(T0))
    }

    /// The thumbnails before `at` came too soon, which is all that the state knows of them.
    fn seen_before(&mut self, broadcast: &Broadcast, at: u64) {
        if at > broadcast.from {
            let newest = broadcast.from + (at - 1 - broadcast.from) / THUMBNAIL * THUMBNAIL;
            let seen = &mut self.watched.state.newest_seen;
            *seen = (*seen).max(Some(when(newest)));
        }
    }

    fn thumbnail(&mut self, broadcast: &Broadcast, session: &SessionId, at: u64, tally: &mut Tally) {
        let captured_at = when(at);
        let frame = Frame {
            medium: Default::default(),
            channel: self.channel.id.clone(),
            session: session.clone(),
            id: FrameId::of(&self.channel.id, &[&at.to_be_bytes()]),
            captured_at,
            fingerprint: Fingerprint([0; 8]),
            origin: FrameOrigin::Inline(Arc::new([])),
        };
        let picture = Picture::at(&broadcast.scenes, at);
        let mut command = Command::TakeFrame { frame: frame.clone() };
        let mut raised = Vec::new();
        let mut measured = None;
        loop {
            let (events, next) = self.decide(at, &command);
            raised.extend(events);
            let policy = self.policy.clone();
            let frame = frame.clone();
            command = match next {
                None => break,
                Some(Next::Look) => {
                    measured = Some(self.measure(broadcast, picture));
                    Command::CompareFrame { frame, policy, measured: measured.clone().expect("measured just now") }
                }
                Some(Next::Ask) => {
                    self.watched.assessed.push(at);
                    let (answer, took) = (asked(self.channel, picture), Timings::default());
                    let (measured, beside) = (measured.take(), Beside::default());
                    Command::JudgeFrame {
                        frame,
                        policy,
                        shadow: None,
                        measured,
                        segment: None,
                        answer: Box::new(answer),
                        beside,
                        took,
                    }
                }
            };
        }
        for warning in raised {
            tally.warnings += 1;
            tally.false_warnings += u64::from(!picture.is_harmful());
            let (answered, upheld) = answer(self.channel, broadcast, at);
            self.raised.push_back((answered, warning, upheld));
            self.raised.make_contiguous().sort_by_key(|(answered, ..)| *answered);
        }
    }

    fn measure(&self, broadcast: &Broadcast, picture: Picture<'_>) -> Measurement {
        const IMAGE: ImageFacts =
            ImageFacts { sha256: Sha256([0; 32]), bytes: 1, width: 1, height: 1, format: ImageFormat::Jpeg };
        let luma = self.watched.state.reference.as_ref().map(|reference| {
            let of = Picture::at(&broadcast.scenes, reference.captured_at.ms_since(T0));
            (reference.sequence, picture.luma(&of))
        });
        Measurement { image: IMAGE, hash: picture.hash(), luma }
    }

    /// People answer what has waited long enough.
    fn answer_until(&mut self, at: u64, broadcast: Option<&Broadcast>) {
        while let Some((answered, warning, upheld)) = self.raised.pop_front_if(|(answered, ..)| *answered <= at) {
            if let Some(broadcast) = broadcast {
                self.seen_before(broadcast, answered);
            }
            let answering = Answering::to([warning]);
            let act = if upheld { ModeratorAct::Uphold(answering) } else { ModeratorAct::Dismiss(answering) };
            let request =
                EventId::of_command("answer", &[self.channel.id.as_str().as_bytes(), &answered.to_be_bytes()]);
            let by = ModeratorId::new("ann").expect("a sound id");
            self.decide(answered, &Command::Moderate { request, by, act });
        }
    }

    /// Decides and folds. Returns the warnings raised, and what the frame needs.
    fn decide(&mut self, at: u64, command: &Command) -> (Vec<WarningId>, Option<Next>) {
        let (now, mut raised) = (when(at), Vec::new());
        let state = &mut self.watched.state;
        let decision = decide(state, Some(self.policy), now, command).expect("nobody races with anybody here");
        for new in &decision.events {
            match &new.event {
                Event::WarningRaised(warning) => raised.push(warning.warning),
                Event::FrameAssessed(assessed) if !assessed.rules.is_empty() => self.hits.push(at),
                Event::CadenceChanged(changed) => self.watched.cadences.push(changed.to.interval_ms),
                Event::FrameSkipped(skipped) => {
                    assert!(!matches!(skipped.because, Skip::Stale { .. } | Skip::NoPolicy))
                }
                _ => {}
            }
            let (sequence, captured_at) = (state.sequence.next(), new.captured_at);
            apply(state, Applied { sequence, recorded_at: now, captured_at }, &new.event);
        }
        (raised, decision.next)
    }
}

/// The first thumbnail of a broadcast that is not before a moment.
fn on_the_grid(broadcast: &Broadcast, at: u64) -> u64 {
    broadcast.from + (at - broadcast.from).div_ceil(THUMBNAIL) * THUMBNAIL
}

fn when(at: u64) -> Timestamp {
    T0.plus_ms(at)
}

/// What the provider says of a picture.
fn asked(channel: &Channel, picture: Picture<'_>) -> Answered {
    let (_, category) = RULES[channel.offends];
    let label = |confidence| Label(LabelPath::new(category).expect("a sound path"), confidence);
    Answered {
        moments: Vec::new(),
        spoken: None,
        provider: ProviderRef { name: "simulated".into(), model: "1".into(), taxonomy: "rekognition/7.0".into() },
        labels: picture.confidence().map(label).into_iter().collect(),
        kept: None,
        unmapped: 0,
        content_types: Vec::new(),
        floor: None,
    }
}
