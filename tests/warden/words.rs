//! What the words of a row stand for: rejections, reports, measurements, answers.

use streamwarden::events::{
    Arranged, Budget, FailedStage, NotNeededBecause, OpinionRole, ReputationChange, SupersededBecause,
};
use streamwarden::model::{
    Confidence, ContentRef, HashScheme, ImageFacts, ImageFormat, Label, LabelPath, Measurement, PerceptualHash,
    ProviderRef, Score, SessionId, Sha256,
};
use streamwarden::warden::{Answered, Beside, EnforcementReport, Opinion, Rejection, Said};

use crate::lines::Line;
use crate::samples;

/// The name of a rejection. Exhaustive, so that a new one cannot be without a row.
pub fn rejection_name(rejection: &Rejection) -> &'static str {
    match rejection {
        Rejection::UnknownWarning(_) => "UnknownWarning",
        Rejection::ChangedSince { .. } => "ChangedSince",
        Rejection::AlreadyAnswered { .. } => "AlreadyAnswered",
        Rejection::ClaimedByAnother { .. } => "ClaimedByAnother",
        Rejection::NotClaimed(_) => "NotClaimed",
        Rejection::NotAnswered(_) => "NotAnswered",
        Rejection::AnsweredByAnother { .. } => "AnsweredByAnother",
        Rejection::WithdrawnTooLate { .. } => "WithdrawnTooLate",
        Rejection::AlreadyCarriedOut(_) => "AlreadyCarriedOut",
        Rejection::NotUpheld(_) => "NotUpheld",
        Rejection::AnswerNotFinal { .. } => "AnswerNotFinal",
        Rejection::AlreadyOverturned { .. } => "AlreadyOverturned",
        Rejection::DecidedByTheSame { .. } => "DecidedByTheSame",
        Rejection::NoWarningNamed => "NoWarningNamed",
        Rejection::TooManyWarningsNamed { .. } => "TooManyWarningsNamed",
        Rejection::OtherSession { .. } => "OtherSession",
        Rejection::SessionNotNamed => "SessionNotNamed",
        Rejection::AlreadyUnderWay(_) => "AlreadyUnderWay",
        Rejection::UnknownEnforcement(_) => "UnknownEnforcement",
        Rejection::WrongStage { .. } => "WrongStage",
        Rejection::ExpiredAlready { .. } => "ExpiredAlready",
        Rejection::AdjustedTooFar { .. } => "AdjustedTooFar",
    }
}

/// Every name that [`rejection_name`] gives.
pub const REJECTIONS: [&str; 22] = [
    "UnknownWarning",
    "ChangedSince",
    "AlreadyAnswered",
    "ClaimedByAnother",
    "NotClaimed",
    "NotAnswered",
    "AnsweredByAnother",
    "WithdrawnTooLate",
    "AlreadyCarriedOut",
    "NotUpheld",
    "AnswerNotFinal",
    "AlreadyOverturned",
    "DecidedByTheSame",
    "NoWarningNamed",
    "TooManyWarningsNamed",
    "OtherSession",
    "SessionNotNamed",
    "AlreadyUnderWay",
    "UnknownEnforcement",
    "WrongStage",
    "ExpiredAlready",
    "AdjustedTooFar",
];

/// What a person does with a reputation: `pins 0.5`, `adjusts -250` (thousandths), `releases-reputation`.
pub fn reputation_change(line: &Line<'_>) -> ReputationChange {
    match line.word(1) {
        "pins" => ReputationChange::Pin(Score::from_milli(line.number(2)).expect("a score in thousandths")),
        "adjusts" => ReputationChange::By(line.number(2)),
        _ => ReputationChange::Release,
    }
}

/// The serialised name of an enum's variant.
pub fn first_word<T: serde::Serialize>(value: &T) -> String {
    match serde_json::to_value(value).expect("it is JSON") {
        serde_json::Value::Object(fields) => fields.keys().next().cloned().unwrap_or_default(),
        serde_json::Value::String(text) => text,
        other => panic!("{other} names no variant"),
    }
}

/// A variant without fields by its serialised name.
pub fn word<T: serde::de::DeserializeOwned>(line: &Line<'_>, name: &str) -> T {
    let named = serde_json::Value::String(name.to_owned());
    serde_json::from_value(named).unwrap_or_else(|error| panic!("{}: {error}", line.place))
}

pub fn session_id(name: &str) -> SessionId {
    SessionId::new(name).expect("a sound name")
}

/// What the reactor says, as words: `attempting 2`, `held`, `superseded s2`.
pub fn report(line: &Line<'_>) -> EnforcementReport {
    match line.word(1) {
        "admitted" => EnforcementReport::Admitted,
        "held" => EnforcementReport::Held(Budget::PerMinute { used: 5, of: 5 }),
        "attempting" => {
            EnforcementReport::Attempting { attempt: line.number(2), found: line.option("found").map(session_id) }
        }
        "succeeded" => EnforcementReport::Succeeded(line.number(2)),
        "verified" => EnforcementReport::Verified,
        "not-needed" => EnforcementReport::NotNeeded(NotNeededBecause::AlreadyOffline),
        "superseded" => {
            EnforcementReport::Superseded { found: session_id(line.word(2)), because: SupersededBecause::Replaced }
        }
        "failed" => EnforcementReport::Failed("the platform refuses".to_owned()),
        "expired" => EnforcementReport::Expired,
        other => panic!("{}: no report is called {other:?}", line.place),
    }
}

pub fn measurement(line: &Line<'_>) -> Measurement {
    let bits = line.option("hash").map_or(0, |hex| u64::from_str_radix(hex, 16).expect("a hash in hexadecimal"));
    let scheme =
        if line.option("scheme") == Some("phash") { HashScheme::PhashFromDc } else { HashScheme::MedianDctFromDc };
    let image =
        ImageFacts { sha256: Sha256([7; 32]), bytes: 30_000, width: 1280, height: 720, format: ImageFormat::Jpeg };
    Measurement { image, hash: PerceptualHash { scheme, bits }, luma: None }
}

/// `labels=Violence:90,Nudity/Partial:55 unmapped=1 in=hive-visual/1`, by `by=stub`.
pub fn answered(line: &Line<'_>) -> Answered {
    let kept: Option<ContentRef> = line.option("kept").map(|_| samples::content());
    let labels = labels(line.option("labels").unwrap_or(""), ',');
    let mut answered = answer(line.option("by").unwrap_or("stub"), labels);
    if let Some(taxonomy) = line.option("in") {
        answered.provider.taxonomy = taxonomy.into();
    }
    Answered { kept, unmapped: line.value("unmapped", 0), ..answered }
}

/// Why the provider that decides was asked, and what others said: `arranged=in_place_of:1 asked=fell_over|hive|-`.
pub fn beside(line: &Line<'_>) -> Beside {
    let arranged = line.option("arranged").map(|why| match why.split_once(':') {
        Some(("in_place_of", n)) => Arranged::InPlaceOf(n.parse().expect("a number")),
        Some(_) => panic!("{}: nothing is arranged as {why:?}", line.place),
        None => word::<Arranged>(line, why),
    });
    Beside { arranged, opinions: opinions(line) }
}

/// `asked=screened|local|Violence:30+Nudity:10,seconded|hive|-`: what for, who, and its labels or `-` for no answer; a
/// provider whose labels are in a taxonomy of its own is written `name@`.
pub fn opinions(line: &Line<'_>) -> Vec<Opinion> {
    let each = line.option("asked").into_iter().flat_map(|list| list.split(','));
    each.map(|one| {
        let [role, name, said] = one.split('|').collect::<Vec<_>>()[..] else {
            panic!("{}: who was asked is role|name|said", line.place)
        };
        let said = match said {
            "-" => Said::Nothing {
                provider: answer(name, vec![]).provider,
                stage: FailedStage::Provider,
                reason: "gone".to_owned(),
                attempts: 3,
            },
            said => Said::Answer(answer(name, labels(said, '+'))),
        };
        Opinion { role: word::<OpinionRole>(line, role), said, took_ms: 5 }
    })
    .collect()
}

fn answer(name: &str, labels: Vec<Label>) -> Answered {
    let taxonomy = if name.ends_with('@') { "another/1" } else { "stub/1" };
    let provider =
        ProviderRef { name: name.trim_end_matches('@').into(), model: "1".into(), taxonomy: taxonomy.into() };
    Answered {
        moments: Vec::new(),
        spoken: None,
        provider,
        labels,
        kept: None,
        unmapped: 0,
        content_types: vec![],
        floor: None,
    }
}

fn labels(list: &str, between: char) -> Vec<Label> {
    let label = |text: &str| {
        let (path, percent) = text.split_once(':').expect("a label is path:confidence");
        let confidence = Confidence::from_percent(percent.parse().expect("a number")).expect("a percentage");
        Label(LabelPath::new(path).expect("a sound path"), confidence)
    };
    list.split(between).filter(|text| !text.is_empty()).map(label).collect()
}
