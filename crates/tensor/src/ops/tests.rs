//! Every op under every transform, in f64.
//!
//! A case is a function of tensors. Each is checked at several random arguments: forward derivative against finite
//! differences, reverse against forward, both again for the gradient (second order), and `vmap` against a loop, over
//! every choice of mapped arguments. An op that no case reaches fails the test.

mod table;

use std::collections::BTreeSet;

use crate::graph::walk::reachable;
use crate::ops::Op;
use crate::ops::map::MapOp;
use crate::{DType, Key, Tensor, check_gradients, grad, vmap_axes};

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
    /// Whether the function is the same one in single precision.
    any_precision: bool,
    /// Whether the shape of the result is known without the values.
    batched: bool,
}

impl Case {
    /// For functions with numbers in double precision inside, or so ill-conditioned that single precision tells nothing.
    fn in_double_precision(self) -> Case {
        Case { any_precision: false, ..self }
    }

    /// For functions that must be computed at the call, which cannot be under `vmap`.
    fn computed_at_the_call(self) -> Case {
        Case { batched: false, ..self }
    }
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
    Case {
        name,
        shapes,
        domain,
        function: Box::new(function),
        smooth: true,
        any_precision: true,
        batched: true,
    }
}

fn flat(name: &'static str, shapes: &[&[usize]], function: impl Fn(&[Tensor]) -> Tensor + 'static) -> Case {
    Case { smooth: false, ..case(name, shapes, apart, function) }
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
                // The name of its type.
                Op::Custom(op) => {
                    format!("{:?}", op.0).split([' ', '(']).next().unwrap_or_default().to_string()
                }
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

/// Single precision gives what double precision gives, as far as it goes.
fn check_single_precision(case: &Case, at: &[Tensor]) {
    let single: Vec<Tensor> = at.iter().map(|argument| argument.cast(DType::F32)).collect();
    // Both see the same arguments.
    let double: Vec<Tensor> = single.iter().map(|argument| argument.cast(DType::F64)).collect();
    let found = call(case, &single).cast(DType::F64).to_vec::<f64>();
    let expected = call(case, &double).cast(DType::F64).to_vec::<f64>();
    assert_eq!(found.len(), expected.len(), "{}", case.name);
    let scale = expected.iter().fold(1f64, |largest, value| largest.max(value.abs()));
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found - expected).abs() <= 2e-5 * scale, "{}: {found} in f32, {expected} in f64", case.name);
    }
}

/// Checks all cases of a family, each under every transform.
fn check(cases: Vec<Case>) {
    for (number, case) in cases.iter().enumerate() {
        let [first, second, third] = Key::new(number as u64).split();
        if case.batched {
            check_vmap(case, &third);
        }
        if !case.smooth {
            continue;
        }
        if case.any_precision {
            check_single_precision(case, &arguments(case, &first));
        }
        for at in [arguments(case, &first), arguments(case, &second)] {
            check_gradients(|x: &Vec<Tensor>| call(case, x), &at, 1e-5, 1e-6)
                .unwrap_or_else(|error| panic!("{} at {:?}: {error}", case.name, case.shapes));
            let weights = Tensor::arange(call(case, &at).elements(), DType::F64).sin();
            let slope =
                |x: &Vec<Tensor>| grad(|x: &Vec<Tensor>| (call(case, x).flatten() * &weights).sum(..))(x);
            check_gradients(slope, &at, 1e-5, 1e-5)
                .unwrap_or_else(|error| panic!("{}, second order, at {:?}: {error}", case.name, case.shapes));
        }
    }
}

/// One file and one test per family of ops.
macro_rules! families {
    ($($family:ident)*) => {
        $(mod $family;)*

        /// The families with their cases.
        fn families() -> Vec<(&'static str, Vec<Case>)> {
            vec![$((stringify!($family), $family::cases())),*]
        }

        mod every_op_under_every_transform {
            $(#[test] fn $family() { super::check(super::$family::cases()); })*
        }
    };
}

families! { activation attention audio convolution einsum elementwise fourier image_sampling indexing linalg loops matmul network order random recurrent reduction sparse special view }

/// Calls `read` with each source file of the ops, tests left out.
fn sources(read: &mut dyn FnMut(&str)) {
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ops")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the sources are there") {
            let path = entry.expect("the sources are there").path();
            if path.file_stem().is_some_and(|name| name == "tests") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                read(&std::fs::read_to_string(&path).expect("the sources are text"));
            }
        }
    }
}

/// The types in the sources of the ops that implement `CustomOp`.
fn custom_ops() -> Vec<String> {
    let mut found = Vec::new();
    sources(&mut |source| {
        let implemented = source.lines().filter_map(|line| line.strip_prefix("impl CustomOp for "));
        found.extend(implemented.map(|rest| rest.trim_end_matches(" {").to_string()));
    });
    found
}

/// Where a computation went wrong is told by the line that called the op, never by one inside of it.
#[test]
fn every_op_knows_the_line_that_called_it() {
    let mut wrong = BTreeSet::new();
    for (_, cases) in families() {
        for case in &cases {
            let arguments = arguments(case, &Key::new(0));
            for tensor in reachable([&call(case, &arguments)], |_| true) {
                let site = tensor.node.origin().site;
                // A case that hands a method on, as `map(Tensor::exp)`, is called from the standard library.
                if !site.file().contains("ops/tests") && site.file().contains("tensor/src") {
                    wrong.insert(format!("{}: {site}", case.name));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} lines:\n{}", wrong.len(), Vec::from_iter(wrong).join("\n"));
}

#[test]
fn every_op_has_a_case() {
    let mut seen = BTreeSet::new();
    for (_, cases) in families() {
        for case in &cases {
            note_ops(case, &arguments(case, &Key::new(0)), &mut seen);
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
    ];
    let expected = MapOp::ALL.iter().map(|op| op.name()).chain(structural).map(str::to_string);
    let missing: Vec<String> = expected.chain(custom_ops()).filter(|name| !seen.contains(name)).collect();
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
