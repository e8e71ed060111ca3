//! Three ways to pull weights toward zero, compared weight by weight.

use bolete::nn::{Decayed, cast_floats};
use bolete::prelude::*;

use super::{Config, figures};
use crate::session::Session;
use crate::trial::{Labelled, Laboratory, Plan, VectorDigits};

/// ½ Σ θ² of all parameters.
pub fn half_square<M: Tree>(model: &M) -> Tensor {
    let squares: Vec<Tensor> = model.leaves().iter().map(|leaf| leaf.square().sum(..)).collect();
    Tensor::stack(&squares, 0).sum(..) * 0.5
}

/// How far two models are apart: the norm of the difference over the norm of the first.
fn apart<M: Tree>(a: &M, b: &M) -> f64 {
    let (mut difference, mut whole) = (0.0, 0.0);
    for (a, b) in a.leaves().iter().zip(b.leaves()) {
        difference += (a - &b).square().sum(..).item();
        whole += a.square().sum(..).item();
    }
    (difference / whole).sqrt()
}

/// What came of one optimiser.
#[derive(Clone, Copy, Debug)]
pub struct Comparison {
    /// The penalty λ/2 ‖θ‖² in the loss against λθ added to the gradient.
    pub penalty_and_gradient: f64,
    /// The penalty against θ ← θ − ηλθ beside the update.
    pub penalty_and_decoupled: f64,
}

/// Trains a linear classifier in `f64` from the same start in the same order with each form of decay.
fn compare<R: UpdateRule + 'static>(rule: R, decay: f64, steps: u64, digits: &VectorDigits) -> Comparison {
    let double =
        |items: &Labelled| Labelled { inputs: items.inputs.cast(DType::F64), labels: items.labels.clone() };
    let (train, test) = (double(&digits.train), double(&digits.test));
    let start = cast_floats(&LinearConfig::new(784, 10).init(&Key::new(0)), DType::F64);
    let plan = Plan { steps, batch: 50, seed: 0, every: steps, score_training: false };
    let end = |pull: WeightDecay, penalty: f64| {
        let mut laboratory = Laboratory::new(&train, &test, move |model: &Linear| {
            (penalty > 0.0).then(|| half_square(model) * penalty)
        });
        let optimiser = Decayed { rule: rule.clone(), decay: pull }.init(&start);
        laboratory.train(start.clone(), optimiser, plan, |_| 1.0, |_, _| ()).model
    };
    let penalised = end(WeightDecay::InGradient(0.0), decay);
    let in_gradient = end(WeightDecay::InGradient(decay), 0.0);
    let decoupled = end(WeightDecay::Decoupled(decay), 0.0);
    Comparison {
        penalty_and_gradient: apart(&penalised, &in_gradient),
        penalty_and_decoupled: apart(&penalised, &decoupled),
    }
}

/// Tells what came of three optimisers.
pub fn run(config: &Config, session: &mut Session, digits: &VectorDigits) -> anyhow::Result<()> {
    let Config { decay, compared: steps, .. } = *config;
    let sgd = SgdConfig { learning_rate: 0.01, ..SgdConfig::default() };
    let adam = AdamConfig { learning_rate: 1e-3, ..AdamConfig::default() };
    let all: [(&str, &str, Comparison); 3] = [
        ("SGD", "0 up to rounding", compare(sgd, decay, steps, digits)),
        ("SGD with momentum 0.9", "not 0", compare(SgdConfig { momentum: 0.9, ..sgd }, decay, steps, digits)),
        ("Adam", "not 0", compare(adam, decay, steps, digits)),
    ];
    let row = |(name, _, found): &(&str, &str, Comparison)| {
        vec![
            (*name).to_owned(),
            format!("{:.1e}", found.penalty_and_gradient),
            format!("{:.1e}", found.penalty_and_decoupled),
        ]
    };
    let header = ["optimiser", "penalty and λθ in the gradient", "penalty and decoupled"];
    let rows = all.iter().map(row).collect();
    session.table("Relative distance of the weights after training", &header, rows)?;
    session.figure("forms", "Bars at 10⁻¹⁶ are rounding.", &figures::forms(&all))?;
    for (name, expected, found) in all {
        let title = format!("{name}: penalty against decoupled decay, relative distance");
        session.result(&title, found.penalty_and_decoupled, expected)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_for_sgd_and_not_for_adam() {
        let digits = VectorDigits::load(None, 200, 20, 0).unwrap();
        let sgd = compare(SgdConfig { learning_rate: 0.1, ..SgdConfig::default() }, 0.1, 20, &digits);
        assert!(sgd.penalty_and_gradient < 1e-13 && sgd.penalty_and_decoupled < 1e-13, "{sgd:?}");
        let adam = compare(AdamConfig { learning_rate: 0.01, ..AdamConfig::default() }, 0.1, 20, &digits);
        assert!(adam.penalty_and_gradient < 1e-9 && adam.penalty_and_decoupled > 0.01, "{adam:?}");
    }
}
