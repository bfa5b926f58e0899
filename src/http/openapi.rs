//! The API description (OpenAPI 3.1), made from the routes. The problems that every route may answer with are stated
//! here, once, and added to each by what it takes and needs, so that no route can forget them.

use std::collections::BTreeSet;

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::auth::{Permission, Role};
use super::problem::{PROBLEM_JSON, ProblemBody};
use super::route::{Answer, Described, Param, Reach, Route};

/// A problem that every route of a kind may answer with.
struct Common {
    /// Its name among the description's components.
    name: &'static str,
    status: u16,
    about: &'static str,
    /// Which routes.
    of: fn(&Described) -> bool,
}

const COMMON: [Common; 10] = [
    Common {
        name: "Malformed",
        status: 400,
        about: "The request cannot be understood; `parameter` names what.",
        of: |_| true,
    },
    Common { name: "Unauthenticated", status: 401, about: "No credentials, or none that hold.", of: needs_a_caller },
    Common { name: "Forbidden", status: 403, about: "The caller may not, or not on this channel.", of: needs_a_caller },
    Common {
        name: "NotFound",
        status: 404,
        about: "There is no such thing, or none that the caller may see.",
        of: |route| route.path.contains('{'),
    },
    Common {
        name: "MethodNotAllowed",
        status: 405,
        about: "The path takes other methods; `allow` names them.",
        of: |_| true,
    },
    Common { name: "Timeout", status: 408, about: "The body came too slowly.", of: takes_a_body },
    Common { name: "TooLarge", status: 413, about: "The body is too large.", of: takes_a_body },
    Common {
        name: "UnsupportedMedia",
        status: 415,
        about: "The body is of a kind that is not taken.",
        of: takes_a_body,
    },
    Common {
        name: "TooMany",
        status: 429,
        about: "Too many requests; `Retry-After` says when to come back.",
        of: |_| true,
    },
    Common {
        name: "Unavailable",
        status: 503,
        about: "Not available now: starting, stopping, or the journal is full or closed.",
        of: needs_a_caller,
    },
];

fn needs_a_caller(route: &Described) -> bool {
    route.needs != Permission::Open
}

fn takes_a_body(route: &Described) -> bool {
    !route.bodies.is_empty()
}

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
        let common: Map<String, Value> =
            COMMON.iter().map(|common| (common.name.to_owned(), refusal(common.about, &problem))).collect();
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
                "responses": common,
                "securitySchemes": {
                    "bearer": {
                        "type": "http",
                        "scheme": "bearer",
                        "description": "A token of `streamwarden token create`, or one of the OIDC issuer configured.",
                    },
                    "external": {
                        "type": "apiKey",
                        "in": "header",
                        "name": "Authorization",
                        "description": "The secret that an external actor and this server share.",
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
    let security = match route.needs {
        Permission::Open => json!([]),
        Permission::Decide => json!([{ "external": [] }]),
        _ => json!([{ "bearer": [] }]),
    };
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
    for common in COMMON.iter().filter(|common| (common.of)(route)) {
        let reference = json!({ "$ref": format!("#/components/responses/{}", common.name) });
        responses.entry(common.status.to_string()).or_insert(reference);
    }
    responses.sort_keys();
    responses
}

fn refusal(about: &str, problem: &Schema) -> Value {
    json!({ "description": about, "content": { PROBLEM_JSON: { "schema": problem.clone().to_value() } } })
}

/// The noun of a path: its first segment after the version that is no parameter. What is not under a version is about
/// the server itself.
fn tag(path: &str) -> &str {
    let Some(path) = path.strip_prefix("/v1/") else { return "server" };
    let mut nouns = path.split('/').filter(|part| !part.starts_with('{'));
    match (nouns.next(), nouns.next()) {
        (Some("channels"), Some("policy")) => "channels", // it asks about the channel; the policies are elsewhere
        (Some("channels"), Some(noun)) => noun,
        (Some(noun), _) => noun,
        (None, _) => "server",
    }
}
