//! A stand-in for an OpenID Connect issuer: a discovery document and a key set on a port of its own, with keys made for
//! the test, and a count of who asked. It signs whatever a test hands it, which no issuer would.

use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::{App, HttpResponse, HttpServer, web};
use ring::rand::SystemRandom;
use ring::rsa;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
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
    pub keys: Keys,
    state: Arc<State>,
    server: ServerHandle,
}

struct State {
    asked: AtomicUsize,
    document: Mutex<Value>,
    set: Mutex<(StatusCode, String)>,
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
        let keys = Keys::new();
        let state = Arc::new(State {
            asked: AtomicUsize::new(0),
            document: Mutex::new(json!({ "issuer": url, "jwks_uri": format!("{url}/keys") })),
            set: Mutex::new((StatusCode::OK, keys.set().to_string())),
        });
        let data = web::Data::from(state.clone());
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .route("/.well-known/openid-configuration", web::get().to(document))
                .route("/keys", web::get().to(set))
                .route("/elsewhere", web::get().to(set))
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
