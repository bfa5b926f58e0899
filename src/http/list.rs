//! The one envelope of every list, and how many items a page has.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

use crate::model::Position;

/// The most items of a page.
pub(in crate::http) const LIMIT_MAX: usize = 200;
/// Items of a page whose size nobody states.
const LIMIT_DEFAULT: usize = 50;

/// A page of a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}List")]
pub(in crate::http) struct List<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Where the next page goes on: hand it back as `after`. None: there is nothing after this page now.
    pub next: Option<String>,
    /// Whether everything was looked at that this page could have shown. If not, the search came to its bound: there may
    /// be more, though the page is short or empty; `next` goes on from there.
    pub complete: bool,
    /// The position up to which the journal is in this answer.
    pub head: Position,
}

/// How many items a page has: 1 to 200.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) struct Limit(usize);

impl Limit {
    /// As a number of items.
    pub fn get(self) -> usize {
        self.0
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(LIMIT_DEFAULT)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match usize::deserialize(deserializer) {
            Ok(limit @ 1..=LIMIT_MAX) => Ok(Self(limit)),
            Ok(_) | Err(_) => Err(serde::de::Error::custom(format!("limit: expected a number from 1 to {LIMIT_MAX}"))),
        }
    }
}

impl JsonSchema for Limit {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Limit".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT_DEFAULT })
    }
}
