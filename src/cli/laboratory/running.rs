//! A run of the laboratory with a bar and an ear for signals.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};

use crate::actors::PolicyDesk;
use crate::cli::interrupt::Signals;
use crate::clock::SystemClock;
use crate::journal::{Inspection, Journal, Options, content};
use crate::laboratory::{self, Found, LaboratoryError, Progress, Question, Stretch, stretch, whole_answer};
use crate::model::Timestamp;
use crate::policy::PolicySet;

/// sled's cache while a store is looked at, in bytes: events are read once, in order.
const CACHE_BYTES: u64 = 16 << 20;
/// How often the bar moves.
const BAR_MOVES: Duration = Duration::from_millis(100);

/// It was interrupted before there was anything to write.
#[derive(Debug, thiserror::Error)]
#[error("interrupted: nothing was written")]
pub(in crate::cli) struct CalledOff;

/// A closed store.
pub(super) struct Recording {
    /// Its journal.
    pub journal: Arc<Inspection>,
    /// What is too large for it.
    pub content: Arc<content::Store>,
    /// The policies in force at its end.
    pub in_force: Arc<PolicySet>,
}

impl Recording {
    pub fn open(data: &Path) -> anyhow::Result<Self> {
        let options = Options { cache_bytes: CACHE_BYTES, ..Options::new(data, Arc::new(SystemClock)) };
        let journal = Arc::new(Inspection::open(&options)?);
        let content = content::Store::open(&data.join("content"), &data.join("keys"));
        let content = Arc::new(content.context("opening the content store")?);
        let desk = PolicyDesk::open(journal.clone(), content.clone()).context("reading the policies in force")?;
        let in_force = desk.subscribe().borrow().clone();
        Ok(Self { journal, content, in_force })
    }
}

/// Runs to the end, or until somebody asks for an end.
pub(super) fn run(
    recording: Recording,
    question: Question,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
) -> anyhow::Result<Found> {
    let asked = stretch(&*recording.journal, from, to)?;
    watched("trying the policy", asked, move |progress| {
        let Recording { journal, content, .. } = recording;
        let whole = |kept: &_| whole_answer(&content, kept);
        let journal: &dyn Journal = &*journal;
        laboratory::run(journal, &question, asked, &whole, progress)
    })
}

/// Work on a stretch, to its end or until somebody asks for an end, with a bar that moves meanwhile.
pub(super) fn watched<T: Send + 'static>(
    doing: &'static str,
    asked: Stretch,
    work: impl FnOnce(&Progress) -> Result<T, LaboratoryError> + Send + 'static,
) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting a runtime")?;
    runtime.block_on(watching(doing, asked, work))
}

async fn watching<T: Send + 'static>(
    doing: &'static str,
    asked: Stretch,
    work: impl FnOnce(&Progress) -> Result<T, LaboratoryError> + Send + 'static,
) -> anyhow::Result<T> {
    let signals = Signals::listen().context("listening for signals")?;
    let progress = Arc::new(Progress::default());
    let seen = progress.clone();
    let mut work = tokio::task::spawn_blocking(move || work(&seen));
    let bar = bar(asked);
    let mut moves = tokio::time::interval(BAR_MOVES);
    let interrupted = signals.asked();
    tokio::pin!(interrupted);
    let mut asked_to_end = false;
    let done = loop {
        tokio::select! {
            done = &mut work => break done,
            () = &mut interrupted, if !asked_to_end => {
                asked_to_end = true;
                progress.cancel();
            }
            _ = moves.tick() => bar.set_position(progress.reached().0.saturating_sub(asked.after.0)),
        }
    };
    bar.finish_and_clear();
    match done.context(doing)? {
        // Whatever was found meanwhile: who asks for an end gets one.
        _ if asked_to_end => Err(CalledOff.into()),
        Err(LaboratoryError::Cancelled { .. }) => Err(CalledOff.into()),
        done => Ok(done?),
    }
}

fn bar(asked: Stretch) -> ProgressBar {
    let bar = ProgressBar::new(asked.to.0 - asked.after.0); // standard error, and nothing where that is no terminal
    let style = ProgressStyle::with_template("{bar:40} {percent:>3} % of {human_len} events, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}
