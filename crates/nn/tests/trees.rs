//! What is done to the leaves of a model by their paths, and sums and averages of models.

use bolete_nn::{
    Activation, AdafactorConfig, AdamWConfig, Averaging, Context, GradientAccumulator, LambConfig,
    LinearConfig, ModelAverage, Module, MuonConfig, Optimiser, ParameterGroup, Sequential, SgdConfig,
    UpdateRule, clip_by_leaf_norm, mean_squared_error, replace_leaves, select_leaves,
};
use bolete_tensor::plan::report::report;
use bolete_tensor::tree::TreeExt;
use bolete_tensor::{DType, Key, State, Tensor, Tree, grad};

fn network() -> Sequential {
    let [first, second] = Key::new(0).split();
    let network = Sequential::new([
        LinearConfig::new(3, 8).init(&first).into(),
        Activation::Tanh.into(),
        LinearConfig::new(8, 2).init(&second).into(),
    ]);
    bolete_nn::cast_floats(&network, DType::F64)
}

fn loss(network: &Sequential, input: &Tensor) -> Tensor {
    let output = network.forward(input, &mut Context::evaluation());
    mean_squared_error(&output, &input.narrow(1, 0, 2).sin())
}

fn input() -> Tensor {
    Key::new(7).normal([16, 3], DType::F64)
}

#[track_caller]
fn assert_alike(found: &Tensor, expected: &Tensor, tolerance: f64) {
    let distance = (found - expected).abs().max(..).item();
    assert!(distance <= tolerance, "off by {distance}: {found} and {expected}");
}

/// The leaf at a path.
fn leaf<M: Tree>(model: &M, path: &str) -> Tensor {
    let leaves = model.named_leaves();
    leaves.into_iter().find(|leaf| leaf.path == path).expect("a leaf of the model").tensor.clone()
}

#[test]
fn groups_have_rates_and_decays_of_their_own() {
    let model = network();
    let gradients = grad(|network: &Sequential| loss(network, &input()))(&model);
    let config = SgdConfig { learning_rate: 0.1, weight_decay: 0.5, ..SgdConfig::default() };
    let groups = vec![
        ParameterGroup { decay_factor: 0.0, ..ParameterGroup::new("**.bias") },
        ParameterGroup { rate_factor: 0.25, ..ParameterGroup::new("layers.2.*") },
        ParameterGroup::frozen("layers.0.weight"),
    ];
    let optimiser = config.init_groups(&model, groups).with_learning_rate(0.2);
    let (next, optimiser) = optimiser.update(model.clone(), &gradients);
    assert_eq!(optimiser.learning_rate().item(), 0.2);
    let expected = |path: &str, rate: f64, decay: f64| {
        let value = leaf(&model, path);
        let gradient = leaf(&gradients, path) + &value * decay;
        assert_alike(&leaf(&next, path), &(value - gradient * rate), 1e-15);
    };
    expected("layers.0.bias", 0.2, 0.0);
    // Of the groups that fit the last counts alone: the bias of the last layer is pulled toward zero.
    expected("layers.2.bias", 0.05, 0.5);
    expected("layers.2.weight", 0.05, 0.5);
    expected("layers.0.weight", 0.0, 0.0);
}

#[test]
fn decoupled_decay_takes_part_in_groups() {
    let model = Tensor::from([2.0f64]);
    let group = ParameterGroup { rate_factor: 0.5, decay_factor: 3.0, ..ParameterGroup::new("**") };
    let config = AdamWConfig { learning_rate: 0.1, weight_decay: 0.2, ..AdamWConfig::default() };
    let optimiser = config.init_groups(&model, vec![group]);
    let (next, _) = optimiser.update(model, &Tensor::from([0.0f64]));
    assert_alike(&next, &Tensor::from([2.0 * (1.0 - 0.1 * 0.5 * 0.2 * 3.0)]), 1e-15);
}

/// Checks that a factor of the decay does what another decay of the rule does.
#[track_caller]
fn assert_decay_factors<R: UpdateRule>(rule: impl Fn(f64) -> R) {
    let next = |decay: f64, decay_factor: f64| {
        let model = Tensor::from([[1.0f64], [2.0]]);
        let group = ParameterGroup { decay_factor, ..ParameterGroup::new("**") };
        let optimiser = rule(decay).init_groups(&model, vec![group]);
        optimiser.update(model, &Tensor::from([[0.1f64], [-0.3]])).0
    };
    for factor in [0.0, 0.25, 1.0, 2.0] {
        assert_alike(&next(0.5, factor), &next(0.5 * factor, 1.0), 1e-15);
    }
    assert_ne!(next(0.5, 0.0).to_vec::<f64>(), next(0.5, 1.0).to_vec::<f64>());
}

#[test]
fn rules_that_decay_in_their_step_heed_groups() {
    assert_decay_factors(|weight_decay| LambConfig { weight_decay, ..LambConfig::default() });
    assert_decay_factors(|weight_decay| MuonConfig { weight_decay, ..MuonConfig::default() });
    assert_decay_factors(|weight_decay| AdafactorConfig { weight_decay, ..AdafactorConfig::default() });
    assert_decay_factors(|weight_decay| AdamWConfig { weight_decay, ..AdamWConfig::default() });
}

#[test]
fn frozen_parameters_have_no_memory() {
    let model = network();
    let groups = vec![ParameterGroup::frozen("layers.0.**")];
    let mut optimiser = AdamWConfig::default().init_groups(&model, groups);
    let paths: Vec<String> = optimiser.named_leaves().into_iter().map(|leaf| leaf.path).collect();
    assert_eq!(paths.len(), 2 + 2 * 2, "{paths:?}");
    assert!(paths.iter().all(|path| !path.contains("layers.0")), "{paths:?}");
    let mut next = model.clone();
    for _ in 0..3 {
        let gradients = grad(|network: &Sequential| loss(network, &input()))(&next);
        (next, optimiser) = optimiser.update(next, &gradients);
    }
    assert_alike(&leaf(&next, "layers.0.weight"), &leaf(&model, "layers.0.weight"), 0.0);
    assert_alike(&leaf(&next, "layers.0.bias"), &leaf(&model, "layers.0.bias"), 0.0);
    let moved = (leaf(&next, "layers.2.weight") - leaf(&model, "layers.2.weight")).abs().min(..).item();
    assert!(moved > 1e-4);
}

#[test]
#[should_panic(expected = "the parameter group `layers.5.*` fits no parameter of the model")]
fn a_group_must_fit_something() {
    SgdConfig::default().init_groups(&network(), vec![ParameterGroup::new("layers.5.*")]);
}

#[test]
fn leaves_selected_and_replaced() {
    let model = network();
    let head = select_leaves(&model, &["layers.2.*"]);
    assert_eq!(head.keys().collect::<Vec<_>>(), ["layers.2.bias", "layers.2.weight"]);
    let whole = grad(|network: &Sequential| loss(network, &input()))(&model);
    let part = grad(|head: &_| loss(&replace_leaves(&model, head), &input()))(&head);
    for (path, gradient) in &part {
        assert_alike(gradient, &leaf(&whole, path), 1e-15);
    }
    // Nothing is computed for the other leaves: two products forward and one back, where the whole takes two back.
    let products = |gradients: &[Tensor]| {
        let report = report(&gradients.iter().collect::<Vec<_>>());
        report.kernels.iter().map(|kernel| kernel.name.matches("matmul").count()).sum::<usize>()
    };
    let fresh = |all: bool| {
        if all {
            grad(|network: &Sequential| loss(network, &input()))(&model).leaves()
        } else {
            grad(|head: &_| loss(&replace_leaves(&model, head), &input()))(&head).leaves()
        }
    };
    let (few, many) = (products(&fresh(false)), products(&fresh(true)));
    assert_eq!((few, many), (3, 5));

    let swapped = replace_leaves(&model, &head.into_iter().map(|(path, leaf)| (path, leaf * 2.0)).collect());
    assert_alike(&leaf(&swapped, "layers.2.bias"), &(leaf(&model, "layers.2.bias") * 2.0), 0.0);
    assert_alike(&leaf(&swapped, "layers.0.bias"), &leaf(&model, "layers.0.bias"), 0.0);
}

#[test]
#[should_panic(expected = "replace_leaves: the model has no leaf `layers.9.bias`")]
fn a_leaf_must_be_there() {
    replace_leaves(&network(), &[("layers.9.bias".to_owned(), Tensor::from(1.0f64))].into());
}

#[test]
#[should_panic(expected = "replace_leaves: `layers.2.bias` has shape [2], not [3]")]
fn a_leaf_must_have_the_shape() {
    replace_leaves(&network(), &[("layers.2.bias".to_owned(), Tensor::zeros([3], DType::F64))].into());
}

#[test]
fn each_leaf_is_clipped_alone() {
    let gradients =
        (Tensor::from([3.0f64, 4.0]), Tensor::from([[0.3f64], [0.4]]), Tensor::zeros([2], DType::F64));
    let (first, second, third) = clip_by_leaf_norm(gradients.clone(), 1.0);
    assert_alike(&first, &Tensor::from([0.6f64, 0.8]), 1e-6);
    assert_alike(&second, &gradients.1, 0.0);
    assert_alike(&third, &gradients.2, 0.0);
}

#[test]
fn small_batches_make_a_large_one() {
    let (model, input) = (network(), input());
    let mut sums = GradientAccumulator::new(&model);
    for part in 0..4 {
        let part = input.narrow(0, 4 * part, 4);
        sums = sums.accumulate(&grad(|network: &Sequential| loss(network, &part))(&model));
    }
    assert_eq!(sums.count().item(), 4.0);
    let whole = grad(|network: &Sequential| loss(network, &input))(&model);
    for (found, expected) in sums.mean().leaves().iter().zip(whole.leaves()) {
        assert_alike(found, &expected, 1e-15);
    }
    let none = GradientAccumulator::new(&model).mean();
    assert!(none.leaves().iter().all(|leaf| leaf.abs().max(..).item() == 0.0));
}

/// Something to average with every kind of leaf.
#[derive(Clone, Tree)]
struct Averaged {
    weight: Tensor,
    statistics: State,
    count: Tensor,
}

fn averaged(value: f64) -> Averaged {
    let weight = Tensor::from([value, -value]);
    Averaged { statistics: State::new(&weight * 10.0), weight, count: Tensor::scalar(value, DType::I64) }
}

#[test]
fn an_equal_average() {
    let values = [4.0, -2.0, 7.0, 1.0, 6.0];
    let mut average = ModelAverage::new(&averaged(values[0]), Averaging::Equal);
    for value in &values[1..] {
        average = average.update(&averaged(*value));
    }
    let mean = values.iter().sum::<f64>() / 5.0;
    let Averaged { weight, statistics, count } = average.model();
    assert_alike(weight, &Tensor::from([mean, -mean]), 1e-14);
    assert_alike(statistics.tensor(), &Tensor::from([mean * 10.0, -mean * 10.0]), 1e-13);
    assert_eq!(count.item(), 6.0, "what is no number with a point is the last model's");
}

#[test]
fn an_exponential_average() {
    let decay = 0.6;
    let mut average = ModelAverage::new(&averaged(0.0), Averaging::Exponential { decay });
    let mut expected = 0.0;
    for number in 1..=20 {
        let value = (number as f64).sin();
        average = average.update(&averaged(value));
        let kept = decay.min((1 + number) as f64 / (10 + number) as f64);
        expected = kept * expected + (1.0 - kept) * value;
    }
    assert_alike(&average.model().weight, &Tensor::from([expected, -expected]), 1e-14);
}
