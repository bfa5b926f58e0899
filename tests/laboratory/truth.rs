//! What moderators' answers say of a policy: found and lost, true and false, sooner and later.

use streamwarden::laboratory::Report;
use streamwarden::laboratory::report::AnswerKind;
use streamwarden::model::{Approval, Confidence, RuleId};
use streamwarden::policy::Policy;

use crate::lines::moment;
use crate::recorder::{Recorder, Shows, at, broadcast, every, only_d};

/// A history of one frame a second, in which rule `d` raises at 70 % unless it says otherwise.
struct History {
    recorder: Recorder,
    second: f64,
}

impl History {
    fn new() -> Self {
        Self::under(only_d(70.0))
    }

    fn under(policy: Policy) -> Self {
        Self { recorder: broadcast(policy, &[]), second: 0.0 }
    }

    /// The next frame shows something of that confidence, in thousandths.
    fn shows(&mut self, milli: u32) -> &mut Self {
        self.second += 1.0;
        let shows = at(self.second, &[(4, milli)]);
        self.recorder.shows(shows.captured_at.plus_ms(100), &shows);
        self
    }

    fn answered(&mut self, upheld: bool) -> &mut Self {
        let warning = self.recorder.warning_of("d");
        self.recorder.answers(moment(self.second + 0.5), warning, upheld);
        self
    }

    fn tried(&self, policy: Policy) -> Report {
        self.recorder.tried(policy)
    }
}

#[test]
fn an_upheld_warning_that_would_not_have_been_raised_is_lost_and_a_dismissed_one_is_spared() {
    let mut history = History::new();
    history.shows(80_000).answered(true).shows(10_000).shows(75_000).answered(false);
    let report = history.tried(only_d(90.0));
    assert_eq!((report.truth.recorded.upheld, report.truth.recorded.dismissed), (1, 1));
    assert_eq!((report.truth.upheld_found, report.truth.upheld_lost, report.truth.dismissed_spared), (0, 1, 1));
    assert_eq!((report.truth.recall_permille, report.truth.recorded.precision_permille), (Some(0), Some(500)));
    assert_eq!(report.truth.proposed.precision_permille, None, "it raised nothing that was answered");
    assert_eq!(report.lost.shown[0].answer, AnswerKind::Upheld, "what a person upheld is shown first");
    let between = history.tried(only_d(78.0));
    assert_eq!((between.truth.upheld_found, between.truth.dismissed_spared), (1, 1));
    assert_eq!((between.truth.recall_permille, between.truth.proposed.precision_permille), (Some(1000), Some(1000)));
}

#[test]
fn a_warning_is_the_same_where_it_shares_a_frame_and_sooner_or_later_by_its_first_one() {
    let mut history = History::new();
    history.shows(65_000).shows(72_000).shows(95_000).answered(true);
    let sooner = history.tried(only_d(60.0));
    assert_eq!((sooner.gained.count, sooner.lost.count, sooner.truth.upheld_found), (0, 0, 1));
    assert_eq!((sooner.to_warning.sooner, sooner.to_warning.median_ms), (1, Some(-1000)));
    let later = history.tried(only_d(90.0));
    assert_eq!(
        (later.to_warning.later, later.to_warning.median_ms, later.to_warning.p95_ms),
        (1, Some(1000), Some(1000))
    );
}

#[test]
fn a_warning_on_trial_is_true_if_it_shares_a_frame_with_an_upheld_one_of_another_rule() {
    let mut history = History::new();
    history.shows(80_000).answered(true);
    let mut renamed = only_d(75.0);
    renamed.rules[0].id = RuleId::new("other").expect("a sound name");
    let report = history.tried(renamed);
    assert_eq!((report.truth.proposed.upheld, report.truth.upheld_found, report.truth.upheld_lost), (1, 1, 0));
    assert_eq!(report.gained.shown[0].answer, AnswerKind::Upheld);
}

#[test]
fn an_answer_that_was_taken_back_does_not_count_and_the_last_one_does() {
    let mut history = History::new();
    history.shows(80_000).answered(true);
    let warning = history.recorder.warning_of("d");
    history.recorder.withdraws(moment(2.0), warning);
    assert_eq!(history.tried(only_d(70.0)).truth.recorded.upheld, 0);
    history.recorder.answers(moment(2.5), warning, false);
    let report = history.tried(only_d(70.0));
    assert_eq!((report.truth.recorded.upheld, report.truth.recorded.dismissed), (0, 1));
    assert_eq!((report.truth.proposed.upheld, report.truth.proposed.dismissed), (0, 1));
}

#[test]
fn an_answer_carries_over_so_that_the_cooldown_follows_on_trial_too() {
    let mut quiet = only_d(70.0);
    quiet.rules[0].cooldown_ms = 10_000;
    let mut history = History::under(quiet.clone());
    history.shows(80_000).answered(false).shows(85_000).shows(85_000);
    let mut stricter = quiet.clone();
    stricter.rules[0].confidence = Confidence::from_milli(60_000).expect("a percentage");
    let report = history.tried(stricter);
    assert_eq!(report.total.proposed.warnings, 1, "quiet after the dismissal, as it was then");
    assert_eq!((report.gained.count, report.truth.proposed.dismissed), (0, 1));
    // One that raises only when the rule was quiet already: the same question, later.
    quiet.rules[0].confidence = Confidence::from_milli(84_000).expect("a percentage");
    let later = history.tried(quiet);
    assert_eq!((later.total.proposed.warnings, later.gained.count, later.lost.count), (1, 0, 0));
    assert_eq!(later.truth.proposed.dismissed, 1);
}

#[test]
fn a_stop_on_a_persons_word_is_asked_for_on_trial_when_they_agree() {
    let mut stopping = only_d(70.0);
    stopping.rules[0].approval = Approval::Person;
    let mut history = History::under(stopping.clone());
    history.shows(80_000).shows(80_000).answered(true);
    let same = history.tried(stopping.clone());
    assert_eq!((same.to_stop.in_both, same.to_stop.median_ms), (1, Some(0)));
    let mut by_itself = stopping.clone();
    by_itself.rules[0].approval = Approval::None;
    let sooner = history.tried(by_itself);
    assert_eq!((sooner.to_stop.in_both, sooner.to_stop.sooner), (1, 1));
    assert_eq!(sooner.to_stop.median_ms, Some(-1400), "at the first frame, and not when the person had answered");
    let mut blind = stopping;
    blind.rules[0].confidence = Confidence::from_milli(99_000).expect("a percentage");
    let never = history.tried(blind);
    assert_eq!((never.to_stop.lost, never.truth.upheld_lost, never.after_stop.cut_short), (1, 1, 1));
}

#[test]
fn what_a_stop_cut_short_before_a_slower_cadence_looked_is_not_known_to_be_lost() {
    let mut history = History::new();
    history.shows(10_000).shows(80_000).answered(true);
    let report = history.tried(every(3000, only_d(70.0)));
    assert_eq!((report.truth.upheld_lost, report.truth.upheld_unknowable), (0, 1), "{:#?}", report.truth);
}

#[test]
fn nothing_is_counted_of_a_broadcast_that_nobody_recorded() {
    let recorder = broadcast(only_d(70.0), &[Shows { labels: vec![], ..at(1.0, &[]) }]);
    let report = recorder.tried(only_d(10.0));
    assert_eq!((report.truth.recorded.upheld, report.truth.recall_permille), (0, None));
    assert_eq!((report.to_warning.in_both, report.to_warning.median_ms), (0, None));
}
