//! Writes translated policies as a person would: one key a line, every text quoted, nothing that the defaults say.

use std::fmt::Write;

use crate::policy::taxonomy::Taxonomy;
use crate::policy::terms;

/// A translated policy.
pub(super) struct Policy {
    pub id: String,
    pub title: Option<String>,
    pub channels: Channels,
    pub priority: Option<i32>,
    pub every_ms: u32,
    /// None: every sampled frame is assessed.
    pub hash_distance: Option<u8>,
    pub rules: Vec<Rule>,
}

/// Whom it is for.
pub(super) enum Channels {
    Listed(String),
    Matching(String),
}

/// A translated rule.
pub(super) struct Rule {
    pub id: String,
    pub categories: Vec<String>,
    /// Percent.
    pub confidence: f64,
    pub auto_stop: bool,
}

/// Writes one document for each policy.
pub(super) fn write(policies: &[Policy]) -> String {
    policies.iter().map(document).collect::<Vec<_>>().join("---\n")
}

fn document(policy: &Policy) -> String {
    let mut out = format!("policy: {}\n", quoted(&policy.id));
    if let Some(title) = &policy.title {
        line(&mut out, format_args!("title: {}", quoted(title)));
    }
    match &policy.channels {
        Channels::Listed(channel) => line(&mut out, format_args!("channels: [{}]", quoted(channel))),
        Channels::Matching(pattern) => line(&mut out, format_args!("channels: {{ matching: {} }}", quoted(pattern))),
    }
    if let Some(priority) = policy.priority {
        line(&mut out, format_args!("priority: {priority}"));
    }
    line(&mut out, format_args!("taxonomy: {}", Taxonomy::REKOGNITION));
    line(&mut out, format_args!("sampling: {{ every: {} }}", terms::show_duration(policy.every_ms)));
    match policy.hash_distance {
        Some(bits) => line(&mut out, format_args!("similarity: {{ hash_distance: {bits} }}")),
        None => line(&mut out, format_args!("similarity: off")),
    }
    // Written though it is the default: the sample loses such frames silently, so whoever reviews this should see it.
    line(&mut out, format_args!("on_unavailable: warn"));
    line(&mut out, format_args!("rules:"));
    for rule in &policy.rules {
        line(&mut out, format_args!("  - id: {}", quoted(&rule.id)));
        line(&mut out, format_args!("    categories:"));
        for category in &rule.categories {
            line(&mut out, format_args!("      - {}", quoted(category)));
        }
        line(&mut out, format_args!("    confidence: {}", rule.confidence));
        if rule.auto_stop {
            line(&mut out, format_args!("    action: stop"));
            line(&mut out, format_args!("    approval: none"));
        } else {
            line(&mut out, format_args!("    action: warn"));
        }
    }
    out
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(out, "{text}").expect("writing to a String cannot fail");
}

/// JSON's quoting is YAML's double-quoted style.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
