//! Asking about a frame along its policy's arrangement: one provider after the other, within the frame's time.
//!
//! The plan is `policy::arrangement`'s; here is who that is, how long each may take, and what becomes of a long answer.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::super::ask::{Shown, Unanswered, ask};
use super::super::system::ProviderChoice;
use crate::events::{FailedStage, OpinionRole};
use crate::journal::content;
use crate::model::{ChannelId, ContentRef, ProviderName, ProviderRef, Transcript, subjects};
use crate::policy::arrangement::{Asked, Gist, Judges, Step, Who, role_of};
use crate::policy::{Policy, read_hits};
use crate::providers::{Answer, Provider, Subject};
use crate::reputation::budget::Purse;
use crate::warden::{Answered, Beside, InVain, Opinion, Said};

/// A frame that is asked about.
pub(super) struct Asking {
    pub subject: Subject,
    pub policy: Arc<Policy>,
    pub image: Shown,
    /// For everybody together.
    pub deadline: Duration,
    /// Those who may be asked.
    pub among: Among,
    /// Where a long answer is kept.
    pub keeping: Keeping,
    /// Every provider that a frame is shown to counts as one call, whoever it is and however often it tries. The frame's
    /// first is counted where it is granted; here the others are, which nothing withholds from a frame that was granted
    /// one: what its arrangement asks belongs to judging it.
    pub purse: Option<Arc<Mutex<Purse>>>,
}

/// What came of it.
pub(super) enum Heard {
    /// An answer decides.
    Decided { answer: Box<Answered>, beside: Beside, took: Duration },
    /// None may. The attempts are in the record, where the policy names who judges.
    Unanswered { unanswered: Unanswered, asked: Option<Box<InVain>> },
}

/// The providers that a policy may ask about a channel.
pub(super) struct Among(Vec<Candidate>);

/// By which name it is asked, none for the one that the configuration names; and the provider, if the house has it.
type Candidate = (Option<ProviderName>, Option<Arc<dyn Provider>>);

/// Where long answers are kept, and under whose key.
#[derive(Clone)]
pub(super) struct Keeping {
    content: Option<Arc<content::Store>>,
    subject: String,
    /// Under whose key what was said is kept: it can be erased alone.
    transcripts: String,
}

/// What one provider came to.
pub(super) struct One {
    name: String,
    provider: ProviderRef,
    said: Result<Answered, Unanswered>,
    took: Duration,
}

impl Asking {
    /// Asks until an answer decides, or nobody is left.
    pub(super) async fn along_the_plan(self) -> Heard {
        let Self { subject, policy, image, deadline, among, keeping, purse } = self;
        let begun = Instant::now();
        let may_stop = policy.stops_by_itself();
        let mut heard: Vec<One> = Vec::new();
        // The plan names nobody twice: it ends after the five at most that it knows.
        loop {
            let asked: Vec<Asked<'_>> = heard.iter().map(|one| one.asked(&policy)).collect();
            match policy.arrangement.next(subject.frame, may_stop, &asked) {
                Step::Ask { who, of } => {
                    if !heard.is_empty() {
                        spend(purse.as_deref());
                    }
                    let left = deadline.saturating_sub(begun.elapsed());
                    let one = among.ask(who, &subject, image.clone(), left / of.max(1), &keeping).await;
                    if !one.was_called() {
                        give_back(purse.as_deref());
                    }
                    heard.push(one.read_by(&policy));
                }
                Step::Decided { by, arranged } => {
                    let decides = heard.remove(by);
                    let after = |at: usize| at >= by; // the one that decides is gone from among them
                    let opinions = heard.into_iter().enumerate().map(|(at, one)| one.opinion(after(at))).collect();
                    let beside = Beside { arranged, opinions };
                    match decides.said {
                        Ok(answer) => return Heard::Decided { answer: Box::new(answer), beside, took: decides.took },
                        Err(unanswered) => return Heard::Unanswered { unanswered, asked: None }, // no plan decides so
                    }
                }
                Step::Unanswered => return unanswered(policy.clone(), heard),
            }
        }
    }
}

/// One more call is made.
pub(super) fn spend(purse: Option<&Mutex<Purse>>) {
    if let Some(purse) = purse {
        purse.lock().unwrap_or_else(PoisonError::into_inner).spend();
    }
}

/// A call was counted that came to none.
pub(super) fn give_back(purse: Option<&Mutex<Purse>>) {
    if let Some(purse) = purse {
        purse.lock().unwrap_or_else(PoisonError::into_inner).give_back();
    }
}

/// Nobody answered who may decide: why, and each attempt.
fn unanswered(policy: Arc<Policy>, heard: Vec<One>) -> Heard {
    let failures = heard.iter().filter_map(|one| Some((one.name.as_str(), one.said.as_ref().err()?)));
    let failures: Vec<(&str, &Unanswered)> = failures.collect();
    let stage = failures.last().map_or(FailedStage::NoProvider, |(_, last)| last.stage);
    let attempts = failures.iter().fold(0u8, |all, (_, one)| all.saturating_add(one.attempts));
    if policy.arrangement.judges == Judges::Configured {
        let reason = failures.last().map_or(String::new(), |(_, last)| last.reason.clone());
        return Heard::Unanswered { unanswered: Unanswered { stage, reason, attempts }, asked: None };
    }
    let each = failures.iter().map(|(name, one)| format!("{name}: {}", one.reason));
    let reason = each.collect::<Vec<_>>().join("; ");
    let opinions = heard.into_iter().map(|one| one.opinion(false)).collect();
    let asked = Some(Box::new(InVain { policy, opinions }));
    Heard::Unanswered { unanswered: Unanswered { stage, reason, attempts }, asked }
}

impl Among {
    /// Everybody that the policy's arrangement may ask about a frame of the channel.
    pub(super) fn of(choice: &ProviderChoice, channel: &ChannelId, policy: &Policy) -> Self {
        let who = |who: Who<'_>| match who {
            Who::Configured => (None, choice.of(channel)),
            Who::Named(name) => (Some(name.clone()), choice.named(name)),
        };
        Self(policy.arrangement.everybody().into_iter().map(who).collect())
    }

    /// One provider that a policy names.
    pub(super) fn only(choice: &ProviderChoice, name: &ProviderName) -> Self {
        Self(vec![(Some(name.clone()), choice.named(name))])
    }

    /// Whether each of them would be called at once, with nobody waiting before. One that is not there is not called.
    pub(super) fn is_free(&self) -> bool {
        self.0.iter().filter_map(|(_, provider)| provider.as_ref()).all(|provider| provider.is_free())
    }

    /// The most bytes of an object that each of them reads in its bucket itself; none if one reads none. One that is not
    /// there is not asked.
    pub(super) fn object_bytes_max(&self) -> Option<u64> {
        let there = self.0.iter().filter_map(|(_, provider)| provider.as_ref());
        let each = there.map(|provider| provider.object_bytes_max()).collect::<Option<Vec<u64>>>()?;
        each.into_iter().min()
    }

    /// Asks one, within its time, and keeps a long answer.
    pub(super) async fn ask(
        &self,
        who: Who<'_>,
        subject: &Subject,
        image: Shown,
        within: Duration,
        keeping: &Keeping,
    ) -> One {
        let begun = Instant::now();
        let name = match who {
            Who::Configured => None,
            Who::Named(name) => Some(name),
        };
        let provider = self.0.iter().find(|(known, _)| known.as_ref() == name).and_then(|(_, known)| known.clone());
        let reference = match (&provider, name) {
            (Some(provider), _) => provider.reference(),
            (None, Some(name)) => nobody(name.as_str()),
            (None, None) => nobody("none"),
        };
        let said = match (provider, name) {
            (None, Some(name)) => {
                let reason = format!("there is no provider here that is called {name}");
                Err(Unanswered { stage: FailedStage::NoProvider, reason, attempts: 0 })
            }
            (provider, _) => {
                let floor = provider.as_ref().and_then(|provider| provider.floor());
                match ask(provider, subject, image, within).await {
                    Ok(answer) => {
                        let Answer { provider, labels, unmapped, content_types, .. } = answer; // it was shown a picture
                        let kept = None;
                        let (moments, spoken) = (Vec::new(), None);
                        let answer =
                            Answered { provider, labels, kept, unmapped, content_types, floor, moments, spoken };
                        keeping.keep(answer, within.saturating_sub(begun.elapsed())).await
                    }
                    Err(unanswered) => Err(unanswered),
                }
            }
        };
        let name = name.map_or_else(|| reference.name.to_string(), ToString::to_string);
        One { name, provider: reference, said, took: begun.elapsed() }
    }
}

/// How one is named that is not there.
fn nobody(name: &str) -> ProviderRef {
    ProviderRef { name: name.into(), model: "".into(), taxonomy: "".into() }
}

impl Keeping {
    pub(super) fn of(content: Option<Arc<content::Store>>, channel: &ChannelId) -> Self {
        Self { content, subject: subjects::of_channel(channel), transcripts: subjects::of_transcripts(channel) }
    }

    /// An answer that is too long for an event is kept whole beside the journal, before anything is decided by it.
    pub(super) async fn keep(&self, answer: Answered, within: Duration) -> Result<Answered, Unanswered> {
        let Some(content) = self.content.clone().filter(|_| Answered::is_long(&answer.labels)) else {
            return Ok(answer);
        };
        let whole = serde_json::to_vec(&answer.labels).unwrap_or_default();
        let subject = self.subject.clone();
        let keeping = tokio::task::spawn_blocking(move || content.put(&subject, &whole));
        let unkept = |stage, reason| Unanswered { stage, reason, attempts: 1 };
        // Within the frame's time: a disk that hangs must not hold the channel up. What is put all the same is an orphan,
        // which a verification counts.
        let kept = tokio::time::timeout(within, keeping)
            .await
            .map_err(|_| unkept(FailedStage::Deadline, "a long answer was not kept in time".to_owned()))?
            .map_err(|broke| unkept(FailedStage::Provider, broke.to_string()))?
            .map_err(|error| unkept(FailedStage::Provider, format!("keeping a long answer: {error}")))?;
        Ok(Answered { kept: Some(kept), ..answer })
    }

    /// What was said in a segment is kept; none where there is no place for it.
    pub(super) async fn keep_transcript(
        &self,
        transcript: &Transcript,
        within: Duration,
    ) -> Result<Option<ContentRef>, String> {
        let Some(content) = self.content.clone() else { return Ok(None) };
        let whole = serde_json::to_vec(transcript).map_err(|error| error.to_string())?;
        let subject = self.transcripts.clone();
        let keeping = tokio::task::spawn_blocking(move || content.put(&subject, &whole));
        let kept = tokio::time::timeout(within, keeping).await.map_err(|_| "not in time".to_owned())?;
        kept.map_err(|broke| broke.to_string())?.map(Some).map_err(|error| error.to_string())
    }
}

impl One {
    /// Whether anybody was called at all.
    pub(super) fn was_called(&self) -> bool {
        match &self.said {
            Ok(_) => true,
            Err(unanswered) => unanswered.attempts > 0,
        }
    }

    /// Where a policy names who judges, an answer in words that it cannot read is none: another is asked in its place. Of
    /// whoever must agree it stays one, for the record; it agrees with nothing.
    fn read_by(mut self, policy: &Policy) -> Self {
        let seconds = policy.arrangement.second.as_ref().is_some_and(|second| second.as_str() == self.name);
        if let Ok(answer) = &self.said
            && policy.arrangement.judges != Judges::Configured
            && !seconds
            && !policy.reads(&answer.provider.taxonomy)
        {
            let theirs = &answer.provider.taxonomy;
            let reason = format!("labels come in {theirs}, {} has rules for {}", policy.reference, policy.taxonomy);
            self.said = Err(Unanswered { stage: FailedStage::Provider, reason, attempts: 1 });
        }
        self
    }

    /// As the plan sees it.
    fn asked(&self, policy: &Policy) -> Asked<'_> {
        let said = self.said.as_ref().ok().map(|answer| {
            let hits = read_hits(policy, &answer.provider.taxonomy, &answer.labels).unwrap_or_default();
            Gist::of(&answer.labels, hits.iter().any(|hit| hit.rule.stops_by_itself()))
        });
        Asked { name: &self.name, said }
    }

    /// As it is recorded, if it did not decide; `after`: when another's answer already stood.
    fn opinion(self, after: bool) -> Opinion {
        let role = role_of(self.said.is_ok(), after);
        self.into_opinion(role)
    }

    pub(super) fn into_opinion(self, role: OpinionRole) -> Opinion {
        let took_ms = u32::try_from(self.took.as_millis()).unwrap_or(u32::MAX);
        let said = match self.said {
            Ok(answer) => Said::Answer(answer),
            Err(Unanswered { stage, reason, attempts }) => {
                Said::Nothing { provider: self.provider, stage, reason, attempts }
            }
        };
        Opinion { role, said, took_ms }
    }
}
