//! The whole house put together: journal, content, policies, wardens and reactors over one data directory. Wiring, no
//! rules. Opened in two steps because the first blocks on the disk and the second needs an actix system.

mod connections;
mod vitals;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::actors::{
    CopyEraser, Deposit, EnforcementReactor, ErasureError, Erasures, EvidenceKeeper, KeptForATime, Objects, Parts,
    PolicyDesk, Projector, ProjectorError, ProviderChoice, PublishError, ReactorError, Retention, Settings, Sweep,
    Views, Wardens, record_standing,
};
use crate::clock::{Clock, SystemClock};
use crate::consumers::{ConsumerError, Consumers};
use crate::control::{OnAir, StreamControl};
use crate::imaging::{Algorithm, Imaging, Limits};
use crate::journal::snapshots::Snapshots;
use crate::journal::{Journal, OpenError, Options, SledJournal, content};
use crate::model::ChannelId;
use crate::policy::PolicySet;
use crate::warden::enforcement::BudgetLimits;

use connections::Connected;
pub use connections::{Connections, StreamConnection};
use vitals::Pulse;
pub use vitals::{Organ, Vitals};

/// Exit code of a process whose journal failed for good (`EX_IOERR`). The next start verifies what is on the disk.
pub const EXIT_JOURNAL_FAILED: i32 = 74;

/// Why the house does not open.
#[derive(Debug, thiserror::Error)]
pub enum HouseError {
    /// The journal.
    #[error("opening the journal in {}", data.display())]
    Journal {
        /// The data directory.
        data: PathBuf,
        /// Why.
        source: OpenError,
    },
    /// The content store.
    #[error("opening the content store in {}", data.display())]
    Content {
        /// The data directory.
        data: PathBuf,
        /// Why.
        source: content::ContentError,
    },
    /// Erasures.
    #[error("ending the erasures that were asked for")]
    Erasures(#[source] ErasureError),
    /// The policies.
    #[error("reading the policies in force")]
    Policies(#[source] PublishError),
    /// Consumers and replays.
    #[error("reading which consumers and replays there are")]
    Consumers(#[source] ConsumerError),
}

/// What stands on the disk: journal, content, policies. Nothing runs yet.
pub struct Ground {
    /// The journal.
    pub journal: Arc<SledJournal>,
    /// Large and personal content.
    pub content: Arc<content::Store>,
    /// What is erased, and what is to be.
    pub erasures: Arc<Erasures>,
    /// The policies in force.
    pub policies: PolicyDesk,
    /// Saved states; none if they cannot be opened, which costs time and nothing else.
    pub snapshots: Option<Arc<Snapshots>>,
    /// What is shown: as it was saved last until the house runs, then kept up to date.
    pub views: Views,
    projector: Projector,
    /// Who reads on outside.
    pub consumers: Arc<Consumers>,
    /// Where the pictures are that notifications announce by bucket and key; none: such frames fail, loudly.
    pub objects: Option<Arc<dyn Objects>>,
    /// Where pictures that warnings rest on are copied; none: they are not.
    pub copies: Option<Arc<Deposit>>,
    /// How long pictures are kept after they were recorded; none: until they are erased.
    pub keep_pictures: Option<Duration>,
    /// The same for what was said in segments.
    pub keep_transcripts: Option<Duration>,
}

/// The house, running.
pub struct House {
    /// The journal.
    pub journal: Arc<SledJournal>,
    /// Large and personal content.
    pub content: Arc<content::Store>,
    /// What is erased, and what is to be. Blocks: off the arbiters.
    pub erasures: Arc<Erasures>,
    /// The policies in force. Publishing blocks: off the arbiters.
    pub policies: Arc<Mutex<PolicyDesk>>,
    /// The policies in force, as they follow each other.
    pub in_force: watch::Receiver<Arc<PolicySet>>,
    /// What is shown, kept up to date.
    pub views: Views,
    /// Who reads on outside. Blocks on the journal: off the arbiters.
    pub consumers: Arc<Consumers>,
    /// The wardens.
    pub wardens: Wardens,
    /// Whether all of it can do its work.
    pub vitals: Vitals,
    stop: watch::Sender<bool>,
    reactor: JoinHandle<Result<(), ReactorError>>,
    freeze: watch::Sender<bool>,
    projector: JoinHandle<Result<(), ProjectorError>>,
    /// Of what deletes: what is kept long enough, what is erased, what nobody refers to; and of what looks after evidence.
    retention: Vec<JoinHandle<()>>,
    keeper: Arc<EvidenceKeeper>,
    connected: Connected,
    /// Of providers' standing.
    followers: Vec<JoinHandle<()>>,
}

impl Ground {
    /// Opens a data directory as it is kept by default, or makes one. Blocks.
    pub fn open(data: &Path) -> Result<Self, HouseError> {
        Self::open_with(Options::new(data, Arc::new(SystemClock)))
    }

    /// Opens a data directory, or makes one. Blocks. A journal that fails ends the process, whatever the options say.
    pub fn open_with(mut options: Options) -> Result<Self, HouseError> {
        let data = options.data_dir.clone();
        options.on_fatal = Arc::new(|reason| {
            // Not a shutdown: nothing more may be acknowledged, and what runs may not go on as if it were.
            tracing::error!("the journal failed and the process ends: {reason}");
            std::process::exit(EXIT_JOURNAL_FAILED);
        });
        let journal =
            SledJournal::open(options).map_err(|source| HouseError::Journal { data: data.to_owned(), source })?;
        let journal = Arc::new(journal);
        let content = content::Store::open(&data.join("content"), &data.join("keys"))
            .map_err(|source| HouseError::Content { data: data.to_owned(), source })?;
        let content = Arc::new(content);
        // Before anybody can write content: what a crash interrupted concerns what was there then.
        let erasures = Erasures::open(journal.clone(), content.clone()).map_err(HouseError::Erasures)?;
        let snapshots = match Snapshots::open(&data.join("derived"), journal.store_id()) {
            Ok(snapshots) => Some(Arc::new(snapshots)),
            Err(error) => {
                tracing::warn!("saved states cannot be used, wardens read their whole past: {error}");
                None
            }
        };
        let policies = PolicyDesk::open(journal.clone(), content.clone()).map_err(HouseError::Policies)?;
        let (projector, views) = Projector::new(journal.clone(), snapshots.as_deref());
        // Leases are promises to people outside: they lapse by the wall clock.
        let consumers = Consumers::open(journal.clone(), Arc::new(SystemClock)).map_err(HouseError::Consumers)?;
        let consumers = Arc::new(consumers);
        Ok(Self {
            journal,
            content,
            erasures: Arc::new(erasures),
            policies,
            snapshots,
            views,
            projector,
            consumers,
            objects: None,
            copies: None,
            keep_pictures: None,
            keep_transcripts: None,
        })
    }

    /// Starts wardens, reactors and the projector. Call within an actix system.
    pub fn start(
        self,
        clock: Arc<dyn Clock>,
        providers: ProviderChoice,
        control: Arc<dyn StreamControl>,
        limits: BudgetLimits,
        settings: Settings,
    ) -> House {
        let journal: Arc<dyn Journal> = self.journal.clone();
        let provider_present = providers.is_present();
        let mut followers = Vec::new();
        for provider in providers.all() {
            for medium in provider.media().iter().copied() {
                let Some(standing) = provider.standing(medium) else { continue };
                let following = record_standing(journal.clone(), provider.reference(), medium, standing);
                followers.push(tokio::spawn(following));
            }
        }
        let parts = Parts {
            journal: journal.clone(),
            content: Some(self.content.clone()),
            snapshots: self.snapshots.clone(),
            clock,
            wall: Arc::new(SystemClock),
            policies: self.policies.subscribe(),
            providers,
            objects: self.objects,
            copies: self.copies.clone(),
            imaging: Arc::new(Imaging::new(Limits::default(), Algorithm::MedianDct)),
            settings,
        };
        let wardens = Wardens::start(&parts);
        let keeper = Arc::new(EvidenceKeeper::new(&parts, wardens.clone(), self.erasures.clone()));
        let pictures = wardens.pictures().clone();
        self.content.when_erased(move |subject| {
            if let Some(Ok(channel)) = subject.strip_prefix("channel/").map(ChannelId::new) {
                pictures.forget(&channel);
            }
        });
        let pulse = Pulse::default();
        let vitals = Vitals {
            journal: self.journal.clone(),
            views: self.views.clone(),
            wardens: wardens.clone(),
            reactor: pulse.clone(),
            provider_present,
        };
        let (stop, stopped) = watch::channel(false);
        let kept = [(KeptForATime::Pictures, self.keep_pictures), (KeptForATime::Transcripts, self.keep_transcripts)];
        let limited = kept.into_iter().filter_map(|(what, keep)| Some((what, keep?)));
        let retention = limited.map(|(what, keep)| {
            let retention = Retention::new(what, journal.clone(), self.content.clone(), Arc::new(SystemClock), keep);
            tokio::spawn(retention.run(stopped.clone()))
        });
        let mut retention: Vec<_> = retention.collect();
        let sweep = Sweep::new(journal.clone(), self.content.clone(), Arc::new(SystemClock));
        retention.push(tokio::spawn(sweep.run(stopped.clone())));
        let copies = CopyEraser::new(self.erasures.clone(), journal.clone(), self.copies, Arc::new(SystemClock));
        retention.push(tokio::spawn(copies.run(stopped.clone())));
        retention.push(tokio::spawn(keeper.clone().run(stopped.clone())));
        let reactor = EnforcementReactor::new(journal, self.snapshots.clone(), wardens.clone(), control, limits);
        let beat = pulse.guard();
        let reactor = tokio::spawn(async move {
            let ended = reactor.run(stopped).await;
            beat.ended(
                "the enforcement reactor has ended: no stop is carried out until the next start; the log says why",
            );
            if let Err(error) = &ended {
                // Said now and not at the close, which may be weeks away.
                tracing::error!("the enforcement reactor ended: no stop is carried out until the next start: {error}");
            }
            ended
        });
        let (freeze, frozen) = watch::channel(false);
        let projector = self.projector;
        let projector = tokio::spawn(async move {
            let ended = projector.run(frozen).await;
            if let Err(error) = &ended {
                tracing::error!("the views stand still until the next start: {error}");
            }
            ended
        });
        House {
            journal: self.journal,
            content: self.content,
            erasures: self.erasures,
            in_force: self.policies.subscribe(),
            policies: Arc::new(Mutex::new(self.policies)),
            views: self.views,
            consumers: self.consumers,
            wardens,
            vitals,
            stop,
            reactor,
            freeze,
            projector,
            retention,
            keeper,
            connected: Connected::default(),
            followers,
        }
    }
}

impl House {
    /// What the wardens hold to be on the air: for a stand-in that carries no streams itself.
    pub fn on_air(&self) -> OnAir {
        let wardens = self.wardens.clone();
        Box::new(move |channel| {
            let wardens = wardens.clone();
            Box::pin(async move { Some(wardens.inspect(&channel).await?.session?.id) })
        })
    }

    /// Puts everything to rest in order: what comes in first, then the reactors (what a platform has answered is still
    /// recorded), then the wardens (each frame under way comes to its outcome), then what goes out, then the views, which
    /// somebody may be waiting for until then, then the journal. What cannot be finished is taken up at the next start.
    pub async fn close(mut self) {
        self.connected.stop_reading().await;
        let _ = self.stop.send(true); // a reactor that has ended does not listen any more
        match self.reactor.await {
            Ok(Ok(()) | Err(_)) => {} // an error was told when it happened
            Err(broke) => tracing::error!("the enforcement reactor broke: {broke}"),
        }
        for retention in self.retention {
            let _ = retention.await; // a panic in it was reported
        }
        self.wardens.shutdown().await;
        let keeper = self.keeper;
        match tokio::task::spawn_blocking(move || keeper.rest()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!("evidence of this process is looked after by the next: {error}"),
            Err(broke) => tracing::error!("evidence of this process is looked after by the next: {broke}"),
        }
        self.connected.close().await;
        self.followers.iter().for_each(JoinHandle::abort); // a suspension ends with the process
        let _ = self.freeze.send(true); // a projector that has ended does not listen any more
        match self.projector.await {
            Ok(Ok(()) | Err(_)) => {} // an error was told when it happened
            Err(broke) => tracing::error!("the projector broke: {broke}"),
        }
        let journal = self.journal;
        let _ = tokio::task::spawn_blocking(move || journal.close()).await; // a panic in it was reported
    }
}
