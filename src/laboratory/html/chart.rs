//! Charts as inline SVG, drawn in whole numbers so that the same figures give the same bytes.

use std::fmt::Write;

use super::escaped;
use super::words::count;

/// Width of every chart in its own units; the page scales it.
const WIDTH: u64 = 720;
/// Where bars begin: names stand before it.
const BARS_AT: u64 = 190;
/// Room behind a bar for its figure.
const FIGURE: u64 = 80;
/// Characters of a name that find room before the bars.
const NAME_MAX: usize = 24;

/// Parts of one bar: a class of the style sheet, and how much.
pub(super) type Part = (&'static str, u64);

/// A bar, or several of the same name below each other.
pub(super) struct Bars<'a> {
    pub name: &'a str,
    pub bars: Vec<Vec<Part>>,
}

/// Horizontal bars on one scale. `title` says what the chart shows to who cannot see it.
pub(super) fn bars(title: &str, rows: &[Bars<'_>]) -> String {
    const HEIGHT: u64 = 16;
    const GAP: u64 = 14;
    let total = |bar: &Vec<Part>| bar.iter().map(|(_, part)| part).sum::<u64>();
    let most = rows.iter().flat_map(|row| &row.bars).map(total).max().unwrap_or(0).max(1);
    let height: u64 = rows.iter().map(|row| row.bars.len() as u64 * (HEIGHT + 2) + GAP).sum();
    let mut svg = opened(title, height.max(1));
    let mut top = 0;
    for row in rows {
        let middle = top + row.bars.len() as u64 * (HEIGHT + 2) / 2 + 4;
        let _ = write!(svg, "<text x=\"0\" y=\"{middle}\">{}</text>", escaped(&cut(row.name)));
        for bar in &row.bars {
            let mut x = BARS_AT;
            for (class, part) in bar.iter().filter(|(_, part)| *part > 0) {
                let scaled = u128::from(*part) * u128::from(WIDTH - BARS_AT - FIGURE) / u128::from(most);
                let width = u64::try_from(scaled).unwrap_or(0).max(2);
                let _ = write!(
                    svg,
                    "<rect class=\"{class}\" x=\"{x}\" y=\"{top}\" width=\"{width}\" height=\"{HEIGHT}\" rx=\"2\"/>"
                );
                x += width + 1;
            }
            let _ =
                write!(svg, "<text class=\"quiet\" x=\"{}\" y=\"{}\">{}</text>", x + 5, top + 12, count(total(bar)));
            top += HEIGHT + 2;
        }
        top += GAP;
    }
    svg.push_str("</svg>");
    svg
}

/// A point of a scatter chart.
pub(super) struct Dot<'a> {
    pub x: u64,
    pub y: u64,
    pub name: &'a str,
    pub class: &'static str,
    /// Whether the curve goes through it and it is named.
    pub on_curve: bool,
    pub ringed: bool,
}

/// Points over two logarithmic axes, whose names and ticks are said by `label`.
pub(super) fn scatter(
    title: &str,
    dots: &[Dot<'_>],
    x_name: &str,
    y_name: &str,
    x_label: impl Fn(u64) -> String,
    y_label: impl Fn(u64) -> String,
) -> String {
    const HEIGHT: u64 = 380;
    const LEFT: u64 = 80;
    const BOTTOM: u64 = 44;
    const TOP: u64 = 28;
    let x_ends = ends(dots.iter().map(|dot| dot.x));
    let y_ends = ends(dots.iter().map(|dot| dot.y));
    let x_of = |x: u64| LEFT + along(x, x_ends, WIDTH - LEFT - 60);
    let y_of = |y: u64| HEIGHT - BOTTOM - along(y, y_ends, HEIGHT - BOTTOM - TOP);
    let mut svg = opened(title, HEIGHT);
    for tick in ticks(x_ends) {
        let x = x_of(tick);
        let _ = write!(
            svg,
            "<line class=\"axis\" x1=\"{x}\" y1=\"{TOP}\" x2=\"{x}\" y2=\"{}\"/>\
             <text class=\"quiet\" x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            HEIGHT - BOTTOM,
            HEIGHT - BOTTOM + 18,
            escaped(&x_label(tick)),
        );
    }
    for tick in ticks(y_ends) {
        let y = y_of(tick);
        let _ = write!(
            svg,
            "<line class=\"axis\" x1=\"{LEFT}\" y1=\"{y}\" x2=\"{}\" y2=\"{y}\"/>\
             <text class=\"quiet\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
            WIDTH - 60,
            LEFT - 8,
            y + 4,
            escaped(&y_label(tick)),
        );
    }
    let _ = write!(
        svg,
        "<text class=\"quiet\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\
         <text class=\"quiet\" x=\"0\" y=\"14\">{}</text>",
        WIDTH - 60,
        HEIGHT - 6,
        escaped(x_name),
        escaped(y_name),
    );
    let mut curve: Vec<(u64, u64)> =
        dots.iter().filter(|dot| dot.on_curve).map(|dot| (x_of(dot.x), y_of(dot.y))).collect();
    curve.sort_unstable();
    let points: Vec<String> = curve.iter().map(|(x, y)| format!("{x},{y}")).collect();
    let _ = write!(svg, "<polyline class=\"curve\" points=\"{}\"/>", points.join(" "));
    let mut named: Vec<(u64, u64)> = Vec::new(); // of several in one place the first has its name there
    for dot in dots {
        let (x, y, class) = (x_of(dot.x), y_of(dot.y), dot.class);
        let _ = write!(
            svg,
            "<circle class=\"{class}\" cx=\"{x}\" cy=\"{y}\" r=\"5\"><title>{}</title></circle>",
            escaped(dot.name)
        );
        if dot.ringed {
            let _ = write!(svg, "<circle class=\"ring\" cx=\"{x}\" cy=\"{y}\" r=\"10\"/>");
        }
        if dot.on_curve && !named.contains(&(x, y)) {
            named.push((x, y));
            let _ = write!(svg, "<text x=\"{}\" y=\"{}\">{}</text>", x + 9, y.saturating_sub(8), escaped(dot.name));
        }
    }
    svg.push_str("</svg>");
    svg
}

fn opened(title: &str, height: u64) -> String {
    format!(
        "<svg role=\"img\" viewBox=\"0 0 {WIDTH} {height}\" xmlns=\"http://www.w3.org/2000/svg\"><title>{}</title>",
        escaped(title)
    )
}

fn cut(name: &str) -> String {
    match name.chars().count() > NAME_MAX {
        true => name.chars().take(NAME_MAX - 1).chain(['…']).collect(),
        false => name.to_owned(),
    }
}

/// The least and the most, as powers of two in sixteenths; never the same.
fn ends(values: impl Iterator<Item = u64>) -> (u64, u64) {
    let logs: Vec<u64> = values.map(log).collect();
    let (least, most) = (logs.iter().min().copied().unwrap_or(0), logs.iter().max().copied().unwrap_or(0));
    (least.saturating_sub(8), most + 8)
}

fn along(value: u64, (least, most): (u64, u64), room: u64) -> u64 {
    (log(value).clamp(least, most) - least) * room / (most - least).max(1)
}

/// Logarithm to the base of two in sixteenths, cut; of 0 as of 1.
fn log(value: u64) -> u64 {
    let value = value.max(1);
    let whole = value.ilog2();
    let mut rest = u128::from(value) << (63 - whole); // 1.0 is 2^63
    let mut log = u64::from(whole);
    for _ in 0..4 {
        rest = (rest * rest) >> 63;
        log <<= 1;
        if rest >= 1 << 64 {
            rest >>= 1;
            log |= 1;
        }
    }
    log
}

/// One, two and five times powers of ten between the ends; fewer where they are many.
fn ticks((least, most): (u64, u64)) -> Vec<u64> {
    let powers = (0..19).map(|power| 10u64.pow(power));
    let within = |tick: &u64| (least..=most).contains(&log(*tick));
    let all: Vec<u64> = powers.clone().flat_map(|power| [power, 2 * power, 5 * power]).filter(within).collect();
    if all.len() <= 8 { all } else { powers.filter(within).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_are_those_of_the_table() {
        assert_eq!([1, 2, 4, 1024].map(log), [0, 16, 32, 160]);
        assert_eq!([3, 10, 1000].map(log), [25, 53, 159]); // 25.36, 53.15, 159.46
    }

    #[test]
    fn a_chart_of_nothing_and_one_of_extremes_are_drawn() {
        assert!(bars("none", &[]).starts_with("<svg"));
        let rows = [Bars { name: "a", bars: vec![vec![("then", u64::MAX / 4)], vec![("now", 0), ("good", 1)]] }];
        assert!(bars("far", &rows).ends_with("</svg>"));
        let dots: Vec<Dot<'_>> = [(0, u64::MAX), (1, 1)]
            .map(|(x, y)| Dot { x, y, name: "d", class: "now", on_curve: true, ringed: true })
            .into();
        assert!(scatter("s", &dots, "x", "y", |x| x.to_string(), |y| y.to_string()).contains("circle"));
    }
}
