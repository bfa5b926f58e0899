//! The API description (OpenAPI 3.1), made from the routes. What every route may answer is added here, from what it
//! takes and needs, so that no route can forget it.

use std::collections::BTreeSet;

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::auth::{Permission, Role};
use super::problem::{PROBLEM_JSON, ProblemBody};
use super::route::{Answer, Described, Param, Reach, Route};

/// The description, ready to be served.
pub(in crate::http) struct Description {
    document: Value,
    json: String,
}

impl Description {
    /// Of these routes.
    pub fn of(routes: &[Route]) -> Self {
        let mut settings = SchemaSettings::draft2020_12();
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
        let mut generator = settings.into_generator();
        let problem = generator.subschema_for::<ProblemBody>();
        let mut paths: Map<String, Value> = Map::new();
        for route in routes {
            let route = &route.described;
            let operation = operation(route, &mut generator, &problem);
            let path = paths.entry(route.path).or_insert_with(|| json!({}));
            if let Value::Object(methods) = path {
                methods.insert(route.method.as_str().to_ascii_lowercase(), operation);
            }
        }
        let document = json!({
            "openapi": "3.1.0",
            "info": {
                "title": "Streamwarden",
                "version": env!("CARGO_PKG_VERSION"),
                "description": "Live-stream moderation that can prove afterwards what it did and why: every frame ends \
                    in a recorded outcome, every decision replays, every stop is verified and explainable.\n\nTimes are \
                    RFC 3339 in UTC. Cursors are positions in the journal, which never change: a page never skips or \
                    repeats while the journal grows. Problems follow RFC 9457 and carry a stable `code`.",
                "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
            },
            "paths": paths,
            "components": {
                "schemas": generator.take_definitions(true),
                "securitySchemes": {
                    "bearer": {
                        "type": "http",
                        "scheme": "bearer",
                        "description": "A token of `streamwarden token create`, or one of the OIDC issuer configured.",
                    },
                },
            },
        });
        let json = serde_json::to_string_pretty(&document).unwrap_or_default() + "\n";
        Self { document, json }
    }

    /// As a tree.
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// As text.
    pub fn json(&self) -> String {
        self.json.clone()
    }
}

fn operation(route: &Described, generator: &mut SchemaGenerator, problem: &Schema) -> Value {
    let mut parameters = Vec::new();
    for param in &route.params {
        match param {
            Param::One { place, name, about, required, schema } => parameters.push(json!({
                "name": name, "in": place, "description": about, "required": required, "schema": schema(generator),
            })),
            Param::Query(schema) => parameters.extend(query(schema(generator))),
        }
    }
    let mut operation = json!({
        "operationId": route.id,
        "summary": route.summary,
        "description": route.about,
        "tags": [tag(route.path)],
        "x-permission": route.needs,
        "x-roles": Role::ALL.into_iter().filter(|role| role.may(route.needs)).collect::<Vec<_>>(),
        "x-everywhere": route.reach == Reach::Everywhere,
    });
    let Value::Object(members) = &mut operation else { return operation };
    if !parameters.is_empty() {
        members.insert("parameters".to_owned(), Value::Array(parameters));
    }
    if !route.bodies.is_empty() {
        let content: Map<String, Value> = route
            .bodies
            .iter()
            .map(|body| {
                let schema = body.schema.map_or_else(|| json!({}), |schema| schema(generator).to_value());
                (body.media.to_owned(), json!({ "schema": schema }))
            })
            .collect();
        let about = route.bodies[0].about;
        members.insert("requestBody".to_owned(), json!({ "description": about, "required": true, "content": content }));
    }
    members.insert("responses".to_owned(), Value::Object(responses(route, generator, problem)));
    let security = if route.needs == Permission::Open { json!([]) } else { json!([{ "bearer": [] }]) };
    members.insert("security".to_owned(), security);
    operation
}

/// The properties of a query object, each as a parameter.
fn query(schema: Schema) -> Vec<Value> {
    let schema = schema.to_value();
    let required: BTreeSet<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let Some(properties) = schema["properties"].as_object() else { return Vec::new() };
    let parameter = |(name, property): (&String, &Value)| {
        let mut schema = property.clone();
        let about = schema.as_object_mut().and_then(|schema| schema.remove("description"));
        json!({
            "name": name,
            "in": "query",
            "description": about.unwrap_or_default(),
            "required": required.contains(name.as_str()),
            "schema": schema,
        })
    };
    properties.iter().map(parameter).collect()
}

fn responses(route: &Described, generator: &mut SchemaGenerator, problem: &Schema) -> Map<String, Value> {
    let mut responses: Map<String, Value> = Map::new();
    for Answer { status, about, media, schema } in &route.answers {
        let response = responses.entry(status.to_string()).or_insert_with(|| json!({ "description": about }));
        let Some(media) = media else { continue };
        let schema = match schema {
            Some(schema) => schema(generator).to_value(),
            None if *media == PROBLEM_JSON => problem.clone().to_value(),
            None => json!({}),
        };
        response["content"][media] = json!({ "schema": schema });
    }
    for (status, about) in everywhere(route) {
        let refusal =
            json!({ "description": about, "content": { PROBLEM_JSON: { "schema": problem.clone().to_value() } } });
        responses.entry(status.to_string()).or_insert(refusal);
    }
    responses.sort_keys();
    responses
}

/// What a route may answer because of what it takes and needs.
fn everywhere(route: &Described) -> Vec<(u16, &'static str)> {
    let mut refusals = vec![
        (400, "The request cannot be understood; `parameter` names what."),
        (405, "The path takes other methods; `allow` names them."),
        (429, "Too many requests; `Retry-After` says when to come back."),
    ];
    if route.needs != Permission::Open {
        refusals.extend([
            (401, "No credentials, or none that hold."),
            (403, "The caller may not, or not on this channel."),
            (503, "Not available now: starting, stopping, or the journal is full or closed."),
        ]);
    }
    if route.path.contains('{') {
        refusals.push((404, "There is no such thing, or none that the caller may see."));
    }
    if !route.bodies.is_empty() {
        refusals.extend([
            (408, "The body came too slowly."),
            (413, "The body is too large."),
            (415, "The body is of a kind that is not taken."),
        ]);
    }
    refusals
}

/// The noun of a path: its first segment after the version that is no parameter.
fn tag(path: &str) -> &str {
    let mut nouns = path.split('/').filter(|part| !part.is_empty() && *part != "v1" && !part.starts_with('{'));
    match (nouns.next(), nouns.next()) {
        (Some("channels"), Some(noun)) => noun,
        (Some(noun), _) if !noun.contains('.') => noun,
        _ => "api",
    }
}
