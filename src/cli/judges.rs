//! Who judges and who else may be asked, as the configuration says, made into the providers that the house takes. Each that
//! is somebody else's is guarded: it keeps to its account's rate, and is suspended when it fails again and again.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use super::cloud::Cloud;
use super::demo::local_model;
use crate::actors::ProviderChoice;
use crate::aws::cloudfront::AddressSigner;
use crate::clock::Clock;
use crate::config::{By, Config, Judge};
use crate::egress::https_or_loopback;
use crate::policy::taxonomy::Taxonomy;
use crate::providers::Provider;
use crate::providers::guard::Guard;
use crate::providers::hive::dashboard::{Dashboard, Posts};
use crate::providers::hive::speech::{self, HiveSpeech, SpokenClasses};
use crate::providers::hive::{Classes, Hive, Showing, Signed, TAXONOMY};
use crate::providers::rekognition::Rekognition;

/// The providers. Fails where one can never be asked: a key that is not there is not found out by the first frame.
pub(super) fn judges(
    config: &Config,
    cloud: &mut Cloud,
    clock: &Arc<dyn Clock>,
    posts: &Arc<Posts>,
) -> anyhow::Result<ProviderChoice> {
    let default = judge(config.provider.judge, config, cloud, clock, posts)?;
    let mut others = Vec::with_capacity(config.provider.also.len());
    for other in &config.provider.also {
        others.extend(judge(*other, config, cloud, clock, posts)?);
    }
    Ok(ProviderChoice { default, others, ..ProviderChoice::default() })
}

fn judge(
    judge: Judge,
    config: &Config,
    cloud: &mut Cloud,
    clock: &Arc<dyn Clock>,
    posts: &Arc<Posts>,
) -> anyhow::Result<Option<Arc<dyn Provider>>> {
    let provider = &config.provider;
    Ok(match judge {
        // The model, or one that says loudly that it is not there; none where none is wanted.
        Judge::Local => (!provider.local_model.as_os_str().is_empty()).then(|| local_model(&provider.local_model)),
        Judge::Rekognition => cloud.rekognition.take().map(|client| -> Arc<dyn Provider> {
            let asked = Arc::new(Rekognition::new(client, provider.rekognition.settings()));
            Arc::new(Guard::new(asked, clock.clone(), provider.rekognition.guard()))
        }),
        Judge::Hive => {
            let asked = Arc::new(hive(config, cloud, clock)?);
            Some(Arc::new(Guard::new(asked, clock.clone(), provider.hive.guard())))
        }
        Judge::HiveSpeech => {
            let asked = Arc::new(hive_speech(config)?);
            Some(Arc::new(Guard::new(asked, clock.clone(), provider.hive_speech.guard())))
        }
        Judge::HiveDashboard => {
            let asked = Arc::new(dashboard(config, cloud, clock, posts.clone())?);
            Some(Arc::new(Guard::new(asked, clock.clone(), provider.hive_dashboard.guard())))
        }
    })
}

/// Hive as it is configured. Blocks: reads the keys.
fn hive(config: &Config, cloud: &mut Cloud, clock: &Arc<dyn Clock>) -> anyhow::Result<Hive> {
    let hive = &config.provider.hive;
    let showing = match (hive.by, cloud.signs.take()) {
        (By::Bytes, _) => Showing::Bytes,
        (By::Url, Some(s3)) => Showing::Signed { s3, lives: hive.url_lives() },
        (By::Url, None) => {
            let signer = hive.url_signer().context("reading the key that addresses for Hive are signed with")?;
            below("provider.hive.url_base", (&hive.url_base, &hive.url_bucket), signer, hive.url_lives(), clock)?
        }
    };
    let key = hive.key().context("reading the key that Hive knows us by")?;
    Hive::new(hive.settings(), &key, classes(), showing).context("setting provider.hive up")
}

/// Hive's speech moderation as it is configured. Blocks: reads the key.
fn hive_speech(config: &Config) -> anyhow::Result<HiveSpeech> {
    let speech = &config.provider.hive_speech;
    let key = speech.key().context("reading the key that Hive's speech moderation knows us by")?;
    HiveSpeech::new(speech.settings(), &key, spoken_classes()).context("setting provider.hive_speech up")
}

/// Hive's Moderation Dashboard as it is configured; what it is shown is noted in `posts`. Blocks: reads the keys.
fn dashboard(
    config: &Config,
    cloud: &mut Cloud,
    clock: &Arc<dyn Clock>,
    posts: Arc<Posts>,
) -> anyhow::Result<Dashboard> {
    let shown = &config.provider.hive_dashboard;
    let showing = match cloud.signs_for_dashboard.take() {
        Some(s3) => Showing::Signed { s3, lives: shown.url_lives() },
        None => {
            let signer =
                shown.url_signer().context("reading the key that addresses for the Dashboard are signed with")?;
            let below_it = (&*shown.url_base, &*shown.url_bucket);
            below("provider.hive_dashboard.url_base", below_it, signer, shown.url_lives(), clock)?
        }
    };
    let key = shown.key().context("reading the key that Hive's Moderation Dashboard knows us by")?;
    let settings = shown.settings(config.hive_dashboard.users_as);
    Dashboard::new(settings, &key, classes(), showing, posts).context("setting provider.hive_dashboard up")
}

/// Pictures of that bucket are fetched below that address, which stands under `key`; signed, where somebody signs.
fn below(
    key: &'static str,
    (base, bucket): (&str, &str),
    signer: Option<AddressSigner>,
    lives: Duration,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Showing> {
    let signed = signer.map(|signer| Signed { signer, lives, clock: clock.clone() });
    Ok(Showing::Below { base: https_or_loopback(base).context(key)?, bucket: bucket.to_owned(), signed })
}

/// Hive's classes in the taxonomy that its answers are read in.
fn classes() -> Classes {
    let taxonomy = Taxonomy::named(TAXONOMY).expect("Hive's taxonomy is built in");
    Classes::new(taxonomy.labels().iter().map(|label| &label.path), taxonomy.complements().map(str::to_owned))
}

/// Those of speech in theirs.
fn spoken_classes() -> SpokenClasses {
    let taxonomy = Taxonomy::named(speech::TAXONOMY).expect("the taxonomy of Hive's speech is built in");
    SpokenClasses::new(taxonomy.labels().iter().map(|label| &label.path))
}
