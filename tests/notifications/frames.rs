//! What a frame's identity is made of: the same thumbnail is the same frame however often and by whichever way it is
//! announced, and another picture under the same key is another frame.

use streamwarden::model::{FrameOrigin, Medium, SessionId};
use streamwarden::notifications::{Ignored, Notification, Storage, read};

use crate::{changed, data, frame};

const THUMB: &str = "s3-object-created-thumb0.json";
const LATEST: &str = "s3-object-created-latest-thumbnail.json";

#[test]
fn a_replayed_event_is_the_same_frame() {
    let (first, replayed) = (frame(&data(THUMB)), frame(&data("replayed-event.json")));
    assert!(replayed.replayed && !first.replayed);
    assert_eq!((first.id(), first.fingerprint()), (replayed.id(), replayed.fingerprint()));
}

#[test]
fn an_object_announced_by_both_ways_of_s3_is_one_frame_without_conflict() {
    // S3 writes the sequencer in either case, and only one way says milliseconds.
    let by_eventbridge = frame(&changed(THUMB, "0067CAB8149329D189", "67cab8209329d189"));
    let by_s3 = read(&data("s3-notification-records.json")).remove(0);
    let Ok(Notification::Frame(by_s3)) = by_s3 else { panic!("expected a frame, found {by_s3:?}") };
    assert_ne!(by_eventbridge.captured_at, by_s3.captured_at);
    assert_eq!(by_eventbridge.id(), by_s3.id());
    assert_eq!(by_eventbridge.fingerprint(), by_s3.fingerprint());
}

#[test]
fn the_latest_thumbnail_written_again_is_another_frame_even_if_the_picture_stands_still() {
    let first = frame(&data(LATEST));
    let again = frame(&changed(LATEST, "0067CAB82C9329D18A", "0067CAB82C9329D2FF"));
    assert_eq!(first.object.etag, again.object.etag);
    assert_eq!((first.source.storage, first.number), (Storage::Latest, None));
    assert_ne!(first.id(), again.id());
}

#[test]
fn a_version_names_the_write_where_there_is_one() {
    let versioned = frame(&data("s3-object-created-versioned-bucket.json"));
    assert_eq!(versioned.object.version.as_deref(), Some("IYV3p45BT0ac8hjHg1houSdS1a.Mro8e"));
    let other_sequencer = frame(&changed("s3-object-created-versioned-bucket.json", "0067CAB8209329D189", "01"));
    assert_eq!(versioned.id(), other_sequencer.id());
    assert_ne!(versioned.id(), frame(&data(THUMB)).id());
}

#[test]
fn a_frame_keeps_where_its_picture_is() {
    let announced = frame(&data(THUMB));
    let (id, print) = (announced.id(), announced.fingerprint());
    let session = SessionId::new("st-1").unwrap();
    let frame = announced.into_frame(session.clone());
    assert_eq!((frame.id, frame.fingerprint, frame.session), (id, print, session));
    let FrameOrigin::S3(object) = frame.origin else { panic!("expected an object") };
    assert_eq!((&*object.bucket, object.size), ("example-ivs-recordings", Some(48213)));
    assert_eq!(object.etag.as_deref(), Some("979246430153d200361df795a06aaefa"));
}

#[test]
fn thumbnails_by_rendition_are_sources_of_their_own() {
    let by_rendition = frame(&changed(THUMB, "media/thumbnails/", "media/thumbnails/720p60/"));
    assert_eq!(by_rendition.source.rendition.as_deref(), Some("720p60"));
    assert_eq!(by_rendition.recording, frame(&data(THUMB)).recording);
    assert_ne!(by_rendition.id(), frame(&data(THUMB)).id());
}

/// The same segment as it looks and as it sounds is two frames, each the same for every redelivery; of which rendition and
/// number it is is known by its key, and a key that has no number is a segment all the same.
#[test]
fn a_segment_is_a_frame_for_each_medium() {
    let segment = |bytes: &[u8]| match read(bytes).remove(0) {
        Ok(Notification::Segment(announced)) => *announced,
        other => panic!("expected a segment, found {other:?}"),
    };
    let announced = segment(&data("s3-object-created-segment.json"));
    assert_eq!((announced.source.storage, announced.number), (Storage::Segments, Some(12)));
    assert_eq!(announced.source.rendition.as_deref(), Some("720p60"));
    let (clip, sound) = (announced.of_medium(Medium::Clip), announced.of_medium(Medium::Sound));
    assert_ne!(clip.id(), sound.id());
    assert_eq!((clip.id(), clip.fingerprint()), (announced.of_medium(Medium::Clip).id(), sound.fingerprint()));
    assert_eq!(sound.into_frame(SessionId::new("st-1").unwrap()).medium, Medium::Sound);

    let odd = segment(&changed("s3-object-created-segment.json", "720p60/12.ts", "160p30/part-a.ts"));
    assert_eq!((odd.number, odd.source.rendition.as_deref()), (None, Some("160p30")));
    for (what, key) in [("no rendition", "12.ts"), ("deeper down", "720p60/x/12.ts"), ("a playlist", "720p60/12.m3u8")]
    {
        let said = read(&changed("s3-object-created-segment.json", "720p60/12.ts", key)).remove(0);
        assert_eq!(said, Ok(Notification::Ignored(Ignored::NoThumbnail)), "{what}");
    }
}

#[test]
fn our_own_notification_announces_a_frame_of_any_channel() {
    let own = |extra: &str| {
        frame(
            format!(
                "{{\"frame\": {{\"channel\": \"studio-1\", \"captured_at\": \"2026-03-07T09:06:10.5Z\", \
                 \"bucket\": \"pictures\", \"key\": \"studio 1/+.jpg\"{extra}}}}}"
            )
            .as_bytes(),
        )
    };
    let bare = own("");
    assert_eq!(
        (bare.channel.as_str(), bare.captured_at.to_string().as_str()),
        ("studio-1", "2026-03-07T09:06:10.500Z")
    );
    assert_eq!((&*bare.object.key, bare.session.as_ref(), bare.recording.as_ref()), ("studio 1/+.jpg", None, None));
    let named = own(", \"number\": 3, \"session\": \"st-7\", \"version\": \"v1\", \"etag\": \"\\\"abc\\\"\"");
    assert_eq!(named.session.as_ref().map(SessionId::as_str), Some("st-7"));
    assert_eq!((named.object.version.as_deref(), named.object.etag.as_deref()), (Some("v1"), Some("abc")));
    assert_eq!((bare.number, named.number), (None, Some(3)));
    assert_eq!(bare.id(), own("").id());
    assert_ne!(bare.id(), named.id());
}
