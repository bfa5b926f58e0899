//! What judging remembers of the frames before: hits in windows, open warnings, quiet times. The same for the live policy
//! and for one in shadow, each with its own, so that both are judged by one definition.
//!
//! Pure, and knows nothing of what follows from a verdict.

use crate::events::RuleOutcome;
use crate::model::{Approval, Medium, RuleId, SessionId, Timestamp};
use crate::policy::{Policy, Rule, Window};

use super::shadow::ShadowWarning;
use super::{Cooldown, RuleWindow, Warning};

/// No time window looks further back than this.
const WINDOW_MS_MAX: u64 = 60 * 60 * 1000;

/// What is remembered, looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Memory<'a> {
    windows: &'a [RuleWindow],
    cooldowns: &'a [Cooldown],
    warnings: Warnings<'a>,
}

/// Warnings are questions to people; those of a shadow are none, and cannot be taken for any.
#[derive(Debug, Clone, Copy)]
enum Warnings<'a> {
    Live(&'a [Warning]),
    Shadow(&'a [ShadowWarning]),
}

impl<'a> Memory<'a> {
    /// Nothing: of a shadow that has seen no hit yet.
    pub(super) const NONE: Memory<'static> = Memory { windows: &[], cooldowns: &[], warnings: Warnings::Shadow(&[]) };

    pub(super) fn live(windows: &'a [RuleWindow], cooldowns: &'a [Cooldown], warnings: &'a [Warning]) -> Self {
        Self { windows, cooldowns, warnings: Warnings::Live(warnings) }
    }

    pub(super) fn shadow(windows: &'a [RuleWindow], cooldowns: &'a [Cooldown], warnings: &'a [ShadowWarning]) -> Self {
        Self { windows, cooldowns, warnings: Warnings::Shadow(warnings) }
    }

    /// Hits of a rule if the frame captured at `captured_at` hit it as well (`and_this`) or not.
    pub(super) fn hits(self, rule: &RuleId, rev: u32, window: Window, captured_at: Timestamp, and_this: bool) -> u8 {
        let before =
            self.windows.iter().find(|seen| seen.rule == *rule && seen.rev == rev).map_or(0, |seen| match window {
                Window::Frames { of, .. } => seen.hits_of_last(of.saturating_sub(1)),
                Window::Time { within_ms, .. } => seen.hits_since(captured_at.minus_ms(u64::from(within_ms))),
            });
        before.saturating_add(u8::from(and_this))
    }

    /// Until when `rule` raises nothing in `session`, if that is later than `captured_at`.
    pub(super) fn cooldown_of(self, rule: &RuleId, session: &SessionId, captured_at: Timestamp) -> Option<Timestamp> {
        let holds = |cooldown: &&Cooldown| {
            cooldown.rule == *rule
                && cooldown.session.as_ref().is_none_or(|only| only == session)
                && cooldown.until > captured_at
        };
        self.cooldowns.iter().filter(holds).map(|cooldown| cooldown.until).max()
    }

    /// Who must agree to the open warning of `rule` in `session`; none if there is no such warning.
    pub(super) fn open_of(self, rule: &RuleId, session: &SessionId) -> Option<Approval> {
        match self.warnings {
            Warnings::Live(warnings) => warnings
                .iter()
                .find(|warning| warning.answer.is_none() && warning.rule == *rule && warning.session == *session)
                .map(|open| open.approval),
            Warnings::Shadow(warnings) => {
                warnings.iter().find(|warning| warning.is_open_for(rule, session)).map(|open| open.approval)
            }
        }
    }

    /// The rules of `policy`, as they are defined now, that were met within `within_ms` before a frame captured at
    /// `captured_at`, in the broadcast on the air.
    pub(super) fn met_within<'p>(
        self,
        policy: &'p Policy,
        within_ms: u32,
        captured_at: Timestamp,
    ) -> impl Iterator<Item = &'p Rule> + use<'a, 'p> {
        let after = captured_at.minus_ms(u64::from(within_ms));
        let met = move |rule: &&Rule| {
            let seen = self.windows.iter().find(|seen| seen.rule == rule.id && seen.rev == rule.rev);
            seen.and_then(|seen| seen.met_at).is_some_and(|at| at > after)
        };
        policy.rules.iter().filter(met)
    }
}

/// A hit as a window takes it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hit<'a> {
    pub(super) rule: &'a RuleId,
    pub(super) rev: u32,
    /// Whether it met the rule: a warning was raised or joined.
    pub(super) met: bool,
    /// Whether the frame is heard.
    pub(super) heard: bool,
}

impl<'a> Hit<'a> {
    pub(super) fn of(outcome: &'a RuleOutcome, met: bool, medium: Medium) -> Self {
        Self { rule: &outcome.rule, rev: outcome.rev, met, heard: medium == Medium::Sound }
    }
}

/// Another frame was assessed: every window that counts its medium moves by one. A clip counts where it is a hit: it is
/// judged by a provider of its own, which may not be able to hit a rule at all, and must not push out what pictures hit.
pub(super) fn shift(windows: &mut [RuleWindow], medium: Medium, outcomes: &[RuleOutcome]) {
    for window in windows.iter_mut() {
        let counts = match medium {
            Medium::Picture => !window.heard,
            Medium::Sound => window.heard,
            Medium::Clip => outcomes.iter().any(|outcome| outcome.rule == window.rule),
        };
        if counts {
            window.recent <<= 1;
        }
    }
}

/// That frame hit a rule.
pub(super) fn hit(windows: &mut Vec<RuleWindow>, captured_at: Timestamp, hit: Hit<'_>) {
    let window = window_of(windows, hit);
    window.recent |= 1;
    grow(&mut window.hits_at, captured_at);
    if hit.met {
        window.met_at = window.met_at.max(Some(captured_at));
    }
}

/// Lets go what no window looks back upon any more.
pub(super) fn prune(windows: &mut Vec<RuleWindow>, cooldowns: &mut Vec<Cooldown>, captured_at: Timestamp) {
    let horizon = captured_at.minus_ms(WINDOW_MS_MAX);
    for window in windows.iter_mut() {
        window.hits_at.retain(|hit| *hit > horizon);
        let surplus = window.hits_at.len().saturating_sub(RuleWindow::HITS_MAX);
        window.hits_at.drain(..surplus);
    }
    windows.retain(|window| window.recent != 0 || !window.hits_at.is_empty());
    cooldowns.retain(|cooldown| cooldown.until > captured_at);
}

/// A person says that a rule was wrong: it speaks for no other rule's stop.
pub(super) fn no_longer_met(windows: &mut [RuleWindow], rule: &RuleId) {
    for window in windows.iter_mut().filter(|window| window.rule == *rule) {
        window.met_at = None;
    }
}

/// Adds to a list that mostly has none or one, and never many. A vector's own growth begins with room for four: with that
/// of a warning alone a hundred thousand channels would hold 45 MB for nothing.
pub(super) fn grow<T>(list: &mut Vec<T>, one: T) {
    list.reserve_exact(1);
    list.push(one);
}

fn window_of<'a>(windows: &'a mut Vec<RuleWindow>, hit: Hit<'_>) -> &'a mut RuleWindow {
    let at = match windows.iter().position(|window| window.rule == *hit.rule) {
        Some(at) => {
            if windows[at].rev != hit.rev {
                // The rule means something else now; hits on its former meaning do not count.
                windows[at] = RuleWindow::empty(hit);
            }
            at
        }
        None => {
            grow(windows, RuleWindow::empty(hit));
            windows.len() - 1
        }
    };
    &mut windows[at]
}

impl RuleWindow {
    /// The most hits remembered; no window asks for more.
    pub const HITS_MAX: usize = 32;

    fn empty(hit: Hit<'_>) -> Self {
        Self { rule: hit.rule.clone(), rev: hit.rev, heard: hit.heard, recent: 0, hits_at: Vec::new(), met_at: None }
    }

    fn hits_of_last(&self, frames: u8) -> u8 {
        let mask = if frames >= 32 { u32::MAX } else { (1u32 << frames) - 1 };
        (self.recent & mask).count_ones() as u8
    }

    fn hits_since(&self, after: Timestamp) -> u8 {
        self.hits_at.iter().filter(|at| **at > after).count().min(255) as u8
    }
}
