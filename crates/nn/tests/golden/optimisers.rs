//! Trajectories of 100 updates.

use bolete_nn::{
    Activation, AdamConfig, AdamWConfig, Context, LinearConfig, Module, Optimiser, Schedule, Sequential,
    SgdConfig, UpdateRule, clip_by_global_norm, mean_squared_error,
};
use bolete_tensor::tree::LeafKind;
use bolete_tensor::{DType, Key, value_and_grad};
use serde_json::Value;

use crate::read::{assert_leaves_close, assert_numbers_close, file, numbers, tensor, with_leaves};

/// Follows one run of the file with our optimiser.
fn follow<O: Optimiser>(
    file: &Value,
    name: &str,
    init: impl Fn(&Sequential) -> O,
    clip: Option<f64>,
    rate: Option<(f64, Schedule)>,
) {
    let key = Key::new(0);
    let network = Sequential::new([
        LinearConfig::new(3, 4).init(&key).into(),
        Activation::Tanh.into(),
        LinearConfig::new(4, 2).init(&key).into(),
    ]);
    let mut network = with_leaves(&network, &file["start"], DType::F64);
    let (input, target) = (tensor(&file["input"], DType::F64), tensor(&file["target"], DType::F64));
    let mut optimiser = init(&network);
    let (mut losses, mut norms, mut rates) = (Vec::new(), Vec::new(), Vec::new());
    for step in 0..100 {
        let (loss, mut gradients) = value_and_grad(|network: &Sequential| {
            mean_squared_error(&network.forward(&input, &mut Context::evaluation()), &target)
        })(&network);
        losses.push(loss.item());
        if let Some(clip) = clip {
            let norm;
            (gradients, norm) = clip_by_global_norm(gradients, clip);
            norms.push(norm.item());
        }
        if let Some((first, schedule)) = &rate {
            optimiser = optimiser.with_learning_rate(first * schedule.factor(step));
            rates.push(optimiser.learning_rate().item());
        }
        (network, optimiser) = optimiser.update(network, &gradients);
    }
    let expected = &file["runs"][name];
    assert_eq!(optimiser.updates().item(), 100.0, "{name}");
    assert_numbers_close(&format!("{name}: rates"), &rates, &numbers(&expected["rates"]), 1e-12);
    assert_numbers_close(&format!("{name}: norms"), &norms, &numbers(&expected["norms"]), 1e-6);
    assert_numbers_close(&format!("{name}: losses"), &losses, &numbers(&expected["losses"]), 1e-6);
    assert_leaves_close(name, &network, LeafKind::Param, &expected["parameters"], 1e-6);
}

#[test]
fn gradient_descent() {
    let file = file("optimisers");
    let run = |name, config: SgdConfig| follow(&file, name, |model| config.init(model), None, None);
    let momentum = SgdConfig { learning_rate: 0.05, momentum: 0.9, ..SgdConfig::default() };
    run("sgd", SgdConfig { learning_rate: 0.1, ..SgdConfig::default() });
    run("sgd_weight_decay", SgdConfig { learning_rate: 0.1, weight_decay: 0.05, ..SgdConfig::default() });
    run("momentum", momentum);
    run("nesterov", SgdConfig { nesterov: true, weight_decay: 0.01, ..momentum });
}

#[test]
fn adam() {
    let file = file("optimisers");
    let plain = AdamConfig { learning_rate: 0.02, ..AdamConfig::default() };
    let decayed = AdamConfig { betas: [0.8, 0.99], epsilon: 1e-6, weight_decay: 0.05, ..plain };
    let decoupled = AdamWConfig { learning_rate: 0.02, weight_decay: 0.1, ..AdamWConfig::default() };
    follow(&file, "adam", |model| plain.init(model), None, None);
    follow(&file, "adam_weight_decay", |model| decayed.init(model), None, None);
    follow(&file, "adamw", |model| decoupled.init(model), None, None);
}

#[test]
fn clipped() {
    let config = SgdConfig { learning_rate: 0.1, momentum: 0.9, ..SgdConfig::default() };
    follow(&file("optimisers"), "clipped", |model| config.init(model), Some(0.3), None);
}

#[test]
fn scheduled() {
    let file = file("optimisers");
    let cosine = Schedule::Cosine { warm_up: 10, total: 90, last: 0.1 };
    let halving = Schedule::Step { every: 30, factor: 0.5 };
    follow(&file, "cosine", |model| AdamWConfig::default().init(model), None, Some((0.05, cosine)));
    follow(&file, "step", |model| SgdConfig::default().init(model), None, Some((0.2, halving)));
}
