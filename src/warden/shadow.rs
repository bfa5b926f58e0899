//! What is remembered of a policy in shadow: its own windows, warnings that nobody was asked about, and quiet times.
//!
//! Folded from events like everything else, apart from the rest of the state: nothing reads it but the shadow's next
//! verdict, so nothing that happens can follow from it. A channel without a shadow, and one whose shadow has hit nothing
//! lately, holds none.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::events::{FrameAssessed, ShadowEffect, ShadowFound, ShadowVerdict};
use crate::model::{Approval, PolicyRef, RuleId, SessionId, Timestamp, WarningId};

use super::memory::{self, Hit, Memory, grow};
use super::{ChannelState, Cooldown, RuleWindow, Warning};

/// A policy in shadow, as a channel remembers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Shadow {
    /// The version. Another one starts with nothing.
    pub policy: PolicyRef,
    /// Its rules with hits.
    pub windows: Vec<RuleWindow>,
    /// Warnings that it would have raised, at most [`Shadow::WARNINGS_MAX`].
    pub warnings: Vec<ShadowWarning>,
    /// Its rules that would raise nothing for a while.
    pub cooldowns: Vec<Cooldown>,
}

/// A warning that a policy in shadow would have raised. No person sees it and it has no id: it stands for the one open
/// warning that its rule may have in its broadcast.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShadowWarning {
    /// The rule.
    pub rule: RuleId,
    /// The broadcast judged.
    pub session: SessionId,
    /// Who would have been asked.
    pub approval: Approval,
    /// How long the rule would be quiet after an answer.
    pub cooldown_ms: u32,
    /// Live warnings that rest on one of the same frames, at most [`ShadowWarning::BESIDE_MAX`], the first of them: an
    /// answer to one of them is taken for an answer to this, where the live policy asks nothing under its rule's name.
    pub beside: Vec<WarningId>,
    /// The live warning whose answer has ended it, for as long as that answer can be taken back.
    pub ended_by: Option<WarningId>,
}

impl Shadow {
    /// More than a policy may have rules, of two broadcasts; the oldest go first.
    pub const WARNINGS_MAX: usize = 512;

    fn new(policy: PolicyRef) -> Self {
        Self { policy, windows: Vec::new(), warnings: Vec::new(), cooldowns: Vec::new() }
    }

    fn memory(&self) -> Memory<'_> {
        Memory::shadow(&self.windows, &self.cooldowns, &self.warnings)
    }

    fn is_empty(&self) -> bool {
        self.windows.is_empty() && self.warnings.is_empty() && self.cooldowns.is_empty()
    }
}

impl ShadowWarning {
    /// Rules of the live policy that hit the same frames: more than a few is a policy of catch-alls.
    pub const BESIDE_MAX: usize = 4;

    /// Whether it is the open warning of that rule in that broadcast.
    pub(super) fn is_open_for(&self, rule: &RuleId, session: &SessionId) -> bool {
        self.ended_by.is_none() && self.rule == *rule && self.session == *session
    }

    /// Whether the answer to a live warning is one to this: it is of the same broadcast, and of the rule of the same name;
    /// where the live policy has asked nothing under that name (`lives`), it is about a frame of this one.
    fn is_answered_with(&self, live: &Warning, lives: &[Warning]) -> bool {
        let namesake = |live: &Warning| live.session == self.session && live.rule == self.rule;
        namesake(live) || self.session == live.session && self.beside.contains(&live.id) && !lives.iter().any(namesake)
    }
}

/// What `policy` in shadow remembers of the channel.
pub(super) fn memory<'a>(state: &'a ChannelState, policy: &PolicyRef) -> Memory<'a> {
    let remembered = state.shadow.as_deref().filter(|shadow| shadow.policy == *policy);
    remembered.map_or(Memory::NONE, Shadow::memory)
}

/// A frame was assessed. A shadow that is no longer there, or another, leaves nothing; one that judged the frame, and
/// whose windows count it (`counts`), moves them on.
pub(super) fn follow(state: &mut ChannelState, captured_at: Timestamp, assessed: &FrameAssessed, counts: bool) {
    let Some(look) = &assessed.shadow else {
        state.shadow = None;
        return;
    };
    change(state, |shadow| {
        if shadow.policy != look.policy {
            return false;
        }
        match look.found {
            ShadowFound::NoHit if counts => {
                memory::shift(&mut shadow.windows, assessed.medium, &[]);
                memory::prune(&mut shadow.windows, &mut shadow.cooldowns, captured_at);
            }
            // What it found is folded in with its verdict, which follows.
            ShadowFound::Hit if counts => memory::shift(&mut shadow.windows, assessed.medium, &[]),
            ShadowFound::NoHit | ShadowFound::Hit | ShadowFound::OtherTaxonomy => {}
        }
        true
    });
}

/// It found something in the frame that was assessed just before.
pub(super) fn judged(state: &mut ChannelState, captured_at: Timestamp, verdict: &ShadowVerdict) {
    let counts = !state.is_replaced(&verdict.session);
    let beside: Vec<WarningId> = state
        .open_warnings()
        .filter(|live| live.session == verdict.session && live.newest_hit == captured_at)
        .map(|live| live.id)
        .take(ShadowWarning::BESIDE_MAX)
        .collect();
    let shadow = state.shadow.get_or_insert_with(|| Box::new(Shadow::new(verdict.policy.clone())));
    for outcome in &verdict.rules {
        match outcome.effect {
            ShadowEffect::Raised { approval, cooldown_ms } => grow(
                &mut shadow.warnings,
                ShadowWarning {
                    rule: outcome.rule.clone(),
                    session: verdict.session.clone(),
                    approval,
                    cooldown_ms,
                    beside: beside.clone(),
                    ended_by: None,
                },
            ),
            ShadowEffect::Joined => {
                let open = shadow.warnings.iter_mut().find(|open| open.is_open_for(&outcome.rule, &verdict.session));
                if let Some(open) = open {
                    for live in &beside {
                        if open.beside.len() < ShadowWarning::BESIDE_MAX && !open.beside.contains(live) {
                            grow(&mut open.beside, *live);
                        }
                    }
                }
            }
            ShadowEffect::Partial | ShadowEffect::Cooldown(_) => {}
        }
    }
    // Its stop would have been asked for: the warning waits for nobody any more.
    let released =
        |warning: &&mut ShadowWarning| verdict.released.iter().any(|rule| warning.is_open_for(rule, &verdict.session));
    for warning in shadow.warnings.iter_mut().filter(released) {
        warning.approval = Approval::None;
    }
    let surplus = shadow.warnings.len().saturating_sub(Shadow::WARNINGS_MAX);
    shadow.warnings.drain(..surplus);
    if counts {
        for outcome in &verdict.rules {
            let hit = Hit { rule: &outcome.rule, rev: outcome.rev, met: outcome.effect.is_met(), heard: false };
            memory::hit(&mut shadow.windows, captured_at, hit);
        }
        memory::prune(&mut shadow.windows, &mut shadow.cooldowns, captured_at);
    }
}

/// A broadcast began: windows are empty, and of warnings those are kept that a late frame of the last broadcast may join
/// or an answer to a live one end.
pub(super) fn broadcast_began(state: &mut ChannelState, since: Timestamp) {
    let Some(mut shadow) = state.shadow.take() else { return };
    let last = state.ended_sessions.last();
    let lives = |warning: &ShadowWarning| {
        let answers = |live: &Warning| warning.is_answered_with(live, &state.warnings);
        Some(&warning.session) == last || state.warnings.iter().any(answers)
    };
    shadow.windows = Vec::new();
    shadow.warnings.retain(lives);
    shadow.cooldowns.retain(|cooldown| cooldown.session.is_none() && cooldown.until > since);
    state.shadow = (!shadow.is_empty()).then_some(shadow);
}

/// The broadcast on the air ended.
pub(super) fn broadcast_ended(state: &mut ChannelState) {
    change(state, |shadow| {
        shadow.windows = Vec::new();
        true
    });
}

/// Another live policy, or another version of it, watches the channel: what is compared begins anew.
pub(super) fn live_policy_changed(state: &mut ChannelState) {
    state.shadow = None;
}

/// A person answered a live warning: warnings of the shadow that it speaks for are answered likewise, so that they do not
/// stay open for ever. `newest` is the channel's own time.
pub(super) fn live_answered(state: &mut ChannelState, live: WarningId, upheld: bool, newest: Timestamp) {
    let Some(mut shadow) = state.shadow.take() else { return };
    if let Some(live) = state.warning(live) {
        let Shadow { windows, warnings, cooldowns, .. } = &mut *shadow;
        let answered = |warning: &&mut ShadowWarning| {
            warning.ended_by.is_none() && warning.is_answered_with(live, &state.warnings)
        };
        for warning in warnings.iter_mut().filter(answered) {
            warning.ended_by = Some(live.id);
            if warning.cooldown_ms > 0 {
                let until = newest.plus_ms(u64::from(warning.cooldown_ms));
                let only = upheld.then(|| warning.session.clone());
                grow(cooldowns, Cooldown { rule: warning.rule.clone(), session: only, until, warning: live.id });
            }
            if !upheld {
                memory::no_longer_met(windows, &warning.rule);
            }
        }
    }
    state.shadow = Some(shadow);
}

/// The answer was taken back.
pub(super) fn live_answer_withdrawn(state: &mut ChannelState, live: WarningId) {
    change(state, |shadow| {
        shadow.cooldowns.retain(|cooldown| cooldown.warning != live);
        for warning in shadow.warnings.iter_mut().filter(|warning| warning.ended_by == Some(live)) {
            warning.ended_by = None;
        }
        true
    });
}

/// An appeal overturned the answer, for good.
pub(super) fn live_overturned(state: &mut ChannelState, live: WarningId) {
    change(state, |shadow| {
        shadow.cooldowns.retain(|cooldown| cooldown.warning != live);
        shadow.warnings.retain(|warning| warning.ended_by != Some(live));
        true
    });
}

/// Answers that can no longer be taken back have ended what they ended for good.
pub(super) fn forget_answered(state: &mut ChannelState) {
    let Some(mut shadow) = state.shadow.take() else { return };
    shadow.warnings.retain(|warning| warning.ended_by.is_none_or(|live| state.warning(live).is_some()));
    state.shadow = (!shadow.is_empty()).then_some(shadow);
}

/// Changes what is remembered, if anything is; lets it go where `keep` says so or where nothing is left.
fn change(state: &mut ChannelState, keep: impl FnOnce(&mut Shadow) -> bool) {
    if let Some(shadow) = &mut state.shadow
        && (!keep(shadow) || shadow.is_empty())
    {
        state.shadow = None;
    }
}
