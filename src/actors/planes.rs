//! 32×32 luma planes of reference frames: a bounded cache beside the state. Where a plane is missing the hash alone
//! decides.

use std::collections::{HashMap, VecDeque};

use crate::model::{ChannelId, LumaPlane, Sequence};

/// Planes by channel, the oldest given up first. About 1.2 KiB each.
pub(super) struct Planes {
    planes: HashMap<ChannelId, (Sequence, LumaPlane)>,
    order: VecDeque<(ChannelId, Sequence)>,
    capacity: usize,
}

impl Planes {
    pub(super) fn new(capacity: usize) -> Self {
        Self { planes: HashMap::new(), order: VecDeque::new(), capacity: capacity.max(1) }
    }

    /// The plane of the reference that `sequence` assessed, if it is still here.
    pub(super) fn get(&self, channel: &ChannelId, sequence: Sequence) -> Option<&LumaPlane> {
        self.planes.get(channel).filter(|(of, _)| *of == sequence).map(|(_, plane)| plane)
    }

    pub(super) fn put(&mut self, channel: &ChannelId, sequence: Sequence, plane: LumaPlane) {
        self.planes.insert(channel.clone(), (sequence, plane));
        self.order.push_back((channel.clone(), sequence));
        // An entry in the order is stale when its channel has a newer plane; a stale one frees nothing, so it goes on.
        while self.planes.len() > self.capacity || self.order.len() > 2 * self.capacity {
            let Some((channel, sequence)) = self.order.pop_front() else { break };
            if self.planes.get(&channel).is_some_and(|(of, _)| *of == sequence) {
                self.planes.remove(&channel);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_stays_within_its_bound_and_gives_up_the_oldest() {
        let channel = |n: u64| ChannelId::new(format!("c{n}")).expect("a sound id");
        let plane = |level: u8| LumaPlane(Box::new([level; 1024]));
        let mut planes = Planes::new(3);
        for n in 0..10 {
            planes.put(&channel(n), Sequence(n), plane(n as u8));
        }
        assert!(planes.get(&channel(6), Sequence(6)).is_none());
        assert!(planes.get(&channel(9), Sequence(9)).is_some());
        for n in 0..100 {
            planes.put(&channel(9), Sequence(n), plane(1));
        }
        assert!(planes.order.len() <= 6 && planes.planes.len() <= 3);
        assert!(planes.get(&channel(9), Sequence(98)).is_none(), "an older reference's plane is not the newer's");
        assert!(planes.get(&channel(9), Sequence(99)).is_some());
    }
}
