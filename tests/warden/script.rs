//! Runs one case of a decider table: commands against one channel, each followed by what must come of it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use streamwarden::events::{
    EnforcementKind, Event, EvidencePlace, FailedStage, FrameSkipped, NewEvent, Recorded, RuleEffect, SegmentFacts,
    Skip, Timings, ViewersRose,
};
use streamwarden::model::{
    ActionName, ChannelId, EnforcementId, Epoch, EventId, ExternalId, Fingerprint, Frame, FrameId, FrameOrigin,
    LumaDelta, Measurement, Medium, ModeratorId, Position, Scope, Sequence, Timestamp, WarningId,
};
use streamwarden::policy::Policy;
use streamwarden::warden::{
    Answering, Appealed, Applied, ChannelState, Command, DecidedFrame, Decision, ExternalDecision, InVain,
    ModeratorAct, Next, Rejection, SeenWarning, UndoTime, apply, decide,
};

use crate::lines::{Line, moment};
use crate::render::{self, Names};
use crate::samples;
use crate::wanted::need;
use crate::words::{
    answered, beside, first_word, measurement, opinions, rejection_name, report, reputation_change, session_id, word,
};

/// What rows have produced, so that a missing row can be told.
#[derive(Default)]
pub struct Covered {
    pub rejections: BTreeSet<String>,
    pub skips: BTreeSet<String>,
    pub effects: BTreeSet<String>,
    pub events: BTreeSet<String>,
    pub rows: usize,
}

/// A channel under test.
pub struct Script {
    state: ChannelState,
    now: Timestamp,
    policies: HashMap<String, Arc<Policy>>,
    current: Option<Arc<Policy>>,
    shadow: Option<Arc<Policy>>,
    frames: HashMap<String, (Frame, Option<Arc<Policy>>, Measurement)>,
    names: Names,
    warnings: Vec<WarningId>,
    enforcements: Vec<EnforcementId>,
    requests: u32,
    log: Vec<Recorded>,
    outcome: Vec<Vec<String>>,
}

impl Script {
    pub fn new() -> Self {
        let channel = ChannelId::new("stage").expect("a sound name");
        Self {
            state: ChannelState::new(channel),
            now: moment(0.0),
            policies: HashMap::new(),
            current: None,
            shadow: None,
            frames: HashMap::new(),
            names: Names::new(),
            warnings: Vec::new(),
            enforcements: Vec::new(),
            requests: 0,
            log: Vec::new(),
            outcome: Vec::new(),
        }
    }

    /// Runs one line. `then` lines are compared with what the `when` before them brought about.
    pub fn run(&mut self, line: &Line<'_>, covered: &mut Covered) {
        match line.word(0) {
            "policy" => self.declare_policy(line),
            "rule" => self.declare_rule(line),
            "shadow" => self.shadow = self.policies.get(line.word(1)).cloned(),
            "use" => self.current = self.policies.get(line.word(1)).cloned(),
            "given" => {
                self.settle_row(line);
                self.perform(&line.rest(), covered, false);
                let refused = self.outcome.iter().find(|words| words[0] == "rejected");
                assert!(refused.is_none(), "{}: what is given was refused: {refused:?}", line.place);
                self.outcome.clear();
            }
            "when" => {
                self.settle_row(line);
                self.perform(&line.rest(), covered, true);
                covered.rows += 1;
            }
            "then" => self.expect(&line.rest()),
            "check" => {
                self.settle_row(line);
                let state = render::state(&self.state, &self.names);
                for (key, value) in &line.options {
                    let wanted = format!("{key}={value}");
                    assert!(state.contains(&wanted), "{}: no {wanted} in {state:#?}", line.place);
                }
            }
            other => panic!("{}: a line begins with given, when, then or check, not {other:?}", line.place),
        }
    }

    /// Everything that the row before brought about must have been expected.
    pub fn settle_row(&mut self, line: &Line<'_>) {
        assert!(self.outcome.is_empty(), "before {}: also came {:#?}", line.place, self.outcome);
    }

    fn expect(&mut self, line: &Line<'_>) {
        assert!(!self.outcome.is_empty(), "{}: nothing more came", line.place);
        let came = self.outcome.remove(0);
        let words = line.words.iter().map(|word| (*word).to_owned());
        let wanted = words.chain(line.options.iter().map(|(key, value)| format!("{key}={value}")));
        for word in wanted {
            assert!(came.contains(&word), "{}: expected {word}, came {came:#?}", line.place);
        }
    }

    fn perform(&mut self, line: &Line<'_>, covered: &mut Covered, is_row: bool) {
        let frame_at = line.moment("at").map_or(self.now, |at| at.max(self.now));
        self.now = line.moment("now").unwrap_or(frame_at);
        match line.word(0) {
            "assess" => self.whole_way(line, covered),
            "recorded" => self.record_skip(line),
            "wait" => {}
            _ if line.words.get(1) == Some(&"overturns") => self.overturn(line, covered),
            _ => {
                let command = self.command(line);
                self.decide(&command, covered);
            }
        }
        if is_row && self.outcome.is_empty() {
            self.outcome.push(vec!["nothing".to_owned()]);
        }
    }

    fn decide(&mut self, command: &Command, covered: &mut Covered) -> Option<Next> {
        let before = self.state.clone();
        let decided = decide(&self.state, self.current.as_deref(), self.now, command);
        assert_eq!(before, self.state, "deciding changes nothing");
        match decided {
            Ok(Decision { events, next }) => {
                events.iter().for_each(|new| self.name_new_things(&new.event));
                events.iter().for_each(|new| self.record(new, covered));
                if let Some(next) = next {
                    self.outcome.push(vec!["next".into(), format!("{next:?}").to_lowercase()]);
                }
                next
            }
            Err(rejection) => {
                self.refused(&rejection, covered);
                None
            }
        }
    }

    fn refused(&mut self, rejection: &Rejection, covered: &mut Covered) {
        let name = rejection_name(rejection);
        covered.rejections.insert(name.to_owned());
        assert!(!rejection.to_string().is_empty());
        self.outcome.push(vec!["rejected".into(), name.into()]);
    }

    /// `ben overturns w1`: with what the events so far tell of the warning.
    fn overturn(&mut self, line: &Line<'_>, covered: &mut Covered) {
        let warning = self.warning(line, line.word(2));
        let mut appealed = Appealed::default();
        for recorded in &self.log {
            appealed.see(warning, recorded, &recorded.event().expect("what was written can be read"));
        }
        let by = ModeratorId::new(line.word(0)).expect("a sound name");
        match appealed.upheld(warning, &by) {
            Err(rejection) => self.refused(&rejection, covered),
            Ok(upheld) => {
                self.requests += 1;
                let request = EventId::of_command("request", &[self.requests.to_string().as_bytes()]);
                let act = ModeratorAct::Overturn { upheld, why: samples::content() };
                self.decide(&Command::Moderate { request, by, act }, covered);
            }
        }
    }

    /// Seals the event as the journal would, reads it back and folds it.
    fn record(&mut self, new: &NewEvent, covered: &mut Covered) {
        match &new.event {
            Event::FrameSkipped(skipped) => {
                covered.skips.insert(first_word(&skipped.because));
            }
            Event::FrameAssessed(assessed) => {
                covered.effects.extend(assessed.rules.iter().map(|rule| first_word::<RuleEffect>(&rule.effect)));
            }
            _ => {}
        }
        covered.events.insert(new.event.event_type().name().to_owned());
        let scope = Scope::Channel(self.state.channel.clone());
        let sequence = self.state.sequence.next();
        let sealed = Recorded::seal(new, scope, Position(sequence.0), sequence, self.now, Epoch(1));
        let sealed = sealed.unwrap_or_else(|error| panic!("{:?} cannot be stored: {error}", new.event));
        let event = sealed.event().expect("what was written can be read");
        assert_eq!(event, new.event);
        apply(&mut self.state, Applied::of(&sealed), &event);
        self.log.push(sealed);
        self.outcome.push(render::event(&event, &self.names));
    }

    fn name_new_things(&mut self, event: &Event) {
        match event {
            Event::WarningRaised(raised) => {
                self.warnings.push(raised.warning);
                self.names.insert(raised.warning.to_string(), format!("w{}", self.warnings.len()));
            }
            Event::EnforcementRequested(asked) => {
                self.enforcements.push(asked.enforcement);
                self.names.insert(asked.enforcement.to_string(), format!("e{}", self.enforcements.len()));
            }
            _ => {}
        }
    }

    /// A frame's whole way in one line: taken, compared, judged, as far as the decisions let it.
    fn whole_way(&mut self, line: &Line<'_>, covered: &mut Covered) {
        let take = Command::TakeFrame { frame: self.frame(line) };
        let started_with = self.current.clone();
        let mut next = self.decide(&take, covered);
        let mut steps = 0;
        while let Some(step) = next {
            self.outcome.pop(); // the step itself is not what a whole way is about
            steps += 1;
            assert!(steps <= 2, "{}: a frame takes two steps", line.place);
            self.current.clone_from(&started_with);
            let command = self.step(line, step);
            next = self.decide(&command, covered);
        }
    }

    fn step(&mut self, line: &Line<'_>, step: Next) -> Command {
        let (frame, policy, measured) = self.measured(line);
        let policy = policy.unwrap_or_else(|| panic!("{}: the frame started without a policy", line.place));
        match step {
            Next::Look => Command::CompareFrame { frame, policy, measured },
            Next::Ask => {
                let is_picture = frame.medium.is_picture();
                let segment =
                    (!is_picture).then_some(Box::new(SegmentFacts { sha256: measured.image.sha256, bytes: 7 }));
                let measured = is_picture.then_some(measured);
                let (answer, took) = (Box::new(answered(line)), Timings(1, 2, 3));
                let (shadow, beside) = (self.shadow.clone(), beside(line));
                Command::JudgeFrame { frame, policy, shadow, measured, segment, answer, beside, took }
            }
        }
    }

    fn frame(&mut self, line: &Line<'_>) -> Frame {
        let (name, session) = (line.word(1), line.word(2));
        let captured_at = line.moment("at").unwrap_or_else(|| panic!("{}: a frame has a time, at=", line.place));
        let id = FrameId::of(&self.state.channel, &[name.as_bytes()]);
        let frame = Frame {
            medium: line.option("medium").map_or(Medium::Picture, |medium| word::<Medium>(line, medium)),
            channel: self.state.channel.clone(),
            session: session_id(session),
            id,
            captured_at,
            fingerprint: Fingerprint::of(&[name.as_bytes(), line.option("print").unwrap_or("").as_bytes()]),
            origin: FrameOrigin::Inline(Arc::from([])),
        };
        self.names.insert(id.to_string(), name.to_owned());
        self.frames.insert(name.to_owned(), (frame.clone(), self.current.clone(), measurement(line)));
        frame
    }

    fn known_frame(&self, line: &Line<'_>, name: &str) -> &(Frame, Option<Arc<Policy>>, Measurement) {
        self.frames.get(name).unwrap_or_else(|| panic!("{}: frame {name} was never taken", line.place))
    }

    fn measured(&mut self, line: &Line<'_>) -> (Frame, Option<Arc<Policy>>, Measurement) {
        let (frame, policy, mut measured) = self.known_frame(line, line.word(1)).clone();
        if line.option("hash").is_some() {
            measured = measurement(line);
        }
        if let (Some(luma), Some(reference)) = (line.option("luma"), &self.state.reference) {
            measured.luma = Some((reference.sequence, LumaDelta(luma.parse().expect("a luma difference"))));
        }
        (frame, policy, measured)
    }

    fn command(&mut self, line: &Line<'_>) -> Command {
        match line.word(0) {
            "start" => {
                let at = line.moment("at").unwrap_or(self.now);
                Command::StartSession { session: session_id(line.word(1)), at }
            }
            "end" => Command::EndSession { session: session_id(line.word(1)) },
            "viewers" => {
                let count = |name| line.option(name).and_then(|count| count.parse().ok()).expect("a number of viewers");
                let rose = ViewersRose { before: count("from"), now: count("to") };
                Command::ViewersRose { session: session_id(line.word(1)), rose }
            }
            "take" => Command::TakeFrame { frame: self.frame(line) },
            "shed" => Command::ShedFrame { frame: self.frame(line) },
            "supersede" => {
                let by = line.option("by").unwrap_or("another");
                Command::SupersedeFrame {
                    frame: self.frame(line),
                    by: FrameId::of(&self.state.channel, &[by.as_bytes()]),
                }
            }
            "pass-over" => Command::PassOverFrame { frame: self.frame(line) },
            "spend" => {
                let (frame, policy, _) = self.known_frame(line, line.word(1)).clone();
                let policy = policy.unwrap_or_else(|| panic!("{}: the frame started without a policy", line.place));
                Command::SpendCall { frame, policy, bar: need(line.value("bar", 0)) }
            }
            "compare" => self.step(line, Next::Look),
            "judge" => self.step(line, Next::Ask),
            "fail" => {
                let stage = word::<FailedStage>(line, line.option("stage").unwrap_or("provider"));
                let frame = self.known_frame(line, line.word(1)).0.clone();
                let reason = line.value("reason", "gone".to_owned());
                let asked = self.current.clone().filter(|_| line.option("asked").is_some());
                let asked = asked.map(|policy| Box::new(InVain { policy, opinions: opinions(line) }));
                Command::FailFrame { frame, stage, reason, attempts: 3, asked }
            }
            "no-track" => {
                let (frame, policy, measured) = self.known_frame(line, line.word(1)).clone();
                let policy = policy.unwrap_or_else(|| panic!("{}: the frame started without a policy", line.place));
                Command::FindNoTrack { frame, policy, sha256: measured.image.sha256 }
            }
            "opine" => {
                let (frame, policy, _) = self.known_frame(line, line.word(1)).clone();
                let policy = policy.unwrap_or_else(|| panic!("{}: the frame started without a policy", line.place));
                let opinion = opinions(line).pop().unwrap_or_else(|| panic!("{}: nobody was asked", line.place));
                let Frame { id: frame, session, captured_at, .. } = frame;
                Command::CompareProviders { frame, session, captured_at, policy, opinion }
            }
            "quarantine" => {
                let frame = self.known_frame(line, line.word(1)).0.clone();
                Command::Quarantine { frame, reason: "it\nbroke".to_owned() }
            }
            "conflict" => {
                let frame = self.frame(line);
                let outcome = EventId::outcome_of(frame.id);
                Command::ReportConflict { frame, outcome }
            }
            "keep" => {
                let (frame, _, measured) = self.known_frame(line, line.word(1)).clone();
                let (frame, captured_at, image) = (frame.id, frame.captured_at, measured.image.sha256);
                Command::KeepEvidence { frame, captured_at, image, content: samples::content() }
            }
            "copy" => {
                let (frame, _, measured) = self.known_frame(line, line.word(1)).clone();
                let (frame, captured_at, image) = (frame.id, frame.captured_at, measured.image.sha256);
                Command::CopyEvidence { frame, captured_at, image, bytes: 1, object: samples::object() }
            }
            "miss" => {
                let (frame, _, measured) = self.known_frame(line, line.word(1)).clone();
                let (frame, captured_at, image) = (frame.id, frame.captured_at, Some(measured.image.sha256));
                let place = word::<EvidencePlace>(line, line.word(2));
                Command::MissEvidence { frame, captured_at, image, place, reason: "no\nroom".to_owned() }
            }
            "outside" => self.outside(line),
            "reconsider" => Command::ReconsiderPolicy,
            "tick" => Command::Tick,
            "report" => {
                Command::Report { enforcement: self.enforcement(line, line.word(1)), report: report(&line.rest()) }
            }
            _ => self.moderate(line),
        }
    }

    /// `outside ban a then=stop approval=none`: an external actor's action about frame `a`, as its outcome has it.
    fn outside(&self, line: &Line<'_>) -> Command {
        let frame = self.known_frame(line, line.word(2)).0.clone();
        let judged = self.log.iter().find_map(|recorded| match recorded.event() {
            Ok(Event::FrameAssessed(assessed)) if assessed.frame == frame.id => {
                Some((assessed.session, assessed.policy))
            }
            _ => None,
        });
        let decision = ExternalDecision {
            by: ExternalId::new("hive-dashboard").expect("a sound name"),
            action: ActionName::new(line.word(1)).expect("a sound name"),
            then: line.option("then").map(|then| word(line, then)),
            approval: word(line, line.option("approval").unwrap_or("person")),
            severity: line.value("severity", 4),
            frame_age_max_ms: 600_000,
            cooldown_ms: 60_000,
        };
        let about = DecidedFrame { frame: frame.id, captured_at: frame.captured_at, judged };
        Command::TakeDecision { decision: Box::new(decision), about: Box::new(about) }
    }

    fn moderate(&mut self, line: &Line<'_>) -> Command {
        self.requests += 1;
        let request = line.option("request").map_or_else(|| self.requests.to_string(), str::to_owned);
        let answering = |script: &Self| {
            let warnings = line.words[2..].iter().map(|name| script.seen(line, name)).collect();
            let note = line.option("note").map(|_| samples::content());
            let undo = line.option("undo").map_or(UndoTime::default(), |seconds| {
                let ms = seconds.parse::<u32>().expect("whole seconds") * 1000;
                UndoTime::from_ms(ms).unwrap_or_else(|| panic!("{}: {ms} ms is too long", line.place))
            });
            Answering { warnings, note, undo }
        };
        let act = match line.word(1) {
            "claims" => ModeratorAct::Claim(self.seen(line, line.word(2))),
            "releases" => ModeratorAct::Release(self.seen(line, line.word(2))),
            "upholds" => ModeratorAct::Uphold(answering(self)),
            "dismisses" => ModeratorAct::Dismiss(answering(self)),
            "withdraws" => ModeratorAct::Withdraw(self.seen(line, line.word(2))),
            "escalates" => {
                let to = line.option("to").map(|to| ModeratorId::new(to).expect("a sound name"));
                ModeratorAct::Escalate { warning: self.seen(line, line.word(2)), to }
            }
            "notes" => ModeratorAct::Note { warning: self.seen(line, line.word(2)), note: samples::content() },
            "enforces" => ModeratorAct::Enforce {
                kind: word::<EnforcementKind>(line, line.word(2)),
                session: line.words.get(3).map(|session| session_id(session)),
                reason: line.option("reason").map(|_| samples::content()),
            },
            "pins" | "adjusts" | "releases-reputation" => ModeratorAct::AdjustReputation {
                change: reputation_change(line),
                until: line.moment("until"),
                why: samples::content(),
            },
            "admits" => ModeratorAct::AdmitHeld(self.enforcement(line, line.word(2))),
            "cancels" => ModeratorAct::Cancel(self.enforcement(line, line.word(2))),
            other => panic!("{}: a moderator does not {other:?}", line.place),
        };
        let by = ModeratorId::new(line.word(0)).expect("a sound name");
        Command::Moderate { request: EventId::of_command("request", &[request.as_bytes()]), by, act }
    }

    /// A warning as tables name it: `w1`, or `w1@3` if version 3 of it was seen.
    fn seen(&self, line: &Line<'_>, name: &str) -> SeenWarning {
        let (name, seen) = name.split_once('@').map_or((name, None), |(name, version)| (name, Some(version)));
        let seen = seen.map(|version| Sequence(version.parse().expect("a version is a number")));
        SeenWarning { warning: self.warning(line, name), seen }
    }

    fn warning(&self, line: &Line<'_>, name: &str) -> WarningId {
        if name == "unheard-of" {
            return WarningId::from_bytes([9; 16]);
        }
        let at: usize = name.trim_start_matches('w').parse().expect("warnings are w1, w2, …");
        *self.warnings.get(at - 1).unwrap_or_else(|| panic!("{}: {name} was never raised", line.place))
    }

    fn enforcement(&self, line: &Line<'_>, name: &str) -> EnforcementId {
        if name == "unheard-of" {
            return EnforcementId::from_bytes([9; 16]);
        }
        let at: usize = name.trim_start_matches('e').parse().expect("enforcements are e1, e2, …");
        *self.enforcements.get(at - 1).unwrap_or_else(|| panic!("{}: {name} was never asked for", line.place))
    }

    /// An outcome that is decided outside the core, folded as it was recorded.
    fn record_skip(&mut self, line: &Line<'_>) {
        let because = word::<Skip>(line, line.word(3));
        let frame = self.frame(&line.clone());
        let id = EventId::outcome_of(frame.id);
        let skipped = FrameSkipped { medium: Default::default(), frame: frame.id, print: frame.fingerprint, because };
        let new = NewEvent {
            id,
            event: skipped.into(),
            captured_at: Some(frame.captured_at),
            actor: streamwarden::events::Actor::service("intake"),
            causation: None,
            correlation: None,
        };
        self.record(&new, &mut Covered::default());
    }

    fn declare_policy(&mut self, line: &Line<'_>) {
        let policy = Arc::new(samples::policy(line));
        self.policies.insert(policy.reference.to_string(), Arc::clone(&policy));
        self.current = Some(policy);
    }

    fn declare_rule(&mut self, line: &Line<'_>) {
        let mut policy = self.current.as_deref().expect("a rule follows its policy").clone();
        policy.rules.push(samples::rule(line));
        let policy = Arc::new(policy);
        self.policies.insert(policy.reference.to_string(), Arc::clone(&policy));
        self.current = Some(policy);
    }
}
