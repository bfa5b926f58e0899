//! Rust files as the rules see them: comments and literals blanked, test code told from what ships.
//!
//! A scanner, not a parser: it knows comments, strings, characters, attributes and braces, which is all that a rule
//! about words needs. It never changes the length of a line, so that findings point at the right place.

use std::collections::BTreeSet;
use std::path::Path;

/// A Rust file.
#[derive(Debug, Clone)]
pub struct Source {
    /// From the repository's root, with `/`.
    pub path: String,
    /// As it stands.
    pub text: String,
    /// What ships: comments, literals and test-only items blanked.
    pub ships: String,
    /// What runs in tests only: everything else blanked.
    pub tests: String,
}

impl Source {
    /// Takes a file. Under `tests/`, `benches/` and `fuzz/` nothing ships.
    pub fn new(path: &str, text: &str) -> Self {
        let code = blank_comments_and_literals(text);
        let ships = if path.starts_with("src/") { blank_test_items(&code) } else { blank(&code) };
        let tests = difference(&code, &ships);
        Self { path: path.to_owned(), text: text.to_owned(), ships, tests }
    }

    /// Comments and literals blanked.
    pub fn code(&self) -> String {
        blank_comments_and_literals(&self.text)
    }

    /// The room it belongs to: `src/room.rs` or `src/room/…`; none outside `src` and for the two crate roots.
    pub fn room(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("src/")?;
        let first = inside.split('/').next()?;
        let room = first.strip_suffix(".rs").unwrap_or(first);
        (room != "lib" && room != "main").then_some(room)
    }

    /// How many modules lie between the file's own and the crate's root: `src/room.rs` has 1.
    pub fn depth(&self) -> usize {
        let inside = self.path.strip_prefix("src/").unwrap_or(&self.path);
        let parts = inside.split('/').count();
        if inside.ends_with("/mod.rs") { parts - 1 } else { parts }
    }
}

/// Every Rust file of ours.
pub fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    for folder in ["src", "tests", "benches", "examples", "fuzz"] {
        collect(&root.join(folder), &mut paths);
    }
    paths.sort();
    let mut sources: Vec<Source> = paths
        .iter()
        .map(|path| {
            let text = std::fs::read_to_string(path).expect("a Rust file of ours is UTF-8");
            let name = path.strip_prefix(root).expect("the path was found under the root").to_string_lossy();
            Source::new(&name.replace('\\', "/"), &text)
        })
        .collect();
    assert!(sources.len() > 10, "only {} Rust files found: the walk is broken", sources.len());
    let test_only: BTreeSet<String> = sources.iter().flat_map(test_only_modules).collect();
    for source in &mut sources {
        if test_only.iter().any(|module| belongs_to(&source.path, module)) {
            source.tests = source.code();
            source.ships = blank(&source.tests);
        }
    }
    sources
}

fn collect(folder: &Path, into: &mut Vec<std::path::PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return }; // not every folder is there
    for entry in entries {
        let path = entry.expect("a folder of ours can be listed").path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            collect(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// Where each offset lies: its line, from 1.
pub fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset].iter().filter(|&&byte| byte == b'\n').count() + 1
}

/// Offsets at which `word` stands in `text`, not as a part of a longer name.
pub fn find_words<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    text.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        let named = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        let bytes = text.as_bytes();
        let starts = word.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        let ends = word.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let joined_before = starts && at > 0 && named(bytes.get(at - 1));
        let joined_after = ends && named(bytes.get(at + word.len()));
        !joined_before && !joined_after
    })
}

/// The identifier that starts at `offset`, possibly empty.
pub fn identifier_at(text: &str, offset: usize) -> &str {
    let rest = &text[offset..];
    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
    &rest[..end]
}

fn blank(text: &str) -> String {
    blank_range(text.as_bytes().to_vec(), 0, text.len())
}

fn blank_range(mut bytes: Vec<u8>, from: usize, to: usize) -> String {
    erase(&mut bytes, from, to);
    String::from_utf8(bytes).expect("whole characters are replaced by spaces")
}

fn erase(bytes: &mut [u8], from: usize, to: usize) {
    bytes[from..to].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
}

fn difference(code: &str, ships: &str) -> String {
    let bytes =
        code.bytes().zip(ships.bytes()).map(|(all, kept)| if all == b'\n' || kept == b' ' { all } else { b' ' });
    String::from_utf8(bytes.collect()).expect("whole characters are kept or replaced by spaces")
}

/// Comments, strings and characters become spaces.
pub fn blank_comments_and_literals(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = literal_or_comment_end(text, at);
        match end {
            Some(end) => {
                erase(&mut bytes, at, end);
                at = end;
            }
            None => at += 1,
        }
    }
    String::from_utf8(bytes).expect("whole characters are replaced by spaces")
}

/// Where the comment or literal that starts at `at` ends; none if none starts there.
fn literal_or_comment_end(text: &str, at: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let rest = &bytes[at..];
    let after_name = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    if rest.starts_with(b"//") {
        return Some(rest.iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |line| at + line));
    }
    if rest.starts_with(b"/*") {
        return Some(block_comment_end(bytes, at));
    }
    if !after_name && let Some(end) = raw_string_end(text, at) {
        return Some(end);
    }
    match rest[0] {
        b'"' => Some(quoted_end(bytes, at, b'"')),
        b'\'' if rest.get(1) == Some(&b'\\') => Some(quoted_end(bytes, at, b'\'')),
        b'\'' => {
            // A character is closed right after it; a lifetime is not.
            let character = text[at + 1..].chars().next()?;
            let close = at + 1 + character.len_utf8();
            (bytes.get(close) == Some(&b'\'')).then_some(close + 1)
        }
        _ => None,
    }
}

fn block_comment_end(bytes: &[u8], at: usize) -> usize {
    let (mut depth, mut i) = (0, at);
    while i < bytes.len() {
        if bytes[i..].starts_with(b"/*") {
            depth += 1;
            i += 2;
        } else if bytes[i..].starts_with(b"*/") {
            depth -= 1;
            i += 2;
            if depth == 0 {
                return i;
            }
        } else {
            i += 1;
        }
    }
    bytes.len()
}

fn raw_string_end(text: &str, at: usize) -> Option<usize> {
    let rest = &text[at..];
    let body = ["br", "cr", "r"].iter().find_map(|prefix| rest.strip_prefix(prefix))?;
    let hashes = body.bytes().take_while(|&byte| byte == b'#').count();
    let quoted = body[hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let begins = text.len() - quoted.len();
    Some(quoted.find(&close).map_or(text.len(), |end| begins + end + close.len()))
}

fn quoted_end(bytes: &[u8], at: usize, quote: u8) -> usize {
    let mut i = at + 1;
    while i < bytes.len() {
        match bytes[i] {
            b'\\' => i += 2,
            byte if byte == quote => return i + 1,
            _ => i += 1,
        }
    }
    bytes.len()
}

/// Items under `#[cfg(test)]` become spaces. Expects blanked code.
fn blank_test_items(code: &str) -> String {
    let mut bytes = code.as_bytes().to_vec();
    for (from, to) in test_items(code) {
        erase(&mut bytes, from, to);
    }
    String::from_utf8(bytes).expect("whole characters are replaced by spaces")
}

fn test_items(code: &str) -> Vec<(usize, usize)> {
    let mut items = Vec::new();
    let mut from = 0;
    while let Some(found) = ["#[cfg(test)]", "#[cfg(all(test"].iter().filter_map(|mark| code[from..].find(mark)).min() {
        let begins = from + found;
        let mut at = begins;
        while code[at..].trim_start().starts_with("#[") {
            at += code[at..].find("#[").expect("the attribute was just seen");
            at = closing(code, at + 1, b'[', b']');
        }
        let item = code[at..].trim_start();
        let item_at = code.len() - item.len();
        let brace = item.find('{');
        let semicolon = item.find(';');
        let ends = match (brace, semicolon) {
            _ if item.starts_with("use ") => item_at + semicolon.map_or(item.len(), |end| end + 1),
            (Some(brace), Some(semicolon)) if semicolon < brace => item_at + semicolon + 1,
            (Some(brace), _) => closing(code, item_at + brace, b'{', b'}'),
            (None, Some(semicolon)) => item_at + semicolon + 1,
            (None, None) => code.len(),
        };
        items.push((begins, ends));
        from = ends;
    }
    items
}

/// The offset after the bracket that closes the one at `at`.
fn closing(code: &str, at: usize, open: u8, close: u8) -> usize {
    let mut depth = 0;
    for (i, byte) in code.bytes().enumerate().skip(at) {
        if byte == open {
            depth += 1;
        } else if byte == close {
            depth -= 1;
            if depth == 0 {
                return i + 1;
            }
        }
    }
    code.len()
}

/// Paths, without `.rs`, of modules that a file declares for tests only: `#[cfg(test)] mod tests;`.
fn test_only_modules(source: &Source) -> Vec<String> {
    if source.room().is_none() {
        return Vec::new();
    }
    let code = source.code();
    let folder = match source.path.strip_suffix("/mod.rs") {
        Some(folder) => folder.to_owned(),
        None => source.path.trim_end_matches(".rs").to_owned(),
    };
    let declared = |(from, to): (usize, usize)| {
        let item = code[from..to].trim_end().strip_suffix(';')?;
        let (before, name) = item.rsplit_once("mod ")?;
        before.trim_end().ends_with([']', 'b', ')']).then(|| format!("{folder}/{}", name.trim()))
    };
    test_items(&code).into_iter().filter_map(declared).collect()
}

fn belongs_to(path: &str, module: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

#[test]
fn comments_and_literals_are_no_code() {
    let text = "a // b\n/* c /* d */ e */ f(\"g\\\"h\", 'i', '\\'', b\"j\", r#\"k\"l\"#, 'é')\nlet m: &'static str;";
    let code = blank_comments_and_literals(text);
    assert_eq!(code.len(), text.len());
    let words: Vec<&str> = code.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    assert_eq!(words, ["a", "f", "b", "let", "m", "static", "str"]);
}

#[test]
fn test_code_is_told_from_what_ships() {
    let text = "fn ships() { a() }\n#[cfg(test)]\n#[allow(x)]\nmod tests { fn t() { if b { c() } } }\nfn also() { d() }\n\
                #[cfg(test)]\nuse e::{f, g};\nstruct H;\n#[cfg(test)]\nmod only;\n";
    let source = Source::new("src/room/mod.rs", text);
    for kept in ["ships", "also", "d", "H"] {
        assert!(find_words(&source.ships, kept).next().is_some(), "{kept} ships");
        assert!(find_words(&source.tests, kept).next().is_none(), "{kept} is no test");
    }
    for test in ["t", "b", "c", "e", "f"] {
        assert!(find_words(&source.ships, test).next().is_none(), "{test} does not ship");
        assert!(find_words(&source.tests, test).next().is_some(), "{test} is a test");
    }
    assert_eq!(test_only_modules(&source), ["src/room/only"]);
    assert!(belongs_to("src/room/only.rs", "src/room/only") && belongs_to("src/room/only/a.rs", "src/room/only"));
    assert!(!belongs_to("src/room/only_not.rs", "src/room/only"));
}

#[test]
fn a_word_is_not_found_within_another() {
    let found: Vec<usize> = find_words("f32 af32 f32b x::f32", "f32").collect();
    assert_eq!(found, [0, 17]);
}
