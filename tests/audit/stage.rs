//! A channel on a stage: commands go in at stated seconds, decided and applied as a warden does it.

use std::sync::Arc;

use streamwarden::actors::PolicyDesk;
use streamwarden::audit::decision::{Decision, Sources, decision, outcome_of};
use streamwarden::clock::ManualClock;
use streamwarden::events::{Actor, EnforcementKind, FailedStage, OpinionRole, Recorded, Timings};
use streamwarden::journal::content::Store;
use streamwarden::journal::{Append, Appended, Expected, Journal, MemoryJournal, READ_LIMIT_MAX};
use streamwarden::model::{
    ChannelId, Confidence, EnforcementId, EventId, Fingerprint, Frame, FrameId, FrameOrigin, HashScheme, ImageFacts,
    ImageFormat, Label, LabelPath, LumaDelta, Measurement, ModeratorId, PerceptualHash, ProviderRef, Scope, SessionId,
    Sha256, Timestamp, WarningId,
};
use streamwarden::policy::{Policy, PolicySet};
use streamwarden::warden::{
    Answered, Applied, Beside, ChannelState, Command, EnforcementReport, ModeratorAct, Opinion, Said, apply, decide,
};
use tempfile::TempDir;

/// What is watched for on the stage.
pub const POLICY: &str = "\
policy: stage
channels: { matching: .* }
taxonomy: rekognition/7.0
sampling: { every: 60s, tolerance: 6s, reassess_after: 5m, max_age: 1h }
similarity: { hash_distance: 10, luma_delta: 2.0 }
rules:
  - { id: weapons, categories: [Violence/Weapons], confidence: 80, window: 2 of 3, action: stop, approval: none, severity: 5 }
  - { id: alcohol, categories: [Alcohol], confidence: 70, action: warn, cooldown: 5m }
  - { id: explicit, categories: [Explicit], confidence: 90, action: stop, approval: person, severity: 4 }
";

/// A channel with everything that a decision about it rests on.
pub struct Stage {
    pub journal: Arc<MemoryJournal>,
    pub content: Arc<Store>,
    pub state: ChannelState,
    clock: Arc<ManualClock>,
    policies: Arc<PolicySet>,
    _dir: TempDir,
}

/// Seconds after the beginning of the play.
pub fn moment(seconds: f64) -> Timestamp {
    Timestamp::from_millis(1_772_399_000_000 + (seconds * 1000.0) as i64)
}

impl Stage {
    pub fn new() -> Self {
        Self::under(POLICY)
    }

    /// One that is watched by another policy.
    pub fn under(text: &str) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let content = Store::open(&dir.path().join("content"), &dir.path().join("keys")).expect("a store");
        let content = Arc::new(content);
        let clock = Arc::new(ManualClock::at(moment(0.0)));
        let journal = Arc::new(MemoryJournal::new(Arc::<ManualClock>::clone(&clock)));
        let author = ModeratorId::new("author-1").expect("a sound name");
        let mut desk = PolicyDesk::open(journal.clone(), content.clone()).expect("an empty journal opens");
        desk.publish("stage.yaml", text, &Actor::Moderator(author), Some("the house rules"))
            .expect("the policy is sound");
        let policies = desk.subscribe().borrow().clone();
        let state = ChannelState::new(ChannelId::new("stage").expect("a sound name"));
        Self { journal, content, state, clock, policies, _dir: dir }
    }

    pub fn policy(&self) -> Arc<Policy> {
        self.policies.for_channel(&self.state.channel).expect("the policy watches every channel").clone()
    }

    pub fn scope(&self) -> Scope {
        Scope::Channel(self.state.channel.clone())
    }

    /// Decides, appends and applies. Returns what was appended.
    pub fn give(&mut self, seconds: f64, command: &Command) -> Vec<Recorded> {
        self.clock.set(moment(seconds));
        let policy = self.policy();
        let decided = decide(&self.state, Some(&policy), moment(seconds), command).expect("the command is lawful");
        if decided.events.is_empty() {
            return Vec::new();
        }
        let expected = Expected::At(self.state.sequence);
        let append = Append { scope: self.scope(), expected, events: decided.events };
        let appended = self.journal.append(append).wait().expect("the journal takes it");
        assert!(matches!(appended, Appended::New { .. }), "{appended:?}");
        let new = self.journal.read_scope(&self.scope(), self.state.sequence, READ_LIMIT_MAX).expect("memory is read");
        for recorded in &new {
            apply(&mut self.state, Applied::of(recorded), &recorded.event().expect("a known event"));
        }
        new
    }

    pub fn begin(&mut self) {
        self.give(0.0, &Command::StartSession { session: session(), at: moment(0.0) });
    }

    /// A frame captured so many seconds after the beginning, and judged a second later.
    pub fn judge(&mut self, captured: f64, labels: &[(&str, f64)]) -> FrameId {
        let frame = self.frame(captured);
        let command = Command::JudgeFrame {
            frame: frame.clone(),
            policy: self.policy(),
            shadow: None,
            measured: Some(measured(0, None)),
            segment: None,
            answer: Box::new(answered(labels)),
            beside: Beside::default(),
            took: Timings(10, 20, 300),
        };
        self.give(captured + 1.0, &command);
        frame.id
    }

    /// A frame whose outcome `hive` was asked about before it; none of labels: it did not answer.
    pub fn judge_with_hive(&mut self, captured: f64, labels: &[(&str, f64)], hive: Option<&[(&str, f64)]>) -> FrameId {
        let frame = self.frame(captured);
        let mut said = answered(hive.unwrap_or_default());
        said.provider.name = "hive".into();
        let said = match hive {
            Some(_) => Said::Answer(said),
            None => Said::Nothing {
                provider: said.provider,
                stage: FailedStage::Deadline,
                reason: "no answer within 900 ms".to_owned(),
                attempts: 1,
            },
        };
        let opinion = Opinion { role: OpinionRole::Seconded, said, took_ms: 900 };
        let command = Command::JudgeFrame {
            frame: frame.clone(),
            policy: self.policy(),
            shadow: None,
            measured: Some(measured(0, None)),
            segment: None,
            answer: Box::new(answered(labels)),
            beside: Beside { arranged: None, opinions: vec![opinion] },
            took: Timings(10, 20, 300),
        };
        self.give(captured + 1.0, &command);
        frame.id
    }

    pub fn take(&mut self, captured: f64) -> FrameId {
        let frame = self.frame(captured);
        self.give(captured + 0.5, &Command::TakeFrame { frame: frame.clone() });
        frame.id
    }

    /// A frame that was hashed, with so many bits of difference to the others.
    pub fn compare(&mut self, captured: f64, bits: u64, luma: u16) -> FrameId {
        let frame = self.frame(captured);
        let reference = self.state.reference.as_ref().expect("a frame was assessed").sequence;
        let measured = Measurement { luma: Some((reference, LumaDelta(luma))), ..measured(bits, None) };
        let command = Command::CompareFrame { frame: frame.clone(), policy: self.policy(), measured };
        self.give(captured + 1.0, &command);
        frame.id
    }

    pub fn fail(&mut self, captured: f64) -> FrameId {
        let frame = self.frame(captured);
        let reason = "no answer within 5000 ms".to_owned();
        let command =
            Command::FailFrame { frame: frame.clone(), stage: FailedStage::Provider, reason, attempts: 3, asked: None };
        self.give(captured + 1.0, &command);
        frame.id
    }

    pub fn moderate(&mut self, seconds: f64, act: ModeratorAct) -> Vec<Recorded> {
        let request = EventId::of_command("request", &[&seconds.to_be_bytes()]);
        let by = ModeratorId::new("m-17").expect("a sound name");
        self.give(seconds, &Command::Moderate { request, by, act })
    }

    pub fn report(&mut self, seconds: f64, enforcement: EnforcementId, report: EnforcementReport) {
        self.give(seconds, &Command::Report { enforcement, report });
    }

    /// A stop asked for by a person, who says why.
    pub fn stop(&self) -> ModeratorAct {
        let reason = self.content.put("channel/stage", b"seen with my own eyes").expect("it is kept");
        ModeratorAct::Enforce { kind: EnforcementKind::Stop, session: Some(session()), reason: Some(reason) }
    }

    /// The picture of a frame is kept.
    pub fn keep(&mut self, captured: f64, picture: &[u8]) {
        let content = self.content.put("channel/stage", picture).expect("it is kept");
        let frame = self.frame(captured);
        let (frame, captured_at) = (frame.id, frame.captured_at);
        self.give(captured + 2.0, &Command::KeepEvidence { frame, captured_at, image: Sha256([7; 32]), content });
    }

    /// The warning that is open.
    pub fn open_warning(&self) -> WarningId {
        self.state.open_warnings().next().expect("a warning is open").id
    }

    /// The enforcement under way.
    pub fn enforcement(&self) -> EnforcementId {
        self.state.enforcements.first().expect("an enforcement is under way").id
    }

    pub fn frame(&self, captured: f64) -> Frame {
        let captured_at = moment(captured);
        Frame {
            medium: Default::default(),
            channel: self.state.channel.clone(),
            session: session(),
            id: FrameId::of(&self.state.channel, &[&captured_at.as_micros().to_be_bytes()]),
            captured_at,
            fingerprint: Fingerprint::of(&[&captured_at.as_micros().to_be_bytes()]),
            origin: FrameOrigin::Inline(Arc::from([])),
        }
    }

    pub fn sources(&self) -> Sources<'_> {
        Sources { journal: &*self.journal, content: &self.content }
    }

    /// The decision about a frame.
    pub fn decision(&self, frame: FrameId) -> Decision {
        let outcome =
            outcome_of(&*self.journal, *frame.as_bytes()).expect("memory is read").expect("it has an outcome");
        decision(self.sources(), outcome).expect("memory is read").expect("it is an outcome")
    }

    pub fn events(&self) -> Vec<Recorded> {
        self.journal.read_scope(&self.scope(), Default::default(), READ_LIMIT_MAX).expect("memory is read")
    }
}

pub fn session() -> SessionId {
    SessionId::new("st-1").expect("a sound name")
}

pub fn label(path: &str, percent: f64) -> Label {
    Label(LabelPath::new(path).expect("a sound path"), Confidence::from_percent(percent).expect("a percentage"))
}

pub fn answered(labels: &[(&str, f64)]) -> Answered {
    let provider = ProviderRef { name: "rekognition".into(), model: "7.0".into(), taxonomy: "rekognition/7.0".into() };
    let labels = labels.iter().map(|(path, percent)| label(path, *percent)).collect();
    Answered {
        moments: Vec::new(),
        spoken: None,
        provider,
        labels,
        kept: None,
        unmapped: 0,
        content_types: vec![],
        floor: None,
    }
}

pub fn measured(bits: u64, luma: Option<u16>) -> Measurement {
    let image = ImageFacts { sha256: Sha256([7; 32]), bytes: 9000, width: 640, height: 360, format: ImageFormat::Jpeg };
    let hash = PerceptualHash { scheme: HashScheme::MedianDctFromDc, bits };
    Measurement { image, hash, luma: luma.map(|delta| (Default::default(), LumaDelta(delta))) }
}

/// What an event says, for a failed assertion.
pub fn names(events: &[Recorded]) -> Vec<&str> {
    events.iter().map(|recorded| recorded.envelope.event_type.as_str()).collect()
}
