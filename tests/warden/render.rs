//! Events and states as the words of a table: `FrameSkipped because=too_soon due=45`.

use std::collections::HashMap;

use serde_json::Value;
use streamwarden::events::Event;
use streamwarden::model::Timestamp;
use streamwarden::warden::{ChannelState, Coverage, Shadow};

use crate::lines::seconds;

/// What tables call things: hexadecimal id to name.
pub type Names = HashMap<String, String>;

/// The type's name and everything in the payload, flat.
pub fn event(event: &Event, names: &Names) -> Vec<String> {
    let mut words = vec![event.event_type().name().to_owned()];
    let json = serde_json::to_value(event).expect("every event is JSON");
    flatten("payload", &json["payload"], names, &mut words);
    words
}

/// Fields that hold one of several kinds of thing: the kind first, then what it holds.
const KINDS: [&str; 4] = ["because", "effect", "origin", "budget"];

fn flatten(key: &str, value: &Value, names: &Names, words: &mut Vec<String>) {
    match value {
        Value::Object(fields) if KINDS.contains(&key) => {
            for (kind, held) in fields {
                words.push(format!("{key}={kind}"));
                flatten(kind, held, names, words);
            }
        }
        Value::Object(fields) if fields.contains_key("id") && fields.contains_key("version") => {
            words.push(format!("{key}={}@{}", plain(&fields["id"], names), fields["version"]));
        }
        Value::Object(fields) => fields.iter().for_each(|(key, value)| flatten(key, value, names, words)),
        Value::Array(items) if key == "rules" => {
            for item in items {
                let rule = plain(&item["rule"], names);
                let mut inner = Vec::new();
                flatten("outcome", item, names, &mut inner);
                words.extend(inner.into_iter().map(|word| format!("{rule}.{word}")));
            }
        }
        Value::Array(items) if key == "labels" => {
            words.extend(
                items.iter().map(|label| {
                    format!("label={}:{}", plain(&label[0], names), label[1].as_f64().unwrap_or_default())
                }),
            );
        }
        Value::Array(items) => {
            words.push(format!("{key}={}", items.iter().map(|item| plain(item, names)).collect::<Vec<_>>().join("/")));
        }
        other => words.push(format!("{key}={}", plain(other, names))),
    }
}

fn plain(value: &Value, names: &Names) -> String {
    match value {
        Value::String(text) => match (names.get(text), text.parse::<Timestamp>()) {
            (Some(name), _) => name.clone(),
            (None, Ok(moment)) => seconds(moment),
            (None, Err(_)) => text.replace(' ', "_"),
        },
        Value::Null => "none".to_owned(),
        Value::Array(items) => items.iter().map(|item| plain(item, names)).collect::<Vec<_>>().join("/"),
        other => other.to_string(),
    }
}

/// `s@1:gore@s1` with its warnings that are open.
fn shadow(shadow: &Shadow) -> String {
    let open = shadow.warnings.iter().filter(|warning| warning.ended_by.is_none());
    let open: Vec<String> = open.map(|warning| format!("{}@{}", warning.rule, warning.session)).collect();
    format!("{}:{}", shadow.policy, if open.is_empty() { "none".to_owned() } else { open.join(",") })
}

/// What a table can check of a state.
pub fn state(state: &ChannelState, names: &Names) -> Vec<String> {
    let name = |id: String| names.get(&id).cloned().unwrap_or(id);
    let listed = |list: Vec<String>| if list.is_empty() { "none".to_owned() } else { list.join(",") };
    let coverage = match state.coverage {
        Coverage::Idle => "idle".to_owned(),
        Coverage::Watched { from } => format!("watched:{}", seconds(from)),
        Coverage::Unwatched { since, because } => {
            let because = serde_json::to_value(because).expect("a reason is JSON");
            format!("unwatched:{}:{}", seconds(since), plain(&because, names))
        }
    };
    let warnings = state.warnings.iter().map(|warning| {
        let answer =
            warning.answer.as_ref().map_or("open", |answer| if answer.upheld { "upheld" } else { "dismissed" });
        format!("{}:{answer}", name(warning.id.to_string()))
    });
    let versions = state.warnings.iter().map(|warning| format!("{}@{}", name(warning.id.to_string()), warning.version));
    let enforcements = state.enforcements.iter().map(|asked| {
        let stage = format!("{:?}", asked.stage).to_lowercase();
        format!("{}:{stage}", name(asked.id.to_string()))
    });
    let windows = state.windows.iter().map(|window| format!("{}:{}", window.rule, window.recent.count_ones()));
    let cooldowns = state.cooldowns.iter().map(|quiet| format!("{}:{}", quiet.rule, seconds(quiet.until)));
    vec![
        format!("session={}", state.session.as_ref().map_or("none", |session| session.id.as_str())),
        format!("ended={}", listed(state.ended_sessions.iter().map(|session| session.to_string()).collect())),
        format!("reference={}", state.reference.as_ref().map_or("none".into(), |seen| name(seen.frame.to_string()))),
        format!("coverage={coverage}"),
        format!("every={}", state.pace.as_ref().map_or("none".into(), |(pace, _)| pace.interval_ms.to_string())),
        format!("covered_until={}", state.covered_until().map_or("none".into(), seconds)),
        format!("warnings={}", listed(warnings.collect())),
        format!("versions={}", listed(versions.collect())),
        format!("enforcements={}", listed(enforcements.collect())),
        format!("windows={}", listed(windows.collect())),
        format!("cooldowns={}", listed(cooldowns.collect())),
        format!("shadow={}", state.shadow.as_deref().map_or("none".to_owned(), shadow)),
    ]
}
