//! What moderators do to warnings over HTTP: to those they saw, as they saw them, once.

use serde_json::{Value, json as value};
use streamwarden::events::Event;
use streamwarden::journal::content::Content;

use crate::handing_in::{count, decided, events, picture, until};
use crate::premises::{Live, Premises, json};
use crate::scripted::Says;

/// A warning as the queue shows it.
#[derive(Clone)]
struct Waiting {
    id: String,
    version: u64,
}

/// A frame of the channel raises a warning.
async fn raised(premises: &Premises, live: &Live, channel: &str, seed: u8) -> Waiting {
    let shown = picture(seed);
    premises.provider.says(&shown, Says::Labels(&[("Alcohol", 95.0)]));
    let answer = decided(live, &format!("/v1/channels/{channel}/frames"), &shown).await;
    assert_eq!(answer["verdict"], "warn");
    let id = answer["rules"][0]["effect"]["raised"].as_str().expect("a warning is raised").to_owned();
    let of = |one: &streamwarden::events::Recorded| match one.event() {
        Ok(Event::WarningRaised(raised)) => raised.warning.to_string() == id,
        _ => false,
    };
    let version = events(live).iter().find(|one| of(one)).expect("it is recorded").envelope.sequence.0;
    Waiting { id, version }
}

async fn act(live: &Live, warning: &Waiting, verb: &str, more: Value) -> (u16, Value) {
    let mut body = value!({ "version": warning.version });
    for (name, value) in more.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    json(live.post(&format!("/v1/warnings/{}/{verb}", warning.id)).json(&body)).await
}

async fn answer(live: &Live, how: &str, warnings: &[&Waiting], more: Value) -> (u16, Value) {
    let named: Vec<Value> = warnings.iter().map(|one| value!({ "id": one.id, "version": one.version })).collect();
    let mut body = value!({ "answer": how, "warnings": named });
    for (name, value) in more.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    json(live.post("/v1/answers").json(&body)).await
}

/// The warning as the act left it.
fn after(warning: &Waiting, told: &Value) -> Waiting {
    let versions = told["warnings"].as_array().expect("a list");
    let of = versions.iter().find(|one| one["id"] == warning.id).expect("it is among them");
    Waiting { id: warning.id.clone(), version: of["version"].as_u64().expect("a version") }
}

#[actix_rt::test]
async fn a_warning_is_claimed_noted_answered_and_the_answer_taken_back() {
    let premises = Premises::new();
    let live = premises.open().await;
    let warning = raised(&premises, &live, "stage", 1).await;
    let (status, claimed) = act(&live, &warning, "claim", Value::Null).await;
    assert_eq!((status, &claimed["events"][0]["type"]), (200, &value!("WarningClaimed")), "{claimed}");
    let warning = after(&warning, &claimed);
    let (status, noted) = act(&live, &warning, "note", value!({ "note": "a bottle, seen twice" })).await;
    assert_eq!(status, 200, "{noted}");
    let warning = after(&warning, &noted);
    let note = until(&live, "the note", |event| match event {
        Event::WarningNoted(noted) => Some(noted.note.clone()),
        _ => None,
    });
    let note = note.await;
    assert_eq!(live.house.content.get(&note).expect("it is kept"), Content::Plain(b"a bottle, seen twice".to_vec()));
    let (status, escalated) = act(&live, &warning, "escalate", value!({ "to": "lead" })).await;
    assert_eq!((status, &escalated["events"][0]["type"]), (200, &value!("WarningEscalated")));
    let warning = after(&warning, &escalated);
    let (status, problem) = act(&live, &warning, "release", Value::Null).await;
    assert_eq!((status, &problem["rule"]), (409, &value!("not_claimed")), "escalating gave the claim up");

    let (status, upheld) = answer(&live, "uphold", &[&warning], value!({ "note": "agreed" })).await;
    assert_eq!(status, 200, "{upheld}");
    let types: Vec<&Value> = upheld["events"].as_array().expect("a list").iter().map(|one| &one["type"]).collect();
    assert_eq!(types, ["WarningNoted", "WarningUpheld"]);
    let warning = after(&warning, &upheld);
    let (status, withdrawn) = act(&live, &warning, "withdraw", Value::Null).await;
    assert_eq!((status, &withdrawn["events"][0]["type"]), (200, &value!("WarningAnswerWithdrawn")));
    let warning = after(&warning, &withdrawn);
    let (status, dismissed) = answer(&live, "dismiss", &[&warning], Value::Null).await;
    assert_eq!((status, &dismissed["repeated"]), (200, &value!(false)));

    let (_, told) = json(live.get(&format!("/v1/warnings/{}", warning.id))).await;
    let said: Vec<&Value> = told["said"].as_array().expect("its notes").iter().map(|one| &one["note"]).collect();
    assert_eq!(said, ["a bottle, seen twice", "agreed"], "who reads the story reads the words");
    live.close().await;
}

#[actix_rt::test]
async fn who_acts_on_what_has_changed_is_shown_what_happened() {
    let premises = Premises::new();
    let live = premises.open().await;
    let seen = raised(&premises, &live, "stage", 1).await;
    let (_, noted) = act(&live, &seen, "note", value!({ "note": "look at the label" })).await;
    let (status, problem) = answer(&live, "dismiss", &[&seen], Value::Null).await;
    assert_eq!((status, &problem["code"]), (409, &value!("changed_since")), "{problem}");
    assert_eq!((&problem["warning"], &problem["version"]), (&value!(seen.id), &noted["warnings"][0]["version"]));
    let changed = problem["changed"].as_array().expect("a list");
    assert_eq!(changed.len(), 1);
    assert_eq!(changed[0]["type"], "WarningNoted");
    assert_eq!(count(&live, "WarningDismissed"), 0);
    let now = after(&seen, &noted);
    assert_eq!(answer(&live, "dismiss", &[&now], Value::Null).await.0, 200);
    live.close().await;
}

#[actix_rt::test]
async fn a_frame_that_joins_a_warning_does_not_keep_it_from_being_answered() {
    let premises = Premises::new();
    let live = premises.open().await;
    let shown = picture(2);
    premises.provider.says(&shown, Says::Labels(&[("Alcohol", 95.0)]));
    let path = |ms: u64| {
        use streamwarden::clock::{Clock, SystemClock};
        let at = SystemClock.now().minus_ms(60_000).plus_ms(ms);
        format!("/v1/channels/stage/frames?session=st-1&captured_at={at}")
    };
    let first = picture(1);
    premises.provider.says(&first, Says::Labels(&[("Alcohol", 95.0)]));
    let raised = decided(&live, &path(0), &first).await;
    let id = raised["rules"][0]["effect"]["raised"].as_str().expect("a warning is raised").to_owned();
    let joined = decided(&live, &path(5000), &shown).await;
    assert_eq!(joined["rules"][0]["effect"]["joined"], value!(id));
    let all = events(&live);
    let recorded = all.iter().find(|one| one.envelope.event_type == "WarningRaised").expect("it is recorded");
    let warning = Waiting { id, version: recorded.envelope.sequence.0 };
    assert_eq!(answer(&live, "dismiss", &[&warning], Value::Null).await.0, 200);
    live.close().await;
}

#[actix_rt::test]
async fn an_answer_is_to_all_that_it_names_or_to_none() {
    let premises = Premises::new();
    let live = premises.open().await;
    let (here, there) = (raised(&premises, &live, "stage", 1).await, raised(&premises, &live, "other", 2).await);
    let (status, problem) = answer(&live, "dismiss", &[&here, &there], Value::Null).await;
    assert_eq!((status, &problem["code"]), (422, &value!("unprocessable")), "they are of different channels");
    let unknown = Waiting { id: "0".repeat(32), version: 1 };
    assert_eq!(answer(&live, "dismiss", &[&here, &unknown], Value::Null).await.0, 404);
    assert_eq!(answer(&live, "dismiss", &[], Value::Null).await.0, 422);
    assert_eq!(answer(&live, "dismiss", &[&here; 17], Value::Null).await.0, 422);
    assert_eq!(count(&live, "WarningDismissed"), 0);
    live.close().await;
}

#[actix_rt::test]
async fn the_same_request_twice_is_one_act_and_one_answer() {
    let premises = Premises::new();
    let live = premises.open().await;
    let warning = raised(&premises, &live, "stage", 1).await;
    let path = format!("/v1/warnings/{}/claim", warning.id);
    let claim = || live.post(&path).header("idempotency-key", "k1").json(&value!({ "version": warning.version }));
    let (status, first) = json(claim()).await;
    let (again, second) = json(claim()).await;
    assert_eq!((status, again), (200, 200));
    assert_eq!((&first["events"], &second["repeated"]), (&second["events"], &value!(true)));
    let claimed = after(&warning, &first);
    let (_, first) = answer(&live, "dismiss", &[&claimed], value!({ "note": "fine" })).await;
    let (status, second) = answer(&live, "dismiss", &[&claimed], value!({ "note": "fine" })).await;
    assert_eq!((status, &second["repeated"], &second["events"]), (200, &value!(true), &first["events"]));
    assert_eq!((count(&live, "WarningClaimed"), count(&live, "WarningDismissed")), (1, 1));
    live.close().await;
}

#[actix_rt::test]
async fn a_key_used_again_with_something_else_is_refused_and_what_came_first_stays() {
    let premises = Premises::new();
    let live = premises.open().await;
    let (one, other) = (raised(&premises, &live, "stage", 1).await, raised(&premises, &live, "other", 2).await);
    let keyed =
        |path: String, key: &str, body: Value| json(live.post(&path).header("idempotency-key", key).json(&body));
    let note = |text: &str, version: u64| value!({ "version": version, "note": text });
    let path = |warning: &Waiting, verb: &str| format!("/v1/warnings/{}/{verb}", warning.id);

    let (_, first) = keyed(path(&one, "note"), "n", note("as it was", one.version)).await;
    let noted = after(&one, &first);
    for (body, about) in [
        (note("something else", one.version), "another text"),
        (note("as it was", noted.version), "the same text on what the first note made"),
    ] {
        let (status, problem) = keyed(path(&one, "note"), "n", body).await;
        assert_eq!((status, &problem["rule"]), (409, &value!("came_before_otherwise")), "{about}: {problem}");
        assert_eq!(problem["first"][0]["id"], first["events"][0]["id"], "{about}");
    }
    let (status, again) = keyed(path(&one, "note"), "n", note("as it was", one.version)).await;
    assert_eq!((status, &again["repeated"]), (200, &value!(true)));
    // Without a key it is the version that says which request it is.
    let (status, problem) = act(&live, &other, "note", value!({ "note": "first" })).await;
    assert_eq!(status, 200, "{problem}");
    let (status, problem) = act(&live, &other, "note", value!({ "note": "second" })).await;
    assert_eq!((status, &problem["rule"]), (409, &value!("came_before_otherwise")), "{problem}");
    assert_eq!(count(&live, "WarningNoted"), 2);

    let answered = |warning: &Waiting, more: Value| {
        let mut body = value!({ "answer": "dismiss", "warnings": [{ "id": warning.id, "version": warning.version }] });
        more.as_object().into_iter().flatten().for_each(|(name, value)| body[name] = value.clone());
        keyed("/v1/answers".to_owned(), "a", body)
    };
    let (status, dismissed) = answered(&noted, Value::Null).await;
    assert_eq!(status, 200, "{dismissed}");
    let now = after(&noted, &dismissed);
    let (status, problem) = answered(&noted, value!({ "note": "with words now" })).await;
    assert_eq!((status, &problem["rule"]), (409, &value!("came_before_otherwise")), "{problem}");
    // Taken back, it waits for an answer again; the old one does not stand for a new one.
    let (status, withdrawn) = act(&live, &now, "withdraw", Value::Null).await;
    assert_eq!(status, 200, "{withdrawn}");
    let (status, problem) = answered(&after(&now, &withdrawn), Value::Null).await;
    assert_eq!((status, &problem["rule"]), (409, &value!("came_before_otherwise")), "{problem}");
    assert_eq!(count(&live, "WarningDismissed"), 1);
    live.close().await;
}

#[actix_rt::test]
async fn what_cannot_be_understood_is_refused_and_keeps_no_words() {
    let premises = Premises::new();
    let live = premises.open().await;
    let warning = raised(&premises, &live, "stage", 1).await;
    for (body, about) in [
        (value!({}), "no version"),
        (value!({ "version": -1 }), "no number of a version"),
        (value!({ "version": warning.version, "note": "" }), "an empty note"),
        (value!({ "version": warning.version, "note": "x".repeat(2001) }), "a note that is too long"),
        (value!({ "version": warning.version, "note": "x", "colour": "red" }), "an unknown field"),
    ] {
        let (status, problem) = json(live.post(&format!("/v1/warnings/{}/note", warning.id)).json(&body)).await;
        assert_eq!((status, &problem["parameter"]), (400, &value!("body")), "{about}: {problem}");
    }
    assert_eq!(json(live.post("/v1/warnings/nothing/claim").json(&value!({ "version": 1 }))).await.0, 400);
    let stale = Waiting { version: warning.version + 1, ..warning };
    assert_eq!(act(&live, &stale, "note", value!({ "note": "never seen" })).await.0, 409);
    assert_eq!(count(&live, "WarningNoted"), 0);
    // The picture is written before its event is: until then nothing refers to it.
    until(&live, "the kept picture", |event| matches!(event, Event::EvidenceStored(_)).then_some(())).await;
    let references =
        events(&live).into_iter().flat_map(|one| streamwarden::journal::content::references_in(&one.payload));
    let report = live.house.content.verify(references).expect("the store is read");
    assert_eq!(report.orphans.len(), 0, "words that were refused are not kept");
    live.close().await;
}
