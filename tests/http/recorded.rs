//! A little of the past: frames offered to the wardens behind the server, and callers with tokens of their own.

use std::sync::Arc;

use reqwest::RequestBuilder;
use serde_json::Value;
use streamwarden::actors::Outcome;
use streamwarden::events::{EventType, Recorded};
use streamwarden::http::auth::config::{AuthConfig, Way};
use streamwarden::http::auth::{Role, Token, tokens_file};
use streamwarden::journal::{Journal, READ_LIMIT_MAX};
use streamwarden::model::{
    ChannelId, ChannelPattern, EventId, Fingerprint, Frame, FrameId, FrameOrigin, ModeratorId, Position, SessionId,
    Sha256, Timestamp,
};
use streamwarden::warden::{Command, ModeratorAct};

use crate::premises::{Live, Premises, json};
use crate::scripted::{PATIENCE, Says};

/// A picture that the provider finds a bottle in.
pub const BOTTLE: &[u8] = include_bytes!("../imaging/data/420-61x45.jpg");
/// One that it finds nothing in.
pub const NOTHING: &[u8] = include_bytes!("../imaging/data/411-61x45.jpg");
/// One that it finds a weapon in.
pub const WEAPON: &[u8] = include_bytes!("../imaging/data/420-96x72.jpg");

/// The provider knows the three pictures.
pub fn premises() -> Premises {
    let premises = Premises::new();
    premises.provider.says(BOTTLE, Says::Labels(&[("Alcohol/Alcoholic Beverages", 91.5), ("Violence", 12.0)]));
    premises.provider.says(NOTHING, Says::Labels(&[]));
    premises.provider.says(WEAPON, Says::Labels(&[("Violence/Weapons", 99.0)]));
    premises
}

/// Who calls is asked; the tokens of a viewer and of an auditor, for `scope`.
pub fn with_tokens(premises: &mut Premises, folder: &std::path::Path, scope: &str) -> (String, String) {
    let path = folder.join("tokens.toml");
    let token = |role| {
        let name = ModeratorId::new(format!("{role:?}")).expect("a sound name");
        let scope = ChannelPattern::new(scope).expect("a sound pattern");
        let (token, secret) =
            Token::create(name, vec![role], vec![scope], Timestamp::default(), None).expect("random bytes");
        tokens_file::add(&path, token).expect("written");
        secret.reveal().to_owned()
    };
    let tokens = (token(Role::Viewer), token(Role::Auditor));
    premises.auth = AuthConfig { ways: vec![Way::Tokens], tokens_file: path, ..AuthConfig::default() };
    tokens
}

pub fn channel(name: &str) -> ChannelId {
    ChannelId::new(name).expect("a sound name")
}

/// A frame of the channel, captured so many seconds after the beginning of the hour before.
pub fn frame(channel: &ChannelId, second: u64, picture: &[u8]) -> Frame {
    let captured_at = begun().plus_ms(second * 1000);
    let of = [&captured_at.as_micros().to_be_bytes()[..], &Sha256::of(picture).0];
    Frame {
        medium: Default::default(),
        channel: channel.clone(),
        session: SessionId::new(format!("{channel}-1")).expect("a sound name"),
        id: FrameId::of(channel, &of),
        captured_at,
        fingerprint: Fingerprint::of(&of),
        origin: FrameOrigin::Inline(Arc::from(picture)),
    }
}

/// An hour before the process began: no frame is from the future, none is stale.
pub fn begun() -> Timestamp {
    use streamwarden::clock::{Clock, SystemClock};
    static BEGUN: std::sync::OnceLock<Timestamp> = std::sync::OnceLock::new();
    *BEGUN.get_or_init(|| SystemClock.now().minus_ms(3_600_000))
}

/// Offers a frame and waits for its outcome.
pub async fn offer(live: &Live, channel: &ChannelId, second: u64, picture: &[u8]) -> (FrameId, Outcome) {
    let frame = frame(channel, second, picture);
    let id = frame.id;
    let outcome = live.house.wardens.offer(frame).await.expect("the frame is taken");
    (id, outcome)
}

pub async fn moderate(live: &Live, channel: &ChannelId, request: &str, act: ModeratorAct) {
    let by = ModeratorId::new("m-17").expect("a sound name");
    let request = EventId::of_command("test", &[request.as_bytes()]);
    live.house.wardens.command(channel, Command::Moderate { request, by, act }).await.expect("it is lawful");
}

/// Waits until an event of that type follows the position, and returns it.
pub async fn recorded(live: &Live, after: Position, wanted: EventType) -> Recorded {
    let mut watermark = live.house.journal.watermark();
    let looking = async {
        loop {
            watermark.borrow_and_update();
            let journal = live.house.journal.clone();
            let page = tokio::task::spawn_blocking(move || journal.read(after, READ_LIMIT_MAX)).await;
            let page = page.expect("reading does not panic").expect("it is read");
            if let Some(found) = page.into_iter().find(|event| event.envelope.event_type == wanted.name()) {
                return found;
            }
            watermark.changed().await.expect("the journal lives");
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("no {wanted:?} was recorded"))
}

pub fn head(live: &Live) -> Position {
    *live.house.journal.watermark().borrow()
}

/// The items of a list, and the answer.
pub async fn items(request: RequestBuilder) -> (Vec<Value>, Value) {
    let (status, answer) = json(request).await;
    assert_eq!(status, 200, "{answer}");
    (answer["items"].as_array().expect("items").clone(), answer)
}

/// A request that is refused for a parameter, which the problem names.
pub async fn refused(request: RequestBuilder, parameter: &str) {
    let (status, problem) = json(request).await;
    assert_eq!((status, problem["code"].as_str()), (400, Some("malformed")), "{parameter}: {problem}");
    let detail = problem["detail"].as_str().expect("a detail");
    assert!(problem["parameter"] == parameter || detail.contains(parameter), "{parameter}: {problem}");
}
