//! Which content an event refers to.
//!
//! References are found by their shape, not by the event's type, so that those in events of types that this program
//! does not know are found as well: no export leaves content behind, no verification takes it for an orphan.

use ciborium::Value;

use crate::model::{ContentRef, Sha256};

/// The references in a payload, in order.
pub fn references_in(payload: &[u8]) -> Vec<ContentRef> {
    const KEY: &[u8] = b"\x66digest"; // CBOR text of six bytes; most payloads do not hold it and are not parsed
    let mut found = Vec::new();
    if payload.windows(KEY.len()).any(|window| window == KEY)
        && let Ok(value) = ciborium::from_reader::<Value, _>(payload)
    {
        walk(&value, &mut found);
    }
    found
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
