//! Steps down a curve, one at a time.

use bolete::prelude::*;

use super::{Config, figures};
use crate::session::Session;

/// L(x) = 0.02 ((x - 0.333)⁴ - 30 x²), element by element.
pub fn curve(x: &Tensor) -> Tensor {
    ((x - 0.333).square().square() - x.square() * 30.0) * 0.02
}

/// A walk along the curve: positions, heights and slopes, each one more than there are steps.
pub(super) struct Walk {
    rate: f64,
    pub x: Vec<f64>,
    pub height: Vec<f64>,
    slope: Vec<f64>,
}

impl Walk {
    /// Steps of -γ L′(x): each goes to the minimum of the parabola L(x₀) + (x - x₀) L′(x₀) + (x - x₀)² / 2γ.
    fn new(start: f64, rate: f64, steps: usize) -> Walk {
        let mut walk = Walk { rate, x: Vec::new(), height: Vec::new(), slope: Vec::new() };
        let mut x = Tensor::from(start);
        for _ in 0..=steps {
            let (height, slope) = value_and_grad(curve)(&x);
            walk.x.push(x.item());
            walk.height.push(height.item());
            walk.slope.push(slope.item());
            x = x - slope * rate;
        }
        walk
    }

    fn end(&self) -> f64 {
        self.x[self.x.len() - 1]
    }

    /// The parabola of a step at some place.
    pub fn surrogate(&self, step: usize, x: f64) -> f64 {
        let away = x - self.x[step];
        self.height[step] + away * self.slope[step] + away * away / (2.0 * self.rate)
    }
}

/// The minimum that Newton's method finds from a start near it.
fn minimum(start: f64) -> f64 {
    let slope = |x: &Tensor| grad(curve)(x);
    let mut x = Tensor::from(start);
    for _ in 0..30 {
        let (value, curvature) = jvp(slope, &x, &Tensor::from(1.0f64));
        x = Tensor::from((&x - value / curvature).item());
    }
    x.item()
}

pub(super) fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
    session.heading("One step after the other")?;
    session.say(
        "Around where it stands, gradient descent replaces the loss by a parabola with the same value and slope and \
         curvature 1/γ, and goes to its minimum: a step of -γ L′(x). Where it ends depends on where it begins; how it \
         goes depends on whether the parabola lies above the loss.",
    )?;
    let walks = [
        ("γ = 0.5 from -0.5", Walk::new(-0.5, 0.5, config.steps)),
        ("γ = 0.5 from 0.25", Walk::new(0.25, 0.5, config.steps)),
        ("γ = 1.3 from -2", Walk::new(-2.0, 1.3, config.steps)),
    ];
    let (local, global) = (minimum(-3.5), minimum(4.0));
    let heights = curve(&Tensor::from([local, global])).to_vec::<f64>();
    let curvature = jvp(|x: &Tensor| grad(curve)(x), &Tensor::from(local), &Tensor::from(1.0f64)).1.item();
    session.say(&format!(
        "The curve has a local minimum at {local:.3} (L = {:.3}) and its global one at {global:.3} (L = {:.3}). Steps \
         near the local minimum shrink only for γ below 2/L″ = {:.3}; with 1.3 they jump from side to side.",
        heights[0],
        heights[1],
        2.0 / curvature
    ))?;
    let rows = walks.iter().map(|(name, walk)| {
        let last = &walk.x[walk.x.len().saturating_sub(3)..];
        let last: Vec<String> = last.iter().map(|x| format!("{x:.3}")).collect();
        vec![(*name).to_owned(), last.join(", "), format!("{:.3}", walk.height[walk.height.len() - 1])]
    });
    session.table("Walks", &["walk", "last positions", "L at the end"], rows.collect())?;
    let [left, right, jumping] = [0, 1, 2].map(|index| &walks[index].1);
    session.result("distance from the local minimum, γ = 0.5 from -0.5", (left.end() - local).abs(), "0")?;
    session.result(
        "distance from the global minimum, γ = 0.5 from 0.25",
        (right.end() - global).abs(),
        "0",
    )?;
    let jump = (jumping.end() - jumping.x[jumping.x.len() - 2]).abs();
    session.result("last jump, γ = 1.3 from -2", jump, "does not shrink")?;
    figures::walks(session, &walks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walks_end_where_the_course_says() {
        let (left, right) = (Walk::new(-0.5, 0.5, 40), Walk::new(0.25, 0.5, 40));
        assert!((left.end() - minimum(-3.5)).abs() < 1e-6 && (right.end() - minimum(4.0)).abs() < 1e-6);
        let heights = curve(&Tensor::from([left.end(), right.end()])).to_vec::<f64>();
        assert!(heights[1] < heights[0]);
        let jumping = Walk::new(-2.0, 1.3, 40);
        assert!((jumping.end() - jumping.x[39]).abs() > 0.5 && jumping.end().abs() < 10.0);
    }

    #[test]
    fn a_step_goes_to_the_minimum_of_its_parabola() {
        let walk = Walk::new(-0.5, 0.5, 1);
        let [before, at, after] = [-1e-3, 0.0, 1e-3].map(|away| walk.surrogate(0, walk.x[1] + away));
        assert!(at < before && at < after && (walk.surrogate(0, walk.x[0]) - walk.height[0]).abs() < 1e-15);
    }
}
