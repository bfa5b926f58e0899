//! Policies tried before they are published: read as publishing would read them, and judged on the past.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::HttpRequest;
use actix_web::web::{Data, Json, Payload, Query};
use schemars::JsonSchema;
use serde::Serialize;

use super::text::{CheckPolicies, Mistake, NAME, Sent, TryPolicies, TrySaid, beside_json, mistaken, sent};
use crate::http::App;
use crate::http::blocking::blocking;
use crate::http::problem::Problem;
use crate::journal::Journal;
use crate::journal::content::Store;
use crate::laboratory::price::Prices;
use crate::laboratory::{self, LaboratoryError, Progress, Question, Report, Stretch, stretch, trying, whole_answer};
use crate::model::{ContentRef, PolicyRef, Position, Timestamp};
use crate::policy::check::check;
use crate::policy::diagnostic::Severity;
use crate::policy::outline::Outline;
use crate::policy::{Policy, PolicySet, file};

/// How far back a dry run goes unless it is said, in hours.
const HOURS_DEFAULT: u32 = 24;
/// How far back it may go: a week.
const HOURS_MAX: u32 = 168;
/// Events that one dry run reads, the newest of the stretch: seconds of work.
const EVENTS_MAX: u64 = 200_000;
/// Channels that it tries; about 3 KB each.
const CHANNELS_MAX: usize = 10_000;
/// Whole answers that it fetches from the content store; beyond it the surest labels have to do.
const WHOLE_ANSWERS_MAX: usize = 2_000;

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
    let turn = app.dry_runs.take("dry run")?;
    let in_force = app.in_force.borrow().clone();
    let tried = laboratory::proposed(loaded.into_iter().map(|one| one.policy), &in_force);
    let since = app.clock.now().minus_ms(u64::from(hours) * 3_600_000);
    let (journal, content, prices) = (app.journal.clone(), app.content.clone(), app.prices.clone());
    let running = blocking("trying policies on the past", move || {
        let _turn = turn;
        run(&*journal, &content, (&in_force, &tried), since, &prices)
    });
    running.await.map(Json)
}

fn run(
    journal: &dyn Journal,
    content: &Store,
    (in_force, tried): (&PolicySet, &[Arc<Policy>]),
    since: Timestamp,
    prices: &Prices,
) -> Result<DryRun, LaboratoryError> {
    let asked = stretch(journal, Some(since), None)?;
    let newest = Position(asked.to.0.saturating_sub(EVENTS_MAX));
    let after = asked.after.max(newest);
    let whole_answers = AtomicUsize::new(0);
    let whole = |kept: &ContentRef| {
        let counted = whole_answers.fetch_add(1, Ordering::Relaxed);
        (counted < WHOLE_ANSWERS_MAX).then(|| whole_answer(content, kept)).flatten()
    };
    let question = Question { channels_max: CHANNELS_MAX, ..trying(in_force, tried) };
    let found = laboratory::run(journal, &question, Stretch { after, ..asked }, &whole, &Progress::default())?;
    Ok(DryRun {
        policies: tried.iter().map(|policy| policy.reference.clone()).collect(),
        from: after.next(),
        to: asked.to,
        recorded_from: found.recorded_from,
        cut: newest > asked.after,
        report: found.report(prices),
    })
}
