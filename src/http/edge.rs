//! What every request meets before any route, and what every answer carries: the count per address, the browser's page
//! of origin, a request id, and the headers that keep a browser from doing more with an answer than show it.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, CACHE_CONTROL,
    CONTENT_SECURITY_POLICY, CROSS_ORIGIN_RESOURCE_POLICY, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN,
    REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::http::{ConnectionType, Method};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpResponse, ResponseError};
use tracing::Instrument;

use super::gate::{self, Gate, Operation};
use super::origin::{self, Page};
use super::problem::{Code, Problem};
use super::slow_body::{self, Body};
use super::socket::Socket;
use crate::telemetry::metrics;

/// In every answer, and in every log line that is written on its way.
static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Added where a route says nothing else. An answer is data: nothing in it is run, framed, kept or guessed at.
static UNLESS_SAID: [(HeaderName, &str); 5] = [
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
    (CACHE_CONTROL, "no-store"),
];

/// What a page that is named may send, and read, beyond what any page may.
const CORS_METHODS: &str = "GET, POST, PUT, DELETE";
const CORS_REQUEST_HEADERS: &str = "authorization, content-type, idempotency-key, last-event-id, prefer";
const CORS_ANSWER_HEADERS: &str = "location, retry-after, streamwarden-next, streamwarden-places, x-request-id";
/// Seconds for which a browser need not ask again whether it may ask.
const CORS_MAX_AGE_S: &str = "600";

/// Lets a request through to its route or answers it.
pub(in crate::http) async fn pass(
    gate: Arc<Gate>,
    mut request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let begun = Instant::now();
    let id = next_request_id();
    let page = gate.origins.of(request.headers());
    let origin = request.headers().get(ORIGIN).cloned().filter(|_| page == Page::Named);
    let span = tracing::info_span!("request", request.id = id, method = %request.method(), path = request.path());
    let (payload, body) = slow_body::within(gate.body_timeout, request.take_payload());
    request.set_payload(payload);
    let socket = request.request().conn_data::<Arc<Socket>>().cloned();
    let mut response = match admitted(&gate, page, &request) {
        Err(problem) => request.into_response(problem.error_response()),
        Ok(()) if is_preflight(page, &request) => request.into_response(HttpResponse::NoContent()),
        Ok(()) => next.call(request).instrument(span).await?,
    };
    let id = HeaderValue::from_str(&id).expect("digits and a dash are a header's value");
    seal(response.headers_mut(), id, origin);
    let operation = response.request().extensions().get::<Operation>().map_or("none", |operation| operation.0);
    metrics().requests.answered(operation, response.status().as_u16(), begun.elapsed());
    if let Some(body) = body.filter(Body::is_under_way) {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
        body.hang_up_in_time(socket.as_ref());
    }
    Ok(response)
}

fn admitted(gate: &Gate, page: Page, request: &ServiceRequest) -> Result<(), Problem> {
    let address = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    gate.rates.count_address(address).map_err(|wait| gate::too_many("address", wait))?;
    // Whose host a request is for, a proxy before us must not see otherwise than we do (RFC 9112, section 3.2).
    if request.headers().get_all(HOST).count() != 1 {
        return Err(Problem::malformed("host", "a request names its host once"));
    }
    if gate.authenticator.is_open() && !origin::is_to_loopback(request.headers()) {
        return Err(Problem::new(
            Code::Forbidden,
            "this server asks nobody who they are, and so answers only by a \
            name of this machine's own: localhost or an address of the loopback",
        ));
    }
    if page == Page::Elsewhere && !origin::is_safe(request.method()) {
        return Err(Problem::new(Code::Forbidden, "a page of another origin may not send this"));
    }
    Ok(())
}

/// Whether a browser only asks what a named page may send.
fn is_preflight(page: Page, request: &ServiceRequest) -> bool {
    page == Page::Named
        && request.method() == Method::OPTIONS
        && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// Puts on an answer what every answer carries.
fn seal(headers: &mut HeaderMap, id: HeaderValue, origin: Option<HeaderValue>) {
    for (name, value) in &UNLESS_SAID {
        if !headers.contains_key(name) {
            headers.insert(name.clone(), HeaderValue::from_static(value));
        }
    }
    headers.insert(REQUEST_ID.clone(), id);
    headers.append(VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = origin {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(CORS_METHODS));
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(CORS_REQUEST_HEADERS));
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(CORS_ANSWER_HEADERS));
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(CORS_MAX_AGE_S));
    }
}

/// Unique within a run of the process; with the time of a log line, beyond it.
fn next_request_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("{:x}-{:x}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}
