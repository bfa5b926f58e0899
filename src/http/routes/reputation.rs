//! How far a channel is trusted and how closely it is watched for it: explained, set by a person, supposed.

use actix_web::web::{Data, Json, Path, Query};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::audit::decision::Sources;
use crate::audit::reputation::{Past, ReputationAt, past};
use crate::audit::state_at::Moment;
use crate::events::ReputationChange;
use crate::http::App;
use crate::http::auth::Permission;
use crate::http::extract::Caller;
use crate::http::idempotency::{IDEMPOTENCY_KEY, IdempotencyKey};
use crate::http::moderating::{Asked, Words};
use crate::http::past::{PastMoment, ask};
use crate::http::problem::Problem;
use crate::http::route::Route;
use crate::http::written::WrittenEvent;
use crate::model::{ChannelId, Position, RuleId, Score, Timestamp};
use crate::policy::bounds::SEVERITY_MAX;
use crate::reputation::forecast::{
    DISMISSED_MAX, Forecast, HOURS_MAX, SESSIONS_MAX, Supposed, SupposedWarning, UPHELD_MAX,
};
use crate::warden::ModeratorAct;

const PATH: &str = "/v1/channels/{channel}/reputation";
const SIMULATE: &str = "/v1/channels/{channel}/reputation/simulate";

pub(in crate::http) fn routes() -> Vec<Route> {
    vec![
        Route::get(PATH, "get_channel_reputation", Permission::Read)
            .says(
                "How far a channel is trusted, and how closely it is watched for it",
                "The score with every term, in numbers and in at most 12 lines; the cadence that follows, why it is that \
                 one, what it would be by the score alone and until when it is closer; what a person set; what is \
                 remembered; the last changes of cadence with their causes. A score tunes the watch and nothing else: \
                 none stops a stream, none raises a warning.\n\nAt a past moment too, as with the channel's state: folded \
                 from the journal, under the policy version that watched it then.",
            )
            .path::<ChannelId>("channel", "The channel; a `/` in its id is written `%2F`.")
            .query::<PastMoment>()
            .answers::<ReputationAt>(200, "The reputation.")
            .refuses(422, "More events would have to be folded than one answer reads.")
            .to(get_channel_reputation),
        // Who writes policies says how closely channels are watched; who stops streams must not be able to loosen the
        // watch on one, so that no single person can both be trusted with a channel's stop and hide the channel.
        Route::put(PATH, "set_channel_reputation", Permission::WritePolicy)
            .says(
                "Pin, adjust or release a channel's reputation",
                "For who knows better than the events: a partner of long standing on a new channel, a channel that a \
                 police report names. It takes effect at once on a channel that is on the air (`CadenceChanged` in the \
                 same append), within the bounds of the policy, and holds until its end or until somebody changes it. \
                 Needs the permission to write policies, because it says how closely is watched.",
            )
            .path::<ChannelId>("channel", "The channel. It need not have been seen yet.")
            .header::<IdempotencyKey>(IDEMPOTENCY_KEY, "The same key again is the same act, answered as it was.")
            .takes::<SetReputation>("What, why, and until when.")
            .answers::<ReputationSet>(200, "Done and durable.")
            .refuses(409, "The key was used for something else.")
            .to(set_channel_reputation),
        Route::post(SIMULATE, "simulate_reputation", Permission::Read)
            .says(
                "What if the next hours are clean?",
                "The channel's score and cadence as they are and as they would be, and after how many clean hours each \
                 slower cadence would be reached. Nothing is recorded.",
            )
            .path::<ChannelId>("channel", "The channel.")
            .takes::<WhatIf>("What would have to happen, from now on.")
            .answers::<Forecast>(200, "Before and after.")
            .refuses(422, "More events would have to be folded than one answer reads.")
            .to(simulate_reputation),
    ]
}

/// What a person sets.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SetReputation {
    /// What.
    change: Setting,
    /// Until when, RFC 3339; left out: until somebody changes it. Not with `release`.
    until: Option<Timestamp>,
    /// Why.
    why: Words,
}

/// What is done with a reputation.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Setting {
    /// Sets the score, 0 to 1: nothing else counts for as long.
    Pin(#[schemars(range(min = 0, max = 1))] f64),
    /// Adds to what the events say, −1 to 1; takes away if negative.
    By(#[schemars(range(min = -1, max = 1))] f64),
    /// Ends what was set before.
    Release,
}

/// What followed.
#[derive(Debug, Serialize, JsonSchema)]
struct ReputationSet {
    /// The channel.
    channel: ChannelId,
    /// What was recorded, in order: on a channel on the air the cadence that follows too, if it is another.
    events: Vec<WrittenEvent>,
    /// Position of the last of them.
    position: Position,
    /// Whether this request had been carried out before, and is answered as it was then.
    repeated: bool,
}

/// What would have to happen, from now on.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct WhatIf {
    /// Hours on the air, watched, in which no rule is hit: the first ones.
    #[schemars(range(max = 1000))]
    clean_hours: u16,
    /// Broadcasts that begin now.
    #[schemars(range(max = 200))]
    sessions: u16,
    /// Warnings that a person upholds now.
    #[schemars(length(max = 16))]
    upheld: Vec<WhatIfUpheld>,
    /// Warnings of now that a person dismisses.
    #[schemars(range(max = 64))]
    dismissed: u8,
    /// When to look again: so many hours from now, the clean ones among them. As many as are clean unless said.
    #[schemars(range(max = 1000))]
    after_hours: Option<u16>,
}

/// A warning that would be upheld.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WhatIfUpheld {
    /// Its rule.
    rule: RuleId,
    /// 1 (least) to 5.
    #[schemars(range(min = 1, max = 5))]
    severity: u8,
    /// How long ago it was raised.
    #[serde(default)]
    #[schemars(range(max = 1000))]
    hours_ago: u16,
}

async fn get_channel_reputation(
    app: Data<App>,
    channel: Path<ChannelId>,
    asked: Query<PastMoment>,
) -> Result<Json<ReputationAt>, Problem> {
    let when = asked.moment(app.clock.now())?;
    of_channel(app, channel.into_inner(), when, |past, sources| past.told(sources)).await.map(Json)
}

async fn simulate_reputation(
    app: Data<App>,
    channel: Path<ChannelId>,
    body: Json<WhatIf>,
) -> Result<Json<Forecast>, Problem> {
    let supposed = supposed(body.into_inner())?;
    of_channel(app, channel.into_inner(), Moment::Now, move |past, _| past.forecast(&supposed)).await.map(Json)
}

/// Asks something of a channel's past, where it may block.
async fn of_channel<T: Send + 'static>(
    app: Data<App>,
    channel: ChannelId,
    when: Moment,
    question: impl FnOnce(Past, Sources<'_>) -> T + Send + 'static,
) -> Result<T, Problem> {
    ask("folding a channel's reputation", move || {
        let sources = Sources { journal: &*app.journal, content: &app.content };
        let next = app.in_force.borrow().for_channel(&channel).cloned();
        let past = past(sources, &channel, when, next.as_deref(), app.clock.now())?;
        Ok(question(past, sources))
    })
    .await
}

async fn set_channel_reputation(
    app: Data<App>,
    caller: Caller,
    channel: Path<ChannelId>,
    key: IdempotencyKey,
    body: Json<SetReputation>,
) -> Result<Json<ReputationSet>, Problem> {
    let channel = channel.into_inner();
    let SetReputation { change, until, why } = body.into_inner();
    let change = wanted(change, until)?;
    // The same pin twice can be meant twice: it may have run out or been released meanwhile.
    let unkeyed = IdempotencyKey::once(&app);
    let request = key.request(&caller.id, &[b"reputation", channel.as_str().as_bytes()], &unkeyed);
    let asked = Asked { app: &app, caller: &caller, channel: channel.clone(), request, words: Some(why) };
    let act = |kept: Option<_>| {
        let why = kept.expect("an act with words is made with where they are");
        ModeratorAct::AdjustReputation { change, until, why }
    };
    let done = asked.carry_out(act).await?;
    Ok(Json(ReputationSet {
        channel,
        position: done.story.last().map_or(Position(0), |last| last.envelope.position),
        events: done.story.iter().map(WrittenEvent::from).collect(),
        repeated: done.repeated,
    }))
}

/// What is asked for, in the warden's terms. What is already over is for the warden to refuse: it knows the time.
fn wanted(change: Setting, until: Option<Timestamp>) -> Result<ReputationChange, Problem> {
    match change {
        Setting::Pin(share) if (0.0..=1.0).contains(&share) => {
            Ok(ReputationChange::Pin(Score::clamped((share * 1000.0).round() as i64)))
        }
        Setting::Pin(share) => Err(Problem::malformed("change.pin", format!("expected 0 to 1, this is {share}"))),
        Setting::By(share) if (-1.0..=1.0).contains(&share) => {
            Ok(ReputationChange::By((share * 1000.0).round() as i16)) // within ±1,000
        }
        Setting::By(share) => Err(Problem::malformed("change.by", format!("expected −1 to 1, this is {share}"))),
        Setting::Release if until.is_some() => {
            Err(Problem::malformed("until", "a release is for good; leave `until` out"))
        }
        Setting::Release => Ok(ReputationChange::Release),
    }
}

/// Within bounds, or the field that is not.
fn supposed(asked: WhatIf) -> Result<Supposed, Problem> {
    let WhatIf { clean_hours, sessions, upheld, dismissed, after_hours } = asked;
    let after_hours = after_hours.unwrap_or(clean_hours);
    let at_most = |field: &str, found: usize, most: usize| match found > most {
        true => Err(Problem::malformed(field, format!("expected at most {most}, this is {found}"))),
        false => Ok(()),
    };
    at_most("clean_hours", clean_hours.into(), HOURS_MAX.into())?;
    at_most("after_hours", after_hours.into(), HOURS_MAX.into())?;
    at_most("sessions", sessions.into(), SESSIONS_MAX.into())?;
    at_most("dismissed", dismissed.into(), DISMISSED_MAX.into())?;
    at_most("upheld", upheld.len(), UPHELD_MAX)?;
    if after_hours < clean_hours {
        let detail = format!("expected at least the {clean_hours} clean hours, this is {after_hours}");
        return Err(Problem::malformed("after_hours", detail));
    }
    for (number, warning) in upheld.iter().enumerate() {
        at_most(&format!("upheld[{number}].hours_ago"), warning.hours_ago.into(), HOURS_MAX.into())?;
        if !(1..=SEVERITY_MAX).contains(&warning.severity) {
            let detail = format!("expected 1 to {SEVERITY_MAX}, this is {}", warning.severity);
            return Err(Problem::malformed(&format!("upheld[{number}].severity"), detail));
        }
    }
    let upheld = upheld.into_iter();
    let upheld = upheld.map(|WhatIfUpheld { rule, severity, hours_ago }| SupposedWarning { rule, severity, hours_ago });
    Ok(Supposed { clean_hours, sessions, upheld: upheld.collect(), dismissed, after_hours })
}
