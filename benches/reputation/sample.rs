//! The AWS sample, modelled: a fixed interval, a 64-bit hash compared with the picture last *seen*, which is remembered
//! whether or not the provider was asked, and nothing is ever assessed again. Our core cannot do that, and should not.
//!
//! Its warnings are counted as ours are: one a rule until somebody answered, then none for five minutes. The sample itself sends one
//! for every picture; that would be no comparison of cadences.

use crate::pictures::Picture;
use crate::population::{Channel, THUMBNAIL};
use crate::tally::{Tally, answer};

/// The sample's default: so many bits of 64 may differ.
const BITS: u32 = 10;
/// Milliseconds for which a rule is quiet after an answer.
const COOLDOWN: u64 = 300_000;

/// Watches a channel with `every` milliseconds between two pictures, a multiple of the distance between thumbnails.
pub fn watch(channel: &Channel, every: u64, threshold_milli: u32, tally: &mut Tally) {
    tally.channels += 1;
    let mut seen: Option<u64> = None;
    let mut quiet_until = 0;
    for broadcast in &channel.broadcasts {
        let mut hits = Vec::new();
        let steps = every.div_ceil(THUMBNAIL) * THUMBNAIL;
        let mut at = broadcast.from;
        while at < broadcast.until {
            let picture = Picture::at(&broadcast.scenes, at);
            let bits = picture.hash().bits;
            let similar = seen.is_some_and(|seen| (seen ^ bits).count_ones() <= BITS);
            seen = Some(bits);
            if !similar {
                tally.calls += 1;
                if picture.confidence().is_some_and(|confidence| confidence.as_milli() >= threshold_milli) {
                    hits.push(at);
                    if at >= quiet_until {
                        tally.warnings += 1;
                        tally.false_warnings += u64::from(!picture.is_harmful());
                        quiet_until = answer(channel, broadcast, at).0 + COOLDOWN;
                    }
                }
            }
            at += steps;
        }
        tally.broadcast(broadcast, &hits);
    }
}
