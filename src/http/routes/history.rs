//! A stretch of a channel's past, as a page draws it.

use actix_web::web::{Data, Json, Path, Query};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::audit::decision::Sources;
use crate::audit::history::{History, HistoryPart, history};
use crate::http::App;
use crate::http::auth::Permission;
use crate::http::past::{ask, parameter};
use crate::http::problem::Problem;
use crate::http::route::Route;
use crate::model::{ChannelId, Timestamp};

/// The stretch if its beginning is not said: the last day.
const STRETCH_MS: u64 = 24 * 3_600_000;

pub(in crate::http) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/channels/{channel}/history", "get_channel_history", Permission::Read)
            .says(
                "A channel through time",
                "Its broadcasts, when somebody looked and when nobody did and why, how often frames were taken with the \
                 cause of each change and the score then, its warnings, what people answered, and what they set its \
                 reputation to, told from its events. The stretch is one of recorded time; the times in it are those of \
                 the frames where there are any. One answer reads 20,000 events; if the stretch has more, `complete` is \
                 false, and `read_to` says from where to ask on; with `part=end` it is the end of the stretch that is \
                 told, and `from` says since when. What holds when it begins is looked for 5,000 events back, and left \
                 out where it lies further.",
            )
            .path::<ChannelId>("channel", "The channel; a `/` in its id is written `%2F`.")
            .query::<HistoryQuery>()
            .answers::<History>(200, "What happened.")
            .to(get_channel_history),
    ]
}

/// Which stretch.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct HistoryQuery {
    /// From then on, RFC 3339; a day before `to` if it is not said.
    #[schemars(with = "Option<Timestamp>")]
    from: Option<String>,
    /// Before then, RFC 3339; now if it is not said.
    #[schemars(with = "Option<Timestamp>")]
    to: Option<String>,
    /// Which part is told if the stretch has more events than one answer reads: its `beginning` or its `end`.
    part: Option<HistoryPart>,
}

async fn get_channel_history(
    app: Data<App>,
    channel: Path<ChannelId>,
    wanted: Query<HistoryQuery>,
) -> Result<Json<History>, Problem> {
    const TAKES: &str = "a moment in RFC 3339";
    let to: Option<Timestamp> = parameter("to", TAKES, wanted.to.as_deref())?;
    let to = to.unwrap_or_else(|| app.clock.now());
    let from: Option<Timestamp> = parameter("from", TAKES, wanted.from.as_deref())?;
    let from = from.unwrap_or_else(|| to.minus_ms(STRETCH_MS));
    if from >= to {
        return Err(Problem::malformed("from", format!("must lie before `to`, which is {to}; this is {from}")));
    }
    let (channel, part) = (channel.into_inner(), wanted.part.unwrap_or_default());
    let telling = move || {
        let sources = Sources { journal: &*app.journal, content: &app.content };
        history(sources, &channel, from, to, part)
    };
    ask("telling a channel's history", telling).await.map(Json)
}
