//! What policy files are told: tables of texts and the exact messages they earn.
//!
//! A table is a text file of cases: `==== what the case shows`, the input, `....`, the output. To accept new output run
//! with `STREAMWARDEN_REGENERATE=1` and review the difference as if it were code.

mod command;
mod table;

use std::fmt::Write;
use std::path::Path;

use streamwarden::model::ChannelId;
use streamwarden::policy::check::check;
use streamwarden::policy::{file, import, schema};

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What `check` says of one file; channels after `--channel` in the case's name are given to it.
fn checked(name: &str, text: &str) -> String {
    let channels: Vec<ChannelId> =
        name.split(" --channel ").skip(1).map(|id| ChannelId::new(id.trim()).unwrap()).collect();
    let checked = check(&[("p.yaml", text)], &channels);
    let mut said = String::new();
    for diagnostic in &checked.diagnostics {
        writeln!(said, "{diagnostic}").unwrap();
    }
    for channel in &checked.unwatched {
        writeln!(said, "unwatched: {channel}").unwrap();
    }
    said
}

#[test]
fn every_mistake_is_named_with_its_place_what_was_expected_and_a_hint() {
    table::run("errors.txt", checked);
}

#[test]
fn rules_and_policies_that_can_never_work_are_warned_of() {
    table::run("warnings.txt", checked);
}

#[test]
fn configurations_of_the_sample_are_translated_with_a_note_for_every_change() {
    table::run("import.txt", |_, text| match import::import(text) {
        Ok(imported) => {
            let notes = imported.notes.iter().map(|note| format!("note: {note}\n")).collect::<String>();
            format!("{notes}{}", imported.yaml)
        }
        Err(error) => format!("error: {error}\n"),
    });
}

#[test]
fn what_is_imported_is_accepted_by_check_without_an_error() {
    let sample = std::fs::read_to_string(repository().join("tests/policy/sample-default.json")).unwrap();
    let imported = import::import(&sample).unwrap();
    let checked = check(&[("imported.yaml", &imported.yaml)], &[]);
    assert_eq!(checked.policies.len(), 1);
    assert!(checked.diagnostics.is_empty(), "{:?}", checked.diagnostics);
    let rule = &checked.policies[0].policy.rules[0];
    for label in
        ["Explicit/Explicit Sexual Activity", "Explicit/Sex Toys", "Violence/Weapons", "Drugs & Tobacco/Products"]
    {
        let label = streamwarden::model::LabelPath::new(label).unwrap();
        let label = streamwarden::model::Label(label, streamwarden::model::Confidence::MAX);
        assert!(rule.categories.iter().any(|category| category.holds(&label)), "{label:?} is lost by the translation");
    }
}

#[test]
fn the_policies_that_come_with_the_program_are_without_fault() {
    let texts = ["default.yaml", "demo.yaml"]
        .map(|name| (name, std::fs::read_to_string(repository().join("policies").join(name)).unwrap()));
    let files: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let channels = ["demo/borderline", "demo/rehearsal-weapons", "anything"].map(|id| ChannelId::new(id).unwrap());
    let checked = check(&files, &channels);
    assert!(checked.diagnostics.is_empty(), "{:?}", checked.diagnostics);
    assert!(checked.unwatched.is_empty());
    let set = streamwarden::policy::PolicySet::new(
        checked.policies.into_iter().map(|loaded| std::sync::Arc::new(loaded.policy)).collect(),
    );
    let chosen = channels.map(|channel| set.for_channel(&channel).unwrap().reference.id.to_string());
    assert_eq!(chosen, ["demo", "demo-rehearsal", "default"]);
}

/// The reference states the defaults; a policy that states nothing must come out the same.
#[test]
fn the_defaults_are_those_that_the_reference_file_states() {
    let reference = std::fs::read_to_string(repository().join("policies/default.yaml")).unwrap();
    let stated = file::load("default.yaml", &reference).unwrap().remove(0).policy;
    let bare = "policy: p\nchannels: [c]\ntaxonomy: rekognition/7.0\nrules: [{id: r, categories: [Hate Symbols], confidence: 80}]";
    let silent = file::load("bare.yaml", bare).unwrap().remove(0).policy;
    assert_eq!(silent.sampling, stated.sampling);
    assert_eq!(silent.similarity, stated.similarity);
    let plain = stated.rules.iter().find(|rule| rule.id.as_str() == "hate-symbols").unwrap();
    let bare = &silent.rules[0];
    assert_eq!((bare.window, bare.action, bare.approval), (plain.window, plain.action, plain.approval));
    let weapons = stated.rules.iter().find(|rule| rule.id.as_str() == "weapons").unwrap();
    assert_eq!((bare.cooldown_ms, bare.approval), (weapons.cooldown_ms, weapons.approval));
}

#[test]
fn a_rule_changes_its_revision_with_its_meaning_and_not_with_its_spelling() {
    let rev = |rule: &str| {
        let text = format!("policy: p\nchannels: [c]\ntaxonomy: rekognition/7.0\nrules: [{{id: r, {rule}}}]");
        file::load("p.yaml", &text).unwrap()[0].policy.rules[0].rev
    };
    let first = rev("categories: [Weapons, Explicit], confidence: 80");
    assert_eq!(first, 0x5a8c_518e, "revisions are in journals: they never change for the same rule");
    for same in [
        "categories: [Explicit, Violence/Weapons], confidence: 80.0",
        "categories: [Weapons, Explicit], confidence: 80 %, window: 1 of 1, cooldown: 300s, severity: 3, action: warn",
    ] {
        assert_eq!(rev(same), first, "{same}");
    }
    for other in [
        "categories: [Weapons], confidence: 80",
        "categories: [Weapons, Explicit], confidence: 80.001",
        "categories: [Weapons, Explicit], confidence: 80, window: 1 of 2",
        "categories: [Weapons, Explicit], confidence: 80, action: stop",
        "categories: [Weapons, Explicit], confidence: 80, approval: none",
        "categories: [Weapons, Explicit], confidence: 80, severity: 4",
        "categories: [Weapons, Explicit], confidence: 80, cooldown: 301s",
    ] {
        assert_ne!(rev(other), first, "{other}");
    }
}

#[test]
fn the_committed_schema_is_the_one_of_the_code() {
    let generated = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    table::same_as_committed(&repository().join("schemas/policy.schema.json"), &generated);
}
