//! Providers held against each other, by what was recorded of them. It looks at every channel, so it needs its permission
//! everywhere.

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::header::ContentType;
use actix_web::web::{Data, Query};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::http::App;
use crate::http::auth::Permission;
use crate::http::blocking::blocking;
use crate::http::past::parameter;
use crate::http::problem::Problem;
use crate::http::route::Route;
use crate::laboratory::arena::{Question, Report, run};
use crate::laboratory::price::{PRICES_MAX, Price, Prices};
use crate::laboratory::{LaboratoryError, Progress, stretch, whole_answer};
use crate::model::{ChannelPattern, ProviderName, Timestamp};

/// Events that one answer reads, the newest of the stretch: seconds of work. The command line reads all there are.
const EVENTS_MAX: u64 = 1_000_000;
/// Patterns, or providers, that it may be limited to.
const NAMED_MAX: usize = 64;
/// The upheld rate that is wanted, in percent, unless it is said.
const WANTED: u32 = 90;

pub(in crate::http) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/arena", "get_arena", Permission::WritePolicy)
            .says(
                "Providers held against each other",
                "By what was recorded of them, without a call to any: what each was asked at each model version, how \
                 long it took and what it costs; how two agree that saw the same frames; what people said to the \
                 warnings that each label raised, by how sure it was; what changed with a model version; what screens \
                 saved and what the audit sample says they missed; and which threshold a wanted upheld rate would take, as \
                 far as the answers tell.\n\nOne answer reads the newest 1,000,000 events of the stretch; if it has more, \
                 `cut` is true. The same journal and question give the same bytes. One is put together at a time.",
            )
            .everywhere()
            .query::<ArenaQuery>()
            .answers::<Report>(200, "The figures.")
            .to(get_arena),
    ]
}

/// Of what.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ArenaQuery {
    /// Only what was recorded from then on, RFC 3339.
    #[schemars(with = "Option<Timestamp>")]
    from: Option<String>,
    /// Only what was recorded before then, RFC 3339.
    #[schemars(with = "Option<Timestamp>")]
    to: Option<String>,
    /// Only channels that one of these patterns holds. Several are separated by commas.
    channel: Option<String>,
    /// Only these providers. Several are separated by commas.
    provider: Option<String>,
    /// The upheld rate that thresholds are suggested for, in whole percent, 50 to 99; 90 unless it is said.
    #[schemars(with = "Option<u32>", range(min = 50, max = 99))]
    wanted: Option<String>,
    /// What a million calls to a provider cost in dollars, such as `hive=3000`, in place of what is configured. Several
    /// are separated by commas.
    price: Option<String>,
}

impl ArenaQuery {
    fn question(&self, mut prices: Prices) -> Result<Question, Problem> {
        let wanted: Option<u32> = parameter("wanted", "whole percent", self.wanted.as_deref())?;
        let wanted = wanted.unwrap_or(WANTED);
        if !(50..=99).contains(&wanted) {
            return Err(Problem::malformed("wanted", format!("expected 50 to 99 percent, this is {wanted}")));
        }
        for price in list::<Price>("price", self.price.as_deref(), PRICES_MAX)? {
            prices.say(price);
        }
        Ok(Question {
            channels: list::<ChannelPattern>("channel", self.channel.as_deref(), NAMED_MAX)?,
            providers: list::<ProviderName>("provider", self.provider.as_deref(), NAMED_MAX)?,
            prices,
            wanted_permille: wanted * 10,
        })
    }
}

async fn get_arena(app: Data<App>, wanted: Query<ArenaQuery>) -> Result<HttpResponse, Problem> {
    const TAKES: &str = "a moment in RFC 3339";
    let from: Option<Timestamp> = parameter("from", TAKES, wanted.from.as_deref())?;
    let to: Option<Timestamp> = parameter("to", TAKES, wanted.to.as_deref())?;
    let question = wanted.question(app.prices.clone())?;
    let turn = app.arena.take("arena")?;
    let (journal, content) = (app.journal.clone(), app.content.clone());
    let waited_for = WaitedFor::default();
    let progress = waited_for.0.clone();
    let working = blocking("holding providers against each other", move || {
        let _turn = turn;
        let asked = stretch(&*journal, from, to)?;
        let whole = |kept: &_| whole_answer(&content, kept);
        let report = run(&*journal, &question, asked, EVENTS_MAX, &whole, &progress)?;
        Ok::<_, LaboratoryError>(report.to_json())
    });
    let text = working.await?;
    Ok(HttpResponse::Ok().content_type(ContentType::json()).body(text))
}

/// Somebody waits for it: the work ends early where nobody does any more.
#[derive(Debug, Default)]
struct WaitedFor(Arc<Progress>);

impl Drop for WaitedFor {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

fn list<T: FromStr<Err: Display>>(name: &str, said: Option<&str>, max: usize) -> Result<Vec<T>, Problem> {
    let parts: Vec<&str> = said.into_iter().flat_map(|said| said.split(',')).filter(|part| !part.is_empty()).collect();
    if parts.len() > max {
        return Err(Problem::malformed(name, format!("expected at most {max}, these are {}", parts.len())));
    }
    let read = |part: &str| part.parse().map_err(|error| Problem::malformed(name, error));
    parts.into_iter().map(read).collect()
}
