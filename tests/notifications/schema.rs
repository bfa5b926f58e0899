//! `schemas/frame-notification.schema.json` is generated from the type and committed: others write such notifications.

use std::path::PathBuf;

use streamwarden::notifications::FrameNotification;

#[test]
fn the_committed_schema_is_that_of_the_type() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("schemas/frame-notification.schema.json");
    let mut generated = serde_json::to_string_pretty(&schemars::schema_for!(FrameNotification)).unwrap();
    generated.push('\n');
    if std::env::var_os("STREAMWARDEN_REGENERATE").is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(&path).expect("schemas/frame-notification.schema.json is committed");
    let hint = "STREAMWARDEN_REGENERATE=1 cargo test --test notifications brings it up to date";
    assert_eq!(committed, generated, "{hint}");
}
