//! The local model: Yahoo's open_nsfw (2016), a real pre-trained network, run in this process without any account.
//!
//! It is a **preliminary photographic-nudity filter with a review band, not a verdict**. Its authors publish no
//! accuracy and guarantee none; they suggest to take a score below 0.2 for safe, above 0.8 for probable nudity, and to
//! have a person look at everything between. A third party states 7 % false positives at a cut-off it does not name.
//! It was trained on photographs: skin-like textures (fur, sand, close-ups) raise its score, drawings are outside its
//! training. It sees nothing else: no violence, no weapons, no drugs, no hate. Figures and limits: `docs/local-model.md`.
//!
//! The rest of the program knows it as a [`Provider`] only; tensors and the runtime end in this folder.

mod bilinear;
mod input;
mod network;
mod taxonomy;

pub use input::{INPUT_SIDE, Input};
pub use network::{MODEL_BYTES_MAX, Network};
pub use taxonomy::{PROBABLE_FROM, REVIEW_FROM, TAXONOMY};

use std::path::Path;
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::{Answer, Assessing, Provider, ProviderError};
use crate::model::{ProviderRef, Sha256};

/// Where `scripts/fetch-model.sh` puts the pinned weights, from the repository's root.
pub const PINNED_PATH: &str = "models/open-nsfw.onnx";
/// Digest of the pinned weights.
pub const PINNED_SHA256: Sha256 = Sha256([
    0x86, 0x4b, 0xb3, 0x7b, 0xf8, 0x86, 0x35, 0x64, 0xb8, 0x7e, 0xb3, 0x30, 0xab, 0x8c, 0x78, 0x5a, 0x79, 0xa7, 0x73,
    0xf4, 0xe7, 0xc4, 0x3c, 0xb9, 0x6d, 0xb5, 0x2e, 0xd8, 0x61, 0x13, 0x05, 0xfa,
]);
/// How many pictures are judged at a time. Two keep two cores busy: one decodes and scales while the other is in the
/// network, which itself uses every core. More would only hold more pictures in memory.
pub const PICTURES_AT_ONCE: usize = 2;

/// The local model, loaded and ready.
pub struct LocalModel {
    network: Arc<Network>,
    reference: ProviderRef,
    permits: Arc<Semaphore>,
}

impl LocalModel {
    /// Loads the weights at `path` if their SHA-256 is `sha256`. Reads the whole file: off the arbiters.
    ///
    /// [`ProviderError::Absent`] if no file is there, with how to fetch it; [`ProviderError::Refused`] if the file is
    /// not the one expected or no network of this shape. An operator's own weights must take and give what open_nsfw
    /// does (see [`Network`]); they are named by their digest only, never as open_nsfw.
    pub fn load(path: &Path, sha256: Sha256) -> Result<Self, ProviderError> {
        let network = Network::load(path, sha256)?;
        let name = if sha256 == PINNED_SHA256 { "open_nsfw/2016" } else { "operator's own" };
        let model = format!("{name} sha256:{}", &sha256.to_string()[..12]);
        Ok(Self {
            network: Arc::new(network),
            reference: reference(model),
            permits: Arc::new(Semaphore::new(PICTURES_AT_ONCE)),
        })
    }
}

impl Provider for LocalModel {
    fn reference(&self) -> ProviderRef {
        self.reference.clone()
    }

    fn assess(&self, image: Arc<[u8]>) -> Assessing<'_> {
        Box::pin(async move {
            let permit = Arc::clone(&self.permits).acquire_owned().await.expect("the semaphore is never closed");
            let network = Arc::clone(&self.network);
            let score = tokio::task::spawn_blocking(move || {
                let _held_until_done = permit; // an abandoned answer still occupies its thread
                network.score(&Input::of_file(&image)?)
            });
            // A picture that breaks a decoder would break it again: refused, not unavailable.
            let score = score
                .await
                .map_err(|broke| ProviderError::Refused(format!("the model broke on this image: {broke}")))??;
            Ok(Answer::of(self.reference(), taxonomy::labels(score)?))
        })
    }
}

/// Stands where a local model should be and is not: every frame fails loudly instead of passing.
pub struct AbsentModel {
    because: String,
}

impl AbsentModel {
    /// Stands in for a model that could not be loaded because of `error`.
    pub fn because(error: &ProviderError) -> Self {
        let because = match error {
            ProviderError::Absent(why) => why.clone(),
            other => other.to_string(),
        };
        Self { because }
    }
}

impl Provider for AbsentModel {
    fn reference(&self) -> ProviderRef {
        reference("absent".to_owned())
    }

    fn is_present(&self) -> bool {
        false
    }

    fn assess(&self, _: Arc<[u8]>) -> Assessing<'_> {
        Box::pin(async move { Err(ProviderError::Absent(self.because.clone())) })
    }
}

fn reference(model: String) -> ProviderRef {
    ProviderRef { name: "local".into(), model: model.into(), taxonomy: TAXONOMY.into() }
}
