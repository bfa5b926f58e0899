//! The rehearsal provider: its answers are written into the demo footage's own files. It never looks at a pixel.
//!
//! Stops and most categories cannot be shown with the local model, which knows one category, and pictures that would
//! trip a real provider have no place in a repository. So the demo rehearses them: a JPEG comment in some of the
//! bundled frames says what a provider would have said, in the label names of Rekognition's moderation model 7.0.
//!
//! It cannot be chosen outside the demo. It has no name in any configuration; it is made from the bundled footage alone
//! (`Footage::rehearsal`), knows those pictures by their digests, and refuses every other picture, whatever its comment
//! says.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Answer, Assessing, Provider, ProviderError};
use crate::model::{Confidence, Label, LabelPath, ProviderRef, Sha256};

/// How a comment that holds labels begins.
const PREFIX: &str = "streamwarden-rehearsal:";
/// What stands for "no label". A missing comment does not: forgetting one must not look clear.
const NO_LABELS: &str = "none";
/// The most labels one comment may hold; Rekognition gives a handful.
const LABELS_MAX: usize = 32;

/// Answers what is written into the demo's pictures.
pub struct Rehearsal {
    pictures: HashSet<Sha256>,
}

impl Rehearsal {
    /// For the pictures with these digests and no others. Only the bundled footage may call this.
    pub(crate) fn of_bundled_pictures(pictures: HashSet<Sha256>) -> Self {
        Self { pictures }
    }

    fn labels(&self, image: &[u8]) -> Result<Vec<Label>, ProviderError> {
        if !self.pictures.contains(&Sha256::of(image)) {
            return Err(refused("the picture is not part of the bundled rehearsal footage"));
        }
        let comment = jpeg_comments(image)
            .find_map(|comment| std::str::from_utf8(comment).ok()?.strip_prefix(PREFIX))
            .ok_or_else(|| refused(&format!("the picture has no comment that begins with '{PREFIX}'")))?;
        labels_in(comment).map_err(|wrong| refused(&format!("the comment's {wrong}")))
    }
}

impl Provider for Rehearsal {
    fn reference(&self) -> ProviderRef {
        ProviderRef {
            name: "rehearsal".into(),
            model: "labels written into the footage".into(),
            taxonomy: "rekognition/7.0".into(),
        }
    }

    fn assess(&self, image: Arc<[u8]>) -> Assessing<'_> {
        // A digest of a few kilobytes: not worth a thread of its own.
        Box::pin(async move { Ok(Answer::of(self.reference(), self.labels(&image)?)) })
    }
}

/// Reads `path=percent; path=percent …` or `none`.
fn labels_in(comment: &str) -> Result<Vec<Label>, String> {
    let comment = comment.trim();
    if comment == NO_LABELS {
        return Ok(Vec::new());
    }
    let entries: Vec<&str> = comment.split(';').collect();
    if entries.len() > LABELS_MAX {
        return Err(format!("{} labels are more than {LABELS_MAX}", entries.len()));
    }
    let mut labels = entries.into_iter().map(label_in).collect::<Result<Vec<_>, _>>()?;
    labels.sort_by(|a, b| b.confidence().cmp(&a.confidence()).then_with(|| a.path().cmp(b.path())));
    Ok(labels)
}

fn label_in(entry: &str) -> Result<Label, String> {
    let (path, percent) = entry.split_once('=').ok_or_else(|| format!("entry {entry:?} is not 'path=percent'"))?;
    let path = LabelPath::new(path.trim()).map_err(|error| format!("entry {entry:?}: {error}"))?;
    let percent: f64 = percent.trim().parse().map_err(|error| format!("entry {entry:?}: {error}"))?;
    let confidence = Confidence::from_percent(percent).map_err(|error| format!("entry {entry:?}: {error}"))?;
    Ok(Label(path, confidence))
}

/// The contents of a JPEG's comment segments, in order, up to the first scan. Ends early where the file is no JPEG.
fn jpeg_comments(file: &[u8]) -> impl Iterator<Item = &[u8]> {
    const COMMENT: u8 = 0xfe;
    const START_OF_SCAN: u8 = 0xda;

    // Each segment is marker, length, content; the length counts itself. Every step consumes at least four bytes.
    let mut rest = file.strip_prefix(&[0xff, 0xd8]).unwrap_or_default();
    let segments = std::iter::from_fn(move || {
        let (&[0xff, kind, high, low], _) = rest.split_first_chunk()? else { return None };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let content = rest.get(4..2 + length)?;
        rest = &rest[2 + length..];
        Some((kind, content))
    });
    segments
        .take_while(|(kind, _)| *kind != START_OF_SCAN)
        .filter(|(kind, _)| *kind == COMMENT)
        .map(|(_, content)| content)
}

fn refused(why: &str) -> ProviderError {
    ProviderError::Refused(format!("rehearsal: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A JPEG's beginning, as far as the rehearsal reads it.
    fn jpeg(comment: Option<&str>) -> Vec<u8> {
        let mut file = vec![0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2];
        if let Some(comment) = comment {
            file.extend([0xff, 0xfe]);
            file.extend((comment.len() as u16 + 2).to_be_bytes());
            file.extend(comment.as_bytes());
        }
        file.extend([0xff, 0xda, 0, 2, 0xff, 0xd9]);
        file
    }

    fn bundled(file: &[u8]) -> Rehearsal {
        Rehearsal::of_bundled_pictures(HashSet::from([Sha256::of(file)]))
    }

    async fn answer(comment: Option<&str>) -> Result<Vec<(String, u32)>, ProviderError> {
        let file = jpeg(comment);
        let answer = bundled(&file).assess(file.into()).await?;
        Ok(answer.labels.iter().map(|label| (label.path().to_string(), label.confidence().as_milli())).collect())
    }

    #[tokio::test]
    async fn labels_are_those_of_the_comment_surest_first() {
        let labels = answer(Some("streamwarden-rehearsal: Alcohol=51; Violence/Weapons=97.2; Violence=97.2")).await;
        let expected = [("Violence", 97_200), ("Violence/Weapons", 97_200), ("Alcohol", 51_000)];
        assert_eq!(labels, Ok(expected.map(|(path, milli)| (path.to_owned(), milli)).to_vec()));
    }

    #[tokio::test]
    async fn only_the_word_none_means_no_label() {
        assert_eq!(answer(Some("streamwarden-rehearsal: none")).await, Ok(vec![]));
        for silent in
            [None, Some(""), Some("streamwarden-rehearsal:"), Some("none"), Some("Lavc61"), Some("rehearsal: none")]
        {
            assert!(matches!(answer(silent).await, Err(ProviderError::Refused(_))), "{silent:?}");
        }
    }

    #[tokio::test]
    async fn a_comment_that_cannot_be_read_is_refused() {
        for wrong in ["Violence", "=5", "Violence=x", "Violence=101", "Violence=NaN", "a//b=5", "Violence=5;"] {
            let answer = answer(Some(&format!("{PREFIX} {wrong}"))).await;
            assert!(matches!(answer, Err(ProviderError::Refused(_))), "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_picture_from_elsewhere_is_refused_whatever_it_says() {
        let ours = jpeg(Some("streamwarden-rehearsal: none"));
        let foreign = jpeg(Some("streamwarden-rehearsal: Violence=99"));
        let refused = bundled(&ours).assess(foreign.into()).await.expect_err("not bundled");
        assert!(matches!(&refused, ProviderError::Refused(why) if why.contains("bundled")), "{refused}");
    }

    #[test]
    fn a_broken_jpeg_ends_the_search_without_a_panic() {
        let whole = jpeg(Some("streamwarden-rehearsal: none"));
        for cut in 0..whole.len() {
            for comment in jpeg_comments(&whole[..cut]) {
                assert_eq!(comment, b"streamwarden-rehearsal: none");
            }
        }
        assert_eq!(jpeg_comments(&[0xff, 0xd8, 0xff, 0xfe, 0, 0, 9, 9]).count(), 0); // a length below its own two bytes
        assert_eq!(jpeg_comments(&[0xff, 0xd8, 0xff, 0xfe, 0, 1, 9, 9]).count(), 0);
    }
}
