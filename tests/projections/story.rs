//! Events told one after the other, as the journal would record them, folded into a view.

use std::collections::BTreeMap;

use streamwarden::events::*;
use streamwarden::model::*;
use streamwarden::projections::View;

pub const T0: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// A view, and the time by which the next event is recorded.
pub struct Story {
    pub view: View,
    pub now: Timestamp,
    sequences: BTreeMap<Scope, Sequence>,
}

impl Story {
    pub fn new() -> Self {
        Self { view: View::default(), now: T0, sequences: BTreeMap::new() }
    }

    /// Records an event of a channel, captured now if it is about a frame, and folds it. Gives its sequence.
    pub fn told(&mut self, channel: &str, event: impl Into<Event>) -> Sequence {
        self.recorded(channel, event).envelope.sequence
    }

    /// The same, and gives it as it was recorded.
    pub fn recorded(&mut self, channel: &str, event: impl Into<Event>) -> Recorded {
        let scope = Scope::Channel(ChannelId::new(channel).expect("a sound id"));
        let sequence = self.sequences.entry(scope.clone()).or_default();
        *sequence = sequence.next();
        let position = self.view.position.next();
        let new = NewEvent {
            id: EventId::of_command("told", &[&position.0.to_be_bytes()]),
            event: event.into(),
            captured_at: Some(self.now),
            actor: Actor::service("test"),
            causation: None,
            correlation: None,
        };
        let recorded = Recorded::seal(&new, scope, position, *sequence, self.now, Epoch(1)).expect("a small event");
        self.view.apply(&recorded, &new.event);
        recorded
    }

    pub fn after_ms(&mut self, ms: u64) {
        self.now = self.now.plus_ms(ms);
    }

    /// Raises a warning of that severity and gives its id.
    pub fn raise(&mut self, channel: &str, severity: u8) -> WarningId {
        let raised = raised(self.view.position.0 + 1, severity);
        let warning = raised.warning;
        self.told(channel, raised);
        warning
    }

    /// Raises a warning about a frame of that medium and gives its id.
    pub fn raise_of(&mut self, channel: &str, medium: Medium) -> WarningId {
        let raised = WarningRaised { medium, ..raised(self.view.position.0 + 1, 3) };
        let warning = raised.warning;
        self.told(channel, raised);
        warning
    }

    /// The same view, written and read back.
    pub fn reloaded(&self) -> View {
        let mut bytes = Vec::new();
        ciborium::into_writer(&self.view, &mut bytes).expect("a view can be written");
        ciborium::from_reader(bytes.as_slice()).expect("a view can be read")
    }
}

pub fn frame(number: u64) -> FrameId {
    FrameId::of(&ChannelId::new("c").expect("a sound id"), &[&number.to_be_bytes()])
}

pub fn moderator(name: &str) -> ModeratorId {
    ModeratorId::new(name).expect("a sound id")
}

pub fn session(name: &str) -> SessionId {
    SessionId::new(name).expect("a sound id")
}

pub fn policy() -> PolicyRef {
    PolicyRef { id: PolicyId::new("p").expect("a sound id"), version: 1 }
}

pub fn label(percent: f64) -> Label {
    let confidence = Confidence::from_percent(percent).expect("a percentage");
    Label(LabelPath::new("Violence").expect("a sound path"), confidence)
}

fn raised(number: u64, severity: u8) -> WarningRaised {
    let rule = RuleId::new("weapons").expect("a sound id");
    WarningRaised {
        medium: Default::default(),
        warning: WarningId::of(EventId::outcome_of(frame(number)), &rule),
        frame: frame(number),
        session: session("st-1"),
        policy: policy(),
        rule,
        rev: 1,
        severity,
        action: Action::Stop,
        approval: Approval::Person,
        label: Some(label(90.0)),
        margin: 10_000,
        cooldown_ms: 0,
        asks: None,
        unavailable: None,
        decided_by: None,
    }
}

/// An assessment with what came of a rule, or of none.
pub fn assessed(number: u64, verdict: Verdict, effect: Option<RuleEffect>) -> FrameAssessed {
    let rules = effect.into_iter().map(|effect| RuleOutcome {
        rule: RuleId::new("weapons").expect("a sound id"),
        rev: 1,
        by: 0,
        margin: 5_000,
        hits: 1,
        effect,
    });
    FrameAssessed {
        medium: Default::default(),
        segment: None,
        moments: Vec::new(),
        spoken: None,
        frame: frame(number),
        print: Fingerprint([0; 8]),
        session: session("st-1"),
        image: Some(ImageFacts { sha256: Sha256([0; 32]), bytes: 1, width: 1, height: 1, format: ImageFormat::Jpeg }),
        object: None,
        hash: Some(PerceptualHash { scheme: HashScheme::PhashFromDc, bits: 0 }),
        distance: None,
        provider: ProviderRef { name: "stub".into(), model: "1".into(), taxonomy: "stub/1".into() },
        arranged: None,
        policy: policy(),
        labels: vec![label(85.0)],
        answer: None,
        unmapped: 0,
        content_types: vec![],
        floor: None,
        near: None,
        rules: rules.collect(),
        verdict,
        late: false,
        shadow: None,
        took: Timings(0, 0, 0),
    }
}
