//! Hive as two providers: its visual moderation, of pictures and of clips, by the v2 sync interface or by V3, and its speech
//! moderation ([`speech`]). Classes are places in a taxonomy. Knows no policy and no threshold: every class from the
//! recording floor on is reported, as a label in percent.
//!
//! Hive publishes no machine-readable description. What is sent and what is read here follows its documentation and two
//! public clients; what could not be checked without the service is listed in `docs/hive.md`.
//!
//! *Secrets.* The key is said to Hive alone. Where a picture is shown by its address, that is a secret too: signed for a
//! short time, and in no log, error or event. What Hive says of a failure may repeat both, and is shown without them.

mod classes;
mod client;
pub mod dashboard;
mod series;
pub mod speech;
mod v2;
mod v3;
mod words;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;
use serde::{Deserialize, Serialize};

pub use classes::Classes;
pub use client::answers;

use self::client::{Client, Limits, Media};
use super::{Answer, Assessing, Provider, ProviderError};
use crate::aws::cloudfront::AddressSigner;
use crate::aws::{Class, S3};
use crate::clock::Clock;
use crate::egress::{AddressError, Secret, https_or_loopback};
use crate::media::{self, Excerpt, Unfit};
use crate::model::{Confidence, Label, Medium, ProviderRef, S3Object, Stretch};
use classes::Scored;

const NAME: &str = "hive";
/// The taxonomy that its visual classes are read in.
pub const TAXONOMY: &str = "hive-visual/1";
/// The most bytes of a picture that is sent along. Ours: larger than any thumbnail; Hive states none that we know of.
const IMAGE_BYTES_MAX: usize = 20 << 20;
/// The most bytes of an answer. One with every class has about 10,000.
const ANSWER_BYTES_MAX: usize = 256 << 10;
/// The most moments of a clip: ten a second. Documented is one.
const MOMENTS_MAX: usize = media::LASTS_MS_MAX as usize / 100;
/// The most bytes of an answer about a clip: every class at one moment a second, three times over.
const CLIP_ANSWER_BYTES_MAX: usize = 1 << 20;

/// Which of Hive's interfaces is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    /// The synchronous one of enterprise projects: a key is a project's, a project is a model.
    #[default]
    V2,
    /// The self-serve one.
    V3,
}

impl Api {
    /// Where it is, if nobody says otherwise.
    pub const fn endpoint(self) -> &'static str {
        match self {
            Self::V2 => v2::ENDPOINT,
            Self::V3 => v3::ENDPOINT,
        }
    }

    /// What is called the model before it has answered.
    const fn model_expected(self) -> &'static str {
        match self {
            Self::V2 => "visual (v2)",
            Self::V3 => "hive/visual-moderation",
        }
    }
}

/// What an operator decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The interface.
    pub api: Api,
    /// Another place than Hive's own; none: as the interface says.
    pub endpoint: Option<String>,
    /// Classes below this score, in percent, are not reported and can never be judged afterwards. It is stored with each
    /// answer.
    pub floor: Confidence,
    /// For one call, from its beginning to the last byte of its answer.
    pub deadline: Duration,
    /// The same, for a call about a clip.
    pub segment_deadline: Duration,
    /// Heads that an answer must speak of: one without any of their classes is none.
    pub heads: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            api: Api::default(),
            endpoint: None,
            floor: const { Confidence::from_milli(5_000).expect("5 % is a confidence") },
            deadline: Duration::from_secs(5),
            segment_deadline: Duration::from_secs(20),
            heads: Vec::new(),
        }
    }
}

/// How Hive comes to a picture that lies in a bucket.
pub enum Showing {
    /// It is sent the bytes, which are fetched here.
    Bytes,
    /// It fetches them by an address that is signed for so long.
    Signed {
        /// Who signs.
        s3: S3,
        /// For how long.
        lives: Duration,
    },
    /// It fetches them by the object's key below this address, such as that of a CloudFront distribution. Its addresses
    /// name no version: only for keys under which nothing is ever overwritten.
    Below {
        /// The address.
        base: Url,
        /// The bucket that lies there. Under a key of another's there may be another picture, or none.
        bucket: String,
        /// What lets nobody else in there; none: whoever knows the address may read.
        signed: Option<Signed>,
    },
}

/// How addresses below another are signed.
pub struct Signed {
    /// Who signs.
    pub signer: AddressSigner,
    /// For how long.
    pub lives: Duration,
    /// From when on.
    pub clock: Arc<dyn Clock>,
}

/// Why Hive cannot be asked at all.
#[derive(Debug, thiserror::Error)]
pub enum HiveError {
    /// An address.
    #[error("the address of {what}")]
    Address {
        /// Of what.
        what: &'static str,
        /// What is wrong with it.
        source: AddressError,
    },
    /// A head that is to be expected, which the taxonomy does not have.
    #[error("`{TAXONOMY}` has no head {0:?}, which answers are to speak of")]
    Head(String),
    /// A class that is to be moderated, which the taxonomy does not have.
    #[error("`hive-speech/1` has no class {0:?}, which answers are to moderate")]
    Class(String),
    /// TLS could not be set up: without certificates of authorities, for one.
    #[error("setting up the connection to Hive")]
    Client(#[source] reqwest::Error),
}

/// What an answer's body says.
enum Said<T> {
    /// An answer.
    Yes { model: String, found: T },
    /// The task was taken and not done.
    NotDone { code: String, message: String },
    /// A status inside of another.
    No { code: i64, message: String },
}

impl<T> Said<T> {
    fn map<U>(self, change: impl FnOnce(T) -> U) -> Said<U> {
        match self {
            Self::Yes { model, found } => Said::Yes { model, found: change(found) },
            Self::NotDone { code, message } => Said::NotDone { code, message },
            Self::No { code, message } => Said::No { code, message },
        }
    }
}

/// The classes of one moment.
struct Sampled {
    /// When it is, in seconds from the beginning, if that is said.
    at_s: Option<f64>,
    classes: Vec<Scored>,
}

/// Hive's visual classes.
pub struct Hive {
    client: Client,
    classes: Classes,
    settings: Settings,
    showing: Showing,
}

impl fmt::Debug for Hive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hive").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Where an interface is.
pub type Address = Url;

/// The address of an interface: what is stated, else its own.
pub fn endpoint(api: Api, stated: Option<&str>) -> Result<Address, HiveError> {
    https_or_loopback(stated.unwrap_or(api.endpoint()))
        .map_err(|source| HiveError::Address { what: "Hive's interface", source })
}

impl Hive {
    /// Asks with this key; answers are read in `classes`.
    pub fn new(settings: Settings, key: &Secret, classes: Classes, showing: Showing) -> Result<Self, HiveError> {
        let endpoint = endpoint(settings.api, settings.endpoint.as_deref())?;
        if let Some(head) = settings.heads.iter().find(|head| !classes.has_head(head)) {
            return Err(HiveError::Head(head.clone()));
        }
        let longest = settings.deadline.max(settings.segment_deadline);
        let client = Client::new(settings.api, endpoint, key, longest)?;
        Ok(Self { client, classes, settings, showing })
    }

    /// A picture's labels.
    async fn ask(&self, media: Media<'_>) -> Result<Answer, ProviderError> {
        let limits = Limits { time: self.settings.deadline, bytes_max: ANSWER_BYTES_MAX };
        let (model, found) = self.client.ask(media, &limits, self.reader()).await?;
        let [Sampled { classes, .. }] = <[Sampled; 1]>::try_from(found)
            .map_err(|found| ProviderError::Nonsense(format!("{} moments of one picture, expected 1", found.len())))?;
        let (labels, unmapped) = self.read(&classes)?;
        Ok(Answer { unmapped, ..Answer::of(reference(&model), labels) })
    }

    /// What a clip shows: the labels of all of its moments, each with the worst that it was.
    async fn clip(&self, segment: Arc<[u8]>) -> Result<Answer, ProviderError> {
        let clip = cut(segment, media::pictures).await?.map_err(|unfit| refused(&unfit))?;
        let limits = Limits { time: self.settings.segment_deadline, bytes_max: CLIP_ANSWER_BYTES_MAX };
        let (model, mut found) = self.client.ask(Media::Clip(&clip.file), &limits, self.reader()).await?;
        let nonsense = |what: String| Err(ProviderError::Nonsense(what));
        if !(1..=MOMENTS_MAX).contains(&found.len()) {
            return nonsense(format!("{} moments of a clip, expected 1 to {MOMENTS_MAX}", found.len()));
        }
        found.sort_by(|a, b| a.at_s.partial_cmp(&b.at_s).unwrap_or(std::cmp::Ordering::Equal));
        let mut series = Vec::with_capacity(found.len());
        for Sampled { at_s, classes } in found {
            let at = at_s.and_then(|at_s| series::time(at_s, clip.begins_ms, clip.lasts_ms));
            let Some(at) = at else {
                return nonsense(format!("a moment at {at_s:?} s of a clip of {} ms", clip.lasts_ms));
            };
            let during = Stretch { from_ms: at, to_ms: at };
            if series.last().is_some_and(|(last, _)| *last == during) {
                return nonsense(format!("the moment at {at} ms twice"));
            }
            series.push((during, self.read(&classes)?.0));
        }
        let (labels, unmapped, moments) = series::folded(series);
        Ok(Answer { unmapped, moments, ..Answer::of(reference(&model), labels) })
    }

    fn reader(&self) -> impl FnOnce(&[u8]) -> Result<Said<Vec<Sampled>>, String> + use<> {
        match self.settings.api {
            Api::V2 => v2::read_seen,
            Api::V3 => v3::read_seen,
        }
    }

    /// The labels of one moment, and how many of them the taxonomy does not hold.
    fn read(&self, scored: &[Scored]) -> Result<(Vec<Label>, u8), ProviderError> {
        let found = self.classes.labels(scored, self.settings.floor)?;
        let missing = self.classes.heads_missing(scored, &self.settings.heads).join(", ");
        if !missing.is_empty() {
            return Err(ProviderError::Nonsense(format!("an answer that does not speak of {missing}")));
        }
        Ok(found)
    }
}

impl Showing {
    /// Where Hive fetches that object.
    async fn address(&self, object: &S3Object) -> Result<String, ProviderError> {
        let refused = |why: String| ProviderError::Refused(format!("{object}: {why}"));
        match self {
            Self::Bytes => Err(refused("it reads no objects".to_owned())),
            Self::Signed { s3, lives } => match s3.signed_address(object, *lives).await {
                Ok(signed) => Ok(signed.reveal().to_owned()),
                Err(failure) if matches!(failure.class, Class::Unavailable | Class::TimedOut) => {
                    Err(ProviderError::Unavailable(failure.to_string()))
                }
                Err(failure) => Err(refused(failure.to_string())),
            },
            Self::Below { base, bucket, signed } => {
                if *object.bucket != **bucket {
                    return Err(refused(format!("only the bucket {bucket} lies below its addresses")));
                }
                let address = below(base, &object.key);
                let address = address.ok_or_else(|| refused("its key is no path of an address".to_owned()))?;
                let Some(Signed { signer, lives, clock }) = signed else { return Ok(address.into()) };
                let until = clock.now().plus_ms(u64::try_from(lives.as_millis()).unwrap_or(u64::MAX));
                let signed = signer.signed(address.as_str(), until);
                signed.map(|signed| signed.reveal().to_owned()).map_err(|failure| refused(failure.to_string()))
            }
        }
    }
}

/// What is encoded in the name of an object in an address: all but what RFC 3986 calls unreserved. More might stand, but S3
/// takes a plus for a blank, a signature an asterisk for anything, and some who fetch encode again what they find unusual.
const ODD: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The address of a key below another. None if one of its names would lead elsewhere.
fn below(base: &Url, key: &str) -> Option<Url> {
    if key.split('/').any(|name| matches!(name, "" | "." | "..")) {
        return None;
    }
    let mut path = base.path().trim_end_matches('/').to_owned();
    for name in key.split('/') {
        path.push('/');
        path.extend(utf8_percent_encode(name, ODD));
    }
    let mut address = base.clone();
    address.set_path(&path);
    (address.path() == path).then_some(address)
}

impl Provider for Hive {
    fn reference(&self) -> ProviderRef {
        reference(self.settings.api.model_expected())
    }

    fn floor(&self) -> Option<Confidence> {
        Some(self.settings.floor)
    }

    fn assess(&self, image: Arc<[u8]>) -> Assessing<'_> {
        Box::pin(async move {
            if image.len() > IMAGE_BYTES_MAX {
                return Err(ProviderError::Refused(format!(
                    "{} bytes; at most {IMAGE_BYTES_MAX} are sent",
                    image.len()
                )));
            }
            self.ask(Media::Picture(&image)).await
        })
    }

    fn media(&self) -> &'static [Medium] {
        &[Medium::Picture, Medium::Clip]
    }

    fn assess_segment(&self, medium: Medium, segment: Arc<[u8]>) -> Assessing<'_> {
        Box::pin(async move {
            match medium {
                Medium::Clip => self.clip(segment).await,
                Medium::Picture | Medium::Sound => Err(unjudged(medium)),
            }
        })
    }

    fn object_bytes_max(&self) -> Option<u64> {
        match self.showing {
            Showing::Bytes => None,
            Showing::Signed { .. } | Showing::Below { .. } => Some(IMAGE_BYTES_MAX as u64),
        }
    }

    fn assess_object(&self, object: S3Object) -> Assessing<'_> {
        Box::pin(async move {
            let address = self.showing.address(&object).await?;
            self.ask(Media::Address(&address)).await
        })
    }
}

/// What is wanted of a segment, as a file.
async fn cut(
    segment: Arc<[u8]>,
    wanted: fn(&[u8]) -> Result<Excerpt, Unfit>,
) -> Result<Result<Excerpt, Unfit>, ProviderError> {
    let cut = tokio::task::spawn_blocking(move || wanted(&segment)).await;
    cut.map_err(|broke| ProviderError::Broke(format!("cutting the segment: {broke}")))
}

fn refused(unfit: &Unfit) -> ProviderError {
    ProviderError::Refused(format!("the segment is not sent: {unfit}"))
}

fn unjudged(medium: Medium) -> ProviderError {
    ProviderError::Refused(format!("it does not judge a {}", medium.name()))
}

fn reference(model: &str) -> ProviderRef {
    ProviderRef { name: NAME.into(), model: model.into(), taxonomy: TAXONOMY.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_lies_below_its_base_and_nowhere_else() {
        let base = |text| Url::parse(text).expect("an address");
        let below = |text, key| below(&base(text), key).map(String::from);
        for with in ["https://d.example/live", "https://d.example/live/"] {
            assert_eq!(
                below(with, "ivs/a b+c%/1.jpg").as_deref(),
                Some("https://d.example/live/ivs/a%20b%2Bc%25/1.jpg")
            );
        }
        for (odd, encoded) in [
            (".\t./secret.jpg", ".%09./secret.jpg"),
            ("1\n.jpg", "1%0A.jpg"),
            ("%2e%2e/secret.jpg", "%252e%252e/secret.jpg"),
            ("a\\..\\b", "a%5C..%5Cb"),
            ("*", "%2A"),
            ("a|b^c?d#e;f=g@h:i", "a%7Cb%5Ec%3Fd%23e%3Bf%3Dg%40h%3Ai"),
            ("grün.jpg", "gr%C3%BCn.jpg"),
        ] {
            let expected = format!("https://d.example/live/{encoded}");
            assert_eq!(below("https://d.example/live", odd), Some(expected), "{odd:?}");
        }
        assert_eq!(below("https://d.example", "1.jpg").as_deref(), Some("https://d.example/1.jpg"));
        let with_query = below("https://d.example/live?size=large", "a\"b\\c.jpg");
        assert_eq!(with_query.as_deref(), Some("https://d.example/live/a%22b%5Cc.jpg?size=large"));
        for elsewhere in ["../x.jpg", "a/../../x.jpg", "./x.jpg", "/x.jpg", "a//x.jpg", ""] {
            assert_eq!(below("https://d.example/live", elsewhere), None, "{elsewhere:?}");
        }
    }

    #[test]
    fn only_https_and_the_loopback_are_asked() {
        assert_eq!(endpoint(Api::V3, None).expect("its own").as_str(), v3::ENDPOINT);
        assert!(endpoint(Api::V2, Some("http://127.0.0.1:1/x")).is_ok());
        assert!(matches!(endpoint(Api::V2, Some("http://hive.example/x")), Err(HiveError::Address { .. })));
    }
}
