//! The files of the pages as they lie in the program, each in every encoding it was built in. Knows no request.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::model::Sha256;

/// The document that every page is.
pub(super) const PAGE: &str = "/index.html";

/// Hexadecimal digits of a tag: 128 bits tell all versions of a file apart that there will ever be.
const TAG_DIGITS: usize = 32;

/// A file as the build wrote it down.
struct Embedded {
    path: &'static str,
    plain: &'static [u8],
    brotli: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
}

/// Written by build.rs; empty in a program that was built without the pages.
static EMBEDDED: &[Embedded] = include!(concat!(env!("OUT_DIR"), "/console.rs"));

/// Files by the path under which they are asked for.
#[derive(Default)]
pub(super) struct Files(BTreeMap<&'static str, File>);

/// A file of the pages.
pub(super) struct File {
    /// Its media type.
    pub(super) media: &'static str,
    /// The smallest first, as it is last.
    encoded: Vec<Encoded>,
}

/// A file in one encoding.
pub(super) struct Encoded {
    /// None: as it is.
    pub(super) encoding: Option<&'static str>,
    pub(super) bytes: &'static [u8],
    /// Names these bytes, between quotes (RFC 9110, section 8.8.3): another encoding is other bytes.
    pub(super) tag: String,
}

impl Files {
    /// Those in this program.
    pub(super) fn embedded() -> &'static Self {
        static FILES: LazyLock<Files> = LazyLock::new(|| Files::of(EMBEDDED));
        &FILES
    }

    fn of(embedded: &[Embedded]) -> Self {
        Self(embedded.iter().map(|file| (file.path, File::of(file))).collect())
    }

    /// The document that every page is, if the pages were built.
    pub(super) fn page(&self) -> Option<&File> {
        self.named(PAGE)
    }

    /// The file of that path.
    pub(super) fn named(&self, path: &str) -> Option<&File> {
        self.0.get(path)
    }

    /// Every path.
    pub(super) fn paths(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }
}

impl File {
    fn of(file: &Embedded) -> Self {
        let encoded = [(Some("br"), file.brotli), (Some("gzip"), file.gzip), (None, Some(file.plain))];
        let encoded =
            encoded.into_iter().filter_map(|(encoding, bytes)| bytes.map(|bytes| Encoded::of(encoding, bytes)));
        Self { media: media(file.path), encoded: encoded.collect() }
    }

    /// The smallest of those that are accepted; as it is, if none is.
    pub(super) fn best(&self, is_accepted: impl Fn(&str) -> bool) -> &Encoded {
        let last = self.encoded.last().expect("every file is there as it is");
        self.encoded.iter().find(|encoded| encoded.encoding.is_some_and(&is_accepted)).unwrap_or(last)
    }
}

impl Encoded {
    fn of(encoding: Option<&'static str>, bytes: &'static [u8]) -> Self {
        let digest = Sha256::of(bytes).to_string();
        Self { encoding, bytes, tag: format!("\"{}\"", &digest[..TAG_DIGITS]) }
    }
}

/// The media type of a file, by the end of its name. What is not known is bytes, which no browser runs or shows.
fn media(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webp" => "image/webp",
        "ico" => "image/vnd.microsoft.icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// Files with and without their twins, for the tests of who answers with them.
#[cfg(test)]
pub(super) fn made_up() -> Files {
    Files::of(&[
        Embedded { path: PAGE, plain: b"<!doctype html>", brotli: Some(b"page in br"), gzip: Some(b"page in gzip") },
        Embedded { path: "/assets/a-B4c_x9Qz.js", plain: b"script", brotli: None, gzip: Some(b"script in gzip") },
        Embedded { path: "/assets/mark.svg", plain: b"<svg/>", brotli: None, gzip: None },
        Embedded { path: "/icon.svg", plain: b"<svg/>", brotli: None, gzip: None },
    ])
}
