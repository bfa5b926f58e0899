//! Histories as a warden records them: each frame is taken, compared and judged as far as its outcome, and the journal
//! holds what followed.

use std::collections::BTreeSet;
use std::sync::Arc;

use streamwarden::events::{Event, FailedStage, OpinionRole, Recorded, SegmentFacts, Timings};
use streamwarden::journal::{Journal, MemoryJournal};
use streamwarden::laboratory::price::Prices;
use streamwarden::laboratory::{self, Detections, Found, Progress, Question, Report, Stretch, stretch};
use streamwarden::model::{
    Confidence, EventId, Fingerprint, Frame, FrameId, Label, LabelPath, Medium, Position, ProviderRef, Sha256,
    Timestamp, WarningId,
};
use streamwarden::policy::arrangement::{Asked, Gist, Step, Who, role_of};
use streamwarden::policy::{Arrangement, Channels, Policy, PolicySet, Rule, Sampling, read_hits};
use streamwarden::warden::{Answered, Answering, Beside, Command, InVain, ModeratorAct, Opinion, Said};

use crate::lines::moment;
use crate::wanted::{Channel, Wanted};

/// What a frame shows.
#[derive(Debug, Clone)]
pub struct Shows {
    pub session: u8,
    pub captured_at: Timestamp,
    pub hash: u64,
    pub luma: Option<u16>,
    pub labels: Vec<(u8, u32)>,
}

/// What comes of a segment.
#[derive(Debug, Clone, Copy)]
pub enum Heard {
    /// Its provider answers with these labels, in thousandths of a percent.
    Says(&'static [(&'static str, u32)]),
    /// It has no track of its medium.
    NoTrack,
    /// Its provider does not answer.
    Fails,
}

/// One channel, recorded.
pub struct Recorder {
    pub channel: Channel,
    /// What the provider is asked to report at least.
    pub floor: Option<Confidence>,
    frames: u32,
}

impl Recorder {
    fn new() -> Self {
        Self { channel: Channel::new(), floor: None, frames: 0 }
    }

    /// One that judges by this policy.
    pub fn under(policy: Policy) -> Self {
        let mut recorder = Self::new();
        recorder.channel.watch_by(policy);
        recorder
    }

    /// The broadcast begins.
    pub fn start(&mut self, session: u8, at: Timestamp) {
        self.run(at, &Wanted::Start(session, at.as_micros()));
    }

    /// A frame comes and gets its outcome at once.
    pub fn shows(&mut self, now: Timestamp, shows: &Shows) -> FrameId {
        let frame = self.next_frame(shows);
        let take = Command::TakeFrame { frame: frame.clone() };
        self.channel.run(now, &take);
        self.outcome_of(frame, now, shows)
    }

    /// A segment of the broadcast comes at that second and gets its outcome at once: sound by `speech`, clips by `clips`.
    pub fn hears(&mut self, medium: Medium, seconds: f64, heard: Heard) -> FrameId {
        let frame = Frame { medium, ..self.next_frame(&at(seconds, &[])) };
        let (id, now) = (frame.id, frame.captured_at.plus_ms(1000));
        self.channel.run(now, &Command::TakeFrame { frame: frame.clone() });
        if !self.lacks_outcome(id) {
            return id;
        }
        let policy = self.channel.watching().expect("a policy watches");
        let sha256 = Sha256::of(id.as_bytes());
        let command = match heard {
            Heard::Says(labels) => {
                let (name, taxonomy) =
                    if medium == Medium::Sound { ("speech", "hive-speech/1") } else { ("clips", "stub/1") };
                let label = |(path, milli): &(&str, u32)| {
                    let confidence = Confidence::from_milli(*milli).expect("a percentage");
                    Label(LabelPath::new(path).expect("a sound path"), confidence)
                };
                let answer = Answered {
                    provider: ProviderRef { name: name.into(), model: "1".into(), taxonomy: taxonomy.into() },
                    labels: labels.iter().map(label).collect(),
                    kept: None,
                    unmapped: 0,
                    content_types: Vec::new(),
                    floor: None,
                    moments: Vec::new(),
                    spoken: None,
                };
                Command::JudgeFrame {
                    frame,
                    policy,
                    shadow: None,
                    measured: None,
                    segment: Some(Box::new(SegmentFacts { sha256, bytes: 9 })),
                    answer: Box::new(answer),
                    beside: Beside::default(),
                    took: Timings(1, 0, 2),
                }
            }
            Heard::NoTrack => Command::FindNoTrack { frame, policy, sha256 },
            Heard::Fails => {
                let (stage, reason) = (FailedStage::Provider, "it did not answer".to_owned());
                Command::FailFrame { frame, stage, reason, attempts: 3, asked: None }
            }
        };
        self.channel.run(now, &command);
        id
    }

    /// A frame that was taken, compared and judged.
    fn outcome_of(&mut self, frame: streamwarden::model::Frame, now: Timestamp, shows: &Shows) -> FrameId {
        let id = frame.id;
        let policy = self.channel.watching().expect("a policy watches");
        let measured = self.channel.measured(shows.hash, shows.luma);
        if self.lacks_outcome(id) {
            let measured = measured.clone();
            self.channel.run(now, &Command::CompareFrame { frame: frame.clone(), policy: policy.clone(), measured });
        }
        if self.lacks_outcome(id) {
            let judge = self.channel.command(&Wanted::Judge(0, 0, 0, shows.labels.clone()));
            let Command::JudgeFrame { mut answer, beside, took, shadow, .. } = judge else {
                panic!("a judgement was asked for")
            };
            answer.floor = self.floor;
            answer.kept = Answered::is_long(&answer.labels).then(crate::samples::content);
            let measured = Some(measured);
            let heard = match policy.arrangement == Arrangement::default() {
                true => Ok((*answer, beside)),
                false => self.ask_along(&policy, id, &shows.labels),
            };
            let command = match heard {
                Ok((answer, beside)) => {
                    let (frame, policy) = (frame.clone(), policy.clone());
                    Command::JudgeFrame {
                        frame,
                        policy,
                        shadow,
                        measured,
                        segment: None,
                        answer: Box::new(answer),
                        beside,
                        took,
                    }
                }
                Err(opinions) => {
                    let (stage, reason) = (FailedStage::Provider, "it did not answer".to_owned());
                    let asked = Some(Box::new(InVain { policy: policy.clone(), opinions }));
                    Command::FailFrame { frame: frame.clone(), stage, reason, attempts: 3, asked }
                }
            };
            let failed = matches!(command, Command::FailFrame { .. });
            self.channel.run(now, &command);
            if let (Some(with), false) = (policy.arrangement.compares(id), failed) {
                let opinion = self.opinion(with.as_str(), OpinionRole::Compared, &shows.labels);
                let (session, captured_at) = (frame.session, frame.captured_at);
                let policy = policy.clone();
                self.channel.run(now, &Command::CompareProviders { frame: id, session, captured_at, policy, opinion });
            }
        }
        id
    }

    /// Follows the policy's plan; each provider says of the frame what [`Recorder::says`] has it say.
    fn ask_along(
        &mut self,
        policy: &Policy,
        frame: FrameId,
        shown: &[(u8, u32)],
    ) -> Result<(Answered, Beside), Vec<Opinion>> {
        let mut heard: Vec<(String, Option<Answered>)> = Vec::new();
        loop {
            let stops = |answer: &Answered| {
                let hits = read_hits(policy, &answer.provider.taxonomy, &answer.labels).unwrap_or_default();
                hits.iter().any(|hit| hit.rule.stops_by_itself())
            };
            let gist = |answer: &Answered| Gist::of(&answer.labels, stops(answer));
            let asked: Vec<Asked<'_>> =
                heard.iter().map(|(name, said)| Asked { name, said: said.as_ref().map(gist) }).collect();
            match policy.arrangement.next(frame, policy.rules.iter().any(Rule::stops_by_itself), &asked) {
                Step::Ask { who, .. } => {
                    let name = match who {
                        Who::Configured => "stub",
                        Who::Named(name) => name.as_str(),
                    };
                    let said = self.says(name, shown);
                    heard.push((name.to_owned(), said));
                }
                Step::Decided { by, arranged } => {
                    let (_, answer) = heard.remove(by);
                    let each = heard.into_iter().enumerate();
                    let opinion = |(at, (name, said)): (usize, (String, Option<Answered>))| {
                        let role = role_of(said.is_some(), at >= by);
                        opinion_of(&name, role, said)
                    };
                    let beside = Beside { arranged, opinions: each.map(opinion).collect() };
                    return Ok((answer.expect("who decides has answered"), beside));
                }
                Step::Unanswered => {
                    let opinion = |(name, said): (String, Option<Answered>)| {
                        let role = role_of(said.is_some(), false);
                        opinion_of(&name, role, said)
                    };
                    return Err(heard.into_iter().map(opinion).collect());
                }
            }
        }
    }

    fn opinion(&mut self, name: &str, role: OpinionRole, shown: &[(u8, u32)]) -> Opinion {
        let said = self.says(name, shown);
        opinion_of(name, role, said)
    }

    /// What a provider says of the frame shown last. `stub` sees what is there and always answers, as does `last`; any
    /// other fails, sees nothing, sees it less surely or as surely, as its name and the frame's number have it.
    fn says(&mut self, name: &str, shown: &[(u8, u32)]) -> Option<Answered> {
        let drawn = FrameId::of(&self.channel.frame(0, 0, 0).channel, &[name.as_bytes(), &self.frames.to_be_bytes()]);
        let drawn = if name == "last" || name == "stub" { 3 } else { drawn.as_bytes()[0] % 5 };
        let shown = match drawn {
            0 => return None,
            1 => Vec::new(),
            2 => shown.iter().map(|(path, milli)| (*path, milli / 2)).collect(),
            _ => shown.to_vec(),
        };
        let Command::JudgeFrame { mut answer, .. } = self.channel.command(&Wanted::Judge(0, 0, 0, shown)) else {
            panic!("a judgement was asked for")
        };
        answer.provider.name = name.into();
        Some(*answer)
    }

    /// A frame comes while another is with its provider, and gives way to a newer one.
    pub fn crowded_out(&mut self, now: Timestamp, shows: &Shows) -> FrameId {
        let frame = self.next_frame(shows);
        let (id, by) = (frame.id, FrameId::of(&frame.channel, &[b"newer"]));
        self.channel.run(now, &Command::SupersedeFrame { frame, by });
        id
    }

    /// What somebody, or time, brings about.
    pub fn run(&mut self, now: Timestamp, wanted: &Wanted) {
        let command = self.channel.command(wanted);
        self.channel.run(now, &command);
    }

    /// A moderator answers.
    pub fn answers(&mut self, now: Timestamp, warning: WarningId, upheld: bool) {
        let request = EventId::of_command("request", &[warning.as_bytes(), &now.as_micros().to_be_bytes()]);
        let by = streamwarden::model::ModeratorId::new("ann").expect("a sound name");
        let answering = Answering::to([warning]);
        let act = if upheld { ModeratorAct::Uphold(answering) } else { ModeratorAct::Dismiss(answering) };
        self.channel.run(now, &Command::Moderate { request, by, act });
    }

    /// A moderator takes the answer back.
    pub fn withdraws(&mut self, now: Timestamp, warning: WarningId) {
        let request = EventId::of_command("withdrawal", &[warning.as_bytes()]);
        let by = streamwarden::model::ModeratorId::new("ann").expect("a sound name");
        self.channel.run(now, &Command::Moderate { request, by, act: ModeratorAct::Withdraw(warning.into()) });
    }

    /// The newest warning of the rule, which must have been raised.
    pub fn warning_of(&self, rule: &str) -> WarningId {
        let raised = self.channel.events().into_iter().rev().find_map(|recorded| match recorded.event() {
            Ok(Event::WarningRaised(raised)) if raised.rule.as_str() == rule => Some(raised.warning),
            _ => None,
        });
        raised.unwrap_or_else(|| panic!("no warning of {rule} was raised"))
    }

    /// Tries a policy on all of it.
    pub fn tried(&self, policy: Policy) -> Report {
        found(&self.channel.journal, &question(policy)).report(&prices())
    }

    pub fn events(&self) -> Vec<Recorded> {
        self.channel.events()
    }

    fn next_frame(&mut self, shows: &Shows) -> streamwarden::model::Frame {
        self.frames += 1;
        let mut frame = self.channel.frame(0, shows.session, shows.captured_at.as_micros());
        frame.id = FrameId::of(&frame.channel, &[b"shown", &self.frames.to_be_bytes()]);
        frame.fingerprint = Fingerprint::of(&[&self.frames.to_be_bytes()]);
        frame
    }

    fn lacks_outcome(&self, frame: FrameId) -> bool {
        self.channel.journal.find(EventId::outcome_of(frame)).expect("memory can be read").is_none()
    }
}

fn opinion_of(name: &str, role: OpinionRole, said: Option<Answered>) -> Opinion {
    let said = match said {
        Some(answer) => Said::Answer(answer),
        None => Said::Nothing {
            provider: ProviderRef { name: name.into(), model: "1".into(), taxonomy: "stub/1".into() },
            stage: FailedStage::Provider,
            reason: "it did not answer".to_owned(),
            attempts: 3,
        },
    };
    Opinion { role, said, took_ms: 4 }
}

/// The policy for every channel.
pub fn everywhere(policy: Policy) -> Policy {
    Policy { channels: Channels::Matching(regex::Regex::new("").expect("a sound pattern")), ..policy }
}

/// What the policy would have said of every channel.
pub fn question(policy: Policy) -> Question {
    let policy = everywhere(policy);
    let id = policy.reference.id.clone();
    Question {
        proposals: vec![PolicySet::new(vec![Arc::new(policy)])],
        tried: BTreeSet::from([id]),
        channels: Vec::new(),
        channels_max: 1000,
        detections: Detections::Upheld,
        threads: 1,
    }
}

pub fn found(journal: &MemoryJournal, question: &Question) -> Found {
    let whole: Stretch = stretch(journal, None, None).expect("memory can be read");
    assert!(whole.to > Position(0), "something was recorded");
    laboratory::run(journal, question, whole, &|_| None, &Progress::default()).expect("it runs to its end")
}

/// The policy of the recorder with only the rule `d`, which any label hits, from that percentage on.
pub fn only_d(percent: f64) -> Policy {
    let mut policy = crate::wanted::policy(9);
    policy.rules.retain(|rule| rule.id.as_str() == "d");
    policy.rules[0].confidence = Confidence::from_percent(percent).expect("a percentage");
    policy.automatic_stops = streamwarden::policy::AutomaticStops::OneRule;
    every(1000, policy)
}

/// The policy with a fixed cadence, without tolerance.
pub fn every(interval_ms: u32, mut policy: Policy) -> Policy {
    let tolerance_ms = Some(0);
    policy.sampling = Sampling { fastest_ms: interval_ms, slowest_ms: interval_ms, tolerance_ms, ..policy.sampling };
    policy.reputation = None;
    policy
}

/// A frame captured so many seconds after the beginning, unlike any other, in which the provider sees this.
pub fn at(seconds: f64, labels: &[(u8, u32)]) -> Shows {
    // Hashes far from each other: similarity allows 20 of 64 bits.
    let hash = 0x9e37_79b9_7f4a_7c15u64.wrapping_mul((seconds * 1000.0) as u64 + 1);
    Shows { session: 0, captured_at: moment(seconds), hash, luma: Some(9000), labels: labels.to_vec() }
}

/// A broadcast of these frames, each judged a second after it was captured.
pub fn broadcast(policy: Policy, frames: &[Shows]) -> Recorder {
    let mut recorder = Recorder::under(policy);
    recorder.start(0, moment(0.0));
    for shows in frames {
        recorder.shows(shows.captured_at.plus_ms(1000), shows);
    }
    recorder
}

/// Calls to `stub`, which judges unless it is said otherwise, are a thousandth of a dollar, those to `last` three.
pub fn prices() -> Prices {
    Prices::configured([("stub", 1000), ("last", 3000)])
}
