//! Translates the configuration of `aws-samples/aws-ai-content-moderation-livestream` into policies.
//!
//! Its items live in a DynamoDB table, one per channel or global pattern. What they mean there is kept as far as it can
//! be, and every difference is noted: names of Rekognition 6 labels (which match nothing since version 7), patterns in
//! JavaScript's slashes, priorities that count the other way round. Texts come in and go out; the result is checked by
//! reading it as any other policy.

mod dynamodb;
mod yaml;

use serde_json::{Map, Value};

use super::taxonomy::{Taxonomy, Unresolved, from_rekognition_6};
use super::{file, terms};
use crate::model::LabelPath;

/// The most items that one import takes.
pub const ITEMS_MAX: usize = 200;
/// The most bytes that one import reads.
pub const BYTES_MAX: usize = 4 << 20;

/// Confidence that the sample's own default rule asks for, used where a rule states none.
const CONFIDENCE_DEFAULT: f64 = 60.0;
/// The sample asks Rekognition without a least confidence, and so is told of nothing below this one. We ask for more, to
/// have it on record: a rule that began lower there would find here what it never saw.
const CONFIDENCE_TOLD: f64 = 50.0;

/// What an import gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The policies as YAML, which `policy check` accepts.
    pub yaml: String,
    /// What was changed, assumed or left out, each with the item it concerns.
    pub notes: Vec<String>,
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file is larger than any such configuration.
    #[error("the file has {bytes} bytes, at most {max} are read", max = BYTES_MAX)]
    TooLarge {
        /// How many it has.
        bytes: usize,
    },
    /// Not JSON.
    #[error("the file is not JSON at line {}, column {}; expected one item or a list", .0.line(), .0.column())]
    Json(#[source] serde_json::Error),
    /// JSON, and no configuration.
    #[error("{0}; expected one item, a list of items, or what `aws dynamodb scan` prints")]
    Shape(String),
    /// Items cannot be translated. All of them are named.
    #[error("{}", .0.join("\n"))]
    Items(Vec<String>),
    /// The translation is not a policy: the items hold something that no policy can.
    #[error("the translated policies cannot be used:\n{0}")]
    Result(#[source] file::PolicyFileError),
}

/// Translates items given as JSON: plain or DynamoDB-typed; one, a list, or a scan's output.
pub fn import(text: &str) -> Result<Imported, ImportError> {
    if text.len() > BYTES_MAX {
        return Err(ImportError::TooLarge { bytes: text.len() });
    }
    let items = dynamodb::items(serde_json::from_str(text).map_err(ImportError::Json)?).map_err(ImportError::Shape)?;
    if items.is_empty() || items.len() > ITEMS_MAX {
        return Err(ImportError::Shape(format!("the file holds {} items, 1 to {ITEMS_MAX} can be read", items.len())));
    }
    let mut notes = Vec::new();
    let mut errors = Vec::new();
    let mut policies: Vec<yaml::Policy> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let mut translation = Translation { item: item_name(index, item), notes: &mut notes, errors: &mut errors };
        let mut policy = translation.policy(item);
        policy.id = unused(policy.id, |id| policies.iter().any(|other| other.id == id));
        policies.push(policy);
    }
    if !errors.is_empty() {
        return Err(ImportError::Items(errors));
    }
    let yaml = yaml::write(&policies);
    file::load("(imported)", &yaml).map_err(ImportError::Result)?;
    Ok(Imported { yaml, notes })
}

/// How an item is called in messages: by its place and whatever names it.
fn item_name(index: usize, item: &Map<String, Value>) -> String {
    let name = ["name", "channel_id"].into_iter().find_map(|key| item.get(key)?.as_str());
    match name {
        Some(name) => format!("item {} ({name})", index + 1),
        None => format!("item {}", index + 1),
    }
}

/// Translates one item. Errors and notes name it and the field they concern.
struct Translation<'a> {
    item: String,
    notes: &'a mut Vec<String>,
    errors: &'a mut Vec<String>,
}

impl Translation<'_> {
    fn policy(&mut self, item: &Map<String, Value>) -> yaml::Policy {
        let name = item.get("name").and_then(Value::as_str).filter(|name| !name.is_empty());
        let channel_id = self.text(item, "channel_id", "it names the channel, or the global configuration");
        let channels = self.channels(item, &channel_id);
        let priority = match (&channels, number(item, "priority")) {
            (yaml::Channels::Listed(_), _) => None, // a channel's own item goes first in both systems
            (yaml::Channels::Matching(_), Some(priority)) => Some(self.priority(priority)),
            (yaml::Channels::Matching(_), None) => {
                self.note("priority is missing: taken as 0; among the sample's items the smallest number wins");
                Some(0)
            }
        };
        let empty = Map::new();
        let image = match item.get("image").and_then(Value::as_object) {
            Some(image) => image,
            None => {
                self.error("image is missing", "it holds the sampling and the rules");
                &empty
            }
        };
        yaml::Policy {
            id: slug(name.unwrap_or(&channel_id)),
            title: name.map(|name| name.chars().take(40).collect()),
            channels,
            priority,
            every_ms: self.every_ms(image),
            hash_distance: self.hash_distance(image),
            rules: self.rules(image),
        }
    }

    fn channels(&mut self, item: &Map<String, Value>, channel_id: &str) -> yaml::Channels {
        let global = item.get("global_flag").and_then(Value::as_bool).unwrap_or_else(|| {
            self.note("global_flag is missing: taken as false, a configuration of one channel");
            false
        });
        if !global {
            if !channel_id.is_empty() {
                self.note(format!(
                    "lists channel {channel_id} by its short id; write its ARN where channels are known by ARN"
                ));
            }
            return yaml::Channels::Listed(channel_id.to_owned());
        }
        let pattern = self.text(item, "channel_name_regex", "a global configuration finds its channels by it");
        if pattern.is_empty() {
            return yaml::Channels::Matching(pattern);
        }
        match terms::pattern(&pattern) {
            Ok((bare, note)) => {
                if let Some(note) = note {
                    self.note(format!("channel_name_regex: {note}"));
                }
                if !matches!(bare.as_str(), ".*" | ".+" | "") {
                    self.note(format!(
                        "channel_name_regex {bare} was matched against channel names; here it is matched against ids, \
                         which for IVS channels are ARNs"
                    ));
                }
                yaml::Channels::Matching(bare.as_str().to_owned())
            }
            Err(flaw) => {
                self.error(format!("channel_name_regex: {}", flaw.what), format!("{}; {}", flaw.expected, flaw.hint));
                yaml::Channels::Matching(pattern)
            }
        }
    }

    /// There the smallest number wins, here the largest.
    fn priority(&mut self, written: f64) -> i32 {
        let turned = -written.round().clamp(-1e9, 1e9);
        if written.fract() != 0.0 {
            self.note(format!("priority {written} is no whole number: rounded"));
        }
        if turned != 0.0 {
            self.note(format!("priority {written} becomes {turned}: there the smallest number wins, here the largest"));
        }
        turned as i32
    }

    fn every_ms(&mut self, image: &Map<String, Value>) -> u32 {
        let Some(seconds) = number(image, "sample_frequency_s") else {
            self.note("image.sample_frequency_s is missing: taken as 60");
            return 60_000;
        };
        let ms = (seconds * 1000.0).clamp(100.0, 3_600_000.0);
        if ms != seconds * 1000.0 {
            let every = terms::show_duration(ms as u32);
            self.note(format!("image.sample_frequency_s {seconds} is out of range: taken as {every}"));
        }
        ms as u32
    }

    fn hash_distance(&mut self, image: &Map<String, Value>) -> Option<u8> {
        match image.get("ignore_similar").and_then(Value::as_bool) {
            Some(false) => return None,
            Some(true) => {}
            None => {
                self.note("image.ignore_similar is missing: taken as false, every sampled frame is assessed");
                return None;
            }
        }
        let Some(bits) = number(image, "image_hash_threshold") else {
            self.note("image.image_hash_threshold is missing: taken as 10");
            return Some(10);
        };
        let kept = bits.floor().clamp(0.0, 64.0);
        if kept != bits {
            self.note(format!("image.image_hash_threshold {bits} becomes {kept}: bits are counted, 0 to 64"));
        }
        Some(kept as u8)
    }

    fn rules(&mut self, image: &Map<String, Value>) -> Vec<yaml::Rule> {
        let Some(rules) = image.get("rules").and_then(Value::as_array).filter(|rules| !rules.is_empty()) else {
            self.error("image.rules is missing or empty", "without a rule nothing is watched for");
            return Vec::new();
        };
        let mut translated: Vec<yaml::Rule> = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            let at = format!("image.rules[{index}]");
            let Some(rule) = rule.as_object() else {
                self.error(format!("{at} is {rule}"), "a rule is an object");
                continue;
            };
            let mut rule = self.rule(&at, rule);
            rule.id = unused(rule.id, |id| translated.iter().any(|other| other.id == id));
            translated.push(rule);
        }
        translated
    }

    fn rule(&mut self, at: &str, rule: &Map<String, Value>) -> yaml::Rule {
        let named = |key: &str| rule.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let id = named("name").or(named("id")).unwrap_or_else(|| {
            self.note(format!("{at}.name and {at}.id are missing: called rule"));
            "rule"
        });
        let confidence = number(rule, "confidence_threshold").unwrap_or_else(|| {
            self.note(format!("{at}.confidence_threshold is missing: taken as {CONFIDENCE_DEFAULT}"));
            CONFIDENCE_DEFAULT
        });
        if !(0.0..=100.0).contains(&confidence) {
            self.error(format!("{at}.confidence_threshold is {confidence}"), "percent, 0 to 100");
        } else if confidence < CONFIDENCE_TOLD {
            self.note(format!(
                "{at}.confidence_threshold {confidence} becomes {CONFIDENCE_TOLD}: there nothing less sure was ever seen"
            ));
        }
        let confidence = confidence.max(CONFIDENCE_TOLD);
        let auto_stop = rule.get("auto_stop").and_then(Value::as_bool).unwrap_or(false);
        if auto_stop {
            self.note(format!(
                "{at}.auto_stop: the stream is stopped without a person, as there; the encoder may reconnect, \
                 action: suspend would also revoke its key"
            ));
        }
        yaml::Rule { id: slug(id), categories: self.categories(at, rule), confidence, auto_stop }
    }

    fn categories(&mut self, at: &str, rule: &Map<String, Value>) -> Vec<String> {
        let written = rule.get("categories").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if written.is_empty() {
            self.error(format!("{at}.categories is missing or empty"), "a list of label names, or [\"*\"]");
        }
        let mut translated: Vec<LabelPath> = Vec::new();
        for name in written {
            match name.as_str() {
                Some("*") if written.len() == 1 => return vec!["*".to_owned()],
                Some("*") => self.note(format!("{at}: \"*\" beside other names matched nothing there: left out")),
                Some(name) => translated.extend(self.category(at, name)),
                None => self.error(format!("{at}.categories holds {name}"), "names in quotes"),
            }
        }
        widest(&translated).into_iter().map(|path| path.as_str().to_owned()).collect()
    }

    /// A name of version 6 where there is one: `Explicit Nudity` was its top category, and is a part of one in 7.
    fn category(&mut self, at: &str, name: &str) -> Vec<LabelPath> {
        if let Some(new) = from_rekognition_6(name) {
            if new.iter().any(|path| path.leaf() != name) {
                let new: Vec<&str> = new.iter().map(LabelPath::as_str).collect();
                self.note(format!("{at}: {name} was a label of Rekognition 6; version 7 has {}", new.join(", ")));
            }
            return new.to_vec();
        }
        let taxonomy = Taxonomy::named(Taxonomy::REKOGNITION).expect("it is built in");
        match taxonomy.resolve(name) {
            Ok(label) => vec![label.path.clone()],
            Err(unresolved) => {
                let closest = match &unresolved {
                    Unresolved::Unknown { closest } => closest.as_ref(),
                    Unresolved::Ambiguous { paths } => paths.first(),
                };
                let hint = closest.map_or("a label of Rekognition 6 or 7", LabelPath::as_str);
                self.error(format!("{at}.categories holds {name:?}, which Rekognition never had"), hint);
                Vec::new()
            }
        }
    }

    fn text(&mut self, item: &Map<String, Value>, key: &str, why: &str) -> String {
        match item.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()) {
            Some(text) => text.to_owned(),
            None => {
                self.error(format!("{key} is missing or no text"), why);
                String::new()
            }
        }
    }

    fn note(&mut self, note: impl std::fmt::Display) {
        self.notes.push(format!("{}: {note}", self.item));
    }

    fn error(&mut self, what: impl std::fmt::Display, expected: impl std::fmt::Display) {
        self.errors.push(format!("{}: {what} (expected: {expected})", self.item));
    }
}

/// The paths that no other of them holds, each once, in their order.
fn widest(paths: &[LabelPath]) -> Vec<&LabelPath> {
    let held = |index: usize, path: &LabelPath| {
        let same_or_wider = |(other, wider): (usize, &LabelPath)| {
            other != index && path.is_within(wider) && (wider != path || other < index)
        };
        paths.iter().enumerate().any(same_or_wider)
    };
    paths.iter().enumerate().filter(|(index, path)| !held(*index, path)).map(|(_, path)| path).collect()
}

/// A number, also where it was stored as text.
fn number(item: &Map<String, Value>, key: &str) -> Option<f64> {
    let value = item.get(key)?;
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()).filter(|number| number.is_finite())
}

/// A name as an id: lower-case words joined by `-`, short enough to be numbered.
fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(50); // ASCII only
    let slug = slug.trim_matches('-');
    if slug.is_empty() { "imported".to_owned() } else { slug.to_owned() }
}

fn unused(id: String, taken: impl Fn(&str) -> bool) -> String {
    if !taken(&id) {
        return id;
    }
    let numbered = (2..=ITEMS_MAX + 1).map(|number| format!("{id}-{number}"));
    numbered.into_iter().find(|id| !taken(id)).unwrap_or(id) // reading the result refuses what is still the same
}
