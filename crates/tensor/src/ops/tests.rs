//! Every op under every transform, in f64.
//!
//! A case is a function of tensors. Each is checked at several random arguments: forward derivative against finite
//! differences, reverse against forward, both again for the gradient (second order), and `vmap` against a loop, over
//! every choice of mapped arguments. An op that no case reaches fails the test.

use std::collections::BTreeSet;

use crate::graph::walk::reachable;
use crate::ops::Op;
use crate::ops::map::MapOp;
use crate::ops::view::index;
use crate::{Convolution2d, DType, Key, Pool2d, Tensor, check_gradients, grad, vmap_axes};

type Function = Box<dyn Fn(&[Tensor]) -> Tensor>;

struct Case {
    name: &'static str,
    /// Shapes of the arguments.
    shapes: Vec<Vec<usize>>,
    /// From normal numbers to numbers in the op's domain.
    domain: fn(&Tensor) -> Tensor,
    function: Function,
    /// Whether derivatives exist at almost all points; else only `vmap` is checked.
    smooth: bool,
}

fn anywhere(x: &Tensor) -> Tensor {
    x.clone()
}
fn positive(x: &Tensor) -> Tensor {
    x.square() + 0.5
}
fn within_one(x: &Tensor) -> Tensor {
    x.tanh() * 0.8
}
/// No two elements closer than a step of finite differences, none near zero.
fn apart(x: &Tensor) -> Tensor {
    let ramp = Tensor::arange(x.elements(), DType::F64).reshape(x.shape());
    (ramp * 0.618_033_988_7 + x * 1e-3).modulo(1.0) + 0.1
}

fn case(
    name: &'static str,
    shapes: &[&[usize]],
    domain: fn(&Tensor) -> Tensor,
    function: impl Fn(&[Tensor]) -> Tensor + 'static,
) -> Case {
    let shapes = shapes.iter().map(|shape| shape.to_vec()).collect();
    Case { name, shapes, domain, function: Box::new(function), smooth: true }
}

fn flat(name: &'static str, shapes: &[&[usize]], function: impl Fn(&[Tensor]) -> Tensor + 'static) -> Case {
    Case { smooth: false, ..case(name, shapes, apart, function) }
}

fn elementwise() -> Vec<Case> {
    let mut cases = Vec::new();
    macro_rules! unary {
        ($($name:ident $domain:ident),* $(,)?) => {$(
            for shape in [&[3usize, 2][..], &[], &[0, 2], &[1]] {
                cases.push(case(stringify!($name), &[shape], $domain, |x| x[0].$name()));
            }
        )*};
    }
    unary!(
        exp anywhere, expm1 anywhere, log positive, log1p positive, sqrt positive, rsqrt positive,
        reciprocal positive, sin anywhere, cos anywhere, tanh anywhere, sigmoid anywhere, softplus anywhere,
        erf anywhere, erf_inv within_one, neg anywhere, abs apart, square anywhere, relu apart, silu anywhere,
        gelu anywhere, gelu_tanh anywhere, selu apart, floor apart, ceil apart, round apart, trunc apart, sign apart,
    );
    macro_rules! binary {
        ($($name:ident $domain:ident),* $(,)?) => {$(
            for shapes in [[&[3usize, 2][..], &[3, 2]], [&[3, 1], &[2]], [&[], &[2]], [&[0, 2], &[1]], [&[1], &[]]] {
                cases.push(case(stringify!($name), &shapes, $domain, |x| x[0].$name(&x[1])));
            }
        )*};
    }
    binary!(
        add anywhere, sub anywhere, mul anywhere, div positive, pow positive, atan2 positive, maximum apart,
        minimum apart
    );
    cases.push(case("modulo", &[&[4], &[]], positive, |x| (&x[0] * 0.01 + 0.3).modulo(&x[1])));
    cases.push(case("select", &[&[3, 2], &[2], &[3, 1]], apart, |x| x[0].greater(0.5).select(&x[1], &x[2])));
    cases.push(case("leaky_relu", &[&[5]], apart, |x| (&x[0] - 0.6).leaky_relu(0.1)));
    cases.push(case("clamp lerp", &[&[5], &[5]], apart, |x| x[0].clamp(0.3, 0.8).lerp(&x[1], 0.3)));
    macro_rules! comparison {
        ($($name:ident)*) => {$(
            cases.push(flat(stringify!($name), &[&[3, 1], &[2]], |x| x[0].$name(&x[1])));
        )*};
    }
    comparison!(equal not_equal less less_equal greater greater_equal);
    cases.push(flat("logic", &[&[4], &[4]], |x| {
        let (a, b) = (x[0].greater(0.4), x[1].less(0.7));
        a.logical_and(&b).logical_or(&a.logical_xor(&b).logical_not())
    }));
    cases.push(flat("predicates", &[&[4]], |x| {
        let bad = x[0].greater(0.5).select(f64::NAN, &x[0]);
        bad.is_nan().logical_and(&bad.is_finite().logical_not())
    }));
    cases.push(flat("integers", &[&[4]], |x| {
        let whole = (&x[0] * 100.0).cast(DType::I64);
        (whole.modulo(7).abs() - 3).cast(DType::I32).cast(DType::F64)
    }));
    cases
}

fn structural() -> Vec<Case> {
    let mut cases = vec![
        flat("cast stop_gradient", &[&[3]], |x| {
            x[0].cast(DType::F32).stop_gradient().cast(DType::F64) * &x[0]
        }),
        case("sum", &[&[3, 2, 2]], anywhere, |x| x[0].sum([0, -1]).square()),
        case("sum all", &[&[3, 2]], anywhere, |x| x[0].sum(..).square()),
        case("sum empty", &[&[0, 2]], anywhere, |x| x[0].sum(0)),
        case("mean", &[&[3, 2]], anywhere, |x| x[0].mean_keepdim(0).square() * &x[0]),
        case("prod", &[&[3, 4]], anywhere, |x| x[0].prod(1)),
        case("prod axes", &[&[2, 3, 2]], anywhere, |x| x[0].prod([0, 2])),
        case("max", &[&[3, 4]], apart, |x| x[0].max(1).square()),
        case("min", &[&[3, 4]], apart, |x| x[0].min([0, 1]).square()),
        case("var", &[&[3, 4]], anywhere, |x| x[0].var(0, 1)),
        case("std", &[&[3, 4]], anywhere, |x| x[0].std(1, 0)),
        case("logsumexp", &[&[3, 4]], anywhere, |x| x[0].logsumexp(-1)),
        flat("argmax argmin", &[&[3, 4]], |x| x[0].argmax(1) + x[0].argmin(-1)),
        flat("any all", &[&[3, 4]], |x| x[0].greater(0.5).any(1).logical_and(&x[0].less(0.7).all(1))),
        case("matmul", &[&[3, 4], &[4, 2]], anywhere, |x| x[0].matmul(&x[1])),
        case("matmul vectors", &[&[4], &[4]], anywhere, |x| x[0].matmul(&x[1])),
        case("matmul row", &[&[4], &[2, 4, 3]], anywhere, |x| x[0].matmul(&x[1])),
        case("matmul batch", &[&[2, 1, 3, 4], &[3, 4, 2]], anywhere, |x| x[0].matmul(&x[1])),
        case("matmul strided", &[&[4, 3], &[2, 4]], anywhere, |x| x[0].t().matmul(&x[1].t())),
        case("matmul empty", &[&[3, 0], &[0, 2]], anywhere, |x| x[0].matmul(&x[1])),
        case("outer", &[&[3], &[2]], anywhere, |x| x[0].outer(&x[1])),
        case("reshape", &[&[3, 4]], anywhere, |x| x[0].t().reshape([2, 6]).square()),
        case("permute", &[&[2, 3, 2]], anywhere, |x| x[0].permute(&[2, 0, 1]).exp()),
        case("transpose", &[&[2, 3]], anywhere, |x| x[0].transpose(0, 1).move_axis(0, 1) * &x[0]),
        case("broadcast", &[&[3, 1]], anywhere, |x| x[0].broadcast_to([2, 3, 4]).square()),
        case("flip", &[&[3, 2]], anywhere, |x| x[0].flip([0, 1]) * &x[0]),
        case("slice", &[&[5, 4]], anywhere, |x| x[0].slice([index(1..), index(..).step(-2)]).square()),
        case("slice step", &[&[7]], anywhere, |x| x[0].slice([index(1..6).step(3)]).exp()),
        case("slice one", &[&[3, 2]], anywhere, |x| x[0].slice([-1]).exp()),
        case("narrow chunk", &[&[4, 2]], anywhere, |x| {
            let parts = x[0].chunk(2, 0);
            &parts[0] * &parts[1] + x[0].narrow(0, 1, 2)
        }),
        case("pad", &[&[2, 3]], anywhere, |x| x[0].pad(&[(1, 0), (0, 2)], 0.5).square()),
        case("pad value", &[&[2, 3], &[]], anywhere, |x| {
            x[0].pad_with_tensor(&[(1, 0), (0, 2)], &x[1]).square()
        }),
        case("concatenate", &[&[2, 3], &[2, 1], &[2, 3]], anywhere, |x| Tensor::concatenate(x, 1).square()),
        case("stack", &[&[2], &[2]], anywhere, |x| Tensor::stack(x, 0).exp()),
        case("take", &[&[4, 3]], anywhere, |x| x[0].take(&Tensor::from([[1i64, -1], [0, 1]]), 0).square()),
        case("take axis", &[&[2, 4, 3]], anywhere, |x| x[0].take(&Tensor::from([3i64, 0]), 1).square()),
        case("gather", &[&[3, 4]], apart, |x| x[0].gather(1, &x[0].argmax(1).unsqueeze(1)).square()),
        case("gather rows", &[&[3, 2]], anywhere, |x| {
            x[0].gather(0, &Tensor::from([[2i64, 0], [2, 1], [0, -1], [1, 1]])).square()
        }),
        case("index_add", &[&[3, 2], &[4, 2]], anywhere, |x| {
            x[0].index_add(0, &Tensor::from([1i64, 2, 1, 0]), &x[1]).square()
        }),
        case("scatter_add", &[&[2, 3], &[2, 4]], apart, |x| {
            let indices = (&x[1] * 5.0).floor().cast(DType::I64).modulo(3);
            x[0].scatter_add(1, &indices, &x[1]).square()
        }),
        case("one_hot", &[&[3]], apart, |x| {
            (&x[0] * 3.0).cast(DType::I64).one_hot(4, DType::F64) * x[0].sum(..)
        }),
        case("softmax", &[&[3, 4]], anywhere, |x| x[0].softmax(-1)),
        case("softmax first axis", &[&[3, 4]], anywhere, |x| x[0].softmax(0)),
        case("log_softmax", &[&[3, 4]], anywhere, |x| x[0].log_softmax(1)),
        case("cross_entropy", &[&[3, 4]], anywhere, |x| x[0].cross_entropy(&Tensor::from([0i64, 3, 1]))),
        case("layer_norm", &[&[3, 4], &[4], &[4]], anywhere, |x| x[0].layer_norm(&x[1], &x[2], 1e-5)),
        case("layer_norm axes", &[&[2, 3, 2], &[3, 2], &[3, 2]], anywhere, |x| {
            x[0].layer_norm(&x[1], &x[2], 1e-3)
        }),
        case("batch_norm", &[&[4, 3], &[3], &[3]], anywhere, |x| x[0].batch_norm(&x[1], &x[2], 1e-5).output),
        case("batch_norm images", &[&[2, 3, 2, 2], &[3], &[3]], anywhere, |x| {
            let norm = x[0].batch_norm(&x[1], &x[2], 1e-5);
            norm.output * norm.variance.reshape([3, 1, 1]) + norm.mean.reshape([3, 1, 1])
        }),
        case("batch_norm_with", &[&[4, 3], &[3], &[3]], positive, |x| {
            x[0].batch_norm_with(&x[1], &x[2], &x[2], &x[1], 1e-5)
        }),
        case("dropout", &[&[5, 4]], anywhere, |x| x[0].dropout(0.3, &Key::new(3)) * &x[0]),
        flat("random", &[&[3]], |x| {
            let key = Key::from_tensor((x[0].sum(..) * 1e6).cast(DType::I64));
            let [a, b] = key.split();
            let shuffled = a.permutation(3).cast(DType::F64);
            b.normal([3], DType::F64) + shuffled + b.bernoulli(0.5, [3]).cast(DType::F64)
        }),
        flat("categorical", &[&[3, 4]], |x| Key::new(1).categorical(&x[0])),
        flat("arange", &[&[3]], |x| &x[0] + Tensor::arange(3, DType::F64)),
    ];
    let convolution =
        Convolution2d { stride: [2, 1], padding: [(1, 0), (1, 2)], dilation: [1, 2], groups: 2 };
    cases.extend([
        case("conv2d", &[&[2, 2, 5, 4], &[3, 2, 3, 2]], anywhere, |x| {
            x[0].conv2d(&x[1], &Convolution2d::padded(1))
        }),
        case("conv2d options", &[&[2, 4, 5, 4], &[2, 2, 2, 2]], anywhere, move |x| {
            x[0].conv2d(&x[1], &convolution)
        }),
        case("conv2d_transposed", &[&[2, 2, 3, 2], &[2, 3, 2, 2]], anywhere, |x| {
            let options = Convolution2d { stride: [2, 2], ..Convolution2d::default() };
            x[0].conv2d_transposed(&x[1], [7, 4], &options)
        }),
        case("max_pool2d", &[&[2, 2, 4, 4]], apart, |x| x[0].max_pool2d(&Pool2d::window([2, 2])).square()),
        case("max_pool2d options", &[&[2, 5, 4]], apart, |x| {
            let options = Pool2d { stride: [2, 1], padding: [(1, 1), (0, 1)], ..Pool2d::window([3, 2]) };
            x[0].max_pool2d(&options).square()
        }),
        case("avg_pool2d", &[&[2, 2, 5, 4]], anywhere, |x| {
            let options = Pool2d { stride: [2, 1], padding: [(1, 1), (0, 1)], ..Pool2d::window([3, 2]) };
            x[0].avg_pool2d(&options).square()
        }),
    ]);
    cases
}

fn arguments(case: &Case, key: &Key) -> Vec<Tensor> {
    let keys = key.split_many(case.shapes.len().max(1));
    (case.shapes.iter().enumerate())
        .map(|(index, shape)| {
            let key = Key::from_tensor(keys.narrow(0, index, 1).squeeze(0));
            // Arguments of one case do not tie with each other either.
            let argument = (case.domain)(&key.normal(shape.as_slice(), DType::F64)) + 0.02 * index as f64;
            crate::eval([&argument]);
            argument
        })
        .collect()
}

fn call(case: &Case, arguments: &[Tensor]) -> Tensor {
    (case.function)(arguments)
}

/// Notes every op in the graphs of a case, its derivative's included.
fn note_ops(case: &Case, arguments: &Vec<Tensor>, seen: &mut BTreeSet<String>) {
    let mut note = |tensor: &Tensor| {
        for tensor in reachable([tensor], |_| true) {
            let text = format!("{:?}", tensor.node.op);
            let name = match &tensor.node.op {
                Op::Map(op) => op.name().to_string(),
                Op::Pool(op) => format!("{:?}", op.role),
                Op::Custom(op) => op.0.name().to_string(),
                Op::Convolution(op) => format!("{:?}", op.role),
                _ => text.split([' ', '(', '{']).next().unwrap_or_default().to_string(),
            };
            seen.insert(name);
        }
    };
    note(&call(case, arguments));
    if case.smooth {
        let slopes = grad(|x: &Vec<Tensor>| call(case, x).sum(..))(arguments);
        slopes.iter().for_each(&mut note);
    }
}

fn check_vmap(case: &Case, key: &Key) {
    const SIZE: usize = 3;
    let examples: Vec<Vec<Tensor>> = key.split::<SIZE>().iter().map(|key| arguments(case, key)).collect();
    let count = case.shapes.len();
    for mapped in 1..1usize << count {
        let is_mapped = |argument: usize| mapped >> argument & 1 == 1;
        let given: Vec<Tensor> = (0..count)
            .map(|argument| {
                if !is_mapped(argument) {
                    return examples[0][argument].clone();
                }
                let stacked: Vec<Tensor> = examples.iter().map(|example| example[argument].clone()).collect();
                Tensor::stack(&stacked, 0)
            })
            .collect();
        let axes: Vec<Option<isize>> = (0..count).map(|argument| is_mapped(argument).then_some(0)).collect();
        let together = vmap_axes(|x: &Vec<Tensor>| call(case, x), axes.clone(), 0)(&given);
        let one = |example: usize| -> Vec<Tensor> {
            (0..count)
                .map(|argument| examples[if is_mapped(argument) { example } else { 0 }][argument].clone())
                .collect()
        };
        let singly: Vec<Tensor> = (0..SIZE).map(|example| call(case, &one(example))).collect();
        assert_close(case, "vmap", &together, &Tensor::stack(&singly, 0));
        if case.smooth {
            let slope = |x: &Vec<Tensor>| grad(|x: &Vec<Tensor>| call(case, x).sum(..))(x);
            let together = vmap_axes(slope, axes, 0)(&given);
            for (argument, together) in together.iter().enumerate() {
                let singly: Vec<Tensor> =
                    (0..SIZE).map(|example| slope(&one(example)).swap_remove(argument)).collect();
                assert_close(case, "vmap of grad", together, &Tensor::stack(&singly, 0));
            }
        }
    }
}

fn assert_close(case: &Case, what: &str, left: &Tensor, right: &Tensor) {
    assert_eq!(left.shape(), right.shape(), "{}: {what}", case.name);
    assert_eq!(left.dtype(), right.dtype(), "{}: {what}", case.name);
    let (left, right) = (left.cast(DType::F64).to_vec::<f64>(), right.cast(DType::F64).to_vec::<f64>());
    for (left, right) in left.iter().zip(&right) {
        assert!(
            (left - right).abs() <= 1e-9 * (1.0 + right.abs()),
            "{}: {what}: {left} is not {right}",
            case.name
        );
    }
}

#[test]
fn every_op_under_every_transform() {
    let mut seen = BTreeSet::new();
    let cases: Vec<Case> = elementwise().into_iter().chain(structural()).collect();
    for (number, case) in cases.iter().enumerate() {
        let [first, second, third] = Key::new(number as u64).split();
        let at = arguments(case, &first);
        note_ops(case, &at, &mut seen);
        check_vmap(case, &third);
        if !case.smooth {
            continue;
        }
        for at in [at, arguments(case, &second)] {
            check_gradients(|x: &Vec<Tensor>| call(case, x), &at, 1e-5, 1e-6)
                .unwrap_or_else(|error| panic!("{} at {:?}: {error}", case.name, case.shapes));
            let weights = Tensor::arange(call(case, &at).elements(), DType::F64).sin();
            let slope =
                |x: &Vec<Tensor>| grad(|x: &Vec<Tensor>| (call(case, x).flatten() * &weights).sum(..))(x);
            check_gradients(slope, &at, 1e-5, 1e-5)
                .unwrap_or_else(|error| panic!("{}, second order, at {:?}: {error}", case.name, case.shapes));
        }
    }
    let structural = [
        "Data",
        "Scalar",
        "Constant",
        "Identity",
        "StopGradient",
        "Iota",
        "Cast",
        "Reduce",
        "ArgMax",
        "Matmul",
        "Output",
        "Image",
        "Kernel",
        "SelectMax",
        "ScatterMax",
        "Sum",
        "Spread",
        "Reshape",
        "Permute",
        "Slice",
        "Broadcast",
        "Flip",
        "Pad",
        "Concatenate",
        "Take",
        "ScatterAdd",
        "Random",
        "softmax",
        "log_softmax",
        "cross_entropy",
        "layer_norm",
        "batch_norm",
        "dropout",
    ];
    let expected = MapOp::ALL.iter().map(|op| op.name()).chain(structural);
    let missing: Vec<&str> = expected.filter(|name| !seen.contains(*name)).collect();
    assert!(missing.is_empty(), "no case reaches {missing:?}");
}

#[test]
fn derivatives_go_through_float_casts_and_not_through_others() {
    let x = Tensor::from([1.5f64, -2.0]);
    let narrow = |x: &Tensor| x.cast(DType::F32).square().sum(..);
    assert_eq!(grad(narrow)(&x).to_vec::<f64>(), [3.0, -4.0]);
    let slope = crate::jvp(narrow, &x, &Tensor::from([1.0f64, 1.0])).1;
    assert_eq!((slope.dtype(), slope.item()), (DType::F32, -1.0));
    let whole = |x: &Tensor| x.cast(DType::I64).cast(DType::F64).sum(..);
    assert_eq!(grad(whole)(&x).to_vec::<f64>(), [0.0, 0.0]);
    let stopped = |x: &Tensor| (x.stop_gradient() * x).sum(..);
    assert_eq!(grad(stopped)(&x).to_vec::<f64>(), [1.5, -2.0]);
}
