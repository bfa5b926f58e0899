//! Hive as a provider, against the stand-in: what is sent, what comes of each answer and each failure, and what is said of
//! neither key nor address.

mod address;
mod answers;
mod clips;
mod cloudfront;
mod conforms;
mod dashboard;
mod dashboard_round;
mod faults;
mod secrets;
mod serving;
pub mod speech;

use std::sync::Arc;
use std::time::Duration;

use streamwarden::egress::Secret;
use streamwarden::model::Label;
use streamwarden::policy::taxonomy::Taxonomy;
use streamwarden::providers::hive::{Api, Classes, Hive, Settings, Showing, TAXONOMY};

use crate::hive_standin::HiveStandin;

/// Both interfaces, by the names that the stand-in has for them.
pub const APIS: [(Api, &str); 2] = [(Api::V2, "v2"), (Api::V3, "v3")];

/// Classes as the program reads them.
pub fn classes() -> Classes {
    let taxonomy = Taxonomy::named(TAXONOMY).expect("the taxonomy is built in");
    Classes::new(taxonomy.labels().iter().map(|label| &label.path), taxonomy.complements().map(str::to_owned))
}

/// Settings that ask the stand-in, with time for a slow machine.
pub fn settings(standin: &HiveStandin, (api, name): (Api, &str)) -> Settings {
    let endpoint = Some(standin.endpoint(name));
    Settings { api, endpoint, deadline: Duration::from_secs(20), ..Settings::default() }
}

/// Hive with the stand-in's key.
pub fn hive(standin: &HiveStandin, settings: Settings, showing: Showing) -> Hive {
    let key = Secret::new(&standin.world().key).expect("the stand-in's key is one");
    Hive::new(settings, &key, classes(), showing).expect("the settings are sound")
}

/// Hive that is sent bytes.
pub fn asking(standin: &HiveStandin, api: (Api, &str)) -> Hive {
    hive(standin, settings(standin, api), Showing::Bytes)
}

/// A small picture of which the stand-in sees what its comment says, in Hive's own words.
pub fn picture(says: &str) -> Arc<[u8]> {
    crate::commented(&format!("hive: {says}"))
}

/// Labels as text, in their order.
pub fn text(labels: &[Label]) -> Vec<String> {
    labels.iter().map(|label| format!("{} {}", label.path(), label.confidence())).collect()
}
