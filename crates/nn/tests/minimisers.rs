//! L-BFGS and line search on functions whose minima are known.

use bolete_nn::{Context, Linear, Module, cast_floats};
use bolete_nn::{Lbfgs, LinePoint, LinearConfig, WolfeSearch, mean_squared_error};
use bolete_tensor::{DType, Key, Tensor};

/// The two coordinates of a point.
fn parts(x: &Tensor) -> (Tensor, Tensor) {
    (x.narrow(0, 0, 1), x.narrow(0, 1, 1))
}

#[track_caller]
fn assert_finds(function: impl Fn(&Tensor) -> Tensor, start: [f64; 2], minimum: [f64; 2]) {
    let found = Lbfgs::default().minimise(&Tensor::from(start), function);
    let at = found.model.to_vec::<f64>();
    let distance = at.iter().zip(minimum).map(|(at, minimum)| (at - minimum).abs()).fold(0.0, f64::max);
    assert!(distance < 1e-8, "{found:?}");
    assert!(found.value < 1e-15 && found.slope < 1e-6, "{found:?}");
    assert!(found.iterations <= 100 && found.evaluations <= 200, "{found:?}");
}

#[test]
fn rosenbrock() {
    let valley = |x: &Tensor| {
        let (a, b) = parts(x);
        ((1.0 - &a).square() + (b - a.square()).square() * 100.0).sum(..)
    };
    for start in [[-1.2, 1.0], [0.0, 0.0], [3.0, -4.0], [-3.0, 8.0]] {
        assert_finds(valley, start, [1.0, 1.0]);
    }
}

#[test]
fn beale() {
    let function = |x: &Tensor| {
        let (a, b) = parts(x);
        let term = |constant: f64, power: f64| (constant - &a + &a * b.pow(power)).square();
        (term(1.5, 1.0) + term(2.25, 2.0) + term(2.625, 3.0)).sum(..)
    };
    for start in [[1.0, 1.0], [2.0, 0.2], [0.0, 0.0]] {
        assert_finds(function, start, [3.0, 0.5]);
    }
}

#[test]
fn least_squares_of_a_layer() {
    let (x, y) = (Key::new(1).normal([20, 4], DType::F64), Key::new(2).normal([20, 3], DType::F64));
    let layer = cast_floats(&LinearConfig::new(4, 3).init(&Key::new(0)), DType::F64);
    let loss = |layer: &Linear| mean_squared_error(&layer.forward(&x, &mut Context::evaluation()), &y);
    let found = Lbfgs::default().minimise(&layer, loss);
    // The normal equations: residuals are orthogonal to inputs and sum to zero.
    let residuals = found.model.forward(&x, &mut Context::evaluation()) - &y;
    assert!(x.t().matmul(&residuals).abs().max(..).item() < 1e-8);
    assert!(residuals.sum(0).abs().max(..).item() < 1e-8);
}

#[test]
fn a_minimum_stays() {
    let found = Lbfgs::default().minimise(&Tensor::from([2.0f64]), |x: &Tensor| (x - 2.0).square().sum(..));
    assert_eq!((found.iterations, found.evaluations), (0, 1));
    assert_eq!(found.model.to_vec::<f64>(), [2.0]);
}

/// Searches with several first steps and curvatures, and checks the strong conditions of Wolfe at what comes out.
#[track_caller]
fn assert_conditions(name: &str, line: impl Fn(f64) -> (f64, f64)) {
    let point = |step: f64| {
        let (value, slope) = line(step);
        LinePoint { step, value, slope }
    };
    let start = point(0.0);
    assert!(start.slope < 0.0, "{name} falls");
    for curvature in [0.9, 0.5, 0.1] {
        for first in [1e-3, 0.1, 1.0, 10.0, 1000.0] {
            let search = WolfeSearch { curvature, evaluations: 50, ..WolfeSearch::default() };
            let mut count = 0;
            let (found, evaluations) = search.search(start, first, |step| {
                count += 1;
                point(step)
            });
            assert_eq!(count, evaluations, "{name}");
            assert_eq!(found, point(found.step), "{name}");
            let case = format!("{name}, first step {first}, curvature {curvature}: {found:?}");
            assert!(found.step > 0.0, "{case}");
            assert!(found.value <= start.value + 1e-4 * found.step * start.slope, "{case}");
            assert!(found.slope.abs() <= -curvature * start.slope, "{case}");
        }
    }
}

#[test]
fn wolfe_conditions_hold() {
    assert_conditions("a parabola", |t| ((t - 3.0).powi(2), 2.0 * (t - 3.0)));
    assert_conditions("a quartic", |t| ((t - 1.0).powi(4) - t, 4.0 * (t - 1.0).powi(3) - 1.0));
    // Moré and Thuente 1994, equation 5.1 with β = 2.
    assert_conditions("a valley that flattens", |t| {
        (-t / (t * t + 2.0), (t * t - 2.0) / (t * t + 2.0).powi(2))
    });
    assert_conditions("an exponential", |t| (t.exp() - 3.0 * t, t.exp() - 3.0));
    assert_conditions("a wall", |t| {
        if t < 2.0 { (-t - (2.0 - t).ln() * 0.1, -1.0 + 0.1 / (2.0 - t)) } else { (f64::INFINITY, f64::NAN) }
    });
}

#[test]
fn an_endless_descent_ends_with_the_lowest_point() {
    let line = |step: f64| LinePoint { step, value: -step, slope: -1.0 };
    let (found, evaluations) = WolfeSearch::default().search(line(0.0), 1.0, line);
    assert_eq!((found.step, evaluations), (2f64.powi(24), 25));
}
