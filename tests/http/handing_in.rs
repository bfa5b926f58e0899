//! Pictures, and handing them in as a client does.

use reqwest::RequestBuilder;
use serde_json::Value;
use streamwarden::events::{Event, Recorded};
use streamwarden::journal::{Journal, READ_LIMIT_MAX};
use streamwarden::model::Position;

use crate::premises::{Live, json};
use crate::scripted::PATIENCE;

/// A picture like no other of another seed.
pub fn picture(seed: u8) -> Vec<u8> {
    const SIDE: u16 = 64;
    let pixels: Vec<u8> = (0..u32::from(SIDE) * u32::from(SIDE))
        .map(|at| {
            let (x, y) = (at % 64 / 8, at / 64 / 8);
            (x.wrapping_mul(y + 3).wrapping_mul(u32::from(seed) + 7) * 37 % 256) as u8
        })
        .collect();
    let mut file = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut file, 80);
    encoder.encode(&pixels, SIDE, SIDE, jpeg_encoder::ColorType::Luma).expect("a picture is encoded");
    file
}

/// A request that hands a JPEG in.
pub fn frame(live: &Live, path: &str, picture: &[u8]) -> RequestBuilder {
    live.post(path).header("content-type", "image/jpeg").body(picture.to_vec())
}

/// Hands a JPEG in, which must be decided.
pub async fn decided(live: &Live, path: &str, picture: &[u8]) -> Value {
    let (status, answer) = json(frame(live, path, picture)).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

/// Every durable event.
pub fn events(live: &Live) -> Vec<Recorded> {
    let mut events: Vec<Recorded> = Vec::new();
    loop {
        let after = events.last().map_or(Position(0), |last| last.envelope.position);
        let page = live.house.journal.read(after, READ_LIMIT_MAX).expect("the journal can be read");
        if page.is_empty() {
            return events;
        }
        events.extend(page);
    }
}

/// How many durable events are of that type.
pub fn count(live: &Live, event_type: &str) -> usize {
    events(live).iter().filter(|one| one.envelope.event_type == event_type).count()
}

/// Waits for an event that becomes durable by itself.
pub async fn until<T>(live: &Live, what: &str, pick: impl Fn(&Event) -> Option<T>) -> T {
    let mut watermark = live.house.journal.watermark();
    let found = async {
        loop {
            watermark.borrow_and_update();
            let read = events(live);
            let found = read.iter().find_map(|one| pick(&one.event().expect("a known event")));
            match found {
                Some(found) => return found,
                None => watermark.changed().await.expect("the journal goes on"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("{what} does not come"))
}
