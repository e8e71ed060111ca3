//! What is kept, what is let go, and when: the life of nodes and of their memory.
//!
//! The limit of pending nodes and the count of live bytes belong to the process, so the tests take turns.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use bolete_tensor::buffer::live_bytes;
use bolete_tensor::graph::print::tree;
use bolete_tensor::graph::{pending_limit, set_pending_limit};
use bolete_tensor::{
    CustomOp, DType, HostArray, HostArrayMut, Key, Metadata, Step, Tensor, Tree, checkpoint, custom, eval,
    eval_tree, grad, value_and_grad, vmap,
};

static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// The file of the last panic of this thread.
fn panic_file() -> String {
    LAST.with_borrow(String::clone)
}

/// Sets the limit of pending nodes as long as it lives.
struct Limit(u32);

impl Limit {
    fn set(limit: u32) -> Limit {
        let before = pending_limit();
        set_pending_limit(limit);
        Limit(before)
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        set_pending_limit(self.0);
    }
}

fn on_small_stack(body: impl FnOnce() + Send + 'static) {
    thread::Builder::new().stack_size(2 << 20).spawn(body).expect("a thread").join().expect("no panic");
}

thread_local! {
    static LAST: std::cell::RefCell<String> = const { std::cell::RefCell::new(String::new()) };
}

/// What a panic says, and in which file.
fn message(body: impl FnOnce()) -> String {
    std::panic::set_hook(Box::new(|info| {
        let file = info.location().map(|location| location.file().to_string());
        LAST.with_borrow_mut(|last| *last = file.unwrap_or_default());
        eprintln!("{info}");
    }));
    let payload = catch_unwind(AssertUnwindSafe(body)).expect_err("a panic is expected");
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => payload.downcast_ref::<&str>().map(|text| text.to_string()).unwrap_or_default(),
    }
}

#[test]
fn a_long_chain_on_a_small_stack() {
    let _turn = turn();
    let _limit = Limit::set(u32::MAX);
    on_small_stack(|| {
        const OPS: usize = 200_000;
        let chain = |x: &Tensor| {
            let one = Tensor::scalar(1.0, DType::F64);
            (0..OPS).fold(x.clone(), |y, _| y + &one)
        };
        // Built and dropped without ever being computed.
        drop(chain(&Tensor::from(0.0f64)));
        let y = chain(&Tensor::from(0.5f64));
        assert!(!y.is_evaluated());
        assert_eq!(y.item(), OPS as f64 + 0.5);
        let x = Tensor::from(0.25f64);
        let (value, slope) = value_and_grad(|x: &Tensor| chain(x).square())(&x);
        assert!(!value.is_evaluated());
        eval([&value, &slope]);
        assert_eq!(value.item(), (OPS as f64 + 0.25).powi(2));
        assert_eq!(slope.item(), 2.0 * (OPS as f64 + 0.25));
    });
}

#[test]
fn a_long_chain_that_keeps_its_values_for_the_derivative() {
    let _turn = turn();
    let _limit = Limit::set(u32::MAX);
    on_small_stack(|| {
        const OPS: usize = 30_000;
        let x = Tensor::from(0.5f64);
        let slope = grad(|x: &Tensor| (0..OPS).fold(x.clone(), |y, _| y.sin()))(&x).item();
        let (mut y, mut expected) = (0.5f64, 1.0);
        for _ in 0..OPS {
            expected *= y.cos();
            y = y.sin();
        }
        assert!((slope - expected).abs() < 1e-9 * expected.abs(), "{slope}, expected {expected}");
    });
}

#[test]
fn held_values_are_kept_and_others_never_stored() {
    let _turn = turn();
    let before = live_bytes();
    const BYTES: usize = 4000;
    let x = Tensor::from_vec(vec![0.5f32; 1000], [1000]);
    let held = x.exp();
    let passing = held.sin();
    let result = passing.relu() + &held;
    drop(passing);
    assert_eq!(live_bytes(), before + BYTES);
    eval([&result]);
    assert!(held.is_evaluated());
    assert_eq!(live_bytes(), before + 3 * BYTES);
    // What is evaluated lets go of what it was computed from.
    assert_eq!(tree(&result).lines().count(), 1);
    drop(x);
    drop(held);
    assert_eq!(live_bytes(), before + BYTES);
    drop(result);
    assert_eq!(live_bytes(), before);
}

#[test]
fn a_view_shares_the_memory_and_holds_it() {
    let _turn = turn();
    let before = live_bytes();
    let x = Tensor::from_vec(vec![1.0f32; 1000], [1000]);
    let view = x.reshape([10, 100]);
    eval([&view]);
    assert_eq!(live_bytes(), before + 4000);
    drop(x);
    assert_eq!(view.sum(..).item(), 1000.0);
    drop(view);
    assert_eq!(live_bytes(), before);
}

#[test]
fn reading_inside_a_gradient_changes_nothing() {
    let _turn = turn();
    let before = live_bytes();
    {
        let x = Tensor::from([0.5f64, -1.0, 2.0]);
        let mut seen = 0.0;
        let (value, slope) = value_and_grad(|x: &Tensor| {
            let y = x.exp();
            seen = y.sum(..).item();
            let z = (&y * &y).sin();
            // Control flow by values.
            if z.max(..).item() > 0.0 { (z * seen).sum(..) } else { y.sum(..) }
        })(&x);
        let [a, b, c] = [0.5f64.exp(), (-1.0f64).exp(), 2.0f64.exp()];
        assert!((seen - (a + b + c)).abs() < 1e-12);
        assert!((value.item() - [a, b, c].map(|y| (y * y).sin() * seen).iter().sum::<f64>()).abs() < 1e-9);
        for (got, y) in slope.to_vec::<f64>().iter().zip([a, b, c]) {
            let expected = (y * y).cos() * 2.0 * y * y * seen;
            assert!((got - expected).abs() < 1e-9 * (1.0 + expected.abs()), "{got}, expected {expected}");
        }
        // The second derivative too, read at both levels.
        let second = grad(|x: &Tensor| {
            let slope = grad(|x: &Tensor| {
                let y = x.square() * x;
                y.to_vec::<f64>();
                y.sum(..)
            })(x);
            slope.to_vec::<f64>();
            slope.sum(..)
        })(&x);
        assert_eq!(second.to_vec::<f64>(), [3.0, -6.0, 12.0]);
        drop(value);
        // The scope has ended: the values read inside are gone.
        assert_eq!(live_bytes(), before + 3 * 24);
    }
    assert_eq!(live_bytes(), before);
    // So they are if the function panics.
    let x = Tensor::from_vec(vec![1.0f64; 500], [500]);
    let text = message(|| {
        let _ = grad(|x: &Tensor| {
            let y = x.exp();
            y.to_vec::<f64>();
            assert!(x.rank() == 0, "out of here");
            y
        })(&x);
    });
    assert!(text.contains("out of here"));
    drop(x);
    assert_eq!(live_bytes(), before);
}

#[test]
fn graphs_that_grow_unread_are_evaluated() {
    let _turn = turn();
    let _limit = Limit::set(100);
    let mut sum = Tensor::from(0.0f64);
    let mut evaluated = 0;
    for step in 0..1000 {
        sum = sum + f64::from(step);
        evaluated += usize::from(sum.is_evaluated());
    }
    assert!((9..=11).contains(&evaluated), "evaluated {evaluated} times");
    assert_eq!(sum.item(), 499_500.0);
    // Ops of several outputs and ops with a fallback count too.
    let mut p = Tensor::from([0.1f64, 0.9]);
    let mut evaluated = 0;
    for _ in 0..500 {
        p = p.softmax(0);
        evaluated += usize::from(p.is_evaluated());
    }
    assert!((4..=6).contains(&evaluated), "evaluated {evaluated} times");
    // Not inside of a transform, which still needs the graph.
    let slope = grad(|x: &Tensor| {
        let y = (0..1000).fold(x.clone(), |y, _| y * 1.001);
        assert!(!y.is_evaluated());
        y
    })(&Tensor::from(1.0f64));
    assert!((slope.item() - 1.001f64.powi(1000)).abs() < 1e-9);
}

#[test]
fn values_to_come_cannot_be_read() {
    let _turn = turn();
    let x = Tensor::from([1.0f32, 2.0]);
    type Case<'a> = (&'static str, Box<dyn Fn() + 'a>);
    let cases: [Case; 4] = [
        ("vmap", Box::new(|| drop(vmap(|x: &Tensor| Tensor::from((x + 1.0).item()))(&x)))),
        ("Step", Box::new(|| drop(Step::new(|x: Tensor| Tensor::from(x.to_vec::<f32>())).call(x.clone())))),
        ("checkpoint", Box::new(|| drop(checkpoint(|x: &Tensor| x * x.sum(..).item())(&x)))),
        ("grad in vmap", Box::new(|| drop(vmap(grad(|x: &Tensor| x * x.exp().item()))(&x)))),
    ];
    for (name, case) in &cases {
        let text = message(case);
        assert!(
            text.contains("a value was read that does not exist yet")
                && panic_file().ends_with("tests/graph.rs"),
            "{name}: {text} at {}",
            panic_file()
        );
    }
    // And nothing is broken afterwards.
    assert_eq!((&x * 2.0).to_vec::<f32>(), [2.0, 4.0]);
    assert_eq!(vmap(|x: &Tensor| x + 1.0)(&x).to_vec::<f32>(), [2.0, 3.0]);
}

#[derive(Clone, Tree)]
struct Net {
    layers: Vec<(Tensor, Tensor)>,
}

impl Net {
    fn new() -> Net {
        let sizes = [2, 16, 1];
        let layer = |i: usize| {
            let weight = Key::new(i as u64).normal([sizes[i], sizes[i + 1]], DType::F32) * 0.5;
            (weight, Tensor::zeros([sizes[i + 1]], DType::F32))
        };
        Net { layers: (0..2).map(layer).collect() }
    }

    fn loss(&self, x: &Tensor, y: &Tensor) -> Tensor {
        let [first, second] = &self.layers[..] else { unreachable!("two layers") };
        let hidden = (x.matmul(&first.0) + &first.1).tanh();
        ((hidden.matmul(&second.0) + &second.1) - y).square().mean(..)
    }

    fn trained(self, x: &Tensor, y: &Tensor, rate: &Tensor) -> (Net, Tensor) {
        let (loss, slope) = value_and_grad(|net: &Net| net.loss(x, y))(&self);
        let layers = self.layers.into_iter().zip(slope.layers);
        let layers = layers.map(|((w, b), (dw, db))| (w - dw * rate, b - db * rate)).collect();
        (Net { layers }, loss)
    }
}

fn batch(step: u64) -> (Tensor, Tensor) {
    let x = Key::new(step).normal([8, 2], DType::F32);
    let y = x.narrow(1, 0, 1) * x.narrow(1, 1, 1);
    eval([&x, &y]);
    (x, y)
}

#[test]
fn ten_thousand_steps_hold_live_bytes_constant() {
    let _turn = turn();
    let start = live_bytes();
    let mut step = Step::new(|(net, x, y, rate): (Net, Tensor, Tensor, Tensor)| net.trained(&x, &y, &rate));
    let mut net = Net::new();
    let (mut level, mut first, mut last) = (0, 0.0, 0.0);
    for count in 0..10_000u64 {
        let (x, y) = batch(count % 16);
        let loss;
        (net, loss) = step.call((net, x, y, Tensor::from(0.05f32 / (1.0 + count as f32 * 1e-4))));
        match count {
            0 => first = loss.item(),
            1 => level = live_bytes(),
            2.. => assert_eq!(live_bytes(), level, "step {count}"),
        }
        last = loss.item();
    }
    assert_eq!(step.traces(), 1);
    assert!(last < 0.5 * first, "the loss went from {first} to {last}");
    drop((net, step));
    assert_eq!(live_bytes(), start);
}

#[test]
fn ten_thousand_steps_without_a_step_too() {
    let _turn = turn();
    let start = live_bytes();
    let mut net = Net::new();
    let (x, y) = batch(0);
    let (mut level, mut first, mut last) = (0, 0.0, 0.0);
    for count in 0..10_000u32 {
        let loss;
        (net, loss) = net.trained(&x, &y, &Tensor::from(0.05f32 / (1.0 + count as f32 * 1e-4)));
        eval_tree(&(net.layers.clone(), loss.clone()));
        last = loss.item();
        match count {
            0 => first = last,
            1 => level = live_bytes(),
            2.. => assert_eq!(live_bytes(), level, "step {count}"),
        }
    }
    assert!(last < 0.5 * first, "the loss went from {first} to {last}");
    drop((net, x, y));
    assert_eq!(live_bytes(), start);
}

/// The identity, noting how many bytes are live while a plan runs.
#[derive(Debug)]
struct Note(Arc<Mutex<usize>>);

impl CustomOp for Note {
    fn name(&self) -> &str {
        "note"
    }
    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        vec![inputs[0].clone()]
    }
    fn has_kernel(&self) -> bool {
        true
    }
    fn compute(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        *self.0.lock().expect("no panic") = live_bytes();
        outputs[0].copy_from(&inputs[0].to_vec::<f32>());
    }
}

#[test]
fn moved_arguments_are_overwritten_and_held_ones_are_not() {
    let _turn = turn();
    let before = live_bytes();
    const BYTES: usize = 40_000;
    let noted = Arc::new(Mutex::new(0));
    let note = noted.clone();
    let mut step = Step::new(move |(w, g): (Tensor, Tensor)| {
        let rate = custom(Note(note.clone()), &[Tensor::full([1], 0.5, DType::F32)]).remove(0);
        w - g * rate
    });
    let make = |value: f32| Tensor::from_vec(vec![value; 10_000], [10_000]);
    // Moved: nothing new is allocated.
    let result = step.call((make(3.0), make(2.0)));
    assert_eq!(*noted.lock().unwrap() - before, 2 * BYTES);
    assert_eq!(result.to_vec::<f32>(), vec![2.0; 10_000]);
    assert_eq!(live_bytes(), before + BYTES);
    drop(result);
    // One of them still held: the other one gives its memory.
    let (w, g) = (make(3.0), make(2.0));
    let result = step.call((w.clone(), g));
    assert_eq!(result.to_vec::<f32>(), vec![2.0; 10_000]);
    assert_eq!(w.to_vec::<f32>(), vec![3.0; 10_000]);
    drop(result);
    // Both held: new memory.
    let g = make(2.0);
    let result = step.call((w.clone(), g.clone()));
    assert_eq!(*noted.lock().unwrap() - before, 3 * BYTES);
    assert_eq!(result.to_vec::<f32>(), vec![2.0; 10_000]);
    assert_eq!((w.to_vec::<f32>(), g.to_vec::<f32>()), (vec![3.0; 10_000], vec![2.0; 10_000]));
    // A view of the same memory holds it too, and so does an argument given twice.
    let view = w.reshape([100, 100]);
    eval([&view]);
    let result = step.call((w, g.clone()));
    assert_eq!(result.to_vec::<f32>(), vec![2.0; 10_000]);
    assert_eq!(view.to_vec::<f32>(), vec![3.0; 10_000]);
    assert_eq!(step.call((g.clone(), g)).to_vec::<f32>(), vec![1.0; 10_000]);
    let report = step.report().expect("it has run");
    assert!(report.peak_bytes < 2 * BYTES + 1000, "{report}");
}

#[test]
fn arguments_that_are_returned_or_exchanged_keep_their_values() {
    let _turn = turn();
    let mut exchange = Step::new(|(a, b): (Tensor, Tensor)| (b.clone(), a.clone(), &a + &b, a));
    let (a, b) = (Tensor::from([1.0f32, 2.0]), Tensor::from([10.0f32, 20.0]));
    for _ in 0..3 {
        let (first, second, sum, third) = exchange
            .call((Tensor::from_vec(a.to_vec::<f32>(), [2]), Tensor::from_vec(b.to_vec::<f32>(), [2])));
        assert_eq!(first.to_vec::<f32>(), [10.0, 20.0]);
        assert_eq!(second.to_vec::<f32>(), [1.0, 2.0]);
        assert_eq!(sum.to_vec::<f32>(), [11.0, 22.0]);
        assert_eq!(third.to_vec::<f32>(), [1.0, 2.0]);
    }
    // A result that reads its donor out of order must not be written over it.
    let mut mixed = Step::new(|(a, b): (Tensor, Tensor)| (a.flip(0) + &b, a.t().matmul(&b), &a * 2.0));
    let rows = || Tensor::arange(6, DType::F32).reshape([3, 2]);
    let fresh = || Tensor::from_vec(rows().to_vec::<f32>(), [3, 2]);
    for _ in 0..3 {
        let (flipped, product, double) = mixed.call((fresh(), fresh()));
        assert_eq!(flipped.to_vec::<f32>(), [4.0, 6.0, 4.0, 6.0, 4.0, 6.0]);
        assert_eq!(product.to_vec::<f32>(), [20.0, 26.0, 26.0, 35.0]);
        assert_eq!(double.to_vec::<f32>(), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
    }
}

#[test]
fn a_step_is_traced_once_per_signature() {
    let _turn = turn();
    let offset = Tensor::from([10.0f32]).exp().log();
    let mut step = Step::new(|(x, power, scale): (Tensor, usize, Option<Tensor>)| {
        let y = (0..power).fold(Tensor::ones([1], DType::F32), |y, _| y * &x) + &offset;
        scale.map_or(y.clone(), |scale| y * scale)
    });
    assert!(step.report().is_none());
    let mut call = |x: f32, power: usize, scale: Option<f32>| {
        step.call((Tensor::from([x]), power, scale.map(Tensor::from))).item().round()
    };
    for _ in 0..2 {
        assert_eq!(call(2.0, 3, None), 18.0);
        assert_eq!(call(3.0, 3, None), 37.0);
        assert_eq!(call(3.0, 2, None), 19.0);
        assert_eq!(call(3.0, 2, Some(2.0)), 38.0);
        assert_eq!(call(3.0, 2, Some(3.0)), 57.0);
    }
    let wide = step.call((Tensor::from([1.0f32, 2.0]), 1, None));
    assert_eq!(wide.shape(), &[2][..]);
    assert_eq!(step.traces(), 4);
}

#[test]
fn threads_share_graphs() {
    let _turn = turn();
    let before = live_bytes();
    for round in 0..20 {
        let x = Key::new(round).normal([64, 64], DType::F64);
        let shared = x.matmul(&x.t()).tanh();
        let parts: Vec<Tensor> =
            (0..8).map(|part| (shared.narrow(0, part * 8, 8) * part as f64).sum(1)).collect();
        let all = Tensor::stack(&parts, 0);
        let expected: Vec<Vec<f64>> = thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|part| {
                    let (parts, shared, all) = (parts.clone(), shared.clone(), all.clone());
                    scope.spawn(move || match part % 3 {
                        0 => parts[part].to_vec::<f64>(),
                        1 => {
                            // A gradient of the same graph while it is being evaluated.
                            let slope =
                                grad(|x: &Tensor| (x * &parts[part]).sum(..))(&parts[part].ones_like());
                            let _ = bolete_tensor::plan::report::report(&[&all]);
                            slope.to_vec::<f64>()
                        }
                        _ => {
                            drop(parts[part].clone());
                            (shared.narrow(0, part * 8, 8) * part as f64).sum(1).to_vec::<f64>()
                        }
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        assert_eq!(all.to_vec::<f64>(), expected.concat());
    }
    assert_eq!(live_bytes(), before);
}
