//! What no committed file may hold: a path of somebody's machine, a registry's host, a word that only its author's
//! workplace understands. Every tracked text file is read, whatever its kind.

use std::path::Path;
use std::process::Command;

use crate::{Finding, none_of};

/// Files that a tool writes and that must name where packages come from.
const EXCUSED: &[(&str, &str)] = &[("Cargo.lock", "cargo writes the index of each crate into it")];

/// A text file as committed.
pub struct Tracked {
    /// From the repository's root.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// Every tracked text file. In a source tree without git, every file outside the folders that git ignores.
pub fn tracked() -> Vec<Tracked> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(root).output();
    let paths: Vec<String> = match listed {
        Ok(output) if output.status.success() && !output.stdout.is_empty() => {
            output.stdout.split(|&byte| byte == 0).map(|path| String::from_utf8_lossy(path).into_owned()).collect()
        }
        _ => {
            let mut paths = Vec::new();
            walk(root, "", &mut paths);
            paths
        }
    };
    let mut files = Vec::new();
    for path in paths.into_iter().filter(|path| !path.is_empty()) {
        let Ok(bytes) = std::fs::read(root.join(&path)) else { continue }; // deleted, not yet committed
        if let Ok(text) = String::from_utf8(bytes)
            && !text.contains('\0')
        {
            files.push(Tracked { path, text });
        }
    }
    assert!(files.len() > 20, "only {} tracked files found: the walk is broken", files.len());
    files
}

fn walk(root: &Path, folder: &str, into: &mut Vec<String>) {
    const IGNORED: &[&str] = &["target", ".git", "models", ".tools", ".venv", "data"];
    const IGNORED_ANYWHERE: &[&str] = &["node_modules", "dist", "test-results"];
    for entry in std::fs::read_dir(root.join(folder)).expect("a folder of ours can be listed").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        match entry.path().is_dir() {
            true if folder.is_empty() && IGNORED.contains(&name.as_str()) => {}
            true if IGNORED_ANYWHERE.contains(&name.as_str()) => {}
            true => walk(root, &path, into),
            false => into.push(path),
        }
    }
}

/// What must not stand in a committed file. Put together here, so that this file does not hold it either.
fn forbidden() -> Vec<(String, &'static str)> {
    let machine = "is a path of one machine";
    let host = "is a registry's host; name the package, the client knows where to find it";
    let mut list: Vec<(String, &'static str)> =
        ["work", "root", "home", "Users", "tmp/brief"].map(|folder| (format!("/{folder}/"), machine)).into();
    list.extend(
        [("pypi", "org"), ("pythonhosted", "org"), ("index.crates", "io"), ("static.crates", "io")]
            .map(|(name, end)| (format!("{name}.{end}"), host)),
    );
    list.extend(
        [("registry.npmjs", "org"), ("deb.debian", "org"), ("proxy.golang", "org")]
            .map(|(name, end)| (format!("{name}.{end}"), host)),
    );
    list.extend(["index", "extra-index"].map(|kind| (format!("--{kind}-url"), host)));
    list
}

fn out_of_place(file: &Tracked) -> Vec<Finding> {
    if EXCUSED.iter().any(|(path, _)| file.path == *path) {
        return Vec::new();
    }
    let forbidden = forbidden();
    let mut findings = Vec::new();
    for (number, line) in file.text.lines().enumerate() {
        let finding = |what: String| Finding { path: file.path.clone(), line: number + 1, what };
        for (text, why) in &forbidden {
            if line.match_indices(text.as_str()).any(|(at, _)| stands_alone(line, at)) {
                findings.push(finding(format!("`{text}` {why}")));
            }
        }
        if ["<".repeat(7), ">".repeat(7)].iter().any(|mark| line.starts_with(mark.as_str())) {
            findings.push(finding("a merge was committed with its conflict".to_owned()));
        }
        if names_an_issue(line) {
            findings.push(finding("an issue's number says nothing to who reads this later; say the reason".to_owned()));
        }
    }
    findings
}

/// Whether a match does not continue a longer path or name: a machine's path begins with its slash.
fn stands_alone(line: &str, at: usize) -> bool {
    let before = line[..at].chars().next_back();
    !line[at..].starts_with('/') || !before.is_some_and(|c| c.is_alphanumeric() || "_-.}/".contains(c))
}

/// Whether a line names an issue by its number.
fn names_an_issue(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    lower.match_indices("issue").any(|(at, word)| {
        let rest = lower[at + word.len()..].trim_start_matches(['s', ' ', '#']);
        lower[at + word.len()..].starts_with([' ', 's', '#']) && rest.starts_with(|c: char| c.is_ascii_digit())
    })
}

#[test]
fn committed_files_hold_nothing_of_one_machine_or_workplace() {
    none_of(
        tracked().iter().flat_map(out_of_place).collect(),
        "say it in words that hold for every reader and every machine; a file that a tool writes is listed in EXCUSED \
         (tests/house/tracked.rs) with the reason",
    );
}

#[test]
#[cfg(unix)]
fn scripts_can_be_run() {
    use std::os::unix::fs::PermissionsExt;

    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let scripts = tracked().into_iter().filter(|file| file.text.starts_with("#!") && !file.path.ends_with(".rs"));
    let not_executable = scripts.filter(|file| {
        let about = std::fs::metadata(root.join(&file.path)).expect("the script was just read");
        about.permissions().mode() & 0o111 == 0
    });
    none_of(
        not_executable
            .map(|file| Finding { path: file.path, line: 0, what: "is a script that cannot be run".to_owned() })
            .collect(),
        "chmod +x, and commit the mode",
    );
}

#[test]
fn planted_paths_hosts_and_numbers_are_found() {
    let found = |line: &str| out_of_place(&Tracked { path: "docs/a.md".to_owned(), text: line.to_owned() }).len();
    for (text, _) in forbidden() {
        assert_eq!(found(&format!("see {text}x for more")), 1, "{text}");
    }
    assert_eq!(found(concat!("see iss", "ue 7")), 1);
    assert_eq!(found(concat!("fixes iss", "ue #7")), 1);
    assert_eq!(found(&format!("{} HEAD", "<".repeat(7))), 1);
    // A directory of such a name within the repository, or below a variable, is no path of a machine.
    let within = forbidden()
        .into_iter()
        .filter(|(text, _)| text.starts_with('/'))
        .flat_map(|(text, _)| [format!("docs{text}a"), format!("${{root}}{text}a")]);
    let harmless = ["an issue of 2", "crates.io only"].map(str::to_owned);
    for harmless in harmless.into_iter().chain(within) {
        assert_eq!(found(&harmless), 0, "{harmless}");
    }
    let lock = Tracked { path: "Cargo.lock".to_owned(), text: forbidden()[0].0.clone() };
    assert!(out_of_place(&lock).is_empty());
}
