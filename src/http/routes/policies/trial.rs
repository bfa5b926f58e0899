//! Policies tried before they are published: read as publishing would read them, and judged on the past.

use std::convert::Infallible;
use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::web::{Data, Json, Payload, Query};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::Semaphore;

use super::text::{CheckPolicies, Mistake, NAME, Sent, TryPolicies, TrySaid, beside_json, mistaken, sent};
use crate::events::FrameAssessed;
use crate::events::{CodecError, Event};
use crate::http::App;
use crate::http::blocking::blocking;
use crate::http::problem::{Code, Problem};
use crate::journal::content::{Content, Store};
use crate::journal::{Journal, READ_LIMIT_MAX, ReadError, position_at};
use crate::model::{Label, PolicyId, PolicyRef, Position, Timestamp};
use crate::policy::check::check;
use crate::policy::diagnostic::Severity;
use crate::policy::outline::Outline;
use crate::policy::{Policy, PolicySet, file};
use crate::warden::backtest::{Backtest, Report};

/// How far back a dry run goes unless it is said, in hours.
const HOURS_DEFAULT: u32 = 24;
/// How far back it may go: a week.
const HOURS_MAX: u32 = 168;
/// Events that one dry run reads, the newest of the stretch: seconds of work.
const EVENTS_MAX: u64 = 200_000;
/// Whole answers that it fetches from the content store; beyond it the surest labels have to do.
const WHOLE_ANSWERS_MAX: usize = 2_000;

/// Dry runs at the same time: each keeps a processor busy for seconds, and wardens need theirs.
static TURN: Semaphore = Semaphore::const_new(1);
/// When to come back if one is under way.
const RETRY_AFTER_S: u32 = 10;

/// What was found in a text.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Checked {
    /// Whether it could be published.
    valid: bool,
    /// The policies without a mistake, with every default written out. A version that is not stated shows as 1; the
    /// journal counts on when the policy is published.
    policies: Vec<Outline>,
    /// Mistakes, warnings and notes, in the order of the text.
    mistakes: Vec<Mistake>,
}

/// What would have been.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct DryRun {
    /// The policies tried, with the versions that they would get.
    policies: Vec<PolicyRef>,
    /// The first position that was read.
    from: Position,
    /// The last.
    to: Position,
    /// When the first was recorded.
    recorded_from: Option<Timestamp>,
    /// Whether the stretch held more events than one dry run reads: then only its newest were.
    cut: bool,
    /// What came of it.
    #[serde(flatten)]
    report: Report,
}

pub(super) async fn check_policies(request: HttpRequest, body: Payload) -> Result<Json<Checked>, Problem> {
    let text = match sent(&request, body).await? {
        Sent::Json(CheckPolicies { text }) | Sent::Text(text) => text,
    };
    let checking = blocking("checking policies", move || {
        let checked = check(&[(NAME, &text)], &[]);
        Ok::<_, Infallible>(Checked {
            valid: checked.count(Severity::Error) == 0,
            policies: checked.policies.iter().map(|loaded| Outline::of(&loaded.policy)).collect(),
            mistakes: checked.diagnostics.iter().map(Mistake::of).collect(),
        })
    });
    checking.await.map(Json)
}

pub(super) async fn try_policies(
    app: Data<App>,
    said: Query<TrySaid>,
    request: HttpRequest,
    body: Payload,
) -> Result<Json<DryRun>, Problem> {
    let wanted = match sent(&request, body).await? {
        Sent::Json(_) if said.hours.is_some() => return Err(beside_json("hours")),
        Sent::Json(wanted) => wanted,
        Sent::Text(text) => TryPolicies { text, hours: said.hours },
    };
    let hours = wanted.hours.unwrap_or(HOURS_DEFAULT);
    if !(1..=HOURS_MAX).contains(&hours) {
        return Err(Problem::malformed("hours", format!("expected a number from 1 to {HOURS_MAX}")));
    }
    let loaded = file::load(NAME, &wanted.text).map_err(|mistakes| mistaken(&mistakes.0))?;
    let _turn = TURN
        .try_acquire()
        .map_err(|_| Problem::new(Code::Unavailable, "another dry run is under way").retry_after(RETRY_AFTER_S))?;
    let in_force = app.in_force.borrow().clone();
    let tried: Vec<Arc<Policy>> = loaded.into_iter().map(|one| Arc::new(next(one.policy, &in_force))).collect();
    let since = app.clock.now().minus_ms(u64::from(hours) * 3_600_000);
    let (journal, content) = (app.journal.clone(), app.content.clone());
    let running = blocking("trying policies on the past", move || run(&*journal, &content, &in_force, &tried, since));
    running.await.map(Json)
}

/// The policy with the version that it would get.
fn next(policy: Policy, in_force: &PolicySet) -> Policy {
    let now = in_force.iter().find(|now| now.reference.id == policy.reference.id);
    let version = now.map_or(0, |now| now.reference.version) + 1;
    Policy { reference: PolicyRef { version, ..policy.reference }, ..policy }
}

/// Why a dry run has no answer.
#[derive(Debug, thiserror::Error)]
enum TrialError {
    #[error("the journal could not be read")]
    Read(#[from] ReadError),
    #[error("the event at position {at} cannot be understood")]
    Codec { at: Position, source: CodecError },
}

fn run(
    journal: &dyn Journal,
    content: &Store,
    in_force: &PolicySet,
    tried: &[Arc<Policy>],
    since: Timestamp,
) -> Result<DryRun, TrialError> {
    let ids: Vec<PolicyId> = tried.iter().map(|policy| policy.reference.id.clone()).collect();
    let others = in_force.iter().filter(|policy| !ids.contains(&policy.reference.id)).cloned();
    let mut backtest = Backtest::new(PolicySet::new(others.chain(tried.iter().cloned()).collect()), ids);

    let head = *journal.watermark().borrow();
    let first = position_at(journal, since)?;
    let newest = Position(head.0.saturating_sub(EVENTS_MAX) + 1);
    let from = first.max(newest);
    let mut after = Position(from.0 - 1); // positions begin at 1
    let mut recorded_from = None;
    let mut whole_answers = 0;
    while after < head {
        let page = journal.read(after, READ_LIMIT_MAX)?;
        let Some(last) = page.last() else { break };
        after = last.envelope.position;
        for recorded in &page {
            recorded_from = recorded_from.or(Some(recorded.envelope.recorded_at));
            if recorded.envelope.position > head || !backtest.needs(&recorded.envelope) {
                continue;
            }
            let at = recorded.envelope.position;
            let event = recorded.event().map_err(|source| TrialError::Codec { at, source })?;
            let whole = match &event {
                Event::FrameAssessed(assessed) if whole_answers < WHOLE_ANSWERS_MAX => whole(content, assessed),
                _ => None,
            };
            whole_answers += usize::from(whole.is_some());
            backtest.see(&recorded.envelope, &event, whole);
        }
    }
    Ok(DryRun {
        policies: tried.iter().map(|policy| policy.reference.clone()).collect(),
        from,
        to: head,
        recorded_from,
        cut: newest > first,
        report: backtest.report(),
    })
}

/// The whole answer of an assessment whose event holds only the surest labels; none if it is not at hand, which the
/// report counts.
fn whole(content: &Store, assessed: &FrameAssessed) -> Option<Vec<Label>> {
    let Ok(Content::Plain(bytes)) = content.get(assessed.answer.as_ref()?) else { return None };
    serde_json::from_slice(&bytes).ok()
}
