//! Frames of an earlier process that were announced again, and whose evidence is lost: where their pictures are is known
//! again. Bounded, because a picture may come with its frame; one that finds no room is said to be lost later on.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::model::{Frame, FrameOrigin, Position};

/// Frames that wait.
const FRAMES_MAX: usize = 4096;
/// Bytes of the pictures that came with them.
const BYTES_MAX: usize = 64 << 20;

/// Frames that were announced again.
pub(in crate::actors) struct Again {
    /// The journal's head when this process began: whoever was to keep the evidence of what stands up to there is gone.
    pub(in crate::actors) begun: Position,
    waiting: Mutex<Waiting>,
    come: Notify,
}

#[derive(Default)]
struct Waiting {
    frames: VecDeque<Frame>,
    bytes: usize,
}

impl Again {
    pub(in crate::actors) fn new(begun: Position) -> Self {
        Self { begun, waiting: Mutex::default(), come: Notify::new() }
    }

    /// A frame came again.
    pub(in crate::actors) fn came(&self, frame: &Frame) {
        let mut waiting = self.lock();
        let bytes = waiting.bytes + bytes_of(frame);
        if waiting.frames.len() < FRAMES_MAX && bytes <= BYTES_MAX {
            waiting.frames.push_back(frame.clone());
            waiting.bytes = bytes;
            self.come.notify_one();
        }
    }

    /// The next one, once there is one.
    pub(super) async fn next(&self) -> Frame {
        loop {
            if let Some(frame) = self.lock().pop() {
                return frame;
            }
            self.come.notified().await; // one that came in between has left its permit
        }
    }

    /// Whether none waits.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().frames.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner) // nothing in here panics half way
    }
}

impl Waiting {
    fn pop(&mut self) -> Option<Frame> {
        let frame = self.frames.pop_front()?;
        self.bytes -= bytes_of(&frame);
        Some(frame)
    }
}

fn bytes_of(frame: &Frame) -> usize {
    match &frame.origin {
        FrameOrigin::Inline(bytes) => bytes.len(),
        FrameOrigin::S3(_) | FrameOrigin::File(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{ChannelId, Fingerprint, FrameId, SessionId, Timestamp};

    #[tokio::test]
    async fn pictures_that_come_with_their_frames_are_bounded_and_room_comes_back() {
        let again = Again::new(Position(0));
        let picture: Arc<[u8]> = vec![0; BYTES_MAX / 4].into();
        let channel = ChannelId::new("c").expect("a sound id");
        let frame = |n: u8| Frame {
            medium: Default::default(),
            channel: channel.clone(),
            session: SessionId::new("s").expect("a sound id"),
            id: FrameId::from_bytes([n; 16]),
            captured_at: Timestamp::default(),
            fingerprint: Fingerprint::of(&[]),
            origin: FrameOrigin::Inline(picture.clone()),
        };
        (0..6).for_each(|n| again.came(&frame(n)));
        assert_eq!(again.lock().frames.len(), 4);
        assert_eq!(again.next().await.id, frame(0).id);
        again.came(&frame(7));
        for n in [1, 2, 3, 7] {
            assert_eq!(again.next().await.id, frame(n).id);
        }
        assert_eq!(again.lock().bytes, 0);
    }
}
