//! The plan of an enforcement: every branch has a row.

use std::collections::BTreeSet;

use streamwarden::events::{EnforcementKind, EnforcementOrigin, EnforcementRequested, SupersededBecause};
use streamwarden::model::{ChannelId, EnforcementId, ModeratorId, PolicyId, PolicyRef, RuleId, SessionId, WarningId};
use streamwarden::warden::EnforcementReport;
use streamwarden::warden::enforcement::{Case, Seen, Step, plan, plan_denied, plan_unseen};

use crate::lines::{self, moment};
use crate::reports;

#[test]
fn the_plan_does_what_the_table_says() {
    let mut given = BTreeSet::new();
    for line in lines::read("plan.table", include_str!("tables/plan.table")) {
        let session = |name: &str| SessionId::new(name).expect("a sound name");
        let kind = match line.word(0) {
            "stop" => EnforcementKind::Stop,
            "suspend" => EnforcementKind::Suspend,
            "lift" => EnforcementKind::Lift,
            other => panic!("{}: no kind is called {other:?}", line.place),
        };
        let since = line.moment("since").unwrap_or(moment(0.0));
        let case = Case {
            channel: ChannelId::new("stage").expect("a sound name"),
            request: EnforcementRequested {
                enforcement: EnforcementId::from_bytes([1; 16]),
                kind,
                session: (kind != EnforcementKind::Lift).then(|| session(line.option("session").unwrap_or("s1"))),
                origin: match line.option("rule") {
                    Some(rule) => EnforcementOrigin::Rule {
                        policy: PolicyRef { id: PolicyId::new("p").expect("a sound name"), version: 1 },
                        rule: RuleId::new(rule).expect("a sound name"),
                        warning: WarningId::from_bytes([1; 16]),
                    },
                    None => {
                        EnforcementOrigin::Person { by: ModeratorId::new("ann").expect("a sound name"), warning: None }
                    }
                },
                severity: 5,
                expires: moment(60.0),
                reason: None,
            },
            requested_at: moment(0.0),
            expires: moment(60.0),
            stage: reports::stage(&line, line.word(2)),
            since,
            judged_at: line.moment("judged"),
            newest_picture: line.moment("picture"),
            found: line.option("found").map(session),
            other_began: false,
        };
        let now = line.moment("now").unwrap_or(moment(0.0));
        let step = match line.option("on_air").unwrap_or("s1") {
            "unknown" => plan_unseen(&case, now),
            "denied" => plan_denied(&case, "nobody may"),
            on_air => {
                let on_air = (on_air != "nothing").then(|| session(on_air));
                let seen = Seen {
                    on_air,
                    started_at: line.moment("started"),
                    started_by: line.moment("started"),
                    suspended: line.value("suspended", false),
                    quiet_ms: line.value("quiet_ms", 0),
                };
                plan(&case, &seen, now)
            }
        };
        assert_eq!(said(&step), line.words_from(4), "{}", line.place);
        given.insert(said(&step).split(' ').take(2).collect::<Vec<_>>().join(" "));
    }
    let steps =
        ["report expired", "report failed", "report not-needed", "report superseded", "report verified", "wait"];
    for step in steps {
        assert!(given.contains(step), "no row gives {step}");
    }
}

fn said(step: &Step) -> String {
    match step {
        Step::Wait => "wait".to_owned(),
        Step::Try { attempt, found: None } => format!("try {attempt}"),
        Step::Try { attempt, found: Some(found) } => format!("try {attempt} on {found}"),
        Step::Report(report) => match report {
            EnforcementReport::Verified => "report verified".to_owned(),
            EnforcementReport::NotNeeded(_) => "report not-needed".to_owned(),
            EnforcementReport::Superseded { found, because: SupersededBecause::Unproven } => {
                format!("report superseded {found} unproven")
            }
            EnforcementReport::Superseded { found, .. } => format!("report superseded {found}"),
            EnforcementReport::Failed(_) => "report failed".to_owned(),
            EnforcementReport::Expired => "report expired".to_owned(),
            other => format!("report {other:?}, which no plan may say"),
        },
    }
}
