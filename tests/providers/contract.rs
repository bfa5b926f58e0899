//! What is asked of every provider, whoever it is, and for every medium that it says it judges: Rekognition and Hive against
//! what stands in for them, the local model itself. One suite; what a provider cannot be brought to (a model in this
//! process is never throttled) is said by its subject and nowhere left out silently. What it does not judge it refuses.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use serde_json::json;
use streamwarden::aws::CallTimes;
use streamwarden::media::LASTS_MS_MAX;
use streamwarden::model::{Confidence, Medium};
use streamwarden::policy::taxonomy::Taxonomy;
use streamwarden::providers::hive::{Settings, Showing};
use streamwarden::providers::rekognition::{self, Rekognition};
use streamwarden::providers::{Answer, Assessing, Provider, ProviderError};

use crate::hive::{APIS, hive, settings, speech};
use crate::hive_standin::{Fault, HiveStandin};
use crate::segments::segment;
use crate::standins::Stage;
use crate::{commented, local_model};

/// Longer than any answer takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a provider is brought to by its next call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    Throttled,
    Failing,
    BrokenOff,
    Silent,
    Nonsense,
    Denied,
}

const TROUBLES: [Trouble; 6] =
    [Trouble::Throttled, Trouble::Failing, Trouble::BrokenOff, Trouble::Silent, Trouble::Nonsense, Trouble::Denied];

/// A provider under the suite.
struct Subject {
    provider: Arc<dyn Provider>,
    /// Who it says it is before and after it has answered.
    name: &'static str,
    taxonomy: &'static str,
    /// What it is shown.
    medium: Medium,
    /// One in which it finds something, and one in which it finds less, or nothing.
    shown: [Arc<[u8]>; 2],
    /// Brings it to that trouble by its next call; false if it cannot come to it.
    trouble: Box<dyn Fn(Trouble) -> BoxFuture<'static, bool> + Send + Sync>,
}

/// The local model as one that can be shared: it is loaded once for all tests.
struct Local;

impl Provider for Local {
    fn reference(&self) -> streamwarden::model::ProviderRef {
        local_model().reference()
    }
    fn assess(&self, image: Arc<[u8]>) -> Assessing<'_> {
        local_model().assess(image)
    }
}

fn local() -> Subject {
    let file = |path| std::fs::read(crate::root().join(path)).expect("a picture of these tests").into();
    Subject {
        provider: Arc::new(Local),
        name: "local",
        taxonomy: "local-nudity/1",
        medium: Medium::Picture,
        shown: [file("tests/imaging/data/rgb.png"), file("tests/imaging/data/411-96x72.jpg")],
        trouble: Box::new(|_| async { false }.boxed()), // it calls nobody
    }
}

fn of_rekognition() -> Subject {
    let stage = Arc::new(Stage::new());
    let times = CallTimes { connect: Duration::from_secs(2), call: Duration::from_secs(2) };
    let client = stage.aws_within(times).rekognition();
    Subject {
        provider: Arc::new(Rekognition::new(client, rekognition::Settings::default())),
        name: "rekognition",
        taxonomy: "rekognition/7.0",
        medium: Medium::Picture,
        shown: ["Weapons=97.5; Alcohol=40; Pills=9", "Alcohol=40"]
            .map(|says| commented(&format!("moderation: {says}"))),
        trouble: Box::new(move |trouble| {
            let stage = stage.clone();
            let (kind, more) = match trouble {
                Trouble::Throttled => ("throttle", json!({})),
                Trouble::Failing => ("error", json!({ "code": "InternalServerError" })),
                Trouble::BrokenOff => ("reset", json!({})),
                Trouble::Silent => ("hang", json!({ "s": 10 })),
                Trouble::Nonsense => ("malformed", json!({})),
                Trouble::Denied => ("error", json!({ "code": "AccessDeniedException" })),
            };
            let mut fault = json!({ "op": "rekognition.*", "kind": kind, "times": 1 });
            fault.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            async move {
                stage.script(json!({ "faults": [fault] })).await;
                true
            }
            .boxed()
        }),
    }
}

fn of_hive(at: usize, medium: Medium) -> Subject {
    let standin = Arc::new(HiveStandin::start());
    let time = Duration::from_secs(2);
    let asked = Settings { deadline: time, segment_deadline: time, ..settings(&standin, APIS[at]) };
    let provider = Arc::new(hive(&standin, asked, Showing::Bytes));
    let pictures = ["Weapons=97.5; Alcohol=40; Pills=4", "Alcohol=40"];
    Subject {
        provider,
        name: "hive",
        taxonomy: "hive-visual/1",
        medium,
        shown: match medium {
            Medium::Picture => pictures.map(|says| commented(&format!("moderation: {says}"))),
            Medium::Clip | Medium::Sound => ["threat", "calm"].map(|name| segment(name).into()),
        },
        trouble: troubles(standin, "gun_in_hand"),
    }
}

fn of_hive_speech() -> Subject {
    let standin = Arc::new(HiveStandin::start());
    let asked = speech::settings(&standin);
    let provider = Arc::new(speech::speech(&standin, speech::Settings { deadline: Duration::from_secs(2), ..asked }));
    Subject {
        provider,
        name: "hive-speech",
        taxonomy: "hive-speech/1",
        medium: Medium::Sound,
        shown: ["threat", "calm"].map(|name| segment(name).into()),
        trouble: troubles(standin, "violence"),
    }
}

/// Brings Hive's stand-in to it; `class` is one whose score can be nonsense.
fn troubles(
    standin: Arc<HiveStandin>,
    class: &'static str,
) -> Box<dyn Fn(Trouble) -> BoxFuture<'static, bool> + Send + Sync> {
    Box::new(move |trouble| {
        let error = |status| Fault::Error { status, message: "as scripted".to_owned(), retry_after_s: None };
        standin.script([match trouble {
            Trouble::Throttled => error(429),
            Trouble::Failing => error(500),
            Trouble::BrokenOff => Fault::Cut,
            Trouble::Silent => Fault::Hang,
            Trouble::Nonsense => Fault::Score { class: class.to_owned(), score: json!(7) },
            Trouble::Denied => error(403),
        }]);
        async { true }.boxed()
    })
}

impl Subject {
    fn asking(&self, medium: Medium, bytes: &Arc<[u8]>) -> Assessing<'_> {
        match medium {
            Medium::Picture => self.provider.assess(bytes.clone()),
            Medium::Clip | Medium::Sound => self.provider.assess_segment(medium, bytes.clone()),
        }
    }

    async fn asked(&self, bytes: &Arc<[u8]>) -> Result<Answer, ProviderError> {
        let asked = tokio::time::timeout(PATIENCE, self.asking(self.medium, bytes));
        asked.await.expect("it ends within its own time limits")
    }

    /// Everything that is asked of it.
    async fn holds(&self) {
        self.says_who_it_is();
        for shown in &self.shown {
            let answer = self.asked(shown).await.unwrap_or_else(|error| panic!("{}: {error}", self.name));
            self.is_sound(&answer);
            let may_be_nothing = self.medium == Medium::Sound && Arc::ptr_eq(shown, &self.shown[1]);
            assert!(may_be_nothing || !answer.labels.is_empty(), "{}: there is something to find", self.name);
        }
        self.sees_the_same_again().await;
        self.takes_no_garbage().await;
        self.refuses_what_it_does_not_judge().await;
        self.fails_as_what_it_is().await;
        self.lets_go().await;
        self.answers_many_at_once().await;
        self.says_who_it_is();
    }

    fn says_who_it_is(&self) {
        let reference = self.provider.reference();
        assert_eq!((&*reference.name, &*reference.taxonomy), (self.name, self.taxonomy));
        assert!(!reference.model.is_empty());
        assert!(Taxonomy::named(&reference.taxonomy).is_some(), "{} is not built in", reference.taxonomy);
    }

    /// Labels of its own taxonomy, none twice, surest first, none below the floor.
    fn is_sound(&self, answer: &Answer) {
        let who = &answer.provider;
        assert_eq!((&*who.name, &*who.taxonomy), (self.name, self.taxonomy), "the answer's own word");
        let taxonomy = Taxonomy::named(self.taxonomy).expect("it is built in");
        for label in &answer.labels {
            assert!(taxonomy.get(label.path()).is_some(), "{who}: {} is not of {}", label.path(), self.taxonomy);
            assert!(label.confidence() <= Confidence::MAX, "{who}: {label:?}");
            assert!(self.provider.floor().is_none_or(|floor| label.confidence() >= floor), "{who}: {label:?}");
        }
        assert!(answer.labels.is_sorted_by(|a, b| a.confidence() >= b.confidence()), "{who}: {:?}", answer.labels);
        let paths: HashSet<_> = answer.labels.iter().map(|label| label.path()).collect();
        assert_eq!(paths.len(), answer.labels.len(), "{who}: a label twice in {:?}", answer.labels);
        assert_eq!(answer.unmapped, 0, "{who}");
        self.has_sound_moments(answer);
    }

    /// Of a picture none; of a segment one for each label, within it, the first not after the worst. What was said is
    /// known of sound only.
    fn has_sound_moments(&self, answer: &Answer) {
        let who = &answer.provider;
        let expected = if self.medium.is_picture() { 0 } else { answer.labels.len() };
        let labels: Vec<usize> = answer.moments.iter().map(|moment| usize::from(moment.label)).collect();
        assert_eq!(labels, (0..expected).collect::<Vec<_>>(), "{who}");
        for moment in &answer.moments {
            for stretch in [moment.first, moment.worst] {
                assert!(stretch.from_ms <= stretch.to_ms && stretch.to_ms <= LASTS_MS_MAX + 1_000, "{who}: {moment:?}");
            }
            assert!(moment.first.from_ms <= moment.worst.from_ms, "{who}: {moment:?}");
        }
        assert!(self.medium == Medium::Sound || answer.transcript.is_none(), "{who}");
    }

    async fn refuses_what_it_does_not_judge(&self) {
        assert!(self.provider.media().contains(&self.medium), "{}: {:?}", self.name, self.medium);
        for medium in [Medium::Picture, Medium::Clip, Medium::Sound] {
            if !self.provider.media().contains(&medium) {
                let error = self.asking(medium, &self.shown[0]).await.expect_err(self.name);
                assert_eq!(error.name(), "refused", "{} {medium:?}: {error}", self.name);
            }
        }
    }

    async fn sees_the_same_again(&self) {
        let (first, again) = (self.asked(&self.shown[0]).await, self.asked(&self.shown[0]).await);
        assert_eq!(first, again, "{}", self.name);
    }

    /// What is no picture is refused, or its answer is none: it is never a picture without labels.
    async fn takes_no_garbage(&self) {
        let cut: Arc<[u8]> = self.shown[0][..2].into();
        for garbage in [Arc::from(&b""[..]), Arc::from(&b"not a picture"[..]), Arc::from(vec![0xff; 5_000]), cut] {
            let error = self.asked(&garbage).await.expect_err(self.name);
            let is_fit = matches!(error, ProviderError::Refused(_) | ProviderError::Nonsense(_));
            assert!(is_fit, "{}: {} bytes of garbage: {error}", self.name, garbage.len());
        }
    }

    /// Each trouble is an error of its kind, which passes where the trouble does; and the next call is answered.
    async fn fails_as_what_it_is(&self) {
        for trouble in TROUBLES {
            if !(self.trouble)(trouble).await {
                continue;
            }
            let error = self.asked(&self.shown[0]).await.expect_err(self.name);
            let (kind, passes) = match trouble {
                Trouble::Throttled => ("throttled", true),
                Trouble::Failing | Trouble::BrokenOff | Trouble::Silent => ("unavailable", true),
                Trouble::Nonsense => ("nonsense", false),
                Trouble::Denied => ("denied", false),
            };
            assert_eq!((error.name(), error.is_passing()), (kind, passes), "{} {trouble:?}: {error}", self.name);
            self.is_sound(&self.asked(&self.shown[0]).await.expect("the trouble is over"));
        }
    }

    /// A question that nobody waits for any more holds nothing up.
    async fn lets_go(&self) {
        for _ in 0..20 {
            let mut asking = self.asking(self.medium, &self.shown[0]);
            assert!((&mut asking).now_or_never().is_none_or(|answered| answered.is_ok()), "{}", self.name);
            drop(asking); // begun, and let go
            drop(self.asking(self.medium, &self.shown[1])); // not even begun
        }
        self.is_sound(&self.asked(&self.shown[0]).await.expect("it still answers"));
    }

    async fn answers_many_at_once(&self) {
        let alone = [self.asked(&self.shown[0]).await, self.asked(&self.shown[1]).await];
        let pictures = (0..12).map(|n| &self.shown[n % 2]);
        let together = join_all(pictures.map(|picture| self.asked(picture))).await;
        for (n, answer) in together.iter().enumerate() {
            assert_eq!(answer, &alone[n % 2], "{}: an answer is of its own picture", self.name);
        }
    }
}

#[tokio::test]
async fn the_local_model_holds_the_contract() {
    local().holds().await;
}

#[tokio::test]
async fn rekognition_holds_the_contract() {
    of_rekognition().holds().await;
}

#[tokio::test]
async fn hive_by_v2_holds_the_contract() {
    of_hive(0, Medium::Picture).holds().await;
}

#[tokio::test]
async fn hive_by_v3_holds_the_contract() {
    of_hive(1, Medium::Picture).holds().await;
}

#[tokio::test]
async fn hive_by_v2_holds_the_contract_for_clips() {
    of_hive(0, Medium::Clip).holds().await;
}

#[tokio::test]
async fn hive_by_v3_holds_the_contract_for_clips() {
    of_hive(1, Medium::Clip).holds().await;
}

#[tokio::test]
async fn hives_speech_holds_the_contract_for_sound() {
    of_hive_speech().holds().await;
}

/// The suite itself can fail: a provider that says nothing of garbage is found out.
#[tokio::test]
async fn a_provider_that_takes_garbage_for_clear_does_not_hold_it() {
    struct Careless;
    impl Provider for Careless {
        fn reference(&self) -> streamwarden::model::ProviderRef {
            local_model().reference()
        }
        fn assess(&self, image: Arc<[u8]>) -> Assessing<'_> {
            Box::pin(async move {
                let provider = self.reference();
                local_model().assess(image).await.or(Ok(Answer::of(provider, vec![])))
            })
        }
    }
    let careless = Subject { provider: Arc::new(Careless), ..local() };
    let held = std::panic::AssertUnwindSafe(careless.takes_no_garbage()).catch_unwind().await;
    assert!(held.is_err(), "it was to be found out");
}
