//! A broadcast in the house of a test: its frames are offered as an intake offers them, and the provider says of each
//! what the test wrote down.

use std::sync::Arc;

use streamwarden::actors::Outcome;
use streamwarden::clock::{Clock, SystemClock};
use streamwarden::events::FailedStage;
use streamwarden::model::{ChannelId, Fingerprint, Frame, FrameId, FrameOrigin, Position, SessionId, Timestamp};
use streamwarden::warden::Command;

use crate::premises::{Live, Premises};
use crate::scripted::{PATIENCE, Says};

/// What the provider sees in a picture.
pub type Labels = &'static [(&'static str, f64)];

/// One channel's broadcast, on the air.
pub struct Broadcast<'a> {
    live: &'a Live,
    premises: &'a Premises,
    pub channel: ChannelId,
    pub session: SessionId,
    began: Timestamp,
    frames: u64,
}

impl<'a> Broadcast<'a> {
    /// It begins.
    pub async fn begins(live: &'a Live, premises: &'a Premises, channel: &str) -> Self {
        let channel = ChannelId::new(channel).expect("a sound id");
        let session = SessionId::new("st-1").expect("a sound id");
        let began = SystemClock.now();
        premises.stage.go_live(&channel, &session);
        let start = Command::StartSession { session: session.clone(), at: began };
        live.house.wardens.command(&channel, start).await.expect("the broadcast begins");
        Self { live, premises, channel, session, began, frames: 0 }
    }

    /// It shows a frame, two seconds after the last, in which the provider sees this. Durable, and shown.
    pub async fn shows(&mut self, labels: Labels) -> Outcome {
        self.frames += 1;
        let mut seed = self.channel.as_str().bytes().map(u64::from).sum::<u64>();
        seed = seed * 1000 + self.frames;
        let picture = picture(seed);
        self.premises.provider.says(&picture, Says::Labels(labels));
        let frame = Frame {
            medium: Default::default(),
            channel: self.channel.clone(),
            session: self.session.clone(),
            id: FrameId::of(&self.channel, &[&self.frames.to_be_bytes()]),
            captured_at: self.began.plus_ms(self.frames * 2000),
            fingerprint: Fingerprint::of(&[&self.frames.to_be_bytes()]),
            origin: FrameOrigin::Inline(picture),
        };
        let outcome = self.live.house.wardens.offer(frame).await.expect("the frame is accepted");
        self.live.shown().await;
        outcome
    }

    /// A frame captured so long after its beginning cannot be judged. Durable, and shown.
    pub async fn fails(&self, after_ms: u64) {
        let name = format!("failing {after_ms}");
        let frame = Frame {
            medium: Default::default(),
            channel: self.channel.clone(),
            session: self.session.clone(),
            id: FrameId::of(&self.channel, &[name.as_bytes()]),
            captured_at: self.began.plus_ms(after_ms),
            fingerprint: Fingerprint::of(&[name.as_bytes()]),
            origin: FrameOrigin::Inline(Arc::from([])),
        };
        let reason = "the provider is down".to_owned();
        let fail = Command::FailFrame { frame, stage: FailedStage::Provider, reason, attempts: 3, asked: None };
        self.live.house.wardens.command(&self.channel, fail).await.expect("the failure is recorded");
        self.live.shown().await;
    }

    /// Its further frames are captured so much later.
    pub fn later(&mut self, ms: u64) {
        self.began = self.began.plus_ms(ms);
    }

    /// It ends.
    pub async fn ends(self) {
        let end = Command::EndSession { session: self.session.clone() };
        self.live.house.wardens.command(&self.channel, end).await.expect("the broadcast ends");
        self.premises.stage.go_dark(&self.channel);
        self.live.shown().await;
    }
}

impl Live {
    /// Waits until everything durable is shown.
    pub async fn shown(&self) {
        let durable: Position = *streamwarden::journal::Journal::watermark(&*self.house.journal).borrow();
        self.house.views.reached(durable, PATIENCE).await.expect("the views come to it");
    }
}

/// A picture like no other of another seed.
pub fn picture(seed: u64) -> Arc<[u8]> {
    const SIDE: u16 = 64;
    let pixels: Vec<u8> = (0..u64::from(SIDE) * u64::from(SIDE))
        .map(|at| {
            let (x, y) = (at % 64 / 8, at / 64 / 8);
            (x.wrapping_mul(y + 3).wrapping_mul(seed + 7).wrapping_mul(37) % 256) as u8
        })
        .collect();
    let mut file = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut file, 80);
    encoder.encode(&pixels, SIDE, SIDE, jpeg_encoder::ColorType::Luma).expect("a picture is encoded");
    // Two seeds may draw alike: what follows the picture's end tells them apart and is no part of it.
    file.extend_from_slice(&seed.to_be_bytes());
    file.into()
}
