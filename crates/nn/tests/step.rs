//! Models and optimisers as arguments of a replayed step.

use bolete_nn::{
    Activation, AdamConfig, BatchNormConfig, Context, Dropout, LinearConfig, Module, Optimiser, Sequential,
    SgdConfig, UpdateRule, clip_by_global_norm, cross_entropy,
};
use bolete_tensor::tree::TreeExt;
use bolete_tensor::{DType, Key, Step, Tensor, Tree, value_and_grad};

/// Layers of each kind that a context matters to.
fn network() -> Sequential {
    let [first, second] = Key::new(0).split();
    Sequential::new([
        LinearConfig::new(3, 8).init(&first).into(),
        BatchNormConfig::new(8).init().into(),
        Activation::Tanh.into(),
        Dropout { probability: 0.2 }.into(),
        LinearConfig::new(8, 2).init(&second).into(),
    ])
}

/// One update of model and optimiser.
fn train<O: Optimiser>(model: Sequential, optimiser: O, input: &Tensor, key: Key) -> (Sequential, O, Tensor) {
    let labels = input.sum(-1).greater(0.0).cast(DType::I64);
    let mut context = Context::training(key);
    let (loss, gradients) =
        value_and_grad(|model: &Sequential| cross_entropy(&model.forward(input, &mut context), &labels))(
            &model,
        );
    let model = context.apply(model);
    let (gradients, _) = clip_by_global_norm(gradients, 1.0);
    let (model, optimiser) = optimiser.update(model, &gradients);
    (model, optimiser, loss)
}

/// The same 20 updates replayed and op by op, with a learning rate that changes.
fn compare<O: Optimiser + Clone>(optimiser: O) {
    let mut step = Step::new(|(model, optimiser, input, key): (Sequential, O, Tensor, Key)| {
        train(model, optimiser, &input, key)
    });
    let (mut model, mut replayed) = (network(), optimiser.clone());
    let (mut other, mut recorded) = (network(), optimiser);
    for number in 0..20 {
        let rate = 0.05 / (number + 1) as f64;
        let input = Key::new(100 + number).normal([16, 3], DType::F32);
        let key = Key::new(number);
        let (loss, expected);
        replayed = replayed.with_learning_rate(rate);
        recorded = recorded.with_learning_rate(rate);
        (model, replayed, loss) = step.call((model, replayed, input.clone(), key.clone()));
        (other, recorded, expected) = train(other, recorded, &input, key);
        assert!((loss.item() - expected.item()).abs() < 1e-5, "update {number}: {loss} and {expected}");
    }
    assert_eq!(step.traces(), 1, "a changed learning rate is no new signature");
    assert_eq!(replayed.updates().item(), 20.0);
    assert_alike(&model, &other);
    assert_alike(&replayed, &recorded);
}

fn assert_alike<T: Tree>(found: &T, expected: &T) {
    for (found, expected) in found.named_leaves().into_iter().zip(expected.leaves()) {
        let difference = (found.tensor.cast(DType::F64) - expected.cast(DType::F64)).abs().max(..).item();
        assert!(difference < 1e-5, "{} is off by {difference}", found.path);
    }
}

#[test]
fn gradient_descent_replayed() {
    compare(SgdConfig { momentum: 0.9, nesterov: true, ..SgdConfig::default() }.init(&network()));
}

#[test]
fn adam_replayed() {
    compare(AdamConfig::default().init(&network()));
}
