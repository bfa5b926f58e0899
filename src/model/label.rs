//! What a provider says about an image.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Confidence;

/// Why a text is not a label path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a label path is one to {max} names joined by '/', each without leading or trailing blanks and at most {bytes} bytes in all; this is {found:?}", max = LabelPath::DEPTH_MAX, bytes = LabelPath::BYTES_MAX)]
pub struct LabelPathError {
    /// The text found.
    pub found: String,
}

/// A label's place in its provider's taxonomy, from the top category down: `Violence/Graphic Violence/Blood & Gore`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LabelPath(Arc<str>);

impl LabelPath {
    /// The most levels a path may have. Rekognition and Hive have 3; more is nonsense from a provider.
    pub const DEPTH_MAX: usize = 5;
    /// The most bytes a path may have. Rekognition's longest has 58.
    pub const BYTES_MAX: usize = 160;

    /// Checks and takes a path.
    pub fn new(text: impl AsRef<str>) -> Result<Self, LabelPathError> {
        let text = text.as_ref();
        let sound = text.len() <= Self::BYTES_MAX
            && text.split('/').count() <= Self::DEPTH_MAX
            && text.split('/').all(|name| !name.is_empty() && name.trim() == name)
            && !text.chars().any(char::is_control);
        if sound { Ok(Self(Arc::from(text))) } else { Err(LabelPathError { found: text.chars().take(200).collect() }) }
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last name of the path.
    pub fn leaf(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// Whether this is `ancestor` or lies below it.
    pub fn is_within(&self, ancestor: &LabelPath) -> bool {
        match self.0.strip_prefix(ancestor.as_str()) {
            Some(rest) => rest.is_empty() || rest.starts_with('/'),
            None => false,
        }
    }
}

impl FromStr for LabelPath {
    type Err = LabelPathError;
    fn from_str(text: &str) -> Result<Self, LabelPathError> {
        Self::new(text)
    }
}

impl fmt::Display for LabelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for LabelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl Serialize for LabelPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for LabelPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for LabelPath {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "LabelPath".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "minLength": 1, "maxLength": 160 })
    }
}

/// One category that a provider sees in an image, and how sure it is. `[path, confidence]` in the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Label(pub LabelPath, pub Confidence);

impl Label {
    /// The category.
    pub fn path(&self) -> &LabelPath {
        &self.0
    }

    /// How sure the provider is.
    pub fn confidence(&self) -> Confidence {
        self.1
    }
}

/// Who judged an image: the provider, the version of its model, and the taxonomy its labels belong to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(remote = "Self")]
pub struct ProviderRef {
    /// The provider's name: `local`, `rehearsal`, `rekognition`, `hive`.
    pub name: Arc<str>,
    /// The model's own version, as the provider states it.
    pub model: Arc<str>,
    /// The taxonomy's name and version, such as `rekognition/7.0`.
    pub taxonomy: Arc<str>,
}

super::tuple_in_binary!(ProviderRef { name, model, taxonomy });

impl fmt::Display for ProviderRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.model)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_holds_its_children_and_not_its_namesakes() {
        let path = |text| LabelPath::new(text).expect("a sound path");
        assert!(path("Violence/Weapons").is_within(&path("Violence")));
        assert!(path("Violence").is_within(&path("Violence")));
        assert!(!path("Violence/Weapons").is_within(&path("Violence/Weap")));
        assert!(!path("Violence").is_within(&path("Violence/Weapons")));
    }

    #[test]
    fn nonsense_paths_are_refused() {
        for nonsense in ["", "/", "a//b", " a", "a/b/c/d/e/f", "a\nb"] {
            assert!(LabelPath::new(nonsense).is_err(), "{nonsense:?}");
        }
    }
}
