//! Labels that a provider's taxonomy does not hold. No rule can name one, so each is said: counted in the outcome and in
//! the figures, and in the log once per label.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::model::LabelPath;
use crate::policy::taxonomy::Taxonomy;
use crate::providers::Answer;
use crate::telemetry::metrics;

/// Labels remembered as said; beyond it nothing more is logged, only counted.
const SAID_MAX: usize = 500;

static SAID: Mutex<BTreeSet<LabelPath>> = Mutex::new(BTreeSet::new());

/// Counts and says what `answer` holds beyond its taxonomy, and notes the count in it. An answer in a taxonomy that is
/// not built in is left as it is: no policy has rules for it, and its frame fails.
pub(super) fn note(answer: &mut Answer) {
    let Some(taxonomy) = Taxonomy::named(&answer.provider.taxonomy) else { return };
    let unmapped: Vec<_> =
        answer.labels.iter().map(|label| label.path()).filter(|path| taxonomy.get(path).is_none()).collect();
    answer.unmapped = u8::try_from(unmapped.len()).unwrap_or(u8::MAX);
    if unmapped.is_empty() {
        return;
    }
    metrics().providers.unmapped(&answer.provider.name, unmapped.len());
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner); // a set is whole after a panic beside it
    for path in unmapped {
        if said.len() < SAID_MAX && said.insert(path.clone()) {
            tracing::warn!(
                provider = %answer.provider,
                taxonomy = %answer.provider.taxonomy,
                label = %path,
                "a label that the taxonomy does not hold: no rule can name it"
            );
        }
    }
}
