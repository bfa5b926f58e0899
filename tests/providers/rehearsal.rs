//! The rehearsal on the bundled footage, and that it can be reached from nowhere else.

use std::fs;
use std::path::Path;

use streamwarden::intake::FootageProvider;
use streamwarden::model::Timestamp;
use streamwarden::providers::{Provider, ProviderError};

use super::{bundled, channel, image, root, session};

#[tokio::test]
async fn every_rehearsed_frame_is_answered_and_some_call_for_a_stop() {
    let footage = bundled();
    let rehearsal = footage.rehearsal().expect("the footage can be read");
    let mut frames = channel(&footage, "rehearsal-film").play(session(), Timestamp::default());
    let mut found = Vec::new();
    while let Some(frame) = frames.next().await {
        let answer = rehearsal.assess(image(&frame)).await.expect("a rehearsed frame");
        assert_eq!(&*answer.provider.name, "rehearsal");
        assert_eq!(&*answer.provider.model, "labels written into the footage");
        assert_eq!(&*answer.provider.taxonomy, "rekognition/7.0");
        found.push(answer.labels.iter().any(|label| label.path().as_str() == "Violence/Weapons"));
    }
    assert_eq!(found.iter().filter(|weapons| **weapons).count(), 7);
    assert!(found[14..21].iter().all(|weapons| *weapons), "they follow each other: {found:?}");
}

#[tokio::test]
async fn the_footage_of_other_providers_is_refused() {
    let footage = bundled();
    let rehearsal = footage.rehearsal().expect("the footage can be read");
    let others: Vec<_> = footage.channels().iter().filter(|c| c.provider == FootageProvider::Local).collect();
    assert!(others.len() >= 4);
    for other in others {
        let frame = other.play(session(), Timestamp::default()).next().await.expect("a frame");
        assert!(matches!(rehearsal.assess(image(&frame)).await, Err(ProviderError::Refused(_))), "{}", other.channel);
    }
}

#[test]
fn only_the_footage_makes_a_rehearsal() {
    let mut callers = Vec::new();
    search(&root().join("src"), &mut callers);
    callers.sort();
    assert_eq!(callers, ["intake/footage.rs", "providers/rehearsal.rs"], "files that mention the constructor");
}

fn search(folder: &Path, callers: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("the sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            search(&path, callers);
        } else if fs::read_to_string(&path).expect("a source file").contains("of_bundled_pictures") {
            let inside = path.strip_prefix(root().join("src")).expect("a path in src");
            callers.push(inside.to_string_lossy().into_owned());
        }
    }
}
