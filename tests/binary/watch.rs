//! `streamwarden watch`: a person's own pictures and films.

use std::path::Path;
use std::process::Command;

use streamwarden::events::{Event, FailedStage};
use tempfile::TempDir;

use crate::{POLICY, decoded, ffmpeg, journal, outcomes, root, run, said, streamwarden, weights};

struct Own {
    dir: TempDir,
}

impl Own {
    fn new() -> Self {
        let own = Self { dir: tempfile::tempdir().expect("a directory") };
        std::fs::write(own.at("policy.yaml"), POLICY).expect("a file can be written");
        own
    }

    fn at(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    fn watch(&self, path: &Path) -> Command {
        let mut command = streamwarden(&["watch"]);
        command.arg(path).arg("--data").arg(self.at("data")).arg("--policy").arg(self.at("policy.yaml"));
        command.arg("--model").arg(weights());
        command
    }
}

#[test]
fn a_broken_picture_in_a_folder_fails_and_the_others_are_judged() {
    let own = Own::new();
    let folder = own.at("pictures");
    std::fs::create_dir(&folder).expect("a folder can be made");
    for n in 1..=5 {
        let to = folder.join(format!("{n}.jpg"));
        std::fs::copy(root().join(format!("demo/footage/film-night/{:04}.jpg", n * 5)), to).expect("a copy");
    }
    std::fs::write(folder.join("3.jpg"), b"not a picture").expect("a file can be written");
    let output = run(&mut own.watch(&folder));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let events = decoded(&journal(&own.at("data")));
    assert_eq!(outcomes(&events).len(), 5, "{}", said(&output));
    let failed = |event: &&Event| matches!(event, Event::FrameFailed(failed) if failed.stage == FailedStage::Decode);
    assert_eq!(events.iter().filter(failed).count(), 1, "{}", said(&output));
    let assessed = |event: &&Event| matches!(event, Event::FrameAssessed(_));
    assert_eq!(events.iter().filter(assessed).count(), 4, "{}", said(&output));
}

#[test]
fn without_a_policy_of_their_own_pictures_are_judged_and_none_fails() {
    let own = Own::new();
    let mut command = streamwarden(&["watch"]);
    command.arg(root().join("demo/footage/sky-tour")).arg("--data").arg(own.at("data")).arg("--model").arg(weights());
    let output = run(&mut command);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let events = decoded(&journal(&own.at("data")));
    let assessed = events.iter().filter(|event| matches!(event, Event::FrameAssessed(_))).count();
    assert!(assessed > 5, "only {assessed} of the pictures were assessed: {}", said(&output));
    let provider_failed =
        |event: &&Event| matches!(event, Event::FrameFailed(failed) if failed.stage != FailedStage::Decode);
    assert_eq!(events.iter().filter(provider_failed).count(), 0, "{}", said(&output));
}

#[test]
fn a_folder_of_which_nothing_was_judged_ends_with_a_code_of_its_own() {
    let own = Own::new();
    let folder = own.at("pictures");
    std::fs::create_dir(&folder).expect("a folder can be made");
    std::fs::write(folder.join("1.jpg"), b"not a picture").expect("a file can be written");
    let output = run(own.watch(&folder).arg(root().join("demo/footage/rocket-still")));
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(complaint.contains("NOTHING WAS JUDGED of pictures: "), "{complaint}");
}

#[test]
fn a_film_is_watched_through_ffmpeg() {
    let own = Own::new();
    let film = own.at("film.mp4");
    let made = Command::new(ffmpeg())
        .args(["-v", "error", "-framerate", "1", "-i"])
        .arg(root().join("demo/footage/film-night/%04d.jpg"))
        .args(["-frames:v", "40", "-c:v", "mpeg4", "-q:v", "3", "-r", "5"])
        .arg(&film)
        .status()
        .expect("ffmpeg starts");
    assert!(made.success(), "the film is made");
    let output = run(own.watch(&film).arg("--ffmpeg").arg(ffmpeg()));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let events = decoded(&journal(&own.at("data")));
    let assessed = events.iter().filter(|event| matches!(event, Event::FrameAssessed(_))).count();
    assert_eq!(
        (outcomes(&events).len(), assessed),
        (8, 8),
        "40 pictures at 5 a second, one taken each second: {}",
        said(&output)
    );
}

#[test]
fn a_policy_with_a_mistake_starts_nothing_and_says_where_it_is() {
    let own = Own::new();
    std::fs::write(own.at("policy.yaml"), POLICY.replace("confidence: 80", "confidence: 800")).expect("a file");
    let output = run(&mut own.watch(&root().join("demo/footage/film-night")));
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(complaint.contains("policy.yaml:7:") && complaint.contains("hint:"), "{complaint}");
    assert!(output.stdout.is_empty(), "nothing was watched: {}", said(&output));
}
