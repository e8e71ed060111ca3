//! Transforms of transforms, trees, recomputation, custom derivatives, and the moments of random numbers.

use std::collections::BTreeMap;

use bolete_tensor::plan::report::report;
use bolete_tensor::tree::{LeafKind, TreeExt};
use bolete_tensor::{
    DType, Key, Param, State, Step, Tensor, Tree, check_gradients, checkpoint, custom_vjp, eval, grad,
    hessian, hessian_blocks, hvp, jacobian_forward, jacobian_reverse, jvp, value_and_grad, vjp, vmap,
    vmap_axes,
};

fn numbers(tensor: &Tensor) -> Vec<f64> {
    tensor.cast(DType::F64).to_vec()
}

#[track_caller]
fn assert_close(got: &Tensor, expected: &Tensor, tolerance: f64) {
    assert_eq!(got.shape(), expected.shape());
    for (index, (got, expected)) in numbers(got).iter().zip(numbers(expected)).enumerate() {
        let fits = (got - expected).abs() <= tolerance * (1.0 + expected.abs());
        assert!(fits, "element {index} is {got}, expected {expected}");
    }
}

fn normal(seed: u64, shape: &[usize]) -> Tensor {
    let x = Key::new(seed).normal(shape, DType::F64);
    eval([&x]);
    x
}

/// A smooth function of a vector of four with a full Hessian.
fn bumpy(x: &Tensor) -> Tensor {
    let w = (Tensor::arange(16, DType::F64) * 0.37).sin().reshape([4, 4]);
    let h = w.matmul(x).tanh();
    (h.softmax(0) * x.exp()).sum(..) + (h * x).square().logsumexp(0)
}

/// Central differences of a function to a tensor: the Jacobian `[value…, 4]`.
fn differences(function: impl Fn(&Tensor) -> Tensor, x: &Tensor) -> Tensor {
    let step = 1e-5;
    let columns: Vec<Tensor> = (0..x.elements())
        .map(|index| {
            let direction = Tensor::arange(x.elements(), DType::I64).equal(index).cast(DType::F64) * step;
            (function(&(x + &direction)) - function(&(x - &direction))) / (2.0 * step)
        })
        .collect();
    Tensor::stack(&columns, -1)
}

#[test]
fn second_derivatives_agree_with_differences_in_every_order() {
    let x = normal(1, &[4]);
    let expected = differences(grad(bumpy).clone_for_test(), &x);
    assert_close(&hessian(bumpy)(&x), &expected, 1e-7);
    assert_close(&jacobian_reverse(grad(bumpy))(&x), &expected, 1e-7);
    assert_close(&jacobian_forward(grad(bumpy))(&x), &expected, 1e-7);
    let forward_of_forward = jacobian_forward(jacobian_forward(|x: &Tensor| bumpy(x)));
    assert_close(&{ forward_of_forward }(&x), &expected, 1e-7);
    let forward_of_reverse = jacobian_reverse(jacobian_forward(|x: &Tensor| bumpy(x)));
    assert_close(&{ forward_of_reverse }(&x), &expected, 1e-7);
    let v = normal(2, &[4]);
    let along = expected.matmul(&v);
    assert_close(&hvp(bumpy, &x, &v), &along, 1e-7);
    // grad(grad): the gradient of ⟨∇f, v⟩.
    let reverse_of_reverse = grad(|x: &Tensor| (grad(bumpy)(x) * &v).sum(..))(&x);
    assert_close(&reverse_of_reverse, &along, 1e-7);
    // The derivative along v of the derivative along v.
    let (_, twice) = jvp(|x: &Tensor| jvp(bumpy, x, &v).1, &x, &v);
    assert_close(&twice, &(&v * &along).sum(..), 1e-7);
    // And the gradient of a derivative along v.
    let reverse_of_forward = grad(|x: &Tensor| jvp(bumpy, x, &v).1)(&x);
    assert_close(&reverse_of_forward, &along, 1e-7);
    // Rows by vmap over vjp.
    let (_, pullback) = vjp(|x: &Tensor| grad(bumpy)(x), &x);
    let rows = vmap(|row: &Tensor| pullback(row))(&Tensor::eye(4, DType::F64));
    assert_close(&rows, &expected, 1e-7);
}

/// Lets a transform that wants to be called mutably be called in turn.
trait CloneForTest {
    fn clone_for_test(self) -> Box<dyn Fn(&Tensor) -> Tensor>;
}

impl<F: FnMut(&Tensor) -> Tensor + 'static> CloneForTest for F {
    fn clone_for_test(self) -> Box<dyn Fn(&Tensor) -> Tensor> {
        let cell = std::cell::RefCell::new(self);
        Box::new(move |x| (cell.borrow_mut())(x))
    }
}

#[test]
fn third_derivatives() {
    let third = grad(grad(grad(|x: &Tensor| x.sin() * x.exp())));
    let x = 0.7f64;
    let expected = 2.0 * x.exp() * (x.cos() - x.sin());
    assert_close(&{ third }(&Tensor::from(x)), &Tensor::from(expected), 1e-12);
}

#[test]
fn batching_composes_with_derivatives() {
    let batch = normal(3, &[5, 4]);
    let one = |index: usize| batch.narrow(0, index, 1).squeeze(0);
    let loop_of = |function: &dyn Fn(&Tensor) -> Tensor| {
        let parts: Vec<Tensor> = (0..5).map(|index| function(&one(index))).collect();
        Tensor::stack(&parts, 0)
    };
    let v = normal(4, &[4]);
    assert_close(&vmap(grad(bumpy))(&batch), &loop_of(&|x| grad(bumpy)(x)), 1e-12);
    assert_close(&vmap(hessian(bumpy))(&batch), &loop_of(&|x| hessian(bumpy)(x)), 1e-12);
    assert_close(&vmap(|x: &Tensor| hvp(bumpy, x, &v))(&batch), &loop_of(&|x| hvp(bumpy, x, &v)), 1e-12);
    assert_close(&vmap(|x: &Tensor| jvp(bumpy, x, &v).1)(&batch), &loop_of(&|x| jvp(bumpy, x, &v).1), 1e-12);
    // The derivative of a batched function.
    let together = grad(|x: &Tensor| vmap(bumpy)(x).square().sum(..))(&batch);
    assert_close(&together, &loop_of(&|x| grad(|x: &Tensor| bumpy(x).square())(x)), 1e-12);
    let (_, slope) = jvp(|x: &Tensor| vmap(bumpy)(x), &batch, &batch);
    assert_close(&slope, &loop_of(&|x| jvp(bumpy, x, x).1), 1e-12);
    // Batches of batches, over different axes.
    let products = vmap_axes(
        |(a, b): &(Tensor, Tensor)| {
            vmap_axes(|(a, b): &(Tensor, Tensor)| (a * b).sum(..), vec![None, Some(0)], 0)(&(
                a.clone(),
                b.clone(),
            ))
        },
        vec![Some(0), None],
        0,
    )(&(batch.clone(), batch.clone()));
    assert_close(&products, &batch.matmul(&batch.t()), 1e-12);
    assert_close(&vmap_axes(|x: &Tensor| x.exp(), vec![Some(1)], -1)(&batch), &batch.exp(), 1e-15);
    // What does not depend on the batch is repeated.
    assert_close(&vmap(|_: &Tensor| v.clone())(&batch), &v.broadcast_to([5, 4]), 0.0);
    assert_eq!(vmap(bumpy)(&batch.narrow(0, 0, 0)).shape(), &[0][..]);
}

#[test]
fn jacobians_agree_and_are_zero_where_nothing_flows() {
    let function = |(x, y): &(Tensor, Tensor)| x.outer(&y.exp()).sin();
    let arguments = (normal(1, &[3]), normal(2, &[2]));
    let reverse = jacobian_reverse(function)(&arguments);
    let forward = jacobian_forward(function)(&arguments);
    assert_eq!(reverse.0.shape(), &[3, 2, 3][..]);
    assert_eq!(reverse.1.shape(), &[3, 2, 2][..]);
    assert_close(&reverse.0, &forward.0, 1e-13);
    assert_close(&reverse.1, &forward.1, 1e-13);
    assert_close(
        &reverse.0,
        &differences(|x| function(&(x.clone(), arguments.1.clone())), &arguments.0),
        1e-8,
    );
    let only_first = |(x, _): &(Tensor, Tensor)| x.square();
    assert_close(&jacobian_reverse(only_first)(&arguments).1, &Tensor::zeros([3, 2], DType::F64), 0.0);
    assert_close(&jacobian_forward(only_first)(&arguments).1, &Tensor::zeros([3, 2], DType::F64), 0.0);
    let blocks =
        hessian_blocks(|(x, y): &(Tensor, Tensor)| (x.sum(..) * y.square().sum(..)).square())(&arguments);
    assert_eq!(blocks.len(), 2);
    assert_close(&blocks[0].1, &blocks[1].0.t(), 1e-12);
    assert_close(
        &blocks[0].0,
        &(Tensor::ones([3, 3], DType::F64) * 2.0 * arguments.1.square().sum(..).square()),
        1e-12,
    );
}

#[test]
fn recomputation_changes_nothing_but_memory() {
    let captured = normal(9, &[4]);
    let layer = |x: &Tensor| (x * &captured).sin().exp();
    let plain = |x: &Tensor| layer(&layer(x)).sum(..);
    let again = |x: &Tensor| checkpoint(|x: &Tensor| layer(&checkpoint(layer)(x)))(x).sum(..);
    let x = normal(5, &[4]);
    assert_close(&again(&x), &plain(&x), 0.0);
    assert_close(&grad(again)(&x), &grad(plain)(&x), 1e-13);
    assert_close(&hessian(again)(&x), &hessian(plain)(&x), 1e-12);
    assert_close(&jvp(again, &x, &captured).1, &jvp(plain, &x, &captured).1, 1e-13);
    assert_close(&grad(grad_sum(again))(&x), &grad(grad_sum(plain))(&x), 1e-12);
    let batch = normal(6, &[3, 4]);
    assert_close(&vmap(grad(again))(&batch), &vmap(grad(plain))(&batch), 1e-13);
    assert_close(&vmap(again)(&batch), &vmap(plain)(&batch), 1e-13);
    let batched = |x: &Tensor| vmap(again)(x).square().sum(..);
    assert_close(&grad(batched)(&batch), &grad(|x: &Tensor| vmap(plain)(x).square().sum(..))(&batch), 1e-12);
    // Gradients flow into what the function captures, also from around another transform.
    let inside = |w: &Tensor| checkpoint(|x: &Tensor| (x * w).sin() * w.exp())(&x).sum(..);
    let outside = |w: &Tensor| ((&x * w).sin() * w.exp()).sum(..);
    assert_close(&grad(inside)(&captured), &grad(outside)(&captured), 1e-13);
    assert_close(&hessian(inside)(&captured), &hessian(outside)(&captured), 1e-12);
    // The same within a step.
    let mut step = Step::new(|(w, x): (Tensor, Tensor)| {
        grad(|w: &Tensor| checkpoint(|x: &Tensor| (x * w).sin() * w.exp())(&x).sum(..))(&w)
    });
    assert_close(&step.call((captured.clone(), x.clone())), &grad(outside)(&captured), 1e-13);
}

fn grad_sum(function: impl Fn(&Tensor) -> Tensor) -> impl Fn(&Tensor) -> Tensor {
    move |x| grad(&function)(x).sin().sum(..)
}

#[test]
fn recomputation_saves_memory() {
    let size = 64;
    let weights: Vec<Tensor> = (0..12).map(|layer| normal(layer, &[size, size]) * 0.1).collect();
    let x = normal(99, &[256, size]);
    eval(&weights);
    // Several values per layer that the derivative needs.
    let layer = |x: &Tensor, w: &Tensor| x.matmul(w).tanh().matmul(w).sin().matmul(w).tanh();
    let peak = |recompute: bool| {
        let loss = |weights: &Vec<Tensor>| {
            let through = |x: Tensor, w: &Tensor| {
                if recompute {
                    checkpoint(|(x, w): &(Tensor, Tensor)| layer(x, w))(&(x, w.clone()))
                } else {
                    layer(&x, w)
                }
            };
            weights.iter().fold(x.clone(), through).square().mean(..)
        };
        let (value, slopes) = value_and_grad(loss)(&weights);
        let all: Vec<&Tensor> = slopes.iter().chain([&value]).collect();
        let report = report(&all);
        eval(all.iter().copied());
        (report, slopes)
    };
    let (kept, expected) = peak(false);
    let (again, slopes) = peak(true);
    assert!(
        again.arena_bytes * 2 < kept.arena_bytes,
        "recomputing takes {} bytes, keeping {}",
        again.arena_bytes,
        kept.arena_bytes
    );
    assert!(again.operations > kept.operations);
    for (slope, expected) in slopes.iter().zip(&expected) {
        assert_close(slope, expected, 1e-12);
    }
}

#[test]
fn recomputation_saves_memory_under_vmap_too() {
    let batch = normal(1, &[1000, 32]);
    let layer = |x: &Tensor| (0..6).fold(x.clone(), |x, _| (&x * x.flip(0)).sin());
    let arena = |recompute: bool| {
        let slope = grad(|x: &Tensor| {
            let one = |x: &Tensor| {
                (0..6).fold(x.clone(), |x, _| if recompute { checkpoint(layer)(&x) } else { layer(&x) })
            };
            vmap(one)(x).sum(..)
        })(&batch);
        (report(&[&slope]).arena_bytes, slope)
    };
    let ((kept, expected), (again, slope)) = (arena(false), arena(true));
    assert!(again * 2 < kept, "recomputing takes {again} bytes, keeping {kept}");
    assert_close(&slope, &expected, 1e-12);
}

#[test]
fn own_derivatives() {
    // Twice the true derivative, so that it shows whether it was used.
    let double = || custom_vjp(|x: &Tensor| x.sin(), |x: &Tensor, _: &Tensor, c: &Tensor| c * x.cos() * 2.0);
    let x = normal(1, &[3]);
    let f = double();
    assert_close(&f(&x), &x.sin(), 0.0);
    assert_close(&grad(|x: &Tensor| f(x).sum(..))(&x), &(x.cos() * 2.0), 1e-15);
    assert_close(&vmap(grad(|x: &Tensor| f(x)))(&x), &(x.cos() * 2.0), 1e-15);
    assert_close(&vmap(|x: &Tensor| f(x) * 2.0)(&x), &(x.sin() * 2.0), 1e-15);
    assert_close(&grad(|x: &Tensor| vmap(|x: &Tensor| f(x))(x).sum(..))(&x), &(x.cos() * 2.0), 1e-15);
    // With an argument that all examples share, whose cotangents add up.
    let scaled = custom_vjp(
        |(x, w): &(Tensor, Tensor)| x * w,
        |(x, w): &(Tensor, Tensor), _: &Tensor, c: &Tensor| (c * w * 10.0, c * x * 100.0),
    );
    let (dx, dw) = grad(|(x, w): &(Tensor, Tensor)| {
        vmap_axes(|p: &(Tensor, Tensor)| scaled(p), vec![Some(0), None], 0)(&(x.clone(), w.clone())).sum(..)
    })(&(x.clone(), Tensor::from(3.0f64)));
    assert_close(&dx, &Tensor::full([3], 30.0, DType::F64), 1e-15);
    assert_close(&dw, &(x.sum(..) * 100.0), 1e-14);
    // The derivative of the rule.
    let second = grad(|x: &Tensor| grad(|x: &Tensor| f(x).sum(..))(x).sum(..))(&x);
    assert_close(&second, &(x.sin() * -2.0), 1e-15);
    // Forward derivatives are those of the function.
    assert_close(&jvp(|x: &Tensor| f(x), &x, &x.ones_like()).1, &x.cos(), 1e-15);
    // Over trees, with integers among the leaves, and what is captured has no derivative.
    let w = normal(2, &[3]);
    let pair = custom_vjp(
        |(x, n): &(Tensor, Tensor)| (x * n, x.square()),
        |(x, n): &(Tensor, Tensor), _: &(Tensor, Tensor), (a, b): &(Tensor, Tensor)| {
            (a * n * 10.0 + b * x, n.zeros_like())
        },
    );
    let n = Tensor::from([1i64, 2, 3]);
    let (dx, dn) = grad(|p: &(Tensor, Tensor)| {
        let (a, b) = pair(p);
        (a + b * 100.0).sum(..)
    })(&(x.clone(), n.clone()));
    assert_close(&dx, &(&n * 10.0 + &x * 100.0), 1e-12);
    assert_eq!((dn.dtype(), dn.to_vec::<i64>()), (DType::I64, vec![0; 3]));
    let captured = grad(|w: &Tensor| {
        let f = custom_vjp(
            {
                let w = w.clone();
                move |x: &Tensor| x * &w
            },
            |_: &Tensor, _: &Tensor, c: &Tensor| c.clone(),
        );
        f(&x).sum(..)
    })(&w);
    assert_close(&captured, &w.zeros_like(), 0.0);
    let mut step = Step::new(|x: Tensor| grad(|x: &Tensor| f(x).sum(..))(&x));
    assert_close(&step.call(x.clone()), &(x.cos() * 2.0), 1e-15);
}

#[test]
fn the_check_finds_wrong_derivatives() {
    let x = normal(1, &[3]);
    check_gradients(|x: &Tensor| bumpy(&x.pad(&[(1, 0)], 0.3)), &x, 1e-5, 1e-7).expect("right");
    let wrong = custom_vjp(|x: &Tensor| x.exp(), |x: &Tensor, _: &Tensor, c: &Tensor| c * x);
    let error = check_gradients(|x: &Tensor| wrong(x), &x, 1e-5, 1e-6).expect_err("wrong");
    assert!(error.to_string().contains("reverse derivative"), "{error}");
    // A derivative that is wrong in both modes, in the second of two leaves.
    let stopped = |(x, y): &(Tensor, Tensor)| x * y.stop_gradient();
    let error = check_gradients(stopped, &(x.clone(), x.clone()), 1e-5, 1e-6).expect_err("wrong");
    assert!(error.place.contains("[1]") && error.place.contains("forward"), "{error}");
}

#[test]
fn nothing_flows_through_a_stop() {
    let x = normal(1, &[3]);
    let slope = grad(|x: &Tensor| (x * x.stop_gradient()).sum(..))(&x);
    assert_close(&slope, &x, 0.0);
    assert_close(&jvp(|x: &Tensor| x * x.stop_gradient(), &x, &x.ones_like()).1, &x, 0.0);
    let second = hessian(|x: &Tensor| (x.square() * x.stop_gradient()).sum(..))(&x);
    assert_close(&second, &(Tensor::eye(3, DType::F64) * &x * 2.0), 1e-15);
    assert_close(&vmap(grad(|x: &Tensor| x * x.stop_gradient()))(&x), &x, 0.0);
}

#[derive(Clone, Debug, Tree)]
struct Layer {
    weight: Param,
    bias: Option<Param>,
    running: State,
    rate: f64,
}

#[derive(Clone, Debug, Tree)]
enum Activation {
    Relu,
    Slope(Param),
    Affine { scale: Param, shift: Param },
}

#[derive(Clone, Debug, Tree)]
struct Wrapped(Layer);

#[derive(Clone, Debug, Tree)]
struct Model<T> {
    layers: Vec<Layer>,
    pair: (Wrapped, [Tensor; 2]),
    activations: Vec<Activation>,
    extra: BTreeMap<String, T>,
    nested: Box<Option<Vec<Tensor>>>,
    r#type: String,
    nothing: (),
}

fn layer(value: f64, bias: bool) -> Layer {
    let tensor = |value: f64| Tensor::full([2], value, DType::F64);
    Layer {
        weight: Param::new(tensor(value)),
        bias: bias.then(|| Param::new(tensor(value + 0.5))),
        running: State::new(tensor(7.0)),
        rate: 0.1,
    }
}

fn model() -> Model<Tensor> {
    let number = |value: f64| Tensor::from(value);
    Model {
        layers: vec![layer(1.0, true), layer(2.0, false)],
        pair: (Wrapped(layer(3.0, true)), [number(4.0), number(5.0)]),
        activations: vec![
            Activation::Relu,
            Activation::Slope(Param::new(number(0.1))),
            Activation::Affine { scale: Param::new(number(2.0)), shift: Param::new(number(3.0)) },
        ],
        extra: BTreeMap::from([("b.c".into(), number(6.0)), ("a".into(), Tensor::from([1i64, 2]))]),
        nested: Box::new(Some(vec![number(8.0)])),
        r#type: "test".into(),
        nothing: (),
    }
}

#[test]
fn trees_have_paths_kinds_and_structure() {
    let model = model();
    let named: Vec<(String, LeafKind)> =
        model.named_leaves().into_iter().map(|leaf| (leaf.path, leaf.kind)).collect();
    let expected = [
        ("layers.0.weight", LeafKind::Param),
        ("layers.0.bias", LeafKind::Param),
        ("layers.0.running", LeafKind::State),
        ("layers.1.weight", LeafKind::Param),
        ("layers.1.running", LeafKind::State),
        ("pair.0.weight", LeafKind::Param),
        ("pair.0.bias", LeafKind::Param),
        ("pair.0.running", LeafKind::State),
        ("pair.1.0", LeafKind::Plain),
        ("pair.1.1", LeafKind::Plain),
        ("activations.1", LeafKind::Param),
        ("activations.2.scale", LeafKind::Param),
        ("activations.2.shift", LeafKind::Param),
        ("extra.a", LeafKind::Plain),
        ("extra.b.c", LeafKind::Plain),
        ("nested.0", LeafKind::Plain),
    ];
    assert_eq!(named, expected.map(|(path, kind)| (path.to_string(), kind)));
    assert_eq!(model.count(LeafKind::Param), 13);
    assert_eq!(model.count(LeafKind::State), 6);
    let doubled = model.map(|leaf| leaf * 2);
    let sums: Vec<f64> = doubled.leaves().iter().map(|leaf| leaf.sum(..).item()).collect();
    let before: Vec<f64> = model.leaves().iter().map(|leaf| 2.0 * leaf.sum(..).item()).collect();
    assert_eq!(sums, before);
    assert_eq!(doubled.r#type, "test");
    assert_eq!(doubled.structure(), model.structure());
    // Everything that is not a leaf is structure.
    let mut other = model.clone();
    other.layers[0].rate = 0.2;
    assert_ne!(other.structure(), model.structure());
    let mut other = model.clone();
    other.layers[0].bias = None;
    assert_ne!(other.structure(), model.structure());
    let mut other = model.clone();
    other.activations.swap(0, 1);
    assert_ne!(other.structure(), model.structure());
    let mut other = model.clone();
    other.r#type.push('x');
    assert_ne!(other.structure(), model.structure());
    let mut other = model.clone();
    let moved = other.extra.remove("a").expect("it is there");
    other.extra.insert("z".into(), moved);
    assert_ne!(other.structure(), model.structure());
}

#[test]
fn gradients_have_the_shape_of_the_model() {
    let model = model();
    let (value, slope) = value_and_grad(|model: &Model<Tensor>| {
        let floats = model.leaves().into_iter().map(|leaf| leaf.cast(DType::F64).square().sum(..));
        floats.fold(Tensor::from(0.0f64), |sum, term| sum + term)
    })(&model);
    assert!(value.item() > 0.0);
    for (slope, leaf) in slope.named_leaves().iter().zip(model.named_leaves()) {
        assert_eq!((&slope.path, slope.kind), (&leaf.path, leaf.kind));
        assert_eq!(slope.tensor.dtype(), leaf.tensor.dtype());
        // State and integers have no derivative.
        let flows = leaf.kind != LeafKind::State && leaf.tensor.dtype().is_float();
        let expected = if flows { leaf.tensor * 2.0 } else { leaf.tensor.zeros_like() };
        assert_close(slope.tensor, &expected, 1e-15);
    }
    // A model goes through a step, and vmap maps all of its leaves.
    let mut step = Step::new(|model: Model<Tensor>| model.map(|leaf| leaf + 1));
    let next = step.call(model.clone());
    for (next, leaf) in next.leaves().iter().zip(model.leaves()) {
        assert_close(next, &(leaf + 1), 0.0);
    }
    let many = model.map(|leaf| Tensor::stack(&[leaf.clone(), leaf * 2], 0));
    let sums = vmap(|model: &Model<Tensor>| model.layers[1].weight.sum(..) + &model.pair.1[0])(&many);
    assert_eq!(sums.to_vec::<f64>(), [8.0, 16.0]);
}

#[test]
fn mapped_keys_draw_what_a_loop_draws() {
    let keys = Key::new(11).split_many(6);
    let draw = |key: &Key| {
        let [a, b] = key.split();
        let noise = a.normal([3], DType::F64) + b.uniform([3], DType::F64) + a.bernoulli(0.4, [3]);
        let chosen = b.categorical(&noise).cast(DType::F64);
        noise + chosen + a.permutation(3) + Tensor::ones([3], DType::F64).dropout(0.5, &b)
    };
    let together = vmap(|key: &Key| draw(key))(&Key::from_tensor(keys.clone()));
    let singly: Vec<Tensor> =
        (0..6).map(|index| draw(&Key::from_tensor(keys.narrow(0, index, 1).squeeze(0)))).collect();
    assert_eq!(together.to_vec::<f64>(), Tensor::stack(&singly, 0).to_vec::<f64>());
    // The same for all without vmap's help: keys in a tensor draw in front.
    let uniform = Key::from_tensor(keys.clone()).uniform([4], DType::F32);
    assert_eq!(uniform.shape(), &[6, 4][..]);
    let row = Key::from_tensor(keys.narrow(0, 2, 1).squeeze(0)).uniform([4], DType::F32);
    assert_eq!(uniform.narrow(0, 2, 1).to_vec::<f32>(), row.to_vec::<f32>());
}

#[test]
fn split_keys_differ() {
    let mut all: Vec<i64> = Key::new(0).split_many(1000).to_vec();
    all.extend(Key::new(1).split_many(1000).to_vec::<i64>());
    let [child, _] = Key::new(0).split();
    all.extend(child.split_many(1000).to_vec::<i64>());
    all.sort_unstable();
    assert!(all.windows(2).all(|pair| pair[0] != pair[1]));
    // Numbers of neighbouring keys are uncorrelated.
    let [a, b] = Key::new(5).split();
    let product = (a.normal([100_000], DType::F64) * b.normal([100_000], DType::F64)).mean(..).item();
    assert!(product.abs() < 5.0 / 100_000f64.sqrt(), "{product}");
}

#[test]
fn random_numbers_have_their_moments() {
    const COUNT: usize = 400_000;
    let deviations = 5.0 / (COUNT as f64).sqrt();
    let check = |name: &str, got: f64, expected: f64, spread: f64| {
        assert!((got - expected).abs() < deviations * spread, "{name}: {got}, expected {expected}");
    };
    for dtype in [DType::F32, DType::F64] {
        let u = Key::new(1).uniform([COUNT], dtype).cast(DType::F64);
        check("uniform mean", u.mean(..).item(), 0.5, (1.0f64 / 12.0).sqrt());
        check("uniform square", u.square().mean(..).item(), 1.0 / 3.0, (4.0f64 / 45.0).sqrt());
        check(
            "uniform neighbours",
            (u.narrow(0, 1, COUNT - 1) * u.narrow(0, 0, COUNT - 1)).mean(..).item(),
            0.25,
            0.25,
        );
        assert!(u.min(..).item() >= 0.0 && u.max(..).item() < 1.0);
        let n = Key::new(2).normal([COUNT], dtype).cast(DType::F64);
        check("normal mean", n.mean(..).item(), 0.0, 1.0);
        check("normal square", n.square().mean(..).item(), 1.0, 2f64.sqrt());
        check("normal cube", (n.square() * &n).mean(..).item(), 0.0, 15f64.sqrt());
        check("normal fourth", n.square().square().mean(..).item(), 3.0, 96f64.sqrt());
        check("normal beyond two", n.abs().greater(2.0).mean(..).item(), 0.045_500_263_9, 0.21);
    }
    let b = Key::new(3).bernoulli(0.3, [COUNT]);
    check("bernoulli", b.mean(..).item(), 0.3, 0.21f64.sqrt());
    let p = Tensor::from([0.1f64, 0.2, 0.3, 0.4]);
    let c = Key::new(4).categorical(&p.log().broadcast_to([COUNT, 4]));
    for class in 0..4 {
        let p = 0.1 * (class + 1) as f64;
        check("categorical", c.equal(class as i64).mean(..).item(), p, (p * (1.0 - p)).sqrt());
    }
    // Each position of a permutation is uniform, and it is one.
    let keys = Key::new(5).split_many(20_000);
    let permutations = Key::from_tensor(keys).permutation(5);
    let sums = permutations.one_hot(5, DType::F64).mean(0);
    for mean in sums.to_vec::<f64>() {
        assert!((mean - 0.2).abs() < 5.0 * (0.16f64 / 20_000.0).sqrt(), "{mean}");
    }
    assert_eq!(permutations.one_hot(5, DType::I64).sum(1).min(..).item(), 1.0);
    let mut long = Key::new(6).permutation(10_007).to_vec::<i64>();
    assert!(long.windows(2).any(|pair| pair[0] > pair[1]));
    long.sort_unstable();
    assert_eq!(long, (0..10_007).collect::<Vec<i64>>());
}

/// Numbers written down once: a change of them breaks every stored seed.
#[test]
fn known_seeds_draw_known_numbers() {
    let key = Key::new(42);
    let [first, second] = key.split();
    let drawn = (
        key.uniform([3], DType::F32).to_vec::<f32>(),
        key.uniform([2], DType::F64).to_vec::<f64>(),
        [first, second].map(|key| key.tensor().to_vec::<i64>()[0]),
        key.permutation(6).to_vec::<i64>(),
    );
    let expected = (
        vec![0.61295986, 0.4685865, 0.0732317],
        vec![0.4685865183391049, 0.34086154938517876],
        [4108515926583640430, 5895813825887534595],
        vec![3, 4, 5, 0, 2, 1],
    );
    assert_eq!(drawn, expected);
}
