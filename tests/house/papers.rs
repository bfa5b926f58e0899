//! What the papers promise must be there: links, commands, rooms, invariants, decisions.

use std::path::{Component, Path, PathBuf};

use crate::tracked::{Tracked, tracked};
use crate::{Finding, none_of};

/// Links of a Markdown file, as written, with their lines. Those that lead out of the repository are left out.
fn inner_links(file: &Tracked) -> Vec<(usize, String)> {
    let mut links = Vec::new();
    for (number, line) in file.text.lines().enumerate() {
        for (at, open) in line.match_indices("](") {
            let target = line[at + open.len()..].split([')', ' ']).next().unwrap_or_default();
            let path = target.split('#').next().unwrap_or_default();
            let outward = target.contains("://") || target.starts_with("mailto:");
            if !outward && !path.is_empty() {
                links.push((number + 1, path.to_owned()));
            }
        }
    }
    links
}

/// Links that lead nowhere, where `exists` says which paths from the repository's root are there.
fn dead_links(file: &Tracked, exists: impl Fn(&Path) -> bool) -> Vec<Finding> {
    let folder = Path::new(&file.path).parent().unwrap_or(Path::new(""));
    let dead = inner_links(file).into_iter().filter(|(_, link)| !exists(&normal(&folder.join(link))));
    dead.map(|(line, link)| Finding { path: file.path.clone(), line, what: format!("{link} is not there") }).collect()
}

fn normal(path: &Path) -> PathBuf {
    let mut parts = Vec::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(parts.pop()),
            Component::Normal(name) => parts.push(name),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    parts.iter().collect()
}

/// Commands `make x` that a paper names and the Makefile does not have.
fn unknown_targets(file: &Tracked, makefile: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in file.text.lines().enumerate() {
        for (at, word) in line.match_indices("`make ") {
            let target: String =
                line[at + word.len()..].chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect();
            let known =
                makefile.lines().any(|rule| rule.strip_prefix(&target).is_some_and(|rest| rest.starts_with(':')));
            if !known {
                let what = format!("`make {target}` is no target of the Makefile");
                findings.push(Finding { path: file.path.clone(), line: number + 1, what });
            }
        }
    }
    findings
}

/// Tests that the table of faults names and `read` does not find: `tests/` stands before the file, which has the test.
fn tests_not_there(file: &Tracked, read: impl Fn(&str) -> Option<String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in file.text.lines().enumerate() {
        let rows = line.split('`').filter_map(|named| named.split_once(".rs: "));
        for (path, test) in rows {
            let path = format!("tests/{path}.rs");
            let is_there = read(&path).is_some_and(|text| is_test_of(&text, test));
            if !is_there {
                let what = format!("{path} has no test {test}");
                findings.push(Finding { path: file.path.clone(), line: number + 1, what });
            }
        }
    }
    findings
}

/// Whether a source has a function of that name right under an attribute that makes it a test.
fn is_test_of(source: &str, name: &str) -> bool {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    lines.windows(2).any(|pair| {
        let called = pair[1].trim_start_matches("async ").strip_prefix("fn ");
        pair[0].starts_with("#[") && pair[0].ends_with("test]") && called == Some(&format!("{name}() {{"))
    })
}

/// Rooms that `lib.rs` has and ARCHITECTURE.md gives no line.
fn rooms_off_the_map(lib: &str, map: &str) -> Vec<Finding> {
    let rooms = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    rooms
        .filter(|room| !map.contains(&format!("`{room}`")))
        .map(|room| Finding { path: "ARCHITECTURE.md".to_owned(), line: 0, what: format!("has no line for `{room}`") })
        .collect()
}

/// Invariants without a row in ARCHITECTURE.md's table.
fn invariants_off_the_table(map: &str) -> Vec<Finding> {
    let missing = (1..=11).filter(|number| !map.contains(&format!("\n| I{number} ")));
    missing
        .map(|number| Finding {
            path: "ARCHITECTURE.md".to_owned(),
            line: 0,
            what: format!("has no row for I{number}"),
        })
        .collect()
}

fn markdown() -> Vec<Tracked> {
    tracked().into_iter().filter(|file| file.path.ends_with(".md")).collect()
}

fn text(path: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{path} cannot be read: {error}"))
}

#[test]
fn links_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    none_of(
        markdown().iter().flat_map(|file| dead_links(file, |path| root.join(path).exists())).collect(),
        "mend the link, or take it out with the promise it makes",
    );
}

#[test]
fn commands_in_the_papers_exist() {
    let makefile = text("Makefile");
    none_of(
        markdown().iter().flat_map(|file| unknown_targets(file, &makefile)).collect(),
        "name a target of the Makefile, or add it there",
    );
}

#[test]
fn every_room_is_on_the_map() {
    none_of(
        rooms_off_the_map(&text("src/lib.rs"), &text("ARCHITECTURE.md")),
        "give the room its line: its job, and what it must not know",
    );
}

#[test]
fn every_invariant_says_where_it_is_defined_and_checked() {
    none_of(invariants_off_the_table(&text("ARCHITECTURE.md")), "add the row");
}

#[test]
fn every_decision_is_listed_and_has_its_parts() {
    let map = text("ARCHITECTURE.md");
    let mut findings = Vec::new();
    for file in markdown().iter().filter(|file| file.path.starts_with("docs/adr/")) {
        let finding = |what: String| Finding { path: file.path.clone(), line: 0, what };
        if !map.contains(&file.path) {
            findings.push(finding("is not linked from ARCHITECTURE.md".to_owned()));
        }
        let parts = ["\n## Context\n", "\n## Decision\n", "\n## What was rejected\n", "\n## Consequences\n"];
        let missing = parts.into_iter().filter(|part| !file.text.contains(part));
        findings.extend(missing.map(|part| finding(format!("has no part {:?}", part.trim()))));
    }
    none_of(findings, "a decision without its reason and its price will be taken again by the next reader");
}

#[test]
fn every_fault_on_the_way_to_aws_names_a_test_that_is_there() {
    let table = Tracked { path: "docs/aws-faults.md".to_owned(), text: text("docs/aws-faults.md") };
    assert!(table.text.matches(".rs: ").count() > 30, "the table names its tests");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    none_of(
        tests_not_there(&table, |path| std::fs::read_to_string(root.join(path)).ok()),
        "name the test that shows it, or take out the row that nothing shows",
    );
}

#[test]
fn planted_gaps_are_found() {
    let file = |text: &str| Tracked { path: "docs/a.md".to_owned(), text: text.to_owned() };
    let there = "#[actix_rt::test]\nasync fn there() {\n}\nfn helper() {\n}\n";
    let read = |path: &str| (path == "tests/a/b.rs").then(|| there.to_owned());
    let rows = file("| x | `a/b.rs: there` |\n| x | `a/b.rs: helper` |\n| x | `a/c.rs: there` |\n");
    let lines: Vec<usize> = tests_not_there(&rows, read).iter().map(|finding| finding.line).collect();
    assert_eq!(lines, [2, 3]);
    let there = |path: &Path| path == Path::new("src/lib.rs") || path == Path::new("docs/b.md");
    assert!(dead_links(&file("[a](../src/lib.rs) [b](b.md#part) [c](https://c.d/e) [f](#g)"), there).is_empty());
    assert_eq!(dead_links(&file("[a](../src/lob.rs), [b](b.md)\n[c](c.md)"), there).len(), 2);

    let makefile = "test: ## all\n\tcargo test\n";
    assert!(unknown_targets(&file("`make test`, `make test FILTER=a`"), makefile).is_empty());
    assert_eq!(unknown_targets(&file("run `make tests`"), makefile).len(), 1);

    assert!(rooms_off_the_map("//! a\npub mod a;\nmod b;\n", "the room `a`").is_empty());
    assert_eq!(rooms_off_the_map("pub mod a;\npub mod c;\n", "the room `a`").len(), 1);

    let table: String = (1..=10).map(|number| format!("\n| I{number} | … |")).collect();
    assert_eq!(invariants_off_the_table(&table).len(), 1);
}
