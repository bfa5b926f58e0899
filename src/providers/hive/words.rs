//! What Hive says, made fit for a log and an event: short, one line, without our key and without addresses. It may well
//! repeat the address it was given, and whoever has that can read the picture.

use crate::egress::Secret;

/// The most bytes that are kept of what is said.
const SHOWN_BYTES_MAX: usize = 200;
/// The most bytes that are looked at.
const READ_BYTES_MAX: usize = 4_096;
/// What stands in an address, as it is and encoded once, and what stands in those that are signed.
const IN_ADDRESSES: [&str; 6] = ["://", "%3a%2f%2f", "x-amz-", "signature=", "key-pair-id=", "awsaccesskeyid="];

/// Says over what was said, without what must not be.
pub(super) struct Words {
    key: Secret,
}

impl Words {
    pub(super) fn without(key: Secret) -> Self {
        Self { key }
    }

    pub(super) fn shown(&self, said: &str) -> String {
        let said = &said[..said.floor_char_boundary(READ_BYTES_MAX)];
        let said = said.replace(self.key.reveal(), "(our key)");
        let words = said.split_whitespace().map(|word| if is_address(word) { "(an address)" } else { word });
        let mut shown = words.collect::<Vec<_>>().join(" ");
        shown.retain(|character| !character.is_control());
        shown.truncate(shown.floor_char_boundary(SHOWN_BYTES_MAX));
        shown
    }
}

fn is_address(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    IN_ADDRESSES.iter().any(|part| word.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_the_key_nor_an_address_is_said_again() {
        let words = Words::without(Secret::new("s3cret").expect("a secret"));
        let shown = |said: &str| words.shown(said);
        assert_eq!(shown("Invalid token s3cret."), "Invalid token (our key).");
        for address in [
            "https://b.s3.amazonaws.com/k?X-Amz-Signature=0f",
            "'HTTPS://b.example/k'",
            "https%3A%2F%2Fb.example%2Fk",
            "/k?x-amz-signature=0f",
            "d.cloudfront.net/k?Signature=abc",
        ] {
            assert_eq!(shown(&format!("cannot fetch {address} now")), "cannot fetch (an address) now");
        }
    }

    #[test]
    fn what_is_said_is_one_short_line() {
        let words = Words::without(Secret::new("s3cret").expect("a secret"));
        let shown = words.shown(&format!("a\n\tb {}", "ü".repeat(5_000)));
        assert!(shown.starts_with("a b ü") && shown.len() <= SHOWN_BYTES_MAX, "{shown}");
    }
}
