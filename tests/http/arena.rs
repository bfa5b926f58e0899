//! Providers held against each other, over HTTP and at the terminal: the same figures of the same journal.

use serde_json::{Value, json};
use streamwarden::journal::Journal;

use crate::premises::{Live, Premises, json};
use crate::recorded::{refused, with_tokens};
use crate::told::{HIVE, LOCAL, Says, Told, fail, tell};

/// Forty frames that both saw, twelve of them with something in it for both, four for hive alone; people upheld what
/// hive's were about.
fn frames() -> Vec<Told> {
    let sure = |at: u32| (at < 12).then_some(97.0);
    let of_both = |at| Told {
        compared: Some(Says(LOCAL, sure(at), 35)),
        answer: Some(true),
        ..Told::by(Says(HIVE, sure(at).or((at < 16).then_some(85.0)), 220))
    };
    (0..40).map(of_both).collect()
}

async fn recorded(live: &Live) {
    let journal = live.house.journal.clone();
    let telling = move || {
        tell(&*journal, frames());
        fail(&*journal, 1, 3);
    };
    tokio::task::spawn_blocking(telling).await.expect("it is recorded");
    live.shown().await;
}

#[actix_rt::test]
async fn what_was_recorded_of_providers_is_told_over_http_and_at_the_terminal() {
    let premises = Premises::new();
    let live = premises.open().await;
    recorded(&live).await;
    let (status, figures) = json(live.get("/v1/arena?price=hive=3000&wanted=75&channel=st*")).await;
    assert_eq!(status, 200, "{figures}");
    assert_eq!((&figures["frames"], &figures["failed"]), (&json!(40), &json!({"frames": 1, "tries": 3})));
    let [hive, local] = &figures["models"].as_array().expect("models")[..] else { panic!("two models: {figures}") };
    assert_eq!(
        (&hive["provider"], &hive["calls"]["decided"], &hive["cost_micros"]),
        (&json!("hive"), &json!(40), &json!(120_000))
    );
    assert_eq!((&hive["took"]["median_ms"], &local["calls"]["compared"]), (&json!(220), &json!(40)));
    let label = &hive["labels"][0];
    assert_eq!(
        (&label["upheld"]["count"], &label["upheld"]["of"], &label["asked_from"]),
        (&json!(16), &json!(16), &json!(80.0))
    );
    // Of two bands the lower: 16 of 16 is at least 16 / (16 + 2.2414²) = 0.761.
    assert_eq!(
        (&label["threshold"]["said"], &label["threshold"]["threshold"]),
        (&json!("from"), &json!(85.0)),
        "{label}"
    );
    assert_eq!(label["threshold"]["upheld"]["low_permille"], 761);
    let pair = &figures["pairs"][0]["any_rule"];
    let counts = ["both", "one_only", "other_only", "neither"].map(|name| pair[name].as_u64());
    assert_eq!(counts, [Some(12), Some(4), Some(0), Some(24)], "{pair}");
    assert_eq!((pair["examples"].as_array().map(Vec::len), &pair["examples"][0]["yes"]), (Some(4), &json!("hive")));
    let again = live.get("/v1/arena?price=hive=3000&wanted=75&channel=st*").send().await.expect("an answer comes");
    let again: Value = serde_json::from_str(&again.text().await.expect("the body comes")).expect("JSON");
    assert_eq!(again, figures);
    live.close().await;

    let called = |arguments: &[&str]| {
        let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_streamwarden"));
        program.arg("arena").args(arguments).arg("--data").arg(premises.data());
        let done = program.output().expect("the program runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        (done.status.code(), text(done.stdout), text(done.stderr))
    };
    let (code, text, err) = called(&["--price", "hive=3000", "--wanted", "75"]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(text.contains("hive v3.2 answered 40 of 40 calls, half of them within 220 ms"), "{text}");
    assert!(text.contains("hive and local agree whether a rule is hit on 36 frames of 40; more than chance"), "{text}");
    let (_, said, _) = called(&["--price", "hive=3000", "--wanted", "75", "--channel", "st*", "--json"]);
    let said: Value = serde_json::from_str(&said).expect("JSON");
    for part in ["frames", "failed", "models", "pairs", "changes", "left_out"] {
        assert_eq!(said[part], figures[part], "{part}");
    }
    let (_, said, _) = called(&["--provider", "local", "--from", "2000-01-01T00:00:00Z", "--json"]);
    let said: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(said["models"].as_array().map(Vec::len), Some(1));
    let (code, _, err) = called(&["--price", "hive"]);
    assert!(code == Some(2) && err.contains("hive=3000"), "{err}");
}

#[actix_rt::test]
async fn an_empty_journal_has_no_figures_and_what_is_no_question_is_refused() {
    let premises = Premises::new();
    let live = premises.open().await;
    let (status, figures) = json(live.get("/v1/arena")).await;
    assert_eq!((status, &figures["models"], &figures["wanted_permille"]), (200, &json!([]), &json!(900)), "{figures}");
    for (query, parameter) in [
        ("wanted=49", "wanted"),
        ("wanted=most", "wanted"),
        ("price=hive", "price"),
        ("from=yesterday", "from"),
        ("provider=a%20b", "provider"),
        ("since=2026-01-01T00:00:00Z", "since"),
    ] {
        refused(live.get(&format!("/v1/arena?{query}")), parameter).await;
    }
    assert!(live.house.journal.watermark().borrow().0 > 0, "a policy was published");
    live.close().await;
}

#[actix_rt::test]
async fn who_may_only_look_is_not_told() {
    let mut premises = Premises::new();
    let folder = tempfile::tempdir().expect("a directory");
    let (viewer, auditor) = with_tokens(&mut premises, folder.path(), "*");
    let live = premises.open().await;
    for token in [viewer, auditor] {
        assert_eq!(json(live.get("/v1/arena").bearer_auth(token)).await.0, 403);
    }
    live.close().await;
}
