//! The moderators' queue in order of urgency, and one warning with its story, however long ago it was answered.

use std::fmt;
use std::str::FromStr;

use actix_web::web::{Data, Json, Path, Query};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

use crate::events::{Event, EventView, Recorded};
use crate::http::App;
use crate::http::auth::Permission;
use crate::http::blocking::blocking;
use crate::http::extract::Caller;
use crate::http::list::{Limit, List};
use crate::http::moderating::kept_words;
use crate::http::problem::Problem;
use crate::http::route::Route;
use crate::http::rows::{Asker, WarningRow};
use crate::journal::{Journal, READ_LIMIT_MAX, ReadError};
use crate::model::{ChannelPattern, EventId, ModeratorId, Position, RuleId, Scope, Timestamp, WarningId};
use crate::projections::{Entry, Standing, Urgency, View};

/// Later events of its channel that are looked at for one warning's story.
const STORY_SCAN_MAX: usize = 20_000;
/// Events that a story shows, the first and then the newest.
const STORY_MAX: usize = 200;

pub(in crate::http) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/warnings", "list_warnings", Permission::Read)
            .says(
                "The moderators' queue",
                "Open warnings in order of urgency: first those that nobody else works on, then those that somebody \
                 else has claimed; within each the graver first, and of the equally grave the one that has waited \
                 longer. `due_at` says by when a warning of its severity should be answered.\n\nThe cursor names a \
                 place in that order, and a warning keeps its place for as long as nobody claims or answers it. So a \
                 walk through the pages skips and repeats none that nobody touched meanwhile; one that was claimed or \
                 released in between may be shown again or not. Ask anew rather than resume a walk of minutes ago.",
            )
            .query::<ListWarnings>()
            .answers::<WarningQueue>(200, "A page of the queue.")
            .to(list_warnings),
        Route::get("/v1/warnings/{warning}", "get_warning", Permission::Read)
            .says(
                "One warning with its story",
                "As it stands now, also if it was answered long ago, with every event about it: raised, joined by \
                 frames, claimed, answered, taken back, and what it led to, and with the words of its notes. `version` is what an answer has to name. The \
                 newest 500,000 warnings are found here; older ones among the events.",
            )
            .path::<WarningId>("warning", "The warning.")
            .answers::<OneWarning>(200, "The warning.")
            .to(get_warning),
    ]
}

/// Which warnings.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListWarnings {
    /// Go on after this place: the `next` of the page before.
    after: Option<Place>,
    /// Warnings of a page.
    limit: Option<Limit>,
    /// Only warnings of channels of this pattern; `*` is any run of characters.
    channel: Option<ChannelPattern>,
    /// Only warnings of at least this severity, 1 to 5.
    #[schemars(range(min = 1, max = 5))]
    severity: Option<u8>,
    /// Only warnings of this rule.
    rule: Option<RuleId>,
    /// Only warnings that you, nobody, or somebody else works on.
    claimed: Option<ClaimedBy>,
    /// Open ones unless it says otherwise.
    #[serde(default)]
    state: State,
}

/// Who works on a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ClaimedBy {
    /// You.
    Me,
    /// Nobody.
    Nobody,
    /// Somebody else.
    Another,
}

/// Which warnings, by whether they were answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum State {
    /// Those that wait for an answer.
    #[default]
    Open,
    /// Those answered a short time ago, whose answer can still be taken back.
    Answered,
    /// Both.
    All,
}

/// A place in the queue: how the warning stands, how grave it is, where it was raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    standing: Standing,
    urgency: Urgency,
}

/// A page of the queue.
#[derive(Debug, Serialize, JsonSchema)]
struct WarningQueue {
    /// The page.
    #[serde(flatten)]
    page: List<WarningRow>,
    /// Open warnings that are not in the queue for want of room, the oldest of the least grave. They are found by id.
    beyond: u64,
}

/// One warning with its story.
#[derive(Debug, Serialize, JsonSchema)]
struct OneWarning {
    /// The warning.
    #[serde(flatten)]
    warning: WarningRow,
    /// Every event about it, in order. Should there be more than 200, the first ones and the newest.
    story: Vec<EventView>,
    /// What the notes of the story say, in its order.
    said: Vec<NoteSaid>,
    /// Whether all later events of the channel were looked at. If not, the warning stands here as the last one looked at
    /// left it.
    story_complete: bool,
    /// The position up to which the journal is in this answer.
    head: Position,
}

/// A note, as it was written.
#[derive(Debug, Serialize, JsonSchema)]
struct NoteSaid {
    /// Its event in the story.
    event: EventId,
    /// Who wrote it.
    by: ModeratorId,
    /// When it was recorded.
    at: Timestamp,
    /// The words; none if they were erased.
    note: Option<String>,
}

async fn list_warnings(
    app: Data<App>,
    caller: Caller,
    wanted: Query<ListWarnings>,
) -> Result<Json<WarningQueue>, Problem> {
    let wanted = wanted.into_inner();
    if wanted.severity.is_some_and(|severity| !(1..=5).contains(&severity)) {
        return Err(Problem::malformed("severity", "expected a number from 1 to 5"));
    }
    let theirs = caller.channels(Permission::Read);
    let asker = Asker { id: &caller.id, now: app.clock.now() };
    Ok(Json(app.views.read(|view| page(view, &theirs, asker, &wanted))))
}

/// One pass over the queue, which is bounded: each standing's first ones, then put behind each other.
fn page(view: &View, theirs: &[ChannelPattern], asker: Asker<'_>, wanted: &ListWarnings) -> WarningQueue {
    let limit = wanted.limit.unwrap_or_default().get();
    let mut found: [Vec<(Place, &Entry)>; 4] = Default::default(); // one for each standing
    for entry in view.queue.after(None) {
        let place = Place { standing: entry.standing(asker.id, asker.now), urgency: entry.urgency() };
        let of_standing = &mut found[place.standing as usize];
        let passed = wanted.after.is_some_and(|after| place <= after);
        let seen = theirs.iter().any(|pattern| pattern.holds(&entry.channel));
        if !passed && seen && of_standing.len() <= limit && wanted.holds(entry, place.standing, asker) {
            of_standing.push((place, entry));
        }
    }
    let mut found: Vec<(Place, &Entry)> = found.into_iter().flatten().collect();
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|(place, _)| place.to_string());
    let items = found.into_iter().map(|(_, entry)| WarningRow::of(entry, asker)).collect();
    WarningQueue { page: List { items, next, complete: true, head: view.position }, beyond: view.queue.beyond() }
}

impl ListWarnings {
    fn holds(&self, entry: &Entry, standing: Standing, asker: Asker<'_>) -> bool {
        let claim = entry.claimed(asker.now);
        let of_state = match self.state {
            State::Open => matches!(standing, Standing::Open | Standing::ClaimedByAnother),
            State::Answered => standing == Standing::Answered,
            State::All => true,
        };
        let of_claim = match self.claimed {
            None => true,
            Some(ClaimedBy::Nobody) => claim.is_none(),
            Some(ClaimedBy::Me) => claim.is_some_and(|claim| claim.by == *asker.id),
            Some(ClaimedBy::Another) => claim.is_some_and(|claim| claim.by != *asker.id),
        };
        of_state
            && of_claim
            && !entry.is_leaving(asker.now)
            && self.channel.as_ref().is_none_or(|pattern| pattern.holds(&entry.channel))
            && self.severity.is_none_or(|least| entry.raised.severity >= least)
            && self.rule.as_ref().is_none_or(|rule| entry.raised.rule == *rule)
    }
}

async fn get_warning(app: Data<App>, caller: Caller, warning: Path<WarningId>) -> Result<Json<OneWarning>, Problem> {
    let warning = warning.into_inner();
    let nothing = || Problem::not_found(format!("warning {warning}"));
    let raised = app.views.read(|view| view.index.warning(warning)).ok_or_else(nothing)?;
    let journal = app.journal.clone();
    let told = blocking("reading a warning's story", move || tell(&*journal, warning, raised)).await?;
    let Story { entry, story, complete, head } = told.ok_or_else(nothing)?;
    if !caller.may(Permission::Read, &entry.channel) {
        return Err(nothing());
    }
    let asker = Asker { id: &caller.id, now: app.clock.now() };
    let warning = WarningRow::of(&entry, asker);
    let said = said(&app, &story).await?;
    let story = story.into_iter().map(EventView::from).collect();
    Ok(Json(OneWarning { warning, story, said, story_complete: complete, head }))
}

struct Story {
    entry: Entry,
    story: Vec<Recorded>,
    complete: bool,
    head: Position,
}

/// Folds the warning over its channel's later events; those that were about it are its story.
fn tell(journal: &dyn Journal, warning: WarningId, raised: Position) -> Result<Option<Story>, ReadError> {
    let head = *journal.watermark().borrow();
    let before = Position(raised.0.saturating_sub(1));
    let Some(first) = journal.read(before, 1)?.into_iter().find(|first| first.envelope.position == raised) else {
        return Ok(None); // in a declared hole
    };
    let entry = first.event().ok().and_then(|event| Entry::raised(&first.envelope, &event));
    let Some(mut entry) = entry.filter(|entry| entry.warning() == warning) else { return Ok(None) };
    let scope = Scope::Channel(entry.channel.clone());
    let mut after = first.envelope.sequence;
    let mut story: Vec<Recorded> = vec![first];
    let mut complete = false;
    for _ in 0..STORY_SCAN_MAX / READ_LIMIT_MAX {
        let page = journal.read_scope(&scope, after, READ_LIMIT_MAX)?;
        let Some(last) = page.last() else {
            complete = true;
            break;
        };
        after = last.envelope.sequence;
        for recorded in page {
            // One that cannot be understood is about something that this program does not know.
            if !recorded.event().is_ok_and(|event| entry.apply(&recorded.envelope, &event)) {
                continue;
            }
            if story.len() >= STORY_MAX {
                story.remove(STORY_MAX / 2);
            }
            story.push(recorded);
        }
    }
    Ok(Some(Story { entry, story, complete, head }))
}

/// The notes of a story and why it was overturned, at most [`STORY_MAX`]. Their words are not in the journal but beside it.
async fn said(app: &App, story: &[Recorded]) -> Result<Vec<NoteSaid>, Problem> {
    let mut said = Vec::new();
    for recorded in story {
        let (by, words) = match recorded.event() {
            Ok(Event::WarningNoted(noted)) => (noted.by, noted.note),
            Ok(Event::WarningOverturned(overturned)) => (overturned.by, overturned.why),
            _ => continue, // nothing else that happens to a warning has words
        };
        let (event, at) = (recorded.envelope.id, recorded.envelope.recorded_at);
        said.push(NoteSaid { event, at, by, note: kept_words(app, words).await? });
    }
    Ok(said)
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.standing as u8, self.urgency.severity(), self.urgency.raised())
    }
}

impl FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let place = || {
            let mut parts = text.splitn(3, '-');
            let standing = match parts.next()? {
                "0" => Standing::Open,
                "1" => Standing::ClaimedByAnother,
                "2" => Standing::Answered,
                _ => return None,
            };
            let urgency = Urgency::new(parts.next()?.parse().ok()?, Position(parts.next()?.parse().ok()?));
            Some(Self { standing, urgency })
        };
        place().ok_or(NoPlace)
    }
}

/// A text that names no place in the queue.
#[derive(Debug, thiserror::Error)]
#[error("after: expected the `next` of a page before")]
struct NoPlace;

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Place {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "QueuePlace".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-2]-[0-9]{1,3}-[0-9]{1,20}$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_back_as_it_was_written() {
        for standing in [Standing::Open, Standing::ClaimedByAnother, Standing::Answered] {
            let place = Place { standing, urgency: Urgency::new(5, Position(u64::MAX)) };
            assert_eq!(place.to_string().parse::<Place>().ok(), Some(place));
        }
        for nonsense in ["", "3-1-1", "0-1", "0-1-x", "0-256-1", "-0-1-1", "0-1-18446744073709551616", "0-1-1-1"] {
            assert!(nonsense.parse::<Place>().is_err(), "{nonsense}");
        }
    }
}
