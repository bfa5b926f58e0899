//! Recorded segments for tests, as IVS records them. How they were made stands in `README.md`.

/// Every one.
pub const ALL: [&str; 5] = ["calm", "threat", "phone", "tone", "mute"];
/// Those that carry sound.
pub const WITH_SOUND: [&str; 4] = ["calm", "threat", "phone", "tone"];

/// The bytes of one.
pub fn segment(name: &str) -> &'static [u8] {
    match name {
        "calm" => include_bytes!("calm.ts"),
        "threat" => include_bytes!("threat.ts"),
        "phone" => include_bytes!("phone.ts"),
        "tone" => include_bytes!("tone.ts"),
        "mute" => include_bytes!("mute.ts"),
        other => panic!("there is no segment {other}"),
    }
}
