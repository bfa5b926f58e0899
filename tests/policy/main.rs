//! What policy files are told: tables of texts and the exact messages they earn.
//!
//! A table is a text file of cases: `==== what the case shows`, the input, `....`, the output. To accept new output run
//! with `STREAMWARDEN_REGENERATE=1` and review the difference as if it were code.

#![allow(clippy::unwrap_used)] // a test that cannot go on panics

mod command;
mod sample;
mod table;

use std::fmt::Write;
use std::path::Path;

use proptest::prelude::{ProptestConfig, prop_assert, prop_assert_eq, proptest};
use streamwarden::config::Judge;
use streamwarden::model::{ChannelId, Confidence, Label, LabelPath, ProviderRef};
use streamwarden::policy::check::check;
use streamwarden::policy::diagnostic::Severity;
use streamwarden::policy::explain::{WindowProgress, explain};
use streamwarden::policy::mapping::Mapping;
use streamwarden::policy::taxonomy::Taxonomy;
use streamwarden::policy::{Category, Sampling, file, hits, import, schema};

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

/// Every judge that a configuration can name, by the name that policies call it. Exhaustive, so that a new one is checked.
fn judges() -> Vec<(Judge, &'static str)> {
    let name = |judge| match judge {
        Judge::Local => "local",
        Judge::Rekognition => "rekognition",
        Judge::Hive => "hive",
        Judge::HiveSpeech => "hive-speech",
        Judge::HiveDashboard => "hive-dashboard",
    };
    let all = [Judge::Local, Judge::Rekognition, Judge::Hive, Judge::HiveSpeech, Judge::HiveDashboard];
    all.map(|judge| (judge, name(judge))).into()
}

#[test]
fn every_judge_that_a_configuration_can_name_is_known_to_a_policys_check() {
    for (judge, name) in judges() {
        assert_eq!(serde_json::to_value(judge).unwrap(), name, "a configuration names it so");
        assert!(Taxonomy::answered_by(name).is_some(), "{name} answers in a taxonomy that is known");
        let said = |name: &str| {
            let policy = format!(
                "policy: p\nchannels: [c]\ntaxonomy: hive-visual/1\njudged_by: {name}\n\
                 sound: {{ every: 30s, judged_by: {name} }}\n\
                 rules:\n- {{ id: r, categories: [violence], confidence: 80 }}\n"
            );
            checked("", &policy).lines().filter(|line| line.contains("no provider calls itself")).count()
        };
        assert_eq!((said(name), said(&format!("{name}-other"))), (0, 2), "{name}");
    }
}

/// Explains one rule, given as it stands in a file, on labels of `path = percent`; `hits = n` is its window's progress,
/// `answered by = hive` another provider than Rekognition.
fn explained(_: &str, text: &str) -> String {
    let (rule, facts) = text.split_once('\n').unwrap();
    let mut provider = "rekognition";
    let policy = format!("policy: p\nchannels: [c]\ntaxonomy: rekognition/7.0\nrules: [{{id: r, {rule}}}]");
    let policy = file::load("p.yaml", &policy).unwrap().remove(0).policy;
    let mut labels = Vec::new();
    let mut progress = Vec::new();
    for (name, value) in facts.lines().map(|line| line.split_once(" = ").unwrap()) {
        if name == "hits" {
            let rule = policy.rules[0].id.clone();
            progress.push(WindowProgress { rule, hits: value.parse().unwrap(), agrees: false });
        } else if name == "answered by" {
            provider = value;
        } else {
            let confidence = Confidence::from_percent(value.parse().unwrap()).unwrap();
            labels.push(Label(LabelPath::new(name).unwrap(), confidence));
        }
    }
    let taxonomy = Taxonomy::answered_by(provider).unwrap().name().into();
    let provider = ProviderRef { name: provider.into(), model: "1".into(), taxonomy };
    explain(&policy, &provider, &labels, &progress).iter().map(|rule| format!("{rule}\n")).collect()
}

#[test]
fn each_rule_says_how_far_it_came_and_what_would_have_changed_it() {
    table::run("explain.txt", explained);
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
        let label = Label(LabelPath::new(label).unwrap(), Confidence::MAX);
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
    let local = std::fs::read_to_string(repository().join("policies/local.yaml")).unwrap();
    let checked = check(&[("local.yaml", local.as_str())], &[ChannelId::new("anything").unwrap()]);
    assert!(checked.diagnostics.is_empty() && checked.unwatched.is_empty(), "{:?}", checked.diagnostics);
}

/// The reference states the defaults; a policy that states nothing must come out the same.
#[test]
fn the_defaults_are_those_that_the_reference_file_states() {
    let reference = std::fs::read_to_string(repository().join("policies/default.yaml")).unwrap();
    let stated = file::load("default.yaml", &reference).unwrap().remove(0).policy;
    let bare = "policy: p\nchannels: [c]\ntaxonomy: rekognition/7.0\n\
                rules: [{id: r, categories: [Hate Symbols], confidence: 80}]";
    let silent = file::load("bare.yaml", bare).unwrap().remove(0).policy;
    assert_eq!(silent.sampling.closest(), stated.sampling.closest());
    let beside_tolerance = |sampling: Sampling| Sampling { tolerance_ms: None, ..sampling };
    assert_eq!(beside_tolerance(silent.sampling), beside_tolerance(stated.sampling));
    assert_eq!((silent.reputation, stated.reputation), (None, None));
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
        "taxonomy: rekognition/7.0, categories: [Weapons, Explicit], confidence: 80",
    ] {
        assert_ne!(rev(other), first, "{other}");
    }
}

#[test]
fn a_rules_taxonomy_is_part_of_its_meaning_and_the_scale_of_its_threshold_is_not() {
    let rev = |rule: &str| {
        let text = format!("policy: p\nchannels: [c]\ntaxonomy: hive-visual/1\nrules: [{{id: r, {rule}}}]");
        file::load("p.yaml", &text).unwrap()[0].policy.rules[0].rev
    };
    assert_eq!(rev("categories: [gun], confidence: 90"), rev("categories: [violence/gun], score: 0.9"));
    let own = |taxonomy: &str| rev(&format!("taxonomy: {taxonomy}, categories: [\"*\"], confidence: 90"));
    let each = [rev("categories: [\"*\"], confidence: 90"), own("hive-visual/1"), own("rekognition/7.0")];
    assert!(each[0] != each[1] && each[0] != each[2] && each[1] != each[2], "{each:?}");
}

#[test]
fn what_is_larger_than_a_policy_can_be_is_refused() {
    let with = |rules: &str| format!("policy: p\nchannels: [c]\ntaxonomy: rekognition/7.0\nrules:\n{rules}");
    let rules = |count: usize| -> String {
        (0..count).map(|id| format!("- {{id: r{id}, categories: [Weapons], confidence: 80}}\n")).collect()
    };
    let categories = |count: usize| format!("- {{id: r, categories: [{}], confidence: 80}}", "Weapons, ".repeat(count));
    let refused = |text: &str, what: &str| {
        file::load("p.yaml", text).is_err_and(|error| error.0.iter().any(|said| said.what == what))
    };
    assert!(file::load("p.yaml", &with(&rules(200))).is_ok());
    assert!(refused(&with(&rules(201)), "there are 201 rules"));
    assert!(file::load("p.yaml", &with(&categories(64))).is_ok());
    assert!(refused(&with(&categories(65)), "there are 65 categories"));
    assert!(refused(&"#".repeat((1 << 20) + 1), "the file has 1048577 bytes"));
    assert!(refused(&"policy: p\n---\n".repeat(201), "the file holds too many policies"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Whatever is answered: a label of any taxonomy, or one that a newer model adds below it, reads the same each time, as
    /// labels of the other taxonomy only; and it hits a rule on what it stands for, from the threshold on.
    #[test]
    fn what_a_label_reads_as_is_stable_and_within_the_other_taxonomy(
        mapping in 0..Mapping::all().len(), label in 0_usize..1000, newer in "[a-z]{0,6}", milli in 0_u32..=100_000,
    ) {
        let mapping = &Mapping::all()[mapping];
        let [from, to] = <[_; 2]>::from(mapping.ends()).map(|name| Taxonomy::named(name).unwrap());
        let known: Vec<&LabelPath> = from.answerable().map(|label| &label.path).collect();
        let mut path = known[label % known.len()].clone();
        if !newer.is_empty() {
            path = LabelPath::new(format!("{path}/{newer}")).unwrap();
        }
        let read = mapping.read(&path);
        prop_assert_eq!(read, mapping.read(&path.clone()));
        let labels = [Label(path, Confidence::from_milli(milli).unwrap())];
        let text = format!(
            "policy: p\nchannels: [c]\ntaxonomy: {}\nrules: [{{id: r, categories: [\"*\"], confidence: 50}}]",
            to.name()
        );
        let mut policy = file::load("p.yaml", &text).unwrap().remove(0).policy;
        for category in to.labels() {
            policy.rules[0].categories = vec![Category::Within(category.path.clone())];
            let stands_for_it = read.iter().any(|read| read.is_within(&category.path));
            let hit = !hits(&policy, from.name(), &labels).is_empty();
            prop_assert_eq!(hit, stands_for_it && milli >= 50_000, "{}", category.path);
        }
        prop_assert!(read.iter().all(|path| to.get(path).is_some()), "{read:?}");
    }

    /// Whatever is done to a file: no panic, and every error has its place in the file, what was expected and a hint.
    #[test]
    fn a_damaged_file_earns_whole_messages_and_no_panic(
        at in 0_usize..4000, removed in 0_usize..40, put in "[-a-z0-9:,{}\\[\\]*&!|>'\"# \n\t%@é]{0,12}",
    ) {
        let whole = include_str!("../../policies/demo.yaml");
        let mut text: Vec<char> = whole.chars().collect();
        let from = at % text.len();
        text.splice(from..(from + removed).min(text.len()), put.chars());
        let text: String = text.into_iter().collect();
        let lines = text.lines().count() as u32 + 1; // an error may stand just behind the end
        for said in check(&[("p.yaml", &text)], &[]).diagnostics {
            prop_assert!((1..=lines).contains(&said.at.line) && said.at.column >= 1, "{said}");
            let whole = said.expected.is_some() && said.hint.is_some();
            prop_assert!(said.severity != Severity::Error || whole, "{said}");
        }
    }
}

#[test]
fn the_committed_schema_is_the_one_of_the_code() {
    let generated = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    table::same_as_committed(&repository().join("schemas/policy.schema.json"), &generated);
}
