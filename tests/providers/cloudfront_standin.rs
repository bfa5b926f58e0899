//! A stand-in for a CloudFront distribution of which every address must be signed, on loopback over HTTP, before a bucket
//! of the emulator's. It makes the canned policy of an address for itself, as documented, and verifies it with the public
//! half of one key pair, over SHA-256. It remembers who came with which address.

use std::sync::{Arc, Mutex, MutexGuard};

use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::web::{self, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_2048_8192_SHA256,
    RsaKeyPair, UnparsedPublicKey, VerificationAlgorithm,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use streamwarden::clock::{Clock, SystemClock};

/// What a signature adds to an address.
const OURS: [&str; 4] = ["Expires", "Signature", "Key-Pair-Id", "Hash-Algorithm"];

/// The public half of a key pair.
#[derive(Clone)]
pub struct PublicKey {
    algorithm: &'static dyn VerificationAlgorithm,
    bytes: Vec<u8>,
}

impl PublicKey {
    /// Of a private key in PKCS#8, as ring reads it.
    pub fn of(pem: &str) -> Self {
        let PrivateKeyDer::Pkcs8(key) = PrivateKeyDer::from_pem_slice(pem.as_bytes()).unwrap() else {
            panic!("a key in PKCS#8 was expected")
        };
        let der = key.secret_pkcs8_der();
        if let Ok(rsa) = RsaKeyPair::from_pkcs8(der) {
            let bytes = rsa.public_key().as_ref().to_vec();
            return Self { algorithm: &RSA_PKCS1_2048_8192_SHA256, bytes };
        }
        let random = ring::rand::SystemRandom::new();
        let ecdsa = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der, &random).unwrap();
        Self { algorithm: &ECDSA_P256_SHA256_ASN1, bytes: ecdsa.public_key().as_ref().to_vec() }
    }

    pub fn verifies(&self, message: &str, signature: &[u8]) -> bool {
        UnparsedPublicKey::new(self.algorithm, &self.bytes).verify(message.as_bytes(), signature).is_ok()
    }
}

/// An address, taken apart.
pub struct Taken {
    /// As it would be without a signature.
    pub bare: String,
    pub expires: i64,
    pub signature: Vec<u8>,
    pub key_pair_id: String,
}

impl Taken {
    /// None if anything of a signature over SHA-256 is missing, or there twice.
    pub fn apart(address: &str) -> Option<Self> {
        let (path, query) = address.split_once('?')?;
        let named = |part: &&str| OURS.iter().any(|name| part.split('=').next() == Some(*name));
        let (ours, own): (Vec<&str>, Vec<&str>) = query.split('&').partition(named);
        let value = |name: &str| {
            let mut values = ours.iter().filter_map(|part| part.strip_prefix(name)?.strip_prefix('='));
            values.next().filter(|_| values.next().is_none())
        };
        if value("Hash-Algorithm")? != "SHA256" {
            return None;
        }
        let signature = value("Signature")?.replace('-', "+").replace('_', "=").replace('~', "/");
        let bare = if own.is_empty() { path.to_owned() } else { format!("{path}?{}", own.join("&")) };
        let (expires, key_pair_id) = (value("Expires")?.parse().ok()?, value("Key-Pair-Id")?.to_owned());
        Some(Self { bare, expires, signature: STANDARD.decode(signature).ok()?, key_pair_id })
    }

    /// What is signed of it.
    pub fn policy(&self) -> String {
        let Self { bare, expires, .. } = self;
        let until = format!("{{\"DateLessThan\":{{\"AWS:EpochTime\":{expires}}}}}");
        format!("{{\"Statement\":[{{\"Resource\":\"{bare}\",\"Condition\":{until}}}]}}")
    }
}

/// Who came: the address as it was asked for, and with what it was answered.
pub type Visit = (String, u16);

struct Distribution {
    origin: String,
    key_pair_id: String,
    key: PublicKey,
    visits: Mutex<Vec<Visit>>,
}

/// A stand-in of one test's own.
pub struct CloudfrontStandin {
    /// Where it is, without a slash at the end.
    pub address: String,
    distribution: Arc<Distribution>,
    handle: ServerHandle,
}

impl CloudfrontStandin {
    /// Before what lies below `origin`; it knows this public key by this id.
    pub fn start(origin: String, key_pair_id: &str, key: PublicKey) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default(); // reqwest wants one; the first caller sets it
        let visits = Mutex::default();
        let distribution = Arc::new(Distribution { origin, key_pair_id: key_pair_id.to_owned(), key, visits });
        let (started, starting) = std::sync::mpsc::channel();
        let served = distribution.clone();
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = HttpServer::new(move || {
                    App::new().app_data(Data::from(served.clone())).default_service(web::to(asked))
                });
                let server = server.workers(1).shutdown_timeout(0).disable_signals().bind(("127.0.0.1", 0)).unwrap();
                let address = format!("http://{}", server.addrs()[0]);
                let server = server.run();
                started.send((address, server.handle())).unwrap();
                server.await.unwrap();
            });
        });
        let (address, handle) = starting.recv().unwrap();
        Self { address, distribution, handle }
    }

    /// Who came so far.
    pub fn visits(&self) -> MutexGuard<'_, Vec<Visit>> {
        self.distribution.visits.lock().unwrap()
    }
}

impl Drop for CloudfrontStandin {
    fn drop(&mut self) {
        drop(self.handle.stop(false)); // sent by the call; nobody waits for it
    }
}

async fn asked(request: HttpRequest, distribution: Data<Distribution>) -> HttpResponse {
    let address = format!("http://{}{}", request.connection_info().host(), request.uri());
    let answer = match distribution.refusal(&address) {
        Some((code, message)) => HttpResponse::Forbidden().content_type("text/xml").body(format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
        )),
        None => distribution.of_origin(request.uri().path()).await,
    };
    distribution.visits.lock().unwrap().push((address, answer.status().as_u16()));
    answer
}

impl Distribution {
    fn refusal(&self, address: &str) -> Option<(&'static str, &'static str)> {
        let Some(taken) = Taken::apart(address) else {
            return Some(("MissingKey", "Missing Key-Pair-Id query parameter or cookie value"));
        };
        let is_in_time = taken.expires > SystemClock.now().as_micros() / 1_000_000;
        let is_signed = taken.key_pair_id == self.key_pair_id && self.key.verifies(&taken.policy(), &taken.signature);
        (!is_in_time || !is_signed).then_some(("AccessDenied", "Access denied"))
    }

    /// What lies there, asked for by the path as it came.
    async fn of_origin(&self, path: &str) -> HttpResponse {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.get(format!("{}{path}", self.origin)).send().await.unwrap();
        let status = StatusCode::from_u16(answer.status().as_u16()).unwrap();
        HttpResponse::build(status).content_type("image/jpeg").body(answer.bytes().await.unwrap())
    }
}
