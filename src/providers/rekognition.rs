//! Rekognition as a provider: its labels as places in a taxonomy. Knows no policy and no threshold: everything from the
//! recording floor on is reported.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Answer, Assessing, Provider, ProviderError};
use crate::aws::{self, Class, Detected, DetectedLabel, Failure};
use crate::model::{Confidence, ContentType, Label, LabelPath, ProviderRef, S3Object};

const NAME: &str = "rekognition";
/// What is expected of it before it has answered: `policy check` and figures go by it, recorded answers by their own.
const MODEL_EXPECTED: &str = "7.0";

/// What an operator decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Labels below this confidence are not reported and can never be judged afterwards. It is stored with each answer.
    pub floor: Confidence,
    /// Whether it reads pictures in their bucket itself.
    pub by_object: ByObject,
}

/// Whether Rekognition reads pictures in their bucket itself, so that nothing is fetched here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ByObject {
    /// Never: it is sent the bytes that were fetched and measured.
    #[default]
    Never,
    /// Where the policy compares no pictures, and version and size of the object are known.
    WhenPossible,
}

impl Default for Settings {
    fn default() -> Self {
        let by_object = ByObject::Never;
        Self { by_object, floor: const { Confidence::from_milli(10_000).expect("10 % is a confidence") } }
    }
}

/// Rekognition's moderation labels.
#[derive(Debug)]
pub struct Rekognition {
    client: aws::Rekognition,
    settings: Settings,
}

impl Rekognition {
    /// Asks by this client.
    pub fn new(client: aws::Rekognition, settings: Settings) -> Self {
        Self { client, settings }
    }

    fn floor_percent(&self) -> f32 {
        self.settings.floor.as_milli() as f32 / 1000.0
    }
}

impl Provider for Rekognition {
    fn reference(&self) -> ProviderRef {
        reference(MODEL_EXPECTED)
    }

    fn floor(&self) -> Option<Confidence> {
        Some(self.settings.floor)
    }

    fn assess(&self, image: Arc<[u8]>) -> Assessing<'_> {
        Box::pin(async move {
            if image.len() > aws::Rekognition::IMAGE_BYTES_MAX {
                let most = aws::Rekognition::IMAGE_BYTES_MAX;
                return Err(ProviderError::Refused(format!("{} bytes; it takes at most {most}", image.len())));
            }
            answer(self.client.detect(&image, self.floor_percent()).await.map_err(error)?)
        })
    }

    fn object_bytes_max(&self) -> Option<u64> {
        match self.settings.by_object {
            ByObject::Never => None,
            ByObject::WhenPossible => Some(aws::Rekognition::OBJECT_BYTES_MAX),
        }
    }

    fn assess_object(&self, object: S3Object) -> Assessing<'_> {
        Box::pin(async move { answer(self.client.detect_object(&object, self.floor_percent()).await.map_err(error)?) })
    }
}

/// One answer in our words.
fn answer(detected: Detected) -> Result<Answer, ProviderError> {
    let mut labels = detected.labels.iter().map(label).collect::<Result<Vec<_>, _>>()?;
    labels.sort_by_key(|label| std::cmp::Reverse(label.confidence()));
    let mut content_types = detected.content_types.iter().map(content_type).collect::<Result<Vec<_>, _>>()?;
    content_types.sort_by_key(|kind| std::cmp::Reverse(kind.confidence()));
    content_types.truncate(ContentType::INLINE_MAX);
    Ok(Answer { content_types, ..Answer::of(reference(&detected.model), labels) })
}

fn label(detected: &DetectedLabel) -> Result<Label, ProviderError> {
    if let Some(name) = detected.path.iter().find(|name| name.contains('/')) {
        return Err(ProviderError::Nonsense(format!("a label named {name:?}")));
    }
    let path = LabelPath::new(detected.path.join("/"));
    let path = path.map_err(|error| ProviderError::Nonsense(error.to_string()))?;
    Ok(Label(path, confidence(detected.confidence)?))
}

fn content_type((name, sure): &(String, f32)) -> Result<ContentType, ProviderError> {
    let sound = ContentType::new(name, confidence(*sure)?);
    sound.ok_or_else(|| ProviderError::Nonsense(format!("a content type whose name has {} bytes", name.len())))
}

/// By its decimal digits, as it was sent: the nearest 32-bit number to 97.2 lies below it.
fn confidence(percent: f32) -> Result<Confidence, ProviderError> {
    let digits = percent.to_string().parse().unwrap_or(f64::NAN);
    Confidence::from_percent(digits).map_err(|error| ProviderError::Nonsense(error.to_string()))
}

/// Labels of all models of one major version are read in that version's taxonomy, and what it does not hold is loud. A
/// version that nobody has seen has a taxonomy of its own name, which no policy has rules for: its frames fail, loudly.
fn reference(model: &str) -> ProviderRef {
    let taxonomy = match model.split('.').next() {
        Some("6") => "rekognition/6.1".into(),
        Some("7") => "rekognition/7.0".into(),
        _ => format!("{NAME}/{model}").into(),
    };
    ProviderRef { name: NAME.into(), model: model.into(), taxonomy }
}

fn error(failure: Failure) -> ProviderError {
    let said = failure.to_string();
    match failure.class {
        Class::Throttled => ProviderError::Throttled(said),
        Class::Unavailable | Class::TimedOut => ProviderError::Unavailable(said),
        Class::Denied => ProviderError::Denied(said),
        Class::NotFound | Class::Refused => ProviderError::Refused(said),
        Class::Nonsense => ProviderError::Nonsense(said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detected(model: &str, labels: &[(&[&str], f32)]) -> Detected {
        let label = |(path, confidence): &(&[&str], f32)| DetectedLabel {
            path: path.iter().map(|name| (*name).to_owned()).collect(),
            confidence: *confidence,
        };
        Detected { model: model.to_owned(), labels: labels.iter().map(label).collect(), content_types: vec![] }
    }

    #[test]
    fn a_confidence_is_the_decimal_that_was_sent() {
        let labels = answer(detected("7.0", &[(&["Violence"], 97.2), (&["Alcohol"], 79.9999)])).unwrap().labels;
        let milli: Vec<_> = labels.iter().map(|label| label.confidence().as_milli()).collect();
        assert_eq!(milli, [97_200, 79_999]);
    }

    #[test]
    fn each_major_version_has_its_taxonomy_and_an_unseen_one_no_policys() {
        for (model, taxonomy) in [
            ("6.1", "rekognition/6.1"),
            ("7.0", "rekognition/7.0"),
            ("7.3", "rekognition/7.0"),
            ("8.0", "rekognition/8.0"),
        ] {
            let provider = answer(detected(model, &[])).unwrap().provider;
            assert_eq!((&*provider.taxonomy, &*provider.model), (taxonomy, model));
        }
    }

    #[test]
    fn the_surest_content_types_are_kept_and_nonsense_among_them_is_no_answer() {
        let mut seen = detected("7.0", &[]);
        let kind = |name: &str, sure: f32| (name.to_owned(), sure);
        seen.content_types = vec![kind("Illustrated", 12.5), kind("Animated", 97.2)];
        let kept = answer(seen.clone()).unwrap().content_types;
        assert_eq!(kept.iter().map(ToString::to_string).collect::<Vec<_>>(), ["Animated 97.2", "Illustrated 12.5"]);
        seen.content_types = (0..20).map(|sure| kind("Animated", sure as f32)).collect();
        let kept = answer(seen.clone()).unwrap().content_types;
        assert_eq!((kept.len(), kept[0].confidence().as_milli()), (ContentType::INLINE_MAX, 19_000));
        for nonsense in
            [kind("", 50.0), kind(&"A".repeat(41), 50.0), kind("Animated", 100.5), kind("Animated", f32::NAN)]
        {
            seen.content_types = vec![nonsense];
            assert!(matches!(answer(seen.clone()), Err(ProviderError::Nonsense(_))), "{seen:?}");
        }
    }

    #[test]
    fn a_name_that_would_fake_a_path_is_nonsense() {
        let faked = answer(detected("7.0", &[(&["Violence/Weapons"], 97.0)]));
        assert!(matches!(faked, Err(ProviderError::Nonsense(_))), "{faked:?}");
    }
}
