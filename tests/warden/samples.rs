//! Policies, rules and content as tables describe them, with defaults for what a row does not care about.

use streamwarden::events::BucketObject;
use streamwarden::model::{
    Action, Approval, Confidence, ContentRef, LabelPath, LumaDelta, OnUnavailable, PolicyId, PolicyRef, ProviderName,
    RuleId, Sha256,
};
use streamwarden::policy::taxonomy::Scale;
use streamwarden::policy::{
    Arrangement, AutomaticStops, Category, Channels, Listening, Policy, Rule, Sampling, Segments, SimilarityLimits,
    Tuning, Window,
};

use crate::lines::Line;

/// `policy p@1 interval=60 tolerance=15 reassess=300 age=120 similar=10 luma=300 unavailable=warn stops=2/60`, times in
/// seconds. Where a row does not care, nobody is asked about what cannot be judged; `stops=2/60` wants two rules within
/// a minute, `stops=propose` a person.
pub fn policy(line: &Line<'_>) -> Policy {
    let (id, version) = line.word(1).split_once('@').expect("a policy is id@version");
    let seconds = |key: &str, default: f64| (line.value::<f64>(key, default) * 1000.0) as u32;
    let similarity = match line.option("similar") {
        Some("never") => None,
        bits => Some(SimilarityLimits {
            hash_distance_max: bits.map_or(10, |bits| bits.parse().expect("a number of bits")),
            luma_delta_max: LumaDelta(line.value("luma", 300)),
        }),
    };
    Policy {
        reference: PolicyRef {
            id: PolicyId::new(id).expect("a sound name"),
            version: version.parse().expect("a version is a number"),
        },
        taxonomy: line.option("taxonomy").unwrap_or("stub/1").into(),
        channels: Channels::Listed(Vec::new()),
        priority: 0,
        sampling: Sampling {
            fastest_ms: seconds("interval", 60.0),
            slowest_ms: seconds("slowest", line.value::<f64>("interval", 60.0)),
            tolerance_ms: Some(seconds("tolerance", 15.0)),
            reassess_after_ms: seconds("reassess", 300.0),
            max_age_ms: seconds("age", 120.0),
        },
        reputation: line.option("trust").map(|_| Tuning {
            trust_after_ms: seconds("trust", 0.0),
            half_life_ms: seconds("half-life", 86_400.0),
            near_miss: Confidence::from_percent(line.value("near", 10.0)).expect("a percentage"),
            closely_ms: seconds("closely", 300.0),
        }),
        arrangement: Arrangement {
            second: line.option("second").map(|name| ProviderName::new(name).expect("a sound name")),
            ..Arrangement::default()
        },
        segments: Segments { sound: listening(line, "sound"), clips: listening(line, "clips") },
        similarity,
        on_unavailable: match line.option("unavailable").unwrap_or("record") {
            "record" => OnUnavailable::Record,
            "warn" => OnUnavailable::Warn,
            "page" => OnUnavailable::Page,
            other => panic!("{}: nothing is called {other:?}", line.place),
        },
        automatic_stops: match line.option("stops").map(|stops| stops.split_once('/')) {
            None => AutomaticStops::OneRule,
            Some(None) => AutomaticStops::ProposeOnly,
            Some(Some((rules, within))) => AutomaticStops::SeveralRules {
                rules: rules.parse().expect("a number of rules"),
                within_ms: within.parse::<u32>().expect("seconds") * 1000,
            },
        },
        rules: Vec::new(),
    }
}

/// `sound=30`: judged every 30 seconds.
fn listening(line: &Line<'_>, medium: &str) -> Option<Listening> {
    let judged_by = ProviderName::new("stub").expect("a sound name");
    let every_ms = line.option(medium).map(|seconds| seconds.parse::<u32>().expect("seconds") * 1000)?;
    Some(Listening { every_ms, judged_by })
}

/// `rule gore path=Violence over=80 window=2/3 action=stop approval=none severity=3 cooldown=60`; a window of time is
/// `2/30s`, a path of `*` is every label; with `taxonomy=` it reads answers in that one only.
pub fn rule(line: &Line<'_>) -> Rule {
    let category = match line.option("path").unwrap_or("Violence") {
        "*" => Category::Any,
        path => Category::Within(LabelPath::new(path).expect("a sound path")),
    };
    let (hits, within) = line.option("window").unwrap_or("1/1").split_once('/').expect("a window is hits/within");
    let hits = hits.parse().expect("a number of hits");
    let window = match within.strip_suffix('s') {
        Some(seconds) => Window::Time { hits, within_ms: seconds.parse::<u32>().expect("seconds") * 1000 },
        None => Window::Frames { hits, of: within.parse().expect("a number of frames") },
    };
    Rule {
        id: RuleId::new(line.word(1)).expect("a sound name"),
        rev: line.value("rev", 1),
        taxonomy: line.option("taxonomy").map(Into::into),
        categories: vec![category],
        confidence: Confidence::from_percent(line.value("over", 80.0)).expect("a percentage"),
        stated_in: Scale::Percent,
        window,
        action: match line.option("action").unwrap_or("warn") {
            "warn" => Action::Warn,
            "stop" => Action::Stop,
            "suspend" => Action::Suspend,
            other => panic!("{}: no action is called {other:?}", line.place),
        },
        approval: match line.option("approval").unwrap_or("none") {
            "none" => Approval::None,
            "person" => Approval::Person,
            other => panic!("{}: no approval is called {other:?}", line.place),
        },
        severity: line.value("severity", 3),
        cooldown_ms: line.value::<u32>("cooldown", 0) * 1000,
    }
}

/// Something kept in the content store.
pub fn content() -> ContentRef {
    ContentRef { subject: "channel/stage".to_owned(), digest: Sha256([1; 32]), bytes: 12 }
}

/// Where a copy is.
pub fn object() -> BucketObject {
    BucketObject { bucket: "bucket".to_owned(), key: "key".to_owned(), version: None, etag: None }
}
