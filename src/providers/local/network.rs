//! The network itself: weights on disk, checked and run. Knows tensors, not pictures and not labels.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use rten::{Dimension, Model};
use rten_tensor::NdTensorView;
use rten_tensor::prelude::*;

use super::super::ProviderError;
use super::input::{INPUT_SIDE, Input};
use crate::model::Sha256;

/// The largest file of weights that is read. open_nsfw has 23.6 MB; the bound keeps a wrong path from filling memory.
pub const MODEL_BYTES_MAX: u64 = 512 << 20;

/// A network that takes one f32 picture `[n, 224, 224, 3]` (BGR less the mean) and gives `[n, 2]`: safe, not safe.
pub struct Network {
    model: Model,
}

impl Network {
    /// Reads the weights at `path`, refuses them unless their digest is `sha256`, and checks their shape.
    pub fn load(path: &Path, sha256: Sha256) -> Result<Self, ProviderError> {
        let weights = read(path)?;
        let found = Sha256::of(&weights);
        if found != sha256 {
            let path = path.display();
            let why = format!("the model at {path} has sha256 {found}, expected {sha256}; it was not loaded");
            return Err(ProviderError::Refused(why));
        }
        let model =
            Model::load(weights).map_err(|error| refused(path, &format!("is no network rten can run: {error}")))?;
        check_shape(&model).map_err(|why| refused(path, &why))?;
        Ok(Self { model })
    }

    /// The probability that the picture is not safe, as the network gives it. Blocks for tens of milliseconds.
    pub fn score(&self, input: &Input) -> Result<f32, ProviderError> {
        let [_, not_safe] = self.probabilities(input)?;
        Ok(not_safe)
    }

    /// Both outputs: safe, not safe. They add up to 1. Blocks for tens of milliseconds.
    pub fn probabilities(&self, input: &Input) -> Result<[f32; 2], ProviderError> {
        let view = NdTensorView::from_data([1, INPUT_SIDE, INPUT_SIDE, 3], input.values());
        let output = self
            .model
            .run_one(view.into(), None)
            .map_err(|error| ProviderError::Refused(format!("the local model could not run: {error}")))?;
        let values: Vec<f32> = output.into_tensor::<f32>().map(|tensor| tensor.to_vec()).unwrap_or_default();
        <[f32; 2]>::try_from(values).map_err(|values| {
            ProviderError::Nonsense(format!("the local model gave {} values, expected safe and not safe", values.len()))
        })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, ProviderError> {
    let unreadable = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => ProviderError::Absent(format!(
            "the local model is not at {}; scripts/fetch-model.sh fetches it, or state the path and SHA-256 of your own",
            path.display()
        )),
        _ => refused(path, &format!("cannot be read: {error}")),
    };
    let bytes = fs::metadata(path).map_err(unreadable)?.len();
    if bytes > MODEL_BYTES_MAX {
        return Err(refused(path, &format!("has {bytes} bytes, at most {MODEL_BYTES_MAX} are read")));
    }
    fs::read(path).map_err(unreadable)
}

/// Refuses a network of another shape at the start, not at the first frame.
fn check_shape(model: &Model) -> Result<(), String> {
    let inputs = (model.input_ids().len(), model.output_ids().len());
    if inputs != (1, 1) {
        return Err(format!("has {} inputs and {} outputs, expected one of each", inputs.0, inputs.1));
    }
    let expected = [None, Some(INPUT_SIDE), Some(INPUT_SIDE), Some(3)];
    let fits = |shape: &[Dimension]| {
        shape.len() == expected.len()
            && shape.iter().zip(expected).all(|(found, wanted)| match (found, wanted) {
                (Dimension::Fixed(found), Some(wanted)) => *found == wanted,
                (Dimension::Fixed(found), None) => *found == 1,
                (Dimension::Symbolic(_), _) => true, // decided by what it is given
            })
    };
    match model.input_shape(0) {
        Some(shape) if !fits(&shape) => Err(format!("takes {shape:?}, expected [1, {INPUT_SIDE}, {INPUT_SIDE}, 3]")),
        _ => Ok(()),
    }
}

fn refused(path: &Path, why: &str) -> ProviderError {
    ProviderError::Refused(format!("the model at {} {why}", path.display()))
}
