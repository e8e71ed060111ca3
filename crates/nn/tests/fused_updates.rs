//! An update of a parameter is one pass over its memory.

use bolete_nn::{
    AdaDeltaConfig, AdaGradConfig, AdaMaxConfig, AdamConfig, AdamWConfig, LionConfig, NAdamConfig, Optimiser,
    RAdamConfig, RmsPropConfig, SgdConfig, UpdateRule,
};
use bolete_tensor::{DType, Key, Step, Tensor};

/// Elements of the parameter.
const ELEMENTS: usize = 256 * 256;

/// Checks that one kernel alone touches as much as the parameter has, and that it reads value, gradient and `memories`, and
/// writes value and `memories`, each once.
#[track_caller]
fn one_pass(rule: impl UpdateRule, memories: usize) {
    let [first, second] = Key::new(0).split();
    let (value, gradient) = (first.normal([256, 256], DType::F32), second.normal([256, 256], DType::F32));
    let optimiser = rule.init(&value);
    let mut step = Step::new(|(value, optimiser, gradient): (Tensor, _, Tensor)| {
        Optimiser::update(optimiser, value, &gradient)
    });
    let _ = step.call((value, optimiser, gradient));
    let report = step.report().expect("it has run");
    let large: Vec<_> = report.kernels.iter().filter(|kernel| kernel.bytes >= 4 * ELEMENTS).collect();
    assert_eq!(large.len(), 1, "{report}");
    let least = 4 * ELEMENTS * (2 + memories + 1 + memories);
    let bytes = large[0].bytes;
    assert!((least..least + 1000).contains(&bytes), "{bytes} bytes, at least {least}\n{report}");
    assert!(report.bytes_moved < least + 2000, "{report}");
    assert!(report.arena_bytes < ELEMENTS, "{report}");
}

#[test]
fn gradient_descent() {
    one_pass(SgdConfig::default(), 0);
    one_pass(SgdConfig { momentum: 0.9, ..SgdConfig::default() }, 1);
    one_pass(SgdConfig { momentum: 0.9, nesterov: true, weight_decay: 0.1, ..SgdConfig::default() }, 1);
}

#[test]
fn adam_and_its_relatives() {
    one_pass(AdamConfig::default(), 2);
    one_pass(AdamConfig { amsgrad: true, weight_decay: 0.1, ..AdamConfig::default() }, 3);
    one_pass(AdamWConfig::default(), 2);
    one_pass(NAdamConfig::default(), 2);
    one_pass(RAdamConfig::default(), 2);
    one_pass(AdaMaxConfig::default(), 2);
}

#[test]
fn others() {
    one_pass(LionConfig { weight_decay: 0.1, ..LionConfig::default() }, 1);
    one_pass(RmsPropConfig::default(), 1);
    one_pass(RmsPropConfig { centred: true, momentum: 0.9, ..RmsPropConfig::default() }, 3);
    one_pass(AdaGradConfig::default(), 1);
    one_pass(AdaDeltaConfig::default(), 2);
}
