//! How we call others over HTTPS where no SDK does it: which addresses, one TLS, no redirects, limits on time and size,
//! and the secrets that are said there. Knows no service: what is asked and what an answer means is for who calls.

mod address;
mod secret;

pub use address::{AddressError, https_or_loopback, is_loopback};
pub use secret::{Secret, SecretError};

use std::sync::Once;
use std::time::Duration;

use reqwest::{Client, ClientBuilder, Response, Url, redirect, retry};

/// How long a call may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// Until a connection stands.
    pub connect: Duration,
    /// From its beginning to the last byte of its answer.
    pub request: Duration,
}

/// Why an answer's body was not taken.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// Longer than allowed.
    #[error("more than {bytes_max} bytes")]
    TooLong {
        /// What is allowed.
        bytes_max: usize,
    },
    /// It broke off, or did not come in time.
    #[error("the answer broke off")]
    Broken(#[source] reqwest::Error),
}

/// A client of the service at `address`. It follows no redirect and repeats nothing by itself. A proxy that the
/// environment names is used, which sees host names and nothing inside TLS; never for what does not leave the machine.
pub fn client(address: &Url, times: Times) -> ClientBuilder {
    install_tls();
    let client = Client::builder()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .connect_timeout(times.connect)
        .timeout(times.request)
        .user_agent(concat!("streamwarden/", env!("CARGO_PKG_VERSION")));
    if is_loopback(address) { client.no_proxy() } else { client }
}

/// The answer's body, at most `bytes_max` of it: reading ends where it is longer, whatever it said of itself.
pub async fn body(mut answer: Response, bytes_max: usize) -> Result<Vec<u8>, BodyError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| BodyError::Broken(error.without_url()))? {
        if body.len() + chunk.len() > bytes_max {
            return Err(BodyError::TooLong { bytes_max });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// In words, with all that led to it.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut chain = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        chain = format!("{chain}: {error}");
        cause = error.source();
    }
    chain
}

/// Makes ring the cryptography of this process's TLS. Doing it again does nothing.
pub fn install_tls() {
    static ONCE: Once = Once::new();
    // Fails only if another was installed before, by a program that has this crate as its library. That one then serves,
    // as its owner wants.
    ONCE.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
}
