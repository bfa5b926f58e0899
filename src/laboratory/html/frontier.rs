//! A frontier as a page: the curve, the table behind it, and what a budget buys.

use std::fmt::Write;

use super::backtest::head;
use super::chart::{Dot, scatter};
use super::words::{count, duration, of};
use super::{escaped, framed};
use crate::laboratory::frontier::{DetectionsOf, Frontier, PriceOf};
use crate::laboratory::price::Dollars;

/// The whole page.
pub fn page(frontier: &Frontier) -> String {
    let mut main = String::with_capacity(16 * 1024);
    head(&mut main, "What watching costs, and how soon it sees", &frontier.subject);
    let timed = match frontier.detections {
        DetectionsOf::UpheldWarnings => "warnings that moderators upheld",
        DetectionsOf::AllWarnings => "all warnings, whatever was answered",
    };
    let _ = write!(
        main,
        "<p class=\"about\">Timed are {timed}: from the first recorded frame from which on the rule was hit without a break \
         to the frame that would have raised the warning. Costs are for {} hours of channels{}.</p>",
        thousandths(frontier.channel_hours_milli),
        prices(frontier)
    );
    chosen(&mut main, frontier);
    chart(&mut main, frontier);
    let names: Vec<String> = frontier.subject.policies.iter().map(ToString::to_string).collect();
    framed(&format!("Frontier of {}", names.join(", ")), &main)
}

fn prices(frontier: &Frontier) -> String {
    let price = |of: &PriceOf| match of.price_micros {
        Some(micros) => format!(", a call to {} at {}", escaped(&of.provider), Dollars(micros)),
        None => format!(", without calls to {}, of which no price was said", escaped(&of.provider)),
    };
    frontier.prices.iter().map(price).collect()
}

fn chosen(main: &mut String, frontier: &Frontier) {
    let Some(budget) = frontier.budget_micros_per_day else { return };
    let _ = write!(main, "<section><h2>{} a day</h2>", Dollars(budget));
    match &frontier.chosen {
        Some(chosen) => {
            let _ = write!(
                main,
                "<p>The best within it is <b>{}</b>, at {} a day for these channels. To paste into the policy:</p>\
                 <pre>{}</pre>",
                escaped(&chosen.every),
                Dollars(chosen.micros_per_day),
                escaped(&chosen.yaml)
            );
        }
        None => main.push_str("<p>No cadence that was tried is within it.</p>"),
    }
    main.push_str("</section>\n");
}

fn chart(main: &mut String, frontier: &Frontier) {
    let chosen = frontier.chosen.as_ref().map(|chosen| chosen.every.as_str());
    let dots: Vec<Dot<'_>> = frontier
        .points
        .iter()
        .filter_map(|point| {
            Some(Dot {
                x: point.micros_per_channel_hour,
                y: point.median_ms?.unsigned_abs().max(100),
                name: &point.every,
                class: if point.every.contains(" to ") { "now" } else { "then" },
                on_curve: point.on_the_frontier,
                ringed: chosen == Some(&point.every),
            })
        })
        .collect();
    main.push_str("<section><h2>The curve</h2><figure>");
    super::backtest::key(main, &[("then", "fixed cadence"), ("now", "by reputation")]);
    if dots.is_empty() {
        main.push_str("<p>There is nothing to draw: nothing that is timed was detected in this recording.</p>");
    } else {
        main.push_str(&scatter(
            "Cost of a channel-hour against median time to detection; the curve joins cadences that no other beats",
            &dots,
            "cost of a channel-hour",
            "median time to detection",
            |micros| Dollars(micros).to_string(),
            duration,
        ));
    }
    main.push_str(
        "<details open><summary>The figures</summary><div class=\"scroll\"><table><tr><th>every<th class=\"n\">calls a \
         channel-hour<th class=\"n\">a channel-hour<th class=\"n\">a day<th class=\"n\">detected<th class=\"n\">missed\
         <th class=\"n\">unknowable<th class=\"n\">median<th class=\"n\">95th percentile",
    );
    for point in &frontier.points {
        let ms = |ms: Option<i64>| ms.map_or("–".to_owned(), |ms| duration(ms.unsigned_abs()));
        let class = if point.on_the_frontier { " class=\"best\"" } else { "" };
        let _ = write!(
            main,
            "<tr{class}><td>{}<td class=\"n\">{}<td class=\"n\">{}<td class=\"n\">{}<td class=\"n\">{}<td class=\"n\">{}\
             <td class=\"n\">{}<td class=\"n\">{}<td class=\"n\">{}",
            escaped(&point.every),
            thousandths(point.calls_per_channel_hour_milli),
            Dollars(point.micros_per_channel_hour),
            Dollars(point.micros_per_day),
            count(point.detected),
            count(point.missed),
            count(point.unknowable),
            ms(point.median_ms),
            ms(point.p95_ms),
        );
    }
    main.push_str("</table></div></details></figure>");
    let refused: Vec<String> = frontier.refused.iter().map(|every| escaped(every)).collect();
    if !refused.is_empty() {
        let looked = frontier.recorded_median_ms.map_or("–".to_owned(), |ms| duration(ms.unsigned_abs()));
        let _ = write!(
            main,
            "<p class=\"note\">The recording looked every {looked} at the median, which is not dense enough for {}: {}.</p>",
            of(refused.len() as u64, "cadence", "cadences"),
            refused.join(", ")
        );
    }
    main.push_str(
        "<p class=\"note\">In bold and on the curve: cadences than which no other is as good in cost, episodes missed and \
         median time, and better in one.</p></section>\n",
    );
}

/// Thousandths with one digit after the point.
fn thousandths(milli: u64) -> String {
    format!("{}.{}", count(milli / 1000), milli % 1000 / 100)
}
