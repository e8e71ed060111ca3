//! A function along a line, and the steps that satisfy Wolfe's conditions.

use bolete::nn::LinePoint;
use bolete::plot::Figure;
use bolete::prelude::*;

use super::{Config, figures, searches};
use crate::recipes::optimisers::surface::Surface;
use crate::session::Session;

/// A function along a line, with its conditions.
pub(super) struct Slice {
    pub points: Vec<LinePoint>,
    /// What each search tried, the last being what it took.
    pub backtracking: Vec<LinePoint>,
    pub wolfe: Vec<LinePoint>,
}

pub(super) fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
    session.heading("Along a line")?;
    session.say(&format!(
        "From a point and in a direction of descent a function is φ(t), a function of the step alone. The first condition \
         of Wolfe asks for a decrease, φ(t) ≤ φ(0) + c₁ t φ′(0) with c₁ = {}: it forbids steps that are too long. The \
         second, |φ′(t)| ≤ c₂ |φ′(0)| with c₂ = {}, forbids steps so short that nearly all of the slope is left.",
        config.decrease, config.curvature
    ))?;
    let (mut rows, mut panels) = (Vec::new(), Vec::new());
    for surface in [Surface::Beale, Surface::Rosenbrock] {
        let slice = slice(config, surface);
        rows.extend(row(config, surface, &slice));
        panels.push(figures::slice(config, surface, &slice));
    }
    let header = ["line", "decrease holds", "curvature holds", "both hold", "backtracking", "Wolfe"];
    session.table("Steps that satisfy the conditions, and what was tried", &header, rows)?;
    let caption = "The strips below show where each condition holds; the last point of each kind is the one that was taken.";
    session.figure("slices", caption, &Figure::grid(1, panels))
}

/// The function against its gradient from the start, by the length of the step.
fn slice(config: &Config, surface: Surface) -> Slice {
    let start = Tensor::from(surface.start());
    let slope = grad(|point: &Tensor| surface.at(point))(&start);
    let direction = -&slope / slope.norm(2.0, ..);
    let mut line = Step::new(|step: Tensor| {
        jvp(|step: &Tensor| surface.at(&(&start + &direction * step)), &step, &Tensor::from(1.0f64))
    });
    let mut at = |step: f64| {
        let (value, slope) = line.call(Tensor::from(step));
        LinePoint { step, value: value.item(), slope: slope.item() }
    };
    let first = at(0.0);
    // Until the function is back where it began, and somewhat further.
    let mut length = 0.01;
    while at(length).value < first.value && length < 1e3 {
        length *= 1.1;
    }
    length *= 1.1;
    let points = (0..=config.resolution).map(|i| at(length * i as f64 / config.resolution as f64)).collect();
    let (backtracking, wolfe) = searches(config);
    let mut tried = [Vec::new(), Vec::new()];
    backtracking.search(first.value, first.slope, 2.0 * length, |step| {
        tried[0].push(at(step));
        at(step).value
    });
    let (found, _) = wolfe.search(first, 2.0 * length, |step| {
        tried[1].push(at(step));
        at(step)
    });
    tried[1].push(found);
    tried[1].dedup();
    let [backtracking, wolfe] = tried;
    Slice { points, backtracking, wolfe }
}

/// The parts of the line in which something holds.
pub(super) fn intervals(points: &[LinePoint], holds: impl Fn(&LinePoint) -> bool) -> Vec<[f64; 2]> {
    let mut found: Vec<[f64; 2]> = Vec::new();
    let mut inside = false;
    for point in points {
        match (holds(point), inside) {
            (true, true) => found.last_mut().expect("an interval was begun")[1] = point.step,
            (true, false) => found.push([point.step; 2]),
            (false, _) => {}
        }
        inside = holds(point);
    }
    found
}

/// Where the conditions hold, and which steps were tried.
fn row(config: &Config, surface: Surface, slice: &Slice) -> Option<Vec<String>> {
    let first = *slice.points.first()?;
    let enough = |point: &LinePoint| point.value <= first.value + config.decrease * point.step * first.slope;
    let flat = |point: &LinePoint| point.slope.abs() <= config.curvature * first.slope.abs();
    let text = |found: Vec<[f64; 2]>| {
        found.iter().map(|[a, b]| format!("{a:.3} to {b:.3}")).collect::<Vec<_>>().join(", ")
    };
    let steps = |tried: &[LinePoint]| {
        tried.iter().map(|point| format!("{:.3}", point.step)).collect::<Vec<_>>().join(", ")
    };
    Some(vec![
        surface.name(),
        text(intervals(&slice.points, enough)),
        text(intervals(&slice.points, flat)),
        text(intervals(&slice.points, |point| enough(point) && flat(point))),
        steps(&slice.backtracking),
        steps(&slice.wolfe),
    ])
}
