//! Tables of inputs and expected outputs in text files.

use std::fs;
use std::path::Path;

const CASE: &str = "==== ";
const OUTPUT: &str = "....";

/// Runs every case of `tests/policy/cases/<file>` and compares the whole table, so that one look shows all differences.
pub fn run(file: &str, produce: impl Fn(&str, &str) -> String) {
    let path = super::repository().join("tests/policy/cases").join(file);
    let table = fs::read_to_string(&path).unwrap();
    let (preamble, cases) = table.split_once(CASE).expect("a table has at least one case");
    let mut produced = preamble.to_owned();
    for case in cases.split(&format!("\n{CASE}")) {
        let (name, body) = case.split_once('\n').expect("a case has a name and an input");
        let input: String = body.lines().take_while(|line| *line != OUTPUT).map(|line| format!("{line}\n")).collect();
        let output = produce(name, &input);
        produced.push_str(&format!("{CASE}{name}\n{input}{OUTPUT}\n{output}\n"));
    }
    let produced = format!("{}\n", produced.trim_end());
    same_as_committed(&path, &produced);
}

/// Compares with a committed file, or writes it if `STREAMWARDEN_REGENERATE` is set.
pub fn same_as_committed(path: &Path, produced: &str) {
    if std::env::var_os("STREAMWARDEN_REGENERATE").is_some() {
        fs::write(path, produced).unwrap();
        return;
    }
    let committed = fs::read_to_string(path).unwrap_or_default();
    let differs = committed.lines().zip(produced.lines()).position(|(old, new)| old != new);
    let at = differs.unwrap_or(committed.lines().count().min(produced.lines().count()));
    let line = |text: &str| text.lines().nth(at).unwrap_or("(ends)").to_owned();
    assert!(
        committed == produced,
        "{} differs at line {}:\n committed: {}\n produced:  {}\nSTREAMWARDEN_REGENERATE=1 writes it anew.",
        path.display(),
        at + 1,
        line(&committed),
        line(produced)
    );
}
