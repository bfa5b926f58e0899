//! A stretch of a channel's past: which part of it is told where there is too much, who answered and who set what.

use streamwarden::audit::history::{AnswerSaid, EVENTS_MAX, History, HistoryPart, history};
use streamwarden::events::ReputationChange;
use streamwarden::model::Score;
use streamwarden::warden::{Answering, ModeratorAct};

use crate::stage::{Stage, moment};

fn told(stage: &Stage, from: f64, to: f64, part: HistoryPart) -> History {
    history(stage.sources(), &stage.state.channel, moment(from), moment(to), part).expect("memory is read")
}

#[test]
fn of_a_stretch_with_too_many_events_the_end_is_told_where_that_is_wanted() {
    let mut stage = Stage::new();
    stage.begin();
    let mut second = 0.0;
    while stage.state.sequence.0 < EVENTS_MAX + 500 {
        second += 1.0;
        stage.fail(second);
    }
    let ends = second + 10.0;
    let beginning = told(&stage, 0.0, ends, HistoryPart::Beginning);
    assert_eq!((beginning.complete, beginning.from), (false, moment(0.0)));
    assert!(beginning.read_to.is_some_and(|read_to| read_to < moment(second)), "{:?}", beginning.read_to);

    let end = told(&stage, 0.0, ends, HistoryPart::End);
    assert_eq!((end.complete, end.read_to), (false, Some(moment(second + 1.0))), "the last event is told");
    assert!(end.from > moment(0.0), "it says since when");
    assert!(end.coverage.is_empty(), "what lies further back than is looked is left undrawn: {:?}", end.coverage);
    let before = told(&stage, 0.0, 1_000.0, HistoryPart::End);
    assert_eq!((before.complete, before.from), (true, moment(0.0)), "what has room is told whole");
}

#[test]
fn who_answered_and_who_set_the_reputation_is_told_of_the_stretch_alone() {
    let mut stage = Stage::new();
    stage.begin();
    stage.judge(1.0, &[("Alcohol", 90.0)]);
    let warning = stage.open_warning();
    stage.moderate(5.0, ModeratorAct::Uphold(Answering::to([warning])));
    let why = stage.content.put("channel/stage", b"known for years").expect("it is kept");
    let change = ReputationChange::Pin(Score::from_milli(900).expect("a score"));
    stage.moderate(20.0, ModeratorAct::AdjustReputation { change, until: None, why: why.clone() });
    stage.moderate(40.0, ModeratorAct::AdjustReputation { change: ReputationChange::Release, until: None, why });

    let all = told(&stage, 0.0, 60.0, HistoryPart::Beginning);
    let [answer] = all.answers.as_slice() else { panic!("one answer: {:?}", all.answers) };
    assert_eq!((answer.said, answer.by.as_str(), answer.at), (AnswerSaid::Upheld, "m-17", moment(5.0)));
    assert_eq!(all.adjustments.len(), 2);
    assert_eq!((all.adjustments[0].change, all.adjustments[0].why.as_deref()), (change, Some("known for years")));
    let later = told(&stage, 30.0, 60.0, HistoryPart::Beginning);
    assert_eq!((later.answers.len(), later.adjustments.len()), (0, 1), "what was before is not of the stretch");
    assert_eq!(later.adjustments[0].change, ReputationChange::Release);
}
