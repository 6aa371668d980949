//! A plot as an SVG picture in a figure, together with the numbers that the pointer shows.

use std::fmt::Write;

use super::escape;
use super::plot::{Axis, Plot, Series, short};

/// The picture's sizes, in its own units.
const SIZE: (f64, f64) = (560.0, 300.0);
const LEFT: f64 = 56.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 34.0;

/// The plot as HTML.
pub(super) fn draw(plot: &Plot) -> String {
    let (x, y) = (plot.epochs(), plot.values());
    let mut html = format!("<figure><figcaption>{}", escape(plot.title));
    // Writing to a string cannot fail.
    if !plot.unit.is_empty() {
        let _ = write!(html, " <small>{}</small>", escape(plot.unit));
    }
    if let Some(most) = plot.beyond() {
        let _ = write!(
            html,
            " <small>up to {}, cut at {}</small>",
            short(most),
            short(y.to)
        );
    }
    for (number, series) in plot.series.iter().enumerate() {
        let _ = write!(
            html,
            " <span class=\"key c{number}\">{}</span>",
            escape(&series.name)
        );
    }
    html.push_str("</figcaption>");
    if plot.series.is_empty() {
        html.push_str("<p>Nothing was recorded.</p></figure>\n");
        return html;
    }
    let (width, height) = SIZE;
    let _ = write!(
        html,
        "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\" data-frame=\"{LEFT} {TOP} {} {}\" \
         data-epochs=\"{} {}\" data-series=\"{}\">",
        escape(plot.title),
        width - LEFT - RIGHT,
        height - TOP - BOTTOM,
        x.from,
        x.to,
        escape(&numbers(plot)),
    );
    grid(&mut html, x, y);
    for epoch in &plot.resumed {
        let (across, _) = at(x, y, (*epoch, y.from));
        let _ = write!(
            html,
            "<path class=\"resumed\" d=\"M{across:.1} {TOP}V{}\"><title>taken up again at epoch {}</title></path>",
            height - BOTTOM,
            short(*epoch),
        );
    }
    for (number, series) in plot.series.iter().enumerate() {
        line(&mut html, number, series, x, y);
    }
    html.push_str("<line class=\"cursor\"/></svg><output></output></figure>\n");
    html
}

fn at(x: Axis, y: Axis, point: (f64, f64)) -> (f64, f64) {
    let (width, height) = (SIZE.0 - LEFT - RIGHT, SIZE.1 - TOP - BOTTOM);
    let across = LEFT + width * x.share(point.0);
    (across, TOP + height * (1.0 - y.share(point.1)))
}

fn grid(html: &mut String, x: Axis, y: Axis) {
    let (right, bottom) = (SIZE.0 - RIGHT, SIZE.1 - BOTTOM);
    for tick in y.ticks() {
        let (_, down) = at(x, y, (x.from, tick));
        let _ = write!(
            html,
            "<path class=\"grid\" d=\"M{LEFT} {down:.1}H{right}\"/><text class=\"y\" x=\"{}\" y=\"{:.1}\">{}</text>",
            LEFT - 6.0,
            down + 4.0,
            short(tick),
        );
    }
    for tick in x.ticks() {
        let (across, _) = at(x, y, (tick, y.from));
        let _ = write!(
            html,
            "<path class=\"grid\" d=\"M{across:.1} {TOP}V{bottom}\"/><text class=\"x\" x=\"{across:.1}\" y=\"{}\">{}</text>",
            bottom + 15.0,
            short(tick),
        );
    }
    let middle = (LEFT + right) / 2.0;
    let _ = write!(
        html,
        "<text class=\"x\" x=\"{middle}\" y=\"{}\">epoch</text>",
        SIZE.1 - 4.0
    );
}

fn line(html: &mut String, number: usize, series: &Series, x: Axis, y: Axis) {
    let join = |points: &mut dyn Iterator<Item = (f64, f64)>| {
        let points = points.map(|point| at(x, y, point));
        let points: Vec<String> = points.map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        points.join(" ")
    };
    let xs = || series.points.iter().map(|point| point.0);
    if !series.marked {
        let low = xs().zip(&series.range).map(|(x, range)| (x, range.0));
        let high = xs().zip(&series.range).map(|(x, range)| (x, range.1));
        let band = join(&mut low.chain(high.rev()));
        let _ = write!(
            html,
            "<polygon class=\"band c{number}\" points=\"{band}\"/>"
        );
    }
    let middle = join(&mut series.points.iter().copied());
    let _ = write!(
        html,
        "<polyline class=\"line c{number}\" points=\"{middle}\"/>"
    );
    if series.marked {
        for point in &series.points {
            let (x, y) = at(x, y, *point);
            let _ = write!(
                html,
                "<circle class=\"dot c{number}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\"/>"
            );
        }
    }
}

/// The series as JSON: `[[name, [[x, y], …]], …]`.
fn numbers(plot: &Plot) -> String {
    let rounded = |(x, y): &(f64, f64)| {
        [short(*x), short(*y)].map(|number| number.parse::<f64>().unwrap_or(0.0))
    };
    let series: Vec<(&str, Vec<[f64; 2]>)> = plot
        .series
        .iter()
        .map(|series| {
            (
                series.name.as_str(),
                series.points.iter().map(rounded).collect(),
            )
        })
        .collect();
    serde_json::to_string(&series).unwrap_or_default()
}
