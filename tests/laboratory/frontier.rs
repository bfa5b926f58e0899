//! The frontier: from a dense recording, what each cadence would have cost and how soon it would have seen.

use std::sync::Arc;

use streamwarden::laboratory::frontier::{DetectionsOf, Frontier, Point, asked};
use streamwarden::laboratory::price::Prices;
use streamwarden::laboratory::{self, Progress, html, stretch, summary};
use streamwarden::policy::{Policy, PolicySet};

use crate::lines::moment;
use crate::recorder::{Recorder, at, broadcast, every, everywhere, only_d, prices};

/// Twenty minutes, looked at every second, in which something shows for half a minute now and then and is upheld.
fn dense() -> Recorder {
    let mut recorder = broadcast(unalike(), &[]);
    for second in 1..1200u32 {
        let shows = (second % 300 >= 100 && second % 300 < 130).then_some((4u8, 90_000u32));
        let frame = at(f64::from(second), &shows.into_iter().collect::<Vec<_>>());
        recorder.shows(frame.captured_at.plus_ms(100), &frame);
        if second % 300 == 131 {
            let warning = recorder.warning_of("d");
            recorder.answers(moment(f64::from(second) + 0.5), warning, true);
        }
    }
    recorder
}

/// Every picture is asked about, and an answer warns only.
fn unalike() -> Policy {
    let mut policy = Policy { similarity: None, ..only_d(70.0) };
    policy.rules[0].action = streamwarden::model::Action::Warn;
    every(1000, policy)
}

fn frontier(recorder: &Recorder, detections: DetectionsOf, budget: Option<u64>) -> Frontier {
    frontier_at(&prices(), recorder, detections, budget)
}

fn frontier_at(prices: &Prices, recorder: &Recorder, detections: DetectionsOf, budget: Option<u64>) -> Frontier {
    let policy = Arc::new(everywhere(unalike()));
    let asked = asked(&PolicySet::default(), &policy, detections);
    let journal = &recorder.channel.journal;
    let whole = stretch(journal, None, None).expect("memory can be read");
    let found = laboratory::run(journal, &asked.question, whole, &|_| None, &Progress::default());
    asked.frontier(found.expect("it runs to its end"), vec![policy.reference.clone()], vec![], prices, budget)
}

fn point<'a>(frontier: &'a Frontier, every: &str) -> &'a Point {
    let point = frontier.points.iter().find(|point| point.every == every);
    point.unwrap_or_else(|| panic!("{every} is not among {:?}", frontier.points))
}

#[test]
fn slower_cadences_cost_less_and_see_later_and_may_miss() {
    let frontier = frontier(&dense(), DetectionsOf::UpheldWarnings, None);
    assert_eq!(frontier.recorded_median_ms, Some(1000));
    assert_eq!(frontier.refused, Vec::<String>::new(), "every cadence is slower than a second");
    let (fast, slow, slowest) = (point(&frontier, "1s"), point(&frontier, "10s"), point(&frontier, "10m"));
    assert_eq!((fast.calls, fast.detected, fast.missed, fast.median_ms), (1199, 4, 0, Some(0)));
    assert_eq!((slow.calls, slow.detected, slow.missed), (120, 4, 0));
    assert_eq!(fast.calls_per_channel_hour_milli / 1000, 3603, "1199 calls in 1198 seconds");
    assert_eq!(fast.micros_per_channel_hour / 1000, 3603);
    assert!(slow.median_ms > Some(0) && slow.median_ms < Some(10_000), "{slow:?}");
    assert!(slowest.missed >= 3, "what shows for half a minute is not seen every ten: {slowest:?}");
    assert!(slowest.on_the_frontier, "nothing is cheaper");
    assert!(!point(&frontier, "45s").on_the_frontier || point(&frontier, "45s").missed < slowest.missed);
    let ranged = point(&frontier, "1s to 10s");
    // Twenty minutes earn little trust: it is watched almost as closely as it gets.
    assert!(ranged.calls <= fast.calls && ranged.calls > slow.calls, "{ranged:?}");
    assert_eq!((ranged.detected, ranged.missed), (4, 0));
    assert!(frontier.points.is_sorted_by_key(|point| point.calls), "cheapest first");
}

#[test]
fn a_budget_buys_the_best_within_it_and_what_to_paste_can_be_read() {
    let recorder = dense();
    let all = frontier(&recorder, DetectionsOf::UpheldWarnings, Some(u64::MAX));
    let best = all.chosen.as_ref().map(|chosen| point(&all, &chosen.every)).expect("all are within it");
    assert_eq!((best.missed, best.median_ms), (0, Some(0)), "{best:?}");
    let none = frontier(&recorder, DetectionsOf::UpheldWarnings, Some(1));
    assert_eq!(none.chosen, None);
    let some = frontier(&recorder, DetectionsOf::UpheldWarnings, Some(point(&all, "10s").micros_per_day));
    let chosen = some.chosen.clone().expect("there is one within it");
    assert!(chosen.micros_per_day <= point(&all, "10s").micros_per_day, "{chosen:?}");
    for chosen in [&chosen, all.chosen.as_ref().expect("there is one")] {
        let text = format!(
            "policy: p\nchannels: [c]\ntaxonomy: rekognition/7.0\n{}rules: [{{id: r, categories: [\"*\"], confidence: 80}}]\n",
            chosen.yaml
        );
        let loaded = streamwarden::policy::file::load("p.yaml", &text);
        assert!(loaded.is_ok(), "{}\n{text}", loaded.unwrap_err());
    }
    let page = html::frontier(&some);
    assert!(page.contains(&chosen.every) && page.contains("class=\"ring\"") && !page.contains("<script"));
}

#[test]
fn no_budget_is_spent_on_calls_of_which_no_price_is_known() {
    let recorder = dense();
    let unpriced = frontier_at(&Prices::default(), &recorder, DetectionsOf::UpheldWarnings, Some(u64::MAX));
    assert_eq!(unpriced.chosen, None);
    let text = summary::frontier(&unpriced);
    assert!(text.contains("stub: no price was said") && text.contains("cannot be told"), "{text}");
    let mut free = Prices::default();
    free.say("stub=0".parse().expect("a price"));
    let free = frontier_at(&free, &recorder, DetectionsOf::UpheldWarnings, Some(0));
    assert!(free.chosen.is_some(), "said to be free of charge");
}

#[test]
fn a_cadence_finer_than_the_recording_is_refused() {
    let frames: Vec<_> = (1..200).map(|second| at(f64::from(second), &[(4, 90_000)])).collect();
    let sparse = broadcast(every(20_000, unalike()), &frames);
    let frontier = frontier(&sparse, DetectionsOf::AllWarnings, None);
    assert_eq!(frontier.recorded_median_ms, Some(20_000));
    for every in ["1s", "10s", "15s"] {
        assert!(frontier.refused.iter().any(|refused| refused == every), "{:?}", frontier.refused);
    }
    assert_eq!(point(&frontier, "20s").detected, 1);
    assert_eq!(frontier.detections, DetectionsOf::AllWarnings);
}
