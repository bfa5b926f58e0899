//! Backtests of all history, on the server's own journal: one at a time, beside everything else, with the last few
//! remembered until the process ends. Starts and keeps them; what they are is the laboratory's.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schemars::JsonSchema;
use serde::Serialize;

use crate::journal::{Journal, content};
use crate::laboratory::price::Prices;
use crate::laboratory::{self, Backtest, LaboratoryError, Progress, Question, Stretch, whole_answer};
use crate::model::{ChannelPattern, PolicyRef, Position, Timestamp};

/// Backtests that are remembered, the one under way among them. A report is some 100 KB.
pub(in crate::http) const REMEMBERED_MAX: usize = 16;

/// The backtests of this process.
#[derive(Default)]
pub(in crate::http) struct Backtests {
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// Newest last.
    jobs: VecDeque<Arc<Job>>,
    begun: u64,
}

/// One backtest.
pub(in crate::http) struct Job {
    id: u64,
    asked: Asked,
    progress: Progress,
    came_to: Mutex<CameTo>,
}

/// What is asked for.
pub(in crate::http) struct Asked {
    pub question: Question,
    pub policies: Vec<PolicyRef>,
    pub stretch: Stretch,
    pub prices: Prices,
    pub begun_at: Timestamp,
}

enum CameTo {
    Nothing,
    Report(Arc<Backtest>),
    Cancelled,
    Failed,
}

/// How far a backtest has come.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct BacktestStatus {
    /// Its number, from 1 since the server began.
    id: u64,
    /// Where it stands.
    state: BacktestState,
    /// The policies tried, with the versions that they would get.
    policies: Vec<PolicyRef>,
    /// Only channels that one of these holds; all if there is none.
    only: Vec<ChannelPattern>,
    /// When it was asked for.
    begun_at: Timestamp,
    /// The first position that it reads.
    from: Position,
    /// The last.
    to: Position,
    /// The last that it has read.
    reached: Position,
}

/// Where a backtest stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::http) enum BacktestState {
    /// Under way.
    Running,
    /// Its report is there.
    Done,
    /// Called off.
    Cancelled,
    /// It could not be carried out; the server's log says why.
    Failed,
}

/// Another one is under way.
pub(in crate::http) struct UnderWay(pub u64);

impl Backtests {
    /// Begins one, unless one is under way. Returns at once.
    pub fn begin(
        &self,
        asked: Asked,
        journal: Arc<dyn Journal>,
        content: Arc<content::Store>,
    ) -> Result<Arc<Job>, UnderWay> {
        let mut known = held(&self.known);
        if let Some(running) = known.jobs.iter().find(|job| job.state() == BacktestState::Running) {
            return Err(UnderWay(running.id));
        }
        known.begun += 1;
        let came_to = Mutex::new(CameTo::Nothing);
        let job = Arc::new(Job { id: known.begun, asked, progress: Progress::default(), came_to });
        known.jobs.push_back(job.clone());
        let surplus = known.jobs.len().saturating_sub(REMEMBERED_MAX);
        known.jobs.drain(..surplus);
        let running = job.clone();
        tokio::task::spawn_blocking(move || running.run(&*journal, &content));
        Ok(job)
    }

    /// The one of that number, if it is remembered.
    pub fn get(&self, id: u64) -> Option<Arc<Job>> {
        held(&self.known).jobs.iter().find(|job| job.id == id).cloned()
    }

    /// All that are remembered, newest first.
    pub fn all(&self) -> Vec<BacktestStatus> {
        held(&self.known).jobs.iter().rev().map(|job| job.status()).collect()
    }
}

/// With the server ends what it was doing: a backtest would hold the journal open.
impl Drop for Backtests {
    fn drop(&mut self) {
        held(&self.known).jobs.iter().for_each(|job| job.progress.cancel());
    }
}

impl Job {
    /// Calls it off; one that has ended stays as it is.
    pub fn cancel(&self) {
        let mut came_to = held(&self.came_to);
        if let CameTo::Nothing = *came_to {
            self.progress.cancel();
            *came_to = CameTo::Cancelled;
        }
    }

    /// Its report, if it is done.
    pub fn report(&self) -> Option<Arc<Backtest>> {
        match &*held(&self.came_to) {
            CameTo::Report(report) => Some(report.clone()),
            CameTo::Nothing | CameTo::Cancelled | CameTo::Failed => None,
        }
    }

    pub fn status(&self) -> BacktestStatus {
        let Asked { question, policies, stretch, begun_at, .. } = &self.asked;
        BacktestStatus {
            id: self.id,
            state: self.state(),
            policies: policies.clone(),
            only: question.channels.clone(),
            begun_at: *begun_at,
            from: stretch.after.next(),
            to: stretch.to,
            reached: self.progress.reached().max(stretch.after),
        }
    }

    pub fn state(&self) -> BacktestState {
        match *held(&self.came_to) {
            CameTo::Nothing => BacktestState::Running,
            CameTo::Report(_) => BacktestState::Done,
            CameTo::Cancelled => BacktestState::Cancelled,
            CameTo::Failed => BacktestState::Failed,
        }
    }

    fn run(&self, journal: &dyn Journal, content: &content::Store) {
        let Asked { question, policies, stretch, prices, .. } = &self.asked;
        let whole = |kept: &_| whole_answer(content, kept);
        let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            fail::fail_point!(&format!("backtest.begins {}", policies[0].id)); // a file of no policy is refused before
            laboratory::run(journal, question, *stretch, &whole, &self.progress)
        }));
        let came_to = match ran {
            Ok(Ok(found)) => {
                let only = question.channels.clone();
                CameTo::Report(Arc::new(Backtest::of(found, policies.clone(), only, prices)))
            }
            Ok(Err(LaboratoryError::Cancelled { .. })) => CameTo::Cancelled,
            Ok(Err(error)) => {
                tracing::error!(backtest = self.id, "a backtest failed: {}", whole_chain(&error));
                CameTo::Failed
            }
            Err(_) => CameTo::Failed, // the panic itself has been reported where it happened
        };
        let mut stands = held(&self.came_to);
        if let CameTo::Nothing = *stands {
            *stands = came_to; // called off meanwhile, it stays called off
        }
    }
}

/// An error with what led to it, in a line.
fn whole_chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |chain, cause| format!("{chain}: {cause}"))
}

/// Locked for a look or a change, never while anything runs; what a panic left is whole all the same.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
