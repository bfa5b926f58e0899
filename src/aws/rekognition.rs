//! Rekognition: which moderation labels an image has. Knows the call and what its answer must hold to be one; which of
//! the labels a taxonomy knows is for the provider.

use std::sync::Arc;

use aws_sdk_rekognition::Client;
use aws_sdk_rekognition::operation::detect_moderation_labels::DetectModerationLabelsOutput;
use aws_sdk_rekognition::primitives::Blob;
use aws_sdk_rekognition::types::{self, ContentType, Image};

use super::{Aws, Failure};
use crate::model::S3Object;

/// The most labels an answer may hold: the whole of taxonomy 7.0 has 52.
const LABELS_MAX: usize = 200;
/// The most kinds of picture an answer may name: two are known.
const CONTENT_TYPES_MAX: usize = 20;
/// The most levels a label may lie below the top; taxonomy 7.0 has 3 levels. Also ends a circle of parents.
const LEVELS_MAX: usize = 5;
/// The most bytes of a name in an answer.
const NAME_BYTES_MAX: usize = 100;

const DETECT: &str = "DetectModerationLabels";

/// The client.
#[derive(Debug, Clone)]
pub struct Rekognition {
    client: Client,
}

/// What Rekognition sees in an image.
#[derive(Debug, Clone, PartialEq)]
pub struct Detected {
    /// The version of the model that says so: `7.0`.
    pub model: String,
    /// Every label from the least confidence asked for.
    pub labels: Vec<DetectedLabel>,
    /// What kind of picture it is, with a confidence in percent: `Animated`, `Illustrated`.
    pub content_types: Vec<(String, f32)>,
}

/// One label.
#[derive(Debug, Clone, PartialEq)]
pub struct DetectedLabel {
    /// Its name and those of its parents, from the top down.
    pub path: Vec<String>,
    /// From 0 to 100.
    pub confidence: f32,
}

impl Aws {
    /// Rekognition, as configured.
    pub fn rekognition(&self) -> Rekognition {
        let mut config = aws_sdk_rekognition::config::Builder::from(self.config());
        if let Some(endpoint) = &self.endpoints().rekognition {
            config = config.endpoint_url(endpoint);
        }
        Rekognition { client: Client::from_conf(config.build()) }
    }
}

impl Rekognition {
    /// The most bytes of an image that is sent along; a longer one is refused.
    pub const IMAGE_BYTES_MAX: usize = 5 * 1024 * 1024;

    /// The most bytes of an image that is read in its bucket; a larger one is refused.
    pub const OBJECT_BYTES_MAX: u64 = 15 * 1024 * 1024;

    /// Which labels the image in a bucket has, of the version that is named, with at least `floor` percent of
    /// confidence. Reads by the rights of whoever calls; the bucket lies in the same region.
    pub async fn detect_object(&self, object: &S3Object, floor: f32) -> Result<Detected, Failure> {
        let version = object.version.as_deref().map(str::to_owned);
        let named = types::S3Object::builder().bucket(&*object.bucket).name(&*object.key).set_version(version).build();
        let image = Image::builder().s3_object(named).build();
        let sent = self.client.detect_moderation_labels().image(image).min_confidence(floor).send().await;
        read(sent.map_err(|error| Failure::of(DETECT, &error))?)
    }

    /// Which labels the image has with at least `floor` percent of confidence.
    pub async fn detect(&self, image: &Arc<[u8]>, floor: f32) -> Result<Detected, Failure> {
        let image = Image::builder().bytes(Blob::new(image.to_vec())).build();
        let sent = self.client.detect_moderation_labels().image(image).min_confidence(floor).send().await;
        read(sent.map_err(|error| Failure::of(DETECT, &error))?)
    }
}

/// Reads an answer, or says why it is none. A member that must be there and is not, or a number that cannot be, is
/// never read as "nothing was seen".
fn read(answer: DetectModerationLabelsOutput) -> Result<Detected, Failure> {
    let nonsense = |said: String| Failure::nonsense(DETECT, said);
    let model = answer.moderation_model_version.ok_or_else(|| nonsense("no ModerationModelVersion".to_owned()))?;
    if model.is_empty() || model.len() > NAME_BYTES_MAX {
        return Err(nonsense(format!("a ModerationModelVersion of {} bytes", model.len())));
    }
    let found = answer.moderation_labels.ok_or_else(|| nonsense("no ModerationLabels".to_owned()))?;
    if found.len() > LABELS_MAX {
        return Err(nonsense(format!("{} labels; expected at most {LABELS_MAX}", found.len())));
    }
    let mut named = Vec::with_capacity(found.len());
    for label in &found {
        let name = label.name.as_deref().filter(|name| !name.is_empty() && name.len() <= NAME_BYTES_MAX);
        let name = name.ok_or_else(|| nonsense("a label without a name".to_owned()))?;
        let confidence = label.confidence.ok_or_else(|| nonsense(format!("{name} without a confidence")))?;
        if !(0.0..=100.0).contains(&confidence) {
            return Err(nonsense(format!("{name} with a confidence of {confidence}; expected 0 to 100")));
        }
        named.push((name, label.parent_name.as_deref().unwrap_or(""), confidence));
    }
    let mut labels = Vec::with_capacity(named.len());
    for (name, parent, confidence) in &named {
        let mut path = vec![(*name).to_owned()];
        let mut above = *parent;
        while !above.is_empty() {
            if path.len() >= LEVELS_MAX {
                return Err(nonsense(format!("{name} lies below more than {LEVELS_MAX} levels")));
            }
            path.insert(0, above.to_owned());
            // Names repeat between levels (Gambling in 6.1): a label is not its own parent.
            let higher = named.iter().find(|(other, its_parent, _)| *other == above && *its_parent != above);
            let (_, parent, _) = higher.ok_or_else(|| nonsense(format!("{name} below {above}, which is not there")))?;
            above = parent;
        }
        labels.push(DetectedLabel { path, confidence: *confidence });
    }
    let kinds = answer.content_types.unwrap_or_default();
    if kinds.len() > CONTENT_TYPES_MAX {
        return Err(nonsense(format!("{} content types; expected at most {CONTENT_TYPES_MAX}", kinds.len())));
    }
    let kind = |kind: ContentType| {
        let named = kind.name.zip(kind.confidence);
        named.ok_or_else(|| nonsense("a content type without a name or a confidence".to_owned()))
    };
    let content_types = kinds.into_iter().map(kind).collect::<Result<_, _>>()?;
    Ok(Detected { model, labels, content_types })
}
