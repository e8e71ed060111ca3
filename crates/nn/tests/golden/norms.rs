//! Normalisation layers, embeddings and bags of them: outputs, gradients, and state after training passes.

use bolete_nn::{
    BagMode, Context, Embedding, EmbeddingBag, EmbeddingBagConfig, EmbeddingConfig, GroupNormConfig,
    InstanceNormConfig, Module, PixelNorm, RmsNormConfig, SparseRows,
};
use bolete_tensor::tree::LeafKind;
use bolete_tensor::{DType, Key, Param, Tensor, Tree, grad, value_and_grad};
use serde_json::Value;

use crate::read::{assert_close, assert_leaves_close, file, tensor, with_leaves};

fn check<M: Tree>(
    case: &Value,
    model: M,
    context: fn() -> Context,
    forward: impl Fn(&M, &Tensor, &mut Context) -> Tensor,
) {
    for (dtype, tolerance) in [(DType::F64, 1e-10), (DType::F32, 1e-5)] {
        let what = format!("{} in {dtype}", case["name"].as_str().expect("a name"));
        let model = with_leaves(&model, &case["leaves"], dtype);
        let whole = case["input_gradient"].is_null();
        let input = tensor(&case["input"], if whole { DType::I64 } else { dtype });
        let cotangent = tensor(&case["cotangent"], dtype);
        let mut context = context();
        let ((_, output), (gradients, input_gradient)) =
            value_and_grad(|(model, input): &(M, Tensor)| {
                let output = forward(model, input, &mut context);
                ((&output * &cotangent).sum(..), output)
            })(&(model.rebuild(&mut |_, leaf| leaf.clone()), input));
        assert_close(&what, &output, &case["output"], tolerance);
        if !whole {
            let expected = &case["input_gradient"];
            assert_close(&format!("{what}: input gradient"), &input_gradient, expected, tolerance);
        }
        assert_leaves_close(&what, &gradients, LeafKind::Param, &case["gradients"], tolerance);
        let model = context.apply(model);
        assert_leaves_close(&what, &model, LeafKind::State, &case["state"], tolerance);
    }
}

fn module<M: Module>(case: &Value, layer: M) {
    check(case, layer, Context::evaluation, |layer, input, context| layer.forward(input, context));
}

fn embedding(padding: Option<usize>) -> Embedding {
    EmbeddingConfig { padding, ..EmbeddingConfig::new(6, 3) }.init(&Key::new(0))
}

fn bag(mode: BagMode, padding: Option<usize>) -> EmbeddingBag {
    let table = EmbeddingConfig { padding, ..EmbeddingConfig::new(6, 3) };
    EmbeddingBagConfig { table, mode }.init(&Key::new(0))
}

#[test]
fn norms_and_embeddings() {
    let instance = InstanceNormConfig {
        epsilon: 1e-4,
        affine: true,
        running_statistics: true,
        momentum: 0.3,
        ..InstanceNormConfig::new(3)
    };
    for case in file("norms").as_array().expect("a list") {
        let name = case["name"].as_str().expect("a name");
        let mode = match name.split('_').nth(1) {
            Some("sum") => BagMode::Sum,
            Some("max") => BagMode::Max,
            _ => BagMode::Mean,
        };
        match name {
            "rms_norm" => module(case, RmsNormConfig::new([5]).init()),
            "rms_norm_two_axes" => {
                module(case, RmsNormConfig { epsilon: 1e-3, ..RmsNormConfig::new([3, 4]) }.init())
            }
            "group_norm" => module(case, GroupNormConfig::new(2, 6).init()),
            "group_norm_plain" => {
                let config = GroupNormConfig { epsilon: 1e-3, affine: false, ..GroupNormConfig::new(3, 6) };
                module(case, config.init())
            }
            "instance_norm" => module(case, InstanceNormConfig::new(3).init()),
            "instance_norm_training" => {
                let context = || Context::training(Key::new(0));
                check(case, instance.init(), context, |layer, x, context| layer.forward(x, context))
            }
            "instance_norm_evaluation" => module(case, instance.init()),
            "pixel_norm" => module(case, PixelNorm::default()),
            "l2_normalise" => check(case, (), Context::evaluation, |_, x, _| x.l2_normalise(1)),
            "swiglu" => check(case, (), Context::evaluation, |_, x, _| x.swiglu(-1)),
            "geglu" => check(case, (), Context::evaluation, |_, x, _| x.geglu(1)),
            "embedding" => module(case, embedding(None)),
            "embedding_padding" => module(case, embedding(Some(4))),
            "bag_sum" | "bag_mean" | "bag_max" => module(case, bag(mode, None)),
            "bag_sum_padding" | "bag_mean_padding" | "bag_max_padding" => module(case, bag(mode, Some(4))),
            "bag_sum_ragged" | "bag_mean_ragged" | "bag_max_ragged" => {
                let starts = tensor(&case["more"][0], DType::I64);
                check(case, bag(mode, None), Context::evaluation, |layer, x, _| {
                    layer.forward_ragged(x, &starts)
                })
            }
            "bag_sum_weighted" => {
                let weights = tensor(&case["more"][0], DType::F64);
                check(case, bag(mode, None), Context::evaluation, |layer, x, _| {
                    layer.forward_weighted(x, &weights.cast(layer.weight.dtype()))
                })
            }
            unknown => panic!("norms.py has a case `{unknown}` that is not tested"),
        }
    }
}

/// A table of small whole numbers, whose sums are exact.
fn whole(count: usize, width: usize) -> Param {
    Param::new(Tensor::arange(count * width, DType::F32).reshape([count, width]))
}

#[test]
fn sparse_gradients_are_the_rows_of_the_dense_one() {
    for padding in [None, Some(3)] {
        let layer = Embedding { weight: whole(6, 2), padding };
        let input = Tensor::from([[5i64, 1, 5], [-3, 1, -1]]);
        let scale = Tensor::from([2.0f32, 3.0]);
        let loss = |scale: &Tensor, vectors: &Tensor| (vectors.square() * scale).sum(..);
        let (value, (dense, dense_scale)) = value_and_grad(|(layer, scale): &(Embedding, Tensor)| {
            loss(scale, &layer.forward(&input, &mut Context::evaluation()))
        })(&(layer.clone(), scale.clone()));
        let (sparse_value, slope, rows) = layer.value_and_sparse_grad(&input, scale, loss);
        assert_eq!(sparse_value.item(), value.item());
        assert_eq!(slope.to_vec::<f32>(), dense_scale.to_vec::<f32>());
        assert_eq!(rows.rows.to_vec::<i64>(), [1, 3, 5]);
        assert_eq!(rows.to_dense(6).to_vec::<f32>(), dense.weight.to_vec::<f32>());
        assert_eq!(rows.values.to_vec::<f32>()[2..4] == [0.0, 0.0], padding.is_some());
        let expected = layer.weight.tensor() - dense.weight.tensor() * 0.5;
        let updated = rows.update(&layer.weight, |values, slope| values - slope * 0.5);
        assert_eq!(updated.to_vec::<f32>(), expected.to_vec::<f32>());
    }
}

#[test]
fn updates_of_rows_can_be_differentiated_and_keep_the_type() {
    let gradient = SparseRows { rows: Tensor::from([2i64, 0]), values: Tensor::from([[1.0f64], [2.0]]) };
    let table = Tensor::from([[1.0f64], [2.0], [3.0]]);
    let updated = |table: &Tensor| gradient.update(table, |values, slope| values * slope * 5.0);
    assert_eq!(updated(&table).to_vec::<f64>(), [10.0, 2.0, 15.0]);
    let slope = grad(|table: &Tensor| updated(table).sum(..))(&table);
    assert_eq!(slope.to_vec::<f64>(), [10.0, 1.0, 5.0]);
    let half = updated(&table.cast(DType::BF16));
    assert_eq!((half.dtype(), half.cast(DType::F64).to_vec::<f64>()), (DType::BF16, vec![10.0, 2.0, 15.0]));
    let none = SparseRows { rows: Tensor::zeros([0], DType::I64), values: Tensor::zeros([0, 1], DType::F64) };
    assert_eq!(none.update(&table, |values, _| values.clone()).to_vec::<f64>(), [1.0, 2.0, 3.0]);
}

#[test]
fn padding_is_zero_at_first_and_bags_of_padding_are() {
    let layer = bag(BagMode::Max, Some(2));
    assert_eq!(layer.weight.to_vec::<f32>()[6..9], [0.0; 3]);
    assert!(layer.weight.to_vec::<f32>()[..6].iter().all(|value| *value != 0.0));
    let layer = EmbeddingBag { weight: Param::new(Tensor::ones([6, 3], DType::F32)), ..layer };
    let output = layer.forward(&Tensor::from([[2i64, 2], [-4, 5]]), &mut Context::evaluation());
    assert_eq!(output.to_vec::<f32>(), [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
    let empty = layer.forward(&Tensor::zeros([2, 0], DType::I64), &mut Context::evaluation());
    assert_eq!(empty.to_vec::<f32>(), [0.0; 6]);
}

#[test]
#[should_panic(expected = "Embedding 6 × 3: the input must be integers, but is f32")]
fn embeddings_take_integers() {
    embedding(None).forward(&Tensor::zeros([2], DType::F32), &mut Context::evaluation());
}

#[test]
#[should_panic(expected = "Embedding: the padding is number 6, but there are only 6 vectors")]
fn the_padding_has_a_vector() {
    embedding(Some(6));
}

#[test]
#[should_panic(expected = "InstanceNorm 3: one number per channel has no variance to normalise by")]
fn instances_have_a_variance() {
    let input = Tensor::zeros([2, 3], DType::F32);
    InstanceNormConfig::new(3).init().forward(&input, &mut Context::evaluation());
}

#[test]
#[should_panic(expected = "EmbeddingBag 6 × 3, Mean: weights go with the mode Sum only")]
fn only_sums_are_weighted() {
    let input = Tensor::zeros([2, 3], DType::I64);
    bag(BagMode::Mean, None).forward_weighted(&input, &Tensor::ones([2, 3], DType::F32));
}
