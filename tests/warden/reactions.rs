//! What each event type calls for outside: a row for every type there is.

use std::collections::BTreeSet;

use streamwarden::events::{Event, EventType};
use streamwarden::warden::{Reaction, react};

use crate::lines;

/// A payload of each type, as JSON: only what a reaction could look at matters.
fn sample(event_type: EventType) -> Event {
    let id = "01010101010101010101010101010101";
    let print = "0101010101010101";
    let digest = "01".repeat(32);
    let content = serde_json::json!({ "subject": "x", "digest": digest, "bytes": 1 });
    let policy = serde_json::json!({ "id": "p", "version": 1 });
    let at = "2026-01-01T00:00:00Z";
    let everything = format!(
        r#"{{
        "session": "s1", "because": "announced", "frame": "{id}", "print": "{print}", "reason": "r", "attempts": 1,
        "stage": "provider", "outcome": "{id}", "unwatched_since": "{at}", "unwatched_ms": 1, "since": "{at}",
        "from": "{at}", "to": "{at}", "policy": {policy}, "warning": "{id}", "by": "ann", "until": "{at}",
        "lapsed": false, "note": {content}, "rule": "r", "rev": 1, "severity": 3, "action": "stop", "approval": "none",
        "label": ["Violence", 90.0], "margin": 1, "cooldown_ms": 0, "enforcement": "{id}", "kind": "stop",
        "expires": "{at}", "attempt": 1, "took_ms": 1, "found": "s2", "budget": {{"per_minute": {{"used": 1, "of": 1}}}},
        "text": {content}, "source": "folder", "copy": {content}, "origin": {{"person": {{"by": "ann", "warning": null}}}},
        "clean": true, "head": 1, "program": "1", "first": 1, "last": 2, "chain": "{digest}", "file": "{digest}",
        "bytes": 1, "finding": "f", "subject": "x", "hash": "phash-v1/rgb:0000000000000000", "distance": null,
        "image": {{"sha256": "{digest}", "bytes": 1, "width": 1, "height": 1, "format": "jpeg"}},
        "provider": {{"name": "stub", "model": "1", "taxonomy": "t"}}, "labels": [], "rules": [], "verdict": "clear",
        "took": [0, 0, 0], "undo_ms": 0, "content": {content}, "channel": "c", "what": "journal", "format": "csv",
        "filter": "", "events_max": 1, "consumer": "x", "slot": 0, "event": "{id}", "position": 1, "replay": "{id}",
        "name": "x", "target": "feed", "speed": "max", "how": "completed", "reached": 1,
        "object": {{"bucket": "b", "key": "k"}}, "place": "store", "after": 1, "through": 2, "kept_before": "{at}",
        "why": {content}, "upheld_by": "ben", "upheld_at": "{at}", "pictures": 1, "failures": 1, "suspended_since": "{at}",
        "change": "release"
        }}"#
    );
    let mut payload: serde_json::Value = serde_json::from_str(&everything).expect("the sample is JSON");
    match event_type {
        EventType::SessionStarted | EventType::SessionEnded => {}
        EventType::FrameSkipped => payload["because"] = "no_policy".into(),
        EventType::ChannelUnwatched => payload["because"] = "failed".into(),
        EventType::SegmentsUnjudged => {
            payload["medium"] = "sound".into();
            payload["because"] = "no_input".into();
        }
        EventType::CadenceChanged => {
            let pace = serde_json::json!({ "interval_ms": 1, "tolerance_ms": 1 });
            payload["because"] = "session_began".into();
            payload["from"] = pace.clone();
            payload["to"] = pace;
        }
        EventType::EnforcementRequested => payload["reason"] = content,
        EventType::WarningLapsed => payload["because"] = "watched_again".into(),
        EventType::EnforcementSuperseded => payload["because"] = "replaced".into(),
        EventType::WarningEscalated => payload["to"] = "ben".into(),
        EventType::EnforcementNotNeeded => payload["because"] = "already_offline".into(),
        EventType::EvidenceStored | EventType::EvidenceCopied | EventType::EvidenceUnkept => {
            payload["image"] = digest.clone().into();
        }
        EventType::ConsumerCreated | EventType::ReplayStarted => {
            payload["from"] = 1.into();
            payload["filter"] = serde_json::json!({});
        }
        EventType::OpinionGiven => {
            payload["role"] = "screened".into();
            payload["said"] =
                serde_json::json!({ "nothing": { "stage": "provider", "reason": "gone", "attempts": 1 } });
        }
        EventType::DecisionReceived => {
            payload["action"] = "ban".into();
            payload["then"] = "stop".into();
            payload["effect"] = "noted".into();
        }
        EventType::ErasureRequested => payload["what"] = serde_json::json!({ "person": "ann" }),
        EventType::CopiesErased => {
            payload["request"] = id.to_string().into();
            payload["copies"] = 1.into();
        }
        EventType::DataLossAccepted | EventType::ExportMade | EventType::ConsumerRewound => {
            payload["from"] = 1.into();
            payload["to"] = 2.into();
        }
        _ => {}
    }
    let tagged = serde_json::json!({ "type": event_type.name(), "payload": payload });
    serde_json::from_value(tagged).unwrap_or_else(|error| panic!("no sample of {}: {error}", event_type.name()))
}

#[test]
fn every_event_type_calls_for_what_the_table_says() {
    let mut rows = BTreeSet::new();
    for line in lines::read("reactions.table", include_str!("tables/reactions.table")) {
        let name = line.word(0);
        let event_type = EventType::from_name(name).unwrap_or_else(|| panic!("{}: no type {name}", line.place));
        let said = match react(&sample(event_type)) {
            None => "nothing".to_owned(),
            Some(Reaction::OpenEnforcement(_)) => "open".to_owned(),
            Some(Reaction::ContinueEnforcement(_)) => "continue".to_owned(),
            Some(Reaction::CloseEnforcement(_)) => "close".to_owned(),
            Some(Reaction::Notify(_)) => "notify".to_owned(),
            Some(Reaction::Alarm(alarm)) => format!("alarm {alarm:?}").to_lowercase(),
            Some(Reaction::ReloadPolicies) => "reload".to_owned(),
        };
        assert_eq!(said, line.words_from(2), "{}", line.place);
        rows.insert(name.to_owned());
    }
    let all: BTreeSet<String> = EventType::ALL.iter().map(|known| known.name().to_owned()).collect();
    assert_eq!(rows, all, "event types without a row");
}
