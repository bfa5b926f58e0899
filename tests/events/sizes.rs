//! Events are small. The bounds are on payloads; an envelope takes about 170 bytes more.

use streamwarden::events::{Event, EventType, encode};
use streamwarden::model::{Confidence, Label, LabelPath};

use crate::samples::{assessed, nothing_in_shadow, sample, similar_skip};

fn bytes(event: impl Into<Event>) -> usize {
    encode(&event.into()).expect("samples are encodable").len()
}

#[test]
fn a_similar_skip_takes_at_most_120_bytes() {
    let bytes = bytes(similar_skip());
    assert!(bytes <= 120, "{bytes}");
}

#[test]
fn an_assessed_frame_with_five_labels_and_a_met_rule_takes_at_most_600_bytes() {
    let bytes = bytes(assessed());
    assert!(bytes <= 600, "{bytes}");
}

#[test]
fn so_does_one_with_the_longest_names_of_the_taxonomy() {
    const KISSING: &str = "Non-Explicit Nudity of Intimate parts and Kissing";
    let paths = [
        KISSING.to_owned(),
        format!("{KISSING}/Kissing on the Lips"),
        format!("{KISSING}/Non-Explicit Nudity"),
        format!("{KISSING}/Non-Explicit Nudity/Exposed Male Nipple"),
        format!("{KISSING}/Obstructed Intimate Parts/Obstructed Female Nipple"),
    ];
    let label = |path| {
        Label(LabelPath::new(path).expect("a sound path"), Confidence::from_milli(98_765).expect("below 100,000"))
    };
    let bytes = bytes(streamwarden::events::FrameAssessed { labels: paths.map(label).into(), ..assessed() });
    assert!(bytes <= 600, "{bytes}");
}

#[test]
fn a_shadow_that_finds_nothing_adds_at_most_50_bytes_to_the_frame_and_no_event() {
    let watched = streamwarden::events::FrameAssessed { shadow: Some(nothing_in_shadow()), ..assessed() };
    let added = bytes(watched) - bytes(assessed());
    assert!(added <= 50, "{added}");
}

#[test]
fn no_sample_takes_more_than_600_bytes() {
    for event_type in EventType::ALL {
        let bytes = bytes(sample(*event_type));
        assert!(bytes <= 600, "{}: {bytes}", event_type.name());
    }
}
