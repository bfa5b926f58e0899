//! Hive's speech moderation as a provider of its own, `hive-speech`: what is said in a segment, sentence by sentence, each
//! with a severity from 0 to 3 for each class. By v2, with the key of a project of its own; V3 documents no speech.
//!
//! *Never clear by accident.* A class that is not moderated in the language that was heard has no severity, and an answer
//! without it would look like one in which nothing was said: it is an error, unless the operator expects no such class.
//! *Personal data.* What was said is in the transcript and nowhere else: in no error, no label and no log.

mod heard;
mod redaction;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;

use super::client::{Client, Limits, Media};
use super::{Api, HiveError, cut, endpoint, refused, unjudged};
use crate::egress::Secret;
use crate::media;
use crate::model::{LabelPath, Medium, ProviderRef};
use crate::providers::{Answer, Assessing, Provider, ProviderError};

const NAME: &str = "hive-speech";
/// The taxonomy that its classes are read in.
pub const TAXONOMY: &str = "hive-speech/1";
/// What is called the model before it has answered.
const MODEL_EXPECTED: &str = "speech (v2)";
/// The most bytes of an answer. One about half a minute of speech has about 10,000.
const ANSWER_BYTES_MAX: usize = 256 << 10;

/// What an operator decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Another place than Hive's own; none: Hive's.
    pub endpoint: Option<String>,
    /// For one call, from its beginning to the last byte of its answer.
    pub deadline: Duration,
    /// Classes that every answer must moderate: one that does not is none.
    pub classes: Vec<String>,
    /// Whether what Hive takes for personal data stands as `[…]` in the transcript.
    pub redact: bool,
}

impl Settings {
    /// The classes that speech is documented with.
    pub const CLASSES: [&str; 4] = ["sexual", "hate", "violence", "bullying"];
}

impl Default for Settings {
    fn default() -> Self {
        let classes = Self::CLASSES.map(str::to_owned).to_vec();
        Self { endpoint: None, deadline: Duration::from_secs(20), classes, redact: true }
    }
}

/// The classes of the taxonomy, by name.
#[derive(Debug, Clone, Default)]
pub struct SpokenClasses(HashMap<String, LabelPath>);

impl SpokenClasses {
    /// Those with these paths.
    pub fn new<'a>(paths: impl IntoIterator<Item = &'a LabelPath>) -> Self {
        Self(paths.into_iter().map(|path| (path.leaf().to_owned(), path.clone())).collect())
    }
}

/// Hive's classes of what is said.
pub struct HiveSpeech {
    client: Client,
    classes: SpokenClasses,
    settings: Settings,
}

impl fmt::Debug for HiveSpeech {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HiveSpeech").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// The address of the interface: what is stated, else Hive's own.
pub fn address(stated: Option<&str>) -> Result<Url, HiveError> {
    endpoint(Api::V2, stated)
}

impl HiveSpeech {
    /// Asks with this key; answers are read in `classes`.
    pub fn new(settings: Settings, key: &Secret, classes: SpokenClasses) -> Result<Self, HiveError> {
        let endpoint = address(settings.endpoint.as_deref())?;
        if let Some(class) = settings.classes.iter().find(|class| !classes.0.contains_key(*class)) {
            return Err(HiveError::Class(class.clone()));
        }
        let client = Client::new(Api::V2, endpoint, key, settings.deadline)?;
        Ok(Self { client, classes, settings })
    }

    async fn sound(&self, segment: Arc<[u8]>) -> Result<Answer, ProviderError> {
        let sound = cut(segment, media::sound).await?.map_err(|unfit| refused(&unfit))?;
        let limits = Limits { time: self.settings.deadline, bytes_max: ANSWER_BYTES_MAX };
        let (model, heard) = self.client.ask(Media::Sound(&sound.file), &limits, heard::read).await?;
        let said = heard.understood(&self.classes, &self.settings, &sound, self.client.words())?;
        let transcript = said.transcript.map(Box::new);
        Ok(Answer {
            unmapped: said.unmapped,
            moments: said.moments,
            transcript,
            ..Answer::of(reference(&model), said.labels)
        })
    }
}

impl Provider for HiveSpeech {
    fn reference(&self) -> ProviderRef {
        reference(MODEL_EXPECTED)
    }

    fn media(&self) -> &'static [Medium] {
        &[Medium::Sound]
    }

    fn assess(&self, _: Arc<[u8]>) -> Assessing<'_> {
        Box::pin(async move { Err(unjudged(Medium::Picture)) })
    }

    fn assess_segment(&self, medium: Medium, segment: Arc<[u8]>) -> Assessing<'_> {
        Box::pin(async move {
            match medium {
                Medium::Sound => self.sound(segment).await,
                Medium::Picture | Medium::Clip => Err(unjudged(medium)),
            }
        })
    }
}

fn reference(model: &str) -> ProviderRef {
    ProviderRef { name: NAME.into(), model: model.into(), taxonomy: TAXONOMY.into() }
}
