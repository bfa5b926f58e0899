//! A power cut, for any program that writes below a directory: a preloaded library notes what the program does to its
//! files and what it syncs, and once the program is killed everything unsynced is taken back, all of it or a random
//! half. Shared by the test programs that let the power go; knows nothing of what is written.

use std::collections::HashMap;
use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::random::Random;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Everything that was not synced is gone.
    All,
    /// Each write that was not synced reached the disk or did not, whatever came after it.
    Half,
}

/// Something that a process did to its files, and how to take it back.
#[derive(Debug)]
enum Op {
    Write { file: u64, at: u64, old: Vec<u8>, new: Vec<u8>, size_before: u64 },
    Truncate { file: u64, to: u64, old: Vec<u8>, size_before: u64 },
    Create { path: PathBuf },
    MakeDir { path: PathBuf },
    RemoveDir { path: PathBuf },
    Unlink { kept: u64, path: PathBuf },
    Rename { kept: u64, from: PathBuf, to: PathBuf },
    Sync { file: u64 },
    SyncDir { path: PathBuf },
}

impl Op {
    fn file(&self) -> Option<u64> {
        match self {
            Self::Write { file, .. } | Self::Truncate { file, .. } => Some(*file),
            _ => None,
        }
    }

    fn name(&self) -> Option<&Path> {
        match self {
            Self::Create { path } | Self::MakeDir { path } | Self::RemoveDir { path } | Self::Unlink { path, .. } => {
                Some(path)
            }
            Self::Rename { to, .. } => Some(to),
            _ => None,
        }
    }
}

/// A directory of which everything unsynced can be taken back, and the process that writes below it.
pub struct Power {
    dir: tempfile::TempDir,
}

impl Power {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("keep")).unwrap();
        fs::create_dir(dir.path().join("disk")).unwrap();
        Self { dir }
    }

    /// What the library watches: everything below it can be lost, the store's own directory too.
    fn disk(&self) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join("disk")
    }

    fn log(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    fn keep(&self) -> PathBuf {
        self.dir.path().join("keep")
    }

    /// A directory that does not exist yet.
    pub fn store(&self) -> PathBuf {
        self.disk().join("store")
    }

    /// Lets the library note what a program does, from its start on.
    pub fn watches(&self, command: &mut Command) {
        command.env("LD_PRELOAD", library()).env("POWERLOSS_ROOT", self.disk());
        command.env("POWERLOSS_LOG", self.log()).env("POWERLOSS_KEEP", self.keep());
    }

    /// Lets the power go: takes back what the program, which has ended, did not sync.
    pub fn cut(&self, mode: Mode, random: &mut Random) {
        let ops = read_log(&fs::read(self.log()).unwrap());
        assert!(!ops.is_empty(), "the library noted nothing");
        roll_back(&self.disk(), &self.keep(), &ops, mode, random);
        fs::remove_file(self.log()).unwrap();
        fs::remove_dir_all(self.keep()).unwrap();
        fs::create_dir(self.keep()).unwrap();
    }
}

/// Compiles the library once.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/power/powerloss.c");
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("powerloss-{}.so", std::process::id()));
        let mut cc = Command::new("cc");
        cc.args(["-O1", "-shared", "-fPIC", "-o"]).arg(&library).arg(source).arg("-ldl");
        assert!(cc.status().expect("a C compiler is needed for this test").success());
        library
    })
}

fn read_log(mut bytes: &[u8]) -> Vec<Op> {
    let mut ops = Vec::new();
    while let Some((op, rest)) = read_op(bytes) {
        ops.push(op);
        bytes = rest;
    }
    ops // the process may have been killed within its last note; what that one announces was not done yet
}

fn read_op(bytes: &[u8]) -> Option<(Op, &[u8])> {
    let (line, rest) = read_line(bytes)?;
    let (kind, words) = line.split_once(' ')?;
    let number = |nth: usize| words.split(' ').nth(nth)?.parse::<u64>().ok();
    let path = || PathBuf::from(words);
    let after_number = || Some(PathBuf::from(words.split_once(' ')?.1));
    match kind {
        "W" => {
            let (length, had) = (number(2)? as usize, number(3)? as usize);
            let (old, rest) = rest.split_at_checked(had)?;
            let (new, rest) = rest.split_at_checked(length)?;
            let (old, new) = (old.to_vec(), new.to_vec());
            Some((Op::Write { file: number(0)?, at: number(1)?, old, new, size_before: number(4)? }, rest))
        }
        "T" => {
            let (old, rest) = rest.split_at_checked(number(2)? as usize)?;
            Some((Op::Truncate { file: number(0)?, to: number(1)?, old: old.to_vec(), size_before: number(3)? }, rest))
        }
        "R" => {
            let (to, rest) = read_line(rest)?;
            Some((Op::Rename { kept: number(0)?, from: after_number()?, to: PathBuf::from(to) }, rest))
        }
        "U" => Some((Op::Unlink { kept: number(0)?, path: after_number()? }, rest)),
        "C" => Some((Op::Create { path: path() }, rest)),
        "M" => Some((Op::MakeDir { path: path() }, rest)),
        "X" => Some((Op::RemoveDir { path: path() }, rest)),
        "S" => Some((Op::Sync { file: number(0)? }, rest)),
        "D" => Some((Op::SyncDir { path: path() }, rest)),
        other => panic!("the library noted {other:?}"),
    }
}

fn read_line(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.iter().position(|&byte| byte == b'\n')?;
    Some((std::str::from_utf8(&bytes[..end]).ok()?, &bytes[end + 1..]))
}

/// Takes back what was not synced.
fn roll_back(root: &Path, keep: &Path, ops: &[Op], mode: Mode, random: &mut Random) {
    let mut synced: HashMap<u64, usize> = HashMap::new();
    let mut dirs: HashMap<&Path, usize> = HashMap::new();
    for (nth, op) in ops.iter().enumerate() {
        match op {
            Op::Sync { file } => drop(synced.insert(*file, nth)),
            Op::SyncDir { path } => drop(dirs.insert(path, nth)),
            _ => {}
        }
    }
    let name_is_safe = |nth: usize, name: &Path| dirs.get(name.parent().unwrap()).is_some_and(|&sync| sync > nth);
    let names: Vec<usize> = (0..ops.len())
        .filter(|&nth| ops[nth].name().is_some_and(|name| name.starts_with(root) && !name_is_safe(nth, name)))
        .collect();
    // a file system writes its names in order: the newest are lost, from some point on
    let lost_from = match mode {
        Mode::All => 0,
        Mode::Half => random.below(names.len() as u64 + 1) as usize,
    };
    let lost = &names[lost_from..];
    for &nth in lost.iter().rev() {
        let now = |path: &Path| {
            let mut path = path.to_owned();
            for (later, op) in ops.iter().enumerate().skip(nth + 1) {
                if let (Op::Rename { from, to, .. }, false) = (op, lost.contains(&later))
                    && let Ok(below) = path.strip_prefix(from)
                {
                    path = if below.as_os_str().is_empty() { to.clone() } else { to.join(below) };
                }
            }
            path
        };
        // what a lost directory held went with it: a failure here is one of those
        let _ = match &ops[nth] {
            Op::Create { path } => fs::remove_file(now(path)),
            Op::MakeDir { path } => fs::remove_dir_all(now(path)),
            Op::RemoveDir { path } => fs::create_dir(now(path)),
            Op::Unlink { kept, path } => fs::hard_link(keep.join(kept.to_string()), now(path)),
            Op::Rename { kept, from, to } => fs::rename(now(to), now(from)).and_then(|()| match kept {
                0 => Ok(()),
                kept => fs::hard_link(keep.join(kept.to_string()), now(to)),
            }),
            _ => Ok(()),
        };
    }
    let mut files = HashMap::new();
    list(root, &mut files);
    let unsynced = |nth: usize, op: &Op| op.file().filter(|file| synced.get(file).is_none_or(|&sync| sync < nth));
    let open = |file: u64| files.get(&file).map(|path| File::options().write(true).open(path).unwrap());
    for (nth, op) in ops.iter().enumerate().rev() {
        let Some(file) = unsynced(nth, op).and_then(open) else { continue };
        let (at, old, size) = match op {
            Op::Write { at, old, size_before, .. } => (*at, old, *size_before),
            Op::Truncate { to, old, size_before, .. } => (*to, old, *size_before),
            _ => continue,
        };
        file.set_len(size).unwrap();
        file.write_all_at(&old[..old.len().min(size.saturating_sub(at) as usize)], at).unwrap();
    }
    if mode == Mode::Half {
        for (nth, op) in ops.iter().enumerate() {
            let Some(file) = unsynced(nth, op).and_then(open) else { continue };
            match (op, random.below(2)) {
                (Op::Write { at, new, .. }, 0) => file.write_all_at(new, *at).unwrap(),
                // the file grew but its new content did not reach the disk: zeros
                (Op::Write { at, new, .. }, _) if random.below(2) == 0 => {
                    let end = at + new.len() as u64;
                    file.set_len(file.metadata().unwrap().len().max(end)).unwrap();
                }
                _ => {}
            }
        }
    }
}

fn list(dir: &Path, files: &mut HashMap<u64, PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => list(&path, files),
            false => drop(files.insert(path.metadata().unwrap().ino(), path)),
        }
    }
}

/// How many cuts a test makes, unless the environment says otherwise.
pub fn rounds(default: u64) -> u64 {
    std::env::var("POWERLOSS_ROUNDS").ok().map_or(default, |rounds| rounds.parse().unwrap())
}
