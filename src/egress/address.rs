//! Which addresses we call: `https`, or `http` that never leaves the machine. An address comes from the configuration or
//! from the document of an issuer that it names, never from a token, an answer or a picture.

use reqwest::Url;

/// Why an address is not asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not an address.
    #[error("`{text}` is no URL")]
    NoUrl {
        /// The text.
        text: String,
    },
    /// Readable and changeable on its way.
    #[error("`{text}` must begin with https://, or with http:// and an address of the loopback")]
    Plain {
        /// The text.
        text: String,
    },
    /// With a name, a password or a fragment: none that is called so has these.
    #[error("`{text}` holds credentials or a fragment, which the address of a service has not")]
    Adorned {
        /// The text, without what may be a password.
        text: String,
    },
}

/// Takes an address if it is `https`, or `http` on the loopback.
pub fn https_or_loopback(text: &str) -> Result<Url, AddressError> {
    let owned = || text.to_owned();
    let url = Url::parse(text).map_err(|_| AddressError::NoUrl { text: owned() })?;
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        let bare = format!("{}://{}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path());
        return Err(AddressError::Adorned { text: bare });
    }
    match url.scheme() {
        "https" if url.host_str().is_some() => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        _ => Err(AddressError::Plain { text: owned() }),
    }
}

/// Whether the address is of this machine, by its number: a name could be resolved to anything.
pub fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let number = host.trim_start_matches('[').trim_end_matches(']');
    number.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_the_loopback_by_its_number_are_asked() {
        for sound in ["https://a.example", "https://a.example/b?c=d", "http://127.0.0.1:1", "http://[::1]:8080/keys"] {
            assert!(https_or_loopback(sound).is_ok(), "{sound}");
        }
        for plain in [
            "http://a.example",
            "http://localhost/x",
            "http://10.0.0.1",
            "http://127.0.0.1.a.example",
            "file:///etc/passwd",
        ] {
            assert!(matches!(https_or_loopback(plain), Err(AddressError::Plain { .. })), "{plain}");
        }
        assert!(matches!(https_or_loopback("a.example"), Err(AddressError::NoUrl { .. })));
        let adorned = https_or_loopback("https://me:s3cret@a.example/x").expect_err("it holds a password");
        assert!(matches!(&adorned, AddressError::Adorned { .. }) && !adorned.to_string().contains("s3cret"));
    }
}
