//! Derivatives of derivatives, beside the formulas of calculus and the numbers of the course.

use bolete::prelude::*;

use super::{Config, figures};
use crate::session::Session;

pub(super) fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
    session.heading("Derivatives of derivatives")?;
    session.say(
        "`grad` takes a function and gives a function. So it can be applied to its own result: the derivative of order \
         three is grad of grad of grad.",
    )?;
    let count = (2.0 * config.reach / config.spacing).round().max(1.0) as usize;
    let x = Tensor::arange(count, DType::F64) * config.spacing - config.reach;
    let points = x.to_vec::<f64>();
    let curves = tower(&x).map(|curve| curve.to_vec::<f64>());
    session.figure(
        "tower",
        "Each curve is the gradient of the one before.",
        &figures::tower(&points, &curves),
    )?;
    let at_zero = tower(&Tensor::scalar(0.0, DType::F64)).map(|value| value.item());
    for (order, expected) in [(1, "1"), (2, "-0"), (3, "-2")] {
        session.result(&format!("derivative of tanh of order {order} at 0"), at_zero[order], expected)?;
    }
    let errors = points.iter().enumerate().flat_map(|(index, x)| {
        let exact = formulas(*x);
        (0..4).map(move |order| (order, index, exact[order]))
    });
    let worst = errors.map(|(order, index, exact)| (curves[order][index] - exact).abs()).fold(0.0, f64::max);
    session.result("largest difference to the formulas on the curves", worst, "near 1e-15")?;
    let slope = derivative(sigmoid)(&Tensor::scalar(0.0, DType::F64)).item();
    session.result("derivative of the logistic function at 0", slope, "0.25")?;
    let (value, slope) = check_value();
    session.say(&format!(
        "A function of two layers, sigmoid(w2 sigmoid(w1 x)) at x = -0.5, w1 = 0.25, w2 = -0.1: {value:.16}, and its derivative \
         by w1: {slope:.18}."
    ))?;
    session.result(
        "sigmoid(w2 sigmoid(w1 x)) at x = -0.5, w1 = 0.25, w2 = -0.1",
        value,
        "0.4882823801879445",
    )?;
    session.result("its derivative by w1", slope, "0.003111115091803311")
}

/// The derivative of a function that works element by element.
pub(super) fn derivative(function: impl Fn(&Tensor) -> Tensor) -> impl Fn(&Tensor) -> Tensor {
    move |x| grad(|x: &Tensor| function(x).sum(..))(x)
}

/// The derivatives of tanh of orders 0 to 3: each is the gradient of the one before.
pub(super) fn tower(x: &Tensor) -> [Tensor; 4] {
    let first = derivative(Tensor::tanh);
    let second = derivative(derivative(Tensor::tanh));
    let third = derivative(derivative(derivative(Tensor::tanh)));
    [x.tanh(), first(x), second(x), third(x)]
}

/// The same by the formulas of calculus.
fn formulas(x: f64) -> [f64; 4] {
    let t = x.tanh();
    let s = 1.0 - t * t;
    [t, s, -2.0 * t * s, s * (6.0 * t * t - 2.0)]
}

/// The logistic function as the course builds it.
fn sigmoid(x: &Tensor) -> Tensor {
    ((-x).exp() + 1.0).reciprocal()
}

/// The two-layer function of the course with its derivative by the first weight.
fn check_value() -> (f64, f64) {
    let [x, w1, w2] = [-0.5, 0.25, -0.1].map(|value| Tensor::scalar(value, DType::F64));
    let (value, slope) = value_and_grad(|w1: &Tensor| sigmoid(&(&w2 * sigmoid(&(w1 * &x)))))(&w1);
    (value.item(), slope.item())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn towers_are_those_of_calculus() {
        let points = [-3.0, -0.7, 0.0, 0.2, 4.0];
        let curves = tower(&Tensor::from(points)).map(|curve| curve.to_vec::<f64>());
        for (index, x) in points.into_iter().enumerate() {
            for (order, exact) in formulas(x).into_iter().enumerate() {
                assert!((curves[order][index] - exact).abs() < 4e-15, "order {order} at {x}");
            }
        }
        let second = tower(&Tensor::scalar(0.0, DType::F64))[2].item();
        assert!(second == 0.0 && second.is_sign_negative(), "the course prints -0");
    }

    #[test]
    fn numbers_of_the_course() {
        let (value, slope) = check_value();
        assert!(
            (value - 0.488_282_380_187_944_5).abs() < 1e-16
                && (slope - 0.003_111_115_091_803_311).abs() < 1e-17
        );
        assert!((derivative(sigmoid)(&Tensor::scalar(0.0, DType::F64)).item() - 0.25).abs() < 1e-16);
    }
}
