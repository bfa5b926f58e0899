//! Those outside the house, saying what a test has them say: a provider and a platform. Both keep the contract of the
//! trait: they never block, a call may have had its effect though its answer is lost, and a stop hits what is on the air.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use streamwarden::control::{ControlError, Controlling, StreamControl};
use streamwarden::events::EnforcementKind;
use streamwarden::model::{
    ChannelId, Confidence, Label, LabelPath, Medium, Moment, ProviderRef, Sentence, SessionId, Sha256, Stretch,
    Transcript,
};
use streamwarden::providers::{Answer, Assessing, Provider, ProviderError};
use streamwarden::warden::enforcement::Seen;
use tokio::sync::watch;

/// How long anything awaited may take before the test gives up and says what it saw.
pub const PATIENCE: Duration = Duration::from_secs(60);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the provider says of a picture.
#[derive(Clone)]
pub enum Says {
    /// These labels, in percent.
    Labels(&'static [(&'static str, f64)]),
    /// These labels, once [`ScriptedProvider::release`] was called.
    Held(&'static [(&'static str, f64)]),
    /// Nothing, ever.
    Hangs,
    /// That it cannot take more now.
    Unavailable,
    /// It panics.
    Breaks,
}

/// A provider that says of each picture what the test wrote down for it, and nothing of any other.
pub struct ScriptedProvider {
    name: &'static str,
    taxonomy: &'static str,
    script: Mutex<HashMap<Sha256, Says>>,
    calls: Mutex<HashMap<Sha256, u32>>,
    asked: watch::Sender<u32>,
    released: watch::Sender<bool>,
}

impl ScriptedProvider {
    pub fn new() -> Arc<Self> {
        Self::called("scripted")
    }

    /// One that policies name so and that answers in that taxonomy.
    pub fn answering_in(taxonomy: &'static str, name: &'static str) -> Arc<Self> {
        let mut provider = Self::called(name);
        Arc::get_mut(&mut provider).expect("nobody else has it yet").taxonomy = taxonomy;
        provider
    }

    /// One that policies name so.
    pub fn called(name: &'static str) -> Arc<Self> {
        Arc::new(Self {
            name,
            taxonomy: "rekognition/7.0",
            script: Mutex::default(),
            calls: Mutex::default(),
            asked: watch::Sender::new(0),
            released: watch::Sender::new(false),
        })
    }

    pub fn says(&self, picture: &[u8], says: Says) {
        lock(&self.script).insert(Sha256::of(picture), says);
    }

    /// How often it was asked about a picture.
    pub fn calls(&self, picture: &[u8]) -> u32 {
        lock(&self.calls).get(&Sha256::of(picture)).copied().unwrap_or(0)
    }

    /// Waits until it has been asked about a picture.
    pub async fn asked(&self, picture: &[u8]) {
        let mut asked = self.asked.subscribe();
        let asking = asked.wait_for(|_| self.calls(picture) > 0);
        tokio::time::timeout(PATIENCE, asking).await.expect("the provider is asked").expect("the provider lives");
    }

    /// Lets held answers go.
    pub fn release(&self) {
        self.released.send_replace(true);
    }
}

impl Provider for ScriptedProvider {
    fn reference(&self) -> ProviderRef {
        ProviderRef { name: self.name.into(), model: "test".into(), taxonomy: self.taxonomy.into() }
    }

    fn assess(&self, image: Arc<[u8]>) -> Assessing<'_> {
        let picture = Sha256::of(&image);
        *lock(&self.calls).entry(picture).or_default() += 1;
        self.asked.send_modify(|asked| *asked += 1);
        let says = lock(&self.script).get(&picture).cloned().unwrap_or(Says::Labels(&[]));
        let mut released = self.released.subscribe();
        Box::pin(async move {
            let labels = match says {
                Says::Labels(labels) => labels,
                Says::Held(labels) => {
                    let _ = released.wait_for(|released| *released).await; // a provider that is gone answers nobody
                    labels
                }
                Says::Hangs => std::future::pending().await,
                Says::Unavailable => return Err(ProviderError::Unavailable("scripted".to_owned())),
                Says::Breaks => panic!("scripted"),
            };
            let label = |(path, percent): &(&str, f64)| {
                Label(LabelPath::new(path).expect("a path"), Confidence::from_percent(*percent).expect("a percentage"))
            };
            Ok(Answer::of(self.reference(), labels.iter().map(label).collect()))
        })
    }

    fn media(&self) -> &'static [Medium] {
        &[Medium::Picture, Medium::Clip, Medium::Sound]
    }

    /// The same of a segment, whose bytes are the words that are said in it.
    fn assess_segment(&self, _: Medium, segment: Arc<[u8]>) -> Assessing<'_> {
        Box::pin(async move {
            let answer = self.assess(segment.clone()).await?;
            let during = Stretch { from_ms: 0, to_ms: 4_000 };
            let moment = |label: usize| Moment { label: label as u8, first: during, worst: during };
            let moments = (0..answer.labels.len()).map(moment).collect();
            let text = String::from_utf8_lossy(&segment).into();
            let sentence = Sentence { during, text, labels: answer.labels.clone() };
            let transcript = Transcript { language: Some("en".into()), sentences: vec![sentence] };
            Ok(Answer { moments, transcript: Some(Box::new(transcript)), ..answer })
        })
    }
}

/// What the platform does when it is asked to stop a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnStop {
    /// Stops it and says so. The default.
    Acts,
    /// Stops it, and the answer is lost.
    ActsAndHangs,
    /// Does nothing and never answers.
    Hangs,
    /// Says that nothing is on the air.
    NotBroadcasting,
    /// Does nothing, for want of a permission.
    Denied,
    /// Does nothing now.
    Unavailable,
}

#[derive(Default)]
struct Stage {
    on_air: Option<SessionId>,
    suspended: bool,
    on_stop: VecDeque<OnStop>,
}

/// A platform that lives longer than the house, and remembers what it was asked to do.
pub struct ScriptedPlatform {
    stages: Mutex<HashMap<ChannelId, Stage>>,
    calls: watch::Sender<Vec<String>>,
    looks: AtomicU32,
}

impl ScriptedPlatform {
    pub fn new() -> Arc<Self> {
        Arc::new(Self { stages: Mutex::default(), calls: watch::Sender::new(Vec::new()), looks: AtomicU32::new(0) })
    }

    pub fn go_live(&self, channel: &ChannelId, session: &SessionId) {
        self.with(channel, |stage| stage.on_air = Some(session.clone()));
    }

    /// What it will do at the coming stops of this channel, one after the other.
    pub fn on_stop(&self, channel: &ChannelId, on_stop: &[OnStop]) {
        self.with(channel, |stage| stage.on_stop.extend(on_stop));
    }

    pub fn is_suspended(&self, channel: &ChannelId) -> bool {
        self.with(channel, |stage| stage.suspended)
    }

    /// Every call that was meant to change something, in order: `stop`, `revoke_keys` or `restore_keys`, and the channel.
    pub fn calls(&self) -> Vec<String> {
        self.calls.borrow().clone()
    }

    /// How often it was asked what is on the air, over all channels.
    pub fn looks(&self) -> u32 {
        self.looks.load(Ordering::SeqCst)
    }

    /// Waits until it has been asked this.
    pub async fn asked(&self, call: &str) {
        let mut calls = self.calls.subscribe();
        let asked = calls.wait_for(|calls| calls.iter().any(|made| made == call));
        let asked = tokio::time::timeout(PATIENCE, asked).await.map(|found| found.is_ok());
        assert_eq!(asked, Ok(true), "the platform is asked {call:?}; it was asked {:?}", self.calls());
    }

    fn with<T>(&self, channel: &ChannelId, act: impl FnOnce(&mut Stage) -> T) -> T {
        act(lock(&self.stages).entry(channel.clone()).or_default())
    }

    fn called(&self, what: &str, channel: &ChannelId) {
        self.calls.send_modify(|calls| calls.push(format!("{what} {channel}")));
    }
}

impl StreamControl for ScriptedPlatform {
    fn name(&self) -> &str {
        "scripted"
    }

    fn look(&self, channel: &ChannelId, _: EnforcementKind) -> Controlling<'_, Seen> {
        self.looks.fetch_add(1, Ordering::SeqCst);
        let seen = self.with(channel, |stage| Seen {
            on_air: stage.on_air.clone(),
            started_at: None,
            started_by: None,
            suspended: stage.suspended,
            quiet_ms: 0,
        });
        Box::pin(std::future::ready(Ok(seen)))
    }

    fn stop(&self, channel: &ChannelId, _: &SessionId) -> Controlling<'_, ()> {
        let on_stop = self.with(channel, |stage| {
            let on_stop = stage.on_stop.pop_front().unwrap_or(OnStop::Acts);
            if matches!(on_stop, OnStop::Acts | OnStop::ActsAndHangs) {
                stage.on_air = None; // whatever it is: platforms stop a channel, not a session
            }
            on_stop
        });
        self.called("stop", channel);
        Box::pin(async move {
            match on_stop {
                OnStop::Acts => Ok(()),
                OnStop::ActsAndHangs | OnStop::Hangs => std::future::pending().await,
                OnStop::NotBroadcasting => Err(ControlError::NotBroadcasting),
                OnStop::Denied => Err(ControlError::Denied("scripted".to_owned())),
                OnStop::Unavailable => Err(ControlError::Unavailable("scripted".to_owned())),
            }
        })
    }

    fn revoke_keys(&self, channel: &ChannelId) -> Controlling<'_, ()> {
        self.with(channel, |stage| stage.suspended = true);
        self.called("revoke_keys", channel);
        Box::pin(std::future::ready(Ok(())))
    }

    fn restore_keys(&self, channel: &ChannelId) -> Controlling<'_, ()> {
        self.with(channel, |stage| stage.suspended = false);
        self.called("restore_keys", channel);
        Box::pin(std::future::ready(Ok(())))
    }
}
