//! Trajectories of 100 updates by the rules that `optimisers` leaves out.

use bolete_nn::{
    Activation, AdaDeltaConfig, AdaGradConfig, AdaMaxConfig, AdafactorConfig, AdamConfig, AdamWConfig,
    Context, LambConfig, LinearConfig, LionConfig, Module, MuonConfig, NAdamConfig, Optimiser, RAdamConfig,
    RmsPropConfig, Sequential, SgdConfig, UpdateRule, WeightDecay, mean_squared_error,
};
use bolete_tensor::tree::LeafKind;
use bolete_tensor::{DType, Key, Step, Tensor, value_and_grad};
use serde_json::Value;

use crate::read::{assert_leaves_close, assert_numbers_close, file, numbers, tensor, with_leaves};

/// The network of the file as it starts.
fn start(file: &Value) -> Sequential {
    let key = Key::new(0);
    let network = Sequential::new([
        LinearConfig::new(3, 4).init(&key).into(),
        Activation::Tanh.into(),
        LinearConfig::new(4, 2).init(&key).into(),
    ]);
    with_leaves(&network, &file["start"], DType::F64)
}

/// Follows one run of the file with our rule, in a replayed step.
fn follow(name: &str, rule: impl UpdateRule) {
    follow_within(name, rule, 1e-7);
}

/// As [`follow`], for rules that need another tolerance.
fn follow_within(name: &str, rule: impl UpdateRule, tolerance: f64) {
    let file = file("rules");
    let (input, target) = (tensor(&file["input"], DType::F64), tensor(&file["target"], DType::F64));
    let mut network = start(&file);
    let mut optimiser = rule.init(&network);
    let mut step = Step::new(|(network, optimiser): (Sequential, _)| {
        let (loss, gradients) = value_and_grad(|network: &Sequential| {
            mean_squared_error(&network.forward(&input, &mut Context::evaluation()), &target)
        })(&network);
        let (network, optimiser): (Sequential, _) = Optimiser::update(optimiser, network, &gradients);
        (network, optimiser, loss)
    });
    let mut losses = Vec::new();
    for _ in 0..100 {
        let loss: Tensor;
        (network, optimiser, loss) = step.call((network, optimiser));
        losses.push(loss.item());
    }
    assert_eq!(step.traces(), 1, "{name}");
    assert_eq!(optimiser.updates().item(), 100.0, "{name}");
    let expected = &file["runs"][name];
    assert_numbers_close(&format!("{name}: losses"), &losses, &numbers(&expected["losses"]), tolerance);
    assert_leaves_close(name, &network, LeafKind::Param, &expected["parameters"], tolerance);
}

#[test]
fn dampened_gradient_descent() {
    let config = SgdConfig { learning_rate: 0.1, momentum: 0.9, dampening: 0.4, ..SgdConfig::default() };
    follow("sgd_dampening", SgdConfig { weight_decay: 0.01, ..config });
}

#[test]
fn adagrad_and_adadelta() {
    follow("adagrad", AdaGradConfig { learning_rate: 0.1, ..AdaGradConfig::default() });
    let weight_decay = WeightDecay::InGradient(0.03);
    follow(
        "adagrad_options",
        AdaGradConfig { learning_rate: 0.2, rate_decay: 0.02, initial: 0.3, epsilon: 1e-6, weight_decay },
    );
    follow("adadelta", AdaDeltaConfig::default());
    let weight_decay = WeightDecay::InGradient(0.02);
    follow("adadelta_options", AdaDeltaConfig { learning_rate: 2.0, rho: 0.8, epsilon: 1e-4, weight_decay });
}

#[test]
fn rmsprop() {
    let plain = RmsPropConfig::default();
    follow("rmsprop", plain);
    // Where gradients hardly change, the variance is a difference of nearly equal numbers, whose rounding grows from step
    // to step: the last bit of a starting weight moves the end by 1e-7.
    let centred = RmsPropConfig { alpha: 0.9, epsilon: 1e-4, centred: true, ..plain };
    follow_within("rmsprop_centred", centred, 1e-6);
    let weight_decay = WeightDecay::InGradient(0.02);
    follow("rmsprop_momentum", RmsPropConfig { learning_rate: 0.005, momentum: 0.8, weight_decay, ..plain });
    let both = RmsPropConfig { momentum: 0.5, centred: true, ..plain };
    follow("rmsprop_centred_momentum", RmsPropConfig { learning_rate: 0.003, epsilon: 1e-3, ..both });
}

#[test]
fn amsgrad() {
    let config =
        AdamConfig { learning_rate: 0.05, betas: [0.9, 0.9], amsgrad: true, ..AdamConfig::default() };
    follow("adam_amsgrad", AdamConfig { weight_decay: 0.01, ..config });
    let config =
        AdamWConfig { learning_rate: 0.05, betas: [0.9, 0.9], amsgrad: true, ..AdamWConfig::default() };
    follow("adamw_amsgrad", AdamWConfig { weight_decay: 0.1, ..config });
}

#[test]
fn nadam_radam_adamax() {
    let config = NAdamConfig { learning_rate: 0.02, ..NAdamConfig::default() };
    follow("nadam", config);
    let weight_decay = WeightDecay::Decoupled(0.1);
    follow("nadam_decoupled", NAdamConfig { momentum_decay: 0.02, weight_decay, ..config });
    follow("radam", RAdamConfig { learning_rate: 0.02, ..RAdamConfig::default() });
    let (betas, weight_decay) = ([0.8, 0.9], WeightDecay::InGradient(0.05));
    follow("radam_options", RAdamConfig { learning_rate: 0.03, betas, epsilon: 1e-5, weight_decay });
    follow("adamax", AdaMaxConfig { learning_rate: 0.02, ..AdaMaxConfig::default() });
    follow("adamax_options", AdaMaxConfig { learning_rate: 0.03, betas, epsilon: 1e-4, weight_decay });
}

#[test]
fn adafactor() {
    follow("adafactor", AdafactorConfig { learning_rate: 0.02, ..AdafactorConfig::default() });
    let options = AdafactorConfig {
        learning_rate: 0.2,
        decay: -0.6,
        epsilon: Some(1e-5),
        smallest: 1e-2,
        threshold: 1.1,
        weight_decay: 0.05,
    };
    follow("adafactor_options", options);
}

#[test]
fn lion() {
    follow("lion", LionConfig { learning_rate: 0.01, weight_decay: 0.1, ..LionConfig::default() });
}

#[test]
fn lamb() {
    let config = LambConfig { learning_rate: 0.02, ..LambConfig::default() };
    follow("lamb", config);
    follow("lamb_without_decay", LambConfig { weight_decay: 0.0, ..config });
}

#[test]
fn muon() {
    let config = MuonConfig { learning_rate: 0.02, other_rate: 0.3, ..MuonConfig::default() };
    follow("muon", MuonConfig { weight_decay: 0.1, ..config });
    follow("muon_heavy_ball", MuonConfig { nesterov: false, weight_decay: 0.0, ..config });
}
