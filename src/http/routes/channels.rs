//! Channels as they stand now, and which policy watches each.

use std::cmp::Reverse;

use actix_web::web::{Data, Json, Path, Query};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::http::App;
use crate::http::auth::Permission;
use crate::http::extract::Caller;
use crate::http::list::{Limit, List};
use crate::http::past::parameter;
use crate::http::problem::Problem;
use crate::http::route::Route;
use crate::http::rows::ChannelRow;
use crate::model::{ChannelId, ChannelPattern, PolicyRef, Position, Score, Timestamp, WarningId};
use crate::policy::standing::{Rank, Standing, StandingBecause, standings};
use crate::projections::{Channel, Channels, Ending, Risk, View};

/// Channels looked at for one page: a filter that few channels pass must not hold the views for long.
const SCAN_MAX: usize = 20_000;
/// Open warnings named with one channel, the gravest.
const WARNINGS_NAMED_MAX: usize = 50;

pub(in crate::http) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/channels", "list_channels", Permission::Read)
            .says(
                "Channels as they stand now",
                "Every channel that ever had an event and that you may see, as of the position `head`: by id; or those \
                 with the lowest reputation first (`order=risk`), where the score is the one that the channel's cadence \
                 was set with, and a channel whose cadence no score has a say in comes last; or only those off the air, \
                 the one whose broadcast ended last first (`order=ended`). Among equals the id decides. The cursor is the \
                 place of the last channel looked at, so that no channel is skipped or repeated while others come, go \
                 and move; one that itself moves between two pages is where it then stands.",
            )
            .query::<ListChannels>()
            .answers::<List<ChannelRow>>(200, "A page of channels.")
            .to(list_channels),
        Route::get("/v1/channels/{channel}", "get_channel", Permission::Read)
            .says("One channel as it stands now", "With its open warnings, the gravest first.")
            .path::<ChannelId>("channel", "The channel; a `/` in its id is written `%2F`.")
            .answers::<OneChannel>(200, "The channel.")
            .to(get_channel),
        Route::get("/v1/channels/{channel}/policy", "get_channel_policy", Permission::Read)
            .says(
                "Which policy watches a channel, and why",
                "Of every policy in force, whether it applies and why not; who may not read all channels is told of those \
                 that are about this one. A channel need not have been seen yet.",
            )
            .path::<ChannelId>("channel", "The channel; a `/` in its id is written `%2F`.")
            .answers::<ChannelPolicy>(200, "The policy that watches it, if any, and all candidates.")
            .to(get_channel_policy),
    ]
}

/// Which channels.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListChannels {
    /// Go on after this place: the `next` of the page before, of the same order. By id that is a channel's id.
    after: Option<String>,
    /// Channels of a page.
    limit: Option<Limit>,
    /// In which order.
    order: Option<ChannelOrder>,
    /// Only channels of this pattern; `*` is any run of characters.
    channel: Option<ChannelPattern>,
    /// Only channels that are on the air, or only those that are not.
    live: Option<bool>,
    /// Only live channels that somebody looks at, or only live channels that nobody looks at.
    watched: Option<bool>,
    /// Only channels with open warnings, or only those without.
    open_warnings: Option<bool>,
    /// Only channels off the air whose last broadcast ended then or later, RFC 3339.
    #[schemars(with = "Option<Timestamp>")]
    ended_since: Option<String>,
}

/// In which order channels are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ChannelOrder {
    /// By id.
    #[default]
    Id,
    /// The lowest reputation first.
    Risk,
    /// Those off the air, the one that ended last first.
    Ended,
}

/// A place in one of the orders; none is before the first.
#[derive(Debug)]
enum Place {
    Id(Option<ChannelId>),
    Risk(Option<(Risk, ChannelId)>),
    Ended(Option<(Ending, ChannelId)>),
}

/// One channel with what waits for an answer.
#[derive(Debug, Serialize, JsonSchema)]
struct OneChannel {
    /// The channel.
    #[serde(flatten)]
    channel: ChannelRow,
    /// Its open warnings, the gravest first; at most 50.
    warnings: Vec<WarningId>,
    /// The position up to which the journal is in this answer.
    head: Position,
}

/// Which policy watches a channel.
#[derive(Debug, Serialize, JsonSchema)]
struct ChannelPolicy {
    /// The channel.
    channel: ChannelId,
    /// The policy version that watches it. None: nobody does, and its frames are recorded as not looked at.
    policy: Option<PolicyRef>,
    /// Every policy in force, or those about this channel, in order of priority.
    candidates: Vec<Candidate>,
}

/// What a policy has to do with a channel.
#[derive(Debug, Serialize, JsonSchema)]
struct Candidate {
    /// The policy version in force.
    policy: PolicyRef,
    /// Whether it watches the channel.
    applies: bool,
    /// Why, or why not.
    because: CandidateBecause,
    /// The pattern that finds the channel, or does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pattern: Option<String>,
    /// The policy that goes before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    outranked_by: Option<PolicyRef>,
    /// The same in a sentence.
    says: String,
}

/// Why a policy watches a channel, or does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum CandidateBecause {
    /// It applies: it lists the channel.
    Lists,
    /// It applies: its pattern finds the channel.
    Finds,
    /// It lists other channels.
    ListsOthers,
    /// Its pattern does not find the channel.
    FindsNothing,
    /// Another lists the channel, which goes before every pattern.
    AnotherLists,
    /// Another has a higher priority.
    LowerPriority,
    /// Another has the same priority and the smaller id.
    LargerId,
}

async fn list_channels(
    app: Data<App>,
    caller: Caller,
    wanted: Query<ListChannels>,
) -> Result<Json<List<ChannelRow>>, Problem> {
    let theirs = caller.channels(Permission::Read);
    let wanted = wanted.into_inner();
    let place = Place::read(wanted.order.unwrap_or_default(), wanted.after.as_deref())?;
    let ended_since = parameter("ended_since", "a moment in RFC 3339", wanted.ended_since.as_deref())?;
    Ok(Json(app.views.read(|view| page(view, &theirs, &wanted, ended_since, place))))
}

fn page(
    view: &View,
    theirs: &[ChannelPattern],
    wanted: &ListChannels,
    ended_since: Option<Timestamp>,
    place: Place,
) -> List<ChannelRow> {
    let limit = wanted.limit.unwrap_or_default().get();
    let order = wanted.order.unwrap_or_default();
    let mut items = Vec::new();
    let mut last = None;
    let has_ended = |channel: &Channel| {
        ended_since.is_none_or(|since| channel.ended.as_ref().is_some_and(|ended| ended.at >= since))
    };
    // Where the latest come first, none behind one that ended before ended later.
    let is_within = |one: &(&ChannelId, &Channel)| order != ChannelOrder::Ended || has_ended(one.1);
    let mut channels = place.onwards(&view.channels).take_while(is_within).peekable();
    for (id, channel) in channels.by_ref().take(SCAN_MAX) {
        last = Some((id, channel));
        if theirs.iter().any(|pattern| pattern.holds(id)) && has_ended(channel) && wanted.holds(view, id, channel) {
            items.push(ChannelRow::of(view, id, channel));
        }
        if items.len() == limit {
            break;
        }
    }
    let more = channels.peek().is_some();
    let next = last.filter(|_| more).map(|(id, channel)| order.cursor(id, channel));
    List { complete: !more || items.len() == limit, items, next, head: view.position }
}

impl ChannelOrder {
    /// The place of a channel, as it is written: what it is ordered by before the id, which may hold a colon itself.
    fn cursor(self, id: &ChannelId, channel: &Channel) -> String {
        match self {
            Self::Id => id.to_string(),
            Self::Risk => match channel.cadence.as_ref().and_then(|cadence| cadence.score) {
                Some(score) => format!("{}:{id}", score.as_milli()),
                None => format!("none:{id}"),
            },
            Self::Ended => format!("{}:{id}", channel.ended.as_ref().map_or(0, |ended| ended.at.as_micros())),
        }
    }
}

impl Place {
    fn read(order: ChannelOrder, said: Option<&str>) -> Result<Self, Problem> {
        let refused = || Problem::malformed("after", "takes the `next` of a page of the same order");
        let id = |text: &str| ChannelId::new(text).map_err(|_| refused());
        let Some(said) = said else {
            return Ok(match order {
                ChannelOrder::Id => Self::Id(None),
                ChannelOrder::Risk => Self::Risk(None),
                ChannelOrder::Ended => Self::Ended(None),
            });
        };
        if order == ChannelOrder::Id {
            return Ok(Self::Id(Some(id(said)?)));
        }
        let (key, channel) = said.split_once(':').ok_or_else(refused)?;
        let channel = id(channel)?;
        if order == ChannelOrder::Ended {
            let at = key.parse().map(Timestamp::from_micros).map_err(|_| refused())?;
            return Ok(Self::Ended(Some((Reverse(at), channel))));
        }
        let score = match key {
            "none" => None,
            milli => Some(milli.parse().ok().and_then(Score::from_milli).ok_or_else(refused)?),
        };
        Ok(Self::Risk(Some((Risk::of(score), channel))))
    }

    /// The channels behind it.
    fn onwards<'a>(&'a self, channels: &'a Channels) -> Box<dyn Iterator<Item = (&'a ChannelId, &'a Channel)> + 'a> {
        match self {
            Self::Id(after) => Box::new(channels.after(after.as_ref())),
            Self::Risk(after) => Box::new(channels.by_risk(after.clone())),
            Self::Ended(after) => Box::new(channels.by_end(after.clone())),
        }
    }
}

impl ListChannels {
    fn holds(&self, view: &View, id: &ChannelId, channel: &Channel) -> bool {
        self.channel.as_ref().is_none_or(|pattern| pattern.holds(id))
            && self.live.is_none_or(|live| channel.is_live() == live)
            && self.watched.is_none_or(|watched| channel.is_live() && channel.is_watched() == watched)
            && self.open_warnings.is_none_or(|open| view.queue.open_of(id).next().is_some() == open)
    }
}

async fn get_channel(app: Data<App>, channel: Path<ChannelId>) -> Result<Json<OneChannel>, Problem> {
    let id = channel.into_inner();
    let found = app.views.read(|view| {
        view.channels.get(&id).map(|channel| OneChannel {
            channel: ChannelRow::of(view, &id, channel),
            warnings: view.queue.open_of(&id).take(WARNINGS_NAMED_MAX).map(|entry| entry.warning()).collect(),
            head: view.position,
        })
    });
    found.map(Json).ok_or_else(|| Problem::not_found(format!("channel {id} with events")))
}

async fn get_channel_policy(app: Data<App>, caller: Caller, channel: Path<ChannelId>) -> Json<ChannelPolicy> {
    let channel = channel.into_inner();
    let set = app.in_force.borrow().clone();
    // What else is watched, and by which pattern, says whom else there is.
    let all = caller.may_everywhere(Permission::Read);
    let shown = standings(set.iter().map(AsRef::as_ref), &channel)
        .into_iter()
        .filter(|standing| all || standing.because.concerns());
    let candidates: Vec<Candidate> = shown.map(Candidate::from).collect();
    let policy = candidates.iter().find(|candidate| candidate.applies).map(|candidate| candidate.policy.clone());
    Json(ChannelPolicy { channel, policy, candidates })
}

impl From<Standing> for Candidate {
    fn from(standing: Standing) -> Self {
        let says = standing.to_string();
        let applies = standing.because.applies();
        let (because, pattern, outranked_by) = match standing.because {
            StandingBecause::Lists => (CandidateBecause::Lists, None, None),
            StandingBecause::Finds { pattern } => (CandidateBecause::Finds, Some(pattern), None),
            StandingBecause::ListsOthers => (CandidateBecause::ListsOthers, None, None),
            StandingBecause::FindsNothing { pattern } => (CandidateBecause::FindsNothing, Some(pattern), None),
            StandingBecause::Outranked { by, rank } => {
                let because = match rank {
                    Rank::ListedFirst => CandidateBecause::AnotherLists,
                    Rank::Priority { .. } => CandidateBecause::LowerPriority,
                    Rank::SmallerId => CandidateBecause::LargerId,
                };
                (because, None, Some(by))
            }
        };
        Self { policy: standing.policy, applies, because, pattern, outranked_by, says }
    }
}
