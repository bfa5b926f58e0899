//! Which broadcast a thumbnail shows. Pure: a fold over what the platform says of one channel.
//!
//! A thumbnail's key names its recording, not its broadcast, and after a reconnect one recording holds several. So the
//! broadcast is found by time among those that are known, and by recording where two could be meant. What is said may be
//! lost, late, or out of order: in doubt no broadcast is named, because a stop must not reach one that nobody judged.

use std::collections::VecDeque;

use crate::model::{SessionId, Timestamp};
use crate::notifications::{Broadcasting, OnAir, Recording};

/// Broadcasts that are remembered for one channel; one recording joins at most 20.
const STREAMS_MAX: usize = 24;
/// Recordings that are remembered for one broadcast.
const RECORDINGS_MAX: usize = 4;
/// The clocks of the bucket and of the platform may differ so much, in milliseconds.
const SKEW_MS: u64 = 2_000;
/// Thumbnails are still written so long after a broadcast's end, in milliseconds.
const LINGER_MS: u64 = 10_000;

/// The broadcasts of one channel that are known, oldest knowledge first.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    streams: VecDeque<Stream>,
}

#[derive(Debug)]
struct Stream {
    id: SessionId,
    began: Option<Timestamp>,
    ended: Option<Timestamp>,
    recordings: Vec<Recording>,
}

/// Which broadcast it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Which {
    /// This one.
    One(SessionId),
    /// One of several: it cannot be told which.
    Several,
    /// None that is known.
    Unknown,
}

impl Sessions {
    /// Takes in what the platform says.
    pub(super) fn hear(&mut self, said: &Broadcasting) {
        let stream = self.stream(&said.session);
        match said.what {
            OnAir::Began => stream.began = earlier(stream.began, said.at),
            // A recording ends after the broadcast in it: if nothing else says when, it had ended by then.
            OnAir::Ended | OnAir::RecordingEnded => stream.ended = earlier(stream.ended, said.at),
        }
        if let Some((recording, joined)) = &said.recording {
            for session in joined {
                let stream = self.stream(session);
                if !stream.recordings.contains(recording) && stream.recordings.len() < RECORDINGS_MAX {
                    stream.recordings.push(recording.clone());
                }
            }
        }
    }

    /// Somebody who knows says that `session` is on the air since `since`.
    pub(super) fn is_on_air(&mut self, session: &SessionId, since: Timestamp) {
        let stream = self.stream(session);
        stream.began = earlier(stream.began, since);
    }

    /// The broadcast that a thumbnail of `recording` captured `at` shows.
    pub(super) fn of(&self, recording: Option<&Recording>, at: Timestamp) -> Which {
        let mut candidates = self.streams.iter().filter(|stream| self.may_be(stream, recording, at));
        match (candidates.next(), candidates.next()) {
            (None, _) => Which::Unknown,
            (Some(one), None) => Which::One(one.id.clone()),
            (Some(_), Some(_)) => Which::Several,
        }
    }

    /// Whether a broadcast was on the air then, as far as is known, and is not known to be recorded elsewhere only.
    fn may_be(&self, stream: &Stream, recording: Option<&Recording>, at: Timestamp) -> bool {
        let Some(began) = stream.began else { return false };
        // A channel has one broadcast at a time: the next one's beginning is the latest end.
        let next = self.streams.iter().filter_map(|other| other.began).filter(|other| *other > began).min();
        let ended = stream.ended.into_iter().chain(next).min();
        let elsewhere = recording.is_some_and(|of| !stream.recordings.is_empty() && !stream.recordings.contains(of));
        began.minus_ms(SKEW_MS) <= at && ended.is_none_or(|ended| at <= ended.plus_ms(LINGER_MS)) && !elsewhere
    }

    fn stream(&mut self, id: &SessionId) -> &mut Stream {
        let at = match self.streams.iter().position(|stream| stream.id == *id) {
            Some(at) => at,
            None => {
                if self.streams.len() == STREAMS_MAX {
                    self.streams.pop_front();
                }
                self.streams.push_back(Stream { id: id.clone(), began: None, ended: None, recordings: Vec::new() });
                self.streams.len() - 1
            }
        };
        &mut self.streams[at]
    }
}

/// What is said twice happened when it was said to have happened first.
fn earlier(known: Option<Timestamp>, said: Timestamp) -> Option<Timestamp> {
    Some(known.map_or(said, |known| known.min(said)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ChannelId;

    fn session(name: &str) -> SessionId {
        SessionId::new(name).expect("a sound name")
    }

    fn recording(prefix: &str) -> Recording {
        Recording { bucket: "b".into(), prefix: prefix.into() }
    }

    fn at(second: u64) -> Timestamp {
        Timestamp::from_millis(0).plus_ms(second * 1000)
    }

    /// `"a began 0"`, `"a ended 60"`, `"a records 3 in r1"`, `"a,b recorded 90 in r1"`.
    fn heard(said: &[&str]) -> Sessions {
        let mut sessions = Sessions::default();
        for line in said {
            let words: Vec<&str> = line.split(' ').collect();
            let joined: Vec<SessionId> = words[0].split(',').map(session).collect();
            let what = match words[1] {
                "began" | "records" => OnAir::Began,
                "ended" => OnAir::Ended,
                _ => OnAir::RecordingEnded,
            };
            let recording = words.get(4).map(|prefix| (recording(prefix), joined.clone()));
            sessions.hear(&Broadcasting {
                channel: ChannelId::new("c").expect("a sound name"),
                session: joined[0].clone(),
                at: at(words[2].parse().expect("seconds")),
                what,
                recording,
            });
        }
        sessions
    }

    fn which(sessions: &Sessions, prefix: &str, second: u64) -> String {
        match sessions.of(Some(&recording(prefix)), at(second)) {
            Which::One(session) => session.to_string(),
            Which::Several => "several".to_owned(),
            Which::Unknown => "unknown".to_owned(),
        }
    }

    #[test]
    fn the_table_holds() {
        // what was said, the thumbnail's recording and time, the broadcast
        let rows: &[(&[&str], &str, u64, &str)] = &[
            (&[], "r1", 10, "unknown"),
            (&["a began 100"], "r1", 110, "a"),
            (&["a began 100"], "r1", 98, "a"),
            (&["a began 100"], "r1", 97, "unknown"),
            (&["a records 106 in r1"], "r1", 110, "a"),
            (&["a records 106 in r1"], "r2", 110, "unknown"),
            (&["a began 100", "a ended 200"], "r1", 210, "a"),
            (&["a began 100", "a ended 200"], "r1", 211, "unknown"),
            // the end before its start
            (&["a ended 200", "a began 100"], "r1", 150, "a"),
            (&["a ended 200"], "r1", 150, "unknown"),
            // one after the other, each in a recording of its own
            (&["a records 100 in r1", "a ended 200", "b records 205 in r2"], "r1", 208, "a"),
            (&["a records 100 in r1", "a ended 200", "b records 205 in r2"], "r2", 208, "b"),
            // a reconnect into the same recording: at the seam it cannot be told
            (&["a records 100 in r1", "a ended 200", "b records 205 in r1"], "r1", 150, "a"),
            (&["a records 100 in r1", "a ended 200", "b records 205 in r1"], "r1", 208, "several"),
            (&["a records 100 in r1", "a ended 200", "b records 205 in r1"], "r1", 211, "b"),
            // of the second only its beginning is known yet
            (&["a records 100 in r1", "a ended 200", "b began 205"], "r1", 208, "several"),
            (&["a records 100 in r1", "a ended 200", "b began 205"], "r2", 208, "b"),
            (&["a records 100 in r1", "a ended 200", "b began 205"], "r1", 220, "b"),
            // the end was lost: the next beginning is one
            (&["a records 100 in r1", "b records 205 in r1"], "r1", 204, "several"),
            (&["a records 100 in r1", "b records 205 in r1"], "r1", 190, "a"),
            (&["a records 100 in r1", "b records 205 in r1"], "r1", 216, "b"),
            // in any order, and twice
            (&["b records 205 in r1", "a ended 200", "a records 100 in r1", "b records 205 in r1"], "r1", 150, "a"),
            (&["a,b recorded 300 in r1", "b began 205", "a began 100"], "r1", 150, "a"),
            (&["a,b recorded 300 in r1", "b began 205", "a began 100"], "r2", 150, "unknown"),
        ];
        for (said, prefix, second, expected) in rows {
            assert_eq!(which(&heard(said), prefix, *second), *expected, "{said:?}, {prefix} at {second}");
        }
    }

    #[test]
    fn who_knows_the_broadcast_on_the_air_names_it() {
        let mut sessions = Sessions::default();
        sessions.is_on_air(&session("a"), at(100));
        assert_eq!(which(&sessions, "r9", 150), "a");
        assert_eq!(sessions.of(None, at(150)), Which::One(session("a")));
    }

    #[test]
    fn no_more_is_remembered_than_the_bound() {
        let mut sessions = Sessions::default();
        for n in 0..100 {
            sessions.is_on_air(&session(&format!("s{n}")), at(n * 100));
        }
        assert_eq!(sessions.streams.len(), STREAMS_MAX);
        assert_eq!(which(&sessions, "r", 9_950), "s99");
    }
}
