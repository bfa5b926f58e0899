//! Frames that several providers saw, recorded as a warden records them: opinions, outcome and warning in one append,
//! compared answers and people's answers later. What each said is written down by the test.

use std::sync::Arc;

use streamwarden::events::*;
use streamwarden::journal::{Append, Expected, Journal};
use streamwarden::model::*;

/// A provider at a model version.
#[derive(Debug, Clone, Copy)]
pub struct By(pub &'static str, pub &'static str, pub &'static str);

pub const LOCAL: By = By("local", "nsfw-1", "local-nudity/1");
pub const HIVE: By = By("hive", "v3.2", "hive-visual/1");
pub const HIVE_NEXT: By = By("hive", "v3.3", "hive-visual/1");

/// The rule that every label of these frames hits, from 80 percent on.
pub const RULE: &str = "nude";
const THRESHOLD: i32 = 80_000;

/// What a provider says: how sure it is of its one label, in percent, if it names it; and after how long.
#[derive(Debug, Clone, Copy)]
pub struct Says(pub By, pub Option<f64>, pub u32);

/// A frame.
#[derive(Debug, Clone)]
pub struct Told {
    pub channel: &'static str,
    pub policy: u32,
    pub decided: Says,
    pub arranged: Option<Arranged>,
    /// What others said before the outcome.
    pub before: Vec<(OpinionRole, Says)>,
    /// What another said later.
    pub compared: Option<Says>,
    /// What a person says to the warning, if there is one and somebody does.
    pub answer: Option<bool>,
}

impl Told {
    pub fn by(decided: Says) -> Self {
        Self { channel: "stage", policy: 1, decided, arranged: None, before: Vec::new(), compared: None, answer: None }
    }
}

/// Records them in order, on a thread that may block. Gives the warnings raised, in order.
pub fn tell(journal: &dyn Journal, frames: impl IntoIterator<Item = Told>) -> Vec<WarningId> {
    let first = journal.watermark().borrow().0;
    let recorded = (first..).zip(frames).map(|(number, told)| record(journal, number, &told));
    recorded.collect::<Vec<_>>().into_iter().flatten().collect()
}

fn record(journal: &dyn Journal, number: u64, told: &Told) -> Option<WarningId> {
    let channel = ChannelId::new(told.channel).expect("a sound name");
    let frame = FrameId::of(&channel, &[b"told", &number.to_be_bytes()]);
    let outcome = EventId::outcome_of(frame);
    let captured_at = Some(Timestamp::from_millis(1_772_399_047_000 + number as i64 * 1000));
    let event = |id, event: Event| NewEvent {
        id,
        event,
        captured_at,
        actor: Actor::Warden(Some(policy(told.policy))),
        causation: None,
        correlation: None,
    };
    let append = |events| {
        let (scope, expected) = (Scope::Channel(channel.clone()), Expected::Any);
        journal.append(Append { scope, expected, events }).wait().expect("it is recorded");
    };
    let mut events = Vec::new();
    for (at, (role, says)) in told.before.iter().enumerate() {
        let id = EventId::of_command("opinion", &[outcome.as_bytes(), &at.to_be_bytes()]);
        events.push(event(id, opinion(frame, told, *role, *says)));
    }
    let assessed = assessed(frame, told);
    let hit = !assessed.rules.is_empty();
    let (warning, label) = (WarningId::of(outcome, &rule()), assessed.labels.first().cloned());
    events.push(event(outcome, assessed.into()));
    if hit {
        events.push(event(EventId::follower(outcome, 0), raised(frame, told, warning, label).into()));
    }
    append(events);
    if let Some(says) = told.compared {
        let id = EventId::of_command("compared", &[outcome.as_bytes()]);
        append(vec![event(id, opinion(frame, told, OpinionRole::Compared, says))]);
    }
    if let (true, Some(upheld)) = (hit, told.answer) {
        answer(journal, told.channel, warning, "answer", said(warning, upheld));
    }
    hit.then_some(warning)
}

/// A frame that nobody judged.
pub fn fail(journal: &dyn Journal, number: u64, attempts: u8) {
    let channel = ChannelId::new("stage").expect("a sound name");
    let frame = FrameId::of(&channel, &[b"failed", &number.to_be_bytes()]);
    let (print, reason) = (Fingerprint::of(&[b"f"]), "no answer".to_owned());
    let failed =
        FrameFailed { medium: Default::default(), frame, print, stage: FailedStage::Provider, reason, attempts };
    let new = NewEvent {
        id: EventId::outcome_of(frame),
        event: failed.into(),
        captured_at: None,
        actor: Actor::service("test"),
        causation: None,
        correlation: None,
    };
    let append = Append { scope: Scope::Channel(channel), expected: Expected::Any, events: vec![new] };
    journal.append(append).wait().expect("it is recorded");
}

/// A person's answer, as an event.
pub fn said(warning: WarningId, upheld: bool) -> Event {
    let by = moderator();
    if upheld {
        WarningUpheld { warning, by, undo_ms: 60_000 }.into()
    } else {
        WarningDismissed { warning, by, undo_ms: 60_000 }.into()
    }
}

/// Records what somebody did about a warning.
pub fn answer(journal: &dyn Journal, channel: &str, warning: WarningId, what: &str, event: Event) {
    let new = NewEvent {
        id: EventId::of_command(what, &[warning.as_bytes()]),
        event,
        captured_at: None,
        actor: Actor::Moderator(moderator()),
        causation: None,
        correlation: None,
    };
    let scope = Scope::Channel(ChannelId::new(channel).expect("a sound name"));
    journal.append(Append { scope, expected: Expected::Any, events: vec![new] }).wait().expect("it is recorded");
}

pub fn moderator() -> ModeratorId {
    ModeratorId::new("ann").expect("a sound name")
}

fn opinion(frame: FrameId, told: &Told, role: OpinionRole, Says(by, sure, took_ms): Says) -> Event {
    let said = match role {
        OpinionRole::FellOver => {
            OpinionSaid::Nothing { stage: FailedStage::Provider, reason: "no answer".to_owned(), attempts: 3 }
        }
        OpinionRole::Screened | OpinionRole::Seconded | OpinionRole::Compared => OpinionSaid::Answer(OpinionAnswer {
            labels: labels(by, sure),
            answer: None,
            unmapped: 0,
            floor: None,
            hits: if margin(sure).is_some() { vec![rule()] } else { Vec::new() },
        }),
    };
    OpinionGiven {
        frame,
        session: session(),
        policy: policy(told.policy),
        provider: reference(by),
        role,
        said,
        took_ms,
    }
    .into()
}

fn assessed(frame: FrameId, told: &Told) -> FrameAssessed {
    let Says(by, sure, took_ms) = told.decided;
    let warning = WarningId::of(EventId::outcome_of(frame), &rule());
    let outcome =
        |margin| RuleOutcome { rule: rule(), rev: 1, by: 0, margin, hits: 1, effect: RuleEffect::Raised(warning) };
    let rules: Vec<RuleOutcome> = margin(sure).map(outcome).into_iter().collect();
    FrameAssessed {
        medium: Default::default(),
        segment: None,
        moments: Vec::new(),
        spoken: None,
        frame,
        print: Fingerprint::of(&[b"told"]),
        session: session(),
        image: None,
        object: None,
        hash: None,
        distance: None,
        provider: reference(by),
        arranged: told.arranged,
        policy: policy(told.policy),
        labels: labels(by, sure),
        answer: None,
        unmapped: 0,
        content_types: Vec::new(),
        floor: None,
        near: None,
        verdict: if rules.is_empty() { Verdict::Clear } else { Verdict::Warn },
        rules,
        late: false,
        shadow: None,
        took: Timings(0, 0, took_ms),
    }
}

fn raised(frame: FrameId, told: &Told, warning: WarningId, label: Option<Label>) -> WarningRaised {
    let margin = label.as_ref().and_then(|label| margin(Some(f64::from(label.confidence().as_milli()) / 1000.0)));
    WarningRaised {
        medium: Default::default(),
        warning,
        frame,
        session: session(),
        policy: policy(told.policy),
        rule: rule(),
        rev: 1,
        severity: 3,
        action: Action::Warn,
        approval: Approval::Person,
        label,
        margin: margin.unwrap_or_default(),
        cooldown_ms: 0,
        asks: None,
        unavailable: None,
        decided_by: None,
    }
}

/// How far over the threshold, if at all.
fn margin(sure: Option<f64>) -> Option<i32> {
    sure.map(|percent| (percent * 1000.0).round() as i32 - THRESHOLD).filter(|margin| *margin >= 0)
}

fn labels(By(_, _, taxonomy): By, sure: Option<f64>) -> Vec<Label> {
    let path = if taxonomy == LOCAL.2 { "Preliminary Nudity/Probable" } else { "sexual/general_nsfw/general_nsfw" };
    let label = |percent| {
        let sure = Confidence::from_percent(percent).expect("a percentage");
        Label(LabelPath::new(path).expect("a sound path"), sure)
    };
    sure.map(label).into_iter().collect()
}

fn reference(By(name, model, taxonomy): By) -> ProviderRef {
    ProviderRef { name: Arc::from(name), model: Arc::from(model), taxonomy: Arc::from(taxonomy) }
}

fn policy(version: u32) -> PolicyRef {
    PolicyRef { id: PolicyId::new("house").expect("a sound name"), version }
}

fn rule() -> RuleId {
    RuleId::new(RULE).expect("a sound name")
}

fn session() -> SessionId {
    SessionId::new("st-1").expect("a sound name")
}
