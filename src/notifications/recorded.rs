//! What the key of a recorded object says. IVS promises no layout of keys: what lies where thumbnails lie and is not
//! named like one is refused aloud rather than passed over. A segment is anything under `media/hls/<rendition>/` that
//! ends in `.ts`; its number is a help for the order, and none is no mistake.

use std::sync::Arc;

use super::{Recording, Rejected, Source, Storage};

/// The parts of a recording's prefix: `ivs/v1/<account>/<channel>/<year>/<month>/<day>/<hours>/<minutes>/<recording>`.
const PREFIX_PARTS: usize = 10;
/// What the names of segments end with.
const SEGMENT_ENDING: &str = ".ts";

/// What an object's key says.
#[derive(Debug, PartialEq)]
pub(super) struct Recorded<'a> {
    pub(super) account: &'a str,
    /// The last part of the channel's ARN.
    pub(super) channel: &'a str,
    pub(super) recording: Recording,
    pub(super) source: Source,
    pub(super) number: Option<u64>,
}

/// Reads a key; none if it names neither a thumbnail nor a segment of an IVS recording.
pub(super) fn of_key<'a>(bucket: &Arc<str>, key: &'a str) -> Result<Option<Recorded<'a>>, Rejected> {
    let parts: Vec<&str> = key.splitn(PREFIX_PARTS + 5, '/').collect();
    let ["ivs", "v1", account, channel, year, month, day, hours, minutes, recording, "media", folder, rest @ ..] =
        parts.as_slice()
    else {
        return Ok(None);
    };
    let storage = match *folder {
        "thumbnails" => Storage::Sequential,
        "latest_thumbnail" => Storage::Latest,
        "hls" => Storage::Segments,
        _ => return Ok(None),
    };
    let is_segment = storage == Storage::Segments;
    if is_segment && !matches!(rest, [rendition, name] if !rendition.is_empty() && name.ends_with(SEGMENT_ENDING)) {
        return Ok(None); // a playlist
    }
    let (rendition, name) = match rest {
        [name] => (None, *name),
        [rendition, name] if !rendition.is_empty() => (Some(Arc::from(*rendition)), *name),
        _ => return Err(unlike_a_thumbnail(key)),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let dated = [year, month, day, hours, minutes].into_iter().all(|part| digits(part));
    let named = account.len() == 12 && digits(account) && !channel.is_empty() && !recording.is_empty();
    if !dated || !named {
        return if is_segment { Ok(None) } else { Err(unlike_a_thumbnail(key)) };
    }
    let stem = name.strip_suffix(".jpg").and_then(|stem| stem.strip_prefix("thumb"));
    let number = match (storage, stem) {
        (Storage::Sequential, Some(number)) if digits(number) => {
            Some(number.parse().map_err(|_| unlike_a_thumbnail(key))?)
        }
        (Storage::Latest, Some("")) => None,
        (Storage::Segments, _) => name.strip_suffix(SEGMENT_ENDING).and_then(|number| number.parse().ok()),
        _ => return Err(unlike_a_thumbnail(key)),
    };
    let prefix = parts[..PREFIX_PARTS].join("/");
    let recording = Recording { bucket: bucket.clone(), prefix: prefix.into() };
    Ok(Some(Recorded { account, channel, recording, source: Source { storage, rendition }, number }))
}

fn unlike_a_thumbnail(key: &str) -> Rejected {
    Rejected::because(format!(
        "expected a thumbnail's key, ivs/v1/<account>/<channel>/<year>/<month>/<day>/<hours>/<minutes>/<recording>/media/ \
         and thumbnails/thumb<number>.jpg or latest_thumbnail/thumb.jpg, found {key:?}"
    ))
}
