//! The real binary, killed while the picture that a warning rests on is on its way into its bucket: the frame has its
//! outcome and no copy. When it is announced again it is copied after all. The bucket is the emulator's, behind one that
//! never answers.

use std::io::{Read, Write, copy};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;

use serde_json::{Value, json};

use crate::evidence::{Place, bucket, events, hand_in, objects};
use crate::premises::PATIENCE;
use crate::standins::{emulator, picture};

const LABELS: &str = "Weapons=97.5";

/// S3 as the emulator has it, except that nothing that is put into one bucket ever arrives or is answered.
struct Stuck {
    address: String,
    came: mpsc::Receiver<()>,
}

impl Stuck {
    fn at(bucket: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (came_in, came) = mpsc::channel();
        let put = format!("PUT /{bucket}/");
        thread::spawn(move || {
            for client in listener.incoming() {
                let (put, came_in) = (put.clone(), came_in.clone());
                thread::spawn(move || pass_on(client.unwrap(), &put, &came_in));
            }
        });
        Self { address, came }
    }

    /// Waits until something is on its way into the bucket.
    async fn has_one(self) {
        let waiting = tokio::task::spawn_blocking(move || self.came.recv_timeout(PATIENCE));
        waiting.await.unwrap().expect("a copy is put");
    }
}

/// Passes a connection on, up to the first request that begins so. A request's head comes in one piece.
fn pass_on(mut client: TcpStream, put: &str, came_in: &mpsc::Sender<()>) {
    let mut server = TcpStream::connect(emulator().trim_start_matches("http://")).unwrap();
    let (mut answers, mut back) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    thread::spawn(move || copy(&mut answers, &mut back));
    let mut chunk = vec![0; 1 << 16];
    while let Ok(read @ 1..) = client.read(&mut chunk) {
        if chunk[..read].starts_with(put.as_bytes()) {
            let _ = came_in.send(()); // the test may have seen enough
            while let Ok(1..) = client.read(&mut chunk) {} // until whoever asks is gone
            return;
        }
        if server.write_all(&chunk[..read]).is_err() {
            return;
        }
    }
}

#[actix_rt::test]
async fn a_copy_that_a_kill_cut_short_is_made_when_its_frame_comes_again() {
    const BUCKET: &str = "evidence-cut-short";
    let sections = format!("[evidence]\nbucket = {BUCKET:?}\n");
    bucket(BUCKET).await;
    let (place, stuck) = (Place::new(), Stuck::at(BUCKET));
    let serving = place.serve_with(&stuck.address, &sections).await;
    let (status, warned) = hand_in(&serving, "studio", "one", LABELS).await;
    assert_eq!((status, warned["verdict"].as_str()), (200, Some("warn")), "{warned}");
    stuck.has_one().await;
    serving.kill();
    assert!(objects(BUCKET).await.is_empty(), "nothing arrived");

    let serving = place.serve(&sections).await;
    let path = format!("/v1/decisions/{}", warned["frame"].as_str().unwrap());
    let evidence = serving.get(&path).await["evidence"].clone();
    assert_eq!((&evidence["copy"], &evidence["unkept"]), (&Value::Null, &json!([])), "nothing is said of it");
    let (status, again) = hand_in(&serving, "studio", "one", LABELS).await;
    assert_eq!((status, &again["repeated"], &again["event"]), (200, &json!(true), &warned["event"]), "{again}");
    let both = |decision: &Value| decision["evidence"]["copy"].is_object() && decision["evidence"]["kept"] == "kept";
    let decision = serving.until("the copy, and what is kept here", &path, both).await;
    let copied = objects(BUCKET).await;
    assert_eq!(copied, [(copied[0].0.clone(), picture(LABELS).to_vec())], "the very bytes that were judged, once");
    assert_eq!(decision["evidence"]["copy"]["object"]["key"], copied[0].0);
    // Once more, and nothing is added.
    hand_in(&serving, "studio", "one", LABELS).await;
    serving.end();
    let serving = place.serve(&sections).await;
    for (kind, times) in [("EvidenceCopied", 1), ("EvidenceStored", 1), ("EvidenceUnkept", 0)] {
        assert_eq!(events(&serving, kind).await.len(), times, "{kind}");
    }
    let asked =
        place.stage.calls().await.iter().filter(|call| call["op"] == "rekognition.DetectModerationLabels").count();
    assert_eq!(asked, 1, "its outcome stands");
    serving.end();
}
