//! `derivative_tower`: derivatives of derivatives, the graphs that they leave, and finite differences beside them.

mod figures;

use bolete::formats::atomic;
use bolete::prelude::*;
use bolete::tensor::graph::print;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::recipe::{Entry, Group, Recipe, Setting};
use crate::session::Session;

/// The configuration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Nothing is random here; every recipe has one.
    seed: u64,
    /// Curves go from minus this to this.
    #[schemars(range(min = 0.1, max = 100.0))]
    reach: f64,
    /// Distance between the points of a curve.
    #[schemars(range(min = 0.0001, max = 10.0))]
    spacing: f64,
    /// Where finite differences are compared with the derivative.
    #[schemars(range(min = -20.0, max = 20.0))]
    point: f64,
    /// Steps of finite differences per power of ten.
    #[schemars(range(min = 1, max = 100))]
    steps_per_decade: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config { seed: 0, reach: 5.0, spacing: 0.1, point: 0.5, steps_per_decade: 8 }
    }
}

/// The derivative of a function that works element by element.
fn derivative(function: impl Fn(&Tensor) -> Tensor) -> impl Fn(&Tensor) -> Tensor {
    move |x| grad(|x: &Tensor| function(x).sum(..))(x)
}

/// The derivatives of tanh of orders 0 to 3: each is the gradient of the one before.
fn tower(x: &Tensor) -> [Tensor; 4] {
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

/// Errors of finite differences for a list of steps.
struct Differences {
    name: &'static str,
    steps: Vec<f64>,
    errors: Vec<f64>,
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

/// The recipe.
pub struct DerivativeTower;

impl Recipe for DerivativeTower {
    type Config = Config;

    const ENTRY: Entry = Entry {
        name: "derivative_tower",
        about: "derivatives of tanh of orders 1 to 3, the graphs they leave, and the round-off of finite differences",
        group: Group::Lecture(3),
        expected: "1, -0, -2 at 0; errors to the formulas of 5e-16; finite differences in f64 at best 4e-9 (one-sided), 3e-13 (central)",
        time: "1 s",
    };

    fn config(setting: Setting) -> Config {
        match setting {
            Setting::Full | Setting::Quick => Config::default(),
            Setting::Smoke => Config { spacing: 1.0, steps_per_decade: 1, ..Config::default() },
        }
    }

    fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
        derivatives(config, session)?;
        graphs(session)?;
        finite_differences(config, session)
    }
}

fn derivatives(config: &Config, session: &mut Session) -> anyhow::Result<()> {
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

/// The two-layer function of the course with its derivative by the first weight.
fn check_value() -> (f64, f64) {
    let [x, w1, w2] = [-0.5, 0.25, -0.1].map(|value| Tensor::scalar(value, DType::F64));
    let (value, slope) = value_and_grad(|w1: &Tensor| sigmoid(&(&w2 * sigmoid(&(w1 * &x)))))(&w1);
    (value.item(), slope.item())
}

fn graphs(session: &mut Session) -> anyhow::Result<()> {
    session.heading("The graphs")?;
    // Pending: what is drawn has not been computed yet.
    let towers = tower(&Tensor::from([0.5f64]));
    let graphs = towers.each_ref().map(|tensor| print::nodes(&[tensor]));
    let rows = graphs.iter().enumerate().map(|(order, nodes)| {
        let edges: usize = nodes.iter().map(|node| node.inputs.len()).sum();
        vec![order.to_string(), nodes.len().to_string(), edges.to_string()]
    });
    session.table("The graph that computes each order", &["order", "nodes", "edges"], rows.collect())?;
    session.preformatted("The graph of the first derivative", &print::tree(&towers[1]))?;
    for (order, nodes) in graphs.iter().enumerate().skip(1) {
        let title = format!("The graph of the derivative of order {order}: {} nodes", nodes.len());
        let caption = "Values flow downwards. The same for Graphviz is in the run folder.";
        session.figure(&format!("graph_{order}"), caption, &figures::graph(&title, nodes))?;
        let file = session.run().path().join(format!("graph_{order}.dot"));
        let text = print::dot(&[&towers[order]]);
        atomic::write(&file, |out| out.write_all(text.as_bytes()))?;
    }
    session.say(
        "The backward pass is recorded like everything else, as nodes that the next derivative goes through. Each order \
         differentiates all of the one before, so the graphs grow; what both passes share is there once.",
    )
}

fn finite_differences(config: &Config, session: &mut Session) -> anyhow::Result<()> {
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

    #[test]
    fn graphs_grow() {
        let towers = tower(&Tensor::from([0.5f64]));
        let sizes = towers.each_ref().map(|tensor| print::nodes(&[tensor]).len());
        assert!(sizes.windows(2).all(|pair| pair[0] < pair[1]), "{sizes:?}");
    }
}
