//! Why a frame was judged as it was, from what the journal holds: the policy version in force then, every rule with
//! its margin, and what would have changed it.

use std::path::Path;

use crate::events::{Event, FrameAssessed};
use crate::journal::content::{Content, Store};
use crate::journal::{Journal, READ_LIMIT_MAX};
use crate::model::{ContentRef, Label, PolicyRef, Scope, Sequence, SystemScope};
use crate::policy::explain::{WindowProgress, explain};
use crate::policy::{Policy, file};

/// One line per rule of the policy version that judged, in its order; or one line that says why there are none.
pub(super) fn lines(journal: &dyn Journal, data: &Path, assessed: &FrameAssessed) -> Vec<String> {
    match rules(journal, data, assessed) {
        Ok(lines) => lines,
        Err(missing) => vec![format!("cannot be explained: {missing}")],
    }
}

fn rules(journal: &dyn Journal, data: &Path, assessed: &FrameAssessed) -> Result<Vec<String>, String> {
    let content = Store::open(&data.join("content"), &data.join("keys")).map_err(|error| error.to_string())?;
    let policy = policy(journal, &content, &assessed.policy)?;
    let labels: Vec<Label> = match &assessed.answer {
        Some(whole) => serde_json::from_slice(&plain(&content, whole)?).map_err(|error| error.to_string())?,
        None => assessed.labels.to_vec(),
    };
    let progress: Vec<WindowProgress> = assessed
        .rules
        .iter()
        .map(|outcome| WindowProgress { rule: outcome.rule.clone(), hits: outcome.hits })
        .collect();
    Ok(explain(&policy, &labels, &progress).iter().map(ToString::to_string).collect())
}

/// The policy version as it was published.
fn policy(journal: &dyn Journal, content: &Store, wanted: &PolicyRef) -> Result<Policy, String> {
    let scope = Scope::System(SystemScope::Policies);
    let mut after = Sequence(0);
    loop {
        let page = journal.read_scope(&scope, after, READ_LIMIT_MAX).map_err(|error| error.to_string())?;
        let Some(last) = page.last() else { return Err(format!("{wanted} was never published here")) };
        after = last.envelope.sequence;
        for recorded in &page {
            let Ok(Event::PolicyPublished(published)) = recorded.event() else { continue };
            if published.policy != *wanted {
                continue;
            }
            let text = plain(content, &published.text)?;
            let loaded = file::load(&wanted.to_string(), &String::from_utf8_lossy(&text));
            let loaded = loaded.map_err(|error| error.to_string())?;
            let found = loaded.into_iter().find(|one| one.policy.reference.id == wanted.id);
            let found = found.ok_or_else(|| format!("the text published as {wanted} does not hold it"))?;
            return Ok(Policy { reference: wanted.clone(), ..found.policy });
        }
    }
}

fn plain(content: &Store, wanted: &ContentRef) -> Result<Vec<u8>, String> {
    match content.get(wanted) {
        Ok(Content::Plain(bytes)) => Ok(bytes),
        Ok(Content::Erased) => Err(format!("the content of {} was erased", wanted.subject)),
        Err(error) => Err(error.to_string()),
    }
}
