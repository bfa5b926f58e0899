//! How long to wait before the next try. Doubling, and spread by who waits: tries that failed together do not come back
//! together. Nothing is drawn: the same frame waits equally long again.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::time::Duration;

use crate::model::FrameId;

/// The pause after `attempts` tries for `frame`: from half of what `first` has doubled to, up to all of it.
pub(super) fn after(attempts: u8, first: Duration, frame: FrameId) -> Duration {
    let whole = first * (1 << attempts.saturating_sub(1).min(16));
    let spread = BuildHasherDefault::<DefaultHasher>::default().hash_one((frame, attempts)) % 1000;
    whole / 2 + whole / 2 * spread as u32 / 1000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ChannelId;

    #[test]
    fn pauses_double_and_are_spread_within_their_half() {
        let channel = ChannelId::new("channel").expect("a channel");
        let frames: Vec<_> = (0..50u8).map(|at| FrameId::of(&channel, &[&[at]])).collect();
        for attempts in 1..4 {
            let whole = Duration::from_millis(200) * (1 << (attempts - 1));
            let pauses: Vec<_> =
                frames.iter().map(|frame| after(attempts, Duration::from_millis(200), *frame)).collect();
            assert!(pauses.iter().all(|pause| (whole / 2..=whole).contains(pause)), "{pauses:?}");
            let differing: std::collections::BTreeSet<_> = pauses.iter().collect();
            assert!(differing.len() > 40, "{} of 50 pauses differ", differing.len());
        }
    }
}
