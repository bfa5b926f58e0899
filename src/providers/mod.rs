//! Who labels an image. SDK and model types end here.

pub mod guard;
pub mod hive;
pub mod local;
pub mod rehearsal;
pub mod rekognition;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::watch;

use crate::model::{
    ChannelId, Confidence, ContentType, Frame, FrameId, FrameOrigin, Label, Medium, Moment, ProviderRef, S3Object,
    Transcript,
};
use guard::Standing;

/// What a provider says of an image, or of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Who says it.
    pub provider: ProviderRef,
    /// Every label, surest first.
    pub labels: Vec<Label>,
    /// How many of them the provider's taxonomy does not know.
    pub unmapped: u8,
    /// What kind of picture it takes it for, surest first, at most [`ContentType::INLINE_MAX`]; none if it does not say.
    pub content_types: Vec<ContentType>,
    /// Of a segment: when its labels show or are heard, at most one for each label. Of a picture none.
    pub moments: Vec<Moment>,
    /// Of the sound of a segment: what was said, and none if nothing was.
    pub transcript: Option<Box<Transcript>>,
}

impl Answer {
    /// What a provider says of a picture, of which it knows every label and takes it for no kind.
    pub fn of(provider: ProviderRef, labels: Vec<Label>) -> Self {
        Self { provider, labels, unmapped: 0, content_types: Vec::new(), moments: Vec::new(), transcript: None }
    }
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
    /// It has been asked too often. Worth another try, later and more slowly.
    #[error("the provider takes no more now: {0}")]
    Throttled(String),
    /// It is not asked at present, because it failed again and again. Not worth another try for this image.
    #[error("the provider is suspended: {0}")]
    Suspended(String),
    /// It refuses this image. Not worth another try.
    #[error("the provider refuses: {0}")]
    Refused(String),
    /// It refuses this caller: the key, a permission, the balance. Every image would be; not worth another try.
    #[error("the provider refuses us: {0}")]
    Denied(String),
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
            Self::Throttled(_) => "throttled",
            Self::Suspended(_) => "suspended",
            Self::Refused(_) => "refused",
            Self::Denied(_) => "denied",
            Self::Nonsense(_) => "nonsense",
            Self::Broke(_) => "broke",
        }
    }

    /// Whether the same image may be answered later.
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Throttled(_))
    }
}

/// The frame that a provider is shown a picture of. Of use to one that keeps what it was shown, and so needs names for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The channel it shows.
    pub channel: ChannelId,
    /// The frame.
    pub frame: FrameId,
    /// Where its picture lies, if it lies in a bucket.
    pub object: Option<S3Object>,
}

/// A picture as a provider is shown it.
#[derive(Debug, Clone)]
pub enum Picture {
    /// The bytes of its file.
    Bytes(Arc<[u8]>),
    /// An object that it reads in its bucket itself, of the version that is named.
    Object(S3Object),
}

impl Subject {
    /// That frame.
    pub fn of(frame: &Frame) -> Self {
        let object = match &frame.origin {
            FrameOrigin::S3(object) => Some(object.clone()),
            FrameOrigin::File(_) | FrameOrigin::Inline(_) => None,
        };
        Self { channel: frame.channel.clone(), frame: frame.id, object }
    }
}

/// A provider's answer to come.
pub type Assessing<'a> = Pin<Box<dyn Future<Output = Result<Answer, ProviderError>> + Send + 'a>>;

/// One who labels images.
pub trait Provider: Send + Sync + 'static {
    /// Who it is: name, model version, taxonomy.
    fn reference(&self) -> ProviderRef;

    /// What it can judge.
    fn media(&self) -> &'static [Medium] {
        &[Medium::Picture]
    }

    /// Whether it is there at all. One that is not fails every frame, loudly.
    fn is_present(&self) -> bool {
        true
    }

    /// The least confidence it reports; none if it reports every one. Kept with each answer: a threshold below it cannot
    /// be tried on the record.
    fn floor(&self) -> Option<Confidence> {
        None
    }

    /// Whether another try of one image is within what the provider can bear now; counts as one if it is.
    fn may_retry(&self) -> bool {
        true
    }

    /// Whether a call would be made at once: nobody waits for a turn, and it is not suspended.
    fn is_free(&self) -> bool {
        true
    }

    /// Whether it is asked about that medium at all at present, as that changes; none if it always is.
    fn standing(&self, _medium: Medium) -> Option<watch::Receiver<Standing>> {
        None
    }

    /// Labels one image, given as the bytes of its file. Blocking work is its own matter: this never blocks the caller.
    fn assess(&self, image: Arc<[u8]>) -> Assessing<'_>;

    /// Labels what a segment shows or how it sounds, given as the bytes of its file: an MPEG transport stream, as recorded.
    /// Only asked for what [`Provider::media`] holds.
    fn assess_segment(&self, medium: Medium, _segment: Arc<[u8]>) -> Assessing<'_> {
        Box::pin(async move { Err(ProviderError::Refused(format!("it does not judge a {}", medium.name()))) })
    }

    /// How many bytes an object of a bucket may have that it reads there itself; none if it is always given the bytes.
    fn object_bytes_max(&self) -> Option<u64> {
        None
    }

    /// Labels one image that it reads in its bucket itself, of the version that is named. Only asked where
    /// [`Provider::object_bytes_max`] allows it.
    fn assess_object(&self, object: S3Object) -> Assessing<'_> {
        Box::pin(async move { Err(ProviderError::Refused(format!("{object}: it reads no objects"))) })
    }

    /// Labels the picture of a frame. Who has no use for knowing which frame it is, is asked by the picture alone.
    fn assess_frame(&self, _subject: Subject, picture: Picture) -> Assessing<'_> {
        match picture {
            Picture::Bytes(image) => self.assess(image),
            Picture::Object(object) => self.assess_object(object),
        }
    }
}
