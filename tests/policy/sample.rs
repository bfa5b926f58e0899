//! Coming from `aws-samples/aws-ai-content-moderation-livestream`: what its configuration found in Rekognition 6 answers,
//! the imported policy finds in the version 7 answers for the same frames.
//!
//! The sample's evaluation is written down here as it is: every label, parents included, whose name a rule lists and
//! whose confidence is not below the rule's.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use streamwarden::model::{ChannelId, Confidence, Label, LabelPath};
use streamwarden::policy::taxonomy::{Taxonomy, from_rekognition_6};
use streamwarden::policy::{Policy, PolicySet, file, hits, import};

/// Rekognition's labels at version 6.1, as its documentation lists them: top categories and what lies in each.
const REKOGNITION_6: [(&str, &[&str]); 10] = [
    (
        "Explicit Nudity",
        &[
            "Nudity",
            "Graphic Male Nudity",
            "Graphic Female Nudity",
            "Sexual Activity",
            "Illustrated Explicit Nudity",
            "Adult Toys",
        ],
    ),
    (
        "Suggestive",
        &[
            "Female Swimwear Or Underwear",
            "Male Swimwear Or Underwear",
            "Partial Nudity",
            "Barechested Male",
            "Revealing Clothes",
            "Sexual Situations",
        ],
    ),
    ("Violence", &["Graphic Violence Or Gore", "Physical Violence", "Weapon Violence", "Weapons", "Self Injury"]),
    ("Visually Disturbing", &["Emaciated Bodies", "Corpses", "Hanging", "Air Crash", "Explosions And Blasts"]),
    ("Rude Gestures", &["Middle Finger"]),
    ("Drugs", &["Drug Products", "Drug Use", "Pills", "Drug Paraphernalia"]),
    ("Tobacco", &["Tobacco Products", "Smoking"]),
    ("Alcohol", &["Drinking", "Alcoholic Beverages"]),
    ("Gambling", &["Gambling"]),
    ("Hate Symbols", &["Nazi Party", "White Supremacy", "Extremist"]),
];

/// One frame: what version 6 said of it, and what version 7 says.
struct Frame {
    /// The most precise label of version 6.
    shows: &'static str,
    on_6: Vec<(&'static str, f64)>,
    on_7: Vec<Label>,
}

/// A frame for every label of version 6 and each of its places in version 7, both answers with the parents.
fn frames(percent: f64) -> Vec<Frame> {
    let mut frames = Vec::new();
    for (top, below) in REKOGNITION_6 {
        for shows in below.iter().copied() {
            for place in from_rekognition_6(shows).unwrap_or_else(|| panic!("{shows} has no place in version 7")) {
                let names = place.as_str().match_indices('/').map(|(end, _)| &place.as_str()[..end]);
                let paths = names.chain([place.as_str()]);
                let confidence = Confidence::from_percent(percent).unwrap();
                frames.push(Frame {
                    shows,
                    on_6: vec![(top, percent), (shows, percent)],
                    on_7: paths.map(|path| Label(LabelPath::new(path).unwrap(), confidence)).collect(),
                });
            }
        }
    }
    frames
}

/// The sample's verdict.
fn found_by_the_sample(categories: &[&str], threshold: f64, answer: &[(&str, f64)]) -> bool {
    let named = |name: &str| categories == ["*"] || categories.contains(&name);
    answer.iter().any(|(name, percent)| named(name) && *percent >= threshold)
}

/// The policy that an item with one rule becomes.
fn imported(categories: &[&str], threshold: f64) -> Policy {
    let item = json!({
        "channel_id": "c", "global_flag": true, "channel_name_regex": ".*", "priority": 1,
        "image": {"sample_frequency_s": 60, "ignore_similar": true, "image_hash_threshold": 10,
            "rules": [{"id": "r", "categories": categories, "confidence_threshold": threshold, "auto_stop": false}]}
    });
    let yaml = import::import(&item.to_string()).unwrap().yaml;
    file::load("imported.yaml", &yaml).unwrap().remove(0).policy
}

#[test]
fn the_default_rule_finds_in_7_what_it_found_in_6() {
    let item = include_str!("sample-default.json");
    let default: serde_json::Value = serde_json::from_str(item).unwrap();
    let rule = &default["image"]["rules"][0];
    let categories: Vec<&str> =
        rule["categories"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let threshold = rule["confidence_threshold"].as_f64().unwrap();
    let yaml = import::import(item).unwrap().yaml;
    let policy = file::load("imported.yaml", &yaml).unwrap().remove(0).policy;
    let (mut found, mut passed) = (0, 0);
    for percent in [50.0, 59.999, 60.0, 60.001, 99.5] {
        for frame in frames(percent) {
            let there = found_by_the_sample(&categories, threshold, &frame.on_6);
            let here = !hits(&policy, Taxonomy::REKOGNITION, &frame.on_7).is_empty();
            assert_eq!(here, there, "{} at {percent} % ({:?})", frame.shows, frame.on_7);
            if there { found += 1 } else { passed += 1 }
        }
    }
    assert!(found > 100 && passed > 60, "{found} found, {passed} passed: the table is broken");
}

/// What the sample itself makes of version 7: the frames that its default rule no longer finds.
#[test]
fn the_same_rule_left_as_it_was_misses_frames_in_7() {
    let categories: Vec<&str> = REKOGNITION_6.iter().map(|(top, _)| *top).collect();
    let leaf = |label: &Label| (label.path().leaf().to_owned(), 99.0);
    let mut missed = BTreeSet::new();
    for frame in frames(99.0) {
        let answer: Vec<(String, f64)> = frame.on_7.iter().map(leaf).collect();
        let answer: Vec<(&str, f64)> = answer.iter().map(|(name, percent)| (name.as_str(), *percent)).collect();
        if !found_by_the_sample(&categories, 60.0, &answer) {
            missed.insert(frame.shows);
        }
    }
    for shows in ["Sexual Activity", "Adult Toys", "Partial Nudity", "Pills", "Smoking"] {
        assert!(missed.contains(shows), "{missed:?}");
    }
    assert!(!missed.contains("Weapons"));
}

/// A rule on one label never loses a frame. Where version 7 tells apart less than 6 did, it finds more, and just this.
#[test]
fn a_rule_on_one_label_loses_nothing_and_finds_more_only_where_7_is_coarser() {
    let also_found: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("Corpses", ["Hanging"].as_slice()),
        ("Drug Paraphernalia", &["Drug Use", "Smoking"]),
        ("Drug Products", &["Pills", "Tobacco Products"]),
        ("Drug Use", &["Drug Paraphernalia", "Smoking"]),
        ("Hanging", &["Corpses"]),
        ("Illustrated Explicit Nudity", &["Graphic Female Nudity", "Graphic Male Nudity", "Nudity", "Sexual Activity"]),
        ("Revealing Clothes", &["Barechested Male", "Partial Nudity"]),
        ("Sexual Activity", &["Illustrated Explicit Nudity"]),
        ("Tobacco Products", &["Drug Products", "Pills"]),
    ]);
    let frames = frames(80.0);
    for (_, below) in REKOGNITION_6 {
        for name in below {
            let policy = imported(&[name], 80.0);
            let mut more = BTreeSet::new();
            for frame in &frames {
                let here = !hits(&policy, Taxonomy::REKOGNITION, &frame.on_7).is_empty();
                let there = found_by_the_sample(&[name], 80.0, &frame.on_6);
                assert!(here || !there, "{name} no longer finds {} ({:?})", frame.shows, frame.on_7);
                if here && !there {
                    more.insert(frame.shows);
                }
            }
            let expected = also_found.get(name).copied().unwrap_or_default();
            assert!(more.iter().eq(expected), "{name} also finds {more:?}, expected {expected:?}");
        }
    }
}

#[test]
fn any_label_is_any_label() {
    let policy = imported(&["*"], 60.0);
    for label in Taxonomy::named(Taxonomy::REKOGNITION).unwrap().labels() {
        let label = Label(label.path.clone(), Confidence::from_percent(60.0).unwrap());
        assert_eq!(hits(&policy, Taxonomy::REKOGNITION, &[label]).len(), 1);
    }
}

/// The hint of its configuration page shows patterns between slashes. As an id carries a name, so it is found.
#[test]
fn patterns_between_slashes_choose_the_channels_that_were_meant() {
    let chosen = |pattern: &str, channel: &str| {
        let item = json!({
            "channel_id": "g", "global_flag": true, "channel_name_regex": pattern, "priority": 1,
            "image": {"sample_frequency_s": 60, "ignore_similar": false, "rules": [{"id": "r", "categories": ["*"]}]}
        });
        let yaml = import::import(&item.to_string()).unwrap().yaml;
        let loaded = file::load("imported.yaml", &yaml).unwrap();
        let set = PolicySet::new(loaded.into_iter().map(|loaded| std::sync::Arc::new(loaded.policy)).collect());
        set.for_channel(&ChannelId::new(channel).unwrap()).is_some()
    };
    for (pattern, channel, expected) in [
        ("/^gaming-/", "gaming-1", true),
        ("/^gaming-/", "not-gaming-1", false),
        ("/^gaming-/g", "gaming-1", true),
        ("/gaming/i", "Live-GAMING-2", true),
        ("/gaming/", "Live-GAMING-2", false),
        ("^gaming-", "gaming-1", true), // without slashes, as it was stored by those who knew
        (".*", "anything", true),
        ("/live/stage-1", "live/stage-1", false), // a path, not a pattern between slashes
    ] {
        assert_eq!(chosen(pattern, channel), expected, "{pattern} {channel}");
    }
}

/// Of two global items the one with the smaller number wins there; here the larger number does.
#[test]
fn the_order_of_priorities_is_kept() {
    let item = |id: &str, priority: i32| {
        json!({
            "channel_id": id, "global_flag": true, "channel_name_regex": ".*", "name": id, "priority": priority,
            "image": {"sample_frequency_s": 60, "ignore_similar": false, "rules": [{"id": "r", "categories": ["*"]}]}
        })
    };
    for (first, second, wins) in [(1, 3, "first"), (3, 1, "second"), (-2, 0, "first")] {
        let yaml = import::import(&json!([item("first", first), item("second", second)]).to_string()).unwrap().yaml;
        let loaded = file::load("imported.yaml", &yaml).unwrap();
        let set = PolicySet::new(loaded.into_iter().map(|loaded| std::sync::Arc::new(loaded.policy)).collect());
        let chosen = set.for_channel(&ChannelId::new("c").unwrap()).unwrap();
        assert_eq!(chosen.reference.id.to_string(), wins, "{first} {second}");
    }
}
