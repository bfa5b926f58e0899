//! The templates, as CloudFormation's own linter reads them, and what no linter knows: what must be so for a journal
//! with one writer, and for notifications that must not get lost.

use std::process::Command;

use serde_json::Value;

use crate::{none_of, path, text};

/// Every template.
const TEMPLATES: [&str; 2] = ["ops/aws/template.yaml", "ops/aws/channel.yaml"];
/// The stack.
pub const STACK: &str = TEMPLATES[0];

/// A template as data. CloudFormation's short forms lose their tags: `!Sub "a"` is `"a"`, `!If [C, a, b]` is a list.
pub fn read(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("the template is not YAML: {error}"))
}

/// What cfn-lint says of a template; nothing if it is sound.
fn linted(template: &str) -> String {
    let linter = path(".tools/cfn-lint/bin/cfn-lint");
    assert!(linter.exists(), "cfn-lint is not there; `scripts/tools.sh templates` installs it");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("template.yaml");
    std::fs::write(&file, template).unwrap();
    let called = Command::new(linter).arg("--format").arg("parseable").arg("--template").arg(file).output().unwrap();
    let said = String::from_utf8_lossy(&called.stdout).into_owned() + &String::from_utf8_lossy(&called.stderr);
    assert_eq!(called.status.success(), said.is_empty(), "cfn-lint ended with {}: {said}", called.status);
    said
}

#[test]
fn the_templates_are_sound_to_the_linter() {
    for template in TEMPLATES {
        let said = linted(&text(template));
        assert!(said.is_empty(), "{template}:\n{said}");
    }
}

#[test]
fn planted_mistakes_are_found_by_the_linter() {
    let mut stack = text(STACK);
    for (sound, mistake) in [
        ("StreamMode: PROVISIONED", "StreamMode: PROVISONED"), // a value that is none
        ("RetentionDays: !Ref DecisionsKeptDays", "RetentionDays: soon"), // another type
        ("ThroughputMode: elastic", "ThroughputMod: elastic"), // a property that is none
        ("!GetAtt FramesDeadLetters.QueueName", "!GetAtt FramesDeadLetters.Name"), // an attribute that is none
        ("StopTimeout: 90", "StopTimeout: ninety"),
    ] {
        assert!(stack.contains(sound), "{sound} is no longer in the template: plant another mistake");
        stack = stack.replacen(sound, mistake, 1);
    }
    let said = linted(&stack);
    let lines: std::collections::BTreeSet<&str> = said.lines().filter_map(|line| line.split(':').nth(1)).collect();
    assert!(lines.len() >= 5, "5 mistakes were planted, found on the lines {lines:?}:\n{said}");
}

/// What must hold of the stack and no linter knows, each with what is found otherwise.
fn promises(stack: &Value) -> Vec<String> {
    let resources = stack["Resources"].as_object().expect("a template has resources");
    let of_type = |kind: &'static str| resources.iter().filter(move |(_, resource)| resource["Type"] == kind);
    let mut broken = Vec::new();
    let mut holds = |so: bool, what: &str| {
        if !so {
            broken.push(what.to_owned());
        }
    };

    let properties = |name: &str| &stack["Resources"][name]["Properties"];
    let service = properties("Service");
    holds(service["DesiredCount"] == 1, "one task: a journal has one writer");
    let deployment = &service["DeploymentConfiguration"];
    holds(deployment["MaximumPercent"] == 100, "a new task starts when the old one has ended, never beside it");
    holds(deployment["MinimumHealthyPercent"] == 0, "the old task may end before the new one runs");
    holds(resources["Journal"]["DeletionPolicy"] == "Retain", "the journal outlives the stack");
    holds(properties("Journal")["Encrypted"] == true, "the journal is encrypted where it lies");

    let task = properties("Task");
    let container = &task["ContainerDefinitions"][0];
    holds(container["ReadonlyRootFilesystem"] == true, "the container's root is read-only");
    holds(container["User"] == "10001:10001", "the container does not run as root, and as the journal's owner");
    holds(container["LinuxParameters"]["Capabilities"]["Drop"][0] == "ALL", "the container has no capabilities");
    holds(container["HealthCheck"]["Command"][2] == "alive", "the container is asked whether it lives");
    let volume = &task["Volumes"][0]["EFSVolumeConfiguration"];
    holds(volume["TransitEncryption"] == "ENABLED", "the journal is encrypted on its way");

    let stream = properties("Notifications");
    holds(stream["StreamEncryption"]["EncryptionType"] == "KMS", "notifications are encrypted");
    for (name, rule) in of_type("AWS::Events::Rule") {
        for target in rule["Properties"]["Targets"].as_array().into_iter().flatten() {
            if target["Arn"] == "Notifications.Arn" {
                holds(target["DeadLetterConfig"]["Arn"].is_string(), &format!("{name}: what is not delivered is kept"));
                holds(target["RoleArn"] == "NotifierRole.Arn", &format!("{name}: the stream is written by its role"));
            }
        }
    }
    let sessions = &properties("SessionsRule")["Targets"][0]["KinesisParameters"];
    holds(sessions["PartitionKeyPath"] == "$.resources[0]", "a channel's broadcasts come over one shard");

    for (name, queue) in of_type("AWS::SQS::Queue") {
        let sealed = queue["Properties"]["KmsMasterKeyId"] == "DeadLetterKey.Arn";
        holds(sealed, &format!("{name}: under a key of ours, EventBridge cannot write under SQS's own"));
        holds(queue["Properties"]["FifoQueue"].is_null(), &format!("{name}: dead letters go to standard queues only"));
    }
    for (name, alarm) in of_type("AWS::CloudWatch::Alarm") {
        let properties = &alarm["Properties"];
        holds(properties["AlarmActions"][0] == "Alarms", &format!("{name}: somebody is told"));
        holds(properties["TreatMissingData"].is_string(), &format!("{name}: says what no figure means"));
    }
    for needed in [
        "NotificationsOldAlarm",
        "FramesUndeliveredAlarm",
        "SessionsUndeliveredAlarm",
        "TaskDownAlarm",
        "ChannelsUnwatchedAlarm",
    ] {
        holds(resources.contains_key(needed), &format!("{needed} is missing"));
    }
    broken
}

#[test]
fn the_stack_keeps_its_promises() {
    none_of(promises(&read(&text(STACK))));
}

#[test]
fn broken_promises_are_found() {
    let stack = text(STACK);
    for (kept, broken) in [
        ("DesiredCount: 1", "DesiredCount: 2"),
        ("MaximumPercent: 100", "MaximumPercent: 200"),
        ("ReadonlyRootFilesystem: true", "ReadonlyRootFilesystem: false"),
        ("Drop: [ALL]", "Drop: [NET_RAW]"),
        ("DeadLetterConfig: { Arn: !GetAtt SessionsDeadLetters.Arn }", "Id2: x"),
        ("KmsMasterKeyId: !GetAtt DeadLetterKey.Arn", "SqsManagedSseEnabled: true"),
        ("TreatMissingData: breaching", "Unit: None"),
        ("PartitionKeyPath: \"$.resources[0]\"", "PartitionKeyPath: $.id"),
    ] {
        assert!(stack.contains(kept), "{kept} is no longer in the template");
        let found = promises(&read(&stack.replacen(kept, broken, 1)));
        assert_eq!(found.len(), 1, "{broken}: {found:?}");
    }
}

#[test]
fn each_alarm_leads_into_the_runbook() {
    let runbook = text("docs/runbook.md");
    let stack = read(&text(STACK));
    let mut findings = Vec::new();
    for (name, resource) in stack["Resources"].as_object().unwrap() {
        if resource["Type"] == "AWS::CloudWatch::Alarm" {
            let description = resource["Properties"]["AlarmDescription"].as_str().unwrap_or_default();
            match description.split_once(": runbook, ") {
                Some((_, anchor)) if runbook.lines().any(|line| line == format!("## {anchor}")) => {}
                _ => findings.push(format!("{name}: {description:?} names no section of docs/runbook.md")),
            }
        }
    }
    none_of(findings);
}
