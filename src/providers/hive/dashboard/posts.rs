//! How frames and channels are called where they are shown to the Moderation Dashboard, and which frames were shown lately.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::model::{ChannelId, FrameId, Sha256};

/// How many frames are remembered as shown: more than are under way at any time.
const SHOWN_MAX: usize = 4_096;
/// Hexadecimal digits of a channel's digest: 128 bits, so that no two channels have the same.
const DIGEST_DIGITS: usize = 32;

/// As which user a channel is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsersAs {
    /// By a digest of its id, in letters and digits: it tells nobody the channel, and needs no character that a name may
    /// not have there.
    #[default]
    Digest,
    /// By its id as it stands.
    Channel,
}

impl UsersAs {
    /// What the channel is called.
    pub fn user(self, channel: &ChannelId) -> String {
        match self {
            Self::Channel => channel.as_str().to_owned(),
            Self::Digest => Sha256::of(channel.as_str().as_bytes()).to_string()[..DIGEST_DIGITS].to_owned(),
        }
    }
}

/// The frames shown last, by their ids, which are their posts' ids too. The Dashboard may act on a frame before its answer
/// has come back here: what it says of one of these is waited for, of any other it is not.
#[derive(Debug, Default)]
pub struct Posts(Mutex<VecDeque<FrameId>>);

impl Posts {
    /// The frame is being shown.
    pub fn show(&self, frame: FrameId) {
        let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if shown.len() == SHOWN_MAX {
            shown.pop_front();
        }
        shown.push_back(frame);
    }

    /// Whether it was shown lately.
    pub fn were_shown(&self, frame: FrameId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(name: &str) -> ChannelId {
        ChannelId::new(name).expect("a sound name")
    }

    #[test]
    fn a_channels_digest_is_letters_and_digits_and_its_own() {
        let arn = channel("arn:aws:ivs:us-east-1:123456789012:channel/AbCd");
        let user = UsersAs::Digest.user(&arn);
        assert!(user.len() == DIGEST_DIGITS && user.chars().all(|c| c.is_ascii_alphanumeric()), "{user}");
        assert_ne!(user, UsersAs::Digest.user(&channel("arn:aws:ivs:us-east-1:123456789012:channel/AbCe")));
        assert_eq!(UsersAs::Channel.user(&arn), arn.as_str());
    }

    #[test]
    fn only_so_many_frames_are_remembered_and_the_newest_of_them() {
        let posts = Posts::default();
        let frame = |n: usize| FrameId::of(&channel("stage"), &[&n.to_be_bytes()]);
        (0..=SHOWN_MAX).for_each(|n| posts.show(frame(n)));
        assert!(!posts.were_shown(frame(0)) && posts.were_shown(frame(1)) && posts.were_shown(frame(SHOWN_MAX)));
    }
}
