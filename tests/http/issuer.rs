//! A stand-in for an OpenID Connect issuer: a discovery document and a key set on a port of its own, with keys made for
//! the test, and a count of who asked. It signs whatever a test hands it, which no issuer would.
//!
//! People sign in at it without being asked anything, as whom the test says; a code is then exchanged once, by who began
//! and for where it was asked, as RFC 6749 and RFC 7636 want it.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::rsa;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use serde::Deserialize;
use serde_json::{Value, json};

/// Made for this test and used by nothing else; ring cannot make keys for RSA.
const THROW_AWAY_RSA: &[u8] = include_bytes!("keys/throw-away-test-key.rsa-2048.pk8");

/// Keys that sign.
pub struct Keys {
    pub ec: EcdsaKeyPair,
    rsa: RsaKeyPair,
}

/// A running issuer.
pub struct Issuer {
    pub url: String,
    pub keys: Arc<Keys>,
    state: Arc<State>,
    server: ServerHandle,
}

struct State {
    asked: AtomicUsize,
    document: Mutex<Value>,
    set: Mutex<(StatusCode, String)>,
    keys: Arc<Keys>,
    /// Whose ID token and access token it gives.
    person: Mutex<(Value, Value)>,
    /// The client's secret, if it has one, and whether it is said in a header.
    secret: Mutex<Option<(String, bool)>>,
    /// What the codes that it gave were asked with.
    codes: Mutex<BTreeMap<String, Authorize>>,
    /// What it answers when tokens are asked for, instead of tokens.
    instead: Mutex<Option<(StatusCode, String)>>,
}

/// How a person comes to it.
#[derive(Debug, Clone, Deserialize)]
struct Authorize {
    response_type: String,
    client_id: String,
    redirect_uri: String,
    scope: String,
    state: String,
    nonce: String,
    code_challenge: String,
    code_challenge_method: String,
}

/// How a client asks for tokens.
#[derive(Deserialize)]
struct Exchange {
    grant_type: String,
    code: String,
    redirect_uri: String,
    code_verifier: String,
    client_id: Option<String>,
    client_secret: Option<String>,
}

impl Keys {
    pub fn new() -> Self {
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        let made = made.expect("random bytes");
        let ec = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, made.as_ref(), &SystemRandom::new());
        let rsa = RsaKeyPair::from_pkcs8(THROW_AWAY_RSA).expect("a key of 2048 bits");
        Self { ec: ec.expect("the key just made"), rsa }
    }

    /// The public keys: `ec` and `rsa` for signing, `sealing` for encryption.
    pub fn set(&self) -> Value {
        let ec = |id: &str, use_: &str| {
            let (x, y) = self.ec.public_key().as_ref()[1..].split_at(32);
            json!({ "kid": id, "kty": "EC", "crv": "P-256", "use": use_, "x": base64url(x), "y": base64url(y) })
        };
        let rsa: rsa::PublicKeyComponents<Vec<u8>> = self.rsa.public().into();
        let (n, e) = (base64url(&rsa.n), base64url(&rsa.e));
        let rsa = json!({ "kid": "rsa", "kty": "RSA", "alg": "RS256", "use": "sig", "n": n, "e": e });
        json!({ "keys": [ec("ec", "sig"), rsa, ec("sealing", "enc"), { "kid": "later", "kty": "AKP", "alg": "ML-DSA-44" }] })
    }

    /// Signed as the header's `alg` says: by the RSA key, or by the elliptic curve for anything else.
    pub fn sign(&self, header: &Value, payload: &str) -> String {
        let text = format!("{}.{}", base64url(header.to_string().as_bytes()), base64url(payload.as_bytes()));
        let signature = self.signature(header["alg"] == "RS256", &text);
        format!("{text}.{}", base64url(&signature))
    }

    fn signature(&self, by_rsa: bool, text: &str) -> Vec<u8> {
        if !by_rsa {
            let signed = self.ec.sign(&SystemRandom::new(), text.as_bytes()).expect("a signature");
            return signed.as_ref().to_vec();
        }
        let mut signature = vec![0; self.rsa.public().modulus_len()];
        let signed = self.rsa.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature);
        signed.expect("a signature");
        signature
    }
}

impl Issuer {
    /// Starts in an actix system.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let keys = Arc::new(Keys::new());
        let discovery = json!({
            "issuer": url, "jwks_uri": format!("{url}/keys"), "authorization_endpoint": format!("{url}/authorize?tenant=t"),
            "token_endpoint": format!("{url}/token"), "authorization_response_iss_parameter_supported": true,
        });
        let state = Arc::new(State {
            asked: AtomicUsize::new(0),
            document: Mutex::new(discovery),
            set: Mutex::new((StatusCode::OK, keys.set().to_string())),
            keys: keys.clone(),
            person: Mutex::default(),
            secret: Mutex::default(),
            codes: Mutex::default(),
            instead: Mutex::default(),
        });
        let data = web::Data::from(state.clone());
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .route("/.well-known/openid-configuration", web::get().to(document))
                .route("/keys", web::get().to(set))
                .route("/elsewhere", web::get().to(set))
                .route("/authorize", web::get().to(authorize))
                .route("/token", web::post().to(exchange))
        });
        let server = server.workers(1).disable_signals().listen(listener).expect("listening").run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { url, keys, state, server: handle }
    }

    /// How often its keys were asked for.
    pub fn asked(&self) -> usize {
        self.state.asked.load(Ordering::SeqCst)
    }

    /// From now on it answers so when asked for its keys.
    pub fn answer(&self, status: u16, body: impl ToString) {
        let status = StatusCode::from_u16(status).expect("a status");
        *self.state.set.lock().expect("no panic") = (status, body.to_string());
    }

    /// From now on its discovery document is this.
    pub fn discover(&self, document: Value) {
        *self.state.document.lock().expect("no panic") = document;
    }

    /// From now on it signs in who these claims speak of, whatever a nonce they hold: of the ID token, and of the access
    /// token.
    pub fn signs_in(&self, id: Value, access: Value) {
        *self.state.person.lock().expect("no panic") = (id, access);
    }

    /// From now on its client has a secret, and says it in a header or in the form.
    pub fn wants_secret(&self, secret: &str, in_header: bool) {
        *self.state.secret.lock().expect("no panic") = Some((secret.to_owned(), in_header));
        let method = if in_header { "client_secret_basic" } else { "client_secret_post" };
        self.state.document.lock().expect("no panic")["token_endpoint_auth_methods_supported"] = json!([method]);
    }

    /// From now on it answers so when asked for tokens.
    pub fn answers_instead(&self, status: u16, body: impl ToString) {
        let status = StatusCode::from_u16(status).expect("a status");
        *self.state.instead.lock().expect("no panic") = Some((status, body.to_string()));
    }

    pub async fn stop(self) {
        self.server.stop(false).await;
    }
}

async fn document(state: web::Data<State>) -> HttpResponse {
    HttpResponse::Ok().json(&*state.document.lock().expect("no panic"))
}

async fn set(state: web::Data<State>) -> HttpResponse {
    state.asked.fetch_add(1, Ordering::SeqCst);
    let (status, body) = state.set.lock().expect("no panic").clone();
    HttpResponse::build(status).insert_header(("location", "/elsewhere")).body(body)
}

/// Sends the person back at once with a code, as if they had signed in.
async fn authorize(state: web::Data<State>, asked: web::Query<Authorize>) -> HttpResponse {
    let asked = asked.into_inner();
    let sound = asked.response_type == "code"
        && asked.code_challenge_method == "S256"
        && asked.code_challenge.len() == 43
        && asked.scope.split(' ').any(|scope| scope == "openid")
        && !asked.client_id.is_empty();
    if !sound {
        return HttpResponse::BadRequest().body(format!("{asked:?}"));
    }
    let mut codes = state.codes.lock().expect("no panic");
    let code = format!("code-{}", codes.len());
    let issuer = state.document.lock().expect("no panic")["issuer"].as_str().expect("a name").to_owned();
    let mut back = reqwest::Url::parse(&asked.redirect_uri).expect("an address");
    back.query_pairs_mut().extend_pairs([("code", &code), ("state", &asked.state), ("iss", &issuer)]);
    codes.insert(code, asked);
    HttpResponse::Found().insert_header(("location", back.as_str())).finish()
}

/// Tokens for a code, once.
async fn exchange(state: web::Data<State>, request: HttpRequest, asked: web::Form<Exchange>) -> HttpResponse {
    if let Some((status, body)) = state.instead.lock().expect("no panic").clone() {
        return HttpResponse::build(status).body(body);
    }
    let refused = |error: &str| HttpResponse::BadRequest().json(json!({ "error": error }));
    if asked.grant_type != "authorization_code" {
        return refused("unsupported_grant_type");
    }
    // A code is used up by the first try, whatever comes of it.
    let Some(began) = state.codes.lock().expect("no panic").remove(&asked.code) else {
        return refused("invalid_grant");
    };
    let in_header = request.headers().get("authorization").map(|value| value.to_str().expect("text").to_owned());
    let client = match &*state.secret.lock().expect("no panic") {
        None => {
            in_header.is_none() && asked.client_secret.is_none() && asked.client_id.as_deref() == Some(&began.client_id)
        }
        Some((secret, true)) => {
            let said = format!("{}:{secret}", began.client_id);
            in_header == Some(format!("Basic {}", base64(said.as_bytes()))) && asked.client_secret.is_none()
        }
        Some((secret, false)) => {
            in_header.is_none()
                && asked.client_id.as_deref() == Some(&began.client_id)
                && asked.client_secret.as_deref() == Some(secret)
        }
    };
    if !client {
        return HttpResponse::Unauthorized().json(json!({ "error": "invalid_client" }));
    }
    let challenge = base64url(digest(&SHA256, asked.code_verifier.as_bytes()).as_ref());
    if challenge != began.code_challenge || asked.redirect_uri != began.redirect_uri {
        return refused("invalid_grant");
    }
    let (mut id, access) = state.person.lock().expect("no panic").clone();
    if id.get("nonce").is_none() {
        id["nonce"] = json!(began.nonce);
    }
    let signed = |claims: &Value| match claims {
        Value::Null => Value::Null,
        claims => json!(state.keys.sign(&json!({ "alg": "ES256", "kid": "ec" }), &claims.to_string())),
    };
    HttpResponse::Ok().json(json!({
        "token_type": "Bearer", "expires_in": 3600, "id_token": signed(&id), "access_token": signed(&access),
    }))
}

/// RFC 4648, section 4, with padding.
fn base64(bytes: &[u8]) -> String {
    let text = base64url(bytes).replace('-', "+").replace('_', "/");
    format!("{text}{}", "=".repeat((4 - text.len() % 4) % 4))
}

/// RFC 4648, section 5, without padding.
pub fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            text.push(char::from(ALPHABET[(bits >> (18 - 6 * place)) as usize & 63]));
        }
    }
    text
}
