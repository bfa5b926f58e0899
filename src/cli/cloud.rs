//! What the configuration says of Amazon Web Services, made into the parts that the house takes. Where it says nothing,
//! no client is made and nobody is called.

use std::sync::Arc;

use anyhow::{Context, bail};

use crate::actors::{Deposit, Objects};
use crate::aws::{self, Aws, Failure, S3, ivs::IvsPace};
use crate::clock::Clock;
use crate::config::{By, Config, Control, Judge};
use crate::control::{Directory, IvsControl, StreamControl};
use crate::house::{Connections, StreamConnection};
use crate::journal::content::Store;
use crate::outbox::{Bus, Chat, Notices};

/// The parts of the house that are in the cloud.
#[derive(Default)]
pub(super) struct Cloud {
    /// Rekognition, if somebody may ask it.
    pub(super) rekognition: Option<aws::Rekognition>,
    /// Who signs addresses by which others read in buckets, if somebody is shown them.
    pub(super) signs: Option<S3>,
    /// The same for Hive's Moderation Dashboard.
    pub(super) signs_for_dashboard: Option<S3>,
    /// Who carries the streams, if IVS does.
    pub(super) control: Option<Arc<dyn StreamControl>>,
    /// Where the pictures are that the stream announces, or that were put before being judged.
    pub(super) objects: Option<Arc<dyn Objects>>,
    /// What the house is connected to.
    pub(super) connections: Connections,
    /// Where pictures that warnings rest on are copied.
    pub(super) copies: Option<Arc<Deposit>>,
    /// Where frames that are handed in are put before they are judged.
    pub(super) store_frames: Option<Deposit>,
}

impl Cloud {
    /// Makes what is configured; what was said in segments is read from `content`, where it goes along with events. Fails
    /// where nothing could work: a bus that is not there loses events and says success.
    pub(super) async fn reach(config: &Config, clock: &Arc<dyn Clock>, content: &Arc<Store>) -> anyhow::Result<Self> {
        let mut cloud = Self::default();
        if !is_wanted(config) {
            return Ok(cloud);
        }
        let aws = Aws::load(config.aws.region(), config.aws.endpoints(), config.aws.times()).await;
        if aws.region().is_none() {
            bail!("no region: set aws.region in the configuration, or AWS_REGION in the environment");
        }
        cloud.rekognition = config.provider.has(Judge::Rekognition).then(|| aws.rekognition());
        cloud.signs = shows_signed(config).then(|| aws.s3());
        cloud.signs_for_dashboard = submits_signed(config).then(|| aws.s3());
        if config.control.platform == Control::Ivs {
            let ivs = Arc::new(aws.ivs(IvsPace::default()));
            cloud.control = Some(Arc::new(IvsControl::new(ivs.clone(), config.control.ivs.settings())));
            let directory = Directory::new(ivs, clock.clone(), config.control.ivs.directory());
            cloud.connections.directory = Some(Arc::new(directory));
        }
        // Checked when the file was read.
        if let Some(reading) = config.kinesis.settings().map_err(anyhow::Error::msg)? {
            let kinesis = aws.kinesis();
            cloud.connections.stream = Some(StreamConnection { kinesis, reading, intake: config.kinesis.intake() });
        }
        cloud.copies = config.evidence.copies(aws.s3()).map(Arc::new);
        cloud.store_frames = config.http.store_frames.deposit(aws.s3());
        if cloud.connections.stream.is_some() || cloud.store_frames.is_some() {
            cloud.objects = Some(Arc::new(aws.s3()));
        }
        cloud.connections.bus = bus(config, &aws, content).await?.map(Arc::new);
        if let Some(settings) = config.outbox.chat.settings() {
            let chat = Chat::new(aws.ivs_chat(), clock.clone(), &settings).context("setting outbox.chat up")?;
            cloud.connections.chat = Some(Arc::new(chat));
        }
        if let Some(settings) = config.outbox.notices.settings() {
            let notices = Notices::new(aws.sns(), &settings).context("setting outbox.notices up")?;
            cloud.connections.notices = Some(Arc::new(notices));
        }
        Ok(cloud)
    }
}

/// Whether Hive is shown pictures by addresses of S3 that we sign.
fn shows_signed(config: &Config) -> bool {
    let hive = &config.provider.hive;
    config.provider.has(Judge::Hive) && hive.by == By::Url && hive.url_base.is_empty()
}

/// Whether Hive's Moderation Dashboard is.
fn submits_signed(config: &Config) -> bool {
    config.provider.has(Judge::HiveDashboard) && config.provider.hive_dashboard.url_base.is_empty()
}

fn is_wanted(config: &Config) -> bool {
    config.provider.has(Judge::Rekognition)
        || shows_signed(config)
        || submits_signed(config)
        || config.control.platform == Control::Ivs
        || !config.kinesis.stream.is_empty()
        || !config.evidence.bucket.is_empty()
        || !config.http.store_frames.bucket.is_empty()
        || config.outbox.bus.settings().is_some()
        || config.outbox.chat.settings().is_some()
        || config.outbox.notices.settings().is_some()
}

async fn bus(config: &Config, aws: &Aws, content: &Arc<Store>) -> anyhow::Result<Option<Bus>> {
    let name = &config.outbox.bus.name;
    let Some(settings) = config.outbox.bus.settings() else { return Ok(None) };
    let bus = Bus::new(aws.event_bus(name), &settings).context("setting outbox.bus up")?;
    let bus = if config.outbox.bus.transcripts { bus.with_transcripts(content.clone()) } else { bus };
    if config.outbox.bus.transcripts && !config.provider.has(Judge::HiveSpeech) {
        // Not refused: what was kept while there was one still goes along in replays.
        tracing::warn!(
            "outbox.bus.transcripts is true, and neither provider.judge nor provider.also names one that hears \
             (hive-speech): no new words come that could go along"
        );
    }
    match bus.check().await {
        Ok(()) => {}
        Err(Failure { class, said, .. }) if class.is_passing() => {
            tracing::warn!("whether the bus {name} is there cannot be said now: {said}");
        }
        Err(failure) => {
            return Err(failure).with_context(|| {
                format!("looking at the bus {name} (outbox.bus.name); events put on one that is not there are lost")
            });
        }
    }
    Ok(Some(bus))
}
