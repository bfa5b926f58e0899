//! Every report of the enforcement reactor at every stage: the one lawful order (invariant I5).

use std::collections::BTreeSet;

use streamwarden::events::{EnforcementKind, EnforcementOrigin};
use streamwarden::model::{ChannelId, EnforcementId, ModeratorId, SessionId};
use streamwarden::warden::{ChannelState, Command, Enforcement, EnforcementStage, Rejection, decide};

use crate::lines::{self, Line, moment};
use crate::words;

/// A stage as tables write it: `requested`, `attempted:2`.
pub fn stage(line: &Line<'_>, text: &str) -> EnforcementStage {
    let (name, attempt) = text.split_once(':').unwrap_or((text, "1"));
    let attempt = attempt.parse().unwrap_or_else(|_| panic!("{}: {attempt:?} is no attempt", line.place));
    match name {
        "requested" => EnforcementStage::Requested,
        "held" => EnforcementStage::Held,
        "admitted" => EnforcementStage::Admitted,
        "attempted" => EnforcementStage::Attempted(attempt),
        "succeeded" => EnforcementStage::Succeeded(attempt),
        other => panic!("{}: no stage is called {other:?}", line.place),
    }
}

#[test]
fn every_report_at_every_stage_is_lawful_or_refused_as_the_table_says() {
    let mut pairs = BTreeSet::new();
    for line in lines::read("reports.table", include_str!("tables/reports.table")) {
        let at = line.words.iter().position(|word| *word == "at").expect("a row says at which stage");
        let (stage_text, wanted) = (line.word(at + 1), line.word(at + 3));
        let stage = stage(&line, stage_text);
        let id = EnforcementId::from_bytes([1; 16]);
        let mut state = ChannelState::new(ChannelId::new("stage").expect("a sound name"));
        state.enforcements.push(Enforcement {
            id,
            kind: EnforcementKind::Stop,
            session: Some(SessionId::new("s1").expect("a sound name")),
            origin: EnforcementOrigin::Person { by: ModeratorId::new("ann").expect("a sound name"), warning: None },
            requested_at: moment(0.0),
            found: None,
            stage,
        });
        let mut said = line.clone();
        said.words = std::iter::once("report").chain(line.words[..at].iter().copied()).collect();
        let report = words::report(&said);
        let decided = decide(&state, None, moment(5.0), &Command::Report { enforcement: id, report });
        match decided {
            Ok(decision) => {
                let name = decision.events[0].event.event_type().name();
                assert_eq!(name, wanted, "{}", line.place);
                assert_eq!(decision.events.len(), 1, "{}", line.place);
            }
            Err(Rejection::WrongStage { enforcement, .. }) => {
                assert_eq!((enforcement, "refused"), (id, wanted), "{}", line.place);
            }
            Err(other) => panic!("{}: {other}", line.place),
        }
        pairs.insert((line.word(0).to_owned(), stage_text.split(':').next().unwrap_or_default().to_owned()));
    }
    assert_eq!(pairs.len(), 9 * 5, "nine reports at five stages each have a row");
}
