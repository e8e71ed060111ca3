//! Weights made of other parameters, against `torch.nn.utils.parametrizations` (`golden/reparameterised.py`), the singular value
//! decomposition and finite differences.

use std::collections::BTreeMap;

use bolete_nn::{
    Activation, AdamConfig, Adaptation, Context, Conv2dConfig, LengthAndDirection, Linear, LinearConfig,
    Module, Optimiser, Sequential, SingularVectors, SpectralNorm, UpdateRule, WeightNorm, cast_floats,
};
use bolete_tensor::tree::TreeExt;
use bolete_tensor::{DType, Key, Param, State, Tensor, Tree, check_gradients, grad, value_and_grad};
use serde_json::Value;

#[path = "../../tensor/tests/golden/read.rs"]
mod read;
use read::{assert_close, file, numbers, tensor};

/// A weight alone is a model.
#[derive(Clone, Debug, Tree)]
struct Weight {
    weight: Param,
}

impl Weight {
    fn of(value: &Value) -> Weight {
        Weight { weight: Param::new(tensor(value, DType::F64)) }
    }
}

fn one<T>(value: T) -> BTreeMap<String, T> {
    BTreeMap::from([("weight".to_owned(), value)])
}

/// The largest element of a difference.
fn distance(left: &Tensor, right: &Tensor) -> f64 {
    (left - right).abs().max(..).cast(DType::F64).item()
}

/// A convolution and a layer after it.
fn network() -> Sequential {
    let [first, second] = Key::new(3).split();
    Sequential::new([
        Conv2dConfig::new(2, 3, [2, 2]).init(&first).into(),
        Activation::Tanh.into(),
        bolete_nn::Flatten::default().into(),
        LinearConfig::new(12, 2).init(&second).into(),
    ])
}

#[test]
fn weight_norm_is_pytorchs() {
    for name in ["linear", "convolution"] {
        let golden = &file("reparameterised")["weight_norm"][name];
        let model = Weight::of(&golden["before"]);
        let norm = WeightNorm::new(&model, &["weight"]);
        assert!(distance(norm.apply(&model).weight.tensor(), model.weight.tensor()) < 1e-15);
        let lengths = norm.parts["weight"].length.to_vec::<f64>();
        read::assert_numbers_close(name, &lengths, &numbers(&golden["first_length"]["values"]), 1e-12);

        let length = Param::new(tensor(&golden["length"], DType::F64).flatten());
        let direction = Param::new(tensor(&golden["direction"], DType::F64));
        let norm = WeightNorm { parts: one(LengthAndDirection { length, direction }) };
        assert_close(name, norm.apply(&model).weight.tensor(), &golden["weight"], 1e-12);
        let cotangent = tensor(&golden["cotangent"], DType::F64);
        let slopes =
            grad(|norm: &WeightNorm| (norm.apply(&model).weight.tensor() * &cotangent).sum(..))(&norm);
        let slope = &slopes.parts["weight"];
        let expected = numbers(&golden["length_slope"]["values"]);
        read::assert_numbers_close(name, &slope.length.to_vec::<f64>(), &expected, 1e-12);
        assert_close(name, slope.direction.tensor(), &golden["direction_slope"], 1e-12);
    }
}

#[test]
fn spectral_norm_is_pytorchs() {
    for name in ["linear", "convolution"] {
        let golden = &file("reparameterised")["spectral_norm"][name];
        let model = Weight::of(&golden["before"]);
        let [u, v] = ["u", "v"].map(|vector| State::new(tensor(&golden[vector], DType::F64)));
        let norm = SpectralNorm { vectors: one(SingularVectors { u, v }), epsilon: 1e-12 };
        let evaluated = norm.apply(&model, &mut Context::evaluation());
        assert_close(name, evaluated.weight.tensor(), &golden["evaluated"], 1e-12);

        let mut context = Context::training(Key::new(0));
        let cotangent = tensor(&golden["cotangent"], DType::F64);
        let mut trained = None;
        let slope = grad(|model: &Weight| {
            let weight = norm.apply(model, &mut context).weight.tensor().clone();
            trained = Some(weight.stop_gradient());
            (weight * &cotangent).sum(..)
        })(&model);
        assert_close(name, slope.weight.tensor(), &golden["slope"], 1e-12);
        let norm = context.apply(norm);
        assert_eq!(context.pending_updates(), 0);
        assert_close(name, norm.vectors["weight"].u.tensor(), &golden["next_u"], 1e-12);
        assert_close(name, norm.vectors["weight"].v.tensor(), &golden["next_v"], 1e-12);
        let after = norm.apply(&model, &mut Context::evaluation());
        assert_close(name, after.weight.tensor(), &golden["trained"], 1e-12);
    }
}

#[test]
fn spectral_norm_finds_the_largest_singular_value() {
    let layer = cast_floats(&LinearConfig::new(9, 6).init(&Key::new(1)), DType::F64);
    let mut norm = SpectralNorm::new(&layer, &["weight"], 0, &Key::new(2));
    let largest = |layer: &Linear| layer.weight.singular_values().max(..).item();
    let sigma = largest(&layer);
    for _ in 0..500 {
        let mut context = Context::training(Key::new(0));
        norm.apply(&layer, &mut context);
        norm = context.apply(norm);
        bolete_tensor::eval(&norm.leaves());
    }
    let normalised = norm.apply(&layer, &mut Context::evaluation());
    assert!(distance(&(normalised.weight.tensor() * sigma), layer.weight.tensor()) < 1e-9);
    assert!((largest(&normalised) - 1.0).abs() < 1e-9);
}

#[test]
fn a_gradient_penalty_goes_through_both_norms() {
    let [first, second] = Key::new(5).split();
    let critic = Sequential::new([
        LinearConfig::new(3, 5).init(&first).into(),
        Activation::Tanh.into(),
        LinearConfig::new(5, 1).init(&second).into(),
    ]);
    let critic = cast_floats(&critic, DType::F64);
    let x = Key::new(6).normal([4, 3], DType::F64);
    // Gulrajani et al. 2017: the critic's slope in its input should have length 1.
    let penalty = |critic: &Sequential| {
        let slopes = grad(|x: &Tensor| critic.forward(x, &mut Context::evaluation()).sum(..))(&x);
        (slopes.square().sum(-1).sqrt() - 1.0).square().mean(..)
    };
    let spectral = SpectralNorm::new(&critic, &["**.weight"], 5, &Key::new(7));
    let with_spectral = |critic: &Sequential| penalty(&spectral.apply(critic, &mut Context::evaluation()));
    check_gradients(with_spectral, &critic, 1e-5, 1e-6).unwrap();
    let norm = WeightNorm::new(&critic, &["**.weight"]);
    let with_norm = |norm: &WeightNorm| penalty(&norm.apply(&critic));
    check_gradients(with_norm, &norm, 1e-5, 1e-6).unwrap();
    let (value, slopes) = value_and_grad(with_norm)(&norm);
    assert!(value.item() > 0.0);
    let sizes = slopes.leaves().into_iter().map(|slope| slope.abs().max(..).item());
    assert!(sizes.into_iter().all(|size| size.is_finite() && size > 0.0));
}

#[test]
fn an_adaptation_starts_from_the_model() {
    let model = network();
    let adaptation = Adaptation::new(&model, &["**.weight"], 2, 8.0, &Key::new(4));
    assert_eq!(adaptation.factors.len(), 2);
    for (found, expected) in adaptation.apply(&model).leaves().iter().zip(model.leaves()) {
        assert_eq!(found.to_vec::<f32>(), expected.to_vec::<f32>());
    }
    let [one, other] = [0, 3].map(|layer| adaptation.factors[&format!("layers.{layer}.weight")].a.clone());
    assert_eq!((one.shape().dims(), other.shape().dims()), (&[2, 8][..], &[2, 12][..]));
    assert_ne!(one.to_vec::<f32>()[..8], other.to_vec::<f32>()[..8], "each weight has its own key");
}

#[test]
fn only_the_factors_are_trained() {
    let model = network();
    let mut adaptation = Adaptation::new(&model, &["**.weight"], 2, 8.0, &Key::new(4));
    let (x, target) = (Key::new(1).normal([6, 2, 3, 3], DType::F32), Key::new(2).normal([6, 2], DType::F32));
    let mut optimiser = AdamConfig { learning_rate: 0.02, ..AdamConfig::default() }.init(&adaptation);
    let mut losses = Vec::new();
    for _ in 0..60 {
        let (loss, slopes) = value_and_grad(|adaptation: &Adaptation| {
            let output = adaptation.apply(&model).forward(&x, &mut Context::evaluation());
            bolete_nn::mean_squared_error(&output, &target)
        })(&adaptation);
        assert_eq!(slopes.leaves().len(), 4);
        (adaptation, optimiser) = optimiser.update(adaptation, &slopes);
        losses.push(loss.item());
    }
    assert!(losses[59] < 0.5 * losses[0], "{losses:?}");

    // W + (α/r) B A, also of a convolution's weight seen as a matrix; everything else is as it was.
    let applied = adaptation.apply(&model);
    for (found, before) in applied.named_leaves().into_iter().zip(model.leaves()) {
        let Some(factors) = adaptation.factors.get(&found.path) else {
            assert_eq!(found.tensor.to_vec::<f32>(), before.to_vec::<f32>());
            continue;
        };
        let (a, b) = (factors.a.to_vec::<f32>(), factors.b.to_vec::<f32>());
        let columns = factors.a.shape()[1];
        let changed = before.to_vec::<f32>().into_iter().enumerate().map(|(index, weight)| {
            let (row, column) = (index / columns, index % columns);
            weight + 4.0 * (0..2).map(|rank| b[row * 2 + rank] * a[rank * columns + column]).sum::<f32>()
        });
        let expected: Vec<f32> = changed.collect();
        let found_values = found.tensor.to_vec::<f32>();
        for (found, expected) in found_values.iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-5, "{found} and {expected}");
        }
        assert!(distance(found.tensor, &before) > 1e-3, "{} has not changed", found.path);
    }
}

#[test]
#[should_panic(expected = "Adaptation: no weight of the model fits [\"nothing\"]")]
fn an_adaptation_of_nothing() {
    Adaptation::new(&network(), &["nothing"], 2, 8.0, &Key::new(4));
}
