//! Loops against the same written out, and what they cost.

use crate::graph::walk::reachable;
use crate::{
    DType, Key, Step, Tensor, checkpoint, cond, eval, fori_loop, grad, hessian, jvp, scan, scan_reversed,
    scan_steps, set_threads, vmap, vmap_axes, while_loop, while_loop_bounded,
};

type Body = fn(&Tensor, &Tensor, &Tensor) -> (Tensor, Tensor);

/// Bodies of a weight, a carry `[3]` and an element `[3]`.
fn bodies() -> Vec<(&'static str, Body)> {
    vec![
        ("network", |w, h, x| {
            let next = (w.matmul(&h.unsqueeze(1)).squeeze(1) + x).tanh();
            (next.clone(), next.exp())
        }),
        ("constant stack", |w, h, x| (h * x + w.sum(0), Tensor::ones([2], DType::F64))),
        ("carry in another order", |w, h, x| {
            ((h.flip([0]) * x).sin() + w.narrow(0, 0, 1).squeeze(0), h.clone())
        }),
        ("element handed on", |_, h, x| (x * 1.0 + h * 0.0, x.clone())),
        ("checkpoint", |w, h, x| {
            let inner = checkpoint(|(h, x): &(Tensor, Tensor)| (h * x).sin() + w.sum(1));
            (inner(&(h.clone(), x.clone())), h * 2.0)
        }),
    ]
}

fn looped(body: Body, reverse: bool, x: &[Tensor]) -> Tensor {
    let step = |h: &Tensor, element: &Tensor| body(&x[0], h, element);
    let (last, all) = if reverse { scan_reversed(step, &x[1], &x[2]) } else { scan(step, &x[1], &x[2]) };
    Tensor::concatenate(&[last.flatten(), all.flatten()], 0)
}

fn unrolled(body: Body, reverse: bool, x: &[Tensor]) -> Tensor {
    let length = x[2].shape()[0];
    let mut h = x[1].clone();
    let mut all = vec![h.clone(); length];
    for step in 0..length {
        let at = if reverse { length - 1 - step } else { step };
        (h, all[at]) = body(&x[0], &h, &x[2].narrow(0, at, 1).squeeze(0));
    }
    Tensor::concatenate(&[h.flatten(), Tensor::stack(&all, 0).flatten()], 0)
}

fn arguments() -> Vec<Tensor> {
    let [a, b, c] = Key::new(3).split();
    vec![a.normal([3, 3], DType::F64), b.normal([3], DType::F64), c.normal([4, 3], DType::F64)]
}

fn assert_close(name: &str, a: &Tensor, b: &Tensor) {
    assert_eq!(a.shape(), b.shape(), "{name}");
    for (a, b) in a.to_vec::<f64>().iter().zip(b.to_vec::<f64>()) {
        assert!((a - b).abs() <= 1e-11 * b.abs().max(1.0), "{name}: {a} and {b}");
    }
}

#[test]
fn a_scan_is_the_unrolled_loop_under_every_transform() {
    for (name, body) in bodies() {
        for reverse in [false, true] {
            let x = arguments();
            let loss = |f: Tensor| (f * 1.3).sin().sum(..);
            let one = |x: &Vec<Tensor>| loss(looped(body, reverse, x));
            let other = |x: &Vec<Tensor>| loss(unrolled(body, reverse, x));
            assert_close(name, &looped(body, reverse, &x), &unrolled(body, reverse, &x));
            for (a, b) in grad(one)(&x).iter().zip(grad(other)(&x)) {
                assert_close(&format!("{name}, grad"), a, &b);
            }
            let squares =
                |x: &Vec<Tensor>| x.iter().map(|x| x.square().sum(..)).reduce(|a, b| a + b).unwrap();
            let (twice, again) =
                (|x: &Vec<Tensor>| squares(&grad(one)(x)), |x: &Vec<Tensor>| squares(&grad(other)(x)));
            for (a, b) in grad(twice)(&x).iter().zip(grad(again)(&x)) {
                assert_close(&format!("{name}, grad of grad"), a, &b);
            }
            let direction: Vec<Tensor> = x.iter().map(|x| x.sin()).collect();
            let slope = jvp(|x: &Vec<Tensor>| looped(body, reverse, x), &x, &direction).1;
            let expected = jvp(|x: &Vec<Tensor>| unrolled(body, reverse, x), &x, &direction).1;
            assert_close(&format!("{name}, jvp"), &slope, &expected);
            let of_slope = grad(|x: &Vec<Tensor>| {
                loss(jvp(|x: &Vec<Tensor>| looped(body, reverse, x), x, &direction).1)
            });
            let of_expected = grad(|x: &Vec<Tensor>| {
                loss(jvp(|x: &Vec<Tensor>| unrolled(body, reverse, x), x, &direction).1)
            });
            let (mut of_slope, mut of_expected) = (of_slope, of_expected);
            for (a, b) in of_slope(&x).iter().zip(of_expected(&x)) {
                assert_close(&format!("{name}, grad of jvp"), a, &b);
            }
            let curvature = |f: &dyn Fn(&Vec<Tensor>) -> Tensor| {
                hessian(|h: &Tensor| f(&vec![x[0].clone(), h.clone(), x[2].clone()]))(&x[1])
            };
            assert_close(&format!("{name}, hessian"), &curvature(&one), &curvature(&other));
            let batch: Vec<Tensor> = x.iter().map(|x| Tensor::stack(&[x.clone(), x * 0.5], 0)).collect();
            for axes in [
                vec![Some(0); 3],
                vec![None, Some(0), None],
                vec![Some(0), None, None],
                vec![None, None, Some(0)],
            ] {
                let given: Vec<Tensor> = axes
                    .iter()
                    .enumerate()
                    .map(|(i, axis)| if axis.is_some() { &batch[i] } else { &x[i] }.clone())
                    .collect();
                let a = vmap_axes(|x: &Vec<Tensor>| grad(one)(x), axes.clone(), 0)(&given);
                let b = vmap_axes(|x: &Vec<Tensor>| grad(other)(x), axes.clone(), 0)(&given);
                for (a, b) in a.iter().zip(b) {
                    assert_close(&format!("{name}, vmap of grad"), a, &b);
                }
            }
        }
    }
}

#[test]
fn a_long_scan_is_one_node_and_its_gradient_keeps_the_carries_only() {
    const LENGTH: usize = 10_000;
    let x = Key::new(0).normal([LENGTH, 8], DType::F64) * 0.01;
    eval([&x]);
    let last = |x: &Tensor| {
        scan(|h: &Tensor, x: &Tensor| ((h * 0.99 + x).sin(), ()), &Tensor::zeros([8], DType::F64), x).0
    };
    let nodes = |length: usize| {
        let x = x.narrow(0, 0, length);
        reachable([&grad(|x: &Tensor| last(x).sum(..))(&x)], |_| true).len()
    };
    assert_eq!(nodes(10), nodes(LENGTH / 2));
    let mut step = Step::new(|x: Tensor| grad(|x: &Tensor| last(x).sum(..))(&x));
    let gradient = step.call(x.clone());
    let arena = step.report().expect("called").peak_bytes;
    // Argument, result, and the carries of both loops: those of the one that goes back are kept too, since in a step
    // its derivative might be wanted.
    assert!(arena <= 4 * LENGTH * 64 + 1024, "{arena} bytes");
    let mut h = [0.0f64; 8];
    let values = x.to_vec::<f64>();
    let mut slopes = Vec::with_capacity(LENGTH * 8);
    for (index, x) in values.iter().enumerate() {
        let inside = h[index % 8] * 0.99 + x;
        h[index % 8] = inside.sin();
        slopes.push(inside.cos());
    }
    let mut flowing = [1.0f64; 8];
    for (index, found) in gradient.to_vec::<f64>().iter().enumerate().rev() {
        let expected = flowing[index % 8] * slopes[index];
        assert!((found - expected).abs() < 1e-12);
        flowing[index % 8] = expected * 0.99;
    }
}

#[test]
fn loops_without_steps_return_their_start() {
    let start = Tensor::from([1.0f64, 2.0]);
    let f = |start: &Tensor| {
        scan(|h: &Tensor, x: &Tensor| (h * x, h + x), start, &Tensor::zeros([0], DType::F64))
    };
    let (last, all) = f(&start);
    assert_eq!(last.to_vec::<f64>(), [1.0, 2.0]);
    assert_eq!(*all.shape(), [0, 2]);
    assert_eq!(grad(|x: &Tensor| f(x).0.sum(..))(&start).to_vec::<f64>(), [1.0, 1.0]);
    let never = while_loop(|x: &Tensor| x.sum(..).less(0.0), |x: &Tensor| x * 2.0, &start);
    assert_eq!(never.to_vec::<f64>(), [1.0, 2.0]);
}

#[test]
fn carries_may_be_of_any_types_and_change_places() {
    let start = (Tensor::from([1i64, 2]), (Tensor::from(true), Tensor::from([3i64, 4])));
    let swap = |(a, (flag, b)): &(Tensor, (Tensor, Tensor))| {
        ((b.clone(), (flag.logical_not(), a.clone())), (a.clone(), a.clone()))
    };
    let ((a, (flag, b)), (first, second)) = scan_steps(3, swap, &start);
    assert_eq!(
        (a.to_vec::<i64>(), b.to_vec::<i64>(), flag.to_vec::<bool>()),
        (vec![3, 4], vec![1, 2], vec![false])
    );
    assert_eq!(first.to_vec::<i64>(), [1, 2, 3, 4, 1, 2]);
    assert_eq!(second.to_vec::<i64>(), first.to_vec::<i64>());
}

#[test]
fn gradients_flow_past_integers_in_the_carry() {
    let f = |x: &Tensor| {
        let start = (Tensor::from(0i64), x.clone());
        fori_loop(3, |_, (n, x): &(Tensor, Tensor)| (n + 1, x * (n.cast(DType::F64) + 1.0)), &start).1
    };
    assert_eq!(grad(f)(&Tensor::from(2.0f64)).item(), 6.0);
}

#[test]
fn half_precision_is_scanned() {
    let x = Tensor::from([1.0f32, 2.0, 3.0]).cast(DType::BF16);
    let zero = Tensor::scalar(0.0, DType::BF16);
    let f = |x: &Tensor| scan(|sum: &Tensor, x: &Tensor| (sum + x * x, ()), &zero, x).0;
    assert_eq!(f(&x).cast(DType::F32).item(), 14.0);
    assert_eq!(grad(f)(&x).cast(DType::F32).to_vec::<f32>(), [2.0, 4.0, 6.0]);
}

#[test]
fn results_do_not_depend_on_threads() {
    let keys = Key::new(1).split::<2>();
    let (w, x) = (keys[0].normal([64, 64], DType::F32) * 0.1, keys[1].normal([6, 40, 64], DType::F32));
    let f = |w: &Tensor| {
        let start = Tensor::zeros([40, 64], DType::F32);
        scan(|h: &Tensor, x: &Tensor| ((h.matmul(w) + x).tanh(), ()), &start, &x).0.square().sum(..)
    };
    let mut seen = Vec::new();
    for threads in [1, 2, 3] {
        set_threads(threads);
        seen.push(grad(f)(&w).to_bytes());
    }
    assert!(seen[0] == seen[1] && seen[1] == seen[2]);
}

fn halvings((x, n): &(Tensor, Tensor)) -> (Tensor, Tensor) {
    (x * x.sin() * 0.5, n + 1)
}

#[test]
fn while_loops_run_as_long_as_each_example_needs() {
    let f = |x: &Tensor| {
        let start = (x.clone(), Tensor::from(0i64));
        while_loop(|(x, _): &(Tensor, Tensor)| x.greater(0.1), halvings, &start)
    };
    let starts = [0.05f64, 0.5, 1.5, 2.5];
    let (values, counts) = vmap(f)(&Tensor::from(starts));
    for (index, start) in starts.iter().enumerate() {
        let (mut x, mut n) = (*start, 0);
        while x > 0.1 {
            x = x * x.sin() * 0.5;
            n += 1;
        }
        assert!((values.to_vec::<f64>()[index] - x).abs() < 1e-15);
        assert_eq!(counts.to_vec::<i64>()[index], n);
        // The forward derivative against the reverse one of the bounded loop.
        let at = Tensor::from(*start);
        let forward = jvp(|x: &Tensor| f(x).0, &at, &Tensor::from(1.0f64)).1.item();
        let bounded = |x: &Tensor| {
            let start = (x.clone(), Tensor::from(0i64));
            while_loop_bounded(10, |(x, _): &(Tensor, Tensor)| x.greater(0.1), halvings, &start).0
        };
        assert!((grad(bounded)(&at).item() - forward).abs() < 1e-14);
    }
    let captured =
        |rate: &Tensor| while_loop(|x: &Tensor| x.less(10.0), |x: &Tensor| x * rate, &Tensor::from(1.0f64));
    let slope = jvp(captured, &Tensor::from(3.0f64), &Tensor::from(1.0f64));
    assert_eq!((slope.0.item(), slope.1.item()), (27.0, 27.0));
}

#[test]
#[should_panic(expected = "use while_loop_bounded with a largest number of steps")]
fn while_loops_have_no_reverse_derivative() {
    let f = |x: &Tensor| while_loop(|x: &Tensor| x.less(10.0), |x: &Tensor| x * 2.0, x);
    grad(f)(&Tensor::from(1.0f64));
}

#[test]
fn the_branch_not_taken_is_not_computed() {
    // Its index does not exist.
    let table = Tensor::from([1.0f64, 2.0]);
    let look =
        |i: &Tensor| cond(&i.less(2), |i: &Tensor| table.take(i, 0), |_: &Tensor| Tensor::from(-1.0f64), i);
    assert_eq!(look(&Tensor::from(1i64)).item(), 2.0);
    assert_eq!(look(&Tensor::from(5i64)).item(), -1.0);
}

#[test]
fn a_step_replays_loops() {
    let mut step = Step::new(|x: Tensor| scan_steps(4, |x: &Tensor| (x * 2.0, ()), &x).0);
    assert_eq!(step.call(Tensor::from(1.0f32)).item(), 16.0);
    assert_eq!(step.call(Tensor::from(3.0f32)).item(), 48.0);
}

#[test]
#[should_panic(
    expected = "scan: the body must keep shapes and types of the carry, but makes f64 [2] of f64 []"
)]
fn a_body_keeps_its_carry() {
    let x = Tensor::from([1.0f64, 2.0]);
    scan(|h: &Tensor, x: &Tensor| (h + x.broadcast_to([2]), ()), &Tensor::from(0.0f64), &x);
}

#[test]
#[should_panic(expected = "sequences of different lengths, of shapes [2] and [3]")]
fn sequences_have_one_length() {
    let pair = (Tensor::zeros([2], DType::F32), Tensor::zeros([3], DType::F32));
    scan(|_: &(), _: &(Tensor, Tensor)| ((), ()), &(), &pair);
}

#[test]
#[should_panic(expected = "cond: the condition must be a single boolean, but is f32 of shape []")]
fn a_predicate_is_a_boolean() {
    cond(&Tensor::from(1.0f32), |x: &Tensor| x.clone(), |x: &Tensor| x.clone(), &Tensor::from(1.0f32));
}
