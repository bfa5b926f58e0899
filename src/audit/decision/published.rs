//! A policy version as it was published: its text, who published it, when and why.

use schemars::JsonSchema;
use serde::Serialize;

use crate::events::{Event, PolicyPublished, PolicyShadowed};
use crate::journal::READ_LIMIT_MAX;
use crate::model::{PolicyRef, Scope, Sequence, Sha256, SystemScope};
use crate::policy::excerpt::excerpt;
use crate::policy::{Policy, file};

use super::{AuditError, EventLink, Sources, plain};

/// The most events of the policies' list that are read to find a version: more than anybody publishes in years.
const POLICY_EVENTS_MAX: u64 = 50_000;

/// A policy version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PolicyVersion {
    /// Which.
    pub reference: PolicyRef,
    /// Its text, as published; none if it is gone. Who may not read all channels is shown the part that holds this policy.
    pub text: Option<String>,
    /// The salted digest that the journal holds of the text.
    pub digest: Option<Sha256>,
    /// Its publication; none if this journal holds none.
    pub published: Option<Published>,
    /// Why the text, or the whole version, cannot be shown.
    pub missing: Option<String>,
}

/// A policy version's publication.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Published {
    /// The event, which names who published it and when.
    pub event: EventLink,
    /// Why, in the words of whoever published it, if they gave any and it can still be read.
    pub why: Option<String>,
}

impl PolicyVersion {
    /// Cuts the text down to this policy: for who may not see what the others in it watch.
    pub fn cut_down(&mut self) {
        let own = self.text.take().map(|text| excerpt(&text, &self.reference.id).map(str::to_owned));
        self.text = match own {
            Some(None) => {
                self.missing = Some(format!("policy {}: its text cannot be told from others'", self.reference));
                None
            }
            Some(own) => own,
            None => None,
        };
    }
}

/// The version, and the policy in it as the warden had it, if its text can be read.
pub(in crate::audit) fn version(
    sources: Sources<'_>,
    reference: PolicyRef,
) -> Result<(PolicyVersion, Option<Policy>), AuditError> {
    let mut version =
        PolicyVersion { reference: reference.clone(), text: None, digest: None, published: None, missing: None };
    let Some((event, published)) = find(sources, &reference)? else {
        version.missing = Some(format!("policy {reference}: its publication is not in this journal"));
        return Ok((version, None));
    };
    version.digest = Some(published.text.digest);
    let why = published.why.as_ref().and_then(|why| plain(sources.content, why).ok());
    version.published = Some(Published { event, why: why.map(|why| String::from_utf8_lossy(&why).into_owned()) });
    let compiled = match plain(sources.content, &published.text) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let compiled = compile(&reference, &text);
            version.text = Some(text);
            compiled
        }
        Err(reason) => Err(reason),
    };
    match compiled {
        Ok(policy) => Ok((version, Some(policy))),
        Err(reason) => {
            version.missing = Some(format!("policy {reference}: {reason}"));
            Ok((version, None))
        }
    }
}

/// A version's publication, or where it was put in shadow: each holds its text.
fn find(sources: Sources<'_>, wanted: &PolicyRef) -> Result<Option<(EventLink, PolicyPublished)>, AuditError> {
    let scope = Scope::System(SystemScope::Policies);
    let mut after = Sequence(0);
    while after.0 < POLICY_EVENTS_MAX {
        let page = sources.journal.read_scope(&scope, after, READ_LIMIT_MAX)?;
        let Some(last) = page.last() else { return Ok(None) };
        after = last.envelope.sequence;
        for recorded in &page {
            let found = match recorded.event() {
                Ok(Event::PolicyPublished(published)) => published,
                Ok(Event::PolicyShadowed(PolicyShadowed { policy, text, why })) => {
                    PolicyPublished { policy, text, why }
                }
                _ => continue, // nothing else puts a version anywhere
            };
            if found.policy == *wanted {
                return Ok(Some((EventLink::from(recorded), found)));
            }
        }
    }
    Ok(None)
}

fn compile(wanted: &PolicyRef, text: &str) -> Result<Policy, String> {
    let loaded = file::load(&wanted.to_string(), text).map_err(|_| "its text is no longer understood".to_owned())?;
    let found = loaded.into_iter().find(|one| one.policy.reference.id == wanted.id);
    let found = found.ok_or_else(|| "the text published as it does not hold it".to_owned())?;
    Ok(Policy { reference: wanted.clone(), ..found.policy })
}
