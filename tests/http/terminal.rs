//! A server asked from the terminal: policies published and put in shadow by `streamwarden policy`, with every refusal in
//! words.

use std::path::Path;

use serde_json::Value;
use streamwarden::http::auth::config::{AuthConfig, Way};
use streamwarden::http::auth::{Role, Token, tokens_file};
use streamwarden::model::{ChannelPattern, ModeratorId, Timestamp};

use crate::premises::{Live, POLICY, Premises, json};

/// What the program did with these arguments: its exit code, and what it said.
async fn called(live: &Live, arguments: &[&str]) -> (Option<i32>, String, String) {
    asked(&live.url(""), arguments).await
}

async fn asked(server: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_streamwarden"));
    program.arg("policy").args(arguments).args(["--server", server]);
    // The server answers on this thread.
    let done = actix_rt::task::spawn_blocking(move || program.output()).await.expect("a thread");
    let done = done.expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (done.status.code(), text(done.stdout), text(done.stderr))
}

fn written(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("written");
    path.to_str().expect("a path of text").to_owned()
}

#[actix_rt::test]
async fn a_policy_is_published_and_put_in_shadow_and_each_refusal_is_said() {
    let premises = Premises::new();
    let folder = tempfile::tempdir().expect("a folder");
    let live = premises.open().await;
    let file = written(folder.path(), "test.yaml", &POLICY.replace("confidence: 80", "confidence: 70"));
    let fine = |out: &str| (Some(0), out.to_owned(), String::new());
    assert_eq!(
        called(&live, &["publish", &file, "--why", "less", "--expect", "1"]).await,
        fine("test@2 is in force, in place of test@1\n")
    );
    assert_eq!(
        called(&live, &["publish", &file, "--why", "again"]).await,
        fine("test@2 was in force with this text already\n")
    );
    let (code, out, err) = called(&live, &["publish", &file, "--why", "less", "--expect", "1"]).await;
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(
        err.contains("refuses: version 2 of policy test is in force, you saw 1") && err.contains("\nhint: "),
        "{err}"
    );

    let stricter = written(folder.path(), "stricter.yaml", &POLICY.replace("confidence: 80", "confidence: 60"));
    let shadowed = called(&live, &["shadow", &stricter, "--why", "is it too much?"]).await;
    assert_eq!(shadowed, fine("test@3 runs in shadow, beside test@2\n"));
    let (_, shown) = json(live.get("/v1/policies/test")).await;
    assert_eq!(
        (&shown["in_shadow"]["policy"]["version"], &shown["in_force"]["policy"]["version"]),
        (&3.into(), &2.into())
    );
    let ended = called(&live, &["shadow", "--stop", "test", "--why", "it is"]).await;
    assert_eq!(ended, fine("test@3 runs in shadow no more\n"));
    let (code, _, err) = called(&live, &["shadow", "--stop", "test", "--why", "again"]).await;
    assert_eq!(code, Some(1));
    assert!(err.contains("there is no policy test in shadow"), "{err}");

    // What is wrong with a file is said here, and nothing is sent.
    let broken = written(folder.path(), "broken.yaml", &POLICY.replace("confidence: 80", "confidence: 800"));
    for command in ["publish", "shadow"] {
        let (code, out, err) = called(&live, &[command, &broken, "--why", "less"]).await;
        assert_eq!(code, Some(1), "{err}");
        assert!(out.contains("broken.yaml:8:") && err.contains("nothing was sent"), "{out}{err}");
    }
    let (_, events) = json(live.get("/v1/events?type=PolicyPublished")).await;
    assert_eq!(events["items"].as_array().map(Vec::len), Some(2), "{events}");
    let gone = live.url("");
    live.close().await;

    let (code, _, err) = asked(&gone, &["publish", &file, "--why", "less"]).await;
    assert_eq!(code, Some(2));
    assert!(err.contains("gives no answer: ") && err.contains("\nhint: "), "{err}");
}

#[actix_rt::test]
async fn who_asks_is_said_by_a_token_in_a_file_and_never_without_tls() {
    let mut premises = Premises::new();
    let folder = tempfile::tempdir().expect("a folder");
    let tokens = folder.path().join("tokens.toml");
    let secret = |name: &str, role| {
        let (name, all) = (ModeratorId::new(name).expect("a name"), ChannelPattern::new("*").expect("a pattern"));
        let (token, secret) = Token::create(name, vec![role], vec![all], Timestamp::default(), None).expect("bytes");
        tokens_file::add(&tokens, token).expect("written");
        secret.reveal().to_owned()
    };
    let (author, viewer) = (secret("author", Role::PolicyAuthor), secret("viewer", Role::Viewer));
    premises.auth = AuthConfig { ways: vec![Way::Tokens], tokens_file: tokens.clone(), ..AuthConfig::default() };
    let live = premises.open().await;
    let file = written(folder.path(), "test.yaml", &POLICY.replace("confidence: 80", "confidence: 70"));
    let publish = async |more: &[&str]| called(&live, &[&["publish", &file, "--why", "less"], more].concat()).await;

    let (code, _, err) = publish(&[]).await;
    assert_eq!(code, Some(1));
    assert!(err.contains("hint: name a file with a token"), "{err}");
    let viewer = written(folder.path(), "viewer", &viewer);
    let (code, _, err) = publish(&["--token-file", &viewer]).await;
    assert_eq!(code, Some(1));
    assert!(err.contains("write_policy") && err.contains("hint: it takes a token whose role"), "{err}");
    let (code, _, err) = publish(&["--token-file", "/nowhere/token"]).await;
    assert_eq!(code, Some(2));
    assert!(err.contains("reading --token-file, /nowhere/token"), "{err}");
    let author = written(folder.path(), "author", &format!("{author}\n"));
    let (code, out, err) = publish(&["--token-file", &author]).await;
    assert_eq!((code, out.as_str()), (Some(0), "test@2 is in force, in place of test@1\n"), "{err}");
    let token = json(
        live.get("/v1/events?type=PolicyPublished").bearer_auth(std::fs::read_to_string(&author).expect("it").trim()),
    );
    let (_, events) = token.await;
    let by: Vec<&Value> = events["items"].as_array().expect("items").iter().map(|it| &it["actor"]).collect();
    assert_eq!(by.last().and_then(|by| by.as_str()), Some("moderator author"));
    live.close().await;

    let far = ["publish", &file, "--why", "less", "--token-file", &author];
    let (code, _, err) = asked("http://warden.example", &far).await;
    assert_eq!(code, Some(2));
    assert!(err.contains("must begin with https://") && err.contains("hint: https://HOST"), "{err}");
}
