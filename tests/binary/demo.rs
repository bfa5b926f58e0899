//! `streamwarden demo`: real footage is moderated, by the real model.

use std::path::Path;

use streamwarden::events::{Event, FailedStage};
use streamwarden::model::Verdict;

use crate::{decoded, demo, journal, outcomes, root, run, said, streamwarden};

/// How many pictures the bundled footage has.
fn bundled_frames() -> usize {
    let channels = std::fs::read_dir(root().join("demo/footage")).expect("the footage is there");
    let pictures = |channel: &Path| {
        let files = std::fs::read_dir(channel).expect("a channel is a folder");
        files.flatten().filter(|file| file.path().extension().is_some_and(|end| end == "jpg")).count()
    };
    channels.flatten().map(|channel| pictures(&channel.path())).sum()
}

#[test]
fn the_demo_judges_every_frame_it_shows_and_a_rehearsed_stop_is_verified() {
    let data = tempfile::tempdir().expect("a directory");
    let output = run(&mut demo(data.path()));
    assert!(output.status.success(), "{}", said(&output));
    let stored = journal(data.path());
    let events = decoded(&stored);

    let shown = format!("{} frames shown, {0} with a recorded outcome", outcomes(&events).len());
    assert!(String::from_utf8_lossy(&output.stdout).contains(&shown), "{shown}, not in {}", said(&output));
    assert!(outcomes(&events).len() > bundled_frames() / 2, "{} of {}", outcomes(&events).len(), bundled_frames());

    let mut by_local = 0;
    let mut stops_by_rehearsal = 0;
    for event in &events {
        let Event::FrameAssessed(assessed) = event else { continue };
        match (&*assessed.provider.name, assessed.verdict) {
            ("rehearsal", Verdict::Stop) => stops_by_rehearsal += 1,
            ("rehearsal", _) => {}
            (name, verdict) => {
                assert!(name.contains("nsfw") || name.contains("local"), "{name} is neither rehearsal nor the model");
                assert_ne!(verdict, Verdict::Stop, "the local model stops nothing");
                let in_band =
                    assessed.labels.iter().any(|label| (20_000..80_000).contains(&label.confidence().as_milli()));
                by_local += usize::from(verdict == Verdict::Warn && in_band);
            }
        }
    }
    assert!(by_local > 0, "the model itself warns, in its review band");
    assert!(stops_by_rehearsal > 0, "a stop is rehearsed");
    let raised = events
        .iter()
        .any(|event| matches!(event, Event::WarningRaised(raised) if &*raised.policy.id.to_string() == "demo"));
    assert!(raised, "a warning of the local model's policy");
    assert!(events.iter().any(|event| matches!(event, Event::EnforcementVerified(_))), "{}", said(&output));
}

#[test]
fn without_the_model_frames_fail_loudly_and_nothing_counts_as_clear() {
    let data = tempfile::tempdir().expect("a directory");
    let output =
        run(streamwarden(&["demo", "--once", "--pace", "fast", "--model", "no/such/file", "--data"]).arg(data.path()));
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(complaint.contains("classifier absent") && complaint.contains("hint: run `make model`"), "{complaint}");
    assert_eq!(output.status.code(), Some(3), "a script must not take this for success: {}", said(&output));
    let unjudged = complaint.lines().find(|line| line.contains("NOTHING WAS JUDGED of ")).expect(&complaint);
    let about_rehearsal: Vec<&str> = complaint.lines().filter(|line| line.contains("rehearsal-film")).collect();
    assert!(!unjudged.contains("rehearsal-film"), "{about_rehearsal:#?}");
    assert!(about_rehearsal.is_empty(), "{about_rehearsal:#?}");
    let events = decoded(&journal(data.path()));
    let failed =
        |event: &&Event| matches!(event, Event::FrameFailed(failed) if failed.stage == FailedStage::NoProvider);
    assert!(events.iter().filter(failed).count() > 50, "{}", said(&output));
    for event in &events {
        if let Event::FrameAssessed(assessed) = event {
            assert_eq!(&*assessed.provider.name, "rehearsal", "nobody else can have judged");
        }
    }
    assert!(events.iter().any(|event| matches!(event, Event::ChannelUnwatched(_))), "silence is loud");
}
