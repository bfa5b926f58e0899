//! The guard over time: its rate, its circuit for each medium, and who is let through to try.

use std::collections::VecDeque;

use futures_util::FutureExt;

use super::*;
use crate::clock::ManualClock;
use crate::providers::Answer;

const T0: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// A provider that answers as it is told, and nothing when it has been told nothing.
#[derive(Default)]
struct Told(Mutex<VecDeque<Result<(), ProviderError>>>, std::sync::atomic::AtomicU32);

impl Provider for Told {
    fn reference(&self) -> ProviderRef {
        ProviderRef { name: "told".into(), model: "1".into(), taxonomy: "told/1".into() }
    }
    fn assess(&self, _: Arc<[u8]>) -> Assessing<'_> {
        self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let told = self.0.lock().unwrap().pop_front();
        let answer = Answer::of(self.reference(), vec![]);
        Box::pin(async move {
            match told {
                Some(told) => told.map(|()| answer),
                None => std::future::pending().await,
            }
        })
    }
    fn assess_segment(&self, _: Medium, segment: Arc<[u8]>) -> Assessing<'_> {
        self.assess(segment)
    }
}

struct Stage {
    told: Arc<Told>,
    clock: Arc<ManualClock>,
    guard: Guard,
}

impl Stage {
    fn new(settings: Settings) -> Self {
        let (told, clock) = (Arc::new(Told::default()), Arc::new(ManualClock::at(T0)));
        let guard = Guard::new(told.clone(), clock.clone(), settings);
        Self { told, clock, guard }
    }
    async fn asked(&self, answer: Result<(), ProviderError>) -> Result<(), ProviderError> {
        self.told.0.lock().unwrap().push_back(answer);
        let answered = self.guard.assess(Arc::from(*b"x")).await.map(|_| ());
        self.told.0.lock().unwrap().clear();
        answered
    }
    fn calls(&self) -> u32 {
        self.told.1.load(std::sync::atomic::Ordering::Relaxed)
    }
    fn is_suspended(&self) -> bool {
        self.is_suspended_for(Medium::Picture)
    }
    fn is_suspended_for(&self, medium: Medium) -> bool {
        *self.guard.standing(medium).unwrap().borrow() != Standing::Asked
    }
}

fn down() -> Result<(), ProviderError> {
    Err(ProviderError::Unavailable("down".to_owned()))
}

fn three() -> Settings {
    Settings { failures_max: 3, ..Settings::default() }
}

#[tokio::test]
async fn failures_in_a_row_open_the_circuit_and_then_nothing_is_asked() {
    let stage = Stage::new(three());
    for answer in [down(), down(), Ok(()), down(), down()] {
        let _ = stage.asked(answer).await;
    }
    assert!(!stage.is_suspended(), "an answer between them ends the row");
    let _ = stage.asked(down()).await;
    assert!(stage.is_suspended());
    let calls = stage.calls();
    assert!(matches!(stage.asked(Ok(())).await, Err(ProviderError::Suspended(_))));
    assert_eq!(stage.calls(), calls);
}

#[tokio::test]
async fn a_medium_that_fails_is_suspended_alone_and_comes_back_alone() {
    let stage = Stage::new(three());
    let clip = || stage.guard.assess_segment(Medium::Clip, Arc::from(*b"x"));
    let tell = |answer| stage.told.0.lock().unwrap().push_back(answer);
    for _ in 0..3 {
        assert_eq!(stage.asked(Ok(())).await, Ok(()), "an answer about a picture says nothing of clips");
        tell(down());
        clip().await.unwrap_err();
    }
    assert!(stage.is_suspended_for(Medium::Clip));
    assert!(!stage.is_suspended() && !stage.is_suspended_for(Medium::Sound));
    assert!(stage.guard.is_free(), "pictures are asked about at once");
    let calls = stage.calls();
    assert!(matches!(clip().await, Err(ProviderError::Suspended(_))));
    assert_eq!(stage.calls(), calls, "the suspended medium is not asked about");
    assert_eq!(stage.asked(Ok(())).await, Ok(()));
    assert!(stage.is_suspended_for(Medium::Clip), "an answer about a picture brings no clip back");
    stage.clock.set(T0.plus_ms(15_000));
    tell(Ok(()));
    clip().await.unwrap();
    assert!(!stage.is_suspended_for(Medium::Clip));
}

#[tokio::test]
async fn a_trial_that_is_answered_closes_the_circuit_and_a_failed_one_opens_it_for_twice_as_long() {
    let stage = Stage::new(three());
    for _ in 0..3 {
        let _ = stage.asked(down()).await;
    }
    let after = |s: u64| T0.plus_ms(s * 1000);
    stage.clock.set(after(15));
    assert_eq!(stage.asked(down()).await, down());
    stage.clock.set(after(15 + 29));
    assert!(matches!(stage.asked(Ok(())).await, Err(ProviderError::Suspended(_))));
    stage.clock.set(after(15 + 30));
    assert_eq!(stage.asked(Ok(())).await, Ok(()));
    assert!(!stage.is_suspended());
    assert_eq!(stage.asked(Ok(())).await, Ok(()));
}

#[tokio::test]
async fn only_one_frame_tries_a_suspended_provider() {
    let stage = Stage::new(three());
    for _ in 0..3 {
        let _ = stage.asked(down()).await;
    }
    stage.clock.set(T0.plus_ms(15_000));
    let mut trial = stage.guard.assess(Arc::from(*b"x")); // nothing is told: it hangs
    assert!((&mut trial).now_or_never().is_none());
    assert!(matches!(stage.guard.assess(Arc::from(*b"y")).await, Err(ProviderError::Suspended(_))));
    drop(trial); // its frame's time is up
    assert!(matches!(stage.asked(Ok(())).await, Err(ProviderError::Suspended(_))), "a hanging trial has failed");
}

#[tokio::test]
async fn calls_that_hang_until_they_are_given_up_open_the_circuit() {
    let stage = Stage::new(three());
    for _ in 0..3 {
        assert!(stage.guard.assess(Arc::from(*b"x")).now_or_never().is_none());
    }
    assert!(stage.is_suspended());
}

#[tokio::test]
async fn a_refused_image_says_nothing_against_the_provider() {
    let stage = Stage::new(three());
    for _ in 0..10 {
        let _ = stage.asked(Err(ProviderError::Refused("no image".to_owned()))).await;
    }
    assert!(!stage.is_suspended());
}

#[tokio::test]
async fn who_refuses_the_caller_refuses_every_image_and_is_suspended() {
    let stage = Stage::new(three());
    for _ in 0..3 {
        let _ = stage.asked(Err(ProviderError::Denied("the key is refused".to_owned()))).await;
    }
    assert!(stage.is_suspended());
}

#[tokio::test]
async fn one_is_free_that_nobody_waits_for_and_that_is_not_suspended() {
    let stage = Stage::new(Settings { per_second: std::num::NonZeroU32::new(1), ..three() });
    assert!(stage.guard.is_free());
    let mut before = 0; // what nobody asked for so far may be asked for at once
    while stage.guard.is_free() {
        let _ = stage.asked(Ok(())).await;
        before += 1;
        assert!(before < 100, "the next turn never came into the future");
    }
    assert!(before >= 1, "the turn before was taken by this call");
    let unhurried = Stage::new(three());
    for _ in 0..3 {
        let _ = unhurried.asked(Err(ProviderError::Unavailable("no way there".to_owned()))).await;
    }
    assert!(!unhurried.guard.is_free(), "it is suspended");
}

#[tokio::test]
async fn second_tries_are_a_fifth_of_the_calls_once_the_savings_are_spent() {
    let stage = Stage::new(Settings::default());
    while stage.guard.may_retry() {}
    for _ in 0..50 {
        stage.asked(Ok(())).await.unwrap();
    }
    let tries = (0..50).filter(|_| stage.guard.may_retry()).count();
    assert_eq!(tries, 10);
}

#[test]
fn turns_keep_to_the_rate_and_a_pause_earns_a_short_burst() {
    let per_second = std::num::NonZeroU32::new(50).unwrap();
    let begun = Instant::now();
    let ms = Duration::from_millis;
    let mut next = None;
    let mut turn_at = |after: Duration| {
        let turn = turn_after(next, begun + after);
        next = Some(turn + Duration::from_secs(1) / per_second.get());
        turn.saturating_duration_since(begun)
    };
    let busy: Vec<_> = (0..61).map(|_| turn_at(ms(0))).collect();
    let at_once = busy.iter().filter(|turn| turn.is_zero()).count();
    assert_eq!((at_once, busy[60]), (11, ms(1000)), "a burst of 200 ms and its own turn, then one each 20 ms");
    let again: Vec<_> = (0..12).map(|_| turn_at(ms(60_000))).collect();
    assert_eq!((again[10], again[11]), (ms(60_000), ms(60_020)), "a long pause earns no longer burst");
}
