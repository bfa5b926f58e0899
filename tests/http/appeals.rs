//! An appeal over HTTP: an upheld warning is overturned by somebody else, once, and says so wherever it is shown.

use serde_json::{Value, json};
use streamwarden::http::auth::config::{AuthConfig, Way};
use streamwarden::http::auth::{Role, Token, tokens_file};
use streamwarden::model::{ChannelPattern, EventId, ModeratorId, Timestamp, WarningId};
use streamwarden::warden::{Answering, Command, ModeratorAct, UndoTime};

use crate::broadcast::Broadcast;
use crate::premises::{Live, Premises, json};

/// Whoever calls is asked; a token for each of these roles, on the channels of `scope`.
fn with_tokens<const N: usize>(
    premises: &mut Premises,
    folder: &std::path::Path,
    roles: [(&str, Role, &str); N],
) -> [String; N] {
    let path = folder.join("tokens.toml");
    let secrets = roles.map(|(name, role, scope)| {
        let name = ModeratorId::new(name).expect("a sound name");
        let scope = ChannelPattern::new(scope).expect("a sound pattern");
        let (token, secret) =
            Token::create(name, vec![role], vec![scope], Timestamp::default(), None).expect("random bytes");
        tokens_file::add(&path, token).expect("written");
        secret.reveal().to_owned()
    });
    premises.auth = AuthConfig { ways: vec![Way::Tokens], tokens_file: path, ..AuthConfig::default() };
    secrets
}

async fn answers(stage: &Broadcast<'_>, live: &Live, by: &str, warning: WarningId, uphold: bool) {
    let request = EventId::of_command("test", &[by.as_bytes(), warning.as_bytes()]);
    let undo = UndoTime::from_ms(0).expect("no time at all");
    let answering = Answering { undo, ..Answering::to([warning]) };
    let act = if uphold { ModeratorAct::Uphold(answering) } else { ModeratorAct::Dismiss(answering) };
    let by = ModeratorId::new(by).expect("a sound id");
    let command = Command::Moderate { request, by, act };
    live.house.wardens.command(&stage.channel, command).await.expect("the answer is taken");
    live.shown().await;
}

async fn overturn(live: &Live, token: &str, warning: &Value, why: &str) -> (u16, Value) {
    let path = format!("/v1/warnings/{}/overturn", warning.as_str().expect("an id"));
    json(live.post(&path).bearer_auth(token).json(&json!({ "why": why }))).await
}

/// The warning that a frame with a bottle raises.
async fn raised(stage: &mut Broadcast<'_>, live: &Live, token: &str) -> Value {
    let outcome = stage.shows(&[("Alcohol", 90.0)]).await;
    let (_, decision) = json(live.get(&format!("/v1/decisions/{}", outcome.id)).bearer_auth(token)).await;
    decision["followed"]["warnings"][0]["warning"].clone()
}

#[actix_rt::test]
async fn an_upheld_warning_is_overturned_once_by_somebody_else_and_says_so_for_good() {
    let mut premises = Premises::new();
    let folder = tempfile::tempdir().expect("a directory");
    let [reviewer, admin, ann, elsewhere] = with_tokens(
        &mut premises,
        folder.path(),
        [
            ("rex", Role::AppealReviewer, "*"),
            ("ada", Role::Admin, "*"),
            ("ann", Role::Admin, "*"),
            ("els", Role::AppealReviewer, "other/*"),
        ],
    );
    let live = premises.open().await;
    let mut stage = Broadcast::begins(&live, &premises, "stage").await;
    let warning = raised(&mut stage, &live, &admin).await;
    let id: WarningId = warning.as_str().expect("an id").parse().expect("a warning id");

    let (status, open) = overturn(&live, &reviewer, &warning, "not yet").await;
    assert_eq!((status, &open["rule"]), (409, &json!("not_upheld")), "{open}");
    answers(&stage, &live, "ann", id, true).await;
    assert_eq!(overturn(&live, &elsewhere, &warning, "mine?").await.0, 404, "not a channel of theirs");
    let (status, own) = overturn(&live, &ann, &warning, "I was wrong").await;
    assert_eq!((status, &own["rule"]), (409, &json!("decided_by_the_same")), "{own}");
    stage.ends().await;

    // Another broadcast began since: the channel has forgotten the answer, the journal has not.
    let later = Broadcast::begins(&live, &premises, "stage").await;
    let (status, done) = overturn(&live, &reviewer, &warning, "it was a lemonade").await;
    assert_eq!((status, &done["events"][0]["type"]), (200, &json!("WarningOverturned")), "{done}");
    let (status, again) = overturn(&live, &reviewer, &warning, "it was a lemonade").await;
    assert_eq!((status, &again["repeated"], &again["events"]), (200, &json!(true), &done["events"]));
    let (status, other) = overturn(&live, &reviewer, &warning, "for another reason").await;
    assert_eq!((status, &other["rule"]), (409, &json!("came_before_otherwise")), "{other}");
    let (status, late) = overturn(&live, &admin, &warning, "so do I").await;
    assert_eq!((status, &late["rule"]), (409, &json!("already_overturned")), "{late}");

    let (_, told) = json(live.get(&format!("/v1/warnings/{id}")).bearer_auth(&admin)).await;
    assert_eq!((&told["overturned"]["by"], &told["answer"]["by"]), (&json!("rex"), &json!("ann")), "{told}");
    assert_eq!(told["said"][0]["note"], "it was a lemonade");
    let frame = told["frame"].as_str().expect("a frame");
    let (_, decision) = json(live.get(&format!("/v1/decisions/{frame}")).bearer_auth(&admin)).await;
    let standing = &decision["followed"]["warnings"][0]["standing"]["overturned"];
    assert_eq!((&standing["by"], &standing["upheld_by"]), (&json!("rex"), &json!("ann")), "{standing}");
    later.ends().await;
    live.close().await;
}

#[actix_rt::test]
async fn what_was_dismissed_or_never_was_cannot_be_overturned() {
    let mut premises = Premises::new();
    let folder = tempfile::tempdir().expect("a directory");
    let [admin, moderator] =
        with_tokens(&mut premises, folder.path(), [("ada", Role::Admin, "*"), ("mo", Role::Moderator, "*")]);
    let live = premises.open().await;
    let mut stage = Broadcast::begins(&live, &premises, "stage").await;
    let warning = raised(&mut stage, &live, &admin).await;
    let id: WarningId = warning.as_str().expect("an id").parse().expect("a warning id");
    answers(&stage, &live, "ann", id, false).await;
    let (status, dismissed) = overturn(&live, &admin, &warning, "w").await;
    assert_eq!((status, &dismissed["rule"]), (409, &json!("not_upheld")));
    assert_eq!(overturn(&live, &moderator, &warning, "w").await.0, 403, "moderators decide no appeals");
    let nobody = json!(WarningId::from_bytes([9; 16]).to_string());
    assert_eq!(overturn(&live, &admin, &nobody, "w").await.0, 404);
    let path = format!("/v1/warnings/{id}/overturn");
    let elsewhere = json!({ "why": "w", "raised": 1 });
    assert_eq!(json(live.post(&path).bearer_auth(&admin).json(&elsewhere)).await.0, 404, "it was not raised there");
    assert_eq!(overturn(&live, &admin, &warning, " ").await.0, 400, "nobody overturns without a reason");
    stage.ends().await;
    live.close().await;
}
