//! The one gate in front of every route: who calls, may they, and not too often. What is not stated as a route does not
//! exist.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::HeaderMap;
use actix_web::middleware::Next;
use actix_web::{FromRequest, HttpMessage, ResponseError, web};
use serde::{Deserialize, Serialize};

use super::auth::config::{AuthConfig, Way};
use super::auth::{Authenticator, External, Permission, Principal, Refusal, RefusalKind, StartError, Vouched};
use super::origin::{self, ORIGINS_MAX, OriginError, Origins};
use super::problem::{Code, Problem};
use super::rate::{RateClass, RateConfig, RateError, Rates, TooMany};
use super::recheck::{self, Rechecked};
use super::route::Reach;
use super::session::{AttemptCookie, Credential, NotFromAPage, PagesConfig, PublicUrlError, SessionCookie};
use super::store_frames::{StoreFramesConfig, StoreTimeError};
use crate::clock::Clock;
use crate::model::ChannelId;
use crate::telemetry::metrics;

/// How long a caller waits who was refused only because the issuer could not be asked: it is asked again by then.
const ISSUER_RETRY_AFTER_S: u32 = 60;

/// How strict the gate is, apart from who may call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GateConfig {
    /// How many requests, by kind.
    pub rates: RateConfig,
    /// Origins whose pages may ask from a browser, each as `https://host` or `https://host:port`; at most 32. None: only
    /// pages of this server's own origin.
    pub origins: Vec<String>,
    /// How long a body may take to arrive, in seconds: 1 to 600.
    pub body_timeout_s: u32,
    /// Where frames are stored before they are judged.
    pub store_frames: StoreFramesConfig,
    /// The moderators' pages.
    pub pages: PagesConfig,
}

/// What is wrong with a [`GateConfig`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GateConfigError {
    /// A rate.
    #[error(transparent)]
    Rate(#[from] RateError),
    /// An origin.
    #[error(transparent)]
    Origin(#[from] OriginError),
    /// Too many origins.
    #[error("http.origins has {found} entries, at most {ORIGINS_MAX} are allowed")]
    Origins {
        /// How many.
        found: usize,
    },
    /// The time for a body.
    #[error("http.body_timeout_s is {found}, and may be 1 to {max}", max = GateConfig::BODY_TIMEOUT_S_MAX)]
    BodyTimeout {
        /// What was found.
        found: u32,
    },
    /// The time for storing a frame.
    #[error(transparent)]
    StoreFrames(#[from] StoreTimeError),
    /// Where browsers find the pages.
    #[error(transparent)]
    PublicUrl(#[from] PublicUrlError),
}

/// Who may call, and how often.
pub struct Gate {
    pub(in crate::http) authenticator: Authenticator,
    pub(in crate::http) rates: Rates,
    pub(in crate::http) origins: Origins,
    pub(in crate::http) body_timeout: Duration,
    pub(in crate::http) session: SessionCookie,
    pub(in crate::http) attempt: AttemptCookie,
    callback: Option<String>,
    /// Who decides outside, if somebody does.
    external: Option<External>,
}

/// The route that a request came to, for who counts requests.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct Operation(pub &'static str);

/// What one method of a path needs.
#[derive(Debug, Clone)]
pub(in crate::http) struct Needed {
    pub id: &'static str,
    pub method: Method,
    pub needs: Permission,
    pub reach: Reach,
}

impl GateConfig {
    /// Ten minutes for a body is no body any more.
    pub const BODY_TIMEOUT_S_MAX: u32 = 600;

    /// Checks what types cannot say.
    ///
    /// # Errors
    /// The first thing that is wrong, by its key.
    pub fn check(&self) -> Result<(), GateConfigError> {
        self.rates.check()?;
        if self.origins.len() > ORIGINS_MAX {
            return Err(GateConfigError::Origins { found: self.origins.len() });
        }
        Origins::new(&self.origins)?;
        self.store_frames.check()?;
        self.pages.check()?;
        match self.body_timeout_s {
            1..=Self::BODY_TIMEOUT_S_MAX => Ok(()),
            found => Err(GateConfigError::BodyTimeout { found }),
        }
    }
}

impl Default for GateConfig {
    fn default() -> Self {
        let (store_frames, pages) = (StoreFramesConfig::default(), PagesConfig::default());
        Self { rates: RateConfig::default(), origins: Vec::new(), body_timeout_s: 20, store_frames, pages }
    }
}

impl Gate {
    /// A gate for who the authenticator lets in.
    ///
    /// # Errors
    /// If the configuration is wrong.
    pub fn new(authenticator: Authenticator, config: &GateConfig) -> Result<Self, GateConfigError> {
        config.check()?;
        Ok(Self {
            authenticator,
            rates: Rates::new(&config.rates, &governor::clock::DefaultClock::default()),
            origins: Origins::new(&config.origins)?.and_own(config.pages.origin()),
            body_timeout: Duration::from_secs(config.body_timeout_s.into()),
            session: SessionCookie::new(config.pages.is_secure()),
            attempt: AttemptCookie::new(config.pages.is_secure()),
            callback: config.pages.callback(),
            external: None,
        })
    }

    /// The same gate, which lets this external actor in too, to tell of its decisions and for nothing else.
    pub fn and_external(mut self, external: External) -> Self {
        self.external = Some(external);
        self
    }

    /// The demo's gate: everybody who reaches the loopback is let in.
    ///
    /// # Errors
    /// Never, as the configuration is right; it says so to who starts a server with any gate.
    pub fn open(clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        let authenticator = Authenticator::open(&AuthConfig::open(), clock)?;
        Ok(Self::new(authenticator, &GateConfig::default()).expect("the defaults are within their bounds"))
    }

    /// Where an issuer sends somebody back to who signs in there; none if nobody can.
    pub(in crate::http) fn callback(&self) -> Option<&str> {
        self.callback.as_deref().filter(|_| self.authenticator.offers_sign_in())
    }

    /// The ways in which a person signs in to the pages. Where there is no way to the issuer and back, its tokens are
    /// handed in like ours.
    pub(in crate::http) fn ways(&self) -> Vec<Way> {
        let mut ways = self.authenticator.ways();
        if self.callback().is_none() {
            ways.iter_mut().filter(|way| **way == Way::Oidc).for_each(|way| *way = Way::Tokens);
            ways.dedup();
        }
        ways
    }

    /// What a request brings along to say who sends it.
    pub(in crate::http) fn credential(&self, headers: &HeaderMap) -> Result<Credential, Refusal> {
        Credential::of(headers, &self.origins, self.session)
    }

    /// Who that is.
    pub(in crate::http) async fn vouch(&self, credential: &Credential) -> Result<Vouched, Refusal> {
        self.authenticator.vouch(credential.authorization()).await
    }
}

/// Lets a request through or answers it.
pub(in crate::http) async fn pass(
    gate: Arc<Gate>,
    needed: Rc<[Needed]>,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    match admitted(&gate, &needed, &request).await {
        Ok(admitted) => {
            let Admitted::Caller(caller, credential) = admitted else { return next.call(request).await };
            let caller = Rc::new(caller);
            request.extensions_mut().insert(caller.clone());
            let response = next.call(request).await?;
            Ok(response.map_body(|_, body| while_allowed(gate, caller, credential, body)))
        }
        // An answer rather than an error: what every answer carries is added to it on its way out.
        Err(problem) => Ok(request.into_response(problem.error_response())),
    }
}

/// Who is let through.
enum Admitted {
    /// Anybody: nobody is asked here.
    Anybody,
    /// A caller, and how they said who they are.
    Caller(Principal, Credential),
    /// An external actor, who has no place among the callers: no grant, no session.
    External,
}

async fn admitted(gate: &Gate, needed: &[Needed], request: &ServiceRequest) -> Result<Admitted, Problem> {
    let Some(needed) = needed.iter().find(|needed| needed.method == *request.method()) else {
        return Err(another_method(needed, request.method()));
    };
    request.extensions_mut().insert(Operation(needed.id));
    match needed.needs {
        Permission::Open => return Ok(Admitted::Anybody),
        Permission::Decide => return external(gate, request).map(|()| Admitted::External),
        _ => {}
    }
    let (caller, credential) = identify(gate, request).await?;
    let class = class(needed);
    gate.rates.count(class, &caller.id).map_err(|wait| too_many(class.name(), wait))?;
    check(needed, &caller, request)?;
    Ok(Admitted::Caller(caller, credential))
}

/// Whether an external actor asks, by the secret that it is known by. Even where nobody else is asked who they are.
fn external(gate: &Gate, request: &ServiceRequest) -> Result<(), Problem> {
    let external = gate.external.as_ref().ok_or(Refusal::External).and_then(|known| known.vouch(request.headers()));
    let id = external.map_err(refused)?;
    let class = RateClass::Write;
    gate.rates.count(class, id).map_err(|wait| too_many(class.name(), wait))
}

fn another_method(needed: &[Needed], method: &Method) -> Problem {
    let known: Vec<_> = needed.iter().map(|needed| needed.method.as_str()).collect();
    Problem::new(Code::MethodNotAllowed, format!("this path takes {}, not {method}", known.join(", ")))
        .with("allow", known)
}

async fn identify(gate: &Gate, request: &ServiceRequest) -> Result<(Principal, Credential), Problem> {
    let credential = gate.credential(request.headers()).map_err(refused)?;
    let caller = gate.vouch(&credential).await.map_err(refused)?.principal;
    // Where nobody is asked, a session that was left behind by a server that asks says nothing.
    if !gate.authenticator.is_open() {
        let sent = credential.may_send(request.method(), request.headers(), &gate.origins);
        sent.map_err(|NotFromAPage| not_from_a_page())?;
    }
    Ok((caller, credential))
}

fn not_from_a_page() -> Problem {
    Problem::new(
        Code::Forbidden,
        "a session may change something only from a page of this server, as `Origin` or `Sec-Fetch-Site` must say; \
        programs send `Authorization: Bearer` and a token",
    )
}

/// A body without an end, cut off as soon as its reader is somebody else, or may something else, by then.
fn while_allowed(gate: Arc<Gate>, caller: Rc<Principal>, credential: Credential, body: BoxBody) -> BoxBody {
    let credential = Rc::new(credential);
    Rechecked::unless_short(body, recheck::EVERY, move || {
        let (gate, caller, credential) = (gate.clone(), caller.clone(), credential.clone());
        Box::pin(async move {
            let now = gate.vouch(&credential).await.map(|vouched| vouched.principal);
            // An issuer that cannot be asked takes no right away that it gave.
            now.as_ref() == Ok(&*caller) || now == Err(Refusal::IssuerUnavailable)
        })
    })
}

/// The log learns why; the caller learns only that it is so, because the reason would say how close a guess came.
pub(in crate::http) fn refused(refusal: Refusal) -> Problem {
    tracing::debug!(refusal = refusal.name(), "a caller was not let in");
    metrics().requests.unauthenticated(refusal.name());
    match refusal.kind() {
        RefusalKind::Unauthenticated if refusal == Refusal::Missing => {
            Problem::new(Code::Unauthenticated, "this needs `Authorization: Bearer` and a token")
        }
        RefusalKind::Unauthenticated => Problem::new(Code::Unauthenticated, "the credentials do not hold"),
        RefusalKind::Forbidden => Problem::new(Code::Forbidden, "nothing is granted here to the groups you are in"),
        RefusalKind::Unavailable => {
            Problem::unavailable("who you are cannot be checked at present", ISSUER_RETRY_AFTER_S)
        }
    }
}

fn class(needed: &Needed) -> RateClass {
    match needed.needs {
        Permission::Ingest => RateClass::Ingest,
        _ if origin::is_safe(&needed.method) => RateClass::Read,
        _ => RateClass::Write,
    }
}

pub(in crate::http) fn too_many(class: &'static str, wait: TooMany) -> Problem {
    metrics().requests.rate_limited(class);
    let TooMany { retry_after_s } = wait;
    Problem::new(Code::TooMany, format!("too many requests; come back in {retry_after_s} s")).retry_after(retry_after_s)
}

fn check(needed: &Needed, principal: &Principal, request: &ServiceRequest) -> Result<(), Problem> {
    let allowed = match (needed.reach, channel(request)?) {
        (Reach::Everywhere, _) => principal.may_everywhere(needed.needs),
        (Reach::Theirs, Some(channel)) => principal.may(needed.needs, &channel),
        (Reach::Theirs, None) => principal.may_somewhere(needed.needs),
    };
    if allowed {
        return Ok(());
    }
    let asked = serde_json::to_value(needed.needs).unwrap_or_default();
    Err(Problem::new(Code::Forbidden, format!("this needs the permission {asked} here, which you do not have")))
}

/// The channel that the path names, if it names one.
fn channel(request: &ServiceRequest) -> Result<Option<ChannelId>, Problem> {
    if request.match_info().get("channel").is_none() {
        return Ok(None);
    }
    let read = web::Path::<InPath>::extract(request.request());
    let path = read.into_inner().map_err(|error| Problem::malformed("channel", error))?;
    ChannelId::new(&path.channel).map(Some).map_err(|error| Problem::malformed("channel", error))
}

/// The part of a path that says which channel; a map will not do, its keys are read as fields only.
#[derive(Deserialize)]
struct InPath {
    channel: String,
}

#[cfg(test)]
mod tests {
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::{App, HttpResponse};

    use super::*;
    use crate::clock::SystemClock;

    #[actix_web::test]
    async fn a_handler_that_no_route_states_is_never_reached() {
        let gate = Arc::new(Gate::open(Arc::new(SystemClock)).expect("nothing to open"));
        let stated: Rc<[Needed]> =
            [Needed { id: "get_it", method: Method::GET, needs: Permission::Read, reach: Reach::Theirs }].into();
        let resource = web::resource("/thing")
            .route(web::get().to(HttpResponse::Ok))
            .route(web::post().to(HttpResponse::Ok)) // there, and not stated
            .wrap(from_fn(move |request, next| pass(gate.clone(), stated.clone(), request, next)));
        let app = init_service(App::new().service(resource)).await;
        let status = async |request: TestRequest| call_service(&app, request.uri("/thing").to_request()).await.status();
        assert_eq!(status(TestRequest::get()).await, 200);
        assert_eq!(status(TestRequest::post()).await, 405);
    }

    #[test]
    fn a_configuration_out_of_bounds_is_refused_by_its_key() {
        assert_eq!(GateConfig::default().check(), Ok(()));
        for (text, key) in [
            ("body_timeout_s = 0", "http.body_timeout_s"),
            ("body_timeout_s = 601", "http.body_timeout_s"),
            ("origins = [\"*\"]", "http.origins"),
            ("rates = { read = { per_s = 1, burst = 1000001 } }", "read.burst"),
        ] {
            let config: GateConfig = toml::from_str(text).expect("sound TOML");
            let error = config.check().expect_err(text).to_string();
            assert!(error.contains(key), "{error} does not name {key}");
        }
        let config = GateConfig { origins: vec!["https://a.example".to_owned(); 33], ..GateConfig::default() };
        assert_eq!(config.check(), Err(GateConfigError::Origins { found: 33 }));
    }
}
