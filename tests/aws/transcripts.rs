//! What was said in segments, and the bus: it stays here unless it is asked for; then it stands beside its event, and where
//! it is erased, over, damaged or too long the event goes without it and says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use streamwarden::consumers::{NewReplay, Place};
use streamwarden::control::NoControl;
use streamwarden::events::{
    Actor, Event, EventType, Filter, FrameAssessed, NewEvent, ReplaySpeed, ReplayTarget, SegmentFacts, Spoken, Timings,
};
use streamwarden::journal::{Append, Expected, Journal};
use streamwarden::model::{
    ConsumerName, ContentRef, EventId, Fingerprint, FrameId, Medium, PolicyId, PolicyRef, Position, ProviderRef,
    Sentence, Sha256, Stretch, Transcript, Verdict, subjects,
};
use streamwarden::outbox::{Bus, BusReplays, Outbox, contract};

use crate::conforms;
use crate::outbox::{ScriptedBus, WHOLE_CALL, begin, everything};
use crate::premises::{Live, PATIENCE, Premises, channel, session};
use crate::queue::Queue;
use crate::serving::Serving;
use crate::standins::{REGION, emulated, emulator};

/// A word that stands nowhere else.
const WORD: &str = "Rumpelstiltskin";

fn transcript(text: &str) -> Transcript {
    let during = Stretch { from_ms: 400, to_ms: 2_900 };
    let sentence = Sentence { during, text: text.into(), labels: Vec::new() };
    Transcript { language: Some("EN".into()), sentences: vec![sentence] }
}

/// Keeps bytes where what was said on that channel is kept.
fn kept(live: &Live, name: &str, bytes: &[u8]) -> ContentRef {
    live.house.content.put(&subjects::of_transcripts(&channel(name)), bytes).unwrap()
}

fn kept_words(live: &Live, name: &str, text: &str) -> ContentRef {
    kept(live, name, &serde_json::to_vec(&transcript(text)).unwrap())
}

/// Records that the sound of a segment of that channel was judged, and where the words are. Its event's id.
async fn heard(live: &Live, name: &str, transcript: Option<ContentRef>) -> String {
    let frame = FrameId::of(&channel(name), &[b"segment"]);
    let event = FrameAssessed {
        frame,
        print: Fingerprint::of(&[b"segment"]),
        session: session(name),
        medium: Medium::Sound,
        image: None,
        object: None,
        segment: Some(Box::new(SegmentFacts { sha256: Sha256::of(b"segment"), bytes: 97_760 })),
        hash: None,
        distance: None,
        provider: ProviderRef { name: "hive-speech".into(), model: "1".into(), taxonomy: "hive-speech/1".into() },
        arranged: None,
        policy: PolicyRef { id: PolicyId::new("p").unwrap(), version: 1 },
        labels: Vec::new(),
        answer: None,
        moments: Vec::new(),
        spoken: Some(Box::new(Spoken { language: Some("EN".into()), transcript })),
        unmapped: 0,
        content_types: Vec::new(),
        floor: None,
        near: None,
        rules: Vec::new(),
        verdict: Verdict::Clear,
        late: false,
        shadow: None,
        took: Timings::default(),
    };
    let (id, actor) = (EventId::outcome_of(frame), Actor::service("test"));
    let new = NewEvent { id, event: event.into(), captured_at: None, actor, causation: None, correlation: None };
    let append = Append { scope: channel(name).into(), expected: Expected::Any, events: vec![new] };
    live.house.journal.append(append).durable().await.unwrap();
    id.to_string()
}

fn of<'a>(taken: &'a [Value], id: &str) -> Option<&'a Value> {
    taken.iter().find(|detail| detail["id"] == id)
}

fn check_schema(detail: &Value) {
    let wrong = conforms::findings(&contract::detail_schema(EventType::FrameAssessed), detail);
    assert!(wrong.is_empty(), "{wrong:#?} in {detail:#}");
}

#[actix_rt::test]
async fn no_word_of_what_was_said_is_on_the_bus_unless_it_is_asked_for() {
    let (premises, bus) = (Premises::new(), ScriptedBus::start(Box::new(|_, _| None)));
    let live = premises.open(Arc::new(NoControl)).await;
    let mut outbox = Outbox::default();
    begin(&live, &mut outbox, &Arc::new(bus.bare_bus(&everything()))).await;
    let said = kept_words(&live, "a", WORD);
    let id = heard(&live, "a", Some(said.clone())).await;
    let taken = bus.until("the event is taken", |taken| of(taken, &id).is_some()).await;
    let detail = of(&taken, &id).unwrap();
    assert_eq!(detail["payload"]["spoken"]["transcript"]["digest"], said.digest.to_string());
    assert_eq!((detail.get("transcript"), detail.get("transcript_left_out")), (None, None));
    assert!(!json!(taken).to_string().contains(WORD));
    check_schema(detail);
    outbox.close().await;
    live.close().await;
}

#[actix_rt::test]
async fn what_was_said_arrives_beside_its_event_and_in_replays_as_its_schema_says() {
    let (premises, queue) = (Premises::new(), Queue::new("transcripts").await);
    queue.follows_bus("transcripts").await;
    let live = premises.open(Arc::new(NoControl)).await;
    let bus = Bus::new(emulated().event_bus("transcripts"), &everything()).unwrap();
    let bus = Arc::new(bus.with_transcripts(live.house.content.clone()));
    let mut outbox = Outbox::default();
    begin(&live, &mut outbox, &bus).await;
    outbox.replay(BusReplays::new(live.journal(), live.house.consumers.clone(), bus));
    let said = kept_words(&live, "a", WORD);
    let ids = [heard(&live, "a", Some(said)).await, heard(&live, "silent", None).await];
    let job = NewReplay {
        name: ConsumerName::new("once-more").unwrap(),
        from: Place::After(Position(0)),
        to: Place::After(*live.house.journal.watermark().borrow()),
        filter: Filter { types: vec![EventType::FrameAssessed], ..Filter::default() },
        target: ReplayTarget::EventBridge,
        speed: ReplaySpeed::Max,
    };
    let consumers = live.house.consumers.clone();
    let starting = move || consumers.start_replay(&job, &Actor::service("test")).unwrap();
    tokio::task::spawn_blocking(starting).await.unwrap();
    let mut arrived: Vec<Value> = Vec::new();
    let is_there = |arrived: &[Value], id: &str, replayed: bool| {
        arrived.iter().any(|detail| detail["id"] == id && detail.get("replay").is_some() == replayed)
    };
    let is_other = |detail: &Value| detail["type"] == "ReplayStarted";
    while !ids.iter().all(|id| is_there(&arrived, id, false) && is_there(&arrived, id, true))
        || !arrived.iter().any(is_other)
    {
        arrived.extend(queue.receive().await.into_iter().map(|event| event["detail"].clone()));
    }
    let assessed = || arrived.iter().filter(|detail| detail["type"] == "FrameAssessed");
    for detail in assessed() {
        check_schema(detail);
        let expected = (detail["id"] == *ids[0]).then(|| serde_json::to_value(transcript(WORD)).unwrap());
        assert_eq!((detail.get("transcript"), detail.get("transcript_left_out")), (expected.as_ref(), None));
    }
    let mut others = arrived.iter().filter(|detail| detail["type"] != "FrameAssessed");
    assert!(others.all(|detail| detail.get("transcript").is_none() && detail.get("transcript_left_out").is_none()));
    let kept = live.events().iter().map(|event| format!("{:?}", event.event().unwrap())).collect::<String>();
    assert!(!kept.contains(WORD), "no event of the journal has a word of it");
    outbox.close().await;
    live.close().await;
}

#[actix_rt::test]
async fn what_is_gone_or_damaged_stays_behind_and_the_event_says_so_and_is_not_held_up() {
    let (premises, tried) = (Premises::new(), Arc::new(AtomicBool::new(false)));
    let was_tried = tried.clone();
    // A bus that takes nothing as long as words stand beside it.
    let bus = ScriptedBus::start(Box::new(move |detail, _| {
        let has_words = detail.to_string().contains(WORD);
        was_tried.fetch_or(has_words, Ordering::SeqCst);
        has_words.then_some("InternalFailure")
    }));
    let live = premises.open(Arc::new(NoControl)).await;
    let mut outbox = Outbox::default();
    let content = live.house.content.clone();
    begin(&live, &mut outbox, &Arc::new(bus.bare_bus(&everything()).with_transcripts(content.clone()))).await;

    let erased = kept_words(&live, "erased", WORD);
    content.erase(&erased.subject).unwrap();
    let expired = kept_words(&live, "expired", WORD);
    assert!(content.expire(&expired).unwrap());
    let missing = ContentRef { digest: Sha256::of(b"nothing"), ..kept_words(&live, "missing", WORD) };
    let other = kept(&live, "other", format!("{{\"words\":\"{WORD}\"}}").as_bytes());
    let waits = kept_words(&live, "slow", WORD);
    let mut expected = Vec::new();
    for (name, said, why) in [
        ("erased", erased, "erased"),
        ("expired", expired, "expired"),
        ("missing", missing, "unreadable"),
        ("other", other, "unreadable"),
    ] {
        expected.push((heard(&live, name, Some(said)).await, why));
    }
    let last = heard(&live, "slow", Some(waits.clone())).await;
    let taken = bus
        .until("those of other channels are taken", |taken| expected.iter().all(|(id, _)| of(taken, id).is_some()))
        .await;
    assert!(of(&taken, &last).is_none());
    // Erased while the bus does not take it: it was read for a try that failed, and is read anew for the next.
    let is_tried = async {
        while !tried.load(Ordering::SeqCst) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, is_tried).await.expect("it is tried with its words");
    content.erase(&waits.subject).unwrap();
    expected.push((last.clone(), "erased"));
    let taken = bus.until("the last is taken", |taken| of(taken, &last).is_some()).await;
    for (id, why) in expected {
        let detail = of(&taken, &id).unwrap();
        assert_eq!((detail.get("transcript"), &detail["transcript_left_out"]), (None, &json!(why)));
        check_schema(detail);
    }
    assert!(!json!(taken).to_string().contains(WORD));
    outbox.close().await;
    live.close().await;
}

#[actix_rt::test]
async fn what_is_too_long_for_targets_stays_behind_and_what_fits_goes_in_calls_of_its_own() {
    const TARGETS_TAKE: usize = 256 * 1024; // what SNS does, which takes the least
    let (premises, bus) = (Premises::new(), ScriptedBus::start(Box::new(|_, _| None)));
    let live = premises.open(Arc::new(NoControl)).await;
    let mut ids = Vec::new();
    let mut outbox = Outbox::default();
    let with_words = bus.bare_bus(&everything()).with_transcripts(live.house.content.clone());
    begin(&live, &mut outbox, &Arc::new(with_words)).await;
    let names = ["a", "b", "c", "d", "e", "f"]; // together more than one call holds, which the bus would not let pass
    for (name, bytes) in names.into_iter().map(|name| (name, 250_000)).chain([("long", 258_000)]) {
        let said = kept_words(&live, name, &"x".repeat(bytes));
        ids.push(heard(&live, name, Some(said)).await);
    }
    let taken = bus.until("all are taken", |taken| ids.iter().all(|id| of(taken, id).is_some())).await;
    let (long, fit) = ids.split_last().unwrap();
    for id in fit {
        let detail = of(&taken, id).unwrap();
        assert_eq!(detail["transcript"]["sentences"][0]["text"].as_str().unwrap().len(), 250_000);
        assert!(detail.to_string().len() < TARGETS_TAKE);
    }
    let detail = of(&taken, long).unwrap();
    assert_eq!((detail.get("transcript"), &detail["transcript_left_out"]), (None, &json!("too_long")));
    check_schema(detail);
    outbox.close().await;
    live.close().await;
}

#[actix_rt::test]
async fn an_event_that_is_refused_with_its_words_goes_without_them_and_is_set_aside_only_if_refused_again() {
    const TAKES: usize = 64 * 1024;
    for code in ["MalformedDetail", WHOLE_CALL] {
        let premises = Premises::new();
        let bus = ScriptedBus::start(Box::new(move |detail, _| {
            let of_hopeless = detail["type"] == "FrameAssessed" && detail["scope"] == channel("hopeless").as_str();
            (of_hopeless || detail.to_string().len() > TAKES).then_some(code)
        }));
        let live = premises.open(Arc::new(NoControl)).await;
        let mut outbox = Outbox::default();
        let with_words = bus.bare_bus(&everything()).with_transcripts(live.house.content.clone());
        begin(&live, &mut outbox, &Arc::new(with_words)).await;
        let long = kept_words(&live, "long", &WORD.repeat(10_000));
        let long = heard(&live, "long", Some(long)).await;
        let short = kept_words(&live, "short", WORD);
        let short = heard(&live, "short", Some(short)).await;
        let hopeless = kept_words(&live, "hopeless", WORD);
        let hopeless = heard(&live, "hopeless", Some(hopeless)).await;
        let taken =
            bus.until("what may be is taken", |taken| [&long, &short].iter().all(|id| of(taken, id).is_some())).await;
        let detail = of(&taken, &long).unwrap();
        assert_eq!((detail.get("transcript"), &detail["transcript_left_out"]), (None, &json!("refused")));
        check_schema(detail);
        let detail = of(&taken, &short).unwrap();
        assert_eq!(detail["transcript"], serde_json::to_value(transcript(WORD)).unwrap());
        let parked = live.until("what is refused again is set aside", |it| matches!(it, Event::EntryParked(_))).await;
        let Event::EntryParked(parked) = parked else { unreachable!() };
        assert_eq!(parked.event.to_string(), hopeless, "and nothing else is");
        assert!(parked.reason.contains(code), "{parked:?}");
        outbox.close().await;
        let recorded = live.events();
        let parked = recorded.iter().filter(|event| event.envelope.event_type == EventType::EntryParked.name()).count();
        let recorded = recorded.iter().map(|event| format!("{:?}", event.event().unwrap())).collect::<String>();
        assert!(parked == 1 && !recorded.contains(WORD), "no event of the journal has a word of what was said");
        live.close().await;
    }
}

/// A configuration with that bus at that address.
fn configured(premises: &Premises, address: &str, name: &str, transcripts: bool) -> String {
    let data = premises.path();
    format!(
        "[data]\ndirectory = {data:?}\n[listen]\naddress = \"127.0.0.1:0\"\n[auth]\nways = [\"open\"]\n[logs]\n\
         filter = \"trace\"\n[provider]\nlocal_model = \"\"\n[aws]\nregion = {REGION:?}\n[aws.endpoints]\n\
         eventbridge = {address:?}\n[outbox.bus]\nname = {name:?}\ntypes = [\"FrameAssessed\"]\n\
         transcripts = {transcripts}\n"
    )
}

/// Starts a replay of judged frames to the bus. What was asked for.
async fn shows(serving: &Serving, name: &str) -> Value {
    let job = json!({ "name": name, "target": "event_bridge", "filter": { "types": ["FrameAssessed"] } });
    let _ = rustls::crypto::ring::default_provider().install_default(); // reqwest wants one; the first test sets it
    let starting = reqwest::Client::new().post(format!("{}/v1/replays", serving.base)).json(&job);
    let started = starting.send().await.unwrap();
    assert_eq!(started.status().as_u16(), 201, "{}", started.text().await.unwrap());
    job
}

/// The program itself, over what was recorded and kept before: a replay shows it on the bus.
#[actix_rt::test]
async fn the_program_puts_words_on_the_bus_only_where_its_configuration_says_so_and_logs_none() {
    const NAME: &str = "transcripts-serving";
    let (premises, queue) = (Premises::new(), Queue::new(NAME).await);
    queue.follows_bus(NAME).await;
    let live = premises.open(Arc::new(NoControl)).await;
    let said = kept_words(&live, "a", WORD);
    let id = heard(&live, "a", Some(said)).await;
    live.close().await;
    let folder = tempfile::tempdir().unwrap();
    let (config, log) = (folder.path().join("streamwarden.toml"), folder.path().join("log"));
    for asked in [false, true] {
        std::fs::write(&config, configured(&premises, emulator(), NAME, asked)).unwrap();
        let serving = Serving::start_logging(&config, std::fs::File::create(&log).unwrap());
        let job = shows(&serving, &format!("asked-{asked}")).await;
        let detail = loop {
            if let Some(event) = queue.receive().await.pop() {
                break event["detail"].clone();
            }
        };
        assert_eq!((&detail["id"], &detail["replay"]["name"]), (&json!(id), &job["name"]));
        let expected = asked.then(|| serde_json::to_value(transcript(WORD)).unwrap());
        assert_eq!(detail.get("transcript"), expected.as_ref());
        serving.end();
        let log = std::fs::read_to_string(&log).unwrap();
        assert_eq!(log.contains("names one that hears (hive-speech)"), asked, "nobody hears, and it says so");
        assert!(log.contains("PutEvents") && !log.contains(WORD), "its log is that of the call, and has no word");
    }
}

/// The same, before a bus whose errors quote what they are about.
#[actix_rt::test]
async fn a_refusal_that_quotes_what_was_said_brings_no_word_of_it_into_the_log_or_the_journal() {
    for code in ["MalformedDetail", WHOLE_CALL, "InternalFailure"] {
        let (premises, folder) = (Premises::new(), tempfile::tempdir().unwrap());
        let bus = ScriptedBus::start(Box::new(move |detail, before| {
            let with_words = detail.to_string().contains(WORD);
            (with_words && (code != "InternalFailure" || before == 0)).then_some(code)
        }));
        let live = premises.open(Arc::new(NoControl)).await;
        let said = kept_words(&live, "a", WORD);
        let id = heard(&live, "a", Some(said)).await;
        live.close().await;
        let (config, log) = (folder.path().join("streamwarden.toml"), folder.path().join("log"));
        std::fs::write(&config, configured(&premises, bus.address(), "quotes", true)).unwrap();
        let serving = Serving::start_logging(&config, std::fs::File::create(&log).unwrap());
        shows(&serving, "quoted").await;
        let taken = bus.until("it is taken in the end", |taken| of(taken, &id).is_some()).await;
        let is_passing = code == "InternalFailure";
        let detail = of(&taken, &id).unwrap();
        assert_eq!(
            (detail.get("transcript").is_some(), detail.get("transcript_left_out").is_some()),
            (is_passing, !is_passing)
        );
        serving.end();
        let log = std::fs::read_to_string(&log).unwrap();
        assert!(is_passing || log.contains(&format!("PutEvents: refused ({code}): ")), "the log tells the code");
        assert!(
            !log.contains(WORD),
            "{code}: {:#?}",
            log.lines().filter(|line| line.contains(WORD)).collect::<Vec<_>>()
        );
        let live = premises.open(Arc::new(NoControl)).await;
        let recorded = live.events().iter().map(|event| format!("{:?}", event.event().unwrap())).collect::<String>();
        assert!(!recorded.contains(WORD) && !recorded.contains("EntryParked"));
        live.close().await;
    }
}
