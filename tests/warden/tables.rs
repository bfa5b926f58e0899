//! Runs the decider tables, and tells which row is missing.

use crate::lines::{self, Line};
use crate::script::{Covered, Script};
use crate::words::REJECTIONS;

const TABLES: [(&str, &str); 13] = [
    ("sampling.table", include_str!("tables/sampling.table")),
    ("similarity.table", include_str!("tables/similarity.table")),
    ("rules.table", include_str!("tables/rules.table")),
    ("sessions.table", include_str!("tables/sessions.table")),
    ("coverage.table", include_str!("tables/coverage.table")),
    ("moderators.table", include_str!("tables/moderators.table")),
    ("cadence.table", include_str!("tables/cadence.table")),
    ("stops.table", include_str!("tables/stops.table")),
    ("shadows.table", include_str!("tables/shadows.table")),
    ("appeals.table", include_str!("tables/appeals.table")),
    ("opinions.table", include_str!("tables/opinions.table")),
    ("segments.table", include_str!("tables/segments.table")),
    ("decisions.table", include_str!("tables/decisions.table")),
];

fn run_all() -> Covered {
    let mut covered = Covered::default();
    for (file, text) in TABLES {
        let mut script = Script::new();
        let lines = lines::read(file, text);
        for line in &lines {
            if line.word(0) == "case" {
                script.settle_row(line);
                script = Script::new();
            } else {
                script.run(line, &mut covered);
            }
        }
        script.settle_row(&Line { place: format!("{file}: end"), words: Vec::new(), options: Vec::new() });
    }
    covered
}

#[test]
fn every_row_of_the_decider_tables_holds_and_none_is_missing() {
    let covered = run_all();
    let missing = |wanted: &[&str], have: &std::collections::BTreeSet<String>| -> Vec<String> {
        wanted.iter().filter(|name| !have.contains(**name)).map(|name| (*name).to_owned()).collect()
    };
    let none: [String; 0] = [];
    assert_eq!(missing(&REJECTIONS, &covered.rejections), none, "rejections without a row");
    // Unsupported is decided by who takes notifications in, never here.
    let skips = [
        "too_soon",
        "similar",
        "gave_way",
        "overloaded",
        "superseded",
        "stale",
        "other_session",
        "other_source",
        "no_policy",
        "no_track",
    ];
    assert_eq!(missing(&skips, &covered.skips), none, "skips without a row");
    assert_eq!(missing(&["partial", "raised", "joined", "cooldown"], &covered.effects), none, "effects without a row");
    let systems_own = [
        "PolicyPublished",
        "PolicyRetired",
        "PolicyShadowed",
        "PolicyUnshadowed",
        "NotificationRejected",
        "InputGap",
        "ProviderSuspended",
        "ProviderResumed",
        "ConsumerCreated",
        "ConsumerDeleted",
        "ConsumerRewound",
        "EntryParked",
        "EntryUnparked",
        "EntrySettled",
        "ReplayStarted",
        "ReplayEnded",
        "StoreOpened",
        "StoreClosed",
        "SegmentSealed",
        "DataLossAccepted",
        "ErasureRequested",
        "ContentErased",
        "CopiesErased",
        "EvidenceExpired",
        "EvidenceRead",
        "ExportMade",
    ];
    let types = streamwarden::events::EventType::ALL.iter().map(|known| known.name());
    let decided: Vec<&str> = types.filter(|name| !systems_own.contains(name)).collect();
    assert_eq!(missing(&decided, &covered.events), none, "event types that no row brings about");
    println!("{} rows", covered.rows);
}
