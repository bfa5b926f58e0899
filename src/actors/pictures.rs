//! The last picture of each channel that this process looked at and decided about: in memory only, and gone with the
//! process. Bounded in bytes; beyond that the channels go whose last look is the longest ago.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::model::{ChannelId, FrameId, Position};

/// Counted for each picture beside its bytes: its names, and what is made of it for people, which is kept with it.
const BYTES_BESIDE: usize = 32 * 1024;

/// A channel's last picture.
#[derive(Debug, Clone)]
pub struct LastPicture {
    /// The frame.
    pub frame: FrameId,
    /// The last position of what was decided about it: where the views hold that, they know whether it is warned of.
    pub decided: Position,
    /// Whether it shows what a rule was hit by, or what the last frame that was hit showed.
    pub hit: bool,
    /// The file as it was fetched.
    pub bytes: Arc<[u8]>,
    /// What was made of it for people, once somebody asked: made once for all of them.
    pub scaled: Arc<OnceLock<Arc<[u8]>>>,
}

/// The last pictures of all channels. Shared by all shards: one takes the lock for as long as it takes to put a
/// reference in.
pub struct LastPictures {
    kept: Mutex<Kept>,
    bytes_max: usize,
}

#[derive(Default)]
struct Kept {
    pictures: HashMap<ChannelId, (u64, LastPicture)>,
    /// By when they were put in.
    order: BTreeMap<u64, ChannelId>,
    bytes: usize,
    next: u64,
}

impl LastPictures {
    /// Keeps at most so many bytes; 0: none.
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { kept: Mutex::default(), bytes_max }
    }

    /// The channel's last picture, if it is still here.
    pub fn of(&self, channel: &ChannelId) -> Option<LastPicture> {
        self.kept().pictures.get(channel).map(|(_, picture)| picture.clone())
    }

    /// Forgets a channel's picture: its content is erased.
    pub fn forget(&self, channel: &ChannelId) {
        self.kept().remove(channel);
    }

    /// `hit` says what its outcome says of the picture; none for an outcome that is none of a look, as of one that shows
    /// what was there before: then it is as the picture before it, and unseen before, as one that was hit.
    pub(super) fn put(
        &self,
        channel: &ChannelId,
        frame: FrameId,
        decided: Position,
        hit: Option<bool>,
        bytes: Arc<[u8]>,
    ) {
        let mut kept = self.kept();
        let before = kept.pictures.get(channel).is_none_or(|(_, last)| last.hit);
        let hit = hit.unwrap_or(before);
        kept.remove(channel);
        if weight(&bytes) > self.bytes_max {
            return;
        }
        let at = kept.next;
        kept.next += 1;
        kept.bytes += weight(&bytes);
        kept.order.insert(at, channel.clone());
        kept.pictures.insert(channel.clone(), (at, LastPicture { frame, decided, hit, bytes, scaled: Arc::default() }));
        while kept.bytes > self.bytes_max {
            let Some((_, oldest)) = kept.order.first_key_value() else { break };
            let oldest = oldest.clone();
            kept.remove(&oldest);
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner) // nothing in here panics half way
    }
}

impl Kept {
    fn remove(&mut self, channel: &ChannelId) {
        if let Some((at, picture)) = self.pictures.remove(channel) {
            self.order.remove(&at);
            self.bytes -= weight(&picture.bytes);
        }
    }
}

fn weight(bytes: &[u8]) -> usize {
    bytes.len() + BYTES_BESIDE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(n: u64) -> ChannelId {
        ChannelId::new(format!("c{n}")).expect("a sound id")
    }

    fn put(pictures: &LastPictures, n: u64, frame: u8) {
        pictures.put(&channel(n), FrameId::from_bytes([frame; 16]), Position(n), Some(false), vec![0; 1000].into());
    }

    #[test]
    fn the_last_of_each_channel_stays_within_the_bound_and_what_was_seen_longest_ago_goes_first() {
        let pictures = LastPictures::new(3 * (1000 + BYTES_BESIDE));
        for n in 0..4 {
            put(&pictures, n, 1);
        }
        put(&pictures, 1, 2);
        put(&pictures, 4, 1);
        let here: Vec<bool> = (0..5).map(|n| pictures.of(&channel(n)).is_some()).collect();
        assert_eq!(here, [false, true, false, true, true]);
        assert_eq!(pictures.of(&channel(1)).expect("it is here").frame, FrameId::from_bytes([2; 16]));
        pictures.forget(&channel(1));
        assert!(pictures.of(&channel(1)).is_none());
        assert_eq!(pictures.kept().bytes, 2 * (1000 + BYTES_BESIDE));
        assert_eq!(pictures.kept().order.len(), 2);
    }

    #[test]
    fn what_shows_the_same_as_before_is_hit_if_that_was() {
        let pictures = LastPictures::new(1 << 20);
        let shown = |hit| {
            pictures.put(&channel(1), FrameId::from_bytes([1; 16]), Position(1), hit, vec![0; 10].into());
            pictures.of(&channel(1)).expect("it is here").hit
        };
        let hits = [None, Some(false), None, Some(true), None, None, Some(false)].map(shown);
        assert_eq!(
            hits,
            [true, false, false, true, true, true, false],
            "and one of which nothing is known counts as hit"
        );
    }

    #[test]
    fn one_that_is_larger_than_all_may_be_is_not_kept_and_takes_the_one_before_along() {
        let pictures = LastPictures::new(1000 + BYTES_BESIDE);
        put(&pictures, 1, 1);
        pictures.put(&channel(1), FrameId::from_bytes([2; 16]), Position(2), Some(false), vec![0; 1001].into());
        assert!(pictures.of(&channel(1)).is_none(), "an older picture is not the last");
    }
}
