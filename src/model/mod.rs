//! Words that everyone shares: identities, quantities, labels, frames. No rules, no IO, no clock.

mod compact;
mod confidence;
mod content;
mod content_type;
mod frame;
mod hex;
mod ids;
mod label;
mod medium;
mod pattern;
mod perceptual;
mod scope;
mod score;
mod severity;
mod time;
mod transcript;
mod verdict;

pub(crate) use compact::tuple_in_binary;
pub use confidence::{Confidence, ConfidenceError};
pub use content::{ContentRef, subjects};
pub use content_type::ContentType;
pub use frame::{Fingerprint, Frame, FrameOrigin, ImageFacts, ImageFormat, S3Object, Sha256};
pub use ids::{
    ActionName, ChannelId, ConsumerName, EnforcementId, Epoch, ErasureReason, EventId, ExternalId, FrameId, IdError,
    Mark, MarkName, ModeratorId, PolicyId, PolicyRef, Position, ProviderName, ReplayId, RuleId, Sequence, SessionId,
    WarningId,
};
pub use label::{Label, LabelPath, LabelPathError, ProviderRef};
pub use medium::{Medium, Moment, Stretch};
pub use pattern::{ChannelPattern, PatternError};
pub use perceptual::{HashScheme, LumaDelta, LumaPlane, Measurement, PerceptualHash, Similarity};
pub use scope::{Scope, SystemScope};
pub use score::Score;
pub use severity::Severity;
pub use time::Timestamp;
pub use transcript::{NoTranscript, Sentence, Transcript};
pub use verdict::{Action, Approval, OnUnavailable, Verdict};
