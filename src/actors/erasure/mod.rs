//! Erasing what is kept about a channel or a person: what was asked for is carried out once, whatever comes between.
//!
//! In this order: that it shall be done is durable, the keys are destroyed, that they are is durable; then copies in
//! buckets are deleted ([`copies`]), and that is durable too. So a crash leaves a request without its end, and whoever
//! opens the store next ends it. The other order, keys first, could lose the fact that they ever were there: a content
//! that nobody can read, and no event that says why.
//!
//! What a crash interrupted is taken up at the opening, before anything can be written: a key that is there then is the
//! one that was meant. In a running process it is remembered which keys went, so that a request whose end could not be
//! recorded at once (a full disk) does not take the key of what was written since. Only where both come together, such a
//! failure and then a crash, the newer content goes as well; of two mistakes that is the one to make.
//!
//! Knows subjects, keys and events; must not know who asks or what the content is.

mod copies;
mod standing;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use tokio::sync::watch;

use crate::events::{
    Actor, CodecError, ContentErased, CopiesErased, Erasing, ErasureRequested, Event, HeldContent, NewEvent,
};
use crate::journal::content::{self, ContentError, Held, KeyId};
use crate::journal::{Append, AppendError, Appended, Expected, Journal, READ_LIMIT_MAX, ReadError};
use crate::model::{ContentRef, ErasureReason, EventId, Position, Scope, SystemScope, Timestamp};
use crate::telemetry::metrics;

pub use copies::CopyEraser;
pub use standing::{ErasedCopies, ErasedSubject, Erasure};

/// Why an erasure was not carried out, or not to its end. What is asked for durably is taken up again.
#[derive(Debug, thiserror::Error)]
pub enum ErasureError {
    /// The journal cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// An event about an erasure is not understood.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// A key cannot be destroyed.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// What was asked for, or what was done, cannot be recorded.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The request's identity belongs to another.
    #[error("this request came before, for something else or for another reason")]
    Another(Box<Erasure>),
    /// Nothing was ever kept of it.
    #[error("nothing is kept here of {0}, and nothing was")]
    Unknown(String),
}

/// What an erasure leaves where it is, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Remains {
    /// What.
    pub what: &'static str,
    /// Why, and what becomes of it.
    pub why: &'static str,
}

/// A key that was to go, and whose event is not durable yet.
#[derive(Debug, Clone, Copy)]
struct Going {
    under: Under,
    destroyed: bool,
}

/// What lay under a key that was to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Under {
    /// To be counted, once the key is gone.
    Key(KeyId),
    /// Counted; nothing where there was no key.
    Counted(HeldContent),
    /// That cannot be said: the key went with a process that ended, or cannot be read.
    Unknown,
}

/// Carries erasures out. Blocks on the disk: off the arbiters. One per open store.
pub struct Erasures {
    journal: Arc<dyn Journal>,
    content: Arc<content::Store>,
    /// One act at a time. Holds the keys that were to go and whose event is not durable yet.
    acting: Mutex<HashMap<(EventId, String), Going>>,
    known: RwLock<standing::Known>,
    /// Raised when there is something to do.
    wanted: watch::Sender<()>,
    /// Held by whoever copies a picture long after its outcome, and by whoever looks for copies to delete them.
    copying: tokio::sync::Mutex<()>,
}

impl Erasures {
    /// Reads which there are, and ends those that a crash interrupted. Call before anything is written to the content
    /// store. What the disk refuses is left to [`CopyEraser`].
    pub fn open(journal: Arc<dyn Journal>, content: Arc<content::Store>) -> Result<Self, ErasureError> {
        let erasures = Self {
            journal,
            content,
            acting: Mutex::default(),
            known: RwLock::default(),
            wanted: watch::Sender::new(()),
            copying: tokio::sync::Mutex::default(),
        };
        erasures.follow()?;
        match erasures.finish() {
            // Channels are watched all the same: it is tried again every minute, and measured until it is done.
            Err(error @ (ErasureError::Append(AppendError::NoSpace { .. }) | ErasureError::Content(_))) => {
                metrics().content.erasure_failed();
                tracing::error!("an erasure that was interrupted is not ended yet: {error}");
            }
            finished => finished?,
        }
        Ok(erasures)
    }

    /// Which erasures a journal tells of that is only looked at, the newest first. Blocks.
    pub fn asked_for(journal: &dyn Journal) -> Result<Vec<Erasure>, ErasureError> {
        let mut known = standing::Known::default();
        follow(journal, &mut known)?;
        Ok(known.newest_first().cloned().collect())
    }

    /// Erases what was asked for, by the request's identity once. When this returns, its keys are destroyed, and that is
    /// durable; copies in buckets are deleted by [`CopyEraser`] where one runs. True if this very request had come before.
    ///
    /// # Errors
    /// Also after the request is durable: then it is taken up again, by the same request, by the eraser of copies, or by
    /// the next opening.
    pub fn erase(
        &self,
        request: EventId,
        what: &Erasing,
        reason: &ErasureReason,
        by: &Actor,
    ) -> Result<(Erasure, bool), ErasureError> {
        let mut went = self.acting();
        self.follow()?;
        let (erasure, repeated) = match self.of(request) {
            Some(before) => {
                let same = before.requested.what == *what && before.requested.reason == *reason;
                if !same {
                    return Err(ErasureError::Another(Box::new(before)));
                }
                (before, true)
            }
            None => {
                self.must_be_known(what)?;
                let requested = ErasureRequested { what: what.clone(), reason: reason.clone() };
                self.append(request, requested.into(), by, None)?;
                fail::fail_point!(&format!("erasure.requested {reason}"));
                (self.of(request).ok_or_else(|| unknown(what))?, false)
            }
        };
        let carried_out = self.carry_out(&[erasure], repeated, &mut went);
        drop(went);
        // It is durable that it shall be done: what could not be done now shows, and is tried again in a minute.
        self.measure();
        self.wanted.send_replace(());
        carried_out?;
        self.of(request).map(|erasure| (erasure, repeated)).ok_or_else(|| unknown(what))
    }

    /// Destroys the keys that requests before this still name. What is refused keeps nothing else from going.
    ///
    /// # Errors
    /// The first there was.
    pub fn finish(&self) -> Result<(), ErasureError> {
        let mut went = self.acting();
        let carried_out = self.carry_out(&self.unfinished(), true, &mut went);
        self.measure();
        carried_out
    }

    /// The erasure that this event asked for.
    pub fn of(&self, request: EventId) -> Option<Erasure> {
        self.known(|known| known.of(request).cloned())
    }

    /// The newest erasures, at most `limit`, and every older one with something left to do; the newest first.
    pub fn newest_first(&self, limit: usize) -> Vec<Erasure> {
        self.known(|known| {
            let all = known.newest_first().enumerate();
            let listed = all.filter(|(at, erasure)| *at < limit || !erasure.is_finished());
            listed.map(|(_, erasure)| erasure.clone()).collect()
        })
    }

    /// Those with something left to do, the oldest first.
    pub fn unfinished(&self) -> Vec<Erasure> {
        self.known(|known| known.unfinished().cloned().collect())
    }

    /// When a content was erased that an event at `stored` says to be kept; none if no event says so.
    pub fn erased_at(&self, content: &ContentRef, stored: Position) -> Option<Timestamp> {
        self.known(|known| known.erased_at(&content.subject, stored))
    }

    /// When its subject was first erased after `stored`, whether the content was still there or not.
    pub fn erased_after(&self, content: &ContentRef, stored: Position) -> Option<Timestamp> {
        self.known(|known| known.erased_after(&content.subject, stored))
    }

    /// Whether somebody asked after `stored` that a subject be erased, carried out or not.
    pub(super) fn was_asked_after(&self, subject: &str, stored: Position) -> bool {
        self.known(|known| known.was_asked_after(subject, stored))
    }

    /// Waits until nobody copies a picture late and nobody looks for copies, and keeps it so.
    pub(super) async fn copying(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.copying.lock().await
    }

    /// What an erasure leaves, and why.
    pub fn remains(what: &Erasing) -> Vec<Remains> {
        const EVENTS: Remains = Remains {
            what: "events",
            why: "they are the chained record of what was decided and why; they hold labels, times, digests and ids, no \
                  picture and no word that was said or written",
        };
        const EXPORTS: Remains = Remains {
            what: "exports and backups made before",
            why: "they hold the keys of their time and are out of reach here: delete them, or complete them with a newer \
                  export, which brings the tombstones",
        };
        const INPUTS: Remains = Remains {
            what: "thumbnails, recordings and frames handed in, in the buckets they came through",
            why: "they are not ours, or not evidence: the buckets' own lifecycle rules delete them",
        };
        const NEWER: Remains = Remains {
            what: "what is kept from now on",
            why: "the channel is watched as before, under a new key; to keep nothing of it, end its policy or what is kept",
        };
        const REJECTED: Remains = Remains {
            what: "copies of notifications that could not be understood",
            why: "nobody can say of which channel they are; they lie under one key for all",
        };
        const POLICIES: Remains = Remains {
            what: "reasons given for policies",
            why: "they belong to the policy, whose text decisions are explained by",
        };
        const PROVIDERS: Remains = Remains {
            what: "what providers were shown",
            why: "it is theirs to keep or delete, by the agreement with them",
        };
        match what {
            Erasing::Channel { .. } => vec![EVENTS, NEWER, INPUTS, PROVIDERS, REJECTED, EXPORTS],
            Erasing::Person(_) => vec![EVENTS, POLICIES, EXPORTS],
        }
    }

    /// What is told when there is something to do.
    fn wanted(&self) -> watch::Receiver<()> {
        self.wanted.subscribe()
    }

    /// Destroys the keys that are left, and then records each: counting what lay under them may take long, and what was
    /// asked for is that they go. `taken_up`: a key that is gone may have been there when it was asked for.
    fn carry_out(
        &self,
        erasures: &[Erasure],
        taken_up: bool,
        went: &mut HashMap<(EventId, String), Going>,
    ) -> Result<(), ErasureError> {
        let left: Vec<_> = erasures
            .iter()
            .flat_map(|erasure| erasure.subjects_left().into_iter().map(move |subject| (erasure, subject)))
            .collect();
        let mut first = Ok(());
        for (erasure, subject) in &left {
            first = first.and(self.destroy(erasure, subject, taken_up, went));
        }
        for (erasure, subject) in &left {
            first = first.and(self.record(erasure, subject, went));
        }
        first
    }

    /// Destroys one key, unless it went before and only its event is missing.
    fn destroy(
        &self,
        erasure: &Erasure,
        subject: &str,
        taken_up: bool,
        went: &mut HashMap<(EventId, String), Going>,
    ) -> Result<(), ErasureError> {
        let found = self.content.key_of(subject);
        let going = went.entry((erasure.request, subject.to_owned())).or_insert_with(|| {
            let under = match &found {
                Ok(Some(id)) => Under::Key(*id),
                Ok(None) if !taken_up => Under::Counted(HeldContent::default()),
                Ok(None) | Err(_) => Under::Unknown,
            };
            Going { under, destroyed: false }
        });
        if going.destroyed {
            return Ok(());
        }
        // Another key than the one that was to go is of what was kept since: that one is under its tombstone.
        let replaced = matches!((going.under, &found), (Under::Key(id), Ok(Some(now))) if id != *now);
        if !replaced {
            self.content.erase(subject)?;
        }
        going.destroyed = true;
        fail::fail_point!(&format!("erasure.destroyed {}", erasure.requested.reason));
        Ok(())
    }

    /// Records that one key is destroyed, with what had lain under it; nothing while it is not.
    fn record(
        &self,
        erasure: &Erasure,
        subject: &str,
        went: &mut HashMap<(EventId, String), Going>,
    ) -> Result<(), ErasureError> {
        let key = (erasure.request, subject.to_owned());
        let Some(going) = went.get_mut(&key).filter(|going| going.destroyed) else { return Ok(()) };
        if let Under::Key(id) = going.under {
            let Held { contents, bytes } = self.content.held_under(id)?;
            going.under = Under::Counted(HeldContent { contents, bytes });
        }
        let held = match going.under {
            Under::Counted(held) => Some(held),
            Under::Key(_) | Under::Unknown => None,
        };
        let id = EventId::of_command("content erased", &[erasure.request.as_bytes(), subject.as_bytes()]);
        let (request, reason) = (Some(erasure.request), erasure.requested.reason.to_string());
        let erased = ContentErased { subject: subject.to_owned(), reason, request, held };
        self.append(id, erased.into(), &erasure.by, Some(erasure.request))?;
        went.remove(&key);
        Ok(())
    }

    /// Records that the copies of an erasure are deleted.
    fn copies_erased(&self, erasure: &Erasure, copies: u64) -> Result<(), ErasureError> {
        let Some(channel) = erasure.requested.what.copies_of().cloned() else { return Ok(()) };
        let _one_at_a_time = self.acting();
        let id = EventId::of_command("copies erased", &[erasure.request.as_bytes()]);
        let erased = CopiesErased { request: erasure.request, channel, copies };
        self.append(id, erased.into(), &Actor::service("evidence"), Some(erasure.request))?;
        self.measure();
        Ok(())
    }

    /// Appends, and folds what is in the journal by then.
    fn append(&self, id: EventId, event: Event, by: &Actor, because: Option<EventId>) -> Result<(), ErasureError> {
        let new = NewEvent {
            id,
            event,
            captured_at: None,
            actor: by.clone(),
            causation: because,
            correlation: Some(because.unwrap_or(id)),
        };
        let append = Append { scope: SystemScope::Store.into(), expected: Expected::Any, events: vec![new] };
        match self.journal.append(append).wait() {
            Ok(Appended::New { .. } | Appended::Repeated { .. }) => self.follow(),
            Err(refused) => Err(refused.into()),
        }
    }

    /// Folds what has become durable since.
    fn follow(&self) -> Result<(), ErasureError> {
        follow(&*self.journal, &mut self.known.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Refuses what nobody could have meant: a slip of the pen would be answered as done.
    fn must_be_known(&self, what: &Erasing) -> Result<(), ErasureError> {
        if let Erasing::Channel { channel, .. } = what
            && self.journal.scope_head(&Scope::Channel(channel.clone())).0 > 0
        {
            return Ok(());
        }
        for subject in what.subjects() {
            if self.content.knows(&subject) {
                return Ok(());
            }
        }
        Err(unknown(what))
    }

    fn measure(&self) {
        metrics().content.erasures_unfinished(self.known(|known| known.unfinished().count()));
    }

    fn known<T>(&self, look: impl FnOnce(&standing::Known) -> T) -> T {
        look(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn acting(&self) -> MutexGuard<'_, HashMap<(EventId, String), Going>> {
        self.acting.lock().unwrap_or_else(PoisonError::into_inner) // what is in there is true whatever panicked
    }
}

fn follow(journal: &dyn Journal, known: &mut standing::Known) -> Result<(), ErasureError> {
    let scope = Scope::from(SystemScope::Store);
    loop {
        let page = journal.read_scope(&scope, known.sequence, READ_LIMIT_MAX)?;
        if page.is_empty() {
            return Ok(());
        }
        page.iter().try_for_each(|recorded| known.apply(recorded))?;
    }
}

fn unknown(what: &Erasing) -> ErasureError {
    ErasureError::Unknown(match what {
        Erasing::Channel { channel, .. } => format!("the channel {channel}"),
        Erasing::Person(person) => format!("what {person} wrote"),
    })
}
