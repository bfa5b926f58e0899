//! Who may do what, cell by cell: every operation of the API description, for every role, on channels it is for and on
//! others, without credentials and with bad ones. Both tables below are written by hand: a route that is in none, or a
//! role that grew, fails here until somebody has thought about it.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::Value;
use streamwarden::http::auth::config::{AuthConfig, Way};
use streamwarden::http::auth::{Permission, Role, Token, tokens_file};
use streamwarden::model::{ChannelPattern, ModeratorId, Timestamp};
use tempfile::TempDir;

use crate::premises::{Live, Premises};
use Permission::*;

/// Every operation, and what it needs. `true`: on all channels, because what it touches belongs to none.
const OPERATIONS: &[(&str, Permission, bool)] = &[
    ("get_openapi", Open, false),
    ("get_docs", Open, false),
    ("get_docs_style", Open, false),
    ("get_health", Open, false),
    ("get_readiness", Open, false),
    ("get_metrics", Operate, true),
    ("get_session", Open, false),
    ("sign_in", Open, false),
    ("sign_out", Open, false),
    ("start_oidc", Open, false),
    ("finish_oidc", Open, false),
    ("get_journal", Read, false),
    ("list_channels", Read, false),
    ("get_channel", Read, false),
    ("get_channel_policy", Read, false),
    ("list_warnings", Read, false),
    ("get_warning", Read, false),
    ("list_taxonomies", Read, false),
    ("list_policies", Read, true),
    ("get_policy", Read, true),
    ("get_policy_version", Read, true),
    ("check_policies", Read, true),
    ("try_policies", WritePolicy, true),
    ("list_backtests", WritePolicy, true),
    ("start_backtest", WritePolicy, true),
    ("get_backtest", WritePolicy, true),
    ("get_backtest_report", WritePolicy, true),
    ("get_backtest_page", WritePolicy, true),
    ("cancel_backtest", WritePolicy, true),
    ("publish_policies", WritePolicy, true),
    ("retire_policy", WritePolicy, true),
    ("set_channel_reputation", WritePolicy, false),
    ("shadow_policies", WritePolicy, true),
    ("compare_shadow", WritePolicy, true),
    ("get_arena", WritePolicy, true),
    ("unshadow_policy", WritePolicy, true),
    ("start_session", Ingest, false),
    ("end_session", Ingest, false),
    ("create_frame", Ingest, false),
    ("get_frame", ReadOutcome, false),
    ("claim_warning", Moderate, false),
    ("release_warning", Moderate, false),
    ("withdraw_answer", Moderate, false),
    ("note_warning", Moderate, false),
    ("escalate_warning", Moderate, false),
    ("create_answer", Moderate, false),
    ("overturn_warning", Appeal, false),
    ("create_enforcement", Enforce, false),
    ("get_enforcement", Read, false),
    ("admit_enforcement", Enforce, false),
    ("cancel_enforcement", Enforce, false),
    ("list_events", Read, false),
    ("list_channel_events", Read, false),
    ("get_event", Read, false),
    ("get_decision", Read, false),
    ("receive_decision", Decide, false),
    ("get_channel_state", Read, false),
    ("get_channel_history", Read, false),
    ("get_channel_reputation", Read, false),
    ("simulate_reputation", Read, false),
    ("get_evidence", ReadEvidence, false),
    ("get_evidence_preview", ReadEvidence, false),
    ("get_transcript", ReadEvidence, false),
    ("get_channel_picture", ReadEvidence, false),
    ("list_consumers", Consume, true),
    ("create_consumer", Consume, true),
    ("get_consumer", Consume, true),
    ("delete_consumer", Consume, true),
    ("take_lease", Consume, true),
    ("release_lease", Consume, true),
    ("read_entries", Consume, true),
    ("acknowledge_entries", Consume, true),
    ("list_parked", Consume, true),
    ("park_entry", Consume, true),
    ("unpark_entry", Consume, true),
    ("rewind_consumer", Consume, true),
    ("list_replays", Consume, true),
    ("start_replay", Consume, true),
    ("get_replay", Consume, true),
    ("cancel_replay", Consume, true),
    ("get_feed", Read, false),
    ("get_live", Read, false),
    ("get_overview", Read, false),
    ("create_erasure", Erase, true),
    ("list_erasures", Erase, true),
];

/// Every permission, and the roles that have it, besides admin, who has all but the one that is no role's.
const GRANTED: &[(Permission, &[Role])] = &[
    (Read, &[Role::Viewer, Role::Moderator, Role::AppealReviewer, Role::PolicyAuthor, Role::Auditor]),
    (Ingest, &[Role::Ingest]),
    (Decide, &[]),
    (
        ReadOutcome,
        &[Role::Viewer, Role::Moderator, Role::AppealReviewer, Role::PolicyAuthor, Role::Auditor, Role::Ingest],
    ),
    (Moderate, &[Role::Moderator]),
    (Appeal, &[Role::AppealReviewer]),
    (Enforce, &[Role::Moderator]),
    (ReadEvidence, &[Role::Moderator, Role::AppealReviewer, Role::Auditor]),
    (Export, &[Role::Auditor]),
    (Consume, &[Role::Auditor]),
    (WritePolicy, &[Role::PolicyAuthor]),
    (Erase, &[]),
    (Operate, &[Role::Auditor]),
];

/// The channels that scoped tokens are for, and one of each kind as it stands in a path.
const SCOPE: &str = "own/*";
const OWN: &str = "own%2Fa";
const FOREIGN: &str = "foreign%2Fa";

/// An operation of the description.
pub struct Operation {
    pub id: String,
    pub method: Method,
    path: String,
    pub permission: Permission,
    everywhere: bool,
    parameters: Vec<Value>,
    /// Whether its answer has an end; a feed has none.
    ends: bool,
}

impl Operation {
    pub fn all() -> Vec<Self> {
        let document: Value = serde_json::from_str(&streamwarden::http::openapi()).expect("JSON");
        let paths = document["paths"].as_object().expect("paths").clone();
        let mut all = Vec::new();
        for (path, methods) in paths {
            for (method, operation) in methods.as_object().expect("methods") {
                let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
                all.push(Self {
                    id: operation["operationId"].as_str().expect("an id").to_owned(),
                    method: method.to_uppercase().parse().expect("a method"),
                    path: path.clone(),
                    permission: serde_json::from_value(operation["x-permission"].clone()).expect("a permission"),
                    everywhere: operation["x-everywhere"].as_bool().expect("a reach"),
                    ends: !operation["responses"].to_string().contains("text/event-stream"),
                    parameters: parameters.iter().map(|parameter| resolved(parameter, &document)).collect(),
                });
            }
        }
        all
    }

    fn names_a_channel(&self) -> bool {
        self.path.contains("{channel}")
    }

    /// The path with every parameter filled in: the channel as given, the others with something of their form.
    pub fn path_for(&self, channel: &str) -> String {
        let mut path = self.path.replace("{channel}", channel);
        for parameter in self.parameters.iter().filter(|parameter| parameter["in"] == "path") {
            let name = parameter["name"].as_str().expect("a name");
            path = path.replace(&format!("{{{name}}}"), &example(&parameter["schema"]));
        }
        assert!(!path.contains('{'), "{path}: a parameter is not described");
        path
    }

    /// Whether a role that is for these channels may.
    fn allows(&self, role: Role, for_all: bool, channel: &str) -> bool {
        let has = has(role, self.permission);
        let reaches = for_all || (!self.everywhere && (!self.names_a_channel() || channel == OWN));
        has && reaches
    }
}

fn has(role: Role, permission: Permission) -> bool {
    (role == Role::Admin && permission != Decide) || granted(permission).contains(&role)
}

fn granted(permission: Permission) -> &'static [Role] {
    let row = GRANTED.iter().find(|(known, _)| *known == permission);
    row.unwrap_or_else(|| panic!("{permission:?} is granted to nobody in GRANTED")).1
}

/// A parameter with its schema's reference followed.
fn resolved(parameter: &Value, document: &Value) -> Value {
    let mut parameter = parameter.clone();
    if let Some(reference) = parameter["schema"]["$ref"].as_str() {
        let schema = document.pointer(reference.trim_start_matches('#')).expect("the reference is there");
        parameter["schema"] = schema.clone();
    }
    parameter
}

/// Something of the form that a schema asks for; nothing is there under it.
fn example(schema: &Value) -> String {
    let digits = |pattern: &str| {
        let (_, count) = pattern.split_once("{")?;
        count.split_once('}')?.0.parse::<usize>().ok()
    };
    match (schema["type"].as_str(), schema["pattern"].as_str().and_then(digits)) {
        (Some("integer"), _) => "1".to_owned(),
        (_, Some(count)) => "0".repeat(count),
        _ => "none".to_owned(),
    }
}

/// Premises that ask for tokens, and their secrets, of every role: one for all channels, one for [`SCOPE`].
pub fn guarded(folder: &TempDir) -> (Premises, BTreeMap<(Role, bool), String>) {
    let path = folder.path().join("tokens.toml");
    let mut secrets = BTreeMap::new();
    for role in Role::ALL {
        for (for_all, scope) in [(true, "*"), (false, SCOPE)] {
            let name = ModeratorId::new(format!("{role:?}-{for_all}")).expect("a sound name");
            let scope = ChannelPattern::new(scope).expect("a sound pattern");
            let (token, secret) =
                Token::create(name, vec![role], vec![scope], Timestamp::default(), None).expect("random bytes");
            tokens_file::add(&path, token).expect("written");
            secrets.insert((role, for_all), secret.reveal().to_owned());
        }
    }
    let mut premises = Premises::new();
    premises.auth = AuthConfig { ways: vec![Way::Tokens], tokens_file: path, ..AuthConfig::default() };
    (premises, secrets)
}

/// The status; the body is not waited for, because a feed has no end.
async fn status(live: &Live, operation: &Operation, channel: &str, authorization: Option<&str>) -> u16 {
    let mut request = live.client.request(operation.method.clone(), live.url(&operation.path_for(channel)));
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    request.send().await.expect("an answer comes").status().as_u16()
}

#[test]
fn every_operation_stands_in_the_table_as_it_is_described() {
    let described: Vec<_> = Operation::all()
        .into_iter()
        .map(|operation| (operation.id, operation.permission, operation.everywhere))
        .collect();
    let mut missing = String::new();
    for (id, permission, everywhere) in &described {
        match OPERATIONS.iter().find(|(known, ..)| known == id) {
            Some((_, needs, reach)) => {
                assert_eq!((permission, everywhere), (needs, reach), "{id} changed who may: is that meant?");
            }
            None => missing += &format!("    ({id:?}, {permission:?}, {everywhere}),\n"),
        }
    }
    assert!(missing.is_empty(), "decide who may, then add to OPERATIONS:\n{missing}");
    for (id, ..) in OPERATIONS {
        assert!(described.iter().any(|(known, ..)| known == id), "{id} is gone: strike it from OPERATIONS");
    }
}

#[test]
fn every_role_has_the_permissions_of_the_table_and_no_other() {
    for (permission, roles) in GRANTED {
        for role in Role::ALL {
            assert_eq!(role.may(*permission), has(role, *permission), "{role:?} {permission:?} {roles:?}");
        }
    }
    assert!(Role::ALL.iter().all(|role| role.may(Open)));
}

#[actix_rt::test]
async fn every_cell_of_operation_role_and_channel_is_as_the_tables_say() {
    let folder = tempfile::tempdir().expect("a folder");
    let (premises, secrets) = guarded(&folder);
    let live = premises.open().await;
    let (mut cells, mut wrong) = (0, Vec::new());
    for operation in Operation::all() {
        let channels: &[&str] = if operation.names_a_channel() { &[OWN, FOREIGN] } else { &[OWN] };
        for channel in channels {
            for ((role, for_all), secret) in &secrets {
                let found = status(&live, &operation, channel, Some(&format!("Bearer {secret}"))).await;
                let allowed = operation.permission == Open || operation.allows(*role, *for_all, channel);
                // An external actor is known by its secret alone: a token says nothing of one.
                let refusal = if operation.permission == Decide { 401 } else { 403 };
                let fine = if allowed { found != 401 && found != 403 && found < 500 } else { found == refusal };
                if !fine {
                    wrong.push(format!("{}: {role:?} for all: {for_all}, {channel}: {found}", operation.id));
                }
                cells += 1;
            }
            let made_up = format!("Bearer sw_{}_{}", "0".repeat(12), "0".repeat(64));
            for nobody in [None, Some(made_up.as_str()), Some("Basic YTpi"), Some("Bearer eyJhbGciOiJub25lIn0.e30.")] {
                let found = status(&live, &operation, channel, nobody).await;
                // Some take a body, of which none was sent; nobody is told that they are not known.
                let fine = if operation.permission == Open {
                    found < 401 || [404, 415].contains(&found)
                } else {
                    found == 401
                };
                if !fine {
                    wrong.push(format!("{}: {nobody:?}, {channel}: {found}", operation.id));
                }
                cells += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {cells} cells:\n{}", wrong.len(), wrong.join("\n"));
    assert!(cells >= OPERATIONS.len() * 16, "{cells} cells");
    live.close().await;
}

#[actix_rt::test]
async fn who_is_not_known_is_told_how_to_say_it_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let (premises, secrets) = guarded(&folder);
    let secret = &secrets[&(Role::Viewer, true)];
    let live = premises.open().await;
    let mut bodies = Vec::new();
    let unknown_id = secret.replacen(|c: char| c.is_ascii_digit(), "f", 3);
    let wrong_secret = format!("{}0", &secret[..secret.len() - 1]);
    let wrong_secret = if wrong_secret == *secret { format!("{}1", &secret[..secret.len() - 1]) } else { wrong_secret };
    for token in [unknown_id.as_str(), wrong_secret.as_str(), "x"] {
        let answer = live.get("/v1/journal").bearer_auth(token).send().await.expect("an answer comes");
        assert_eq!(answer.status().as_u16(), 401);
        assert_eq!(answer.headers()["www-authenticate"], "Bearer");
        bodies.push(answer.text().await.expect("text"));
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?} tell how close it was");
    let twice = live.get("/v1/journal").header("authorization", "Bearer x").bearer_auth(secret);
    assert_eq!(twice.send().await.expect("an answer comes").status().as_u16(), 401, "two identities are none");
    let known = live.get("/v1/journal").bearer_auth(secret).send().await.expect("an answer comes");
    assert_eq!(known.status().as_u16(), 200);
    live.close().await;
}

#[actix_rt::test]
async fn no_list_shows_anything_of_a_channel_that_is_not_theirs() {
    let folder = tempfile::tempdir().expect("a folder");
    let (premises, secrets) = guarded(&folder);
    let live = premises.open().await;
    let admin = &secrets[&(Role::Admin, true)];
    for channel in [OWN, FOREIGN] {
        let begun = live.post(&format!("/v1/channels/{channel}/sessions")).bearer_auth(admin);
        let begun = begun.json(&serde_json::json!({ "session": "st-1" })).send().await.expect("an answer comes");
        assert_eq!(begun.status().as_u16(), 200);
    }
    let lists = Operation::all().into_iter().filter(|operation| {
        operation.method == Method::GET
            && !operation.path.contains('{')
            && operation.permission != Open
            && operation.ends
    });
    let (mut seen_by_admin, mut looked) = (0, 0);
    for list in lists {
        for ((role, for_all), secret) in &secrets {
            let answer = live.get(&list.path).bearer_auth(secret).send().await.expect("an answer comes");
            let text = answer.text().await.expect("text");
            let shows = text.contains("foreign/a");
            assert!(*for_all || !shows, "{}: {role:?} on {SCOPE} is shown {text}", list.id);
            seen_by_admin += usize::from(shows && *role == Role::Admin);
            looked += 1;
        }
    }
    assert!(seen_by_admin >= 2, "the control: admin sees both channels in {seen_by_admin} of {looked} answers");
    live.close().await;
}
