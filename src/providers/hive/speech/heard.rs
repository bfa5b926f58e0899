//! What Hive heard in a sound: its answer, read and held against what an answer must say.

use std::collections::HashSet;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::redaction::{self, Passage};
use super::{Settings, SpokenClasses};
use crate::media::Excerpt;
use crate::model::{Label, LabelPath, Moment, Sentence, Severity, Stretch, Transcript};
use crate::providers::ProviderError;
use crate::providers::hive::classes::UNMAPPED;
use crate::providers::hive::v2::{self, Misread};
use crate::providers::hive::words::Words;
use crate::providers::hive::{Said, series};

/// The most classes of a sentence. Documented are ten.
const CLASSES_MAX: usize = 64;
/// The longest name of a language.
const LANGUAGE_BYTES_MAX: usize = 40;
/// The class of a sentence that holds a number to call.
const NUMBER: &str = "phone_number";
/// What a class scores that is not moderated in the language that was heard.
const NOT_MODERATED: f64 = -1.0;

/// What the speech model answers.
#[derive(Deserialize)]
pub(super) struct Heard {
    #[serde(default)]
    language: Option<String>,
    moderated_classes: Vec<String>,
    #[serde(default)]
    pii_entities: Vec<Value>,
    output: Vec<Spoken>,
}

#[derive(Deserialize)]
struct Spoken {
    #[serde(default)]
    transcript: String,
    classifications: Vec<Classified>,
}

/// One sentence.
#[derive(Deserialize)]
struct Classified {
    classes: Vec<Class>,
    text: String,
    start_timestamp: f64,
    end_timestamp: f64,
    #[serde(default)]
    pii_entities: Vec<Value>,
    start_char_index: Option<u64>,
    end_char_index: Option<u64>,
}

#[derive(Deserialize)]
struct Class {
    class: String,
    score: f64,
}

/// What follows from it.
pub(super) struct Understood {
    pub(super) labels: Vec<Label>,
    pub(super) unmapped: u8,
    pub(super) moments: Vec<Moment>,
    /// None if nothing was said.
    pub(super) transcript: Option<Transcript>,
}

/// Reads the body of an answer with status 200. What cannot be read is told by its place: the error itself may repeat
/// what was said.
pub(super) fn read(body: &[u8]) -> Result<Said<Heard>, String> {
    v2::read(body).map_err(|wrong| match wrong {
        Misread::Shape(error) => {
            format!("no answer about speech in v2: line {}, column {}", error.line(), error.column())
        }
        Misread::Other(what) => what,
    })
}

impl Heard {
    pub(super) fn understood(
        self,
        classes: &SpokenClasses,
        settings: &Settings,
        sound: &Excerpt,
        words: &Words,
    ) -> Result<Understood, ProviderError> {
        self.is_moderated(settings, words)?;
        let Self { language, pii_entities, output, .. } = self;
        if output.iter().any(|spoken| spoken.classifications.is_empty() && !spoken.transcript.trim().is_empty()) {
            return Err(nonsense("a transcript of which no sentence is classified".to_owned()));
        }
        let sentences: Vec<Classified> = output.into_iter().flat_map(|spoken| spoken.classifications).collect();
        if sentences.len() > Transcript::SENTENCES_MAX {
            let max = Transcript::SENTENCES_MAX;
            return Err(nonsense(format!("{} sentences, expected at most {max}", sentences.len())));
        }
        let mut said = Vec::with_capacity(sentences.len());
        for sentence in sentences {
            let during = sentence.during(sound)?;
            let labels = sentence.labels(classes, settings)?;
            said.push((during, labels, sentence));
        }
        said.sort_by_key(|(during, ..)| (during.from_ms, during.to_ms));
        let (labels, unmapped, moments) =
            series::folded(said.iter().map(|(during, labels, _)| (*during, labels.clone())));
        let texts = if settings.redact {
            redaction::redacted(
                said.iter().map(|(_, labels, sentence)| sentence.passage(labels)).collect(),
                &pii_entities,
            )
        } else {
            said.iter().map(|(.., sentence)| sentence.text.clone()).collect()
        };
        let sentences = said.into_iter().zip(texts);
        let sentences = sentences.map(|((during, labels, _), text)| Sentence { during, text: Arc::from(text), labels });
        let sentences: Vec<Sentence> = sentences.collect();
        let language = language.filter(|language| (1..=LANGUAGE_BYTES_MAX).contains(&language.len())).map(Arc::from);
        let transcript = (!sentences.is_empty()).then_some(Transcript { language, sentences });
        Ok(Understood { labels, unmapped, moments, transcript })
    }

    /// Whether the language that was heard is one in which every class that is expected is moderated.
    fn is_moderated(&self, settings: &Settings, words: &Words) -> Result<(), ProviderError> {
        let language = || words.shown(self.language.as_deref().unwrap_or("a language that it does not name"));
        if self.moderated_classes.is_empty() {
            return Err(ProviderError::Refused(format!("it moderates nothing in {}", language())));
        }
        let missing = settings.classes.iter().filter(|class| !self.moderated_classes.contains(class));
        let missing = missing.map(String::as_str).collect::<Vec<_>>().join(", ");
        match missing.as_str() {
            "" => Ok(()),
            missing => Err(ProviderError::Refused(format!("it does not moderate {missing} in {}", language()))),
        }
    }
}

impl Classified {
    fn during(&self, sound: &Excerpt) -> Result<Stretch, ProviderError> {
        let (from, to) = (self.start_timestamp, self.end_timestamp);
        let time = |at_s| series::time(at_s, sound.begins_ms, sound.lasts_ms);
        match (time(from), time(to)) {
            (Some(from_ms), Some(to_ms)) if from_ms <= to_ms => Ok(Stretch { from_ms, to_ms }),
            _ => Err(nonsense(format!("a sentence from {from} to {to} s of a sound of {} ms", sound.lasts_ms))),
        }
    }

    /// The classes of severity 1 or more.
    fn labels(&self, known: &SpokenClasses, settings: &Settings) -> Result<Vec<Label>, ProviderError> {
        if self.classes.len() > CLASSES_MAX {
            let found = self.classes.len();
            return Err(nonsense(format!("{found} classes of a sentence, expected at most {CLASSES_MAX}")));
        }
        let (mut labels, mut seen, mut any_known) = (Vec::new(), HashSet::new(), false);
        for Class { class, score } in &self.classes {
            if !seen.insert(class.as_str()) {
                return Err(nonsense(format!("the class {:?} twice in a sentence", short(class))));
            }
            let expected = settings.classes.contains(class);
            any_known |= known.0.contains_key(class);
            let path = path(class, known)?; // of whatever score: a name that is none makes the answer none
            if *score == NOT_MODERATED {
                if expected {
                    return Err(ProviderError::Refused(format!("it does not moderate {class} in what was said")));
                }
                continue;
            }
            if let Some(severity) = severity(class, *score)? {
                labels.push(Label(path, severity.confidence()));
            }
        }
        if let Some(missing) = settings.classes.iter().find(|class| !seen.contains(class.as_str())) {
            return Err(nonsense(format!("a sentence without the class {missing}")));
        }
        if !any_known {
            return Err(nonsense(format!("{} classes of a sentence, none of which the taxonomy holds", seen.len())));
        }
        Ok(labels)
    }

    fn passage(&self, labels: &[Label]) -> Passage<'_> {
        Passage {
            text: &self.text,
            personal: &self.pii_entities,
            place: self.start_char_index.zip(self.end_char_index),
            holds_a_number: labels.iter().any(|label| label.path().as_str() == NUMBER),
        }
    }
}

fn path(class: &str, known: &SpokenClasses) -> Result<LabelPath, ProviderError> {
    if let Some(path) = known.0.get(class) {
        return Ok(path.clone());
    }
    let path = (!class.contains('/')).then(|| LabelPath::new(format!("{UNMAPPED}/{class}")));
    path.and_then(Result::ok).ok_or_else(|| nonsense(format!("a class named {:?}", short(class))))
}

/// The severity, and none for 0.
fn severity(class: &str, score: f64) -> Result<Option<Severity>, ProviderError> {
    let whole =
        (score == score.trunc() && (0.0..=f64::from(Severity::MAX.get())).contains(&score)).then_some(score as u8);
    match whole {
        Some(severity) => Ok(Severity::new(severity)),
        None => Err(nonsense(format!("{:?} with a severity of {score}, expected 0 to 3", short(class)))),
    }
}

fn short(name: &str) -> String {
    name.chars().take(60).collect()
}

fn nonsense(said: String) -> ProviderError {
    ProviderError::Nonsense(said)
}
