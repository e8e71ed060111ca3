//! The limits that the engine promises: long chains on a small stack, memory that does not grow, the same bits on any
//! number of threads.

use std::sync::Mutex;

use bolete_tensor::buffer::live_bytes;
use bolete_tensor::graph::{pending_limit, set_pending_limit};
use bolete_tensor::tree::TreeExt;
use bolete_tensor::{
    Convolution2d, DType, Key, Pool2d, Step, Tensor, Tree, eval, eval_tree, grad, set_threads, value_and_grad,
};

/// These tests read or set what belongs to the whole process.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> std::sync::MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[test]
fn a_million_pending_ops_on_a_stack_of_two_mebibytes() {
    const LENGTH: usize = 1_000_000;
    let _alone = alone();
    let usual = pending_limit();
    set_pending_limit(u32::MAX);
    let work = || {
        let x = Tensor::from([0.5f64]);
        let chain = |x: &Tensor| {
            let mut y = x.clone();
            for index in 0..LENGTH {
                y = if index % 2 == 0 { y.neg() } else { y + 1e-6 };
            }
            y
        };
        // Dropped without ever being evaluated.
        drop(chain(&x));
        let y = chain(&x);
        assert!(!y.is_evaluated());
        // neg, + a, neg, + a: the two additions cancel.
        assert!((y.item() - 0.5).abs() < 1e-9, "{}", y.item());
        let slope = grad(|x: &Tensor| chain(x).sum(..))(&x);
        assert_eq!(slope.to_vec::<f64>(), [1.0]);
    };
    let small = std::thread::Builder::new().stack_size(2 << 20).spawn(work).expect("a thread starts");
    let result = small.join();
    set_pending_limit(usual);
    result.expect("the chain works on a small stack");
}

#[test]
fn an_accumulated_number_is_evaluated_on_its_own() {
    let _alone = alone();
    let usual = pending_limit();
    set_pending_limit(1000);
    let before = live_bytes();
    let mut total = Tensor::from([0.0f64]);
    for _ in 0..10_000 {
        total = total + Tensor::from([1.0f64]);
        // The numbers that wait are leaves in memory; without evaluation there would be 10,000 of them.
        assert!(live_bytes() < before + 1100 * 8);
    }
    set_pending_limit(usual);
    assert_eq!(total.to_vec::<f64>(), [10_000.0]);
}

#[test]
fn ten_thousand_steps_hold_live_bytes_constant() {
    let _alone = alone();
    let train = |w: &Tensor, x: &Tensor| {
        let (loss, slope) = value_and_grad(|w: &Tensor| (x.matmul(w).tanh() - 0.5).square().mean(..))(w);
        (w - slope * 0.01, loss)
    };
    let x = Key::new(1).normal([16, 8], DType::F32);
    let mut w = Key::new(2).normal([8, 4], DType::F32);
    eval([&x, &w]);

    let mut step = Step::new(|(w, x): (Tensor, Tensor)| train(&w, &x));
    let mut losses = Vec::new();
    let mut held = None;
    for index in 0..10_000 {
        let (next, loss) = step.call((w, x.clone()));
        w = next;
        if index % 1000 == 0 {
            losses.push(loss.item());
        }
        drop(loss);
        let now = live_bytes();
        assert_eq!(*held.get_or_insert(now), now, "live bytes changed at replayed step {index}");
    }
    assert!(losses.last() < losses.first());
    assert_eq!(step.traces(), 1);

    // Without `Step`, graph by graph.
    let mut held = None;
    for index in 0..10_000 {
        let (next, loss) = train(&w, &x);
        eval([&next, &loss]);
        w = next;
        drop(loss);
        let now = live_bytes();
        assert_eq!(*held.get_or_insert(now), now, "live bytes changed at evaluated step {index}");
    }
}

#[test]
fn moved_arguments_are_overwritten_and_held_ones_are_not() {
    let _alone = alone();
    let mut step = Step::new(|x: Tensor| x + 1.0);
    let x = Tensor::from_vec(vec![1.0f32; 1000], [1000]);
    let held = x.clone();
    let y = step.call(x);
    assert_eq!(held.to_vec::<f32>()[0], 1.0);
    let before = live_bytes();
    let z = step.call(y);
    assert_eq!(live_bytes(), before, "the argument was moved, but its memory was not reused");
    assert_eq!(z.to_vec::<f32>()[999], 3.0);
}

#[derive(Clone, Tree)]
struct Net {
    kernel: Tensor,
    weight: Tensor,
    bias: Tensor,
}

#[test]
fn the_same_bits_on_one_two_and_five_threads() {
    let _alone = alone();
    let train = |threads: usize| {
        set_threads(threads);
        let [a, b, c, training] = Key::new(5).split();
        let mut net = Net {
            kernel: a.normal([8, 1, 5, 5], DType::F32) * 0.2,
            weight: b.normal([8 * 14 * 14, 10], DType::F32) * 0.03,
            bias: Tensor::zeros([10], DType::F32),
        };
        let x = c.normal([64, 1, 28, 28], DType::F32);
        let labels = Tensor::arange(64, DType::I64).modulo(10);
        eval_tree(&(net.clone(), x.clone(), labels.clone()));
        let mut step = Step::new(|(net, key, x, labels): (Net, Key, Tensor, Tensor)| {
            let [next, own] = key.split();
            let slopes = grad(|net: &Net| {
                let hidden = x.conv2d(&net.kernel, &Convolution2d::padded(2)).relu();
                let pooled = hidden.max_pool2d(&Pool2d::window([2, 2])).flatten_from(1).dropout(0.3, &own);
                (pooled.matmul(&net.weight) + &net.bias).cross_entropy(&labels).mean(..)
            })(&net);
            let updated =
                net.leaves().into_iter().zip(slopes.leaves()).map(|(leaf, slope)| leaf - slope * 0.05);
            let updated: Vec<Tensor> = updated.collect();
            (net.with_leaves(updated), next)
        });
        let mut key = training;
        for _ in 0..200 {
            (net, key) = step.call((net, key, x.clone(), labels.clone()));
        }
        net.leaves().iter().map(Tensor::to_bytes).collect::<Vec<_>>()
    };
    let one = train(1);
    assert_eq!(one, train(2));
    assert_eq!(one, train(5));
    set_threads(2);
}
