//! CloudFront: addresses below a distribution that hold for a while, signed with a key pair of ours (a canned policy).
//! Nothing is called: whether the distribution knows the public key, it says to whoever comes with an address.
//!
//! Signed over SHA-256 always, which the address says; why so is in `docs/adr/0015-cloudfront-addresses-over-sha-256.md`.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::Signer;

use super::{Class, Failure, SignedAddress};
use crate::model::Timestamp;

const SIGN: &str = "signing an address of CloudFront";
/// What CloudFront verifies of that we can sign.
const SCHEMES: [SignatureScheme; 2] = [SignatureScheme::RSA_PKCS1_SHA256, SignatureScheme::ECDSA_NISTP256_SHA256];
/// The bytes of a signature of RSA with 2048 bits, the one length that CloudFront takes.
const RSA_SIGNATURE_BYTES: usize = 256;
/// The most bytes of one of ECDSA on P-256, in DER.
const ECDSA_SIGNATURE_BYTES_MAX: usize = 72;
/// What a signature adds to an address.
const PARAMETERS: [&str; 5] = ["Expires", "Signature", "Key-Pair-Id", "Hash-Algorithm", "Policy"];

/// Why nothing can be signed with a key. Says nothing of the key itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Another thing, such as the public half.
    #[error(
        "holds no private key in PEM: expected one that begins with BEGIN PRIVATE KEY, BEGIN RSA PRIVATE KEY or BEGIN \
         EC PRIVATE KEY"
    )]
    None,
    /// A key in one line, as some ways of setting a variable make of it.
    #[error(
        "holds a key without line breaks: expected one in PEM as openssl writes it, each line of it a line, with no `\\n` \
         written out"
    )]
    Flat,
    /// A key that only somebody with its password can read.
    #[error("holds a key that is encrypted, expected a plain one: `openssl pkey -in KEY -out PLAIN` asks its password")]
    Encrypted,
    /// Another kind of key, another length, another curve, or damage.
    #[error(
        "holds a key that CloudFront does not take, or a damaged one: expected RSA of 2048 bits (`openssl genrsa 2048`) \
         or ECDSA on P-256 (`openssl ecparam -name prime256v1 -genkey -noout`)"
    )]
    Unfit,
}

/// Signs addresses with one key pair.
pub struct AddressSigner {
    key_pair_id: String,
    signer: Box<dyn Signer>,
}

impl AddressSigner {
    /// Signs with the private key in `pem` (PKCS#8, PKCS#1 or SEC1), whose public half CloudFront knows by this id.
    pub fn new(key_pair_id: &str, pem: &str) -> Result<Self, KeyError> {
        if !pem.contains("PRIVATE KEY-----") {
            return Err(KeyError::None);
        }
        if !pem.trim().contains('\n') {
            return Err(KeyError::Flat);
        }
        if pem.contains("ENCRYPTED") {
            return Err(KeyError::Encrypted);
        }
        let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| KeyError::Unfit)?;
        let key = any_supported_type(&key).map_err(|_| KeyError::Unfit)?;
        let signer = key.choose_scheme(&SCHEMES).ok_or(KeyError::Unfit)?;
        // What the key can do is tried out: its length shows in a signature.
        let bytes = signer.sign(b"a trial").map_err(|_| KeyError::Unfit)?.len();
        match signer.scheme() {
            SignatureScheme::RSA_PKCS1_SHA256 if bytes == RSA_SIGNATURE_BYTES => {}
            SignatureScheme::ECDSA_NISTP256_SHA256 if bytes <= ECDSA_SIGNATURE_BYTES_MAX => {}
            _ => return Err(KeyError::Unfit),
        }
        Ok(Self { key_pair_id: key_pair_id.to_owned(), signer })
    }

    /// As which key pair it signs.
    pub fn key_pair_id(&self) -> &str {
        &self.key_pair_id
    }

    /// The address, with what lets whoever has it read there until that moment, in whole seconds. `address` is the one
    /// that is sent, encoded and with a query of its own if it has one: every byte of it is signed.
    pub fn signed(&self, address: &str, until: Timestamp) -> Result<SignedAddress, Failure> {
        let expires = until.as_micros().div_euclid(1_000_000);
        let policy = canned_policy(address, expires);
        let signature = self.signer.sign(policy.as_bytes());
        let signature = signature.map_err(|error| Failure::passing(SIGN, Class::Refused, error.to_string()))?;
        let signature = STANDARD.encode(signature).replace('+', "-").replace('=', "_").replace('/', "~");
        let (joint, key_pair_id) = (if address.contains('?') { '&' } else { '?' }, &self.key_pair_id);
        Ok(SignedAddress(format!(
            "{address}{joint}Expires={expires}&Signature={signature}&Key-Pair-Id={key_pair_id}&Hash-Algorithm=SHA256"
        )))
    }
}

impl fmt::Debug for AddressSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AddressSigner").field("key_pair_id", &self.key_pair_id).finish_non_exhaustive()
    }
}

/// Whether addresses below that one can be signed: nothing in it may stand for something else in the policy, and a query
/// of its own may hold nothing that CloudFront would take for ours.
///
/// # Errors
/// What it holds.
pub fn check_signable(base: &str) -> Result<(), String> {
    if base.contains('*') {
        return Err("it has an asterisk, which stands for anything where an address is signed: write %2A".to_owned());
    }
    let Some((_, query)) = base.split_once('?') else { return Ok(()) };
    if query.is_empty() {
        return Err("its query is empty: leave the question mark out".to_owned());
    }
    let named = query.split('&').map(|part| part.split('=').next().unwrap_or_default());
    if let Some(ours) = named.into_iter().find(|name| PARAMETERS.contains(name)) {
        return Err(format!("its query has `{ours}`, which belongs to the signature: leave it out"));
    }
    match query.contains(['"', '\\']) {
        true => Err("its query has a quotation mark or a backslash: write %22 or %5C".to_owned()),
        false => Ok(()),
    }
}

/// What is signed: to the byte what CloudFront makes of the address for itself.
fn canned_policy(address: &str, expires: i64) -> String {
    format!(
        r#"{{"Statement":[{{"Resource":"{address}","Condition":{{"DateLessThan":{{"AWS:EpochTime":{expires}}}}}}}]}}"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_what_cloudfront_makes_of_the_address() {
        assert_eq!(
            canned_policy("https://d111111abcdef8.cloudfront.net/images/image.jpg?size=large", 1_767_290_400),
            "{\"Statement\":[{\"Resource\":\"https://d111111abcdef8.cloudfront.net/images/image.jpg?size=large\",\
             \"Condition\":{\"DateLessThan\":{\"AWS:EpochTime\":1767290400}}}]}"
        );
    }

    #[test]
    fn what_would_be_taken_for_a_signature_is_found_in_a_query() {
        for sound in ["https://d.example", "https://d.example/Expires", "https://d.example/x?size=large&expires=1"] {
            assert_eq!(check_signable(sound), Ok(()), "{sound}");
        }
        for (wrong, names) in [
            ("https://d.example/x?size=1&Expires=5", "`Expires`"),
            ("https://d.example/x?Policy", "`Policy`"),
            ("https://d.example/x?a=\\", "backslash"),
            ("https://d.example/x?", "empty"),
            ("https://d.example/*/x", "asterisk"),
        ] {
            assert!(check_signable(wrong).is_err_and(|said| said.contains(names)), "{wrong}");
        }
    }
}
