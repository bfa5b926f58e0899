//! A report as a page and as text: everything in it, nothing loaded, nothing run, nothing taken for markup.

use streamwarden::laboratory::{Backtest, html, summary};
use streamwarden::model::RuleId;

use crate::lines::moment;
use crate::recorder::{at, broadcast, found, only_d, prices, question};

fn backtest() -> Backtest {
    let mut policy = only_d(70.0);
    policy.rules[0].action = streamwarden::model::Action::Warn;
    let frames: Vec<_> = (1..20).map(|second| at(f64::from(second), &[(4, 60_000 + second * 2000)])).collect();
    let mut recorder = broadcast(policy, &frames);
    let warning = recorder.warning_of("d");
    recorder.answers(moment(30.0), warning, true);
    let found = found(&recorder.channel.journal, &question(only_d(99.0)));
    Backtest::of(found, vec![only_d(99.0).reference], vec![], &prices())
}

#[test]
fn a_page_holds_the_figures_behind_its_charts_and_nothing_that_runs_or_loads() {
    let backtest = backtest();
    let page = html::backtest(&backtest);
    assert_eq!(page, html::backtest(&backtest), "the same bytes again");
    for part in ["p@9", "Lost: 1 warning", "<svg role=\"img\"", "<title>Warnings by rule", "upheld", "$0.019"] {
        assert!(page.contains(part), "{part} is not in\n{page}");
    }
    for never in ["<script", "http://", "https://", "<img", "<link", " style=", "onload", "javascript:"] {
        let mut rest = page.replace("http://www.w3.org/2000/svg", "");
        rest.make_ascii_lowercase();
        assert!(!rest.contains(never), "{never} is in the page");
    }
    let opened = page.matches("<details").count();
    assert!(opened >= 4 && opened == page.matches("</details>").count());
    assert!(page.contains(html::content_security_policy()));
}

#[test]
fn names_in_a_report_are_text() {
    let mut backtest = backtest();
    backtest.report.rules[0].rule = RuleId::new("a").expect("a sound name");
    backtest.report.lost.shown[0].label = Some(streamwarden::model::Label(
        streamwarden::model::LabelPath::new("<b>bold</b> & more").expect("a sound path"),
        streamwarden::model::Confidence::MAX,
    ));
    let page = html::backtest(&backtest);
    assert!(page.contains("&lt;b&gt;bold") && !page.contains("<b>bold"), "a label is text, whatever a provider says");
}

#[test]
fn the_summary_says_in_a_screenful_what_changes_and_how_sure_it_is() {
    let text = summary::backtest(&backtest());
    for part in [
        "p@9 on 19 frames",
        "1 recorded, 0 proposed",
        "recall       0.0 %: 0 of 1 upheld warning found",
        "lost: d on stage",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(text.lines().count() < 30, "{text}");
}

#[test]
fn what_was_not_lost_is_not_counted_as_nought() {
    let frames: Vec<_> = (1..20).map(|second| at(f64::from(second), &[(4, 60_000 + second * 2000)])).collect();
    let mut policy = only_d(70.0);
    policy.rules[0].action = streamwarden::model::Action::Warn;
    let mut recorder = broadcast(policy.clone(), &frames);
    let unanswered = found(&recorder.channel.journal, &question(policy.clone()));
    let text = summary::backtest(&Backtest::of(unanswered, vec![policy.reference.clone()], vec![], &prices()));
    assert!(text.contains("recall       unknown: nobody upheld a warning\n"), "{text}");
    let warning = recorder.warning_of("d");
    recorder.answers(moment(30.0), warning, true);
    let same = found(&recorder.channel.journal, &question(policy.clone()));
    let backtest = Backtest::of(same, vec![policy.reference.clone()], vec![], &prices());
    let text = summary::backtest(&backtest);
    assert!(text.contains("lost         none\n"), "{text}");
    assert!(text.contains("recall       100.0 %: all of 1 upheld warning found\n"), "{text}");
    assert!(html::backtest(&backtest).contains("none would certainly have been lost. "));
}

#[test]
fn the_json_reads_back_as_it_was_written() {
    let backtest = backtest();
    let read: Backtest = serde_json::from_str(&backtest.to_json()).expect("it is what was written");
    assert_eq!(read, backtest);
}
