//! The enforcement desk: what is due in which order, and who is held by which budget.

use std::collections::HashMap;

use streamwarden::events::{
    Actor, Budget, EnforcementAdmitted, EnforcementAttempted, EnforcementCancelled, EnforcementHeld, EnforcementKind,
    EnforcementOrigin, EnforcementRequested, EnforcementSucceeded, EnforcementVerified, Event, NewEvent, Recorded,
    SessionEndBecause, SessionEnded, SessionStartBecause, SessionStarted,
};
use streamwarden::model::{
    ChannelId, EnforcementId, Epoch, EventId, ModeratorId, PolicyId, PolicyRef, Position, RuleId, Scope, Sequence,
    SessionId, Timestamp, WarningId,
};
use streamwarden::warden::EnforcementReport;
use streamwarden::warden::enforcement::{BudgetLimits, Desk, Due};

use crate::lines::{self, Line, moment};

struct Bench {
    desk: Desk,
    limits: BudgetLimits,
    names: HashMap<EnforcementId, String>,
    position: u64,
}

impl Bench {
    fn new() -> Self {
        let limits = BudgetLimits { per_minute: 100, per_rule_per_minute: 100, live_share_milli: 100_000 };
        let mut bench = Self { desk: Desk::default(), limits, names: HashMap::new(), position: 0 };
        let because = SessionStartBecause::Announced;
        let session = SessionId::new("s").expect("a sound name");
        bench.record("live-0", moment(0.0), SessionStarted { session, because });
        bench
    }

    fn record(&mut self, channel: &str, at: Timestamp, event: impl Into<Event>) {
        self.position += 1;
        let id = EventId::of_command("test", &[&self.position.to_be_bytes()]);
        let actor = Actor::service("test");
        let new = NewEvent { id, event: event.into(), captured_at: None, actor, causation: None, correlation: None };
        let scope = Scope::Channel(ChannelId::new(channel).expect("a sound name"));
        let position = Position(self.position);
        let recorded = Recorded::seal(&new, scope, position, Sequence(self.position), at, Epoch(1));
        self.desk.apply(&recorded.expect("a small event")).expect("a known event");
    }

    fn run(&mut self, line: &Line<'_>) {
        let at = line.moment("at").unwrap_or(moment(0.0));
        let session = |name: &str| SessionId::new(name).expect("a sound name");
        match line.word(0) {
            "limits" => {
                self.limits = BudgetLimits {
                    per_minute: line.value("per_minute", 100),
                    per_rule_per_minute: line.value("per_rule", 100),
                    live_share_milli: line.value("share", 100_000),
                };
            }
            "live" => {
                for channel in 0..line.number::<u32>(1) {
                    let because = SessionStartBecause::Announced;
                    self.record(&format!("live-{channel}"), at, SessionStarted { session: session("s"), because });
                }
            }
            "over" => {
                let because = SessionEndBecause::Announced;
                self.record(line.word(1), at, SessionEnded { session: session("s"), because });
            }
            "restart" => self.restart(),
            "due" => {
                let names = &self.names;
                let due = self.desk.due(self.limits, at);
                let due: Vec<String> = due.iter().map(|(id, due)| format!("{}={}", names[id], said(due))).collect();
                let wanted: Vec<String> = line.options[1..].iter().map(|(name, due)| format!("{name}={due}")).collect();
                assert_eq!(due, wanted, "{}", line.place);
            }
            name => self.event(line, name, at),
        }
    }

    /// `e1 asked rule=gore severity=3`, `e1 asked by=ann`, `e1 admitted`, `e1 admitted by=ann`, …
    fn event(&mut self, line: &Line<'_>, name: &str, at: Timestamp) {
        let enforcement = EnforcementId::of(EventId::from_bytes([0; 16]), name);
        self.names.insert(enforcement, name.to_owned());
        let by = line.option("by").map(|by| ModeratorId::new(by).expect("a sound name"));
        let event: Event = match line.word(1) {
            "asked" => EnforcementRequested {
                enforcement,
                kind: EnforcementKind::Stop,
                session: Some(SessionId::new("s").expect("a sound name")),
                origin: match by {
                    Some(by) => EnforcementOrigin::Person { by, warning: None },
                    None => EnforcementOrigin::Rule {
                        policy: PolicyRef { id: PolicyId::new("p").expect("a sound name"), version: 1 },
                        rule: RuleId::new(line.option("rule").unwrap_or("gore")).expect("a sound name"),
                        warning: WarningId::from_bytes([1; 16]),
                    },
                },
                severity: line.value("severity", 3),
                expires: at.plus_ms(60_000),
                reason: None,
            }
            .into(),
            "admitted" => EnforcementAdmitted { enforcement, by }.into(),
            "held" => EnforcementHeld { enforcement, budget: Budget::PerMinute { used: 1, of: 1 } }.into(),
            "attempted" => EnforcementAttempted { enforcement, attempt: 1, found: None }.into(),
            "succeeded" => EnforcementSucceeded { enforcement, attempt: 1 }.into(),
            "verified" => EnforcementVerified { enforcement, took_ms: 1 }.into(),
            "cancelled" => EnforcementCancelled { enforcement, by }.into(),
            other => panic!("{}: nothing is called {other:?}", line.place),
        };
        self.record(&format!("channel-of-{name}"), at, event);
    }

    /// A desk comes back from its snapshot as it was.
    fn restart(&mut self) {
        let mut bytes = Vec::new();
        ciborium::into_writer(&self.desk, &mut bytes).expect("a desk can be written");
        let back: Desk = ciborium::from_reader(&bytes[..]).expect("a desk can be read");
        assert_eq!(back, self.desk);
        self.desk = back;
    }
}

fn said(due: &Due) -> String {
    match due {
        Due::Look => "look".to_owned(),
        Due::Report(EnforcementReport::Admitted) => "admitted".to_owned(),
        Due::Report(EnforcementReport::Expired) => "expired".to_owned(),
        Due::Report(EnforcementReport::Held(budget)) => match budget {
            Budget::PerMinute { used, of } => format!("per_minute:{used}/{of}"),
            Budget::PerRule { used, of } => format!("per_rule:{used}/{of}"),
            Budget::LiveShare { used, of } => format!("live_share:{used}/{of}"),
        },
        Due::Report(other) => panic!("a desk never says {other:?}"),
    }
}

#[test]
fn the_desk_orders_and_holds_as_the_table_says() {
    let mut bench = Bench::new();
    for line in lines::read("desk.table", include_str!("tables/desk.table")) {
        if line.word(0) == "case" { bench = Bench::new() } else { bench.run(&line) }
    }
}
