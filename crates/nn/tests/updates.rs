//! What holds of every rule: zeros, empty tensors, and parameters in half precision.

use bolete_nn::{
    AdaDeltaConfig, AdaGradConfig, AdaMaxConfig, AdafactorConfig, AdamConfig, AdamWConfig, LambConfig,
    LionConfig, MuonConfig, NAdamConfig, Optimiser, RAdamConfig, RmsPropConfig, SgdConfig, UpdateRule,
};
use bolete_tensor::tree::TreeExt;
use bolete_tensor::{DType, Key, Tensor};

/// Calls a generic function of a name and a rule with each.
macro_rules! for_each_rule {
    ($check:ident) => {
        $check("Sgd", SgdConfig { momentum: 0.9, ..SgdConfig::default() });
        $check("AdaGrad", AdaGradConfig::default());
        $check("AdaDelta", AdaDeltaConfig::default());
        $check("RmsProp", RmsPropConfig { centred: true, momentum: 0.9, ..RmsPropConfig::default() });
        $check("Adam", AdamConfig { amsgrad: true, ..AdamConfig::default() });
        $check("AdamW", AdamWConfig::default());
        $check("NAdam", NAdamConfig::default());
        $check("RAdam", RAdamConfig::default());
        $check("AdaMax", AdaMaxConfig::default());
        $check("Adafactor", AdafactorConfig::default());
        $check("Lion", LionConfig::default());
        $check("Lamb", LambConfig::default());
        $check("Muon", MuonConfig::default());
    };
}

/// Parameters of each rank that rules tell apart.
fn model(dtype: DType) -> (Tensor, Tensor, Tensor, Tensor) {
    let draw = |number: u64, shape: &[usize]| Key::new(number).normal(shape.to_vec(), DType::F32).cast(dtype);
    (draw(0, &[]), draw(1, &[5]), draw(2, &[4, 3]), draw(3, &[2, 3, 2, 2]))
}

fn update<R: UpdateRule>(rule: &R, dtype: DType, updates: u64) -> Vec<Vec<f64>> {
    let mut model = model(dtype);
    let mut optimiser = rule.init(&model);
    for _ in 0..updates {
        let gradients = model.map(|leaf| (leaf * 2.0).sin());
        (model, optimiser) = optimiser.update(model, &gradients);
    }
    let memory = optimiser.named_leaves();
    assert!(memory.iter().all(|leaf| !leaf.tensor.dtype().is_half()), "what is remembered is not rounded");
    assert!(model.leaves().iter().all(|leaf| leaf.dtype() == dtype));
    model.leaves().iter().map(|leaf| leaf.cast(DType::F64).to_vec()).collect()
}

#[test]
fn zeros_stay_finite() {
    fn check(name: &str, rule: impl UpdateRule) {
        let mut model = model(DType::F32).map(Tensor::zeros_like);
        let mut optimiser = rule.init(&model);
        for scale in [0.0, 0.0, 1.0] {
            let gradients = model.map(|leaf| leaf.full_like(scale));
            (model, optimiser) = optimiser.update(model, &gradients);
            for leaf in model.named_leaves() {
                let largest = leaf.tensor.abs().max(..).item();
                assert!(largest.is_finite(), "{name}: {} after a gradient of {scale}", leaf.path);
                assert_eq!(largest > 0.0, scale > 0.0, "{name}: {}", leaf.path);
            }
        }
    }
    for_each_rule!(check);
}

#[test]
fn empty_parameters_are_left_alone() {
    fn check(name: &str, rule: impl UpdateRule) {
        let model =
            (Tensor::zeros([0], DType::F32), Tensor::zeros([0, 3], DType::F32), Tensor::from([1.0f32]));
        let optimiser = rule.init(&model);
        let (next, _) = optimiser.update(model.clone(), &model.map(Tensor::ones_like));
        assert_eq!(next.0.shape(), model.0.shape(), "{name}");
        assert_eq!(next.1.to_vec::<f32>(), [], "{name}");
        assert!(next.2.to_vec::<f32>()[0] < 1.0, "{name}");
    }
    for_each_rule!(check);
}

#[test]
fn half_precision_is_updated_in_single() {
    fn check(name: &str, rule: impl UpdateRule) {
        let [single, half] = [DType::F32, DType::BF16].map(|dtype| update(&rule, dtype, 3));
        for (single, half) in single.iter().flatten().zip(half.iter().flatten()) {
            // A few roundings to eight bits.
            assert!((single - half).abs() < 0.02 * single.abs().max(1.0), "{name}: {single} and {half}");
        }
    }
    for_each_rule!(check);
}

#[test]
fn every_rule_goes_down() {
    fn check(name: &str, rule: impl UpdateRule) {
        let size = |leaves: &[Vec<f64>]| leaves.iter().flatten().map(|x| x.abs().min(1.0)).sum::<f64>();
        let (before, after) = (update(&rule, DType::F64, 0), update(&rule, DType::F64, 10));
        assert!(size(&after) < size(&before), "{name}");
    }
    for_each_rule!(check);
}

#[test]
#[should_panic(expected = "it knows no trainable leaf `1`")]
fn another_model_is_refused() {
    let optimiser = SgdConfig { momentum: 0.9, ..SgdConfig::default() }.init(&(Tensor::from(1.0f32),));
    let other = (Tensor::from(1.0f32), Tensor::from(1.0f32));
    let _ = optimiser.update(other.clone(), &other);
}
