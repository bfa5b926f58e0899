//! What an external actor's callbacks mean here, and which frame one is about. Knows nothing of who may call: the gate
//! has let them in.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use serde_json::Value;
use tokio::sync::Semaphore;

use super::App;
use super::blocking::blocking;
use super::problem::{Code, Problem};
use crate::events::{Event, FrameAssessed, OpinionRole, Recorded};
use crate::journal::{Journal, ReadError};
use crate::model::{Action, ActionName, Approval, ChannelId, EventId, ExternalId, FrameId};
use crate::providers::hive::dashboard::{NAME, Posts, UsersAs};
use crate::warden::{Command, DecidedFrame, ExternalDecision};

/// Callbacks that wait for a frame's outcome at the same time. A frame is acted on a moment before it at most.
const WAITING_MAX: usize = 64;
/// When to come back where a frame's outcome is not there yet, in seconds.
const RETRY_AFTER_S: u32 = 5;

/// What an external actor may decide, and what follows.
pub struct Callbacks {
    /// Their name.
    pub by: ExternalId,
    /// The parameter that names the post, which is a frame.
    pub post_parameter: String,
    /// The parameter that names the user, which is a channel.
    pub user_parameter: String,
    /// As which user a channel was shown to them.
    pub users_as: UsersAs,
    /// What each of their actions means.
    pub actions: BTreeMap<ActionName, Meaning>,
    /// A frame older than this may warn, and never stops by itself.
    pub frame_age_max: Duration,
    /// How long an action is quiet in a channel after a person answered its warning.
    pub cooldown: Duration,
    /// How long the outcome of a frame that was just shown to them is waited for.
    pub patience: Duration,
    /// The frames that were shown to them lately.
    pub posts: Arc<Posts>,
    waiting: Semaphore,
}

/// What an action means here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// What follows; none: it is recorded only.
    pub then: Option<Action>,
    /// Who must agree to a stop or a suspension.
    pub approval: Approval,
    /// How grave it is, 1 (least) to 5.
    pub severity: u8,
}

/// What a callback names.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::http) struct Named {
    pub post: String,
    pub user: String,
}

impl Callbacks {
    /// Those of Hive's Moderation Dashboard, with these actions.
    pub fn of_hive(actions: BTreeMap<ActionName, Meaning>, posts: Arc<Posts>) -> Self {
        Self {
            by: ExternalId::new(NAME).expect("a name in the program is sound"),
            post_parameter: "post_id".to_owned(),
            user_parameter: "user_id".to_owned(),
            users_as: UsersAs::default(),
            actions,
            frame_age_max: Duration::from_secs(15 * 60),
            cooldown: Duration::from_secs(5 * 60),
            patience: Duration::from_secs(20),
            posts,
            waiting: Semaphore::new(WAITING_MAX),
        }
    }

    /// The post and the user that a callback names: in its query, or where it has none there in its body, as a form or an
    /// object.
    pub(in crate::http) fn named(&self, query: &str, media_type: &str, body: &[u8]) -> Result<Named, Problem> {
        let in_query = pairs(query)?;
        let in_body = match media_type {
            "application/x-www-form-urlencoded" => pairs(&String::from_utf8_lossy(body))?,
            "application/json" => fields(body),
            _ => Vec::new(), // the body is not needed, and may be anything
        };
        let one = |parameter: &str| {
            let named = |pairs: &[(String, String)]| -> Vec<String> {
                pairs.iter().filter(|(name, _)| name == parameter).map(|(_, value)| value.clone()).collect()
            };
            let mut values = named(&in_query);
            values.extend(named(&in_body));
            values.dedup();
            match <[String; 1]>::try_from(values) {
                Ok([value]) => Ok(value),
                Err(values) if values.is_empty() => {
                    Err(Problem::malformed(parameter, "it is needed, and is not given"))
                }
                Err(_) => Err(Problem::malformed(parameter, "it is given with different values")),
            }
        };
        Ok(Named { post: one(&self.post_parameter)?, user: one(&self.user_parameter)? })
    }

    /// The frame that was shown to them as that post, of that user, and its channel.
    pub(in crate::http) async fn frame(
        &self,
        app: &App,
        Named { post, user }: &Named,
    ) -> Result<(ChannelId, DecidedFrame), Problem> {
        let nothing = || Problem::new(Code::NotFound, format!("no frame was shown to {} as post {post:.64}", self.by));
        let frame: FrameId = post.parse().map_err(|_| nothing())?;
        let outcome = self.outcome(app, frame).await?.ok_or_else(nothing)?;
        let channel = outcome.envelope.scope.channel().cloned().ok_or_else(nothing)?;
        if self.users_as.user(&channel) != *user {
            // Told apart from an unknown post: whoever set this up must see what is wrong with it.
            tracing::warn!(%frame, "a callback of {} names another user than the frame's channel is shown as", self.by);
            let detail = format!("post {frame} is of another user than {user:.200}; nothing was done to either");
            return Err(Problem::new(Code::Unprocessable, detail).with("rule", "another_user"));
        }
        let event = outcome.event().map_err(|error| Problem::internal("reading a frame's outcome", &error))?;
        let captured_at = outcome.envelope.captured_at.unwrap_or(outcome.envelope.recorded_at);
        let judged = match event {
            Event::FrameAssessed(assessed) => {
                if !self.was_shown(app, &assessed).await? {
                    return Err(nothing());
                }
                Some((assessed.session, assessed.policy))
            }
            // What failed may have been shown to them all the same, says the record or what was just posted.
            Event::FrameFailed(failed) if self.was_posted(app, failed.frame).await? => None,
            _ => return Err(nothing()), // what was skipped was shown to nobody
        };
        Ok((channel, DecidedFrame { frame, captured_at, judged }))
    }

    /// Their decision about a frame, as the operator has set it.
    pub(in crate::http) fn decision(&self, action: &ActionName, meaning: Meaning) -> ExternalDecision {
        let Meaning { then, approval, severity } = meaning;
        ExternalDecision {
            by: self.by.clone(),
            action: action.clone(),
            then,
            approval,
            severity,
            frame_age_max_ms: u64::try_from(self.frame_age_max.as_millis()).unwrap_or(u64::MAX),
            cooldown_ms: u32::try_from(self.cooldown.as_millis()).unwrap_or(u32::MAX),
        }
    }

    /// The frame's outcome. They may act before their answer is back and judged: of a frame that was just shown to them it
    /// is waited for.
    async fn outcome(&self, app: &App, frame: FrameId) -> Result<Option<Recorded>, Problem> {
        let mut watermark = app.journal.watermark();
        watermark.borrow_and_update();
        if let Some(outcome) = find(app, frame).await? {
            return Ok(Some(outcome));
        }
        if !self.posts.were_shown(frame) {
            return Ok(None);
        }
        let late = || {
            let detail = format!("frame {frame} is being judged, and its outcome is not recorded yet");
            Problem::unavailable(detail, RETRY_AFTER_S)
        };
        let _waits = self.waiting.try_acquire().map_err(|_| late())?;
        let recorded = async {
            while watermark.changed().await.is_ok() {
                watermark.borrow_and_update();
                if let Some(outcome) = find(app, frame).await? {
                    return Ok(outcome);
                }
            }
            Err(late()) // the journal is closed
        };
        tokio::time::timeout(self.patience, recorded).await.map_err(|_| late())?.map(Some)
    }

    /// Whether the frame was shown to them: its outcome rests on their answer, or what they said is on record beside it.
    async fn was_shown(&self, app: &App, assessed: &FrameAssessed) -> Result<bool, Problem> {
        Ok(*assessed.provider.name == *self.by.as_str() || self.was_posted(app, assessed.frame).await?)
    }

    /// Whether it was posted to them, whatever came of it.
    async fn was_posted(&self, app: &App, frame: FrameId) -> Result<bool, Problem> {
        if self.posts.were_shown(frame) {
            return Ok(true);
        }
        let (journal, name) = (app.journal.clone(), self.by.clone());
        blocking("looking up what was shown outside", move || said(&*journal, name.as_str(), frame)).await
    }
}

/// Whether that provider's opinion of the frame is on record.
fn said(journal: &dyn Journal, name: &str, frame: FrameId) -> Result<bool, ReadError> {
    let asked = [OpinionRole::Screened, OpinionRole::FellOver, OpinionRole::Seconded];
    let beside = asked.map(|role| Command::opinion_id(frame, role, name));
    for id in beside.into_iter().chain([Command::comparison_id(frame)]) {
        let Some(found) = journal.find(id)? else { continue };
        // Of a comparison the id does not say with whom.
        if let Ok(Event::OpinionGiven(opinion)) = found.event()
            && *opinion.provider.name == *name
        {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn find(app: &App, frame: FrameId) -> Result<Option<Recorded>, Problem> {
    let outcome = EventId::outcome_of(frame);
    if !app.journal.may_hold(outcome) {
        return Ok(None);
    }
    let journal = app.journal.clone();
    blocking("looking a frame up", move || journal.find(outcome)).await
}

/// The names and values of a query or a form.
fn pairs(text: &str) -> Result<Vec<(String, String)>, Problem> {
    let read = web::Query::<Vec<(String, String)>>::from_query(text);
    read.map(web::Query::into_inner).map_err(|error| super::extract::query(&error))
}

/// The names and values of an object, as far as they are texts. Nothing of what is no object.
fn fields(body: &[u8]) -> Vec<(String, String)> {
    let Ok(Value::Object(fields)) = serde_json::from_slice(body) else { return Vec::new() };
    let text = |(name, value)| match value {
        Value::String(text) => Some((name, text)),
        _ => None,
    };
    fields.into_iter().filter_map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(query: &str, media_type: &str, body: &str) -> Result<Named, Code> {
        let callbacks = Callbacks::of_hive(BTreeMap::new(), Arc::default());
        callbacks.named(query, media_type, body.as_bytes()).map_err(|problem| problem.code())
    }

    #[test]
    fn post_and_user_are_read_from_the_query_or_else_from_the_body() {
        let wanted = Ok(Named { post: "p".to_owned(), user: "u/1".to_owned() });
        let form = "application/x-www-form-urlencoded";
        for (query, media_type, body) in [
            ("post_id=p&user_id=u%2F1&other=x", "", "anything"),
            ("user_id=u%2F1&post_id=p", "application/json", "no JSON"),
            ("", form, "post_id=p&user_id=u%2F1"),
            ("", "application/json", r#"{"post_id": "p", "user_id": "u/1", "n": 1}"#),
            ("post_id=p", "application/json", r#"{"post_id": "p", "user_id": "u/1"}"#),
        ] {
            assert_eq!(named(query, media_type, body), wanted, "{query} {body}");
        }
    }

    #[test]
    fn what_is_missing_or_said_twice_otherwise_is_refused() {
        for (query, body) in [
            ("", "{}"),
            ("post_id=p", "{}"),
            ("user_id=u", r#"{"post_id": 7}"#),
            ("post_id=p&post_id=q&user_id=u", ""),
            ("post_id=p&user_id=u", r#"{"post_id": "q"}"#),
        ] {
            assert_eq!(named(query, "application/json", body), Err(Code::Malformed), "{query} {body}");
        }
    }
}
