//! A client of server-sent events, and one that asks for them and takes nothing.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};

use reqwest::RequestBuilder;
use serde_json::Value;
use tokio::time::timeout;

use crate::scripted::PATIENCE;

/// An event as a client of server-sent events sees it.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Sent {
    pub kind: String,
    pub id: Option<u64>,
    pub data: Value,
}

/// A connection, read event by event. Comments are passed over.
pub struct Listening {
    response: reqwest::Response,
    buffer: String,
}

impl Listening {
    /// Connects, and waits until it is.
    pub async fn to(request: RequestBuilder) -> Self {
        let response = request.send().await.expect("an answer comes");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut listening = Self { response, buffer: String::new() };
        while !listening.buffer.contains(": connected\n\n") {
            listening.fill().await;
        }
        listening
    }

    /// Whether more came.
    async fn fill(&mut self) -> bool {
        let chunk = timeout(PATIENCE, self.response.chunk()).await.expect("something comes").expect("it is read");
        let text = chunk.as_deref().map(|chunk| String::from_utf8(chunk.to_vec()).expect("the frames are whole"));
        self.buffer.extend(text.as_deref());
        text.is_some()
    }

    /// The next event; none when the connection is over.
    pub async fn next(&mut self) -> Option<Sent> {
        loop {
            if let Some((block, rest)) = self.buffer.split_once("\n\n") {
                let (mut sent, mut dispatched) = (Sent::default(), false);
                for line in block.lines() {
                    match line.split_once(": ") {
                        Some(("id", id)) => sent.id = id.parse().ok(),
                        Some(("event", kind)) => sent.kind = kind.to_owned(),
                        Some(("data", data)) => {
                            sent.data = serde_json::from_str(data).expect("data is JSON");
                            dispatched = true;
                        }
                        _ => {}
                    }
                }
                self.buffer = rest.to_owned();
                if dispatched {
                    return Some(sent);
                }
            } else if !self.fill().await {
                return None;
            }
        }
    }
}

/// A reader that asks for that path and takes nothing.
pub fn stuck(address: SocketAddr, path: &str) -> TcpStream {
    let mut stuck = TcpStream::connect(address).expect("it connects");
    write!(stuck, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("it is sent");
    stuck.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stuck
}
