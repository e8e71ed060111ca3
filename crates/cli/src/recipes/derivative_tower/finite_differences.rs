//! Finite differences, their best steps and their round-off.

use bolete::prelude::*;

use super::derivatives::derivative;
use super::{Config, figures};
use crate::session::Session;

/// Errors of finite differences for a list of steps.
pub(super) struct Differences {
    pub name: &'static str,
    pub steps: Vec<f64>,
    pub errors: Vec<f64>,
}

impl Differences {
    /// The step of the smallest error.
    fn best(&self) -> (f64, f64) {
        let pairs = self.steps.iter().copied().zip(self.errors.iter().copied());
        pairs.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((f64::NAN, f64::NAN))
    }

    /// The step of the smallest error once that of neighbours is averaged: single steps are lucky.
    fn typical_best(&self, width: usize) -> f64 {
        let smooth = self
            .errors
            .windows(width)
            .map(|window| window.iter().map(|error| error.max(1e-300).ln()).sum::<f64>());
        let place = smooth.enumerate().min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(place, _)| place);
        self.steps[place + width / 2]
    }
}

/// tanh' by differences of tanh, in this precision, one-sided or central.
fn differences(config: &Config, dtype: DType, name: &'static str, central: bool) -> Differences {
    let decades = if dtype == DType::F64 { 15 } else { 7 };
    let count = decades * config.steps_per_decade + 1;
    let steps = Tensor::logspace(0.0, -(decades as f64), count, 10.0, DType::F64);
    let x = Tensor::full([count], config.point, dtype);
    let after = (&x + steps.cast(dtype)).tanh();
    let difference = if central {
        (after - (&x - steps.cast(dtype)).tanh()).cast(DType::F64) / (&steps * 2.0)
    } else {
        (after - x.tanh()).cast(DType::F64) / &steps
    };
    let exact = derivative(Tensor::tanh)(&Tensor::full([1], config.point, DType::F64)).item();
    Differences { name, steps: steps.to_vec(), errors: (difference - exact).abs().to_vec() }
}

pub(super) fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
    session.heading("Finite differences")?;
    let all = [
        differences(config, DType::F64, "one-sided, f64", false),
        differences(config, DType::F64, "central, f64", true),
        differences(config, DType::F32, "one-sided, f32", false),
        differences(config, DType::F32, "central, f32", true),
    ];
    let expected = [
        f64::EPSILON.sqrt(),
        f64::EPSILON.cbrt(),
        f64::from(f32::EPSILON).sqrt(),
        f64::from(f32::EPSILON).cbrt(),
    ];
    let rows = all.iter().zip(expected).map(|(curve, expected)| {
        let numbers = [curve.best().1, curve.typical_best(config.steps_per_decade), expected];
        [curve.name.to_owned()].into_iter().chain(numbers.map(|number| format!("{number:.1e}"))).collect()
    });
    let title = format!("Derivative of tanh at {} by finite differences", config.point);
    let header =
        ["differences", "smallest error", "around step", "rule of thumb: root of ε (third root for central)"];
    session.table(&title, &header, rows.collect())?;
    session.figure(
        "differences",
        "The error of finite differences by their step.",
        &figures::differences(&all),
    )?;
    session.say(
        "With a large step the curve is not a line: the error falls with the step, or with its square for central \
         differences. With a small step two nearly equal numbers are subtracted, and their rounding is divided by the step. \
         Between the two there is a best step, and even there half of the digits are lost, a third for central differences. \
         Automatic differentiation has neither error.",
    )
}
