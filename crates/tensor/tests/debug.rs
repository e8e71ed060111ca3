//! Finding the op that first made a value which is not finite, and the line that called it.

use bolete_tensor::debug::{BadValue, NonFinite, Phase, Source, check_step, first_non_finite};
use bolete_tensor::{
    CustomOp, DType, Metadata, Tensor, checkpoint, cond, custom, custom_vjp, eval, grad, jvp, scan,
    value_and_grad, vmap, while_loop,
};

fn find(target: &Tensor) -> NonFinite {
    let found = first_non_finite(&[target]).expect("something is not finite");
    assert!(!target.is_evaluated(), "the graph is left as it was");
    let text = found.to_string();
    assert!((1..=3).contains(&text.lines().count()), "{text}");
    assert!(text.contains(&format!("{}:{}:{}", found.file, found.line, found.column)), "{text}");
    found
}

/// The call is on a line of this file that has this text.
#[track_caller]
fn assert_line(found: &NonFinite, text: &str) {
    assert!(found.file.ends_with("tests/debug.rs"), "{found}");
    let line = include_str!("debug.rs").lines().nth(found.line as usize - 1).unwrap();
    assert!(line.contains(text), "the line is: {line}\n{found}");
}

#[test]
fn a_logarithm_of_zero() {
    let x = Tensor::from([[1.0f32, 2.0], [0.0, 0.5]]);
    let loss = (x.log() * 3.0).sum(..) + 1.0;
    let found = find(&loss);
    assert_line(&found, "x.log() * 3.0");
    assert_eq!(
        (found.op.as_str(), found.value, found.source),
        ("log", BadValue::NegativeInfinity, Source::Op)
    );
    assert_eq!((&found.index[..], found.count, found.phase), (&[1, 0][..], 1, Phase::Forward));
    assert_eq!((found.inputs[0].min, found.inputs[0].max), (0.0, 2.0));
    assert!(found.to_string().contains("logarithm"), "{found}");
}

#[test]
fn the_slope_of_a_root_at_zero() {
    let x = Tensor::from([4.0f32, 0.0]);
    let f = |x: &Tensor| {
        let root = x.sqrt();
        (&root * &root).sum(..)
    };
    let (value, slope) = value_and_grad(f)(&x);
    assert_eq!(first_non_finite(&[&value]), None);
    let found = find(&slope);
    assert_line(&found, "let root = x.sqrt()");
    assert_eq!(found.phase, Phase::Reverse);
    assert!(found.to_string().contains("reverse derivative"), "{found}");
    assert_eq!(found.index, [1]);
}

#[test]
fn zero_divided_by_zero() {
    let (a, b) = (Tensor::from([0.0f64, 1.0]), Tensor::from([0.0f64, 2.0]));
    let ratio = &a / &b;
    let found = find(&ratio.mean(..));
    assert_line(&found, "let ratio = &a / &b");
    assert_eq!((found.value, found.index), (BadValue::Nan, vec![0]));
}

#[test]
fn an_exponential_too_large_for_its_type() {
    let x = Tensor::from([10.0f32, 100.0]);
    let weights = x.exp();
    let found = find(&(&weights / weights.sum(..)).sum(..));
    assert_line(&found, "let weights = x.exp()");
    assert_eq!((found.op.as_str(), found.value, found.dtype), ("exp", BadValue::Infinity, DType::F32));
    assert_eq!(first_non_finite(&[&x.cast(DType::F64).exp()]), None);
    let half = x.cast(DType::F16) * 10_000.0;
    assert_eq!(find(&half).op, "mul");
}

#[test]
fn what_is_masked_does_no_harm() {
    let x = Tensor::from([0.0f32, 1.0]);
    let safe = x.greater(0.0).select(x.log(), Tensor::from(0.0f32));
    assert_eq!(first_non_finite(&[&safe]), None);
    // A mask of −∞ is meant; only the row that is masked as a whole goes wrong.
    let scores = Tensor::zeros([2, 2], DType::F32);
    let mask = Tensor::from([[true, false], [false, false]]);
    let masked = mask.select(&scores, Tensor::scalar(f64::NEG_INFINITY, DType::F32));
    let found = find(&masked.softmax(-1).sum(..));
    assert_line(&found, "masked.softmax(-1)");
    assert_eq!(
        (found.source, &found.within[..], found.value),
        (Source::OpOnInfinity, &["softmax".into()][..], BadValue::Nan)
    );
}

#[test]
fn leaves_that_are_bad() {
    let data = Tensor::from([1.0f32, f32::NAN]);
    let found = find(&(&data * 2.0).exp().sum(..));
    assert_line(&found, "let data = Tensor::from");
    assert_eq!((found.source, found.leaf, found.op.as_str()), (Source::Leaf, Some(data.id()), "data"));
    // Through a gradient's own mark of the leaf.
    let slope = grad(|x: &Tensor| x.square().sum(..))(&data);
    assert_eq!(find(&slope).leaf, Some(data.id()));
    // What has been read is known by the op that made it.
    let log = Tensor::from(0.0f32).log();
    eval([&log]);
    let found = find(&(&log + 1.0));
    assert_eq!((found.source, found.op.as_str(), found.leaf), (Source::Leaf, "log", Some(log.id())));
    assert_line(&found, "let log = Tensor::from(0.0f32).log()");
}

#[test]
fn inside_of_vmap() {
    let x = Tensor::from([[1.0f64, 2.0], [3.0, 0.0], [0.5, 0.5]]);
    let logs = vmap(|x: &Tensor| x.log().sum(..))(&x);
    let found = find(&logs);
    assert_line(&found, "vmap(|x: &Tensor| x.log()");
    assert_eq!((&found.index[..], found.phase), (&[1, 1][..], Phase::Forward));
    let slopes = vmap(grad(|x: &Tensor| x.sqrt().sum(..)))(&x);
    let found = find(&slopes);
    assert_line(&found, "vmap(grad(|x: &Tensor| x.sqrt()");
    assert_eq!((&found.index[..], found.phase), (&[1, 1][..], Phase::Reverse));
}

#[test]
fn inside_of_a_scan_and_its_derivative() {
    let x = Tensor::from([4.0f32, 2.0, 0.0, 1.0]);
    let f = |x: &Tensor| {
        let body = |sum: &Tensor, x: &Tensor| {
            let root = x.sqrt();
            (sum + root.square() * 0.5, root.log())
        };
        scan(body, &Tensor::from(0.0f32), x)
    };
    let found = find(&f(&x).1.sum(..));
    assert_line(&found, "root.log()");
    assert_eq!((found.op.as_str(), &found.within[..]), ("log", &["scan at position 2".into()][..]));
    let slope = grad(|x: &Tensor| f(x).0)(&x);
    let found = find(&slope);
    assert_line(&found, "let root = x.sqrt()");
    assert_eq!((found.phase, &found.within[..]), (Phase::Reverse, &["scan at position 2".into()][..]));
    // The body can be run as before.
    assert!(grad(|x: &Tensor| f(x).0)(&x).to_vec::<f32>()[2].is_nan());
}

#[test]
fn inside_of_other_loops_and_branches() {
    let grown = while_loop(|x: &Tensor| x.less(1e30), |x: &Tensor| x.square(), &Tensor::from(1e10f32));
    let found = find(&grown);
    assert_line(&found, "while_loop(");
    assert_eq!(found.within, ["while_loop at step 1"]);
    let x = Tensor::from(0.0f32);
    let chosen = cond(&x.equal(0.0), |x: &Tensor| x.log(), |x: &Tensor| x + 1.0, &x);
    assert_eq!(find(&chosen).within, ["cond"]);
}

#[test]
fn inside_of_checkpoint_and_custom_vjp() {
    let x = Tensor::from([0.0f64, 1.0]);
    let layer = checkpoint(|x: &Tensor| x.sqrt().sin());
    let found = find(&grad(|x: &Tensor| layer(x).sum(..))(&x));
    assert_line(&found, "let layer = checkpoint");
    assert_eq!(found.phase, Phase::Reverse);
    let found = find(&checkpoint(|x: &Tensor| x.log())(&x));
    assert_line(&found, "checkpoint(|x: &Tensor| x.log())");
    assert_eq!((found.op.as_str(), &found.within[..]), ("log", &["checkpoint".into()][..]));
    // A rule of the user's has lines of its own.
    let own = custom_vjp(|x: &Tensor| x.abs(), |x: &Tensor, _: &Tensor, cotangent: &Tensor| cotangent / x);
    let found = find(&grad(|x: &Tensor| own(x).sum(..))(&x));
    assert_line(&found, "cotangent / x");
    assert_eq!((found.op.as_str(), found.phase), ("div", Phase::Reverse));
}

/// x log x by way of its definition.
#[derive(Debug)]
struct Entropy;

impl CustomOp for Entropy {
    fn name(&self) -> &str {
        "entropy"
    }
    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        vec![inputs[0].clone()]
    }
    fn fallback(&self, inputs: &[Tensor]) -> Option<Vec<Tensor>> {
        Some(vec![&inputs[0] * inputs[0].log()])
    }
}

#[test]
fn inside_of_an_op_of_the_users() {
    let entropy = custom(Entropy, &[Tensor::from([0.0f32, 0.5])]).remove(0);
    let found = find(&entropy);
    assert_eq!((found.op.as_str(), &found.within[..]), ("log", &["entropy".into()][..]));
    assert_line(&found, "inputs[0].log()");
}

#[test]
fn forward_derivatives_and_second_ones() {
    let x = Tensor::from(0.0f64);
    let (_, slope) = jvp(|x: &Tensor| x.sqrt(), &x, &Tensor::from(1.0f64));
    let found = find(&slope);
    assert_line(&found, "jvp(|x: &Tensor| x.sqrt()");
    assert_eq!(found.phase, Phase::Tangent);
    // x^1.5 has a slope at zero, but no curvature.
    let curve = |x: &Tensor| x.pow(1.5);
    assert_eq!(first_non_finite(&[&grad(curve)(&x)]), None);
    let found = find(&grad(grad(curve))(&x));
    assert_line(&found, "x.pow(1.5)");
    assert_eq!(found.phase, Phase::Reverse);
}

#[test]
fn a_whole_step() {
    let step = |(w, x): (Tensor, Tensor)| {
        let (loss, slope) = value_and_grad(|w: &Tensor| {
            let score = w.exp();
            // Reading in between hides nothing.
            assert!(x.item() > 0.0);
            (score * &x).sum(..)
        })(&w);
        (w - slope * 0.1, loss)
    };
    let (w, loss) = check_step(step, (Tensor::from(0.0f32), Tensor::from(2.0f32))).unwrap();
    assert_eq!((w.item(), loss.item()), (-0.2f32 as f64, 2.0));
    let found = check_step(step, (Tensor::from(100.0f32), Tensor::from(2.0f32))).unwrap_err();
    assert_line(&found, "let score = w.exp()");
    assert_eq!((found.op.as_str(), found.phase), ("exp", Phase::Forward));
    // Read and computed, and found all the same.
    let read = check_step(
        |x: Tensor| {
            let y = x.log();
            let _ = y.item();
            y * 2.0
        },
        Tensor::from(0.0f32),
    );
    assert_eq!(read.unwrap_err().op, "log");
    let weights = Tensor::from([f32::INFINITY, 1.0]);
    let found = check_step(|w: Tensor| w * 2.0, weights.clone()).unwrap_err();
    assert_eq!((found.source, found.leaf), (Source::Leaf, Some(weights.id())));
}

#[test]
fn long_chains_need_no_stack() {
    let mut x = Tensor::from(1.0f32);
    for _ in 0..3000 {
        x = x * 1.5;
    }
    let found = find(&x);
    assert_line(&found, "x = x * 1.5");
    assert!(found.inputs[0].max > 2e38);
}
