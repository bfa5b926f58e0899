//! Times that callers state: near enough to now to be meant.

use super::problem::Problem;
use crate::model::Timestamp;

/// How far ahead of this server's clock a stated time may be: clocks differ, cameras are set wrong by more.
const AHEAD_MS_MAX: u64 = 5 * 60_000;
/// How far behind it a stated time may be. A frame older than its policy accepts is skipped; one much older is a mistake,
/// and would begin a broadcast of years ago.
const BEHIND_MS_MAX: u64 = 30 * 24 * 3_600_000;

/// Refuses a time that cannot be meant.
pub(in crate::http) fn not_absurd(what: &str, stated: Timestamp, now: Timestamp) -> Result<(), Problem> {
    if stated > now.plus_ms(AHEAD_MS_MAX) {
        return Err(Problem::malformed(what, format!("{stated} is more than 5 minutes ahead of {now}")));
    }
    if stated < now.minus_ms(BEHIND_MS_MAX) {
        return Err(Problem::malformed(what, format!("{stated} is more than 30 days behind {now}")));
    }
    Ok(())
}
