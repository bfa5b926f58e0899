//! The query of a route that shows events: the parameters of a filter, and the route's own.

use std::borrow::Cow;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::extract;
use super::problem::Problem;
use crate::events::Filter;

/// A filter, and what else the route's query says. A parameter that is neither is refused.
#[derive(Debug)]
pub(in crate::http) struct Filtering<T> {
    /// Which events.
    pub filter: Filter,
    /// The route's own parameters.
    pub own: T,
}

impl<T: DeserializeOwned> Filtering<T> {
    fn read(query: &str) -> Result<Self, Problem> {
        let is_filters = |pair: &&str| {
            let name = pair.split('=').next().unwrap_or_default();
            Filter::PARAMETERS.iter().any(|(known, _)| *known == name)
        };
        let (filters, own): (Vec<&str>, Vec<&str>) =
            query.split('&').filter(|pair| !pair.is_empty()).partition(is_filters);
        let filters = web::Query::<Vec<(String, String)>>::from_query(&filters.join("&"))
            .map_err(|error| extract::query(&error))?;
        let filter = Filter::from_parameters(filters.iter().map(|(name, value)| (name.as_str(), value.as_str())))
            .map_err(|error| Problem::malformed(error.parameter(), error))?;
        let own = web::Query::<T>::from_query(&own.join("&")).map_err(|error| extract::query(&error))?;
        Ok(Self { filter, own: own.into_inner() })
    }
}

impl<T: DeserializeOwned> FromRequest for Filtering<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::read(request.query_string()))
    }
}

impl<T: JsonSchema> JsonSchema for Filtering<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}Filtered", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true // its properties are parameters, each described by itself
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = T::json_schema(generator);
        let object = schema.ensure_object();
        let properties = object.entry("properties").or_insert_with(|| json!({}));
        if let Value::Object(properties) = properties {
            for (name, about) in Filter::PARAMETERS {
                let property = match name {
                    "recorded_from" | "recorded_to" | "captured_from" | "captured_to" => {
                        json!({ "type": "string", "format": "date-time", "description": sentence(about) })
                    }
                    _ => json!({
                        "type": "string",
                        "description": format!("Only these {about}. Several are separated by commas."),
                    }),
                };
                properties.insert(name.to_owned(), property);
            }
        }
        schema
    }
}

/// With a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).chain(['.']).collect())
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::events::EventType;

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Own {
        after: Option<u64>,
    }

    #[test]
    fn the_filters_parameters_and_the_routes_own_are_told_apart() {
        let read = Filtering::<Own>::read("type=FrameAssessed&after=7&channel=demo%2F*").expect("a sound query");
        assert_eq!((read.own.after, read.filter.types), (Some(7), vec![EventType::FrameAssessed]));
        assert_eq!(read.filter.channels[0].as_str(), "demo/*");
        for refused in ["type=Nothing", "after=x", "before=7", "recorded_from=yesterday", "after=1&after=2"] {
            assert!(Filtering::<Own>::read(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn every_parameter_is_described() {
        let schema = schemars::schema_for!(Filtering<Own>).to_value();
        for name in Filter::PARAMETERS.iter().map(|(name, _)| *name).chain(["after"]) {
            assert!(schema["properties"][name].is_object(), "{name}");
        }
    }
}
