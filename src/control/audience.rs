//! Whether many more people came to watch a broadcast within a short time. Pure: lists of streams in, rises out.
//!
//! What a channel shows to twice as many people as before does twice the harm, and a sudden crowd is often sent there by
//! what it shows. A crowd that grows slowly is none: what is compared with follows the count, half of the way in
//! [`FOLLOWS_MS`].

use std::collections::HashMap;

use crate::aws::ivs::LiveStream;
use crate::model::{ChannelId, SessionId, Timestamp};

/// A rise has so many times the viewers from before.
const TIMES: u64 = 2;
/// And so many more, at least: three viewers where there was one are no crowd.
const MORE_MIN: u64 = 100;
/// What is compared with goes half of its way to the count in this time, in milliseconds.
const FOLLOWS_MS: u64 = 10 * 60 * 1000;

/// Many more people watch a broadcast than shortly before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rise {
    /// The channel.
    pub channel: ChannelId,
    /// The broadcast.
    pub session: SessionId,
    /// How many watched it shortly before.
    pub before: u64,
    /// How many watch it now.
    pub now: u64,
}

/// How many watch each broadcast on the air.
#[derive(Debug, Default)]
pub struct Audience {
    usual: HashMap<ChannelId, Usual>,
    counted_at: Option<Timestamp>,
}

/// What a count is compared with.
#[derive(Debug, Clone)]
struct Usual {
    session: SessionId,
    viewers: u64,
}

impl Audience {
    /// Takes a list of all streams on the air, and says which have many more viewers than before. The first count of a
    /// broadcast is no rise: that it began is known already. Those that are gone are forgotten.
    pub fn count(&mut self, at: Timestamp, streams: &[LiveStream]) -> Vec<Rise> {
        let passed_ms = self.counted_at.map_or(0, |before| at.ms_since(before));
        self.counted_at = Some(at);
        let mut usual = HashMap::with_capacity(streams.len());
        let mut rises = Vec::new();
        for live in streams {
            let known = self.usual.remove(&live.channel).filter(|known| known.session == live.session);
            let viewers = match (known, live.viewers) {
                (Some(known), Some(now)) if is_rise(known.viewers, now) => {
                    let (channel, session) = (live.channel.clone(), live.session.clone());
                    rises.push(Rise { channel, session, before: known.viewers, now });
                    now
                }
                (Some(known), Some(now)) => followed(known.viewers, now, passed_ms),
                (None, Some(now)) => now,
                (Some(known), None) => known.viewers,
                (None, None) => continue,
            };
            usual.insert(live.channel.clone(), Usual { session: live.session.clone(), viewers });
        }
        self.usual = usual;
        rises
    }
}

fn is_rise(usual: u64, now: u64) -> bool {
    now >= usual.saturating_mul(TIMES) && now.saturating_sub(usual) >= MORE_MIN
}

/// A crowd that leaves is gone at once; one that grows slowly becomes the usual one.
fn followed(usual: u64, now: u64, passed_ms: u64) -> u64 {
    let more = now.saturating_sub(usual);
    let share = u128::from(passed_ms.min(2 * FOLLOWS_MS)) * u128::from(more) / u128::from(2 * FOLLOWS_MS);
    now.min(usual) + share as u64 // at most `more`
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(session: &str, viewers: Option<u64>) -> LiveStream {
        let channel = ChannelId::new("arn:aws:ivs:eu-west-1:123456789012:channel/one").unwrap();
        LiveStream { channel, session: SessionId::new(session).unwrap(), started_at: None, viewers }
    }

    /// Counts each 15 s; at which counts there was a rise, and from how many.
    fn rises(counts: &[(&str, Option<u64>)]) -> Vec<(usize, u64, u64)> {
        let mut audience = Audience::default();
        let at = |number: usize| Timestamp::from_millis(1_700_000_000_000 + 15_000 * number as i64);
        let counted = counts.iter().enumerate().flat_map(|(number, (session, viewers))| {
            let found = audience.count(at(number), &[live(session, *viewers)]);
            found.into_iter().map(move |rise| (number, rise.before, rise.now)).collect::<Vec<_>>()
        });
        counted.collect()
    }

    #[test]
    fn a_crowd_that_comes_at_once_is_a_rise_and_staying_is_none() {
        let counts = [80, 82, 300, 310, 305].map(|viewers| ("st-1", Some(viewers)));
        assert_eq!(rises(&counts), [(2, 80, 300)]);
    }

    #[test]
    fn a_few_more_a_first_count_and_one_that_is_not_told_are_no_rise() {
        assert!(rises(&[("st-1", Some(1)), ("st-1", Some(60)), ("st-1", Some(100))]).is_empty());
        assert!(rises(&[("st-1", Some(9_000))]).is_empty(), "the broadcast began");
        assert!(rises(&[("st-1", Some(10)), ("st-2", Some(9_000))]).is_empty(), "another broadcast began");
        assert_eq!(rises(&[("st-1", Some(10)), ("st-1", None), ("st-1", Some(900))]), [(2, 10, 900)]);
    }

    #[test]
    fn one_that_grows_slowly_is_none_and_one_that_left_may_come_again() {
        let slowly: Vec<_> = (0..400).map(|number| ("st-1", Some(200 + 2 * number))).collect(); // by half in an hour
        assert!(rises(&slowly).is_empty(), "{:?}", rises(&slowly));
        let again = [500, 1_200, 500, 1_200].map(|viewers| ("st-1", Some(viewers)));
        assert_eq!(rises(&again), [(1, 500, 1_200), (3, 500, 1_200)]);
    }
}
