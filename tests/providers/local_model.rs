//! The local model against the reference runtime, and against what it is given in place of itself.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use image::{Rgb, RgbImage};
use serde::Deserialize;
use streamwarden::model::Sha256;
use streamwarden::providers::local::{AbsentModel, INPUT_SIDE, Input, LocalModel, Network, PINNED_SHA256};
use streamwarden::providers::{Provider, ProviderError};

use super::{local_model, root, weights};

/// How far our runtime may be from the reference on the same tensor.
const TENSOR_DELTA_MAX: f32 = 1e-3;
/// How far a score from a file may be from Pillow's and the reference runtime's, at most and in the mean. Our JPEG
/// decoder and libjpeg differ by a grey level in every tenth pixel, and the network is steep in the middle of its range:
/// a score is good for a wide review band, not for its second digit.
const FILE_DELTA_MAX: f64 = 0.20;
const FILE_DELTA_MEAN_MAX: f64 = 0.02;

/// What `measure_reference.py` measured.
#[derive(Deserialize)]
struct Reference {
    tensors: BTreeMap<String, [f32; 2]>,
    footage: BTreeMap<String, f64>,
}

fn reference() -> Reference {
    let file = fs::read(root().join("tests/providers/reference.json")).expect("the measurements are committed");
    serde_json::from_slice(&file).expect("the measurements are sound")
}

/// The tensor of that name: a file, or made just as the measuring script makes it.
fn tensor(name: &str) -> Input {
    let side = INPUT_SIDE as u32;
    let pixels = match name {
        "noise" => {
            let mut state = 1_u32;
            let mut noise = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            };
            RgbImage::from_fn(side, side, |_, _| Rgb([noise(), noise(), noise()]))
        }
        "black" => RgbImage::new(side, side),
        "ramps" => RgbImage::from_fn(side, side, |x, y| Rgb([x as u8, y as u8, ((x + y) / 2) as u8])),
        file => image::open(root().join("tests/providers/tensors").join(file)).expect("a committed tensor").into_rgb8(),
    };
    Input::of_pixels(&pixels).expect("224×224 pixels")
}

#[test]
fn the_network_agrees_with_the_reference_runtime_on_the_same_tensors() {
    let network = Network::load(&weights(), PINNED_SHA256).expect("the pinned model loads");
    let tensors = reference().tensors;
    assert!(tensors.len() >= 6, "tensors were measured");
    for (name, expected) in tensors {
        let found = network.probabilities(&tensor(&name)).expect("the network runs");
        for (found, expected) in found.iter().zip(expected) {
            let delta = (found - expected).abs();
            println!("{name}: {found} for {expected}, off by {delta:e}");
            assert!(delta <= TENSOR_DELTA_MAX, "{name}: {found}, the reference runtime says {expected}");
        }
    }
}

#[tokio::test]
async fn the_bundled_pictures_get_about_the_scores_that_the_reference_pipeline_gives_them() {
    let footage = reference().footage;
    assert!(footage.len() >= 150, "the footage was measured");
    let mut deltas = Vec::new();
    for (name, expected) in footage.into_iter().step_by(3) {
        let file: Arc<[u8]> = fs::read(root().join("demo/footage").join(&name)).expect("a committed frame").into();
        let answer = local_model().assess(file).await.expect("a picture");
        let found = f64::from(answer.labels[0].confidence().as_milli()) / 100_000.0;
        println!("{name}: {found:.4}, the reference pipeline says {expected:.4}");
        deltas.push((found - expected).abs());
        assert!(deltas[deltas.len() - 1] <= FILE_DELTA_MAX, "{name}: {found}, the reference pipeline says {expected}");
    }
    let mean = deltas.iter().sum::<f64>() / deltas.len() as f64;
    println!("largest difference {:.4}, mean {mean:.5}", deltas.iter().fold(0.0, |a: f64, b| a.max(*b)));
    assert!(mean <= FILE_DELTA_MEAN_MAX, "the scores are off by {mean} in the mean");
}

#[tokio::test]
async fn an_answer_says_who_judged_by_which_weights_and_in_which_words() {
    let reference = local_model().reference();
    assert_eq!(&*reference.name, "local");
    assert_eq!(&*reference.model, "open_nsfw/2016 sha256:864bb37bf886");
    assert_eq!(&*reference.taxonomy, "local-nudity/1");

    let file = fs::read(root().join("demo/footage/borderline/0012.jpg")).expect("a committed frame");
    let answer = local_model().assess(file.into()).await.expect("a picture");
    assert_eq!(answer.provider, reference);
    let paths: Vec<_> = answer.labels.iter().map(|label| label.path().as_str()).collect();
    assert_eq!(paths, ["Preliminary Nudity", "Preliminary Nudity/Review Band"]);
}

#[tokio::test]
async fn what_is_no_picture_is_refused_and_never_clear() {
    for nonsense in [&b""[..], b"<html>", b"\xff\xd8\xff\xe0"] {
        let answer = local_model().assess(nonsense.into()).await;
        assert!(matches!(answer, Err(ProviderError::Refused(_))), "{answer:?}");
    }
}

#[tokio::test]
async fn more_pictures_than_are_judged_at_a_time_are_all_answered() {
    let file: Arc<[u8]> = fs::read(root().join("demo/footage/borderline/0012.jpg")).expect("a committed frame").into();
    let answers: Vec<_> = (0..8).map(|_| tokio::spawn(local_model().assess(Arc::clone(&file)))).collect();
    let mut labels = Vec::new();
    for answer in answers {
        labels.push(answer.await.expect("no panic").expect("a picture").labels);
    }
    assert!(labels.iter().all(|other| *other == labels[0]), "the same picture gets the same answer: {labels:?}");
}

#[test]
fn weights_with_another_digest_are_refused() {
    let refused = LocalModel::load(&weights(), Sha256::of(b"another")).map(|_| ()).expect_err("another digest");
    let ProviderError::Refused(why) = refused else { panic!("{refused}") };
    assert!(why.contains(&PINNED_SHA256.to_string()) && why.contains(&Sha256::of(b"another").to_string()), "{why}");
}

#[test]
fn an_operators_own_file_is_taken_by_its_digest_and_checked_for_its_shape() {
    let folder = tempfile::tempdir().expect("a folder");
    let own = folder.path().join("own.onnx");

    let mut bytes = fs::read(weights()).expect("the weights");
    fs::write(&own, &bytes).expect("a copy");
    assert!(LocalModel::load(&own, Sha256::of(&bytes)).is_ok());

    bytes.truncate(1000);
    fs::write(&own, &bytes).expect("a stump");
    let refused = LocalModel::load(&own, Sha256::of(&bytes)).map(|_| ()).expect_err("no network");
    assert!(matches!(&refused, ProviderError::Refused(why) if why.contains("own.onnx")), "{refused}");
}

#[tokio::test]
async fn without_weights_the_model_is_absent_with_a_hint_and_every_frame_fails() {
    let path = root().join("models/there-is-none.onnx");
    let absent = LocalModel::load(&path, PINNED_SHA256).map(|_| ()).expect_err("no such file");
    assert!(matches!(&absent, ProviderError::Absent(why) if why.contains("scripts/fetch-model.sh")), "{absent}");

    let stand_in = AbsentModel::because(&absent);
    assert_eq!(stand_in.assess(b"any picture"[..].into()).await, Err(absent));
    assert_eq!(&*stand_in.reference().model, "absent");
}

#[test]
fn the_script_fetches_the_weights_that_the_program_expects() {
    let script = fs::read_to_string(root().join("scripts/fetch-model.sh")).expect("the script");
    assert!(script.contains(&format!("model_sha256={PINNED_SHA256}")));
}
