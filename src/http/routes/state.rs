//! A channel's whole state at a past moment.

use actix_web::web::{Data, Json, Path, Query};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::audit::state_at::{Basis, Moment, StateAt, state_at};
use crate::http::App;
use crate::http::auth::Permission;
use crate::http::past::{ask, parameter};
use crate::http::problem::Problem;
use crate::http::route::Route;
use crate::model::{ChannelId, Position, Sequence, Timestamp};

/// How far ahead of this machine's clock a source's may run: frames are taken in up to as far.
const CAPTURED_AHEAD_MS_MAX: u64 = 5 * 60_000;

pub(in crate::http) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/channels/{channel}/state", "get_channel_state", Permission::Read)
            .says(
                "A channel as it was",
                "Its complete state at a sequence, a position or a time, folded from the journal: what its warden held \
                 then. Without any of the three, as it is now.\n\nA time is compared with when events were recorded: \
                 what was known then. With `basis=captured` it is compared with when their frames were captured: what is \
                 known today of then. The answer says which, how many events were folded and how many left out.",
            )
            .path::<ChannelId>("channel", "The channel; a `/` in its id is written `%2F`.")
            .query::<GetState>()
            .answers::<StateAt>(200, "The state.")
            .refuses(422, "More events would have to be folded than one answer reads.")
            .to(get_channel_state),
    ]
}

/// Which moment: at most one of `at`, `sequence` and `position`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GetState {
    /// At this time, RFC 3339.
    #[schemars(with = "Option<Timestamp>")]
    at: Option<String>,
    /// After this event of the channel.
    #[schemars(with = "Option<Sequence>")]
    sequence: Option<String>,
    /// After the channel's last event up to this position of the journal.
    #[schemars(with = "Option<Position>")]
    position: Option<String>,
    /// What `at` is compared with; `recorded` unless said otherwise.
    basis: Option<Basis>,
}

async fn get_channel_state(
    app: Data<App>,
    channel: Path<ChannelId>,
    asked: Query<GetState>,
) -> Result<Json<StateAt>, Problem> {
    let when = moment(&asked, app.clock.now())?;
    let channel = channel.into_inner();
    ask("folding a channel's state", move || state_at(&*app.journal, &channel, when)).await.map(Json)
}

fn moment(asked: &GetState, now: Timestamp) -> Result<Moment, Problem> {
    let at: Option<Timestamp> = parameter("at", "a moment in RFC 3339", asked.at.as_deref())?;
    let sequence: Option<u64> = parameter("sequence", "a whole number", asked.sequence.as_deref())?;
    let position: Option<u64> = parameter("position", "a whole number", asked.position.as_deref())?;
    if asked.basis.is_some() && at.is_none() {
        return Err(Problem::malformed("basis", "goes with `at`, which is not given"));
    }
    match (at, sequence, position) {
        (None, None, None) => Ok(Moment::Now),
        (Some(at), None, None) => {
            let basis = asked.basis.unwrap_or_default();
            let latest = match basis {
                Basis::Recorded => now,
                Basis::Captured => now.plus_ms(CAPTURED_AHEAD_MS_MAX),
            };
            if at > latest {
                return Err(Problem::malformed("at", format!("{at} has not come yet; it is {now}")));
            }
            Ok(Moment::Time(at, basis))
        }
        (None, Some(sequence), None) => Ok(Moment::Sequence(Sequence(sequence))),
        (None, None, Some(position)) => Ok(Moment::Position(Position(position))),
        _ => Err(Problem::malformed("at", "give one of `at`, `sequence` and `position`, not several")),
    }
}
