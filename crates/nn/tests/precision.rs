//! Training in half precision inside of a replayed step.

use bolete_nn::{
    Activation, Adam, AdamConfig, Context, LinearConfig, LossScale, Module, Optimiser, Precision, Sequential,
    SgdConfig, UpdateRule, choose, mean_squared_error,
};
use bolete_tensor::tree::TreeExt;
use bolete_tensor::{DType, Key, Step, Tensor, value_and_grad};

fn network() -> Sequential {
    let [first, second] = Key::new(0).split();
    Sequential::new([
        LinearConfig::new(3, 32).init(&first).into(),
        Activation::Tanh.into(),
        LinearConfig::new(32, 1).init(&second).into(),
    ])
}

/// Inputs and what is to be learned of them.
fn data() -> (Tensor, Tensor) {
    let x = Key::new(1).normal([64, 3], DType::F32);
    let y = (x.narrow(1, 0, 1) * 2.0).sin() + x.narrow(1, 1, 1) * x.narrow(1, 2, 1);
    (x, y)
}

fn loss(model: &Sequential, precision: Option<&Precision>, (x, y): &(Tensor, Tensor)) -> Tensor {
    let Some(precision) = precision else {
        return mean_squared_error(&model.forward(x, &mut Context::evaluation()), y);
    };
    let output = precision.cast(model).forward(&x.cast(precision.compute), &mut Context::evaluation());
    assert_eq!(output.dtype(), precision.compute);
    mean_squared_error(&output.cast(DType::F32), y)
}

/// The loss after 150 updates, with the loss scaled if there is a scale, and the scale.
fn train(precision: Option<Precision>, scale: Option<LossScale>) -> (f64, f64) {
    let data = data();
    let mut model = network();
    let mut optimiser: Adam = AdamConfig { learning_rate: 0.02, ..AdamConfig::default() }.init(&model);
    let scaled = scale.is_some();
    let mut scale = scale.unwrap_or_else(|| LossScale::new(1.0, 1_000_000));
    let mut step = Step::new(|(model, optimiser, scale): (Sequential, Adam, LossScale)| {
        let (_, gradients) =
            value_and_grad(|model: &Sequential| scale.scale(&loss(model, precision.as_ref(), &data)))(&model);
        if !scaled {
            let (model, optimiser) = optimiser.update(model, &gradients);
            return (model, optimiser, scale);
        }
        let (gradients, finite) = scale.unscale(gradients);
        let next = optimiser.clone().update(model.clone(), &gradients);
        let (model, optimiser) = choose(&finite, next, (model, optimiser));
        (model, optimiser, scale.next(&finite))
    });
    for _ in 0..150 {
        (model, optimiser, scale) = step.call((model, optimiser, scale));
    }
    assert_eq!(step.traces(), 1);
    assert!(model.leaves().iter().all(|leaf| leaf.dtype() == DType::F32));
    (loss(&model, None, &data).item(), scale.value().item())
}

#[test]
fn half_precision_learns_as_well() {
    let first = loss(&network(), None, &data()).item();
    let (single, _) = train(None, None);
    assert!(single < 0.05 * first, "from {first} to {single}");
    for (name, (half, _)) in [
        ("bf16", train(Some(Precision::bf16()), None)),
        ("f16", train(Some(Precision::f16()), Some(LossScale::new(256.0, 1000)))),
    ] {
        assert!(half < single + 0.02 * first, "{name}: {half} instead of {single}, from {first}");
        assert!(half != single, "{name} rounds");
    }
}

#[test]
fn a_scale_that_is_too_large_is_found_out() {
    // The first updates overflow, and yet what comes out is as good.
    let (half, scale) = train(Some(Precision::f16()), Some(LossScale::new(f64::from(1u32 << 30), 1000)));
    assert!(scale < f64::from(1 << 20), "{scale}");
    assert!(half < 0.1 * loss(&network(), None, &data()).item(), "{half}");
}

#[test]
fn an_overflow_skips_the_update() {
    let config = SgdConfig { learning_rate: 0.5, momentum: 0.9, ..SgdConfig::default() };
    let start = Tensor::from([1.0f32, -2.0]);
    let mut step = Step::new(|(x, optimiser, scale, factor): (Tensor, bolete_nn::Sgd, LossScale, Tensor)| {
        let (_, slope) = value_and_grad(|x: &Tensor| {
            // The slope in half precision is the factor times the scale.
            scale.scale(&(x.cast(DType::F16) * factor.cast(DType::F16)).cast(DType::F32).sum(..))
        })(&x);
        let (slope, finite) = scale.unscale(slope);
        let next = optimiser.clone().update(x.clone(), &slope);
        let (x, optimiser) = choose(&finite, next, (x, optimiser));
        (x, optimiser, scale.next(&finite), finite)
    });
    let mut call = |x, optimiser, scale, factor: f32| step.call((x, optimiser, scale, Tensor::from(factor)));
    let optimiser = config.init(&start);
    let scale = LossScale::new(1024.0, 3);

    // 1024 · 100 is beyond the largest number of f16, 65504.
    let (x, optimiser, scale, finite) = call(start.clone(), optimiser, scale, 100.0);
    assert_eq!(finite.item(), 0.0);
    assert_eq!(x.to_vec::<f32>(), [1.0, -2.0]);
    assert_eq!((scale.value().item(), optimiser.updates().item()), (512.0, 0.0));
    assert!(optimiser.leaves().iter().all(|leaf| leaf.is_finite().all(..).item() == 1.0));

    // Now it fits: 512 · 100 is 51200.
    let (x, optimiser, scale, finite) = call(x, optimiser, scale, 100.0);
    assert_eq!(finite.item(), 1.0);
    assert_eq!(x.to_vec::<f32>(), [-49.0, -52.0]);
    assert_eq!((scale.value().item(), optimiser.updates().item()), (512.0, 1.0));

    // Three good updates in a row double the scale; an overflow begins the count anew.
    let (x, optimiser, scale, _) = call(x, optimiser, scale, 1.0);
    let (x, optimiser, scale, finite) = call(x, optimiser, scale, 1000.0);
    assert_eq!((finite.item(), scale.value().item()), (0.0, 256.0));
    let mut now = (x, optimiser, scale);
    let mut scales = Vec::new();
    for _ in 0..7 {
        let (x, optimiser, scale, _) = call(now.0, now.1, now.2, 1.0);
        scales.push(scale.value().item());
        now = (x, optimiser, scale);
    }
    assert_eq!(scales, [256.0, 256.0, 512.0, 512.0, 512.0, 1024.0, 1024.0]);
    assert_eq!(step.traces(), 1);
}

#[test]
fn small_gradients_survive() {
    // 10⁻⁹ is zero in f16; times the scale it is not.
    let slope = |scale: &LossScale| {
        let x = Tensor::from([1.0f32]);
        let loss = |x: &Tensor| {
            let half = x.cast(DType::F16);
            scale.scale(&((half.cast(DType::F32) * 1e-9).sum(..)))
        };
        let gradients = value_and_grad(loss)(&x).1;
        let (gradients, finite) = scale.unscale(gradients);
        assert_eq!(finite.item(), 1.0);
        gradients.to_vec::<f32>()[0]
    };
    assert_eq!(slope(&LossScale::new(1.0, 10)), 0.0);
    let kept = slope(&LossScale::default());
    assert!((kept - 1e-9).abs() < 1e-12, "{kept}");
}

#[test]
fn some_leaves_stay() {
    let precision = Precision { keep: vec!["layers.2.**".to_owned()], ..Precision::bf16() };
    let types: Vec<DType> = precision.cast(&network()).leaves().iter().map(Tensor::dtype).collect();
    assert_eq!(types, [DType::BF16, DType::BF16, DType::F32, DType::F32]);
}
