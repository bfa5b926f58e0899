//! Which content an event refers to.
//!
//! References are found by their shape, not by the event's type, so that those in events of types that this program
//! does not know are found as well: no export leaves content behind, no verification takes it for an orphan.

use ciborium::Value;

use crate::model::{ContentRef, Sha256};

/// The payload is no CBOR: what it refers to cannot be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the payload is no CBOR; what content it refers to cannot be said")]
pub struct Unparsable;

/// The references in a payload, in order; none in one that cannot be parsed.
pub fn references_in(payload: &[u8]) -> Vec<ContentRef> {
    every_reference_in(payload).unwrap_or_default()
}

/// The references in a payload, in order, for whoever must not miss one.
///
/// # Errors
/// If the payload cannot be parsed and may hold references.
pub fn every_reference_in(payload: &[u8]) -> Result<Vec<ContentRef>, Unparsable> {
    const KEY: &[u8] = b"\x66digest"; // CBOR text of six bytes; most payloads do not hold it and are not parsed
    let mut found = Vec::new();
    if payload.windows(KEY.len()).any(|window| window == KEY) {
        let value = ciborium::from_reader::<Value, _>(payload).map_err(|_| Unparsable)?;
        walk(&value, &mut found);
    }
    Ok(found)
}

fn walk(value: &Value, found: &mut Vec<ContentRef>) {
    match value {
        Value::Map(entries) => {
            found.extend(content_ref(entries));
            entries.iter().for_each(|(_, value)| walk(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| walk(item, found)),
        Value::Tag(_, inner) => walk(inner, found),
        _ => (),
    }
}

fn content_ref(entries: &[(Value, Value)]) -> Option<ContentRef> {
    let field = |name: &str| entries.iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value);
    Some(ContentRef {
        subject: field("subject")?.as_text()?.to_owned(),
        digest: Sha256(field("digest")?.as_bytes()?.as_slice().try_into().ok()?),
        bytes: field("bytes")?.as_integer()?.try_into().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_that_cannot_be_parsed_is_told_from_one_that_refers_to_nothing() {
        assert_eq!(every_reference_in(b"\xa0"), Ok(Vec::new()));
        assert_eq!(every_reference_in(b"\xa3\x66digest"), Err(Unparsable), "cut short");
    }
}
