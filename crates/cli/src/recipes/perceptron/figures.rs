//! Figures of the perceptron.

use bolete::plot::{Animation, Axes, Colour, Figure, Image, Legend, Line, Marker, Scatter};
use bolete::prelude::*;

use super::RETINA;
use super::rule::Learned;
use crate::session::Session;

/// The names of the classes and their colours.
const CLASSES: [(f64, &str, Colour, Marker); 2] =
    [(-1.0, "class -1", Colour::BLUE, Marker::Circle), (1.0, "class +1", Colour::RED, Marker::Triangle)];

/// Points of the plane by class; `points` is `[n, 3]` with a 1 behind.
fn scatters(points: &Tensor, signs: &Tensor) -> Vec<Scatter> {
    let (points, signs) = (points.to_vec::<f64>(), signs.to_vec::<f64>());
    CLASSES
        .iter()
        .map(|(sign, name, colour, marker)| {
            let chosen = points.chunks(3).zip(&signs).filter(|(_, found)| *found == sign);
            let (x, y): (Vec<f64>, Vec<f64>) = chosen.map(|(point, _)| (point[0], point[1])).unzip();
            Scatter::new(&x, &y).colour(*colour).marker(*marker).size(5.0).label(*name)
        })
        .collect()
}

/// The line w₁ x + w₂ y + b = 0, far enough to both sides.
fn boundary(weights: &[f64]) -> Line {
    let [a, b, c] = [weights[0], weights[1], weights[2]];
    let square = (a * a + b * b).max(1e-12);
    let foot = (-a * c / square, -b * c / square);
    let along = (-b / square.sqrt() * 4.0, a / square.sqrt() * 4.0);
    Line::new(&[foot.0 - along.0, foot.0 + along.0], &[foot.1 - along.1, foot.1 + along.1])
        .colour(Colour::BLACK)
}

fn plane(title: String, points: &Tensor, signs: &Tensor, (low, high): (f64, f64)) -> Axes {
    Axes::new(title)
        .labels("x₁", "x₂")
        .x_range(low, high)
        .y_range(low, high)
        .equal_aspect()
        .with_all(scatters(points, signs))
        .area(300.0, 300.0)
}

/// The boundary after each pass.
pub(super) fn learning(
    session: &mut Session,
    points: &Tensor,
    signs: &Tensor,
    learned: &Learned,
) -> anyhow::Result<()> {
    let frame = |pass: usize| {
        let title = format!("after pass {}: {} mistakes", pass + 1, learned.mistakes[pass]);
        Figure::new(
            plane(title, points, signs, (-1.1, 1.1))
                .with(boundary(&learned.path[pass]).width(1.8))
                .legend(Legend::Outside),
        )
    };
    let last = learned.path.len() - 1;
    // Where there are many passes, those that double.
    let mut shown: Vec<usize> = if last < 24 { (0..=last).collect() } else { Vec::new() };
    let mut pass = 1.0f64;
    while last >= 24 && (pass as usize) < last {
        shown.push(pass as usize - 1);
        pass = (pass * 1.25).max(pass + 1.0);
    }
    shown.push(last);
    shown.dedup();
    let mut animation = Animation::new(300);
    shown.into_iter().for_each(|pass| animation.push(&frame(pass)));
    let caption = "The boundary after each pass of Rosenblatt's rule, until there is no mistake left.";
    session.animation("learning", caption, &animation)
}

/// Corrections against the bound.
pub(super) fn bound(session: &mut Session, bounds: &[f64], updates: &[f64]) -> anyhow::Result<()> {
    let axes = Axes::new("Corrections until convergence")
        .labels("bound (R/γ)²", "corrections")
        .log_x()
        .log_y()
        .with(Line::new(bounds, bounds).dashed().colour(Colour::GRAY).label("the bound"))
        .with(Line::new(bounds, updates).marker(Marker::Circle).colour(Colour::RED).label("measured"));
    let caption = "However small the margin, the rule never makes more corrections than the theorem allows.";
    session.figure("bound", caption, &Figure::new(axes))
}

/// Exclusive or with some of the lines that the rule goes through.
pub(super) fn exclusive_or(
    session: &mut Session,
    points: &Tensor,
    signs: &Tensor,
    learned: &Learned,
) -> anyhow::Result<()> {
    let mut axes = plane("Exclusive or".to_owned(), points, signs, (-0.6, 1.6)).legend(Legend::Outside);
    let distinct = learned.path.iter().rev().take(8).filter(|weights| weights[0] != 0.0 || weights[1] != 0.0);
    for (index, weights) in distinct.enumerate() {
        let line = boundary(weights).colour(Colour::GRAY).width(1.0);
        axes.push(if index == 0 { line.label("the last passes") } else { line });
    }
    let caption =
        "Lines after the last passes: none has both triangles on one side and both discs on the other.";
    session.figure("exclusive_or", caption, &Figure::new(axes))
}

/// Mistakes by pass on pictures.
pub(super) fn mistakes(session: &mut Session, kinds: &[(&str, Learned)]) -> anyhow::Result<()> {
    let mut axes = Axes::new("Mistakes while learning").labels("pass", "mistakes");
    for (name, learned) in kinds {
        let passes: Vec<f64> = (1..=learned.mistakes.len()).map(|pass| pass as f64).collect();
        axes.push(Line::new(&passes, &learned.mistakes).width(1.6).label(*name));
    }
    let caption = "Corrections in each pass over the digits. A line that reaches 0 has converged.";
    session.figure("mistakes", caption, &Figure::new(axes))
}

/// A few pictures as the photocells see them, and the weights that were learned for the cells.
pub(super) fn retina(session: &mut Session, cells: &Tensor, weights: &Tensor) -> anyhow::Result<()> {
    let count = cells.shape()[0].min(7);
    let cells = cells.narrow(0, 0, count).to_vec::<f64>();
    let mut panels: Vec<Axes> = cells
        .chunks(RETINA * RETINA)
        .map(|cells| {
            let pixels: Vec<u8> = cells.iter().map(|on| if *on > 0.0 { 255 } else { 0 }).collect();
            Image::gray(RETINA, RETINA, &pixels).panel("").area(110.0, 110.0)
        })
        .collect();
    let weights = weights.narrow(0, 0, RETINA * RETINA).to_vec::<f64>();
    let largest = weights.iter().fold(1e-12, |most: f64, weight| most.max(weight.abs()));
    let heat =
        bolete::plot::HeatMap::new(RETINA, RETINA, &weights).range(-largest, largest).diverging().no_bar();
    panels.push(Axes::new("weights").with(heat).reverse_y().no_axes().equal_aspect().area(110.0, 110.0));
    let caption = "Digits on the 20×20 photocells, and the weight of each cell after learning without association \
                   units: red speaks for the second digit, blue for the first.";
    session.figure("retina", caption, &Figure::grid(4, panels))
}
