//! The world outside: encoders that come and go, a source that repeats and reorders, a provider that hangs and fails, a
//! platform that loses answers. It remembers what really happened, so that the journal can be held against it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use streamwarden::events::EnforcementKind;
use streamwarden::model::{
    ChannelId, Confidence, EnforcementId, Fingerprint, Frame, FrameId, FrameOrigin, Label, LabelPath, Medium,
    SessionId, Timestamp,
};

use crate::random::Random;

/// What a source can tell.
#[derive(Debug, Clone)]
pub enum Notification {
    Frame(Frame),
    Started(usize, SessionId, Timestamp),
    Ended(usize, SessionId),
}

/// What a provider does with a call.
pub enum Reply {
    Labels(Vec<Label>),
    Unavailable,
    Hangs,
}

/// How a call to the platform ends for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlatformAnswer {
    Accepted,
    Refused,
    Lost,
}

/// One channel as the platform has it.
#[derive(Debug, Default)]
pub struct Live {
    pub on_air: Option<SessionId>,
    pub keys_revoked: bool,
    /// When what is on the air began.
    pub began: Timestamp,
    sessions: u32,
    /// Recordings begun: one holds a broadcast, and perhaps those after it.
    recordings: u32,
    frames: u32,
    segments: u32,
}

pub struct World {
    pub channels: Vec<ChannelId>,
    pub live: Vec<Live>,
    /// Everything the source has published, in the order in which it hands it out.
    pub source: Vec<Notification>,
    /// Frames whose picture shows what a rule looks for.
    pub truth: HashMap<FrameId, Vec<Label>>,
    /// Segments without a track of their medium, and the broadcast that each segment is of, as it was announced.
    pub mute: HashSet<FrameId>,
    pub segments: HashMap<FrameId, SessionId>,
    /// Channels whose broadcasts nobody ever names: neither in an announcement, nor with a frame.
    pub nameless: Vec<bool>,
    /// The broadcast that each frame really shows, whatever is announced of it, and the frames announced without its name.
    pub shows: HashMap<FrameId, SessionId>,
    pub unnamed: HashSet<FrameId>,
    /// Every broadcast of each channel, in order, and when it began.
    pub airings: Vec<Vec<(Timestamp, SessionId)>>,
    /// Channels whose broadcasts are recorded in segments.
    pub recorded: Vec<bool>,
    /// Whoever judges sound is down.
    pub speechless: bool,
    /// How often the provider answered about a frame, per run of the process, and the frames it answered about.
    pub asked: HashMap<(FrameId, u32), u32>,
    pub answered: HashSet<FrameId>,
    /// Sessions that stop calls have hit, by the enforcement that called.
    pub stopped: Vec<(EnforcementId, SessionId)>,
    /// How often each attempt was made.
    pub attempts: BTreeMap<(EnforcementId, u8), u32>,
    /// No more trouble from here on.
    pub calm: bool,
    pub unreachable: BTreeSet<usize>,
    violating: Vec<u64>,
}

impl World {
    pub fn new(random: &mut Random) -> Self {
        let count = random.between(2, 4) as usize;
        let channels = (0..count).map(|n| ChannelId::new(format!("channel-{n}")).expect("a sound name")).collect();
        let violating = (0..count).map(|_| random.pick(&[0, 10, 40, 90]).expect("not empty")).collect();
        Self {
            channels,
            live: (0..count).map(|_| Live::default()).collect(),
            source: Vec::new(),
            truth: HashMap::new(),
            mute: HashSet::new(),
            segments: HashMap::new(),
            nameless: (0..count).map(|_| random.percent(25)).collect(),
            shows: HashMap::new(),
            unnamed: HashSet::new(),
            airings: vec![Vec::new(); count],
            recorded: (0..count).map(|_| random.percent(80)).collect(),
            speechless: false,
            asked: HashMap::new(),
            answered: HashSet::new(),
            stopped: Vec::new(),
            attempts: BTreeMap::new(),
            calm: false,
            unreachable: BTreeSet::new(),
            violating,
        }
    }

    /// The encoder connects: a new session, unless the keys are revoked or one is on the air.
    pub fn connect(&mut self, random: &mut Random, channel: usize, now: Timestamp) -> Option<SessionId> {
        let live = &mut self.live[channel];
        if live.keys_revoked || live.on_air.is_some() {
            return None;
        }
        live.sessions += 1;
        live.recordings += u32::from(random.percent(50)); // what reconnects soon goes on in the recording before
        live.began = now;
        let session = SessionId::new(format!("st-{channel}-{}", live.sessions)).expect("a sound name");
        live.on_air = Some(session.clone());
        self.airings[channel].push((now, session.clone()));
        Some(session)
    }

    /// The broadcast that was on the air then, or the last before.
    pub fn on_air_at(&self, channel: &ChannelId, at: Timestamp) -> Option<&SessionId> {
        let channel = self.channels.iter().position(|known| known == channel)?;
        let begun = self.airings[channel].iter().rev().find(|(began, _)| *began <= at);
        begun.map(|(_, session)| session)
    }

    /// The next thumbnail of a session.
    pub fn thumbnail(&mut self, random: &mut Random, channel: usize, session: &SessionId, now: Timestamp) -> Frame {
        let live = &mut self.live[channel];
        live.frames += 1;
        let id = FrameId::of(&self.channels[channel], &[&live.frames.to_be_bytes()]);
        let number = live.frames;
        self.show(random, channel, id, &["Violence/Weapons", "Nudity", "Drugs"]);
        let session = self.told_as(random, channel, id, session);
        Frame {
            medium: Default::default(),
            channel: self.channels[channel].clone(),
            session,
            id,
            captured_at: now,
            fingerprint: Fingerprint::of(&[&number.to_be_bytes()]),
            origin: FrameOrigin::Inline(Arc::from([])),
        }
    }

    /// What a new frame really shows.
    fn show(&mut self, random: &mut Random, channel: usize, id: FrameId, paths: &[&str]) {
        let mut labels = Vec::new();
        for path in paths {
            if random.percent(self.violating[channel]) {
                let confidence = Confidence::from_milli(random.between(60_000, 100_000) as u32).expect("a percentage");
                labels.push(Label(LabelPath::new(path).expect("a sound path"), confidence));
            }
        }
        self.truth.insert(id, labels);
    }

    /// The next recorded segment of a session, as that medium.
    pub fn segment(
        &mut self,
        random: &mut Random,
        channel: usize,
        session: &SessionId,
        now: Timestamp,
        medium: Medium,
    ) -> Frame {
        let live = &mut self.live[channel];
        live.segments += 1;
        let parts: [&[u8]; 2] = [b"segment", &live.segments.to_be_bytes()];
        let (id, fingerprint) = (FrameId::of(&self.channels[channel], &parts), Fingerprint::of(&parts));
        let paths: &[&str] = if medium == Medium::Sound { &["hate"] } else { &["Violence/Weapons", "Nudity"] };
        self.show(random, channel, id, paths);
        if medium == Medium::Sound && random.percent(10) {
            self.mute.insert(id);
        }
        let session = self.told_as(random, channel, id, session);
        self.segments.insert(id, session.clone());
        let (channel, origin) = (self.channels[channel].clone(), FrameOrigin::Inline(Arc::from([])));
        Frame { medium, channel, session, id, captured_at: now, fingerprint, origin }
    }

    /// What a frame is announced as a frame of. Around a reconnect nobody can say which broadcast it shows, and of some
    /// channels never.
    fn told_as(&mut self, random: &mut Random, channel: usize, id: FrameId, session: &SessionId) -> SessionId {
        self.shows.insert(id, session.clone());
        if !random.percent(5) && !self.nameless[channel] {
            return session.clone();
        }
        self.unnamed.insert(id);
        let recording = self.live[channel].recordings;
        SessionId::unnamed(&format!("recording-{channel}-{recording}")).expect("a sound name")
    }

    /// A provider call arrives.
    pub fn ask(&mut self, random: &mut Random, frame: &Frame, epoch: u32) -> Reply {
        if !self.calm && random.percent(6) {
            return Reply::Hangs;
        }
        if self.speechless && frame.medium == Medium::Sound {
            return Reply::Unavailable;
        }
        let frame = frame.id;
        if !self.calm && random.percent(12) {
            return Reply::Unavailable;
        }
        *self.asked.entry((frame, epoch)).or_default() += 1;
        self.answered.insert(frame);
        Reply::Labels(self.truth.get(&frame).cloned().unwrap_or_default())
    }

    /// A call to act on a stream takes effect. `only`: the session it is meant for; none hits whatever is there.
    pub fn act(
        &mut self,
        random: &mut Random,
        (enforcement, attempt): (EnforcementId, u8),
        channel: usize,
        kind: EnforcementKind,
        only: Option<&SessionId>,
    ) -> PlatformAnswer {
        *self.attempts.entry((enforcement, attempt)).or_default() += 1;
        if !self.calm && random.percent(15) {
            return PlatformAnswer::Refused; // 403, 503
        }
        let live = &mut self.live[channel];
        match kind {
            EnforcementKind::Lift => live.keys_revoked = false,
            EnforcementKind::Suspend => live.keys_revoked = true,
            EnforcementKind::Stop => {}
        }
        if kind != EnforcementKind::Lift {
            let hit = live.on_air.clone().filter(|on_air| only.is_none_or(|only| only == on_air));
            match hit {
                Some(session) => {
                    live.on_air = None;
                    self.stopped.push((enforcement, session));
                }
                None if kind == EnforcementKind::Stop => return PlatformAnswer::Refused, // 404
                None => {}
            }
        }
        if !self.calm && random.percent(25) { PlatformAnswer::Lost } else { PlatformAnswer::Accepted }
    }
}
