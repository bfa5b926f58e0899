//! Frames handed in over HTTP while the program is told to end, or is killed: what was acknowledged is kept, and what
//! was taken is answered.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::{Client, Error, Response};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use streamwarden::events::Actor;
use streamwarden::house::Ground;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::serve::{Desk, ask};
use crate::{POLICY, decoded, journal, outcomes, root, run, said, streamwarden};

/// How often the program is killed.
const ROUNDS: usize = 3;
/// Clients that hand frames in at the same time.
const CLIENTS: usize = 8;
/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A desk whose journal has a policy in force.
fn desk() -> Desk {
    let desk = Desk::new("");
    let mut ground = Ground::open(&desk.data()).expect("the house opens");
    ground.policies.publish("mine.yaml", POLICY, &Actor::service("test"), None).expect("the policy is sound");
    drop(ground);
    desk
}

fn client() -> Client {
    Client::builder().timeout(PATIENCE).build().expect("a client")
}

fn picture(number: usize) -> Vec<u8> {
    std::fs::read(root().join(format!("demo/footage/sky-tour/{:04}.jpg", 1 + number % 20))).expect("bundled footage")
}

async fn hand_in(client: &Client, base: &str, channel: &str, key: &str, picture: Vec<u8>) -> Result<Response, Error> {
    let request = client.post(format!("{base}/v1/channels/{channel}/frames")).header("content-type", "image/jpeg");
    request.header("idempotency-key", key).body(picture).send().await
}

#[test]
fn a_frame_under_way_when_the_program_is_told_to_end_has_its_outcome_and_its_answer() {
    let desk = desk();
    let serving = desk.serve();
    let pid = Pid::from_child(&serving.child);
    let (status, answer) = ask(async {
        let client = client();
        let figures = format!("{}/metrics", serving.base);
        let (under_way, base) = (client.clone(), serving.base.clone());
        let handing = tokio::spawn(async move { hand_in(&under_way, &base, "a", "1", picture(1)).await });
        // Told to end only when the frame is being worked on, which the program itself says.
        while !handing.is_finished() {
            let text = client.get(&figures).send().await.expect("figures").text().await.expect("text");
            if text.contains("streamwarden_frames_under_way 1\n") {
                break;
            }
        }
        kill_process(pid, Signal::TERM).expect("a signal is sent");
        let answer = handing.await.expect("no panic").expect("an answer comes");
        (answer.status().as_u16(), answer.json::<Value>().await.expect("JSON"))
    });
    assert_eq!((status, &answer["outcome"]), (200, &Value::from("assessed")), "{answer}");
    let mut child = serving.child;
    assert_eq!(child.wait().expect("the program ends").code(), Some(0));
    let frames: Vec<String> = outcomes(&decoded(&journal(&desk.data()))).iter().map(ToString::to_string).collect();
    assert_eq!(frames, [answer["frame"].as_str().expect("a frame")]);
}

/// Hands frames in from several clients, kills the program when `enough` were acknowledged, and says which.
fn acknowledged_until_killed(desk: &Desk, round: usize, enough: usize) -> BTreeMap<String, (String, Value)> {
    let mut serving = desk.serve();
    let pid = Pid::from_child(&serving.child);
    let count = Arc::new(AtomicUsize::new(0));
    let reached = Arc::new(Notify::new());
    let acknowledged = ask(async {
        let mut clients = JoinSet::new();
        for number in 0..CLIENTS {
            let (base, count, reached) = (serving.base.clone(), count.clone(), reached.clone());
            clients.spawn(async move {
                let (client, channel) = (client(), format!("load-{number}"));
                let mut acknowledged = Vec::new();
                for frame in 0.. {
                    let key = format!("{round}-{frame}");
                    let Ok(answer) = hand_in(&client, &base, &channel, &key, picture(frame + number)).await else {
                        break; // killed
                    };
                    let status = answer.status();
                    let Ok(answer) = answer.json::<Value>().await else { break };
                    assert_eq!(status, 200, "{answer}");
                    acknowledged
                        .push((answer["frame"].as_str().expect("a frame").to_owned(), (channel.clone(), answer)));
                    if count.fetch_add(1, Ordering::SeqCst) + 1 == enough {
                        reached.notify_one();
                    }
                }
                acknowledged
            });
        }
        reached.notified().await;
        kill_process(pid, Signal::KILL).expect("the program can be killed");
        clients.join_all().await.into_iter().flatten().collect()
    });
    serving.child.wait().expect("the program ends");
    acknowledged
}

#[test]
fn whatever_was_acknowledged_before_a_kill_has_its_outcome_after_it() {
    let desk = desk();
    let mut acknowledged = BTreeMap::new();
    for round in 0..ROUNDS {
        acknowledged.extend(acknowledged_until_killed(&desk, round, 20 + 15 * round));
        let output = run(streamwarden(&["journal", "verify", "--data"]).arg(desk.data()));
        assert!(output.status.success(), "after round {round}: {}", said(&output));
    }
    assert!(acknowledged.len() > 50, "{} frames were acknowledged", acknowledged.len());
    // The next start answers as the one that was killed did.
    let serving = desk.serve();
    ask(async {
        let client = client();
        for (frame, (channel, answer)) in &acknowledged {
            let url = format!("{}/v1/channels/{channel}/frames/{frame}", serving.base);
            let again = client.get(url).send().await.expect("an answer");
            assert_eq!(again.status(), 200, "{frame} was acknowledged and has no outcome");
            let again: Value = again.json().await.expect("JSON");
            for member in ["event", "position", "outcome", "verdict", "rules"] {
                assert_eq!(again[member], answer[member], "{member} of {frame}");
            }
        }
    });
    assert_eq!(serving.end(Signal::TERM), Some(0));
    let recorded: Vec<String> = outcomes(&decoded(&journal(&desk.data()))).iter().map(ToString::to_string).collect();
    for frame in acknowledged.keys() {
        assert!(recorded.contains(frame), "{frame} was acknowledged and is not in the journal");
    }
}
