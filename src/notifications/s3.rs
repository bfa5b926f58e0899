//! Objects created, as S3 says it by EventBridge and by itself. The two differ in spelling, in time, in case, and in that
//! S3's own keys are encoded like a form.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::recorded::of_key;
use super::{Announced, Ignored, Notification, RECORDS_MAX, Rejected, Storage, json};
use crate::model::{ChannelId, Medium, S3Object, Timestamp};

/// The version of `Records[]` that we know. The same major one and at least the minor one is understood.
const EVENT_VERSION: (u32, u32) = (2, 1);

/// An object, whoever says it.
pub(super) struct Created<'a> {
    pub(super) region: &'a str,
    pub(super) bucket: &'a str,
    /// Decoded.
    pub(super) key: &'a str,
    pub(super) version: Option<&'a str>,
    pub(super) etag: Option<&'a str>,
    pub(super) size: Option<u64>,
    pub(super) sequencer: Option<&'a str>,
    pub(super) at: Timestamp,
    pub(super) replayed: bool,
}

impl Created<'_> {
    pub(super) fn read(&self) -> Result<Notification, Rejected> {
        let bucket: Arc<str> = self.bucket.into();
        let Some(recorded) = of_key(&bucket, self.key)? else {
            return Ok(Notification::Ignored(Ignored::NoThumbnail));
        };
        let arn = format!("arn:aws:ivs:{}:{}:channel/{}", self.region, recorded.account, recorded.channel);
        let channel = ChannelId::new(&arn).map_err(|error| {
            Rejected::because(format!("expected a channel's name in the key {:?}: {error}", self.key))
        })?;
        let is_segment = recorded.source.storage == Storage::Segments;
        let announced = Box::new(Announced {
            channel,
            session: None,
            recording: Some(recorded.recording),
            source: recorded.source,
            number: recorded.number,
            medium: if is_segment { Medium::Clip } else { Medium::Picture },
            captured_at: self.at,
            object: object(bucket, self.key, self.version, self.etag, self.size),
            sequencer: self.sequencer.and_then(folded),
            replayed: self.replayed,
        });
        Ok(if is_segment { Notification::Segment(announced) } else { Notification::Frame(announced) })
    }
}

/// An object as it is fetched. A version `null` is that of a bucket that keeps none.
pub(super) fn object(
    bucket: Arc<str>,
    key: &str,
    version: Option<&str>,
    etag: Option<&str>,
    size: Option<u64>,
) -> S3Object {
    let stated = |text: Option<&str>| text.filter(|text| !text.is_empty() && *text != "null").map(Arc::from);
    let etag = stated(etag.map(|etag| etag.trim_matches('"')));
    S3Object { bucket, key: key.into(), version: stated(version), etag, size }
}

/// A sequencer as it compares: hexadecimal digits of either case, with any number of zeros before them.
fn folded(sequencer: &str) -> Option<String> {
    let digits = sequencer.trim_start_matches('0').to_ascii_lowercase();
    (!sequencer.is_empty()).then_some(digits)
}

/// The `detail` of *Object Created*.
#[derive(Deserialize)]
pub(super) struct Detail {
    pub(super) bucket: Bucket,
    pub(super) object: Object,
}

#[derive(Deserialize)]
pub(super) struct Bucket {
    pub(super) name: String,
}

#[derive(Deserialize)]
pub(super) struct Object {
    pub(super) key: String,
    pub(super) size: Option<u64>,
    /// S3's own spelling is `eTag` and `versionId`.
    #[serde(alias = "eTag")]
    pub(super) etag: Option<String>,
    #[serde(rename = "version-id", alias = "versionId")]
    pub(super) version: Option<String>,
    pub(super) sequencer: Option<String>,
}

#[derive(Deserialize)]
struct Records {
    #[serde(rename = "Records")]
    records: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    event_version: String,
    event_source: String,
    aws_region: String,
    event_time: Timestamp,
    event_name: String,
    s3: Detail,
}

/// Reads every record; one that is not understood costs its neighbours nothing.
pub(super) fn read_records(bytes: &[u8]) -> Vec<Result<Notification, Rejected>> {
    let records = match json::<Records>(bytes, "an S3 notification with a list of \"Records\"") {
        Ok(Records { records }) => records,
        Err(rejected) => return vec![Err(rejected)],
    };
    if records.is_empty() || records.len() > RECORDS_MAX {
        let expected = format!("expected 1 to {RECORDS_MAX} \"Records\", there are {}", records.len());
        return vec![Err(Rejected::because(expected))];
    }
    records.into_iter().enumerate().map(|(at, record)| read_record(at, record)).collect()
}

fn read_record(at: usize, record: Value) -> Result<Notification, Rejected> {
    let refused = |why: String| Rejected::because(format!("Records[{at}]: {why}"));
    let record: Record = serde_json::from_value(record).map_err(|error| refused(error.to_string()))?;
    let version = record.event_version.split_once('.').and_then(|(major, minor)| {
        let minor = minor.split('.').next().unwrap_or(minor);
        Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?))
    });
    if !version.is_some_and(|(major, minor)| major == EVENT_VERSION.0 && minor >= EVENT_VERSION.1) {
        let (major, minor) = EVENT_VERSION;
        let found = &record.event_version;
        return Err(refused(format!("expected eventVersion {major}.{minor} or a later {major}.x, found {found:?}")));
    }
    if record.event_source != "aws:s3" {
        return Err(refused(format!("expected eventSource \"aws:s3\", found {:?}", record.event_source)));
    }
    let event_name = record.event_name.strip_prefix("s3:").unwrap_or(&record.event_name);
    if !event_name.starts_with("ObjectCreated:") {
        return Ok(Notification::Ignored(Ignored::NotCreated));
    }
    let object = &record.s3.object;
    let key = form_decoded(&object.key)
        .ok_or_else(|| refused(format!("expected s3.object.key encoded like a form, found {:?}", object.key)))?;
    let created = Created {
        region: &record.aws_region,
        bucket: &record.s3.bucket.name,
        key: &key,
        version: object.version.as_deref(),
        etag: object.etag.as_deref(),
        size: object.size,
        sequencer: object.sequencer.as_deref(),
        at: record.event_time,
        replayed: false,
    };
    created.read().map_err(|rejected| refused(rejected.reason().to_owned()))
}

/// Undoes the encoding of a form: `+` is a space, `%2B` a plus. None if an escape is broken or the text is no UTF-8.
fn form_decoded(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains(['+', '%']) {
        return Some(text.into());
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                (digit(bytes.next())? * 16 + digit(bytes.next())?) as u8
            }
            other => other,
        });
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_decoded_like_a_form_and_a_broken_escape_is_none() {
        assert_eq!(
            form_decoded("uploads/red+flower+%2B+caf%C3%A9.jpg").as_deref(),
            Some("uploads/red flower + café.jpg")
        );
        assert_eq!(form_decoded("plain/key.jpg").as_deref(), Some("plain/key.jpg"));
        for broken in ["a%2", "a%", "a%zz", "a%ff"] {
            assert_eq!(form_decoded(broken), None, "{broken}");
        }
    }

    #[test]
    fn sequencers_that_compare_equal_fold_to_the_same_text() {
        assert_eq!(folded("0067CAB8149329D189"), folded("67cab8149329d189"));
        assert_ne!(folded("0067CAB8149329D189"), folded("0067CAB8149329D18A"));
        assert_eq!(folded(""), None);
    }
}
