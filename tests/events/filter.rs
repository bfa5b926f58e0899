//! Which events a filter lets through: one row per field and side, and what must hold for every filter.

use proptest::prelude::*;
use streamwarden::events::*;
use streamwarden::model::*;

use crate::samples::sample;

/// The sample of a type in an envelope of its own: channel `demo/slides`, recorded at 12:00, captured at 11:59.
fn recorded(event_type: EventType) -> Recorded {
    let scope = match event_type {
        EventType::PolicyPublished => Scope::System(SystemScope::Policies),
        _ => ChannelId::new("demo/slides").expect("a sound id").into(),
    };
    let new = NewEvent {
        id: EventId::of_command("sample", &[event_type.name().as_bytes()]),
        event: sample(event_type),
        captured_at: (event_type != EventType::StoreOpened).then(|| at("2026-03-01T11:59:00Z")),
        actor: match event_type {
            EventType::ChannelWatched => {
                Actor::Warden(Some(PolicyRef { id: PolicyId::new("family-safe").expect("a sound id"), version: 11 }))
            }
            EventType::ChannelQuarantined => Actor::Moderator(ModeratorId::new("m-99").expect("a sound id")),
            _ => Actor::Warden(None),
        },
        causation: None,
        correlation: None,
    };
    Recorded::seal(&new, scope, Position(7), Sequence(3), at("2026-03-01T12:00:00Z"), Epoch(1)).expect("encodable")
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a moment")
}

fn parsed(query: &str) -> Filter {
    let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').expect("name=value"));
    Filter::from_parameters(pairs).unwrap_or_else(|error| panic!("{query}: {error}"))
}

fn refused(query: &str) -> FilterError {
    let pairs = query.split('&').map(|pair| pair.split_once('=').expect("name=value"));
    Filter::from_parameters(pairs).expect_err(query)
}

#[test]
fn every_field_lets_through_what_it_names_and_nothing_else() {
    use EventType::*;
    for (query, event_type, expected) in [
        ("", FrameAssessed, true),
        ("", StoreOpened, true),
        ("type=FrameAssessed", FrameAssessed, true),
        ("type=FrameSkipped", FrameAssessed, false),
        ("type=FrameSkipped,FrameAssessed", FrameAssessed, true),
        ("type=FrameSkipped&type=FrameAssessed", FrameAssessed, true),
        ("channel=demo/slides", FrameSkipped, true),
        ("channel=demo/*", FrameSkipped, true),
        ("channel=demo", FrameSkipped, false),
        ("channel=demo/*", PolicyPublished, false),
        ("channel=*", PolicyPublished, true),
        ("verdict=warn", FrameAssessed, true),
        ("verdict=clear,stop", FrameAssessed, false),
        ("verdict=warn", FrameSkipped, false),
        ("label=Explicit", FrameAssessed, true),
        ("label=Explicit/Explicit Nudity", WarningRaised, true),
        ("label=Violence", WarningRaised, false),
        ("label=Expl", WarningRaised, false),
        ("rule=explicit-nudity", FrameAssessed, true),
        ("rule=explicit-nudity", EnforcementRequested, true),
        ("rule=weapons", WarningRaised, false),
        ("moderator=m-17", WarningDismissed, true),
        ("moderator=lead-2", WarningEscalated, true),
        ("moderator=m-18", WarningDismissed, false),
        ("moderator=m-17", FrameAssessed, false),
        ("moderator=m-99", ChannelQuarantined, true), // by the envelope
        ("policy=family-safe", FrameAssessed, true),
        ("policy=family-safe@12", FrameAssessed, true),
        ("policy=family-safe@11", FrameAssessed, false),
        ("policy=family-safe@11", ChannelWatched, true), // by the envelope
        ("policy=other", PolicyPublished, false),
        ("recorded_from=2026-03-01T12:00:00Z", FrameSkipped, true),
        ("recorded_from=2026-03-01T12:00:00.000001Z", FrameSkipped, false),
        ("recorded_to=2026-03-01T12:00:00Z", FrameSkipped, false),
        ("recorded_to=2026-03-01T13:00:00.5+01:00", FrameSkipped, true),
        ("captured_from=2026-03-01T11:59:00Z", FrameSkipped, true),
        ("captured_to=2026-03-01T11:59:00Z", FrameSkipped, false),
        ("captured_from=2026-03-01T11:59:00Z", StoreOpened, false), // it has none
        ("type=FrameAssessed&verdict=warn&label=Violence", FrameAssessed, false), // all of them must hold
    ] {
        let filter = parsed(query);
        let event = recorded(event_type);
        assert_eq!(filter.matches(&event), Ok(expected), "{query} on {}", event_type.name());
        let decoded = event.event().expect("a known event");
        assert_eq!(filter.matches_decoded(&event.envelope, &decoded), expected, "{query} on {}", event_type.name());
    }
}

#[test]
fn a_caller_sees_their_channels_and_what_belongs_to_none_by_the_star_alone() {
    let patterns = |text: &str| vec![ChannelPattern::new(text).expect("a sound pattern")];
    for (allowed, event_type, expected) in [
        (patterns("demo/*"), EventType::FrameSkipped, true),
        (patterns("other/*"), EventType::FrameSkipped, false),
        (patterns("demo/*"), EventType::PolicyPublished, false),
        (patterns("*"), EventType::PolicyPublished, true),
        (Vec::new(), EventType::FrameSkipped, false),
    ] {
        let filter = Filter::default().restricted_to(&allowed);
        assert_eq!(filter.matches(&recorded(event_type)), Ok(expected), "{allowed:?} on {}", event_type.name());
        assert_eq!(filter.may_match(&recorded(event_type).envelope), expected);
    }
}

#[test]
fn an_unknown_type_matches_by_its_envelope_and_is_an_error_where_its_payload_is_asked() {
    let mut strange = recorded(EventType::FrameAssessed);
    strange.envelope.event_type = "WarningRumoured".to_owned();
    assert_eq!(parsed("channel=demo/*").matches(&strange), Ok(true));
    assert_eq!(parsed("type=FrameAssessed").matches(&strange), Ok(false));
    assert!(matches!(parsed("verdict=warn").matches(&strange), Err(CodecError::UnknownType { .. })));
}

#[test]
fn what_is_no_filter_names_the_parameter_and_what_it_takes() {
    for (query, expected) in [
        (
            "type=FrameJudged",
            "the parameter `type` takes types of events, as in `FrameAssessed,WarningRaised`; \"FrameJudged\" is none: no event has that type",
        ),
        (
            "type=",
            "the parameter `type` takes types of events, as in `FrameAssessed,WarningRaised`; \"\" is none: no event has that type",
        ),
        (
            "verdict=Warn",
            "the parameter `verdict` takes verdicts: clear, warn or stop; \"Warn\" is none: there is no such verdict",
        ),
        (
            "recorded_from=2026-03-01T12:00:00Z&recorded_to=2026-03-01T12:00:00Z",
            "`recorded_from` (2026-03-01T12:00:00Z) must lie before `recorded_to` (2026-03-01T12:00:00Z)",
        ),
        (
            "captured_to=2026-03-01T12:00:00Z&captured_to=2026-03-02T12:00:00Z",
            "the parameter `captured_to` takes one moment, this is another one: \"2026-03-02T12:00:00Z\"",
        ),
    ] {
        assert_eq!(refused(query).to_string(), expected);
    }
    for (query, parameter) in
        [("recorded_to=yesterday", "recorded_to"), ("channel=a b", "channel"), ("label=/", "label"), ("rule= ", "rule")]
    {
        assert_eq!(refused(query).parameter(), parameter);
    }
    let rules = vec!["r"; Filter::VALUES_MAX];
    parsed(&format!("rule={}", rules.join(",")));
    assert_eq!(refused(&format!("rule={},r", rules.join(","))), FilterError::TooMany { parameter: "rule" });
}

#[test]
fn as_json_it_reads_back_and_refuses_what_it_does_not_know() {
    let filter = parsed("type=FrameAssessed&verdict=stop&policy=family-safe@12&captured_to=2026-03-01T12:00:00Z");
    let json = serde_json::to_string(&filter).expect("a filter is JSON");
    assert_eq!(
        json,
        r#"{"types":["FrameAssessed"],"verdicts":["stop"],"policies":["family-safe@12"],"captured_to":"2026-03-01T12:00:00Z"}"#
    );
    assert_eq!(serde_json::from_str::<Filter>(&json).ok(), Some(filter));
    let refusal = |json: &str| serde_json::from_str::<Filter>(json).expect_err(json).to_string();
    assert!(refusal(r#"{"type":["FrameAssessed"]}"#).contains("unknown field `type`"));
    let rules = vec!["r"; Filter::VALUES_MAX + 1];
    assert!(refusal(&serde_json::json!({ "rules": rules }).to_string()).contains("at most 50 values"));
}

proptest! {
    /// What the envelope rules out, the payload must not let in; and the two ways to ask agree.
    #[test]
    fn whatever_matches_may_match(
        event_type in prop::sample::select(EventType::ALL),
        asked in prop::collection::vec(prop::sample::select(vec![
            "type=FrameAssessed,WarningRaised,WarningDismissed", "channel=demo/*", "verdict=warn", "verdict=clear",
            "label=Explicit", "rule=explicit-nudity", "moderator=m-17", "moderator=lead-2,m-99", "policy=family-safe",
            "policy=family-safe@11", "recorded_from=2026-03-01T00:00:00Z", "captured_to=2026-03-02T00:00:00Z",
        ]), 0..4),
    ) {
        let mut asked = asked;
        asked.sort_unstable();
        asked.dedup_by_key(|pair| pair.split('=').next());
        let filter = parsed(&asked.join("&"));
        let event = recorded(event_type);
        let matches = filter.matches(&event).expect("samples are known");
        prop_assert!(!matches || filter.may_match(&event.envelope));
        let decoded = event.event().expect("samples are known");
        prop_assert_eq!(filter.matches_decoded(&event.envelope, &decoded), matches);
    }
}
