//! The live picture over real connections: everything first, then each row as it stands after it changed.

use std::collections::BTreeMap;
use std::io::Read;
use std::time::Duration;

use serde_json::{Value, json};
use streamwarden::events::*;
use streamwarden::http::Patience;
use streamwarden::http::auth::config::{AuthConfig, Way};
use streamwarden::http::auth::{Role, Token, tokens_file};
use streamwarden::journal::{Append, Appended, Expected, Journal};
use streamwarden::model::*;
use streamwarden::warden::{Answering, Command, ModeratorAct};

use crate::broadcast::{Broadcast, Labels};
use crate::feed::impatient;
use crate::listening::{Listening, Sent, stuck};
use crate::premises::{Live, Premises, json as answer};

const WEAPONS: Labels = &[("Violence/Weapons", 95.0)];
const ALCOHOL: Labels = &[("Alcohol", 95.0)];

/// A page: what it holds is what it was sent, row by row.
struct Page {
    listening: Listening,
    channels: BTreeMap<String, Value>,
    warnings: BTreeMap<String, Value>,
    /// Rows of channels that came, of whatever channel.
    rows: usize,
}

impl Page {
    /// Connects and waits until it has everything.
    async fn open(live: &Live) -> Self {
        Self::of(live.get("/v1/live")).await
    }

    async fn of(request: reqwest::RequestBuilder) -> Self {
        let listening = Listening::to(request).await;
        let mut page = Self { listening, channels: BTreeMap::new(), warnings: BTreeMap::new(), rows: 0 };
        let first = page.next().await;
        assert_eq!(first.kind, "begin");
        while page.next().await.kind != "ready" {}
        page
    }

    /// Takes the next message in.
    async fn next(&mut self) -> Sent {
        let sent = self.listening.next().await.expect("more comes");
        assert!(sent.id.is_some(), "{sent:?}");
        let items = sent.data["items"].as_array().into_iter().flatten();
        match sent.kind.as_str() {
            "begin" => {
                self.channels.clear();
                self.warnings.clear();
            }
            "channels" => {
                for row in items {
                    self.rows += 1;
                    self.channels.insert(text(&row["channel"]), row.clone());
                }
            }
            "warnings" => {
                self.warnings.extend(items.map(|row| (text(&row["warning"]), row.clone())));
                for gone in sent.data["gone"].as_array().expect("those that are gone") {
                    assert!(self.warnings.remove(&text(gone)).is_some(), "{gone} was never sent");
                }
            }
            "ready" | "at" => {
                assert_eq!(sent.data["head"].as_u64(), sent.id);
                text(&sent.data["now"]).parse::<Timestamp>().expect("a time");
            }
            other => panic!("{other}: {sent:?}"),
        }
        sent
    }

    /// Takes messages in until this holds.
    async fn until(&mut self, holds: impl Fn(&Self) -> bool) {
        while !holds(self) {
            self.next().await;
        }
    }

    /// Takes messages in until it is what the lists say but for these channels: they and the page never differ for long.
    async fn is_as_listed(&mut self, live: &Live, but_for: &[&str]) {
        const MESSAGES_MAX: usize = 20;
        for _ in 0..MESSAGES_MAX {
            let mut channels = listed(live, "/v1/channels", "channel").await;
            channels.retain(|name, _| !but_for.contains(&name.as_str()));
            let warnings = listed(live, "/v1/warnings?state=all", "warning").await;
            if self.channels == channels && self.warnings == warnings {
                return;
            }
            self.next().await;
        }
        panic!("the page has {:?}\nand {:?}", self.channels, self.warnings);
    }

    fn names(&self) -> Vec<&str> {
        self.channels.keys().map(String::as_str).collect()
    }

    /// The only warning.
    fn warning(&self) -> &Value {
        assert_eq!(self.warnings.len(), 1);
        self.warnings.values().next().expect("it is there")
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// What a list says.
async fn listed(live: &Live, path: &str, key: &str) -> BTreeMap<String, Value> {
    let (status, page) = answer(live.get(path)).await;
    assert_eq!(status, 200, "{page}");
    page["items"].as_array().expect("items").iter().map(|row| (text(&row[key]), row.clone())).collect()
}

async fn acts(live: &Live, channel: &ChannelId, by: &str, act: ModeratorAct) {
    let request = EventId::of_command("test", &[by.as_bytes(), format!("{act:?}").as_bytes()]);
    let by = ModeratorId::new(by).expect("a sound id");
    live.house.wardens.command(channel, Command::Moderate { request, by, act }).await.expect("the act is lawful");
}

/// Appends so many events to a channel, 64 at a time; the position of the last.
async fn happens(live: &Live, channel: &str, count: u64, round: u64) -> u64 {
    const AT_ONCE: u64 = 64;
    let id = ChannelId::new(channel).expect("a sound id");
    let mut last = 0;
    for begin in (0..count).step_by(AT_ONCE as usize) {
        let events = (begin..count.min(begin + AT_ONCE)).map(|number| NewEvent {
            id: EventId::of_command("live-test", &[channel.as_bytes(), &round.to_be_bytes(), &number.to_be_bytes()]),
            event: SessionStarted {
                session: SessionId::new(format!("st-{number}-{}", "x".repeat(80))).expect("a sound id"),
                because: SessionStartBecause::Announced,
            }
            .into(),
            captured_at: None,
            actor: Actor::service("test"),
            causation: None,
            correlation: None,
        });
        let events: Vec<NewEvent> = events.collect();
        let many = events.len() as u64;
        let append = Append { scope: id.clone().into(), expected: Expected::Any, events };
        match live.house.journal.append(append).durable().await.expect("it is stored") {
            Appended::New { first, .. } => last = first.0 + many - 1,
            repeated => panic!("{repeated:?}"),
        }
    }
    last
}

#[actix_rt::test]
async fn everything_that_matters_comes_first_then_what_changes_and_always_as_the_lists_have_it() {
    let premises = Premises::new();
    let live = premises.open().await;
    let mut warned = Broadcast::begins(&live, &premises, "warned").await;
    Broadcast::begins(&live, &premises, "live").await;
    Broadcast::begins(&live, &premises, "over").await.ends().await;
    warned.shows(WEAPONS).await;
    let asked = warned.channel.clone();
    warned.ends().await;
    let mut page = Page::open(&live).await;
    assert_eq!(page.names(), ["live", "warned"], "one that is neither live nor warned of is not sent");
    page.is_as_listed(&live, &["over"]).await;

    let mut new = Broadcast::begins(&live, &premises, "new").await;
    new.shows(ALCOHOL).await;
    page.until(|page| page.warnings.len() == 2 && page.channels.contains_key("new")).await;
    new.ends().await;
    page.until(|page| page.channels["new"]["session"].is_null()).await;
    let first = text(&page.warnings.values().find(|row| row["channel"] == "warned").expect("it is there")["warning"]);
    let answering = Answering::to([first.parse::<WarningId>().expect("an id")]);
    acts(&live, &asked, "ben", ModeratorAct::Dismiss(answering)).await;
    page.until(|page| page.warnings[&first]["standing"] == "answered").await;
    page.is_as_listed(&live, &["over"]).await;
    live.close().await;
}

#[actix_rt::test]
async fn many_events_of_one_channel_are_few_rows_and_the_last_is_how_it_stands() {
    let premises = Premises::new();
    let live = premises.open().await;
    let mut page = Page::open(&live).await;
    let before = page.rows;
    let last = happens(&live, "busy", 1000, 0).await;
    page.until(|page| {
        page.channels.get("busy").is_some_and(|row| row["last_event"]["position"].as_u64() >= Some(last))
    })
    .await;
    assert_eq!(page.channels["busy"]["counts"]["sessions"], 1000);
    let rows = page.rows - before;
    assert!(rows < 100, "1,000 events came as {rows} rows");
    live.close().await;
}

#[actix_rt::test]
async fn what_another_works_on_stands_otherwise_and_what_needs_nobody_any_more_is_gone() {
    let premises = Premises::new();
    let live = premises.open().await;
    let mut stage = Broadcast::begins(&live, &premises, "stage").await;
    for number in 1..=3 {
        stage.fails(number * 600_000).await;
    }
    let mut page = Page::open(&live).await;
    assert_eq!(page.warning()["standing"], "open");
    let warning = text(&page.warning()["warning"]).parse::<WarningId>().expect("an id");
    acts(&live, &stage.channel, "ben", ModeratorAct::Claim(warning.into())).await;
    page.until(|page| page.warning()["standing"] == "claimed_by_another").await;
    assert_eq!(page.warning()["claim"]["by"], "ben");
    acts(&live, &stage.channel, "ben", ModeratorAct::Release(warning.into())).await;
    page.until(|page| page.warning()["standing"] == "open").await;
    // It asked whether anybody looks; as soon as somebody does it needs no answer.
    stage.later(2_400_000);
    stage.shows(&[]).await;
    page.until(|page| page.warnings.is_empty()).await;
    page.until(|page| page.channels["stage"]["open_warnings"] == 0).await;
    live.close().await;
}

#[actix_rt::test]
async fn what_of_a_channels_segments_nobody_judges_is_in_its_row_until_its_broadcast_is_over() {
    let premises = Premises::new();
    let live = premises.open().await;
    let stage = Broadcast::begins(&live, &premises, "stage").await;
    let mut page = Page::open(&live).await;
    assert_eq!(page.channels["stage"]["unjudged"], json!([]));
    let since = Timestamp::from_millis(1_700_000_000_000);
    let session = text(&page.channels["stage"]["session"]["session"]);
    let session = SessionId::new(session).expect("a sound id");
    let silent = SegmentsUnjudged { medium: Medium::Sound, session, since, because: UnjudgedBecause::NoInput };
    let event = NewEvent {
        id: EventId::of_command("live-test", &[b"unjudged"]),
        event: silent.into(),
        captured_at: None,
        actor: Actor::service("test"),
        causation: None,
        correlation: None,
    };
    let append = Append { scope: stage.channel.clone().into(), expected: Expected::Any, events: vec![event] };
    live.house.journal.append(append).durable().await.expect("it is stored");
    let said = json!([{ "medium": "sound", "since": since, "because": "no_input" }]);
    page.until(|page| page.channels["stage"]["unjudged"] == said).await;
    stage.ends().await;
    page.until(|page| page.channels["stage"]["unjudged"] == json!([])).await;
    live.close().await;
}

#[actix_rt::test]
async fn who_may_see_some_channels_hears_of_no_others() {
    let mut premises = Premises::new();
    let outside = tempfile::tempdir().expect("a directory");
    let tokens_file = outside.path().join("tokens.toml");
    let name = ModeratorId::new("ann").expect("a sound name");
    let theirs = ChannelPattern::new("own/*").expect("a sound pattern");
    let made = Token::create(name, vec![Role::Moderator], vec![theirs], Timestamp::default(), None);
    let (token, secret) = made.expect("random bytes");
    tokens_file::add(&tokens_file, token).expect("the tokens are written");
    premises.auth = AuthConfig { ways: vec![Way::Tokens], tokens_file, ..AuthConfig::default() };
    let live = premises.open().await;
    let mut own = Broadcast::begins(&live, &premises, "own/a").await;
    let mut foreign = Broadcast::begins(&live, &premises, "foreign/a").await;
    foreign.shows(WEAPONS).await;
    let mut page = Page::of(live.get("/v1/live").bearer_auth(secret.reveal())).await;
    assert_eq!((page.names(), page.warnings.len()), (vec!["own/a"], 0));
    foreign.shows(ALCOHOL).await;
    own.shows(ALCOHOL).await;
    page.until(|page| page.warnings.len() == 1).await;
    assert_eq!((page.names(), &page.warning()["channel"]), (vec!["own/a"], &json!("own/a")));
    // The heartbeat after them is as far as they: nothing of the others is on its way.
    while page.next().await.kind != "at" {}
    assert_eq!((page.names(), page.warnings.len()), (vec!["own/a"], 1));
    live.close().await;
}

#[actix_rt::test]
async fn who_comes_again_is_sent_everything_again_and_nothing_that_is_no_more() {
    let premises = Premises::new();
    let live = premises.open().await;
    Broadcast::begins(&live, &premises, "stays").await;
    let ends = Broadcast::begins(&live, &premises, "ends").await;
    let page = Page::open(&live).await;
    assert_eq!(page.names(), ["ends", "stays"]);
    drop(page);
    ends.ends().await;
    let page = Page::of(live.get("/v1/live").header("Last-Event-ID", "1")).await;
    assert_eq!(page.names(), ["stays"], "wherever it was before");
    live.close().await;
}

#[actix_rt::test]
async fn the_clock_goes_on_where_nothing_happens_and_the_head_follows_what_does() {
    let premises = Premises::new();
    let live = premises.open().await;
    let mut page = Page::open(&live).await;
    let first = page.next().await;
    assert_eq!(first.kind, "at");
    let last = happens(&live, "c", 1, 0).await;
    let head = loop {
        let sent = page.next().await;
        if sent.kind == "at" && sent.id >= Some(last) {
            break sent;
        }
    };
    assert!(head.id > first.id && text(&head.data["now"]) > text(&first.data["now"]), "{head:?}");
    live.close().await;
}

#[actix_rt::test]
async fn a_server_that_stops_says_so_and_its_connections_count_with_those_of_the_feed() {
    let premises = Premises::new();
    let live = premises.open().await;
    let mut open = Vec::new();
    for _ in 0..31 {
        open.push(Listening::to(live.get("/v1/feed")).await);
    }
    let mut page = Page::open(&live).await;
    let (status, problem) = answer(live.get("/v1/live")).await;
    assert_eq!((status, &problem["code"]), (429, &json!("too_many")));
    drop(open);
    let ending = async {
        loop {
            let told = page.listening.next().await.expect("it is told");
            if told.kind == "resume" {
                assert_eq!(page.listening.next().await, None, "and that was the last");
                break told;
            }
        }
    };
    let (told, ()) = tokio::join!(ending, live.close());
    assert_eq!(told.data["because"], "closing");
}

#[actix_rt::test]
async fn a_reader_that_takes_nothing_is_told_to_come_again_while_others_go_on() {
    const CHANNELS: u64 = 2000;
    let premises = Premises::new();
    let live = premises.open().await;
    let never = Duration::from_secs(3600);
    let server = impatient(&live, Patience { until_dropped: Duration::from_millis(300), until_hung_up: never });
    let mut quick = Page::open(&live).await;
    let mut stuck = stuck(server.address(), "/v1/live");
    let names: Vec<String> = (0..CHANNELS).map(|number| format!("c{number:04}/{}", "x".repeat(100))).collect();
    // More than all buffers on the way to a reader hold: each round is two megabytes of rows.
    for round in 0..5 {
        let all = names.iter().map(|name| happens(&live, name, 1, round));
        let last = futures_util::future::join_all(all).await.into_iter().max();
        quick.until(|page| page.channels.len() == names.len()).await;
        quick
            .until(|page| page.channels.values().filter_map(|row| row["last_event"]["position"].as_u64()).max() >= last)
            .await;
    }
    let text = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        stuck.read_to_string(&mut text).map(|_| text)
    });
    let text = text.await.expect("it is read").expect("it ends in order");
    let end = &text[text.len().saturating_sub(300)..];
    assert!(end.contains("event: resume") && end.contains(r#""because":"slow""#), "{end}");
    server.stop().await;
    live.close().await;
}
