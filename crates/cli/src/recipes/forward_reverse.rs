//! `forward_reverse`: what a Jacobian costs by forward and by reverse accumulation.
//!
//! For a chain of layers with sizes n_0, …, n_t, forward accumulation multiplies n_0 columns by each layer's matrix and
//! needs n_0 Σ n_k n_{k+1} multiply-adds; reverse accumulation multiplies n_t rows and needs n_t Σ n_k n_{k+1}.

use std::time::{Duration, Instant};

use bolete::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::recipe::{Entry, Group, Recipe, Setting};
use crate::session::Session;

/// The configuration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Decides the weights and the point.
    seed: u64,
    /// Numbers of inputs and of outputs; each is combined with each.
    sizes: Vec<usize>,
    /// Sizes of the layers between them.
    hidden: Vec<usize>,
    /// Outputs of the networks whose inputs grow.
    #[schemars(range(min = 1, max = 65536))]
    outputs: usize,
    /// Least milliseconds for which each Jacobian is computed again and again; the median counts.
    #[schemars(range(min = 0, max = 100000))]
    milliseconds: u64,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            seed: 0,
            sizes: vec![1, 4, 16, 64, 256, 1024],
            hidden: vec![256, 256, 256],
            outputs: 64,
            milliseconds: 60,
        }
    }
}

/// A chain of layers, tanh(W x) each: `[n_0]` to `[n_t]`.
struct Chain {
    sizes: Vec<usize>,
    weights: Vec<Tensor>,
    point: Tensor,
}

impl Chain {
    fn new(key: &Key, sizes: Vec<usize>) -> Chain {
        let keys = key.split_many(sizes.len());
        let key = |index: usize| Key::from_tensor(keys.narrow(0, index, 1).squeeze(0));
        let layers = sizes.windows(2).enumerate().map(|(index, pair)| {
            key(index).normal([pair[1], pair[0]], DType::F32) * (1.0 / pair[0] as f64).sqrt()
        });
        let weights: Vec<Tensor> = layers.collect();
        let point = key(sizes.len() - 1).normal([sizes[0]], DType::F32);
        eval(weights.iter().chain([&point]));
        Chain { sizes, weights, point }
    }

    fn value(&self, x: &Tensor) -> Tensor {
        self.weights.iter().fold(x.clone(), |x, weight| weight.matmul(&x).tanh())
    }

    /// Multiply-adds of one pass of one column or row through all layers.
    fn products(&self) -> usize {
        self.sizes.windows(2).map(|pair| pair[0] * pair[1]).sum()
    }

    /// Multiply-adds of forward accumulation by the formula.
    fn forward(&self) -> usize {
        self.sizes[0] * self.products()
    }

    /// Multiply-adds of reverse accumulation by the formula.
    fn reverse(&self) -> usize {
        self.sizes[self.sizes.len() - 1] * self.products()
    }
}

/// What a Jacobian costs.
#[derive(Clone, Copy)]
struct Cost {
    /// Floating-point operations of the plan's matrix products.
    operations: usize,
    seconds: f64,
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
struct Measured {
    inputs: usize,
    outputs: usize,
    forward: Cost,
    reverse: Cost,
    /// Operations by the formulas, two per multiply-add.
    formulas: [usize; 2],
    /// The largest difference between the two Jacobians beside the largest entry.
    difference: f64,
}

fn measure(config: &Config, inputs: usize, outputs: usize) -> Measured {
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
fn adjointness(config: &Config) -> f64 {
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

/// The recipe.
pub struct ForwardReverse;

impl Recipe for ForwardReverse {
    type Config = Config;

    const ENTRY: Entry = Entry {
        name: "forward_reverse",
        about: "the Jacobian by forward and reverse accumulation: operations and time over input and output sizes",
        group: Group::Lecture(3),
        expected: "",
        time: "",
    };

    fn config(setting: Setting) -> Config {
        let whole = Config::default();
        match setting {
            Setting::Full => whole,
            Setting::Quick => Config { milliseconds: 20, ..whole },
            Setting::Smoke => {
                Config { sizes: vec![1, 8], hidden: vec![16, 16], outputs: 4, milliseconds: 0, ..whole }
            }
        }
    }

    fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
        let allowed =
            |sizes: &[usize]| !sizes.is_empty() && sizes.iter().all(|size| (1..=65536).contains(size));
        anyhow::ensure!(
            allowed(&config.sizes),
            "sizes: from 1 to 65536 each, at least one, not {:?}",
            config.sizes
        );
        anyhow::ensure!(
            config.hidden.is_empty() || allowed(&config.hidden),
            "hidden: from 1 to 65536 each, not {:?}",
            config.hidden
        );
        session.heading("Forward and reverse accumulation")?;
        session.say(&format!(
            "The Jacobian of a chain of layers tanh(W x) with {:?} units between n inputs and m outputs. Forward mode \
             pushes n columns through the chain, reverse mode pulls m rows back; the formulas are n Σ n_k n_(k+1) and \
             m Σ n_k n_(k+1) multiply-adds, of two operations each.",
            config.hidden
        ))?;
        let mut all = Vec::new();
        for inputs in &config.sizes {
            for outputs in &config.sizes {
                session.progress(&format!("{inputs} inputs, {outputs} outputs"))?;
                all.push(measure(config, *inputs, *outputs));
            }
        }
        let mut growing = Vec::new();
        for inputs in &config.sizes {
            session.progress(&format!("{inputs} inputs, {} outputs", config.outputs))?;
            growing.push(measure(config, *inputs, config.outputs));
        }
        let million = |operations: usize| format!("{:.3}", operations as f64 / 1e6);
        let rows = growing.iter().map(|found| {
            vec![
                found.inputs.to_string(),
                million(found.formulas[0]),
                million(found.forward.operations),
                million(found.formulas[1]),
                million(found.reverse.operations),
                format!("{:.3}", found.forward.seconds * 1e3),
                format!("{:.3}", found.reverse.seconds * 1e3),
            ]
        });
        session.table(
            &format!("{} outputs: million operations by formula and by plan, milliseconds", config.outputs),
            &["inputs", "forward, formula", "plan", "reverse, formula", "plan", "forward, ms", "reverse, ms"],
            rows.collect(),
        )?;
        results(config, session, &all, &growing)
    }
}

fn results(
    config: &Config,
    session: &mut Session,
    all: &[Measured],
    growing: &[Measured],
) -> anyhow::Result<()> {
    let far: Vec<&Measured> = all.iter().filter(|found| found.inputs != found.outputs).collect();
    let right = far
        .iter()
        .filter(|found| (found.forward.seconds < found.reverse.seconds) == (found.inputs < found.outputs));
    let part = right.count() as f64 / far.len().max(1) as f64;
    session.result(
        "part of the sizes at which the mode with fewer passes is faster",
        part,
        "most of them",
    )?;
    // Beside the passes there is the value itself and what is done element by element.
    let excess = growing.iter().flat_map(|found| {
        let plan = [found.forward.operations, found.reverse.operations];
        plan.into_iter().zip(found.formulas).map(|(plan, formula)| plan as f64 / formula as f64)
    });
    let excess: Vec<f64> = excess.collect();
    session.result(
        "operations of the plan beside the formula, at most",
        excess.iter().copied().fold(0.0, f64::max),
        "",
    )?;
    session.result(
        "operations of the plan beside the formula, at least",
        excess.into_iter().fold(f64::INFINITY, f64::min),
        "",
    )?;
    let difference = all.iter().map(|found| found.difference).fold(0.0, f64::max);
    session.result("largest difference between both Jacobians (f32)", difference, "near 1e-6")?;
    session.result("u · (J v) beside (Jᵀ u) · v, relative (f64)", adjointness(config), "near 1e-15")?;
    session.say(
        "With fewer inputs than outputs forward mode is cheaper, otherwise reverse mode. A loss has one output and a \
         network millions of inputs: that is why training goes backwards.",
    )
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
