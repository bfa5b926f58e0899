//! Dashboard, alerts and runbook against what is measured: no figure that is never written, no alert without a section.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use streamwarden::telemetry::metrics;

use crate::{none_of, path, text};

const ALERTS: &str = "ops/prometheus/alerts.yaml";
const DASHBOARD: &str = "ops/grafana/streamwarden.json";
const RUNBOOK: &str = "docs/runbook.md";
/// Sections of the runbook for alarms of the stack, which measures what this process cannot.
const OF_THE_STACK: &str = "ops/aws/template.yaml";

/// What a measured name ends with, by the kind of its figure.
fn endings(kind: &str) -> &'static [&'static str] {
    match kind {
        "Counter" => &["_total"],
        "Histogram" => &["_bucket", "_count", "_sum"],
        _ => &[""],
    }
}

/// Every name under which something is measured, read from the registrations in one file of the room: the name, the unit
/// where there is one, and the kind from the declaration of the field that is registered.
fn measured_in(source: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    // Tests of the file measure under names of their own.
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    for call in
        source.split("register(").chain(source.split("register_with_unit(")).chain(source.split("timed(")).skip(1)
    {
        let call = call.split(';').next().unwrap_or_default();
        let Some(name) = call.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next()) else { continue };
        let unit = match call.split("Unit::").nth(1) {
            Some(unit) => format!("_{}", unit.split(',').next().unwrap_or_default().to_lowercase()),
            // The one short form: times of the journal.
            None if source.contains(&format!("timed(\"{name}\"")) => "_seconds".to_owned(),
            None => String::new(),
        };
        let field = call.rsplit("metrics.").next().unwrap_or_default();
        let field: String = field.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let declared = source.lines().find_map(|line| line.trim().strip_prefix(&format!("{field}: ")));
        let kinds = ["Counter", "Histogram", "Gauge"];
        let kind = declared.and_then(|declared| kinds.into_iter().find(|kind| declared.contains(kind)));
        for ending in endings(kind.unwrap_or("Gauge")) {
            names.insert(format!("streamwarden_{name}{unit}{ending}"));
        }
    }
    names
}

/// Every name of the whole room.
fn measured() -> BTreeSet<String> {
    let files = std::fs::read_dir(path("src/telemetry/metrics")).unwrap();
    let sources = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    sources.flat_map(|source| measured_in(&source)).collect()
}

/// The names of ours in a query, each with the labels that it is asked by.
fn asked(query: &str) -> Vec<(String, Vec<String>)> {
    let mut asked = Vec::new();
    for (at, _) in query.match_indices("streamwarden_") {
        let name: String = query[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        let matchers = query[at + name.len()..].strip_prefix('{').and_then(|rest| rest.split('}').next());
        let matchers = matchers.unwrap_or_default().split("\",");
        let labels = matchers.filter_map(|one| one.split(['=', '!', '~']).next()).filter(|label| !label.is_empty());
        asked.push((name, labels.map(str::to_owned).collect()));
    }
    asked
}

/// The labels of `by (…)` in a query.
fn grouped(query: &str) -> Vec<String> {
    let groups = query.split("by (").skip(1).filter_map(|rest| rest.split(')').next());
    groups.flat_map(|group| group.split(',').map(|label| label.trim().to_owned())).collect()
}

/// What a query asks for and nobody measures.
fn unmeasured(query: &str, measured: &BTreeSet<String>, labels: &BTreeSet<String>) -> Vec<String> {
    let mut findings = Vec::new();
    let mut label = |label: &str| {
        if label != "le" && !labels.contains(label) {
            findings.push(format!("no figure has the label {label}"));
        }
    };
    grouped(query).iter().for_each(|name| label(name));
    let asked = asked(query);
    asked.iter().flat_map(|(_, labels)| labels).for_each(|name| label(name));
    for (name, _) in asked.iter().filter(|(name, _)| !measured.contains(name)) {
        findings.push(format!("{name} is measured by nobody"));
    }
    findings
}

/// Every label that figures are given, as the room's files write them: `("outcome", …)`.
fn labels() -> BTreeSet<String> {
    let mut labels = BTreeSet::new();
    for file in std::fs::read_dir(path("src/telemetry/metrics")).unwrap() {
        let source = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for rest in source.split("(\"").skip(1) {
            labels.extend(
                rest.split_once('"').filter(|(_, after)| after.starts_with([',', '.'])).map(|(l, _)| l.to_owned()),
            );
        }
    }
    labels
}

/// The alerts: name, query, and where the runbook says what to do.
fn alerts() -> BTreeMap<String, (String, String)> {
    let rules: Value = serde_saphyr::from_str(&text(ALERTS)).unwrap();
    let groups = rules["groups"].as_array().unwrap();
    let rules = groups.iter().flat_map(|group| group["rules"].as_array().unwrap());
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    rules
        .map(|rule| {
            let severity = word(&rule["labels"]["severity"]);
            assert!(["page", "ticket"].contains(&severity.as_str()), "{rule}");
            assert!(!word(&rule["annotations"]["summary"]).is_empty(), "{rule}");
            (word(&rule["alert"]), (word(&rule["expr"]), word(&rule["annotations"]["runbook"])))
        })
        .collect()
}

/// The queries of the dashboard, by panel.
fn queries() -> Vec<(String, String)> {
    let dashboard: Value = serde_json::from_str(&text(DASHBOARD)).unwrap();
    let mut queries = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            queries.push((panel["title"].as_str().unwrap().to_owned(), target["expr"].as_str().unwrap().to_owned()));
        }
    }
    assert!(queries.len() > 20, "only {} queries found: the walk is broken", queries.len());
    queries
}

fn sections() -> BTreeSet<String> {
    text(RUNBOOK).lines().filter_map(|line| line.strip_prefix("## ")).map(str::to_owned).collect()
}

/// The reading of sources is right: whatever the registry writes, it finds, under the same name.
#[test]
fn names_read_from_the_sources_are_those_of_the_registry() {
    metrics::metrics().providers.failed("rehearsal", "refused");
    metrics::metrics().requests.answered("get_health", 200, std::time::Duration::from_millis(1));
    let measured = measured();
    assert!(measured.len() > 40, "{measured:?}");
    let written = metrics::metrics().text();
    let samples = written.lines().filter(|line| !line.starts_with('#'));
    let names: BTreeSet<&str> = samples.filter_map(|line| line.split(['{', ' ']).next()).collect();
    assert!(names.len() > 20, "{written}");
    none_of(
        names.iter().filter(|name| !measured.contains(**name)).map(|name| format!("{name} was not read")).collect(),
    );
}

#[test]
fn alerts_and_dashboard_ask_for_what_is_measured() {
    let (measured, labels) = (measured(), labels());
    let alerts = alerts().into_iter().map(|(name, (query, _))| (name, query));
    let mut findings = Vec::new();
    for (name, query) in alerts.chain(queries()) {
        findings.extend(unmeasured(&query, &measured, &labels).into_iter().map(|what| format!("{name}: {what}")));
    }
    none_of(findings);
}

/// Grafana tells panels apart by their ids: of two with one id it shows or links to either.
#[test]
fn no_two_panels_of_the_dashboard_have_one_id() {
    let dashboard: Value = serde_json::from_str(&text(DASHBOARD)).unwrap();
    let mut titles: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        let id = panel["id"].as_u64().unwrap_or_else(|| panic!("an id is expected: {panel}"));
        titles.entry(id).or_default().push(panel["title"].as_str().unwrap());
    }
    assert!(titles.len() > 40, "only {} panels found: the walk is broken", titles.len());
    titles.retain(|_, titles| titles.len() > 1);
    none_of(titles.iter().map(|(id, titles)| format!("{DASHBOARD}: id {id} is that of {titles:?}")).collect());
}

#[test]
fn the_dashboard_shows_everything_that_is_measured() {
    let asked: BTreeSet<String> = queries().iter().flat_map(|(_, query)| asked(query)).map(|(name, _)| name).collect();
    let base = |name: &str| {
        let ending = ["_bucket", "_count", "_sum"].into_iter().find_map(|ending| name.strip_suffix(ending));
        ending.unwrap_or(name).to_owned()
    };
    let asked: BTreeSet<String> = asked.iter().map(|name| base(name)).collect();
    let missing = measured().into_iter().map(|name| base(&name)).filter(|name| !asked.contains(name));
    none_of(missing.map(|name| format!("{name} is on no panel of {DASHBOARD}")).collect());
}

#[test]
fn every_alert_has_its_section_in_the_runbook_and_every_section_its_alert() {
    let sections = sections();
    let stack = text(OF_THE_STACK);
    let mut findings = Vec::new();
    let mut used = BTreeSet::new();
    for (name, (_, leads)) in alerts() {
        match leads.strip_prefix("docs/runbook.md#") {
            Some(section) if sections.contains(section) => drop(used.insert(section.to_owned())),
            _ => findings.push(format!("{name}: {leads:?} is no section of {RUNBOOK}")),
        }
    }
    for section in sections.iter().filter(|section| !used.contains(*section)) {
        if !stack.contains(&format!(": runbook, {section}\"")) {
            findings.push(format!("{RUNBOOK}: no alert leads to {section}"));
        }
    }
    for line in text(RUNBOOK).lines() {
        for anchor in line.split("](#").skip(1).filter_map(|rest| rest.split(')').next()) {
            if !sections.contains(anchor) {
                findings.push(format!("{RUNBOOK}: #{anchor} is no section"));
            }
        }
    }
    none_of(findings);
}

#[test]
fn paths_and_fields_that_the_runbook_names_exist() {
    let api = text("schemas/openapi.json");
    let config = text("ops/streamwarden.toml");
    let stack = text(OF_THE_STACK);
    let mut findings = Vec::new();
    for code in text(RUNBOOK).split('`').skip(1).step_by(2) {
        let path = code.split('?').next().unwrap_or_default();
        let exists = match code.split_once('.') {
            _ if path.starts_with("/v1/") => api.contains(&format!("\"{path}\": {{")),
            Some((section, key)) if ["auth", "control", "data", "listen", "wardens"].contains(&section) => {
                let key = key.split([' ', '=']).next().unwrap_or_default();
                config.contains(&format!("\n{}", key.rsplit('.').next().unwrap_or_default()))
            }
            _ if ["StopsStreams", "ShardCount", "NotificationsKeptHours", "NotifierRole"].contains(&code) => {
                stack.contains(&format!("\n  {code}:"))
            }
            _ => true,
        };
        if !exists {
            findings.push(format!("{RUNBOOK}: {code} does not exist"));
        }
    }
    none_of(findings);
}

#[test]
fn planted_queries_for_nothing_are_found() {
    let (measured, labels) = (measured(), labels());
    let found = |query: &str| unmeasured(query, &measured, &labels).len();
    assert_eq!(
        found("sum by (outcome, le) (rate(streamwarden_frames_total{outcome=\"failed\",why!=\"x\"}[5m])) > 0"),
        0
    );
    assert_eq!(found("streamwarden_frames"), 1, "a counter without its ending");
    assert_eq!(found("streamwarden_sync_seconds"), 1, "a histogram without its ending");
    assert_eq!(found("streamwarden_sync_bucket"), 1, "a histogram without its unit");
    assert_eq!(found("streamwarden_frames_total{verdict=\"stop\"}"), 1, "a label that no figure has");
    assert_eq!(found("sum by (channel) (streamwarden_frames_under_way)"), 1, "a group that no figure has");
}
