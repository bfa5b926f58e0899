//! A channel's whole state at a past moment.

use actix_web::web::{Data, Json, Path, Query};

use crate::audit::state_at::{StateAt, state_at};
use crate::http::App;
use crate::http::auth::Permission;
use crate::http::past::{PastMoment, ask};
use crate::http::problem::Problem;
use crate::http::route::Route;
use crate::model::ChannelId;

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
            .query::<PastMoment>()
            .answers::<StateAt>(200, "The state.")
            .refuses(422, "More events would have to be folded than one answer reads.")
            .to(get_channel_state),
    ]
}

async fn get_channel_state(
    app: Data<App>,
    channel: Path<ChannelId>,
    asked: Query<PastMoment>,
) -> Result<Json<StateAt>, Problem> {
    let when = asked.moment(app.clock.now())?;
    let channel = channel.into_inner();
    ask("folding a channel's state", move || state_at(&*app.journal, &channel, when)).await.map(Json)
}
