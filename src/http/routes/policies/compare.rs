//! What a policy said in shadow, held against what was decided.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::http::App;
use crate::http::blocking::blocking;
use crate::http::problem::Problem;
use crate::http::report;
use crate::laboratory::shadow::{compare, html, ran};
use crate::model::PolicyId;

/// Events that one comparison reads, from where the version was put in shadow: seconds of work. The command line reads
/// all there are.
const EVENTS_MAX: u64 = 1_000_000;

/// Which version, and in which form.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CompareShadow {
    /// The version; the last one that ran in shadow unless it is said.
    version: Option<u32>,
    /// The form. JSON unless it is said.
    format: Option<Form>,
}

/// A form of the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Form {
    /// For programs.
    Json,
    /// For people: a page that needs nothing else.
    Html,
}

pub(super) async fn comparison(
    app: Data<App>,
    id: Path<PolicyId>,
    wanted: Query<CompareShadow>,
) -> Result<HttpResponse, Problem> {
    let (id, CompareShadow { version, format }) = (id.into_inner(), wanted.into_inner());
    let turn = app.comparisons.take("comparison")?;
    let nothing = Problem::not_found(format!("policy {id} in shadow, now or before"));
    let journal = app.journal.clone();
    let comparing = blocking("comparing a policy in shadow", move || {
        let _turn = turn;
        match ran(&*journal, &id, version)? {
            Some(ran) => compare(&*journal, &ran, EVENTS_MAX, |_| true).map(Some),
            None => Ok(None),
        }
    });
    let compared = comparing.await?.ok_or(nothing)?;
    Ok(match format.unwrap_or(Form::Json) {
        Form::Json => HttpResponse::Ok().json(compared),
        Form::Html => report::page(html::page(&compared)),
    })
}
