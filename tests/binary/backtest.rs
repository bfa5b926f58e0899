//! `streamwarden backtest` and `frontier` on a store that `streamwarden watch` left.

use std::path::Path;
use std::process::Command;

use crate::{POLICY, root, run, said, streamwarden, weights};

fn recorded(dir: &Path) {
    std::fs::write(dir.join("policy.yaml"), POLICY).expect("a file can be written");
    let mut command = streamwarden(&["watch"]);
    command.arg(root().join("demo/footage/film-night")).arg("--data").arg(dir.join("data"));
    command.arg("--policy").arg(dir.join("policy.yaml")).arg("--model").arg(weights());
    let output = run(&mut command);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

fn asked(what: &str, dir: &Path, policy: &str, name: &str) -> Command {
    let mut command = streamwarden(&[what]);
    command.arg("--policy").arg(dir.join(policy)).arg("--data").arg(dir.join("data"));
    command.arg("--json").arg(dir.join(format!("{name}.json"))).arg("--html").arg(dir.join(format!("{name}.html")));
    command
}

#[test]
fn what_was_watched_is_tried_again_without_a_model_and_gives_the_same_bytes_each_time() {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    recorded(dir);
    let output = run(&mut asked("backtest", dir, "policy.yaml", "same"));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.starts_with("mine@2 on ") && text.contains("gained       0 warnings"), "{text}");
    let read = |name: &str| std::fs::read_to_string(dir.join(name)).expect("it was written");
    let report: serde_json::Value = serde_json::from_str(&read("same.json")).expect("JSON");
    assert!(report["judged"].as_u64() > Some(5), "{text}");
    assert_eq!((&report["differing"], &report["lost"]["count"]), (&0.into(), &0.into()), "{text}");

    std::fs::write(dir.join("looser.yaml"), POLICY.replace("confidence: 80", "confidence: 1")).expect("a file");
    for (name, threads) in [("one", "1"), ("two", "2")] {
        let output = run(asked("backtest", dir, "looser.yaml", name).args(["--threads", threads]));
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    }
    assert_eq!(read("one.json"), read("two.json"));
    assert_eq!(read("one.html"), read("two.html"));
    let report: serde_json::Value = serde_json::from_str(&read("one.json")).expect("JSON");
    assert!(report["gained"]["count"].as_u64() > Some(0), "{report}");

    let output = run(asked("frontier", dir, "policy.yaml", "curve").args(["--all-warnings", "--budget", "50/day"]));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let curve: serde_json::Value = serde_json::from_str(&read("curve.json")).expect("JSON");
    assert!(curve["points"].as_array().is_some_and(|points| points.len() > 5), "{curve}");
    let left: Vec<_> =
        std::fs::read_dir(dir).expect("it can be listed").map(|entry| entry.expect("an entry")).collect();
    assert!(left.iter().all(|entry| !entry.file_name().to_string_lossy().contains(".part")), "nothing half-written");
}

#[test]
fn a_mistake_in_the_policy_and_a_store_that_is_not_there_are_said_and_nothing_is_written() {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    std::fs::write(dir.join("policy.yaml"), POLICY.replace("confidence: 80", "confidence: 800")).expect("a file");
    let output = run(&mut asked("backtest", dir, "policy.yaml", "none"));
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(String::from_utf8_lossy(&output.stderr).contains("policy.yaml:7:"), "{}", said(&output));
    std::fs::write(dir.join("policy.yaml"), POLICY).expect("a file");
    let output = run(&mut asked("backtest", dir, "policy.yaml", "none"));
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(String::from_utf8_lossy(&output.stderr).contains("hint: "), "{}", said(&output));
    assert!(!dir.join("none.json").exists() && !dir.join("none.html").exists());
}
