//! One event of each type, as full as it realistically gets: golden files, sizes and schemas are checked with them.

use std::sync::Arc;

use streamwarden::events::*;
use streamwarden::model::*;

/// The sample of a type.
pub fn sample(event_type: EventType) -> Event {
    match event_type {
        EventType::SessionStarted => {
            SessionStarted { session: session(), because: SessionStartBecause::FrameArrived }.into()
        }
        EventType::SessionEnded => SessionEnded { session: session(), because: SessionEndBecause::AnotherBegan }.into(),
        EventType::FrameSkipped => similar_skip().into(),
        EventType::FrameAssessed => assessed().into(),
        EventType::FrameFailed => FrameFailed {
            medium: Default::default(),
            frame: frame(),
            print: print(),
            stage: FailedStage::Provider,
            reason: "no answer within 5000 ms".to_owned(),
            attempts: 3,
        }
        .into(),
        EventType::FrameConflict => FrameConflict { frame: frame(), outcome: outcome(), print: print() }.into(),
        EventType::OpinionGiven => OpinionGiven {
            frame: frame(),
            session: session(),
            policy: policy(),
            provider: provider(),
            role: OpinionRole::Seconded,
            said: OpinionSaid::Answer(OpinionAnswer {
                labels: vec![label("Explicit/Explicit Nudity", 92_100)],
                answer: None,
                unmapped: 0,
                floor: None,
                hits: vec![rule()],
            }),
            took_ms: 412,
        }
        .into(),
        EventType::DecisionReceived => DecisionReceived {
            by: named(ExternalId::new("hive-dashboard")),
            action: named(ActionName::new("ban-stream")),
            frame: frame(),
            session: Some(session()),
            then: Some(Action::Stop),
            approval: Approval::None,
            effect: DecisionEffect::Raised(warning()),
        }
        .into(),
        EventType::ShadowVerdict => ShadowVerdict {
            frame: frame(),
            policy: shadow(),
            session: session(),
            verdict: Verdict::Stop,
            would: Some(Action::Suspend),
            labels: vec![label("Explicit/Explicit Nudity", 97_312)],
            rules: vec![
                ShadowRule {
                    rule: rule(),
                    rev: 0x5eed_1234,
                    by: 0,
                    margin: 17_312,
                    hits: 2,
                    effect: ShadowEffect::Raised { approval: Approval::None, cooldown_ms: 300_000 },
                },
                ShadowRule {
                    rule: named(RuleId::new("any-nudity")),
                    rev: 0x5eed_1235,
                    by: 0,
                    margin: 37_312,
                    hits: 1,
                    effect: ShadowEffect::Cooldown(moment(120_000)),
                },
            ],
            released: vec![named(RuleId::new("smoking"))],
        }
        .into(),
        EventType::ChannelWatched => ChannelWatched { unwatched_since: moment(-90_000), unwatched_ms: 90_000 }.into(),
        EventType::ChannelUnwatched => {
            ChannelUnwatched { since: moment(-90_000), because: UnwatchedBecause::NoInput }.into()
        }
        EventType::ChannelQuarantined => {
            ChannelQuarantined { frame: frame(), reason: "index out of bounds: the len is 0".to_owned() }.into()
        }
        EventType::SegmentsUnjudged => SegmentsUnjudged {
            medium: Medium::Sound,
            session: session(),
            since: moment(-66_000),
            because: UnjudgedBecause::NoInput,
        }
        .into(),
        EventType::CadenceChanged => CadenceChanged {
            from: Some(Pace { interval_ms: 60_000, tolerance_ms: 5_000 }),
            to: Pace { interval_ms: 10_000, tolerance_ms: 1_000 },
            policy: policy(),
            because: CadenceBecause::NearMiss,
            score: Score::from_milli(812),
            viewers: None,
        }
        .into(),
        EventType::ReputationAdjusted => ReputationAdjusted {
            by: moderator(),
            change: ReputationChange::By(-250),
            until: Some(moment(86_400_000)),
            why: content("moderator/m-17"),
        }
        .into(),
        EventType::WarningRaised => WarningRaised {
            medium: Default::default(),
            warning: warning(),
            frame: frame(),
            session: session(),
            policy: policy(),
            rule: rule(),
            rev: 0x5eed_1234,
            severity: 4,
            action: Action::Suspend,
            approval: Approval::Person,
            label: Some(label("Explicit/Explicit Nudity", 97_312)),
            margin: 17_312,
            cooldown_ms: 300_000,
            asks: Some(AsksBecause::TooFewRules { met: 1, needed: 2, within_ms: 120_000 }),
            unavailable: None,
            decided_by: None,
        }
        .into(),
        EventType::WarningLapsed => WarningLapsed { warning: warning(), because: LapsedBecause::WatchedAgain }.into(),
        EventType::WarningClaimed => {
            WarningClaimed { warning: warning(), by: moderator(), until: moment(120_000) }.into()
        }
        EventType::WarningReleased => WarningReleased { warning: warning(), by: moderator(), lapsed: true }.into(),
        EventType::WarningUpheld => WarningUpheld { warning: warning(), by: moderator(), undo_ms: 90_000 }.into(),
        EventType::WarningDismissed => WarningDismissed { warning: warning(), by: moderator(), undo_ms: 90_000 }.into(),
        EventType::WarningAnswerWithdrawn => WarningAnswerWithdrawn { warning: warning(), by: moderator() }.into(),
        EventType::WarningEscalated => {
            WarningEscalated { warning: warning(), by: moderator(), to: Some(named(ModeratorId::new("lead-2"))) }.into()
        }
        EventType::WarningOverturned => WarningOverturned {
            warning: warning(),
            by: named(ModeratorId::new("appeals-1")),
            why: content("moderator/appeals-1"),
            upheld_by: moderator(),
            upheld_at: moment(-86_400_000),
            session: session(),
            rule: rule(),
            severity: 4,
        }
        .into(),
        EventType::WarningNoted => {
            WarningNoted { warning: warning(), by: moderator(), note: content("moderator/m-17") }.into()
        }
        EventType::EnforcementRequested => EnforcementRequested {
            enforcement: enforcement(),
            kind: EnforcementKind::Suspend,
            session: Some(session()),
            origin: EnforcementOrigin::Rule { policy: policy(), rule: rule(), warning: warning() },
            severity: 5,
            expires: moment(60_000),
            reason: Some(content("moderator/m-17")),
        }
        .into(),
        EventType::EnforcementAdmitted => {
            EnforcementAdmitted { enforcement: enforcement(), by: Some(moderator()) }.into()
        }
        EventType::EnforcementHeld => {
            EnforcementHeld { enforcement: enforcement(), budget: Budget::LiveShare { used: 3, of: 3 } }.into()
        }
        EventType::EnforcementAttempted => {
            EnforcementAttempted { enforcement: enforcement(), attempt: 2, found: None }.into()
        }
        EventType::EnforcementSucceeded => EnforcementSucceeded { enforcement: enforcement(), attempt: 2 }.into(),
        EventType::EnforcementVerified => EnforcementVerified { enforcement: enforcement(), took_ms: 1_840 }.into(),
        EventType::EnforcementNotNeeded => {
            EnforcementNotNeeded { enforcement: enforcement(), because: NotNeededBecause::AlreadyOffline }.into()
        }
        EventType::EnforcementSuperseded => EnforcementSuperseded {
            enforcement: enforcement(),
            found: named(SessionId::new("st-1HKsqLdmVCkG5DkWbXJTwAP")),
            because: SupersededBecause::Replaced,
        }
        .into(),
        EventType::EnforcementFailed => EnforcementFailed {
            enforcement: enforcement(),
            reason: "the platform refused: channel not found".to_owned(),
            attempts: 4,
        }
        .into(),
        EventType::EnforcementCancelled => EnforcementCancelled { enforcement: enforcement(), by: None }.into(),
        EventType::PolicyPublished => {
            let (text, why) = (content("policy/family-safe"), Some(content("policy/family-safe/why")));
            PolicyPublished { policy: policy(), text, why }.into()
        }
        EventType::PolicyRetired => PolicyRetired { policy: policy(), why: Some(content("policy/family-safe")) }.into(),
        EventType::PolicyShadowed => {
            let (text, why) = (content("policy/family-safe"), Some(content("policy/family-safe/why")));
            PolicyShadowed { policy: shadow(), text, why }.into()
        }
        EventType::PolicyUnshadowed => {
            PolicyUnshadowed { policy: shadow(), why: Some(content("policy/family-safe")) }.into()
        }
        EventType::NotificationRejected => NotificationRejected {
            source: "kinesis/thumbnails/shardId-000000000003".to_owned(),
            reason: "expected a string at detail.channel_name, found a number".to_owned(),
            copy: content("intake/kinesis"),
        }
        .into(),
        EventType::InputGap => InputGap {
            source: "kinesis/thumbnails/shardId-000000000003".to_owned(),
            from: moment(-86_400_000),
            to: moment(0),
        }
        .into(),
        EventType::ProviderSuspended => ProviderSuspended {
            provider: provider(),
            medium: Medium::Picture,
            since: moment(-1_000),
            failures: 10,
            because: "the provider is unavailable: DetectModerationLabels: timed_out: no answer within 5000 ms"
                .to_owned(),
        }
        .into(),
        EventType::ProviderResumed => {
            ProviderResumed { provider: provider(), medium: Medium::Picture, suspended_since: moment(-16_000) }.into()
        }
        EventType::ConsumerCreated => {
            ConsumerCreated { consumer: consumer(), filter: filter(), from: Position(1_205_017), slot: 3 }.into()
        }
        EventType::ConsumerDeleted => ConsumerDeleted { consumer: consumer() }.into(),
        EventType::ConsumerRewound => {
            ConsumerRewound { consumer: consumer(), from: Position(1_205_017), to: Position(1_100_000), slot: 4 }.into()
        }
        EventType::EntryParked => EntryParked {
            consumer: consumer(),
            event: outcome(),
            position: Position(1_205_018),
            reason: "the ticket system answered 422: no such queue".to_owned(),
        }
        .into(),
        EventType::EntryUnparked => {
            EntryUnparked { consumer: consumer(), event: outcome(), position: Position(1_205_018) }.into()
        }
        EventType::EntrySettled => {
            EntrySettled { consumer: consumer(), event: outcome(), position: Position(1_205_018) }.into()
        }
        EventType::ReplayStarted => ReplayStarted {
            replay: ReplayId::of(outcome()),
            name: named(ConsumerName::new("march-appeals")),
            first: Position(900_000),
            last: Position(1_100_000),
            filter: filter(),
            target: ReplayTarget::Consumer(consumer()),
            speed: ReplaySpeed::RealTimeMilli(60_000),
            slot: 1,
        }
        .into(),
        EventType::ReplayEnded => {
            ReplayEnded { replay: ReplayId::of(outcome()), how: ReplayEnd::Completed, reached: Position(1_100_000) }
                .into()
        }
        EventType::StoreOpened => {
            StoreOpened { clean: false, head: Position(1_204_233), program: "0.1.0".to_owned() }.into()
        }
        EventType::StoreClosed => StoreClosed { head: Position(1_204_999) }.into(),
        EventType::SegmentSealed => SegmentSealed {
            first: Position(1),
            last: Position(200_000),
            chain: Sha256::of(b"chain"),
            file: Sha256::of(b"file"),
            bytes: 31_415_926,
        }
        .into(),
        EventType::DataLossAccepted => DataLossAccepted {
            from: Position(1_205_000),
            to: Position(1_205_017),
            finding: "the store ends at 1204999, the anchor says 1205017".to_owned(),
        }
        .into(),
        EventType::EvidenceStored => {
            let kept = content("channel/arn:aws:ivs:eu-west-1:123456789012:channel/AbCdEfGhIjKl");
            EvidenceStored { frame: frame(), image: Sha256::of(b"picture"), content: kept }.into()
        }
        EventType::EvidenceCopied => EvidenceCopied {
            frame: frame(),
            image: Sha256::of(b"picture"),
            bytes: 183_204,
            object: BucketObject {
                bucket: "moderation-evidence".to_owned(),
                key: "evidence/arn_aws_ivs_eu-west-1_123456789012_channel_AbCdEfGhIjKl/2026-03-01/0a.jpg".to_owned(),
                version: Some("3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY".to_owned()),
                etag: Some("9b2cf535f27731c974343645a3985328".to_owned()),
            },
        }
        .into(),
        EventType::EvidenceUnkept => EvidenceUnkept {
            frame: frame(),
            image: Some(Sha256::of(b"picture")),
            place: EvidencePlace::Bucket,
            reason: "PutObject: denied: AccessDenied".to_owned(),
        }
        .into(),
        EventType::EvidenceExpired => EvidenceExpired {
            after: Position(900_000),
            through: Position(1_100_000),
            kept_before: moment(-90_000),
            pictures: 412,
            transcripts: 0,
            bytes: 61_234_567,
        }
        .into(),
        EventType::EvidenceRead => {
            let kept = content("channel/arn:aws:ivs:eu-west-1:123456789012:channel/AbCdEfGhIjKl");
            EvidenceRead { frame: frame(), channel: channel(), content: kept }.into()
        }
        EventType::ExportMade => ExportMade {
            what: ExportOf::Channel(channel()),
            format: ExportFormat::Csv,
            filter: "type=FrameAssessed&verdict=stop".to_owned(),
            from: Position(1_200_000),
            to: Position(1_204_999),
            events_max: 100_000,
        }
        .into(),
        EventType::ErasureRequested => ErasureRequested {
            what: Erasing::Channel { channel: channel(), content: ErasedContent::Everything },
            reason: ErasureReason::new("request-2291").expect("a sound code"),
        }
        .into(),
        EventType::CopiesErased => {
            CopiesErased { request: EventId::from_bytes([7; 16]), channel: channel(), copies: 12 }.into()
        }
        EventType::ContentErased => {
            let held = HeldContent { contents: 31, bytes: 4_711 };
            let (subject, reason) = ("moderator/m-17".to_owned(), "request-2291".to_owned());
            ContentErased { subject, reason, request: Some(EventId::from_bytes([7; 16])), held: Some(held) }.into()
        }
    }
}

/// The most frequent event: a frame like the last assessed one, with its hash and both distances.
pub fn similar_skip() -> FrameSkipped {
    let distance = Similarity(3, Some(LumaDelta(187)));
    FrameSkipped {
        medium: Default::default(),
        frame: frame(),
        print: print(),
        because: Skip::Similar { hash: hash(), distance, to: Sequence(48_211) },
    }
}

/// An assessed frame with five labels as Rekognition's model version 7 names them, and one rule met.
pub fn assessed() -> FrameAssessed {
    let labels = [
        ("Explicit", 97_312),
        ("Explicit/Explicit Nudity", 97_312),
        ("Explicit/Explicit Nudity/Exposed Female Genitalia", 91_004),
        ("Swimwear or Underwear", 63_870),
        ("Swimwear or Underwear/Female Swimwear or Underwear", 63_870),
    ];
    FrameAssessed {
        medium: Default::default(),
        segment: None,
        moments: Vec::new(),
        spoken: None,
        frame: frame(),
        print: print(),
        session: session(),
        image: Some(ImageFacts {
            sha256: Sha256::of(b"picture"),
            bytes: 183_204,
            width: 1920,
            height: 1080,
            format: ImageFormat::Jpeg,
        }),
        object: None,
        hash: Some(hash()),
        distance: Some((Similarity(23, Some(LumaDelta(2_914))), Sequence(48_211))),
        provider: provider(),
        arranged: None,
        policy: policy(),
        labels: labels.map(|(path, milli)| label(path, milli)).into(),
        answer: None,
        unmapped: 0,
        content_types: vec![content_type("Animated", 97_500)],
        floor: None,
        near: None,
        rules: vec![RuleOutcome {
            rule: rule(),
            rev: 0x5eed_1234,
            by: 1,
            margin: 17_312,
            hits: 2,
            effect: RuleEffect::Raised(warning()),
        }],
        verdict: Verdict::Warn,
        late: false,
        shadow: None,
        took: Timings(38, 9, 412),
    }
}

fn provider() -> ProviderRef {
    ProviderRef { name: Arc::from("rekognition"), model: Arc::from("7.0"), taxonomy: Arc::from("rekognition/7.0") }
}

fn consumer() -> ConsumerName {
    named(ConsumerName::new("ticket-system"))
}

fn filter() -> Filter {
    Filter {
        types: vec![EventType::FrameAssessed, EventType::WarningRaised],
        channels: vec![ChannelPattern::new("arn:aws:ivs:eu-west-1:*").expect("a sound pattern")],
        verdicts: vec![Verdict::Warn, Verdict::Stop],
        labels: vec![LabelPath::new("Explicit").expect("a sound path")],
        rules: vec![rule()],
        moderators: vec![moderator()],
        policies: vec!["family-safe@12".parse().expect("a policy and its version")],
        recorded_from: Some(moment(-90_000)),
        ..Filter::default()
    }
}

fn channel() -> ChannelId {
    named(ChannelId::new("arn:aws:ivs:eu-west-1:123456789012:channel/AbCdEfGhIjKl"))
}

fn session() -> SessionId {
    named(SessionId::new("st-1HKsqLdmVCkG5DkWbXJTwAB"))
}

fn frame() -> FrameId {
    FrameId::of(&channel(), &[b"thumbnails", b"ivs/v1/123456789012/thumb0.jpg", b"0055AED6DCD90281E5"])
}

fn outcome() -> EventId {
    EventId::outcome_of(frame())
}

fn print() -> Fingerprint {
    Fingerprint::of(&[b"2026-03-01T21:04:07Z", b"etag"])
}

fn hash() -> PerceptualHash {
    PerceptualHash { scheme: HashScheme::MedianDctFromDc, bits: 0xe1c3_9a5b_0f27_d648 }
}

fn policy() -> PolicyRef {
    PolicyRef { id: named(PolicyId::new("family-safe")), version: 12 }
}

fn shadow() -> PolicyRef {
    PolicyRef { version: 13, ..policy() }
}

/// What most frames say of a policy in shadow.
pub fn nothing_in_shadow() -> ShadowLook {
    ShadowLook { policy: shadow(), found: ShadowFound::NoHit }
}

fn rule() -> RuleId {
    named(RuleId::new("explicit-nudity"))
}

fn warning() -> WarningId {
    WarningId::of(outcome(), &rule())
}

fn enforcement() -> EnforcementId {
    EnforcementId::of(outcome(), "stop")
}

fn moderator() -> ModeratorId {
    named(ModeratorId::new("m-17"))
}

fn content(subject: &str) -> ContentRef {
    ContentRef { subject: subject.to_owned(), digest: Sha256::of(subject.as_bytes()), bytes: 1_733 }
}

fn label(path: &str, milli: u32) -> Label {
    Label(LabelPath::new(path).expect("a sound path"), Confidence::from_milli(milli).expect("at most 100,000"))
}

fn content_type(name: &str, milli: u32) -> ContentType {
    let confidence = Confidence::from_milli(milli).expect("at most 100,000");
    ContentType::new(name, confidence).expect("a sound name")
}

/// 21:04:07 on the first of March 2026, and `ms` milliseconds.
fn moment(ms: i64) -> Timestamp {
    Timestamp::from_millis(1_772_399_047_000 + ms)
}

fn named<T>(id: Result<T, IdError>) -> T {
    id.expect("the samples' names are sound")
}
