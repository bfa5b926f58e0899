//! What was said in a segment, put beside its event on the bus, where an operator asks for it. It is personal data, and read
//! from where it is kept only when a call is made: what was erased by then does not leave, and no word of it lies in
//! memory between two tries. A call that is under way at the erasure may still be answered with "taken", and its words are
//! on the bus then. The journal's events hold no word of it, here or anywhere, and no failure does: of a call that carries
//! words only the class and the service's code are told.
//!
//! Whatever cannot go along stays behind and the event goes, and says so: a lane never waits for words, and loses no event
//! because of them.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use super::Letter;
use crate::aws::eventbridge::BusEntry;
use crate::journal::content::{Content, Store};
use crate::model::{ContentRef, Transcript};

/// In the event's `detail`: what was said, as it is kept.
pub(super) const TRANSCRIPT: &str = "transcript";
/// In its place: why it is not there.
pub(super) const LEFT_OUT: &str = "transcript_left_out";
/// The most bytes of an entry with its words, as [`BusEntry::bytes`] counts them. A bus takes four times as many, but what
/// its rules lead to does not: a message of SNS is at most 256 KiB, and a target that refuses one loses the event, which
/// nobody here hears of. The rest, 4 KiB, is for what EventBridge writes around an entry. Half a minute of speech has
/// less than a hundredth of it.
const BYTES_WITH_WORDS_MAX: usize = 252 * 1024;
/// Room for the one name or the other with its value's quotes, and for the longest reason.
const FIELD_BYTES: usize = 48;

/// Why what was said does not stand beside its event as `transcript`, although it was kept and the setting
/// `outbox.bus.transcripts` asks for it. Without that setting neither is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TranscriptLeftOut {
    /// It was erased.
    Erased,
    /// It was kept for as long as it was to be, and has been deleted since. Until that is done, within an hour or so, it goes
    /// along.
    Expired,
    /// It is damaged or missing, or could not be read.
    Unreadable,
    /// With it the event would be larger than what an event on a bus may lead to takes, 252 KiB.
    TooLong,
    /// The bus refused the event as it was put first.
    Refused,
}

/// An event for the bus, and where the words are that go beside it.
#[derive(Debug, Clone)]
pub struct BusLetter {
    entry: BusEntry,
    said: Option<Result<ContentRef, TranscriptLeftOut>>,
}

impl BusLetter {
    /// The event with what was said in the segment that it is about, if that is kept there. Nothing is read yet.
    pub(super) fn with_words(entry: BusEntry, said: Option<ContentRef>) -> Self {
        let fits = |said: &ContentRef| said.bytes as usize <= room_beside(&entry);
        let said = said.map(|said| if fits(&said) { Ok(said) } else { Err(TranscriptLeftOut::TooLong) });
        Self { entry, said }
    }

    /// The entry as it is put where no words go along.
    pub(super) fn into_bare(self) -> BusEntry {
        self.entry
    }

    /// The entry as it is put, with its words, which are read now, or why they are left out.
    pub(super) async fn into_entry(self, content: Arc<Store>) -> BusEntry {
        self.filled(move |said, room| words(&content, said, room)).await
    }

    /// The entry with the words that `read` makes of where they are and of the bytes that there is room for.
    async fn filled<R>(self, read: R) -> BusEntry
    where
        R: FnOnce(&ContentRef, usize) -> Result<String, TranscriptLeftOut> + Send + 'static,
    {
        let Self { mut entry, said } = self;
        let Some(said) = said else { return entry };
        let room = room_beside(&entry);
        let words = match said {
            Ok(said) => tokio::task::spawn_blocking(move || read(&said, room)).await.unwrap_or_else(|_| {
                // How it broke is not told here: a panic's message may quote what it broke over.
                tracing::error!("reading what was said in a segment broke, and its event goes without it");
                Err(TranscriptLeftOut::Unreadable)
            }),
            Err(why) => Err(why),
        };
        match words {
            Ok(transcript) => {
                put_beside(&mut entry.detail, TRANSCRIPT, &transcript);
                entry.confidential = true;
            }
            Err(why) => put_beside(&mut entry.detail, LEFT_OUT, &as_json(&why)),
        }
        entry
    }
}

/// How many bytes of words there is room for beside an event.
fn room_beside(entry: &BusEntry) -> usize {
    BYTES_WITH_WORDS_MAX.saturating_sub(entry.bytes() + FIELD_BYTES)
}

impl Letter for BusLetter {
    fn bytes(&self) -> usize {
        let words = match &self.said {
            None => 0,
            Some(Err(_)) => FIELD_BYTES,
            Some(Ok(said)) => FIELD_BYTES + said.bytes as usize,
        };
        self.entry.bytes() + words
    }

    fn lighter(&self) -> Option<Self> {
        let has_words = matches!(self.said, Some(Ok(_)));
        has_words.then(|| Self { entry: self.entry.clone(), said: Some(Err(TranscriptLeftOut::Refused)) })
    }
}

/// What was said, as JSON of at most `room` bytes.
fn words(content: &Store, said: &ContentRef, room: usize) -> Result<String, TranscriptLeftOut> {
    let bytes = match content.get(said) {
        Ok(Content::Plain(bytes)) => bytes,
        Ok(Content::Erased) => return Err(TranscriptLeftOut::Erased),
        Ok(Content::Expired) => return Err(TranscriptLeftOut::Expired),
        Err(error) => {
            tracing::warn!("what was said in a segment cannot be read, and does not go along with its event: {error}");
            return Err(TranscriptLeftOut::Unreadable);
        }
    };
    // Read as what it is, so that nothing else can ever leave by this way.
    let transcript = Transcript::from_kept(&bytes).map_err(|error| {
        tracing::warn!("content {} does not go along with its event: {error}", said.digest);
        TranscriptLeftOut::Unreadable
    })?;
    Some(as_json(&transcript)).filter(|json| json.len() <= room).ok_or(TranscriptLeftOut::TooLong)
}

fn as_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("it is JSON: text, whole numbers and lists of them")
}

/// Puts one more field into an object that has some.
fn put_beside(object: &mut String, name: &str, value: &str) {
    let end = object.pop();
    debug_assert_eq!(end, Some('}'), "an event's picture is an object");
    object.push_str(&format!(",\"{name}\":{value}}}"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::eventbridge::BusEntry;
    use crate::model::{Sentence, Sha256, Stretch, Timestamp};
    use TranscriptLeftOut::{Erased, Expired, Refused, TooLong, Unreadable};

    fn entry() -> BusEntry {
        BusEntry {
            time: Timestamp::from_millis(0),
            source: "streamwarden",
            detail_type: "FrameAssessed".to_owned(),
            detail: "{\"a\":1}".to_owned(),
            resources: Vec::new(),
            confidential: false,
        }
    }

    #[test]
    fn why_it_is_left_out_stands_in_its_place_and_has_room() {
        for (why, said) in [
            (Erased, "erased"),
            (Expired, "expired"),
            (Unreadable, "unreadable"),
            (TooLong, "too_long"),
            (Refused, "refused"),
        ] {
            let mut entry = entry();
            let bare = entry.bytes();
            put_beside(&mut entry.detail, LEFT_OUT, &as_json(&why));
            assert_eq!(entry.detail, format!("{{\"a\":1,\"transcript_left_out\":\"{said}\"}}"));
            assert!(entry.bytes() - bare <= FIELD_BYTES);
        }
    }

    fn letter_about(bytes: u32) -> BusLetter {
        let said = ContentRef { subject: "transcripts/a".to_owned(), digest: Sha256::of(b"it"), bytes };
        BusLetter::with_words(entry(), Some(said))
    }

    #[tokio::test]
    async fn an_event_whose_words_break_their_reader_goes_without_them() {
        let entry = letter_about(10).filled(|_, _| panic!("over a word")).await;
        assert_eq!(entry.detail, "{\"a\":1,\"transcript_left_out\":\"unreadable\"}");
        assert!(!entry.confidential);
        let entry = letter_about(10).filled(|_, _| Ok("{}".to_owned())).await;
        assert_eq!((entry.detail.as_str(), entry.confidential), ("{\"a\":1,\"transcript\":{}}", true));
    }

    #[tokio::test]
    async fn a_letter_that_is_refused_gets_lighter_once_and_reads_nothing_more() {
        let lighter = letter_about(10).lighter().expect("it can do without its words");
        assert!(lighter.lighter().is_none(), "it has nothing more to leave out");
        let entry = lighter.filled(|_, _| panic!("it is read")).await;
        assert_eq!(entry.detail, "{\"a\":1,\"transcript_left_out\":\"refused\"}");
        for bare in [letter_about(1 << 20), BusLetter::with_words(super::tests::entry(), None)] {
            assert!(bare.lighter().is_none(), "{bare:?} has no words");
        }
    }

    #[tokio::test]
    async fn a_letter_counts_for_no_less_than_its_entry_will_have() {
        let folder = tempfile::tempdir().expect("a folder");
        let content = Store::open(&folder.path().join("content"), &folder.path().join("keys")).expect("a store");
        let content = Arc::new(content);
        let kept = |bytes: usize| {
            let text = format!("\"{}", "ü".repeat(bytes / 2));
            let sentence = Sentence { during: Stretch { from_ms: 0, to_ms: 9 }, text: text.into(), labels: Vec::new() };
            let whole = Transcript { language: None, sentences: vec![sentence] };
            content.put("transcripts/a", &serde_json::to_vec(&whole).expect("JSON")).expect("kept")
        };
        for (bytes, goes_along) in [(0, true), (5_000, true), (257_000, true), (258_000, false), (2_000_000, false)] {
            let letter = BusLetter::with_words(entry(), Some(kept(bytes)));
            let counted = letter.bytes();
            let entry = letter.into_entry(content.clone()).await;
            assert_eq!(entry.detail.contains("\"transcript\":{"), goes_along, "{bytes}");
            assert_eq!(entry.detail.contains("\"transcript_left_out\":\"too_long\""), !goes_along, "{bytes}");
            assert!(entry.bytes() <= counted && counted <= BYTES_WITH_WORDS_MAX, "{} of {counted}", entry.bytes());
        }
    }
}
