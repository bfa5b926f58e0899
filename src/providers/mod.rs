//! Who labels an image. SDK and model types end here.

pub mod local;
pub mod rehearsal;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::model::{Label, ProviderRef};

/// What a provider says of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Who says it.
    pub provider: ProviderRef,
    /// Every label, surest first.
    pub labels: Vec<Label>,
    /// How many of them the provider's taxonomy does not know.
    pub unmapped: u8,
}

/// Why there is no answer. None of these is ever taken for clear.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// No provider is there.
    #[error("no provider: {0}")]
    Absent(String),
    /// It cannot be reached or cannot take more now. Worth another try.
    #[error("the provider is unavailable: {0}")]
    Unavailable(String),
    /// It refuses this image or this caller. Not worth another try.
    #[error("the provider refuses: {0}")]
    Refused(String),
    /// It answered something that is no answer.
    #[error("the provider answered nonsense: {0}")]
    Nonsense(String),
    /// It panicked over this image. Not worth another try.
    #[error("the provider broke: {0}")]
    Broke(String),
}

impl ProviderError {
    /// What kind of error it is, in a word for figures.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Absent(_) => "absent",
            Self::Unavailable(_) => "unavailable",
            Self::Refused(_) => "refused",
            Self::Nonsense(_) => "nonsense",
            Self::Broke(_) => "broke",
        }
    }
}

/// A provider's answer to come.
pub type Assessing<'a> = Pin<Box<dyn Future<Output = Result<Answer, ProviderError>> + Send + 'a>>;

/// One who labels images.
pub trait Provider: Send + Sync + 'static {
    /// Who it is: name, model version, taxonomy.
    fn reference(&self) -> ProviderRef;

    /// Whether it is there at all. One that is not fails every frame, loudly.
    fn is_present(&self) -> bool {
        true
    }

    /// Labels one image, given as the bytes of its file. Blocking work is its own matter: this never blocks the caller.
    fn assess(&self, image: Arc<[u8]>) -> Assessing<'_>;
}
