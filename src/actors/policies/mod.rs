//! The policies in force, and those in shadow: published into the journal, read back from it, handed to every warden as
//! one snapshot.

mod history;
mod shadows;

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

use crate::events::{Actor, CodecError, Event, NewEvent, PolicyPublished, PolicyRetired, PolicyShadowed};
use crate::journal::content::{self, Content};
use crate::journal::{Append, AppendError, Expected, Journal, READ_LIMIT_MAX, ReadError};
use crate::model::{ContentRef, EventId, PolicyId, PolicyRef, Scope, Sequence, SystemScope};
use crate::policy::file::{self, PolicyFileError};
use crate::policy::{Policy, PolicySet};

pub use history::{PolicyAct, PolicyHistory, PolicyVersion, PolicyVersions};
pub use shadows::SHADOWS_MAX;

/// The most bytes that the reason for publishing or retiring may have.
pub const REASON_BYTES_MAX: usize = 2000;

/// Why policies could not be published or read back.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The text has mistakes.
    #[error("the policies in {file} have mistakes")]
    Text {
        /// The file's name.
        file: String,
        /// The mistakes, each with its place and a hint.
        source: PolicyFileError,
    },
    /// The text could not be kept.
    #[error("keeping or reading the text of {file}")]
    Content {
        /// The policy version whose text it is.
        file: String,
        /// Why.
        source: content::ContentError,
    },
    /// The reason given is too long.
    #[error("a reason may have at most {REASON_BYTES_MAX} bytes, this one has {found}")]
    ReasonTooLong {
        /// Its bytes.
        found: usize,
    },
    /// No more policies may run in shadow.
    #[error("at most {SHADOWS_MAX} policies may run in shadow, these would be {wanted}; end one of them first")]
    TooManyShadows {
        /// How many there would be.
        wanted: usize,
    },
    /// The text of a published policy is gone.
    #[error("the text of {0} was erased; publish it again")]
    Erased(PolicyRef),
    /// A published text no longer holds its policy.
    #[error("the text published as {0} does not hold that policy")]
    Missing(PolicyRef),
    /// The journal refused.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The journal could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// An event of the policies scope cannot be understood.
    #[error(transparent)]
    Codec(#[from] CodecError),
}

/// Where a policy stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It decides.
    InForce,
    /// It judges beside the one that does.
    InShadow,
}

/// Publishes policies and keeps the set in force.
pub struct PolicyDesk {
    journal: Arc<dyn Journal>,
    content: Arc<content::Store>,
    in_force: BTreeMap<PolicyId, Published>,
    shadows: BTreeMap<PolicyId, Published>,
    history: PolicyHistory,
    sequence: Sequence,
    set: watch::Sender<Arc<PolicySet>>,
}

struct Published {
    text: Vec<u8>,
    policy: Arc<Policy>,
}

impl PolicyDesk {
    /// Reads the policies in force from the journal. Blocks.
    pub fn open(journal: Arc<dyn Journal>, content: Arc<content::Store>) -> Result<Self, PublishError> {
        let mut desk = Self {
            journal,
            content,
            in_force: BTreeMap::new(),
            shadows: BTreeMap::new(),
            history: PolicyHistory::default(),
            sequence: Sequence(0),
            set: watch::Sender::new(Arc::new(PolicySet::default())),
        };
        desk.follow()?;
        let in_force: Vec<(PolicyRef, ContentRef)> =
            desk.history.in_force().map(|version| (version.policy.clone(), version.text.clone())).collect();
        for (reference, text) in in_force {
            let published = desk.read(&reference, &text)?;
            desk.in_force.insert(reference.id, published);
        }
        let in_shadow: Vec<(PolicyRef, ContentRef)> =
            desk.history.in_shadow().map(|version| (version.policy.clone(), version.text.clone())).collect();
        for (reference, text) in in_shadow {
            // Nothing follows from a shadow: one that cannot be read keeps nobody from watching.
            match desk.read(&reference, &text) {
                Ok(shadowed) => drop(desk.shadows.insert(reference.id, shadowed)),
                Err(error) => tracing::error!(policy = %reference, "a policy in shadow does not judge: {error}"),
            }
        }
        desk.announce();
        Ok(desk)
    }

    /// The policies in force, as wardens follow them.
    pub fn subscribe(&self) -> watch::Receiver<Arc<PolicySet>> {
        self.set.subscribe()
    }

    /// A policy as it is in force.
    pub fn in_force(&self, id: &PolicyId) -> Option<&Arc<Policy>> {
        self.in_force.get(id).map(|published| &published.policy)
    }

    /// Every version that was ever published.
    pub fn history(&self) -> &PolicyHistory {
        &self.history
    }

    /// Publishes what a file holds, in the name of `by` and for the reason they give. A policy whose text is the one in
    /// force stays as it is; another gets the next version. Nothing is kept of a text with mistakes. Durable when this
    /// returns; if it fails halfway, the policies before the one that could not be published are in force. Blocks.
    pub fn publish(
        &mut self,
        file: &str,
        text: &str,
        by: &Actor,
        why: Option<&str>,
    ) -> Result<Vec<PolicyRef>, PublishError> {
        reason_fits(why)?;
        let loaded = file::load(file, text).map_err(|source| PublishError::Text { file: file.to_owned(), source })?;
        let published = self.put(Place::InForce, loaded, text, by, why);
        self.announce(); // also where one of several could not be published: those before it are durable
        published
    }

    /// Each policy that is not there with this very text already, under its next version.
    fn put(
        &mut self,
        place: Place,
        loaded: Vec<file::Loaded>,
        text: &str,
        by: &Actor,
        why: Option<&str>,
    ) -> Result<Vec<PolicyRef>, PublishError> {
        let mut put = Vec::new();
        for one in loaded {
            let id = one.policy.reference.id.clone();
            if self.at(place).get(&id).is_some_and(|now| now.text == text.as_bytes()) {
                continue;
            }
            let policy = self.next(&one);
            let text_ref = self.keep(&policy, text)?;
            let why = why.map(|why| self.keep(&policy, why)).transpose()?;
            let (event, what) = match place {
                Place::InForce => (PolicyPublished { policy: policy.clone(), text: text_ref, why }.into(), "published"),
                Place::InShadow => (PolicyShadowed { policy: policy.clone(), text: text_ref, why }.into(), "shadowed"),
            };
            self.append(event, &policy, what, by)?;
            let compiled = Arc::new(Policy { reference: policy.clone(), ..one.policy });
            self.at(place).insert(id, Published { text: text.as_bytes().to_vec(), policy: compiled });
            put.push(policy);
        }
        Ok(put)
    }

    fn at(&mut self, place: Place) -> &mut BTreeMap<PolicyId, Published> {
        match place {
            Place::InForce => &mut self.in_force,
            Place::InShadow => &mut self.shadows,
        }
    }

    /// Takes a policy out of force, in the name of `by` and for the reason they give. None if it is not in force.
    /// Durable when this returns. Blocks.
    pub fn retire(&mut self, id: &PolicyId, by: &Actor, why: Option<&str>) -> Result<Option<PolicyRef>, PublishError> {
        reason_fits(why)?;
        let Some(published) = self.in_force.get(id) else { return Ok(None) };
        let reference = published.policy.reference.clone();
        let why = why.map(|why| self.keep(&reference, why)).transpose()?;
        self.append(PolicyRetired { policy: reference.clone(), why }.into(), &reference, "retired", by)?;
        self.in_force.remove(id);
        self.announce();
        Ok(Some(reference))
    }

    /// A version is used once, also by a policy that was retired since, and by one that only ran in shadow: decisions name
    /// it.
    fn next(&self, loaded: &file::Loaded) -> PolicyRef {
        let PolicyRef { id, version: stated } = loaded.policy.reference.clone();
        let version = self.history.next_version(&id);
        PolicyRef { id, version: if loaded.version_stated { stated.max(version) } else { version } }
    }

    /// What was published as that version.
    fn read(&self, reference: &PolicyRef, text: &ContentRef) -> Result<Published, PublishError> {
        let plain = match self.content.get(text) {
            Ok(Content::Plain(plain)) => plain,
            Ok(Content::Erased | Content::Expired) => return Err(PublishError::Erased(reference.clone())),
            Err(source) => return Err(PublishError::Content { file: reference.to_string(), source }),
        };
        let policy = Arc::new(compile(reference, &plain)?);
        Ok(Published { text: plain, policy })
    }

    /// A policy's text, or why it was published or retired: both belong to the policy and are erased with it.
    fn keep(&self, policy: &PolicyRef, text: &str) -> Result<ContentRef, PublishError> {
        let kept = self.content.put(&format!("policy/{}", policy.id), text.as_bytes());
        kept.map_err(|source| PublishError::Content { file: policy.to_string(), source })
    }

    fn append(&mut self, event: Event, policy: &PolicyRef, what: &str, by: &Actor) -> Result<(), PublishError> {
        let next = self.sequence.next();
        let parts: [&[u8]; 3] = [policy.id.as_str().as_bytes(), what.as_bytes(), &next.0.to_be_bytes()];
        let id = EventId::of_command("policy", &parts);
        let new = NewEvent { id, event, captured_at: None, actor: by.clone(), causation: None, correlation: None };
        let append = Append {
            scope: Scope::System(SystemScope::Policies),
            expected: Expected::At(self.sequence),
            events: vec![new],
        };
        self.journal.append(append).wait()?;
        self.follow()
    }

    /// Folds what the policies' list holds beyond what was folded.
    fn follow(&mut self) -> Result<(), PublishError> {
        let scope = Scope::System(SystemScope::Policies);
        loop {
            let page = self.journal.read_scope(&scope, self.sequence, READ_LIMIT_MAX)?;
            let Some(last) = page.last() else { return Ok(()) };
            for recorded in &page {
                self.history.apply(recorded)?;
            }
            self.sequence = last.envelope.sequence;
        }
    }

    fn announce(&self) {
        let policies = |of: &BTreeMap<PolicyId, Published>| of.values().map(|one| one.policy.clone()).collect();
        let set = PolicySet::new(policies(&self.in_force)).with_shadows(policies(&self.shadows));
        self.set.send_replace(Arc::new(set));
    }
}

fn reason_fits(why: Option<&str>) -> Result<(), PublishError> {
    match why.map(str::len) {
        Some(found) if found > REASON_BYTES_MAX => Err(PublishError::ReasonTooLong { found }),
        _ => Ok(()),
    }
}

fn compile(reference: &PolicyRef, text: &[u8]) -> Result<Policy, PublishError> {
    let name = reference.to_string();
    let loaded = file::load(&name, &String::from_utf8_lossy(text))
        .map_err(|source| PublishError::Text { file: name, source })?;
    let found = loaded.into_iter().find(|one| one.policy.reference.id == reference.id);
    let found = found.ok_or_else(|| PublishError::Missing(reference.clone()))?;
    Ok(Policy { reference: reference.clone(), ..found.policy })
}
