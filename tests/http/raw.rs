//! What a client library would never send: slow, huge and broken requests on a bare socket. Each ends in a clear 4xx or
//! a closed connection, and the server goes on.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::premises::{Live, Premises};
use crate::scripted::PATIENCE;

/// The most bytes of an answer that are read.
const ANSWER_BYTES_MAX: u64 = 1 << 20;

/// Sends what it is given and reads until the other end closes. The writing half stays open: a server that waits for
/// more must end the waiting itself.
async fn answer_to(address: SocketAddr, bytes: &[u8]) -> String {
    let (mut reading, mut writing) = TcpStream::connect(address).await.expect("it listens").into_split();
    let exchange = async {
        let _ = writing.write_all(bytes).await; // it may be closed before all is sent
        let mut answer = Vec::new();
        let _ = (&mut reading).take(ANSWER_BYTES_MAX).read_to_end(&mut answer).await; // a reset is a closed connection
        String::from_utf8_lossy(&answer).into_owned()
    };
    timeout(PATIENCE, exchange).await.expect("the server ends the connection")
}

/// The statuses in an answer, in their order.
fn statuses(answer: &str) -> Vec<u16> {
    let lines = answer.split("\r\n").filter_map(|line| line.strip_prefix("HTTP/1.1 "));
    lines.filter_map(|line| line.split(' ').next()?.parse().ok()).collect()
}

async fn goes_on(live: &Live) {
    assert_eq!(live.get("/v1/journal").send().await.expect("an answer comes").status().as_u16(), 200);
}

#[actix_rt::test]
async fn a_broken_request_is_refused_and_its_connection_closed() {
    let premises = Premises::new();
    let live = premises.open().await;
    let address = live.server.address();
    let host = format!("host: {address}\r\n");
    let many = (0..200).map(|n| format!("x-{n}: y\r\n")).collect::<String>();
    for (what, request) in [
        ("no HTTP at all", "hello\r\n\r\n".to_owned()),
        ("TLS", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\r\n\r\n".to_owned()),
        ("HTTP of another age", format!("GET /v1/journal HTTP/9.9\r\n{host}\r\n")),
        ("no host", "GET /v1/journal HTTP/1.1\r\n\r\n".to_owned()),
        ("two hosts", format!("GET /v1/journal HTTP/1.1\r\n{host}host: other.example\r\n\r\n")),
        ("a header without a name", format!("GET /v1/journal HTTP/1.1\r\n{host}: x\r\n\r\n")),
        ("a header with a NUL", format!("GET /v1/journal HTTP/1.1\r\n{host}x: a\0b\r\n\r\n")),
        ("a path with a space", format!("GET /v1/jour nal HTTP/1.1\r\n{host}\r\n")),
        ("200 headers", format!("GET /v1/journal HTTP/1.1\r\n{host}{many}\r\n")),
        ("a header of 200 KB", format!("GET /v1/journal HTTP/1.1\r\n{host}x: {}\r\n\r\n", "y".repeat(200_000))),
        ("a path of 200 KB", format!("GET /{} HTTP/1.1\r\n{host}\r\n", "y".repeat(200_000))),
        ("a length that is none", format!("POST /v1/journal HTTP/1.1\r\n{host}content-length: -1\r\n\r\n")),
        ("two lengths", format!("POST /v1/journal HTTP/1.1\r\n{host}content-length: 1\r\ncontent-length: 2\r\n\r\nab")),
        (
            "two ways to end",
            format!(
                "POST /v1/journal HTTP/1.1\r\n{host}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /v1/journal HTTP/1.1\r\n{host}\r\n"
            ),
        ),
    ] {
        let answer = answer_to(address, request.as_bytes()).await;
        let statuses = statuses(&answer);
        assert!(statuses.iter().all(|status| (400..500).contains(status)), "{what}: {statuses:?}");
        assert!(statuses.len() <= 1, "{what}: {statuses:?}: one request was taken for two");
        goes_on(&live).await;
    }
    live.close().await;
}

#[actix_rt::test]
async fn garbage_between_requests_ends_the_connection_and_nothing_after_it_is_read() {
    let premises = Premises::new();
    let live = premises.open().await;
    let address = live.server.address();
    let sound = format!("GET /v1/journal HTTP/1.1\r\nhost: {address}\r\n\r\n");
    let answer = answer_to(address, format!("{sound}{sound}\0\0garbage\r\n\r\n{sound}").as_bytes()).await;
    let statuses = statuses(&answer);
    assert!(statuses.iter().all(|status| matches!(status, 200 | 400)), "{statuses:?}");
    assert!(
        statuses.iter().filter(|status| **status == 200).count() <= 2,
        "{statuses:?}: something after garbage was read"
    );
    goes_on(&live).await;
    live.close().await;
}

#[actix_rt::test]
async fn a_head_that_does_not_end_ends_the_connection() {
    let premises = Premises::new();
    let live = premises.open().await;
    let address = live.server.address();
    let answers = futures_util::future::join_all((0..50).map(|n| async move {
        let begun = format!("GET /v1/journal HTTP/1.1\r\nhost: {address}\r\nx-{n}: ");
        statuses(&answer_to(address, begun.as_bytes()).await)
    }));
    for statuses in answers.await {
        assert!(statuses.is_empty() || statuses == [408], "{statuses:?}");
    }
    goes_on(&live).await;
    live.close().await;
}

#[actix_rt::test]
async fn a_body_that_does_not_end_is_answered_that_it_came_too_slowly() {
    let mut premises = Premises::new();
    premises.gate.body_timeout_s = 1;
    let live = premises.open().await;
    let address = live.server.address();
    let head = format!("POST /v1/consumers HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n");
    for rest in ["content-length: 100\r\n\r\n{\"na", "transfer-encoding: chunked\r\n\r\n4\r\n{\"na\r\n"] {
        let answer = answer_to(address, format!("{head}{rest}").as_bytes()).await;
        assert_eq!(statuses(&answer), [408], "{answer}");
        assert!(answer.contains("application/problem+json") && answer.contains("\"timeout\""), "{answer}");
    }
    // Nobody reads the body of what has no handler; that must not keep its connection either.
    let nowhere = head.replace("/v1/consumers", "/v1/nothing");
    for rest in ["content-length: 100\r\n\r\n{\"na", "transfer-encoding: chunked\r\n\r\n4\r\n{\"na\r\n"] {
        assert_eq!(statuses(&answer_to(address, format!("{nowhere}{rest}").as_bytes()).await), [404]);
    }
    goes_on(&live).await;
    live.close().await;
}

#[actix_rt::test]
async fn a_body_that_is_too_large_or_of_another_kind_is_refused_before_it_is_read() {
    let premises = Premises::new();
    let live = premises.open().await;
    let address = live.server.address();
    let head = |kind| format!("POST /v1/consumers HTTP/1.1\r\nhost: {address}\r\ncontent-type: {kind}\r\n");
    for (head, rest, status) in [
        (head("application/json"), "content-length: 10000000\r\n\r\n{", 413),
        (head("text/html"), "content-length: 2\r\n\r\n{}", 415),
        (head("application/json"), "content-length: 4\r\n\r\n{\"a\"", 400),
        (head("application/json"), "content-length: 2\r\ncontent-encoding: gzip\r\n\r\n\u{1f}\u{b}", 400),
    ] {
        let close = format!("{head}connection: close\r\n{rest}");
        assert_eq!(statuses(&answer_to(address, close.as_bytes()).await), [status], "{close}");
        goes_on(&live).await;
    }
    live.close().await;
}
