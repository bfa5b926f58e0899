//! Least privilege: every statement of the stack's policies is narrow, and justified in docs/aws-permissions.md.

use serde_json::Value;

use crate::templates::{STACK, read};
use crate::{none_of, text};

/// Where the statements are justified.
const TABLE: &str = "docs/aws-permissions.md";

/// Statements that name no resource, each with the reason why none can be named.
const EVERYWHERE: &[(&str, &str)] = &[
    ("LabelImages", "the operation has no resource but custom adapters, which we do not use"),
    ("ListLiveStreams", "it lists what is live in the account; it takes no channel"),
    ("SpeakToEcr", "the token is for the registry, not for a repository"),
    ("AccountKeepsTheKey", "a key's policy is about that key; there * means this one"),
    ("EventBridgeSealsDeadLetters", "a key's policy is about that key; there * means this one"),
];

/// The last part of resources that name a kind and not one of it, each with the reason.
const OF_A_KIND: &[(&str, &str)] = &[
    ("channel/*", "channels come and go without the stack; the parameter Channels names some"),
    ("stream-key/*", "keys are made and deleted by this very permission: none is known before"),
    ("ivs/v1/*", "IVS writes one object per thumbnail under this prefix"),
    ("evidence/*", "one object per picture"),
    ("frames/*", "one object per frame"),
];

/// Permissions to change a broadcast. Each stands in one statement of the whole stack.
const GRAVE: &[&str] = &["ivs:StopStream", "ivs:DeleteStreamKey", "ivs:CreateStreamKey"];

/// One statement of a policy.
#[derive(Debug, PartialEq)]
struct Statement {
    sid: String,
    actions: Vec<String>,
    resources: Vec<String>,
}

/// Every statement in a template, wherever it stands: in roles, keys, queues, and in policies written as text.
fn statements(value: &Value) -> Vec<Statement> {
    match value {
        Value::Object(fields) if fields.contains_key("Effect") => vec![Statement {
            sid: value["Sid"].as_str().unwrap_or("(without Sid)").to_owned(),
            actions: strings(&value["Action"]),
            resources: strings(&value["Resource"]),
        }],
        Value::Object(fields) => fields.values().flat_map(statements).collect(),
        Value::Array(list) => list.iter().flat_map(statements).collect(),
        Value::String(text) if text.contains("\"Statement\"") => {
            statements(&serde_json::from_str(text).expect("a policy written as text is JSON"))
        }
        _ => Vec::new(),
    }
}

/// A text, or all texts of a list.
fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(list) => list.iter().flat_map(strings).collect(),
        _ => Vec::new(),
    }
}

/// What is too wide, or too little said.
fn too_wide(statements: &[Statement]) -> Vec<String> {
    let mut findings = Vec::new();
    for statement in statements {
        let sid = &statement.sid;
        let assumes = statement.actions == ["sts:AssumeRole"]; // a role's trust: it has no resource but itself
        if statement.actions.is_empty() || (statement.resources.is_empty() && !assumes) {
            findings.push(format!("{sid}: names no actions, or no resources"));
        }
        for action in statement.actions.iter().filter(|action| action.contains('*')) {
            findings.push(format!("{sid}: {action} allows what nobody listed"));
        }
        for resource in statement.resources.iter().filter(|resource| resource.contains('*')) {
            let excused = match resource.as_str() {
                "*" => EVERYWHERE.iter().any(|(known, _)| known == sid),
                arn => OF_A_KIND.iter().any(|(kind, _)| {
                    arn.strip_suffix(kind).is_some_and(|before| before.ends_with([':', '/']) && !before.contains('*'))
                }),
            };
            if !excused {
                findings.push(format!("{sid}: {resource} is wider than any reason written down"));
            }
        }
    }
    for grave in GRAVE {
        let holders = statements.iter().filter(|statement| statement.actions.iter().any(|action| action == grave));
        let count = holders.count();
        if count != 1 {
            findings.push(format!("{grave} stands in {count} statements, expected one"));
        }
    }
    findings
}

/// The rows of the table: the statement's name and the actions that the row names.
fn rows(table: &str) -> Vec<(String, Vec<String>)> {
    let code = |cell: &str| -> Vec<String> { cell.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
    let row = |line: &str| {
        let cells: Vec<&str> = line.strip_prefix("| `")?.split(" | ").collect();
        let [sid, actions, _resource, why] = cells.as_slice() else { return None };
        let sid = sid.trim_end_matches('`').to_owned();
        (why.trim_end_matches([' ', '|']).len() > 20).then(|| (sid, code(actions)))
    };
    table.lines().filter_map(row).collect()
}

/// What the table says otherwise than the stack.
fn unjustified(statements: &[Statement], table: &str) -> Vec<String> {
    let rows = rows(table);
    let mut findings = Vec::new();
    for Statement { sid, actions, .. } in statements {
        match rows.iter().filter(|(row, _)| row == sid).collect::<Vec<_>>().as_slice() {
            [(_, said)] if said == actions => {}
            [(_, said)] => findings.push(format!("{sid}: the table says {said:?}, the stack {actions:?}")),
            [] => findings.push(format!("{sid}: no row of {TABLE} says why")),
            _ => findings.push(format!("{sid}: has several rows")),
        }
    }
    let gone = rows.iter().filter(|(row, _)| !statements.iter().any(|statement| statement.sid == *row));
    findings.extend(gone.map(|(row, _)| format!("{row}: has a row, and is in the stack no longer")));
    findings
}

fn stack() -> Vec<Statement> {
    let statements = statements(&read(&text(STACK)));
    assert!(statements.len() > 20, "only {} statements found: the walk is broken", statements.len());
    statements
}

#[test]
fn no_statement_is_wider_than_its_reason() {
    none_of(too_wide(&stack()));
}

#[test]
fn every_statement_is_justified_in_the_table() {
    none_of(unjustified(&stack(), &text(TABLE)));
}

#[test]
fn excuses_are_still_needed() {
    let stack = stack();
    for (sid, reason) in EVERYWHERE {
        let used = stack.iter().any(|statement| statement.sid == *sid && statement.resources == ["*"]);
        assert!(used, "{sid} names a resource now ({reason}): strike it off the list");
    }
    for (kind, reason) in OF_A_KIND {
        let used = stack.iter().flat_map(|statement| &statement.resources).any(|resource| resource.ends_with(kind));
        assert!(used, "nothing ends with {kind} any longer ({reason}): strike it off the list");
    }
}

#[test]
fn planted_width_is_found() {
    let stack = text(STACK);
    for (narrow, wide) in [
        ("Action: ivs:StopStream", "Action: ivs:*"),
        ("Action: s3:GetBucketNotification", "Action: \"s3:Get*\""),
        ("Resource: !GetAtt Decisions.Arn", "Resource: \"*\""),
        ("${ThumbnailsBucket}/ivs/v1/*", "*/ivs/v1/*"),
        ("${EvidenceBucket}/evidence/*", "${EvidenceBucket}/*"),
        ("Action: ivs:ListStreams", "Action: [ivs:ListStreams, ivs:StopStream]"),
        ("\"Action\": \"logs:PutLogEvents\"", "\"Action\": \"logs:*\""),
    ] {
        assert!(stack.contains(narrow), "{narrow} is no longer in the template");
        let found = too_wide(&statements(&read(&stack.replacen(narrow, wide, 1))));
        assert!(!found.is_empty(), "{wide} was not found");
    }
}

#[test]
fn planted_gaps_in_the_table_are_found() {
    let stack = [Statement { sid: "A".into(), actions: vec!["s:B".into()], resources: vec!["c".into()] }];
    let table = "| `A` | `s:B` | c | because without it nothing is read |\n";
    assert!(unjustified(&stack, table).is_empty());
    for gap in [
        "",
        "| `A` | `s:B` | c | needed |\n",
        "| `A` | `s:B`, `s:C` | c | because without it nothing is read |\n",
        &format!("{table}| `D` | `s:B` | c | because without it nothing is read |\n"),
        &table.repeat(2),
    ] {
        assert_eq!(unjustified(&stack, gap).len(), 1, "{gap}");
    }
}
