//! Whether the server is up, whether it can do its work, and its measurements.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Data, Json, block};
use schemars::JsonSchema;
use serde::Serialize;

use crate::http::App;
use crate::http::auth::Permission;
use crate::http::problem::Problem;
use crate::http::route::Route;
use crate::telemetry::metrics;
use crate::telemetry::metrics::MEDIA_TYPE;

pub(in crate::http) fn routes() -> Vec<Route> {
    vec![
        Route::get("/healthz", "get_health", Permission::Open)
            .says(
                "Whether the process is up",
                "Answers as long as requests are answered at all. Restart it if it does not.",
            )
            .answers::<Health>(200, "It is up.")
            .to(get_health),
        Route::get("/readyz", "get_readiness", Permission::Open)
            .says(
                "Whether the server can do its work",
                "Each thing it needs, and the reason where that is not there: the journal writable and not full, the \
                 views caught up, the wardens' threads alive, the enforcement reactor alive, a provider present.",
            )
            .answers::<Readiness>(200, "It can do its work.")
            .answers::<Readiness>(503, "It cannot; `checks` says what is wrong.")
            .to(get_readiness),
        Route::get("/metrics", "get_metrics", Permission::Operate)
            .everywhere()
            .says("Measurements", "In the OpenMetrics text form, as Prometheus reads it.")
            .answers_as(200, "application/openmetrics-text", "The measurements.")
            .to(get_metrics),
    ]
}

/// The process is up.
#[derive(Debug, Serialize, JsonSchema)]
struct Health {
    /// Always true.
    up: bool,
    /// The program's version.
    version: &'static str,
}

/// Whether the server can do its work.
#[derive(Debug, Serialize, JsonSchema)]
struct Readiness {
    /// Whether every check is well.
    ready: bool,
    /// Each thing it needs.
    checks: Vec<Check>,
}

/// One thing that the server needs.
#[derive(Debug, Serialize, JsonSchema)]
struct Check {
    /// Which: `journal`, `views`, `wardens`, `enforcement`, `provider`.
    name: &'static str,
    /// Whether it is well.
    well: bool,
    /// What is wrong with it; null if nothing is.
    reason: Option<String>,
}

async fn get_health() -> Json<Health> {
    Json(Health { up: true, version: env!("CARGO_PKG_VERSION") })
}

async fn get_readiness(app: Data<App>) -> Result<HttpResponse, Problem> {
    let vitals = app.vitals.clone();
    let organs = block(move || vitals.look()).await;
    let organs = organs.map_err(|broke| Problem::internal("looking whether everything is well", &broke))?;
    let checks: Vec<Check> = organs
        .into_iter()
        .map(|organ| Check { name: organ.name, well: organ.wrong.is_none(), reason: organ.wrong })
        .collect();
    let ready = checks.iter().all(|check| check.well);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok(HttpResponse::build(status).json(Readiness { ready, checks }))
}

async fn get_metrics(app: Data<App>) -> Result<HttpResponse, Problem> {
    let measured = block(move || {
        sample(&app);
        metrics().text()
    });
    let text = measured.await.map_err(|broke| Problem::internal("writing the measurements down", &broke))?;
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, MEDIA_TYPE)).body(text))
}

/// What is not counted when it happens but looked at when it is asked for.
fn sample(app: &App) {
    let head = *app.journal.watermark().borrow();
    metrics().readers.stands_at("views", app.views.position().borrow().0, head.0);
    let consumers = app.consumers.consumers().into_iter();
    let stands = consumers.map(|status| (status.name.as_str().to_owned(), status.cursor.0, status.head.0));
    metrics().readers.consumers(stands);
    let now = app.clock.now();
    let open: Vec<(u8, u64)> = app.views.read(|view| {
        let open = view.queue.after(None).filter(|entry| entry.answer.is_none());
        open.map(|entry| (entry.raised.severity, now.ms_since(entry.raised_at))).collect()
    });
    metrics().warnings.open(open.into_iter());
}
