//! Backtests: a policy tried on all that was recorded, as a job with a report. They look at every channel, so each of
//! these needs its permission everywhere.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpResponse, Responder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::policies::mistaken;
use crate::http::App;
use crate::http::auth::Permission;
use crate::http::backtesting::{Asked, BacktestState, BacktestStatus, Job, REMEMBERED_MAX, UnderWay};
use crate::http::blocking::blocking;
use crate::http::problem::{Code, Problem};
use crate::http::route::Route;
use crate::laboratory::price::{PRICES_MAX, Price};
use crate::laboratory::{self, Backtest, proposed, stretch, trying};
use crate::model::{ChannelPattern, Timestamp};
use crate::policy::file;

/// Patterns that one backtest may be limited to.
const PATTERNS_MAX: usize = 64;

pub(in crate::http) fn routes() -> Vec<Route> {
    const NUMBER: &str = "The backtest's number.";
    vec![
        Route::get("/v1/backtests", "list_backtests", Permission::WritePolicy)
            .says("Backtests", "The last 16 since the server began, newest first.")
            .everywhere()
            .answers::<BacktestList>(200, "The backtests, with how far each has come.")
            .to(list_backtests),
        Route::post("/v1/backtests", "start_backtest", Permission::WritePolicy)
            .says(
                "Try policies on all that was recorded",
                "Judges again, under the policies of a text, everything that was recorded on the channels that they would \
                 watch, without a call to any provider, and holds it against what moderators answered. Nothing is \
                 published. One runs at a time, beside the server's other work.",
            )
            .everywhere()
            .takes::<StartBacktest>("The text, and what of the past.")
            .answers::<BacktestStatus>(202, "It is under way.")
            .refuses(409, "Another one is under way.")
            .refuses(422, "The text has mistakes; `mistakes` names them.")
            .to(start_backtest),
        Route::get("/v1/backtests/{backtest}", "get_backtest", Permission::WritePolicy)
            .says("One backtest", "")
            .everywhere()
            .path::<u64>("backtest", NUMBER)
            .answers::<BacktestStatus>(200, "How far it has come.")
            .to(get_backtest),
        Route::get("/v1/backtests/{backtest}/report", "get_backtest_report", Permission::WritePolicy)
            .says("What came of a backtest", "The same journal and policies give the same bytes.")
            .everywhere()
            .path::<u64>("backtest", NUMBER)
            .answers::<Backtest>(200, "The report.")
            .refuses(409, "It is not done.")
            .to(get_report),
        Route::get("/v1/backtests/{backtest}/page", "get_backtest_page", Permission::WritePolicy)
            .says("What came of a backtest, for people", "One page that loads nothing and runs nothing.")
            .everywhere()
            .path::<u64>("backtest", NUMBER)
            .answers_as(200, "text/html", "The page.")
            .refuses(409, "It is not done.")
            .to(get_page),
        Route::post("/v1/backtests/{backtest}/cancel", "cancel_backtest", Permission::WritePolicy)
            .says("Call a backtest off", "One that has ended stays as it is.")
            .everywhere()
            .path::<u64>("backtest", NUMBER)
            .answers::<BacktestStatus>(200, "It has ended.")
            .to(cancel_backtest),
    ]
}

/// Backtests.
#[derive(Debug, Serialize, JsonSchema)]
struct BacktestList {
    /// The newest first.
    items: Vec<BacktestStatus>,
}

/// A backtest to be begun.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct StartBacktest {
    /// The text: one or more policies in YAML.
    text: String,
    /// Only what was recorded from then on.
    from: Option<Timestamp>,
    /// Only what was recorded before then.
    to: Option<Timestamp>,
    /// Only channels that one of these holds, at most 64; all if there is none.
    #[serde(default)]
    #[schemars(length(max = 64))]
    channels: Vec<ChannelPattern>,
    /// What a million calls to providers cost in dollars, such as `hive=3000`, in place of what is configured; at most 16.
    #[serde(default)]
    #[schemars(length(max = 16))]
    prices: Vec<String>,
}

async fn list_backtests(app: Data<App>) -> Json<BacktestList> {
    Json(BacktestList { items: app.backtests.all() })
}

async fn start_backtest(app: Data<App>, asked: Json<StartBacktest>) -> Result<impl Responder, Problem> {
    let StartBacktest { text, from, to, channels, prices } = asked.into_inner();
    if channels.len() > PATTERNS_MAX {
        return Err(Problem::malformed("channels", format!("expected at most {PATTERNS_MAX} patterns")));
    }
    if prices.len() > PRICES_MAX {
        return Err(Problem::malformed("prices", format!("expected at most {PRICES_MAX} prices")));
    }
    let said = prices;
    let mut prices = app.prices.clone();
    for price in said {
        prices.say(price.parse::<Price>().map_err(|error| Problem::malformed("prices", error))?);
    }
    let loaded = file::load("policy.yaml", &text).map_err(|mistakes| mistaken(&mistakes.0))?;
    let in_force = app.in_force.borrow().clone();
    let tried = proposed(loaded.into_iter().map(|one| one.policy), &in_force);
    let mut question = trying(&in_force, &tried);
    question.channels = channels;
    let journal = app.journal.clone();
    let stretch = blocking("finding where a backtest begins", move || stretch(&*journal, from, to)).await?;
    let policies = tried.iter().map(|policy| policy.reference.clone()).collect();
    let asked = Asked { question, policies, stretch, prices, begun_at: app.clock.now() };
    let begun = app.backtests.begin(asked, app.journal.clone(), app.content.clone());
    let job = begun.map_err(|UnderWay(id)| {
        Problem::new(Code::Conflict, format!("backtest {id} is under way, and one runs at a time")).with("backtest", id)
    })?;
    Ok((Json(job.status()), StatusCode::ACCEPTED))
}

async fn get_backtest(app: Data<App>, id: Path<u64>) -> Result<Json<BacktestStatus>, Problem> {
    job(&app, *id).map(|job| Json(job.status()))
}

async fn cancel_backtest(app: Data<App>, id: Path<u64>) -> Result<Json<BacktestStatus>, Problem> {
    let job = job(&app, *id)?;
    job.cancel();
    Ok(Json(job.status()))
}

async fn get_report(app: Data<App>, id: Path<u64>) -> Result<HttpResponse, Problem> {
    let report = report(&app, *id)?;
    Ok(HttpResponse::Ok().content_type(ContentType::json()).body(report.to_json()))
}

async fn get_page(app: Data<App>, id: Path<u64>) -> Result<HttpResponse, Problem> {
    let report = report(&app, *id)?;
    Ok(crate::http::report::page(laboratory::html::backtest(&report)))
}

fn job(app: &App, id: u64) -> Result<Arc<Job>, Problem> {
    app.backtests.get(id).ok_or_else(|| {
        Problem::not_found(format!("backtest {id} among the last {REMEMBERED_MAX} since the server began"))
    })
}

fn report(app: &App, id: u64) -> Result<Arc<Backtest>, Problem> {
    let job = job(app, id)?;
    job.report().ok_or_else(|| {
        let state = match job.state() {
            BacktestState::Running => "is still under way",
            BacktestState::Cancelled => "was called off",
            BacktestState::Failed => "failed; the log of this server says why",
            BacktestState::Done => "was done a moment ago; ask again",
        };
        Problem::new(Code::Conflict, format!("backtest {id} {state}"))
    })
}
