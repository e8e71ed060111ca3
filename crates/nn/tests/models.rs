//! Layers put together: contexts, paths, summaries, initial values.

use bolete_nn::{
    Activation, AdamConfig, BatchNorm, BatchNormConfig, Context, Conv2d, Conv2dConfig, Dropout, Linear,
    LinearConfig, MaxPool2d, Mode, Module, Optimiser, Padding, Sequential, SgdConfig, UpdateRule,
    cast_floats, clip_by_value, cross_entropy, parameter_table, summarise, summarise_with,
};
use bolete_tensor::tree::{LeafKind, TreeExt};
use bolete_tensor::{DType, Key, State, Tensor, Tree, value_and_grad};

/// LeCun et al. 1998, with ReLU, maximum pooling, batch normalisation and dropout.
#[derive(Clone, Tree)]
struct LeNet {
    features: Features,
    hidden: Linear,
    dropout: Dropout,
    output: Linear,
}

#[derive(Clone, Tree)]
struct Features {
    first: Conv2d,
    norm: BatchNorm,
    second: Conv2d,
    pool: MaxPool2d,
}

impl LeNet {
    fn new(key: &Key) -> LeNet {
        let [first, second, hidden, output] = key.split();
        LeNet {
            features: Features {
                first: Conv2dConfig { padding: Padding::Same, ..Conv2dConfig::new(1, 6, [5, 5]) }
                    .init(&first),
                norm: BatchNormConfig::new(6).init(),
                second: Conv2dConfig::new(6, 16, [5, 5]).init(&second),
                pool: MaxPool2d::new([2, 2]),
            },
            hidden: LinearConfig::new(400, 120).init(&hidden),
            dropout: Dropout::default(),
            output: LinearConfig::new(120, 10).init(&output),
        }
    }
}

impl Module for LeNet {
    fn forward(&self, input: &Tensor, context: &mut Context) -> Tensor {
        let Features { first, norm, second, pool } = &self.features;
        let x = norm.forward(&first.forward(input, context), context);
        let x = pool.forward(&x.relu(), context);
        let x = pool.forward(&second.forward(&x, context).relu(), context);
        let x = Activation::Relu.forward(&self.hidden.forward(&x.flatten_from(1), context), context);
        self.output.forward(&self.dropout.forward(&x, context), context)
    }
}

fn values<T: Tree>(tree: &T) -> Vec<Vec<u8>> {
    tree.leaves().iter().map(Tensor::to_bytes).collect()
}

#[test]
fn paths_and_kinds() {
    let model = LeNet::new(&Key::new(0));
    let found: Vec<(String, LeafKind)> =
        model.named_leaves().into_iter().map(|leaf| (leaf.path, leaf.kind)).collect();
    let expected = [
        ("features.first.weight", LeafKind::Param),
        ("features.first.bias", LeafKind::Param),
        ("features.norm.weight", LeafKind::Param),
        ("features.norm.bias", LeafKind::Param),
        ("features.norm.running_mean", LeafKind::State),
        ("features.norm.running_var", LeafKind::State),
        ("features.second.weight", LeafKind::Param),
        ("features.second.bias", LeafKind::Param),
        ("hidden.weight", LeafKind::Param),
        ("hidden.bias", LeafKind::Param),
        ("output.weight", LeafKind::Param),
        ("output.bias", LeafKind::Param),
    ];
    assert_eq!(found, expected.map(|(path, kind)| (path.to_owned(), kind)));
}

#[test]
fn the_same_key_makes_the_same_model() {
    assert_eq!(values(&LeNet::new(&Key::new(3))), values(&LeNet::new(&Key::new(3))));
    assert_ne!(values(&LeNet::new(&Key::new(3))), values(&LeNet::new(&Key::new(4))));
}

#[test]
fn summary_of_a_model() {
    let summary = summarise(&LeNet::new(&Key::new(0)), [2, 1, 28, 28]);
    let expected = "\
Layer                     Path            Output          Parameters    FLOPs
─────────────────────────────────────────────────────────────────────────────
Conv2d 1 → 6, 5×5         features.first  [2, 6, 28, 28]         156  479,808
BatchNorm 6               features.norm   [2, 6, 28, 28]          12   18,816
MaxPool2d 2×2                             [2, 6, 14, 14]           0    9,408
Conv2d 6 → 16, 5×5        features.second [2, 16, 10, 10]      2,416  963,200
";
    let text = summary.to_string();
    let squeeze = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    };
    let (found, expected) = (squeeze(&text), squeeze(expected));
    assert_eq!(found[0], expected[0]);
    assert_eq!(found[2..6], expected[2..6]);
    assert_eq!(
        found[6..],
        squeeze(
            "MaxPool2d 2×2 [2, 16, 5, 5] 0 3,200
             Linear 400 → 120 hidden [2, 120] 48,120 192,240
             Relu [2, 120] 0 240
             Dropout 0.5 [2, 120] 0 0
             Linear 120 → 10 output [2, 10] 1,210 4,820
             51,914 parameters and 12 numbers of state in 207,704 bytes; 1,671,732 floating-point operations per \
             forward pass"
        )
    );
    let lengths: Vec<usize> = text.lines().take(6).map(|line| line.chars().count()).collect();
    assert!(lengths.windows(2).all(|pair| pair[0] == pair[1]), "columns are ragged:\n{text}");
}

#[test]
fn a_summary_runs_nothing() {
    let model = LinearConfig::new(1 << 20, 1 << 20).init(&Key::new(0));
    assert_eq!(summarise(&model, [1, 1 << 20]).parameters, (1 << 40) + (1 << 20));
    assert!(!model.weight.is_evaluated());
}

#[test]
fn a_layer_used_twice_counts_once() {
    let model = LinearConfig::new(4, 4).init(&Key::new(0));
    let summary = summarise_with(&model, |model, context| {
        let once = model.forward(&Tensor::zeros([1, 4], DType::F32), context);
        model.forward(&once, context)
    });
    let counts: Vec<usize> = summary.rows.iter().map(|row| row.parameters).collect();
    assert_eq!((counts, summary.parameters), (vec![20, 0], 20));
}

#[test]
fn table_of_parameters() {
    let table = parameter_table(&BatchNormConfig::new(3).init());
    let last: Vec<&str> = table.lines().last().expect("a row").split_whitespace().collect();
    assert_eq!(last, ["running_var", "state", "f32", "[3]", "3"]);
    assert_eq!(table.lines().count(), 6);
}

#[test]
fn evaluation_is_a_function_of_model_and_input() {
    let model = LeNet::new(&Key::new(0));
    let input = Key::new(1).normal([2, 1, 28, 28], DType::F32);
    let run = |context: &mut Context| model.forward(&input, context).to_vec::<f32>();
    let mut context = Context::evaluation();
    assert_eq!(context.mode(), Mode::Evaluate);
    let first = run(&mut context);
    assert_eq!(first, run(&mut context));
    assert_eq!(context.pending_updates(), 0);
    // In training the key decides.
    let trained = |seed: u64| run(&mut Context::training(Key::new(seed)));
    assert_eq!(trained(0), trained(0));
    assert_ne!(trained(0), trained(1));
}

#[test]
#[should_panic(expected = "which has no key")]
fn evaluation_has_no_randomness() {
    Context::evaluation().next_key();
}

#[test]
fn keys_of_a_context_differ() {
    let mut context = Context::evaluation_with(Key::new(0));
    let keys: Vec<i64> = (0..100).map(|_| context.next_key().tensor().item() as i64).collect();
    let distinct: std::collections::HashSet<&i64> = keys.iter().collect();
    assert_eq!(distinct.len(), keys.len());
}

#[test]
fn dropout_keeps_the_mean() {
    let ones = Tensor::ones([100, 1000], DType::F64);
    let layer = Dropout { probability: 0.3 };
    let output = layer.forward(&ones, &mut Context::training(Key::new(5)));
    assert!((output.mean(..).item() - 1.0).abs() < 0.01);
    let zeros = output.equal(0.0).cast(DType::F64).mean(..).item();
    assert!((zeros - 0.3).abs() < 0.006, "{zeros} of the elements were dropped");
    // The gradient passes where the value has passed.
    let (_, gradient) =
        value_and_grad(|x: &Tensor| layer.forward(x, &mut Context::training(Key::new(5))).sum(..))(&ones);
    assert_eq!(gradient.to_vec::<f64>(), output.to_vec::<f64>());
}

#[test]
fn updates_reach_their_leaves_only() {
    #[derive(Clone, Tree)]
    struct Two {
        first: State,
        second: State,
        other: Tensor,
    }
    let leaf = |value: f32| Tensor::from([value]);
    let model = Two { first: State::new(leaf(1.0)), second: State::new(leaf(2.0)), other: leaf(3.0) };
    let stranger = State::new(leaf(4.0));
    let mut context = Context::evaluation();
    assert_eq!(context.state(&model.second).item(), 2.0);
    context.update(&model.second, leaf(20.0));
    context.update(&stranger, leaf(40.0));
    assert_eq!(context.state(&model.second).item(), 20.0);
    let model = context.apply(model);
    let numbers: Vec<f64> = model.leaves().iter().map(Tensor::item).collect();
    assert_eq!(numbers, [1.0, 20.0, 3.0]);
    assert_eq!(context.pending_updates(), 1);
    assert_eq!(context.apply(stranger).item(), 40.0);
    assert_eq!(context.pending_updates(), 0);
}

#[test]
#[should_panic(expected = "the state is f32 [1], its new value f32 [2]")]
fn an_update_must_fit() {
    Context::evaluation().update(&State::new(Tensor::from([1.0f32])), Tensor::from([1.0f32, 2.0]));
}

#[test]
fn a_layer_called_twice_updates_its_state_twice() {
    let layer = BatchNormConfig { momentum: 0.5, ..BatchNormConfig::new(1) }.init();
    let mut context = Context::training(Key::new(0));
    layer.forward(&Tensor::from([[3.0f32], [5.0]]), &mut context);
    layer.forward(&Tensor::from([[7.0f32], [9.0]]), &mut context);
    // 0 → 2 → 5.
    assert_eq!(context.apply(layer).running_mean.item(), 5.0);
}

#[test]
fn training_changes_parameters_and_state() {
    let mut model = LeNet::new(&Key::new(0));
    let before = model.clone();
    let mut optimiser = AdamConfig::default().init(&model);
    let images = Key::new(1).normal([8, 1, 28, 28], DType::F32);
    let labels = Tensor::from([0i64, 1, 2, 3, 4, 5, 6, 7]);
    let mut losses = Vec::new();
    for step in 0..60 {
        let mut context = Context::training(Key::new(step));
        let (loss, gradients) =
            value_and_grad(|model: &LeNet| cross_entropy(&model.forward(&images, &mut context), &labels))(
                &model,
            );
        model = context.apply(model);
        (model, optimiser) = optimiser.update(model, &gradients);
        losses.push(loss.item());
    }
    assert!(losses[59] < 0.25 * losses[0], "{losses:?}");
    for ((path, old), new) in
        before.named_leaves().into_iter().map(|leaf| (leaf.path, leaf.tensor)).zip(model.leaves())
    {
        assert_ne!(old.to_vec::<f32>(), new.to_vec::<f32>(), "{path} has not changed");
    }
}

#[test]
fn optimisers_know_their_moments_by_path() {
    let optimiser = AdamConfig::default().init(&LeNet::new(&Key::new(0)));
    let paths: Vec<String> = optimiser.named_leaves().into_iter().map(|leaf| leaf.path).collect();
    assert_eq!(paths[..3], ["learning_rate", "updates", "memory.features.first.bias.first_moment"]);
    assert_eq!(paths.len(), 2 + 2 * 10, "state has no moments: {paths:?}");
}

#[test]
#[should_panic(expected = "made for another model: it knows no trainable leaf `weight`")]
fn an_optimiser_belongs_to_its_model() {
    let optimiser = AdamConfig::default().init(&LeNet::new(&Key::new(0)));
    let other = LinearConfig::new(2, 2).init(&Key::new(0));
    optimiser.update(other.clone(), &other);
}

#[test]
fn updates_leave_state_and_integers_alone() {
    let model = (Tensor::from([1.0f64]), Tensor::from([1i64]), State::new(Tensor::from([1.0f64])));
    let ones = model.map(Tensor::ones_like);
    let (model, _) =
        SgdConfig { learning_rate: 0.25, ..SgdConfig::default() }.init(&model).update(model, &ones);
    let numbers: Vec<f64> = model.leaves().iter().map(Tensor::item).collect();
    assert_eq!(numbers, [0.75, 1.0, 1.0]);
}

#[test]
fn half_precision_has_moments_in_f32() {
    let model = cast_floats(&LinearConfig::new(2, 3).init(&Key::new(0)), DType::BF16);
    let optimiser = AdamConfig::default().init(&model);
    let gradients = model.map(Tensor::ones_like);
    let (updated, optimiser) = optimiser.update(model.clone(), &gradients);
    assert_eq!(updated.weight.dtype(), DType::BF16);
    let moments: Vec<DType> = optimiser.leaves()[2..].iter().map(Tensor::dtype).collect();
    assert_eq!(moments, [DType::F32; 4]);
    // The first update of Adam goes by the learning rate against the sign of the gradient.
    let step = (model.weight.cast(DType::F32) - 0.001).cast(DType::BF16);
    assert_eq!(updated.weight.to_bytes(), step.to_bytes());
}

#[test]
fn clipping_by_value() {
    let clipped = clip_by_value(Tensor::from([-3.0f32, 0.5, 2.0]), 1.0);
    assert_eq!(clipped.to_vec::<f32>(), [-1.0, 0.5, 1.0]);
}

#[test]
fn lists_within_lists_have_paths() {
    let inner = Sequential::new([LinearConfig::new(2, 2).init(&Key::new(0)).into()]);
    let outer = Sequential::new([Activation::Relu.into(), inner.into()]);
    let summary = summarise(&outer, [1, 2]);
    let paths: Vec<&str> = summary.rows.iter().map(|row| row.path.as_str()).collect();
    assert_eq!(paths, ["", "layers.1.layers.0"]);
}

#[test]
fn a_list_can_be_of_one_type() {
    let stack = Sequential { layers: vec![LinearConfig::new(2, 2).init(&Key::new(0)); 3] };
    let output = stack.forward(&Tensor::zeros([1, 2], DType::F32), &mut Context::evaluation());
    assert_eq!(*output.shape(), [1, 2]);
    assert_eq!(stack.named_leaves()[2].path, "layers.1.weight");
}

#[test]
#[should_panic(
    expected = "Linear 3 → 2: the last axis of the input must have length 3, but its shape is [4, 2]"
)]
fn a_misfit_names_the_layer() {
    let layer = LinearConfig::new(3, 2).init(&Key::new(0));
    layer.forward(&Tensor::zeros([4, 2], DType::F32), &mut Context::evaluation());
}

#[test]
#[should_panic(expected = "one number per channel has no variance")]
fn a_batch_of_one_cannot_be_normalised() {
    let layer = BatchNormConfig::new(3).init();
    layer.forward(&Tensor::zeros([1, 3], DType::F32), &mut Context::training(Key::new(0)));
}
