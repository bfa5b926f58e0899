//! Events as text: one readable line for a listing, everything as JSON for a closer look.
//!
//! Total over every event: one of a type that this program does not know is shown raw, never left out. Knows events
//! only; it must not know where they are kept.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::events::{
    Budget, DecisionEffect, DecisionReceived, EnforcementOrigin, Erasing, Event, EventView, ExportOf, FrameAssessed,
    OpinionGiven, OpinionSaid, Recorded, ReplayTarget, ReputationChange, RuleEffect, ShadowEffect, ShadowVerdict, Skip,
    payload_to_json,
};
use crate::model::{ContentRef, Label, Medium, Scope};

/// Widest type name of the vocabulary.
const TYPE_WIDTH: usize = 22;
const SCOPE_WIDTH: usize = 20;
/// The most characters a line has after its columns; a longer one ends with an ellipsis.
const SUMMARY_CHARS_MAX: usize = 160;

/// Position, recorded at, scope and sequence, type, and what happened, in one line without control characters.
pub fn one_line(recorded: &Recorded) -> String {
    let envelope = &recorded.envelope;
    let place = format!("{}#{}", short(&envelope.scope), envelope.sequence);
    let summary = match recorded.event() {
        Ok(event) => summary(&event),
        Err(error) => match payload_to_json(&recorded.payload) {
            Ok(raw) => format!("version {} shown raw: {raw}", envelope.schema_version),
            Err(_) => error.to_string(),
        },
    };
    let (position, at, kind) = (envelope.position.0, envelope.recorded_at.to_string(), &envelope.event_type);
    let line = format!("{position:>9}  {at:<27}  {place:<SCOPE_WIDTH$}  {kind:<TYPE_WIDTH$}  {}", cut(&summary));
    printable(line.trim_end())
}

/// Envelope and payload. A payload that this program cannot decode is shown raw, and says so.
pub fn full_json(recorded: &Recorded) -> Value {
    serde_json::to_value(EventView::from(recorded.clone()))
        .unwrap_or_else(|error| json!({ "error": error.to_string() }))
}

/// Replaces control characters: texts from outside must not move a terminal's cursor.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

fn summary(event: &Event) -> String {
    match event {
        Event::SessionStarted(e) => format!("{} ({})", e.session, word(&e.because)),
        Event::SessionEnded(e) => format!("{} ({})", e.session, word(&e.because)),
        Event::FrameSkipped(e) => format!("{}{}", skip(&e.because), of_medium(e.medium)),
        Event::FrameAssessed(e) => assessed(e),
        Event::FrameFailed(e) => {
            format!("{}{}: {} (attempt {})", word(&e.stage), of_medium(e.medium), e.reason, e.attempts)
        }
        Event::OpinionGiven(e) => opinion(e),
        Event::DecisionReceived(e) => received(e),
        Event::ShadowVerdict(e) => shadow(e),
        Event::FrameConflict(e) => format!("another notification under the id of {}", e.frame),
        Event::ChannelWatched(e) => format!("after {} unwatched, since {}", seconds(e.unwatched_ms), e.unwatched_since),
        Event::SegmentsUnjudged(e) => format!("{}: {} since {}", e.medium.name(), word(&e.because), e.since),
        Event::ChannelUnwatched(e) => format!("{} since {}", word(&e.because), e.since),
        Event::ChannelQuarantined(e) => format!("frame {}: {}", e.frame, e.reason),
        Event::CadenceChanged(e) => {
            let score = e.score.map(|score| format!(", reputation {score}")).unwrap_or_default();
            format!("every {} under {} ({}{score})", seconds(e.to.interval_ms.into()), e.policy, e.because)
        }
        Event::ReputationAdjusted(e) => {
            let what = match e.change {
                ReputationChange::Pin(score) => format!("pinned at {score}"),
                ReputationChange::By(milli) => format!("by {:+.2}", f64::from(milli) / 1000.0),
                ReputationChange::Release => "left to the events again".to_owned(),
            };
            let until = e.until.map(|until| format!(" until {until}")).unwrap_or_default();
            format!("{what}{until} by {}", e.by)
        }
        Event::WarningRaised(e) => {
            let asked = format!("{} with approval of {}", word(&e.action), word(&e.approval));
            let by = match (&e.label, &e.decided_by) {
                (Some(of), _) => label(of),
                (None, Some(decided)) => decided.by.to_string(),
                (None, None) => "nobody who could judge".to_owned(),
            };
            let asks = e.asks.map(|because| format!(" ({because})")).unwrap_or_default();
            format!("{} by {by} · severity {} · {asked}{asks} · {}", e.rule, e.severity, e.warning)
        }
        Event::WarningClaimed(e) => format!("{} by {} until {}", e.warning, e.by, e.until),
        Event::WarningReleased(e) => format!("{} by {}{}", e.warning, e.by, if e.lapsed { " (lapsed)" } else { "" }),
        Event::WarningUpheld(e) => format!("{} by {}", e.warning, e.by),
        Event::WarningDismissed(e) => format!("{} by {}", e.warning, e.by),
        Event::WarningAnswerWithdrawn(e) => format!("{} by {}", e.warning, e.by),
        Event::WarningEscalated(e) => {
            let to = e.to.as_ref().map_or("anybody".to_owned(), ToString::to_string);
            format!("{} by {} to {to}", e.warning, e.by)
        }
        Event::WarningLapsed(e) => format!("{}: {}", e.warning, e.because),
        Event::WarningOverturned(e) => {
            format!("{} by {}, upheld by {} at {} · {}", e.warning, e.by, e.upheld_by, e.upheld_at, content(&e.why))
        }
        Event::WarningNoted(e) => format!("{} by {} · {}", e.warning, e.by, content(&e.note)),
        Event::EnforcementRequested(e) => {
            let origin = match &e.origin {
                EnforcementOrigin::Rule { policy, rule, .. } => format!("rule {rule} of {policy}"),
                EnforcementOrigin::Person { by, .. } => format!("{by}"),
                EnforcementOrigin::External { by, action, .. } => format!("{action} of {by}"),
            };
            let session = e.session.as_ref().map_or("the channel".to_owned(), ToString::to_string);
            let why = reason(e.reason.as_ref());
            format!("{} {session} · {origin} · severity {} · {}{why}", word(&e.kind), e.severity, e.enforcement)
        }
        Event::EnforcementAdmitted(e) => {
            let by = e.by.as_ref().map_or("the budget".to_owned(), ToString::to_string);
            format!("{} by {by}", e.enforcement)
        }
        Event::EnforcementHeld(e) => {
            let (what, used, of) = match e.budget {
                Budget::PerMinute { used, of } => ("stops per minute", used, of),
                Budget::PerRule { used, of } => ("stops per minute of this rule", used, of),
                Budget::LiveShare { used, of } => ("share of live channels", used, of),
            };
            format!("{} · {what}: {used} of {of} used; a person is asked", e.enforcement)
        }
        Event::EnforcementAttempted(e) => {
            let found = e.found.as_ref().map(|found| format!(" on {found}")).unwrap_or_default();
            format!("{} attempt {}{found}", e.enforcement, e.attempt)
        }
        Event::EnforcementSucceeded(e) => format!("{} attempt {}", e.enforcement, e.attempt),
        Event::EnforcementVerified(e) => format!("{} {} after the request", e.enforcement, seconds(e.took_ms)),
        Event::EnforcementNotNeeded(e) => format!("{} ({})", e.enforcement, word(&e.because)),
        Event::EnforcementSuperseded(e) => format!("{} · {} is on the air: {}", e.enforcement, e.found, e.because),
        Event::EnforcementFailed(e) => format!("{} after {} attempts: {}", e.enforcement, e.attempts, e.reason),
        Event::EnforcementCancelled(e) => {
            let by = e.by.as_ref().map_or("its age".to_owned(), ToString::to_string);
            format!("{} by {by}", e.enforcement)
        }
        Event::PolicyPublished(e) => format!("{} · {}{}", e.policy, content(&e.text), reason(e.why.as_ref())),
        Event::PolicyShadowed(e) => format!("{} in shadow · {}{}", e.policy, content(&e.text), reason(e.why.as_ref())),
        Event::PolicyUnshadowed(e) => format!("{} no longer in shadow{}", e.policy, reason(e.why.as_ref())),
        Event::PolicyRetired(e) => format!("{}{}", e.policy, reason(e.why.as_ref())),
        Event::NotificationRejected(e) => format!("{}: {}", e.source, e.reason),
        Event::InputGap(e) => format!("{} from {} to {}", e.source, e.from, e.to),
        Event::ProviderSuspended(e) => {
            let of = of_medium(e.medium);
            format!("{}{of} after {} failures in a row: {}", e.provider, e.failures, e.because)
        }
        Event::ProviderResumed(e) => {
            format!("{}{}, suspended since {}", e.provider, of_medium(e.medium), e.suspended_since)
        }
        Event::ConsumerCreated(e) => format!("{} reads on from {}", e.consumer, e.from),
        Event::ConsumerDeleted(e) => e.consumer.to_string(),
        Event::ConsumerRewound(e) => format!("{} from {} to {}", e.consumer, e.from, e.to),
        Event::EntryParked(e) => format!("{} · {} at {}: {}", e.consumer, e.event, e.position, e.reason),
        Event::EntryUnparked(e) => format!("{} · {} at {}", e.consumer, e.event, e.position),
        Event::EntrySettled(e) => format!("{} · {} at {}", e.consumer, e.event, e.position),
        Event::ReplayStarted(e) => {
            let target = match &e.target {
                ReplayTarget::Consumer(consumer) => consumer.as_str(),
                ReplayTarget::Feed => "the live feed",
                ReplayTarget::EventBridge => "the event bus",
            };
            format!("{} ({}) · {} to {} for {target}", e.name, e.replay, e.first, e.last)
        }
        Event::ReplayEnded(e) => format!("{} {} at {}", e.replay, word(&e.how), e.reached),
        Event::StoreOpened(e) => {
            let how = if e.clean { "closed in order before" } else { "not closed in order before" };
            format!("head {} · {how} · program {}", e.head, e.program)
        }
        Event::StoreClosed(e) => format!("head {}", e.head),
        Event::SegmentSealed(e) => format!("{} to {} · {} bytes", e.first, e.last, e.bytes),
        Event::DataLossAccepted(e) => format!("{} to {}: {}", e.from, e.to, e.finding),
        Event::ErasureRequested(e) => match &e.what {
            Erasing::Channel { channel, content } => format!("{} of {channel} ({})", word(content), e.reason),
            Erasing::Person(person) => format!("what {person} wrote ({})", e.reason),
        },
        Event::ContentErased(e) => match &e.held {
            Some(held) => format!("{} ({}) · {} contents, {} bytes", e.subject, e.reason, held.contents, held.bytes),
            None => format!("{} ({})", e.subject, e.reason),
        },
        Event::CopiesErased(e) => format!("{} copies of {}", e.copies, e.channel),
        Event::EvidenceStored(e) => format!("{} · {}", e.frame, content(&e.content)),
        Event::EvidenceCopied(e) => format!("{} · s3://{}/{}", e.frame, e.object.bucket, e.object.key),
        Event::EvidenceUnkept(e) => format!("{} in the {}: {}", e.frame, word(&e.place), e.reason),
        Event::EvidenceExpired(e) => {
            let (count, what) = match e.transcripts {
                0 => (e.pictures, "pictures"),
                transcripts => (transcripts, "transcripts"),
            };
            format!("{count} {what} kept before {}, up to position {}", e.kept_before, e.through)
        }
        Event::EvidenceRead(e) => format!("{} of {} · {}", e.frame, e.channel, content(&e.content)),
        Event::ExportMade(e) => {
            let what = match &e.what {
                ExportOf::Journal => "the journal".to_owned(),
                ExportOf::Channel(channel) => channel.to_string(),
            };
            format!("{what} as {}, {} to {}, at most {} events", word(&e.format), e.from, e.to, e.events_max)
        }
    }
}

/// ` (sound)`; nothing of a picture, which most are.
fn of_medium(medium: Medium) -> String {
    if medium.is_picture() { String::new() } else { format!(" ({})", medium.name()) }
}

fn skip(because: &Skip) -> String {
    match because {
        Skip::TooSoon { due } => format!("too soon: due at {due}"),
        Skip::Similar { distance, to, .. } => {
            let luma = distance.1.map_or(String::new(), |luma| format!(", luma {luma}"));
            format!("similar to #{to}: {} bits{luma}", distance.0)
        }
        Skip::GaveWay { need, bar, due } => format!("gave way: need {need} below {bar}, due at {due}"),
        Skip::Overloaded => "overloaded".to_owned(),
        Skip::Superseded { by } => format!("superseded by {by}"),
        Skip::Stale { newest: Some(newest) } => format!("stale: {newest} was assessed before"),
        Skip::Stale { newest: None } => "stale: older than the policy accepts".to_owned(),
        Skip::OtherSource => "another source of the channel is judged".to_owned(),
        Skip::OtherSession => "of a session that is over".to_owned(),
        Skip::NoPolicy => "no policy watches this channel".to_owned(),
        Skip::Unsupported => "a kind of picture that is not read".to_owned(),
        Skip::NoTrack { .. } => "the segment has no such track".to_owned(),
    }
}

/// Verdict first, then who judged under what, the rules that were hit, the surest labels.
fn assessed(frame: &FrameAssessed) -> String {
    let (verdict, of) = (word(&frame.verdict).to_uppercase(), of_medium(frame.medium));
    let mut line = format!("{verdict}{of} · {} · {}", frame.provider, frame.policy);
    for rule in &frame.rules {
        let effect = match &rule.effect {
            RuleEffect::Partial => format!("{} hits so far", rule.hits),
            RuleEffect::Raised(warning) => format!("raised {warning}"),
            RuleEffect::Joined(warning) => format!("joined {warning}"),
            RuleEffect::Cooldown(until) => format!("cooling down until {until}"),
        };
        let _ = write!(line, " · {} by {:.1} over: {effect}", rule.rule, f64::from(rule.margin) / 1000.0);
    }
    for kind in &frame.content_types {
        let _ = write!(line, " · {kind}");
    }
    let _ = write!(line, " · {}", surest(&frame.labels));
    line
}

/// The three surest labels.
fn surest(labels: &[Label]) -> String {
    let mut surest: Vec<&Label> = labels.iter().collect();
    surest.sort_by_key(|label| std::cmp::Reverse(label.confidence()));
    match surest.as_slice() {
        [] => "no labels".to_owned(),
        some => some.iter().take(3).map(|shown| label(shown)).collect::<Vec<_>>().join(" · "),
    }
}

/// Who, what for, and what it said.
fn received(decision: &DecisionReceived) -> String {
    let then = decision.then.as_ref().map_or("recorded only".to_owned(), word);
    let effect = match &decision.effect {
        DecisionEffect::Noted => String::new(),
        DecisionEffect::Raised(warning) => format!(" · raised {warning}"),
        DecisionEffect::Joined(warning) => format!(" · joined {warning}"),
        DecisionEffect::Cooldown(until) => format!(" · answered a short time ago, quiet until {until}"),
        DecisionEffect::Unplaced => " · nothing is on the air that it could be about".to_owned(),
    };
    format!("{} of {} about {} · {then}{effect}", decision.action, decision.by, decision.frame)
}

fn opinion(opinion: &OpinionGiven) -> String {
    let said = match &opinion.said {
        OpinionSaid::Answer(answer) => surest(&answer.labels),
        OpinionSaid::Nothing { stage, reason, attempts } => {
            format!("{}: {reason} (attempt {attempts})", word(stage))
        }
    };
    format!("{} by {}: {said}", word(&opinion.role), opinion.provider)
}

/// What would have come of it first, then the rules that were hit.
fn shadow(shadow: &ShadowVerdict) -> String {
    let would = shadow.would.map_or("clear".to_owned(), |would| format!("would {}", word(&would)));
    let mut line = format!("{would} · {} in shadow", shadow.policy);
    for rule in &shadow.rules {
        let effect = match &rule.effect {
            ShadowEffect::Partial => format!("{} hits so far", rule.hits),
            ShadowEffect::Raised { .. } => "would raise a warning".to_owned(),
            ShadowEffect::Joined => "would join its warning".to_owned(),
            ShadowEffect::Cooldown(until) => format!("would be cooling down until {until}"),
        };
        let _ = write!(line, " · {} by {:.1} over: {effect}", rule.rule, f64::from(rule.margin) / 1000.0);
    }
    line
}

fn label(label: &Label) -> String {
    format!("{} {}", label.path(), label.confidence())
}

fn content(content: &ContentRef) -> String {
    let digest = content.digest.to_string();
    format!("{} bytes in content {}… of {}", content.bytes, &digest[..8], content.subject)
}

fn reason(kept: Option<&ContentRef>) -> String {
    kept.map_or(String::new(), |kept| format!(" · reason: {}", content(kept)))
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03} s", ms / 1000, ms % 1000)
}

/// The word that a fieldless enum has in JSON, with blanks.
fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word.replace('_', " "),
        Ok(other) => other.to_string(),
        Err(error) => error.to_string(),
    }
}

/// A channel by the last part of its ARN.
fn short(scope: &Scope) -> String {
    let text = scope.to_string();
    let last = text.rsplit('/').next().unwrap_or(&text);
    if last.is_empty() { text } else { last.to_owned() }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SUMMARY_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::{Actor, FailedStage, FrameFailed, NewEvent, WarningUpheld};
    use crate::model::{
        ChannelId, Epoch, EventId, Fingerprint, FrameId, ModeratorId, Position, RuleId, Sequence, Timestamp, WarningId,
    };

    fn recorded(event: Event) -> Recorded {
        let new = NewEvent {
            id: EventId::of_command("test", &[b"1"]),
            event,
            captured_at: None,
            actor: Actor::service("test"),
            causation: None,
            correlation: None,
        };
        let channel = ChannelId::new("arn:aws:ivs:eu-west-1:1:channel/AbCd").expect("a sound id");
        let at = Timestamp::from_millis(1_772_399_047_120);
        Recorded::seal(&new, channel.into(), Position(42), Sequence(7), at, Epoch(1)).expect("a sound event")
    }

    fn upheld() -> Event {
        let warning = WarningId::of(EventId::from_bytes([1; 16]), &RuleId::new("r").expect("sound"));
        WarningUpheld { warning, by: ModeratorId::new("m-17").expect("sound"), undo_ms: 60_000 }.into()
    }

    #[test]
    fn a_line_holds_position_time_place_type_and_what_happened() {
        let line = one_line(&recorded(upheld()));
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words[..4], ["42", "2026-03-01T21:04:07.120Z", "AbCd#7", "WarningUpheld"]);
        assert_eq!(words[5..], ["by", "m-17"]);
    }

    #[test]
    fn an_unknown_type_is_shown_raw_in_both_forms() {
        let mut strange = recorded(upheld());
        strange.envelope.event_type = "WarningRumoured".to_owned();
        assert!(one_line(&strange).contains(r#"shown raw: {"warning":"#), "{}", one_line(&strange));
        let full = full_json(&strange);
        assert_eq!(full["type"], "WarningRumoured");
        assert_eq!(full["payload"]["by"], "m-17");
        assert!(full["note"].as_str().is_some_and(|note| note.contains("unknown")));
        strange.payload = vec![0xff];
        assert_eq!(full_json(&strange)["payload"], "ff");
        assert!(one_line(&strange).contains("WarningRumoured"));
    }

    #[test]
    fn text_from_outside_cannot_steer_the_terminal() {
        let frame = FrameId::from_bytes([1; 16]);
        let reason = "\u{1b}[2J\nposition 1 is fine \u{9b}31m".repeat(20);
        let print = Fingerprint::of(&[]);
        let failed =
            FrameFailed { medium: Default::default(), frame, print, stage: FailedStage::Decode, reason, attempts: 1 };
        let line = one_line(&recorded(failed.into()));
        assert!(!line.chars().any(char::is_control), "{line:?}");
        assert!(line.chars().count() < 300, "{line}");
    }

    #[test]
    fn the_full_form_holds_envelope_and_payload() {
        let full = full_json(&recorded(upheld()));
        assert_eq!((&full["position"], &full["payload"]["by"]), (&json!(42), &json!("m-17")));
        assert!(full.get("note").is_none());
    }
}
