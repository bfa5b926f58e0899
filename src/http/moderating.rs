//! A person acts through a channel's warden: once per request, with their words kept apart, answered when it is durable
//! and shown.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

use super::App;
use super::blocking::blocking;
use super::extract::Caller;
use super::problem::{Code, Problem};
use super::refused;
use super::repeated::{Compared, compared};
use super::written::{WrittenEvent, shown, story};
use crate::actors::CommandError;
use crate::events::{Event, EventView, Recorded};
use crate::http::auth::Permission;
use crate::journal::content::Content;
use crate::journal::{READ_LIMIT_MAX, ReadError};
use crate::model::{ChannelId, ContentRef, EventId, Position, Scope, Sequence, Sha256, WarningId, subjects};
use crate::warden::{Command, ModeratorAct, Rejection, decide};

/// The most bytes of a note or a reason.
const WORDS_BYTES_MAX: usize = 2000;
/// The most events that a refusal shows of what changed.
const CHANGED_MAX: usize = 50;
/// Pages of a channel's events that are searched for what changed: a warning older than that was seen too long ago.
const CHANGED_PAGES_MAX: usize = 10;

/// What a person wrote: a note, a reason. Kept apart from the events, under the person's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(in crate::http) struct Words(String);

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.len() {
            1..=WORDS_BYTES_MAX if !text.trim().is_empty() => Ok(Self(text)),
            found => Err(serde::de::Error::custom(format!(
                "expected a text of 1 to {WORDS_BYTES_MAX} bytes that is not blank, this has {found}"
            ))),
        }
    }
}

impl JsonSchema for Words {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Words".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string", "minLength": 1, "maxLength": WORDS_BYTES_MAX,
            "description": "A text of 1 to 2000 bytes that is not blank. Kept apart from the events, encrypted under \
                            its author's key."
        })
    }
}

/// What followed from a person's act.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct ActAnswer {
    /// The channel.
    pub channel: ChannelId,
    /// The warnings that it was about, each with the version that this act made of it: what a further act names.
    pub warnings: Vec<WarningVersion>,
    /// What was recorded, in order.
    pub events: Vec<WrittenEvent>,
    /// Position of the last of them.
    pub position: Position,
    /// Whether this request had been carried out before, and is answered as it was then.
    pub repeated: bool,
}

/// A version of a warning.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct WarningVersion {
    /// The warning.
    pub id: WarningId,
    /// The version, as the queue or the last answer showed it.
    pub version: Sequence,
}

/// A person's request.
pub(in crate::http) struct Asked<'a> {
    pub app: &'a App,
    pub caller: &'a Caller,
    pub channel: ChannelId,
    pub request: EventId,
    pub words: Option<Words>,
}

/// What a request brought about.
pub(in crate::http) struct Done {
    pub story: Vec<Recorded>,
    pub repeated: bool,
}

impl Asked<'_> {
    /// Has the warden carry the act out, once. The words are kept only if the act would be accepted.
    pub async fn carry_out(self, act: impl Fn(Option<ContentRef>) -> ModeratorAct) -> Result<Done, Problem> {
        let first = self.first(&act);
        let before = story(self.app, first).await?;
        if !before.is_empty() {
            self.must_be_of_this(&before, &act(self.stand_in()), None).await?;
            return Ok(Done { story: before, repeated: true });
        }
        let words = match &self.words {
            Some(words) => {
                self.would_be_accepted(&act).await?;
                Some(self.keep(words.clone()).await?)
            }
            None => None,
        };
        let wanted = act(words.clone());
        if let Err(error) = self.app.wardens.command(&self.channel, self.command(wanted.clone())).await {
            return Err(self.refusal(&error).await);
        }
        let story = story(self.app, first).await?;
        // Another request under the same key may have come first by a moment.
        self.must_be_of_this(&story, &wanted, words.as_ref()).await?;
        if let Some(last) = story.last() {
            shown(self.app, last.envelope.position).await;
        }
        Ok(Done { story, repeated: false })
    }

    /// The event under which what follows is recorded: the request's first, or that of what can happen only once.
    fn first(&self, act: &impl Fn(Option<ContentRef>) -> ModeratorAct) -> EventId {
        self.command(act(self.stand_in())).done_as().unwrap_or_else(|| Command::request_id(self.request))
    }

    /// Refuses if what was recorded under this request's identity followed from another request.
    async fn must_be_of_this(
        &self,
        story: &[Recorded],
        act: &ModeratorAct,
        kept: Option<&ContentRef>,
    ) -> Result<(), Problem> {
        if story.is_empty() {
            return Ok(()); // nothing was left to do
        }
        let same = match compared(act, story) {
            Compared::Same => true,
            Compared::SameIfAnswered(warnings) => self.had_answered(act, &warnings).await,
            Compared::Another => false,
        };
        if same && self.said_the_same(story, kept).await? {
            return Ok(());
        }
        let detail = "this request came before with something else, under the same key or about the same version; what \
                      came first stays, and this was not done";
        let first: Vec<WrittenEvent> = story.iter().map(WrittenEvent::from).collect();
        Err(Problem::new(Code::Conflict, detail).with("rule", "came_before_otherwise").with("first", first))
    }

    /// Whether the caller's answer to each of these warnings is the one of this act.
    async fn had_answered(&self, act: &ModeratorAct, warnings: &[WarningId]) -> bool {
        let upholds = matches!(act, ModeratorAct::Uphold(_));
        let Some(state) = self.app.wardens.inspect(&self.channel).await else { return false };
        warnings.iter().all(|id| {
            let answer = state.warning(*id).and_then(|warning| warning.answer.as_ref());
            answer.is_some_and(|answer| answer.by == self.caller.id && answer.upheld == upholds)
        })
    }

    /// Whether the words recorded are this request's. Those that were erased cannot be compared any more.
    async fn said_the_same(&self, story: &[Recorded], kept: Option<&ContentRef>) -> Result<bool, Problem> {
        let recorded = story.iter().find_map(|one| match one.event() {
            Ok(Event::WarningNoted(noted)) => Some(noted.note),
            Ok(Event::WarningOverturned(overturned)) => Some(overturned.why),
            Ok(Event::EnforcementRequested(requested)) => requested.reason,
            Ok(Event::ReputationAdjusted(adjusted)) => Some(adjusted.why),
            _ => None, // no other event that a person brings about has words
        });
        let (words, recorded) = match (&self.words, recorded) {
            (None, None) => return Ok(true),
            (Some(_), Some(recorded)) if kept == Some(&recorded) => return Ok(true),
            (Some(words), Some(recorded)) => (words, recorded),
            (Some(_), None) | (None, Some(_)) => return Ok(false),
        };
        let content = self.app.content.clone();
        Ok(match blocking("comparing what you wrote", move || content.get(&recorded)).await? {
            Content::Plain(plain) => plain == words.0.as_bytes(),
            Content::Erased | Content::Expired => true,
        })
    }

    /// Words that nothing refers to would lie about for good. So the warden's own rules are asked first, with a stand-in
    /// for where the words will be; what they say counts only if it is a refusal.
    async fn would_be_accepted(&self, act: &impl Fn(Option<ContentRef>) -> ModeratorAct) -> Result<(), Problem> {
        let Some(state) = self.app.wardens.inspect(&self.channel).await else { return Ok(()) };
        let now = self.app.wardens.clock().now();
        match decide(&state, None, now, &self.command(act(self.stand_in()))) {
            Ok(_) => Ok(()),
            Err(rejection) => Err(self.refusal(&CommandError::Rejected(rejection)).await),
        }
    }

    /// Stands for where the words will be; none if there are none.
    fn stand_in(&self) -> Option<ContentRef> {
        let words = self.words.as_ref()?;
        let digest = Sha256::of(words.0.as_bytes());
        Some(ContentRef { subject: self.subject(), digest, bytes: words.0.len() as u32 })
    }

    async fn keep(&self, words: Words) -> Result<ContentRef, Problem> {
        let (content, subject) = (self.app.content.clone(), self.subject());
        blocking("keeping what you wrote", move || content.put(&subject, words.0.as_bytes())).await
    }

    fn subject(&self) -> String {
        subjects::of_person(&self.caller.id)
    }

    fn command(&self, act: ModeratorAct) -> Command {
        Command::Moderate { request: self.request, by: self.caller.id.clone(), act }
    }

    /// A refusal; with what changed, if something did.
    async fn refusal(&self, error: &CommandError) -> Problem {
        let problem = refused::command(error);
        let CommandError::Rejected(Rejection::ChangedSince { warning, seen, now }) = error else { return problem };
        let problem = problem.with("warning", warning).with("version", now);
        match changed_since(self.app, &self.channel, *warning, *seen).await {
            Ok(changed) => problem.with("changed", changed),
            Err(_) => problem, // the refusal stands without it; the log says why
        }
    }
}

impl Done {
    /// As an answer about warnings.
    pub fn about_warnings(self, channel: ChannelId) -> ActAnswer {
        let mut versions: BTreeMap<WarningId, Sequence> = BTreeMap::new();
        for recorded in &self.story {
            if let Some(warning) = recorded.event().ok().and_then(|event| event.warning()) {
                versions.insert(warning, recorded.envelope.sequence);
            }
        }
        ActAnswer {
            channel,
            warnings: versions.into_iter().map(|(id, version)| WarningVersion { id, version }).collect(),
            position: self.story.last().map_or(Position(0), |last| last.envelope.position),
            events: self.story.iter().map(WrittenEvent::from).collect(),
            repeated: self.repeated,
        }
    }
}

/// What a person wrote, as it was kept; none if it was erased.
pub(in crate::http) async fn kept_words(app: &App, kept: ContentRef) -> Result<Option<String>, Problem> {
    let content = app.content.clone();
    let plain = blocking("reading what somebody wrote", move || content.get(&kept)).await?;
    Ok(match plain {
        Content::Plain(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Content::Erased | Content::Expired => None,
    })
}

/// Where a warning was raised, if it is one of the newest, which are found by id.
pub(in crate::http) async fn raised_at(app: &App, warning: WarningId) -> Option<Position> {
    let raised = app.views.read(|view| view.index.warning(warning));
    if raised.is_some() {
        return raised;
    }
    // It may have been raised a moment ago.
    let durable = *app.journal.watermark().borrow();
    shown(app, durable).await;
    app.views.read(|view| view.index.warning(warning))
}

/// The channel of a warning, if this caller may act there.
pub(in crate::http) async fn channel_of(app: &App, caller: &Caller, warning: WarningId) -> Result<ChannelId, Problem> {
    let channel = match raised_at(app, warning).await {
        Some(position) => channel_at(app, position).await?,
        None => None,
    };
    channel
        .filter(|channel| caller.may(Permission::Moderate, channel))
        .ok_or_else(|| Problem::not_found(format!("warning {warning} that can still be acted on")))
}

async fn channel_at(app: &App, position: Position) -> Result<Option<ChannelId>, Problem> {
    let journal = app.journal.clone();
    let before = Position(position.0.saturating_sub(1));
    let page = blocking("looking a warning up", move || journal.read(before, 1)).await?;
    Ok(page.first().and_then(|recorded| recorded.envelope.scope.channel().cloned()))
}

/// What happened to a warning after a version of it, at most [`CHANGED_MAX`] events.
async fn changed_since(
    app: &App,
    channel: &ChannelId,
    warning: WarningId,
    seen: Sequence,
) -> Result<Vec<EventView>, Problem> {
    let (journal, scope) = (app.journal.clone(), Scope::Channel(channel.clone()));
    blocking("reading what changed", move || {
        let (mut changed, mut after) = (Vec::new(), seen);
        for _ in 0..CHANGED_PAGES_MAX {
            let page = journal.read_scope(&scope, after, READ_LIMIT_MAX)?;
            let Some(last) = page.last() else { break };
            after = last.envelope.sequence;
            let about = |one: &Recorded| one.event().is_ok_and(|event| event.warning() == Some(warning));
            changed.extend(page.into_iter().filter(about).map(EventView::from));
        }
        changed.truncate(CHANGED_MAX);
        Ok::<_, ReadError>(changed)
    })
    .await
}
