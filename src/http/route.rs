//! A route, stated once: from it come the router, the gate's check and the API description. There is no route that
//! does not say what it needs.

use actix_web::http::Method;
use actix_web::{FromRequest, Handler, Responder, web};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value, json};

use super::auth::Permission;

type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// A route with its handler.
pub(in crate::http) struct Route {
    pub described: Described,
    pub handler: actix_web::Route,
}

/// What a route is, to the gate and to readers.
pub(in crate::http) struct Described {
    pub method: Method,
    /// `/v1/channels/{channel}`; `{channel}` is checked against the caller's channels by the gate.
    pub path: &'static str,
    /// `<verb>_<resource>`.
    pub id: &'static str,
    pub summary: &'static str,
    /// Markdown.
    pub about: &'static str,
    pub needs: Permission,
    pub reach: Reach,
    pub params: Vec<Param>,
    pub bodies: Vec<Body>,
    pub answers: Vec<Answer>,
}

/// On which channels the caller must have the permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Reach {
    /// On the channel in the path if there is one, otherwise on any: the handler shows only theirs.
    Theirs,
    /// On all: what it touches belongs to no channel.
    Everywhere,
}

/// A path or header parameter, or a whole query.
pub(in crate::http) enum Param {
    /// A path or header parameter.
    One { place: &'static str, name: &'static str, about: &'static str, required: bool, schema: SchemaOf },
    /// All query parameters: the properties of an object.
    Query(SchemaOf),
}

/// A body that is taken.
pub(in crate::http) struct Body {
    pub media: &'static str,
    pub about: &'static str,
    /// None: bytes.
    pub schema: Option<SchemaOf>,
}

/// An answer that is given.
pub(in crate::http) struct Answer {
    pub status: u16,
    pub about: &'static str,
    /// None: no content.
    pub media: Option<&'static str>,
    /// None with a media type: bytes or text.
    pub schema: Option<SchemaOf>,
}

/// A route in the making; [`Building::to`] ends it.
pub(in crate::http) struct Building(Described);

impl Route {
    pub fn get(path: &'static str, id: &'static str, needs: Permission) -> Building {
        Self::building(Method::GET, path, id, needs)
    }

    pub fn post(path: &'static str, id: &'static str, needs: Permission) -> Building {
        Self::building(Method::POST, path, id, needs)
    }

    pub fn put(path: &'static str, id: &'static str, needs: Permission) -> Building {
        Self::building(Method::PUT, path, id, needs)
    }

    pub fn delete(path: &'static str, id: &'static str, needs: Permission) -> Building {
        Self::building(Method::DELETE, path, id, needs)
    }

    /// A route that stands in no description: for a browser's address line, not for programs.
    pub fn unlisted(method: Method, path: &'static str, id: &'static str, needs: Permission) -> Building {
        Self::building(method, path, id, needs)
    }

    fn building(method: Method, path: &'static str, id: &'static str, needs: Permission) -> Building {
        Building(Described {
            method,
            path,
            id,
            summary: "",
            about: "",
            needs,
            reach: Reach::Theirs,
            params: Vec::new(),
            bodies: Vec::new(),
            answers: Vec::new(),
        })
    }
}

impl Building {
    /// In a line, and in a paragraph (Markdown).
    pub fn says(mut self, summary: &'static str, about: &'static str) -> Self {
        (self.0.summary, self.0.about) = (summary, about);
        self
    }

    /// The caller must have the permission on all channels.
    pub fn everywhere(mut self) -> Self {
        self.0.reach = Reach::Everywhere;
        self
    }

    /// A parameter in the path.
    pub fn path<T: JsonSchema>(mut self, name: &'static str, about: &'static str) -> Self {
        let schema: SchemaOf = |generator| generator.subschema_for::<T>();
        self.0.params.push(Param::One { place: "path", name, about, required: true, schema });
        self
    }

    /// An optional header.
    pub fn header<T: JsonSchema>(mut self, name: &'static str, about: &'static str) -> Self {
        let schema: SchemaOf = |generator| generator.subschema_for::<T>();
        self.0.params.push(Param::One { place: "header", name, about, required: false, schema });
        self
    }

    /// Query parameters: the fields of `T`, each with its documentation.
    pub fn query<T: JsonSchema>(mut self) -> Self {
        self.0.params.push(Param::Query(|generator| T::json_schema(generator)));
        self
    }

    /// Takes JSON.
    pub fn takes<T: JsonSchema>(mut self, about: &'static str) -> Self {
        let schema: SchemaOf = |generator| generator.subschema_for::<T>();
        self.0.bodies.push(Body { media: "application/json", about, schema: Some(schema) });
        self
    }

    /// Takes bytes of a media type.
    pub fn takes_bytes(mut self, media: &'static str, about: &'static str) -> Self {
        self.0.bodies.push(Body { media, about, schema: None });
        self
    }

    /// Answers with JSON.
    pub fn answers<T: JsonSchema>(mut self, status: u16, about: &'static str) -> Self {
        let schema: SchemaOf = |generator| generator.subschema_for::<T>();
        self.0.answers.push(Answer { status, about, media: Some("application/json"), schema: Some(schema) });
        self
    }

    /// Answers with server-sent events, of which each is one of these: its name is the only key, its data what stands
    /// there.
    pub fn answers_events<T: JsonSchema>(mut self, status: u16, about: &'static str) -> Self {
        let schema: SchemaOf = |generator| {
            let _ = generator.subschema_for::<T>(); // so that clients have a type for what they read
            let messages = T::json_schema(generator).to_value();
            let named = messages["oneOf"].as_array().into_iter().flatten();
            let named = named.filter_map(|message| message["properties"].as_object()).flatten();
            let events: Vec<_> = named.map(|(name, data)| event(name, data)).collect();
            schemars::json_schema!({ "oneOf": events })
        };
        self.0.answers.push(Answer { status, about, media: Some("text/event-stream"), schema: Some(schema) });
        self
    }

    /// Answers with something else.
    pub fn answers_as(mut self, status: u16, media: &'static str, about: &'static str) -> Self {
        self.0.answers.push(Answer { status, about, media: Some(media), schema: None });
        self
    }

    /// Answers with nothing.
    pub fn answers_empty(mut self, status: u16, about: &'static str) -> Self {
        self.0.answers.push(Answer { status, about, media: None, schema: None });
        self
    }

    /// A problem that this route in particular has. Those that every route has are added by the description.
    pub fn refuses(mut self, status: u16, about: &'static str) -> Self {
        self.0.answers.push(Answer { status, about, media: Some(super::problem::PROBLEM_JSON), schema: None });
        self
    }

    /// Handled by.
    pub fn to<F, Args>(self, handler: F) -> Route
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let handler = web::method(self.0.method.clone()).to(handler);
        Route { described: self.0, handler }
    }
}

/// An event of a stream as it is sent: name, id and data are texts, and what the data is when it is read stands beside
/// it.
fn event(name: &str, data: &Value) -> Value {
    json!({
        "type": "object",
        "properties": {
            "event": { "const": name },
            "id": { "type": "string" },
            "data": { "type": "string", "contentMediaType": "application/json", "contentSchema": data },
        },
        "required": ["event", "data"],
    })
}
