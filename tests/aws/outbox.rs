//! Events leaving: through the emulator's bus, rule and queue; past a bus that fails as it is told to; again and again
//! over restarts; into a chat room and as notices.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use actix_web::{App, HttpResponse, HttpServer, web};
use serde_json::{Value, json};
use streamwarden::aws::{Aws, CallTimes, Class, Endpoints};
use streamwarden::clock::SystemClock;
use streamwarden::consumers::{NewReplay, Place, ReplayState};
use streamwarden::control::NoControl;
use streamwarden::events::{
    Actor, EnforcementKind, Event, EventType, Filter, NewEvent, Recorded, ReplaySpeed, ReplayTarget, WarningRaised,
};
use streamwarden::journal::Journal;
use streamwarden::model::{
    Action, Approval, ConsumerName, Epoch, EventId, FrameId, OnUnavailable, PolicyId, PolicyRef, Position, RuleId,
    Scope, Sequence, Timestamp, WarningId,
};
use streamwarden::outbox::{
    Bus, BusReplays, BusSettings, Chat, ChatSettings, Destination, Lane, NoticeSettings, Notices, Outbox, contract,
};
use tokio::sync::watch;

use crate::conforms;
use crate::premises::{Live, PATIENCE, Premises, channel, session};
use crate::queue::Queue;
use crate::standins::{REGION, Stage, emulated, emulator, key, sdk};

/// A bus that stands in for EventBridge where answers are scripted: it takes what `refuses` lets pass. Its errors quote what
/// they are about, as those of services do, and what was said first of all.
pub struct ScriptedBus {
    address: String,
    /// Details taken, in order.
    pub taken: watch::Sender<Vec<Value>>,
}

/// The code with which a whole call is refused because of one of its entries.
pub const WHOLE_CALL: &str = "ValidationException";

/// Which code an entry gets, by its detail and how often it came before; none: it is taken.
pub type Refuses = dyn Fn(&Value, usize) -> Option<&'static str> + Send + Sync;

impl ScriptedBus {
    pub fn start(refuses: Box<Refuses>) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let bus = Arc::new(Self { address, taken: watch::Sender::new(Vec::new()) });
        let (taking, came) = (bus.clone(), Arc::new(Mutex::new(HashMap::<String, usize>::new())));
        let refuses: Arc<Refuses> = refuses.into();
        let server = HttpServer::new(move || {
            let (bus, came, refuses) = (taking.clone(), came.clone(), refuses.clone());
            let app = App::new().app_data(web::PayloadConfig::new(2 << 20)); // a call, as it is written: quotes are escaped
            app.default_service(web::to(move |body: web::Bytes| {
                let answer = bus.put(&serde_json::from_slice(&body).unwrap(), &mut came.lock().unwrap(), &*refuses);
                let refused = answer.get("__type").is_some();
                let mut response = if refused { HttpResponse::BadRequest() } else { HttpResponse::Ok() };
                async move { response.content_type("application/x-amz-json-1.1").body(answer.to_string()) }
            }))
        });
        actix_rt::spawn(server.workers(1).disable_signals().listen(listener).unwrap().run());
        bus
    }

    fn put(&self, call: &Value, came: &mut HashMap<String, usize>, refuses: &Refuses) -> Value {
        let Some(entries) = call["Entries"].as_array() else { return json!({}) }; // whether it is there was asked
        assert!(entries.len() <= 10, "a call holds at most ten");
        let bytes: usize = entries.iter().map(|entry| entry["Detail"].as_str().unwrap().len()).sum();
        assert!(bytes < 1_000_000, "a call holds less than a megabyte");
        let mut failed = 0;
        let (mut answers, mut taken) = (Vec::new(), Vec::new());
        for entry in entries {
            let detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
            assert_eq!((&entry["Source"], &entry["DetailType"]), (&json!("streamwarden"), &detail["type"]));
            let before = came.entry(detail["id"].as_str().unwrap().to_owned()).or_default();
            match refuses(&detail, *before) {
                None => {
                    answers.push(json!({ "EventId": detail["id"] }));
                    taken.push(detail);
                }
                Some(code) => {
                    failed += 1;
                    *before += 1;
                    let quoted = format!("not valid: {}", detail.get("transcript").unwrap_or(&detail));
                    if code == WHOLE_CALL {
                        return json!({ "__type": code, "message": quoted });
                    }
                    answers.push(json!({ "ErrorCode": code, "ErrorMessage": quoted }));
                }
            }
        }
        self.taken.send_modify(|before| before.extend(taken));
        json!({ "FailedEntryCount": failed, "Entries": answers })
    }

    /// Where it listens.
    pub fn address(&self) -> &str {
        &self.address
    }

    fn bus(&self, settings: &BusSettings) -> Arc<Bus> {
        Arc::new(self.bare_bus(settings))
    }

    /// The bus as the program has it, before it is shared.
    pub fn bare_bus(&self, settings: &BusSettings) -> Bus {
        let endpoints = Endpoints { eventbridge: Some(self.address.clone()), ..Endpoints::default() };
        let aws = Aws::for_endpoints(REGION, endpoints, key(), CallTimes::default());
        Bus::new(aws.event_bus("scripted"), settings).unwrap()
    }

    /// Waits until the details taken are as wanted.
    pub async fn until(&self, what: &str, wanted: impl FnMut(&Vec<Value>) -> bool) -> Vec<Value> {
        let mut taken = self.taken.subscribe();
        let waited = tokio::time::timeout(PATIENCE, taken.wait_for(wanted)).await;
        match waited {
            Ok(found) => found.unwrap().clone(),
            Err(_) => panic!("{what}: taken were {:#?}", self.taken.borrow()),
        }
    }
}

/// Every type that may be put: so that nothing that a test causes is left out.
pub fn everything() -> BusSettings {
    BusSettings { types: contract::types().collect(), calls_per_second: 1000, replay_share_percent: 50 }
}

/// What happens on some channels: sessions, and stops that nobody can carry out.
async fn cause_events(live: &Live, names: &[&str]) {
    for name in names {
        live.starts(&channel(name), &session(name)).await;
        let stop = live.asks(&channel(name), EnforcementKind::Stop, Some(&session(name))).await;
        live.end_of(stop).await;
    }
}

fn ids(details: &[Value]) -> BTreeSet<String> {
    details.iter().map(|detail| detail["id"].as_str().unwrap().to_owned()).collect()
}

/// Ids of the events after `after` that the lane is to put.
fn recorded(live: &Live, after: Position) -> BTreeSet<String> {
    let events = live.events().into_iter().filter(|event| event.envelope.position > after);
    let put = events.filter(|event| event.envelope.event_type != EventType::EntryParked.name());
    put.map(|event| event.envelope.id.to_string()).collect()
}

fn head(live: &Live) -> Position {
    *live.house.journal.watermark().borrow()
}

/// Runs a lane and waits until it has taken up its place.
pub async fn begin(live: &Live, outbox: &mut Outbox, bus: &Arc<Bus>) -> Position {
    let place = head(live);
    outbox.run(Lane::new(live.journal(), bus.clone()));
    let cursor = ConsumerName::new("lane/eventbridge").unwrap();
    let waiting = async {
        while live.house.journal.cursor(&cursor).unwrap().is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("the lane begins");
    place
}

#[actix_rt::test]
async fn an_event_put_on_the_bus_matches_a_rule_and_arrives_as_its_schema_says() {
    let (premises, queue) = (Premises::new(), Queue::new("arrives").await);
    queue.follows_bus("arrives").await;
    let bus = Arc::new(Bus::new(emulated().event_bus("arrives"), &everything()).unwrap());
    bus.check().await.expect("the bus is there");
    let live = premises.open(Arc::new(NoControl)).await;
    let mut outbox = Outbox::default();
    let place = begin(&live, &mut outbox, &bus).await;
    cause_events(&live, &["a", "b"]).await;
    let expected = recorded(&live, place);
    let mut arrived = BTreeMap::new();
    while !expected.iter().all(|id| arrived.contains_key(id)) {
        for event in queue.receive().await {
            assert_eq!((&event["source"], &event["detail-type"]), (&json!("streamwarden"), &event["detail"]["type"]));
            let known = EventType::from_name(event["detail-type"].as_str().unwrap()).unwrap();
            let wrong = conforms::findings(&contract::detail_schema(known), &event["detail"]);
            assert!(wrong.is_empty(), "{wrong:#?} in {event:#}");
            if let Some(channel) = event["detail"]["scope"].as_str().filter(|scope| scope.starts_with("arn:")) {
                assert_eq!(event["resources"], json!([channel]));
            }
            arrived.insert(event["detail"]["id"].as_str().unwrap().to_owned(), event);
        }
    }
    outbox.close().await;
    live.close().await;
}

#[actix_rt::test]
async fn a_bus_that_is_not_there_is_found_at_the_start() {
    let bus = Bus::new(emulated().event_bus("nobody-made-it"), &BusSettings::default()).unwrap();
    assert_eq!(bus.check().await.unwrap_err().class, Class::NotFound);
}

#[actix_rt::test]
async fn what_failed_is_tried_again_alone_in_order_and_holds_nobody_else_back() {
    let (premises, freed) = (Premises::new(), Arc::new(AtomicBool::new(false)));
    let (slow, quick) = (channel("slow").as_str().to_owned(), channel("quick").as_str().to_owned());
    let (of_slow, is_free) = (slow.clone(), freed.clone());
    let bus = ScriptedBus::start(Box::new(move |detail, before| {
        let refuses = detail["scope"] == of_slow.as_str() && !is_free.load(Ordering::SeqCst);
        refuses.then_some(if before % 2 == 0 { "InternalFailure" } else { "ThrottlingException" })
    }));
    let live = premises.open(Arc::new(NoControl)).await;
    let mut outbox = Outbox::default();
    let place = begin(&live, &mut outbox, &bus.bus(&everything())).await;
    cause_events(&live, &["slow", "quick"]).await;
    let last_of_quick = |taken: &Vec<Value>| {
        taken.iter().any(|one| one["scope"] == quick.as_str() && one["type"] == "EnforcementFailed")
    };
    let taken = bus.until("the other channel's events are taken", last_of_quick).await;
    assert!(taken.iter().all(|one| one["scope"] != slow.as_str()), "the first that failed holds back those behind it");
    freed.store(true, Ordering::SeqCst);
    let expected = recorded(&live, place);
    let taken = bus.until("everything is taken", |taken| ids(taken).is_superset(&expected)).await;
    assert_eq!(taken.len(), ids(&taken).len(), "nothing that was taken is sent again");
    for scope in [&slow, &quick] {
        let of: Vec<_> =
            taken.iter().filter(|one| one["scope"] == scope.as_str()).map(|one| one["sequence"].as_u64()).collect();
        assert!(of.is_sorted() && !of.is_empty(), "{scope}: {of:?}");
    }
    outbox.close().await;
    live.close().await;
}

#[actix_rt::test]
async fn what_is_refused_for_good_is_set_aside_by_an_event_and_the_rest_goes_on() {
    let premises = Premises::new();
    let bus = ScriptedBus::start(Box::new(|detail, _| {
        (detail["type"] == "EnforcementRequested").then_some("MalformedDetail")
    }));
    let live = premises.open(Arc::new(NoControl)).await;
    let mut outbox = Outbox::default();
    begin(&live, &mut outbox, &bus.bus(&everything())).await;
    cause_events(&live, &["a"]).await;
    let parked = live.until("it is set aside", |event| matches!(event, Event::EntryParked(_))).await;
    let Event::EntryParked(parked) = parked else { unreachable!() };
    let of = live.events().into_iter().find(|event| event.envelope.id == parked.event).unwrap();
    assert_eq!((of.envelope.event_type.as_str(), of.envelope.position), ("EnforcementRequested", parked.position));
    assert!(parked.reason.contains("MalformedDetail") && parked.consumer.as_str() == "lane/eventbridge", "{parked:?}");
    bus.until("later events of the channel arrive", |taken| taken.iter().any(|one| one["type"] == "EnforcementFailed"))
        .await;
    outbox.close().await;
    live.close().await;
}

#[actix_rt::test]
async fn a_lane_cut_off_anywhere_goes_on_where_it_was_and_loses_nothing() {
    let (premises, bus) =
        (Premises::new(), ScriptedBus::start(Box::new(|_, before| (before == 0).then_some("InternalFailure"))));
    let mut expected = BTreeSet::new();
    for (round, name) in ["a", "b", "c", "d"].into_iter().enumerate() {
        let live = premises.open(Arc::new(NoControl)).await;
        let lane = Lane::new(live.journal(), bus.bus(&everything()));
        let (_keep, stop) = watch::channel(false);
        let running = actix_rt::spawn(lane.run(stop));
        if round == 0 {
            let cursor = ConsumerName::new("lane/eventbridge").unwrap();
            while live.house.journal.cursor(&cursor).unwrap().is_none() {
                tokio::task::yield_now().await;
            }
        }
        let place = head(&live);
        cause_events(&live, &[name]).await;
        expected.extend(recorded(&live, place));
        let before = bus.taken.borrow().len();
        bus.until("it begins", |taken| taken.len() > before + round).await;
        running.abort(); // as if the process had ended: nothing is said, nothing kept
        let _ = running.await;
        live.close().await;
    }
    let live = premises.open(Arc::new(NoControl)).await;
    let mut outbox = Outbox::default();
    outbox.run(Lane::new(live.journal(), bus.bus(&everything())));
    bus.until("everything is taken", |taken| ids(taken).is_superset(&expected)).await;
    outbox.close().await;
    live.close().await;
}

#[actix_rt::test]
async fn a_replay_to_the_bus_is_marked_and_does_not_move_the_live_place() {
    let (premises, bus) =
        (Premises::new(), ScriptedBus::start(Box::new(|_, before| (before == 0).then_some("ThrottlingException"))));
    let live = premises.open(Arc::new(NoControl)).await;
    cause_events(&live, &["past"]).await; // before there was a lane
    let past = recorded(&live, Position(0));
    let mut outbox = Outbox::default();
    let to = bus.bus(&everything());
    let place = begin(&live, &mut outbox, &to).await;
    outbox.replay(BusReplays::new(live.journal(), live.house.consumers.clone(), to));
    let job = NewReplay {
        name: ConsumerName::new("once-more").unwrap(),
        from: Place::After(Position(0)),
        to: Place::After(place),
        filter: Filter::default(),
        target: ReplayTarget::EventBridge,
        speed: ReplaySpeed::Max,
    };
    let consumers = live.house.consumers.clone();
    let starting = move || consumers.start_replay(&job, &Actor::service("test")).unwrap();
    let started = tokio::task::spawn_blocking(starting).await.unwrap();
    let replayed = |taken: &Vec<Value>| -> Vec<Value> {
        taken.iter().filter(|one| one["replay"]["name"] == "once-more").cloned().collect()
    };
    let taken = bus.until("the past is shown", |taken| ids(&replayed(taken)).is_superset(&past)).await;
    assert!(replayed(&taken).iter().all(|one| one["replay"]["id"] == started.id.to_string()));
    live.until("the replay ends", |event| matches!(event, Event::ReplayEnded(_))).await;
    let completed = async {
        // The event is there first.
        while !matches!(live.house.consumers.replay(started.id).unwrap().state, ReplayState::Completed) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, completed).await.expect("the job says that it is completed");
    let live_ones: Vec<_> = taken.iter().filter(|one| one.get("replay").is_none()).cloned().collect();
    assert!(ids(&live_ones).is_disjoint(&past), "the live lane did not go back");
    outbox.close().await;
    live.close().await;
}

#[actix_rt::test]
async fn a_room_is_told_and_a_room_that_is_gone_holds_no_other_channel_back() {
    const ROOM: &str = "arn:aws:ivschat:us-east-1:123456789012:room/abcdABCDefgh";
    const GONE: &str = "arn:aws:ivschat:us-east-1:123456789012:room/gonegonegone";
    let (premises, stage) = (Premises::new(), Stage::new());
    let live = premises.open(Arc::new(NoControl)).await;
    let rooms = BTreeMap::from([(channel("a"), ROOM.to_owned()), (channel("gone"), GONE.to_owned())]);
    let settings = ChatSettings { rooms, types: vec![EventType::EnforcementFailed], ..ChatSettings::default() };
    let chat = Chat::new(stage.aws().ivs_chat(), Arc::new(SystemClock), &settings).unwrap();
    let mut outbox = Outbox::default();
    outbox.run(Lane::new(live.journal(), Arc::new(chat)));
    let cursor = ConsumerName::new("lane/chat").unwrap();
    while live.house.journal.cursor(&cursor).unwrap().is_none() {
        tokio::task::yield_now().await;
    }
    cause_events(&live, &["gone", "nowhere", "a"]).await;
    live.until("what the room that is gone was to be told is set aside", |event| {
        matches!(event, Event::EntryParked(_))
    })
    .await;
    let told = async {
        loop {
            let calls = stage.calls().await;
            let sent = calls.into_iter().find(|call| call["status"] == 200 && call["op"] == "ivschat.SendEvent");
            if let Some(sent) = sent {
                return sent["request"].clone();
            }
            tokio::task::yield_now().await;
        }
    };
    let told = tokio::time::timeout(PATIENCE, told).await.expect("the room is told");
    assert_eq!((&told["roomIdentifier"], &told["eventName"]), (&json!(ROOM), &json!("streamwarden:EnforcementFailed")));
    assert_eq!(told["attributes"]["channel"], channel("a").as_str());
    outbox.close().await;
    live.close().await;
}

#[actix_rt::test]
async fn a_notice_arrives_where_the_topic_leads() {
    let (premises, queue) = (Premises::new(), Queue::new("notices").await);
    let sns = aws_sdk_sns::Client::new(&sdk(emulator()));
    let topic = sns.create_topic().name("notices").send().await.unwrap().topic_arn.unwrap();
    sns.subscribe().topic_arn(&topic).protocol("sqs").endpoint(queue.arn()).send().await.unwrap();
    let live = premises.open(Arc::new(NoControl)).await;
    let notices = Notices::new(emulated().sns(), &NoticeSettings::to(topic)).unwrap();
    let mut outbox = Outbox::default();
    outbox.run(Lane::new(live.journal(), Arc::new(notices)));
    let cursor = ConsumerName::new("lane/notices").unwrap();
    while live.house.journal.cursor(&cursor).unwrap().is_none() {
        tokio::task::yield_now().await;
    }
    cause_events(&live, &["a"]).await;
    let is_of_failure = |notice: &Value| notice["Subject"] == "Streamwarden: EnforcementFailed on a";
    let notice = loop {
        if let Some(notice) = queue.receive().await.into_iter().find(is_of_failure) {
            break notice;
        }
    };
    let message: Value = serde_json::from_str(notice["Message"].as_str().unwrap()).unwrap();
    assert_eq!((&message["type"], &message["scope"]), (&json!("EnforcementFailed"), &json!(channel("a").as_str())));
    outbox.close().await;
    live.close().await;
}

#[actix_rt::test]
async fn a_page_is_told_whatever_else_is_told_and_a_mere_warning_is_not() {
    let notices = NoticeSettings { types: vec![EventType::EnforcementFailed], ..NoticeSettings::to("arn:aws:sns:::t") };
    let notices = Notices::new(emulated().sns(), &notices).unwrap();
    let raised = |unavailable| {
        let rule = RuleId::on_unavailable();
        let frame = FrameId::of(&channel("a"), &[b"frame"]);
        let event = WarningRaised {
            medium: Default::default(),
            warning: WarningId::of(EventId::outcome_of(frame), &rule),
            frame,
            session: session("a"),
            policy: PolicyRef { id: PolicyId::new("p").unwrap(), version: 1 },
            rule,
            rev: 0,
            severity: 5,
            action: Action::Warn,
            approval: Approval::Person,
            label: None,
            margin: 0,
            cooldown_ms: 0,
            asks: None,
            unavailable: Some(unavailable),
            decided_by: None,
        };
        let id = EventId::outcome_of(frame);
        let actor = Actor::service("test");
        let new = NewEvent { id, event: event.into(), captured_at: None, actor, causation: None, correlation: None };
        let (scope, at) = (Scope::Channel(channel("a")), Timestamp::from_millis(0));
        Recorded::seal(&new, scope, Position(1), Sequence(1), at, Epoch(1)).unwrap()
    };
    let page = notices.letter(&raised(OnUnavailable::Page)).expect("it is told");
    assert_eq!(page.subject, "PAGE: Streamwarden: WarningRaised on a");
    assert!(page.attributes.contains(&("type", "WarningRaised".to_owned())), "{page:?}");
    assert!(notices.letter(&raised(OnUnavailable::Warn)).is_none());
}
