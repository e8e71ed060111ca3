//! What the Jacobian of a chain costs by both modes, and whether they agree.

use std::time::{Duration, Instant};

use bolete::prelude::*;

use super::Config;
use super::chain::Chain;

/// What a Jacobian costs.
#[derive(Clone, Copy)]
pub(super) struct Cost {
    /// Floating-point operations of the plan's matrix products.
    pub operations: usize,
    pub seconds: f64,
}

fn cost(function: impl Fn(&Tensor) -> Tensor, point: &Tensor, least: Duration) -> (Cost, Tensor) {
    let mut step = Step::new(|x: Tensor| function(&x));
    let value = step.call(point.clone());
    let mut times = Vec::new();
    let begin = Instant::now();
    while times.len() < 3 || begin.elapsed() < least {
        let before = Instant::now();
        step.call(point.clone());
        times.push(before.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    let operations = step.report().map_or(0, |report| report.operations);
    (Cost { operations, seconds: times[times.len() / 2] }, value)
}

/// A chain with the costs of its Jacobian by both modes.
pub(super) struct Measured {
    pub inputs: usize,
    pub outputs: usize,
    pub forward: Cost,
    pub reverse: Cost,
    /// Operations by the formulas, two per multiply-add.
    pub formulas: [usize; 2],
    /// The largest difference between the two Jacobians beside the largest entry.
    pub difference: f64,
}

/// Both Jacobians of a chain with so many inputs and outputs.
pub(super) fn measure(config: &Config, inputs: usize, outputs: usize) -> Measured {
    let sizes = [vec![inputs], config.hidden.clone(), vec![outputs]].concat();
    let chain = Chain::new(&Key::new(config.seed), sizes);
    let least = Duration::from_millis(config.milliseconds);
    let (forward, by_columns) =
        cost(|x| jacobian_forward(|x: &Tensor| chain.value(x))(x), &chain.point, least);
    let (reverse, by_rows) = cost(|x| jacobian_reverse(|x: &Tensor| chain.value(x))(x), &chain.point, least);
    let largest = by_rows.abs().max(..).item();
    let difference = (by_columns - by_rows).abs().max(..).item() / largest;
    let formulas = [2 * chain.forward(), 2 * chain.reverse()];
    Measured { inputs, outputs, forward, reverse, formulas, difference }
}

/// How far u · (J v) and (Jᵀ u) · v are apart, beside their size, for random u and v.
pub(super) fn adjointness(config: &Config) -> f64 {
    let chain = Chain::new(&Key::new(config.seed), [vec![30], config.hidden.clone(), vec![20]].concat());
    let [left, right] = Key::new(config.seed + 1).split();
    let (u, v) = (left.normal([20], DType::F64), right.normal([30], DType::F64));
    let weights: Vec<Tensor> = chain.weights.iter().map(|weight| weight.cast(DType::F64)).collect();
    let chain = Chain { weights, ..chain };
    let point = chain.point.cast(DType::F64);
    let (_, along) = jvp(|x: &Tensor| chain.value(x), &point, &v);
    let (_, pull) = vjp(|x: &Tensor| chain.value(x), &point);
    let (one, other) = ((u.clone() * along).sum(..).item(), (pull(&u) * v).sum(..).item());
    (one - other).abs() / one.abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_agree_and_operations_follow_the_formulas() {
        let config = Config { hidden: vec![32, 32], milliseconds: 0, ..Config::default() };
        assert!(adjointness(&config) < 1e-12);
        let (wide, tall) = (measure(&config, 48, 6), measure(&config, 6, 48));
        assert!(wide.difference < 1e-5 && tall.difference < 1e-5);
        assert!(wide.reverse.operations < wide.forward.operations);
        assert!(tall.forward.operations < tall.reverse.operations);
        for found in [wide, tall] {
            let plan = [found.forward.operations, found.reverse.operations];
            for (plan, formula) in plan.into_iter().zip(found.formulas) {
                let ratio = plan as f64 / formula as f64;
                assert!((0.5..2.0).contains(&ratio), "{plan} operations, {formula} by the formula");
            }
        }
    }
}
