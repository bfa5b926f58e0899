//! A broadcast that was judged without a name, and a person who upholds its warning: what is on the air is stopped only
//! if it certainly began before the judged frame (invariant I11). The real IVS control, over HTTP.

use std::sync::Arc;

use serde_json::json;
use streamwarden::aws::ivs::IvsPace;
use streamwarden::clock::{Clock, SystemClock};
use streamwarden::control::{IvsControl, IvsSettings};
use streamwarden::events::{EnforcementSuperseded, Event, SupersededBecause, Timings};
use streamwarden::model::{
    ChannelId, Confidence, EnforcementId, EventId, Fingerprint, Frame, FrameId, FrameOrigin, HashScheme, ImageFacts,
    ImageFormat, Label, LabelPath, Measurement, ModeratorId, PerceptualHash, ProviderRef, SessionId, Sha256, Timestamp,
};
use streamwarden::policy::file;
use streamwarden::warden::{Answered, Answering, Beside, Command, ModeratorAct};

use crate::premises::{Live, Premises, channel, session};
use crate::standins::Stage;

const POLICY: &str = "policy: p\nchannels: { matching: .* }\ntaxonomy: rekognition/7.0\n\
                      rules: [{ id: weapons, categories: [Weapons], confidence: 80, action: stop, approval: none }]\n";

fn unnamed() -> SessionId {
    SessionId::new("unnamed/AbCdEf").unwrap()
}

fn control(stage: &Stage) -> Arc<IvsControl> {
    let pace = IvsPace { calls_per_second: 50, ..IvsPace::default() };
    let settings = IvsSettings { quiet_ms: 0, ..IvsSettings::default() };
    Arc::new(IvsControl::new(Arc::new(stage.aws().ivs(pace)), settings))
}

/// A frame of the unnamed broadcast shows a weapon, says a provider.
async fn judged(live: &Live, channel: &ChannelId, captured_at: Timestamp) {
    let frame = Frame {
        medium: Default::default(),
        channel: channel.clone(),
        session: unnamed(),
        id: FrameId::of(channel, &[b"frame"]),
        captured_at,
        fingerprint: Fingerprint::of(&[b"frame"]),
        origin: FrameOrigin::Inline(Arc::from([])),
    };
    let image = ImageFacts { sha256: Sha256([1; 32]), bytes: 1, width: 1, height: 1, format: ImageFormat::Jpeg };
    let hash = PerceptualHash { scheme: HashScheme::PhashFromDc, bits: 1 };
    let label = Label(LabelPath::new("Violence/Weapons").unwrap(), Confidence::from_percent(95.0).unwrap());
    let policy = Arc::new(file::load("p.yaml", POLICY).unwrap().remove(0).policy);
    let taxonomy = "rekognition/7.0".into();
    let answer = Answered {
        moments: Vec::new(),
        spoken: None,
        provider: ProviderRef { name: "rekognition".into(), model: "7.0".into(), taxonomy },
        labels: vec![label],
        kept: None,
        unmapped: 0,
        content_types: vec![],
        floor: None,
    };
    let measured = Some(Measurement { image, hash, luma: None });
    let start = Command::StartSession { session: unnamed(), at: captured_at };
    live.house.wardens.command(channel, start).await.unwrap();
    let (beside, took) = (Beside::default(), Timings::default());
    let judge = Command::JudgeFrame {
        frame,
        policy,
        shadow: None,
        measured,
        segment: None,
        answer: Box::new(answer),
        beside,
        took,
    };
    live.house.wardens.command(channel, judge).await.unwrap();
}

/// A person upholds the channel's one warning; the stop that this asks for.
async fn upheld(live: &Live, channel: &ChannelId) -> EnforcementId {
    let state = live.house.wardens.inspect(channel).await.unwrap();
    let warnings = state.open_warnings().map(|open| open.id).collect::<Vec<_>>();
    assert_eq!(warnings.len(), 1, "{state:#?}");
    assert!(state.enforcements.is_empty(), "what has no name no rule stops: {state:#?}");
    let request = EventId::of_command("test", &[channel.as_str().as_bytes()]);
    let act = ModeratorAct::Uphold(Answering::to(warnings));
    let command = Command::Moderate { request, by: ModeratorId::new("ann").unwrap(), act };
    live.house.wardens.command(channel, command).await.unwrap();
    let resolved = live.house.wardens.inspect(channel).await.unwrap();
    assert_eq!(resolved.open_warnings().count(), 0, "the answer resolves the warning whatever comes of the stop");
    let here = live.events().into_iter().filter(|recorded| recorded.envelope.scope.channel() == Some(channel));
    let mut asked = here.filter_map(|recorded| match recorded.event().unwrap() {
        Event::EnforcementRequested(asked) => Some(asked),
        _ => None,
    });
    let asked = asked.next().expect("a stop is asked for");
    assert_eq!(asked.session, Some(unnamed()));
    asked.enforcement
}

async fn stops_called(stage: &Stage) -> usize {
    stage.calls().await.iter().filter(|call| call["op"] == "ivs.StopStream").count()
}

#[actix_rt::test]
async fn a_stream_that_certainly_began_before_the_judged_frame_is_the_one_and_is_stopped() {
    let (premises, stage) = (Premises::new(), Stage::new());
    let live = premises.open(control(&stage)).await;
    let a = channel("a");
    let on_air = json!({ "live": true, "session": session("one").as_str(), "started_s": -60 });
    stage.script(json!({ "channels": { "a": on_air } })).await;
    judged(&live, &a, SystemClock.now()).await;
    let stop = upheld(&live, &a).await;
    let end = live.end_of(stop).await;
    assert!(matches!(end, Event::EnforcementVerified(_)), "{end:?}");
    let tried = live.until("it was tried", |event| matches!(event, Event::EnforcementAttempted(_))).await;
    assert!(matches!(&tried, Event::EnforcementAttempted(tried) if tried.found == Some(session("one"))), "{tried:?}");
    assert_eq!(stops_called(&stage).await, 1);
    let over = |event: &Event| matches!(event, Event::SessionEnded(ended) if ended.session == unnamed());
    live.until("the broadcast is over", over).await;
    live.close().await;
}

#[actix_rt::test]
async fn a_stream_that_began_after_the_frame_or_shortly_before_it_is_left_alone_and_the_record_says_why() {
    let (premises, stage) = (Premises::new(), Stage::new());
    let live = premises.open(control(&stage)).await;
    // The frame is captured now: 5 s earlier may still have been the broadcast before, 30 s later surely is another.
    for (name, started_s) in [("shortly", -5), ("later", 30)] {
        let on_air = json!({ "live": true, "session": session("two").as_str(), "started_s": started_s });
        stage.script(json!({ "channels": { (name): on_air } })).await;
        let channel = channel(name);
        judged(&live, &channel, SystemClock.now()).await;
        let stop = upheld(&live, &channel).await;
        let end = live.end_of(stop).await;
        let Event::EnforcementSuperseded(EnforcementSuperseded { found, because, .. }) = end else { panic!("{end:?}") };
        assert_eq!((found, because), (session("two"), SupersededBecause::Unproven), "{name}");
    }
    assert_eq!(stops_called(&stage).await, 0);
    live.close().await;
}
