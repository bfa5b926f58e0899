//! The enforcement reactor in a run.

use streamwarden::journal::{Journal, READ_LIMIT_MAX};
use streamwarden::model::{EnforcementId, Timestamp};
use streamwarden::warden::enforcement::{Due, Seen, Step as Planned, plan, plan_unseen};
use streamwarden::warden::{Command, EnforcementReport};

use super::{LIMITS, Run, Step, Task};
use crate::defect::Defect;
use crate::process::{Message, Then};

/// The platform's clock and ours may differ so much.
const SKEW_MS: u64 = 2_000;

impl Run {
    pub(super) fn fold_desk(&mut self) {
        let journal = self.journal.take().expect("it is there between steps");
        let desk = &mut self.running().desk;
        loop {
            let events = journal.read(desk.position, READ_LIMIT_MAX).expect("memory can be read");
            if events.is_empty() {
                break;
            }
            events.iter().for_each(|recorded| desk.apply(recorded).expect("a known event"));
        }
        self.journal = Some(journal);
    }

    pub(super) fn react(&mut self) {
        let calm = if self.world.calm { 2000 } else { 200 };
        self.step_after(calm / 2, calm, Step::React);
        self.fold_desk();
        if !self.running().reporting.is_empty() {
            return;
        }
        let now = self.now();
        for (enforcement, due) in self.running().desk.due(LIMITS, now) {
            match due {
                Due::Report(report) => self.report(enforcement, report, None),
                Due::Look => {
                    let process = self.running();
                    if !process.calling.contains(&enforcement) && process.looking.insert(enforcement) {
                        self.step_after(5, 80, Step::SeenChannel(enforcement));
                    }
                }
            }
        }
    }

    pub(super) fn report(&mut self, enforcement: EnforcementId, report: EnforcementReport, attempt: Option<u8>) {
        self.fold_desk();
        let Some(channel) = self.channel_of(enforcement) else { return };
        if self.running().reporting.insert(enforcement) {
            let command = Command::Report { enforcement, report };
            self.send(channel, Message { command, then: Then::Reported(enforcement, attempt) });
        }
    }

    pub(super) fn channel_of(&mut self, enforcement: EnforcementId) -> Option<usize> {
        let channel = self.running().desk.case(enforcement)?.channel.clone();
        self.world.channels.iter().position(|id| *id == channel)
    }

    pub(super) fn plan(&mut self, enforcement: EnforcementId) {
        self.running().looking.remove(&enforcement);
        self.fold_desk();
        let Some(channel) = self.channel_of(enforcement) else { return };
        let Some(case) = self.running().desk.case(enforcement).cloned() else { return };
        let now = self.now();
        let live = &self.world.live[channel];
        // The platform's clock is not ours; a seed for a bug has it know more than it can.
        let began = live.on_air.as_ref().map(|_| live.began);
        let started_by = match self.defect {
            Some(Defect::TakesWhatIsOnTheAir) => began.map(|_| Timestamp::default()),
            _ => began.map(|began| began.plus_ms(SKEW_MS)),
        };
        let trouble = !self.world.calm && self.random.percent(10); // 503 to the look itself
        let step = if trouble || self.world.unreachable.contains(&channel) {
            plan_unseen(&case, now)
        } else {
            plan(
                &case,
                &Seen {
                    on_air: live.on_air.clone(),
                    started_at: began.map(|began| began.minus_ms(SKEW_MS)),
                    started_by,
                    suspended: live.keys_revoked,
                    quiet_ms: 0,
                },
                now,
            )
        };
        match step {
            Planned::Report(report) => self.report(enforcement, report, None),
            Planned::Try { attempt, found } => {
                self.report(enforcement, EnforcementReport::Attempting { attempt, found }, Some(attempt));
            }
            Planned::Wait => {}
        }
    }

    pub(super) fn call(&mut self, enforcement: EnforcementId, attempt: u8) {
        self.fold_desk();
        let Some(channel) = self.channel_of(enforcement) else { return };
        let Some(case) = self.running().desk.case(enforcement).cloned() else { return };
        // Of a broadcast without a name, the one that was seen to be it.
        let only = case.found.or(case.request.session).filter(|_| self.defect != Some(Defect::StopsWithoutSession));
        let epoch = self.running().epoch;
        let most = if self.random.percent(40) { 6000 } else { 1500 };
        let transit = self.random.between(20, most);
        let call = (enforcement, attempt);
        self.after(transit, Task::PlatformActs { epoch, call, channel, kind: case.request.kind, only });
    }
}
