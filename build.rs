//! Puts the moderators' pages, as `make web` left them in `web/dist`, into the program: writes a table of the files, each
//! with its compressed twins. Without the pages the program builds all the same, and says so where they would be; so
//! nobody who works on the Rust code needs Node.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Where the pages are built.
const BUILT: &str = "web/dist";

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where the package is"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo says where to write"));
    let built = root.join(BUILT);
    // Cargo takes a path that is not there for one that changes all the time, and would build everything at every turn.
    // An empty folder stands still until something is put into it. A tree that cannot be written is built as it is.
    let _ = fs::create_dir_all(&built);
    println!("cargo:rerun-if-changed={BUILT}");
    println!("cargo:rerun-if-changed=build.rs");

    let mut files = Vec::new();
    // A folder without the page itself is one that a build was cut off in.
    if built.join("index.html").is_file() {
        collect(&built, &mut files)?;
    }
    files.sort();
    let mut table = String::from("&[\n");
    for file in files.iter().filter(|file| !is_twin(file)) {
        let path = file.strip_prefix(&built).expect("found under it").to_str().expect("names of files are ASCII");
        let twin = |ending: &str| match PathBuf::from(format!("{}.{ending}", file.display())) {
            twin if twin.is_file() => format!("Some(include_bytes!({twin:?}))"),
            _ => "None".to_owned(),
        };
        let (brotli, gzip) = (twin("br"), twin("gz"));
        let line =
            format!("path: {:?}, plain: include_bytes!({file:?}), brotli: {brotli}, gzip: {gzip}", format!("/{path}"));
        writeln!(table, "    Embedded {{ {line} }},").expect("a String takes all that is written");
    }
    table.push_str("]\n");
    fs::write(out.join("console.rs"), table)
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => collect(&path, into)?,
            false => into.push(path),
        }
    }
    Ok(())
}

/// Whether a file is another one, compressed: it stands in the table beside that one.
fn is_twin(file: &Path) -> bool {
    let compressed = file.extension().is_some_and(|ending| ending == "br" || ending == "gz");
    compressed && file.with_extension("").is_file()
}
