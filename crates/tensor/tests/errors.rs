//! Mistakes panic at the line that made them, naming the op, the shapes and the rule; and everything that is printed
//! for people: tensors, graphs, plans, traces.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, set_hook};
use std::process::Command;

use bolete_tensor::DType::{self, *};
use bolete_tensor::graph::print::{dot, tree};
use bolete_tensor::ops::audio::{MelBank, Stft, mfcc};
use bolete_tensor::ops::fourier::Norm;
use bolete_tensor::ops::view::index;
use bolete_tensor::plan::report::report;
use bolete_tensor::{
    Complex, Convolution2d, Key, Param, Pool2d, Shape, State, Step, Tensor, eval, grad, jvp, value_and_grad,
    vjp, vmap,
};

thread_local! {
    static LAST: RefCell<(String, String, u32)> = const { RefCell::new((String::new(), String::new(), 0)) };
}

/// What a panic in `body` says. It must come from this file, at the line of `body`, and hold all of `parts`.
#[track_caller]
fn refuses(parts: &[&str], body: impl FnOnce()) {
    let here = Location::caller();
    set_hook(Box::new(|info| {
        let payload = info.payload();
        let text = payload.downcast_ref::<String>().cloned();
        let text = text.or_else(|| payload.downcast_ref::<&str>().map(|text| text.to_string()));
        let (file, line) = info.location().map(|at| (at.file().to_string(), at.line())).unwrap_or_default();
        eprintln!("{info}");
        LAST.set((text.unwrap_or_default(), file, line));
    }));
    assert!(catch_unwind(AssertUnwindSafe(body)).is_err(), "a panic was expected that says {parts:?}");
    let (text, file, line) = LAST.take();
    for part in parts {
        assert!(text.contains(part), "{text:?} does not say {part:?}");
    }
    assert!(
        file == here.file() && (here.line()..here.line() + 8).contains(&line),
        "{text:?} was blamed on {file}:{line} instead of line {}",
        here.line()
    );
}

fn zeros(shape: &[usize]) -> Tensor {
    Tensor::zeros(shape, F32)
}

#[test]
fn elementwise() {
    let (a, b) = (zeros(&[2, 3]), zeros(&[4]));
    refuses(&["add", "[2, 3]", "[4]", "equal or 1"], || drop(&a + &b));
    refuses(&["mul", "[2, 3]", "[4]"], || drop(&a * &b));
    refuses(&["maximum", "[2, 3]", "[4]"], || drop(a.maximum(&b)));
    refuses(&["less", "[2, 3]", "[4]"], || drop(a.less(&b)));
    refuses(&["pow", "[2, 3]", "[4]"], || drop(a.pow(&b)));
    refuses(&["select", "[2, 3]", "[4]"], || drop(a.less(0.0).select(&a, &b)));
    refuses(&["select", "bool", "f32"], || drop(a.select(&a, &a)));
    refuses(&["logical_and", "bool", "f32"], || drop(a.logical_and(&a)));
    refuses(&["logical_not", "bool", "f32"], || drop(a.logical_not()));
    refuses(&["sub", "[2, 3]", "[4]"], || drop(a.lerp(&b, 0.5)));
}

#[test]
fn signals_and_special_functions() {
    let (a, b) = (zeros(&[2, 3]), zeros(&[4]));
    refuses(&["igamma", "[2, 3]", "[4]"], || drop(a.igamma(&b)));
    refuses(&["betainc", "[2, 3]", "[4]"], || drop(a.betainc(&a, &b)));
    refuses(&["log_beta", "[2, 3]", "[4]"], || drop(a.log_beta(&b)));
    refuses(&["mul", "[2, 3]", "[4]"], || drop(a.prelu(&b)));
    refuses(&["rfft", "[2, 3]", "axis 2"], || drop(a.rfft(None, 2, Norm::Backward)));
    refuses(&["rfft", "length 0", "axis 1"], || drop(zeros(&[2, 0]).rfft(None, 1, Norm::Backward)));
    let z = Complex::from_real(&a);
    refuses(&["fft", "[2, 3]", "axis -3"], || drop(z.fft(None, -3, Norm::Ortho)));
    refuses(&["ifftn", "[2, 3]", "twice"], || drop(z.ifftn([0, -2], Norm::Ortho)));
    refuses(&["irfft", "length 0"], || drop(z.irfft(Some(0), 0, Norm::Ortho)));
    refuses(&["irfftn", "an axis"], || drop(z.irfftn(None, [], Norm::Ortho)));
    refuses(&["fft2", "[4]", "axis -2"], || drop(Complex::from_real(&b).fft2(Norm::Ortho)));
    refuses(&["dct", "[2, 3]", "axis 5"], || drop(a.dct(5, true)));
    refuses(&["fftshift", "[2, 3]", "axis 2"], || drop(a.fftshift(2)));
    refuses(&["fft_convolve", "[2, 3]", "[0]"], || drop(a.fft_convolve(&zeros(&[0]))));
    let stft = Stft::new(8);
    refuses(&["stft", "[2, 3]", "3 samples", "frames of 8"], || drop(stft.stft(&a)));
    refuses(&["istft", "[2, 3]", "5, frames"], || drop(stft.istft(&z, None)));
    refuses(&["stft", "window", "[9]"], || {
        drop(Stft { window: zeros(&[9]), ..stft.clone() }.stft(&zeros(&[20])))
    });
    refuses(&["mel bank", "[2, 3]", "5, frames"], || drop(MelBank::new(8.0, 8, 2).apply(&a)));
    refuses(&["mfcc", "[2, 3]", "3 coefficients"], || drop(mfcc(&a, 3)));
}

#[test]
fn distributions() {
    let key = Key::new(0);
    let pair = zeros(&[2]);
    refuses(&["gamma", "[2]", "[3]"], || drop(key.gamma(&pair, [3], F32)));
    refuses(&["beta", "[2]", "[3]"], || drop(key.beta(1.0, &pair, [3], F32)));
    refuses(&["bernoulli", "[2]", "[3]"], || drop(key.bernoulli(&pair, [3])));
    refuses(&["poisson", "[2]", "[3]"], || drop(key.poisson(&pair, [3])));
    refuses(&["exponential", "i64"], || drop(key.exponential([3], I64)));
    refuses(&["randint", "3 up to", "3"], || drop(key.randint(3, 3, [2])));
    refuses(&["multinomial", "[2]", "3 different"], || drop(key.multinomial(&pair, 3, false)));
    refuses(&["choice", "[2]", "length 2", "3"], || drop(key.choice(&pair, 3, false, 0)));
    refuses(&["shuffle", "[2]", "axis 1"], || drop(key.shuffle(&pair, 1)));
    refuses(&["dirichlet", "axis"], || drop(key.dirichlet(&zeros(&[]), [2], F32)));
    refuses(&["rademacher", "u8"], || drop(key.rademacher([2], U8)));
}

#[test]
fn reductions() {
    let a = zeros(&[2, 3]);
    refuses(&["sum", "[2, 3]", "axis 2", "rank 2"], || drop(a.sum(2)));
    refuses(&["mean", "[2, 3]", "axis -3"], || drop(a.mean(-3)));
    refuses(&["max", "[2, 3]", "axis 0 is named twice"], || drop(a.max([0, -2])));
    refuses(&["var", "[2, 3]", "axis 5"], || drop(a.var(5, 0)));
    refuses(&["logsumexp", "[2, 3]", "axis 5"], || drop(a.logsumexp(5)));
    refuses(&["max", "[0, 3]", "no maximum"], || drop(zeros(&[0, 3]).max(0)));
    refuses(&["min", "[0]", "no minimum"], || drop(zeros(&[0]).min(..)));
    refuses(&["argmax", "[2, 3]", "axis 2"], || drop(a.argmax(2)));
    refuses(&["argmax", "[2, 0]", "empty"], || drop(zeros(&[2, 0]).argmax(1)));
    refuses(&["any", "bool", "f32"], || drop(a.any(..)));
}

#[test]
fn products() {
    refuses(&["matmul", "[2, 3]", "[4, 5]", "(3)", "(4)"], || drop(zeros(&[2, 3]).matmul(&zeros(&[4, 5]))));
    refuses(&["matmul", "[]", "[4]", "at least one axis"], || drop(zeros(&[]).matmul(&zeros(&[4]))));
    refuses(&["matmul", "[2, 1, 3]", "[4, 3, 1]", "do not broadcast"], || {
        drop(zeros(&[2, 1, 3]).matmul(&zeros(&[4, 3, 1])))
    });
    refuses(&["outer", "[2, 3]", "[3]"], || drop(zeros(&[2, 3]).outer(&zeros(&[3]))));
    refuses(&["t:", "[3]"], || drop(zeros(&[3]).t()));
}

#[test]
fn images() {
    let plain = Convolution2d::default();
    let x = zeros(&[2, 3, 5, 5]);
    refuses(&["conv2d", "[2, 3]", "[4]", "rank 4"], || drop(zeros(&[2, 3]).conv2d(&zeros(&[4]), &plain)));
    refuses(&["conv2d", "[2, 3, 5, 5]", "[4, 2, 3, 3]", "3 channels"], || {
        drop(x.conv2d(&zeros(&[4, 2, 3, 3]), &plain))
    });
    refuses(&["conv2d", "[4, 3, 6, 3]", "[2, 3, 5, 5]", "does not fit"], || {
        drop(x.conv2d(&zeros(&[4, 3, 6, 3]), &plain))
    });
    refuses(&["conv2d", "stride", "at least 1"], || {
        drop(x.conv2d(&zeros(&[4, 3, 3, 3]), &Convolution2d { stride: [0, 1], ..plain }))
    });
    refuses(&["conv2d_transposed", "[9, 9]", "[3, 2, 2, 2]", "[2, 3, 5, 5]"], || {
        drop(x.conv2d_transposed(&zeros(&[3, 2, 2, 2]), [9, 9], &plain))
    });
    refuses(&["max_pool2d", "[3]", "two axes"], || drop(zeros(&[3]).max_pool2d(&Pool2d::window([2, 2]))));
    refuses(&["max_pool2d", "[6, 1]", "[2, 3, 5, 5]"], || drop(x.max_pool2d(&Pool2d::window([6, 1]))));
    refuses(&["avg_pool2d", "padding", "(2, 0)"], || {
        drop(x.avg_pool2d(&Pool2d { padding: [(2, 0), (0, 0)], ..Pool2d::window([2, 2]) }))
    });
}

#[test]
fn views_and_joins() {
    let a = zeros(&[2, 3]);
    refuses(&["reshape", "[2, 3]", "6 elements", "[4, 2]", "8"], || drop(a.reshape([4, 2])));
    refuses(&["permute", "[2, 3]", "[0, 0]", "twice"], || drop(a.permute(&[0, 0])));
    refuses(&["permute", "[2, 3]", "1 axes are named"], || drop(a.permute(&[0])));
    refuses(&["transpose", "[2, 3]", "axis 2"], || drop(a.transpose(0, 2)));
    refuses(&["move_axis", "[2, 3]", "axis -3"], || drop(a.move_axis(-3, 0)));
    refuses(&["unsqueeze", "[2, 3]", "axis 4"], || drop(a.unsqueeze(4)));
    refuses(&["squeeze", "[2, 3]", "axis 1", "length 3"], || drop(a.squeeze(1)));
    refuses(&["broadcast_to", "[2, 3]", "[3, 2]"], || drop(a.broadcast_to([3, 2])));
    refuses(&["flip", "[2, 3]", "axis 7"], || drop(a.flip(7)));
    refuses(&["slice", "[2, 3]", "index 2", "axis 0", "length 2"], || drop(a.slice([2])));
    refuses(&["slice", "[2, 3]", "3 indices", "2 axes"], || drop(a.slice([index(..), index(..), index(..)])));
    refuses(&["step 0"], || _ = index(..).step(0));
    refuses(&["narrow", "[2, 3]", "2 to 4", "axis 1"], || drop(a.narrow(1, 2, 2)));
    refuses(&["chunk", "[2, 3]", "length 3", "2 parts"], || drop(a.chunk(2, 1)));
    refuses(&["pad", "[2, 3]", "1 pairs", "2 axes"], || drop(a.pad(&[(1, 1)], 0.0)));
    refuses(&["concatenate", "nothing"], || drop(Tensor::concatenate(&[], 0)));
    refuses(&["concatenate", "axis 0", "[2, 3]", "[2, 4]"], || {
        drop(Tensor::concatenate(&[a.clone(), zeros(&[2, 4])], 0))
    });
    refuses(&["stack", "[2, 3]", "[3]"], || drop(Tensor::stack(&[a.clone(), zeros(&[3])], 0)));
    refuses(&["stack", "[2, 3]", "axis 3"], || drop(Tensor::stack(&[a.clone(), a.clone()], 3)));
}

#[test]
fn indices() {
    let a = zeros(&[2, 3]);
    let indices = Tensor::from([0i64, 1]);
    refuses(&["take", "[2, 3]", "axis 2"], || drop(a.take(&indices, 2)));
    refuses(&["take", "integers", "f32"], || drop(a.take(&zeros(&[2]), 0)));
    refuses(&["gather", "[2, 3]", "[2]"], || drop(a.gather(1, &indices)));
    refuses(&["index_add", "[2, 3]", "[2]", "[5]"], || drop(a.index_add(0, &indices, &zeros(&[5]))));
    refuses(&["scatter_add", "[2, 3]", "[2, 1]"], || {
        drop(a.scatter_add(1, &Tensor::from([[0i64], [1]]), &zeros(&[2, 3])))
    });
    // Values are looked at when the result is computed, and blamed on who asked for it.
    let far = a.take(&Tensor::from([0i64, 5]), 0);
    refuses(&["take", "5"], || drop(far.to_vec::<f32>()));
    refuses(&["take", "5"], || eval([&far]));
    refuses(&["take", "-3"], || drop(a.take(&Tensor::from([-3i64]), 0).to_vec::<f32>()));
    refuses(&["scatter_add", "7"], || {
        drop(a.index_add(0, &Tensor::from([7i64]), &zeros(&[1, 3])).to_vec::<f32>())
    });
    let mut step = Step::new(|(x, i): (Tensor, Tensor)| x.take(&i, 0));
    assert_eq!(step.call((zeros(&[2]), indices.clone())).to_vec::<f32>(), [0.0, 0.0]);
    refuses(&["take", "9"], || drop(step.call((zeros(&[2]), Tensor::from([9i64, 0])))));
    // The engine goes on, negative indices count from the end.
    assert_eq!(Tensor::from([1.0f32, 2.0]).take(&Tensor::from([-1i64, -2]), 0).to_vec::<f32>(), [2.0, 1.0]);
    assert_eq!(step.call((zeros(&[2]), indices)).to_vec::<f32>(), [0.0, 0.0]);
}

#[test]
fn fused_ops() {
    let a = zeros(&[2, 3]);
    refuses(&["softmax", "[2, 3]", "axis 2"], || drop(a.softmax(2)));
    refuses(&["log_softmax", "[2, 3]", "axis 2"], || drop(a.log_softmax(2)));
    refuses(&["cross_entropy", "[2, 3]", "[3]"], || drop(a.cross_entropy(&Tensor::from([0i64, 1, 2]))));
    refuses(&["cross_entropy", "class indices", "f32"], || drop(a.cross_entropy(&zeros(&[2]))));
    refuses(&["layer_norm", "[2, 3]", "[2]"], || drop(a.layer_norm(&zeros(&[2]), &zeros(&[2]), 1e-5)));
    refuses(&["batch_norm", "[2, 3]", "[2]"], || drop(a.batch_norm(&zeros(&[2]), &zeros(&[2]), 1e-5)));
    refuses(&["batch_norm_with", "variance", "[2]", "[2, 3]"], || {
        let (good, bad) = (zeros(&[3]), zeros(&[2]));
        drop(a.batch_norm_with(&good, &bad, &good, &good, 1e-5))
    });
    refuses(&["dropout", "1.5"], || drop(a.dropout(1.5, &Key::new(0))));
    refuses(&["dropout", "floats", "i64"], || drop(a.cast(I64).dropout(0.5, &Key::new(0))));
    refuses(&["uniform", "i32"], || drop(Key::new(0).uniform([2], I32)));
    refuses(&["Key", "i64", "f32"], || drop(Key::from_tensor(a.clone())));
}

#[test]
fn values_and_transforms() {
    let a = zeros(&[2, 3]);
    refuses(&["from_slice", "5 values", "[2, 3]", "6"], || drop(Tensor::from_vec(vec![0.0f32; 5], [2, 3])));
    refuses(&["to_vec", "f32", "f64", "cast"], || drop(a.to_vec::<f64>()));
    refuses(&["item", "[2, 3]", "6 elements"], || _ = a.item());
    assert_eq!(
        Tensor::from_bytes(&[0; 7], [2], F32).unwrap_err(),
        "shape [2] of f32 needs 8 bytes, but 7 were given"
    );
    assert!(Tensor::from_bytes(&[2], [1], Bool).unwrap_err().contains("0 or 1"));
    assert!(Tensor::from_bytes(&[], [usize::MAX, 2], F64).unwrap_err().contains("does not fit"));
    refuses(&["jvp", "[2, 3]", "[3]"], || drop(jvp(|x: &Tensor| x.exp(), &a, &zeros(&[3]))));
    // The closures that transforms return cannot tell who calls them; the message must do.
    let says = |part: &str, body: &dyn Fn()| {
        let payload = catch_unwind(AssertUnwindSafe(body)).expect_err("a panic is expected");
        let text = payload.downcast::<String>().map(|text| *text).unwrap_or_default();
        assert!(text.contains(part), "{text:?} does not say {part:?}");
    };
    says("grad: the objective must be a single float, but it is f32 of shape [2, 3]", &|| {
        drop(grad(|x: &Tensor| x.exp())(&a))
    });
    says("vmap: the mapped axes have different lengths, 2 and 3", &|| {
        drop(vmap(|(x, _): &(Tensor, Tensor)| x.clone())(&(zeros(&[2]), zeros(&[3]))))
    });
    says("vjp: a value of shape [2, 3] needs a cotangent of that shape, not [2]", &|| {
        let (_, pullback) = vjp(|x: &Tensor| x.exp(), &a);
        drop(pullback(&zeros(&[2])))
    });
}

#[test]
fn promotion_is_as_written() {
    let table = [
        (Bool, [Bool, U8, I32, I64, F16, BF16, F32, F64]),
        (U8, [U8, U8, I32, I64, F16, BF16, F32, F64]),
        (I32, [I32, I32, I32, I64, F16, BF16, F32, F64]),
        (I64, [I64, I64, I64, I64, F16, BF16, F32, F64]),
        (F16, [F16, F16, F16, F16, F16, F32, F32, F64]),
        (BF16, [BF16, BF16, BF16, BF16, F32, BF16, F32, F64]),
        (F32, [F32, F32, F32, F32, F32, F32, F32, F64]),
        (F64, [F64; 8]),
    ];
    for (left, row) in table {
        for (right, expected) in DType::ALL.into_iter().zip(row) {
            assert_eq!(left.promote(right), expected, "{left} with {right}");
            let (a, b) = (Tensor::ones([2], left), Tensor::ones([2], right));
            // Arithmetic of booleans counts.
            let sum = if expected == Bool { I64 } else { expected };
            let total = &a + &b;
            assert_eq!(total.dtype(), sum, "{left} + {right}");
            assert_eq!(total.cast(F64).to_vec::<f64>(), [2.0, 2.0]);
            assert_eq!(Tensor::concatenate(&[a.clone(), b.clone()], 0).dtype(), expected);
            assert_eq!(a.equal(&b).select(&a, &b).dtype(), expected);
            assert_eq!((&a / &b).dtype(), expected.to_float());
            assert_eq!(a.matmul(&b).dtype(), sum);
        }
        // Rust numbers take the tensor's type; a float makes f32 of what is not a float.
        let a = Tensor::ones([1], left);
        assert_eq!((&a + 1.5).dtype(), left.to_float());
        assert_eq!((&a + 1).dtype(), if left == Bool { I64 } else { left });
        assert_eq!((1.5 + &a).dtype(), left.to_float());
    }
}

#[test]
fn tensors_are_printed() {
    let x = Tensor::from([[1.0f32, -2.5], [0.25, 100.0]]);
    assert_eq!(x.to_string(), "f32 [2, 2] \n[[  1.0000,  -2.5000],\n [  0.2500, 100.0000]]");
    assert_eq!(format!("{x:.1}"), "f32 [2, 2] \n[[  1.0,  -2.5],\n [  0.2, 100.0]]");
    assert_eq!(format!("{x:?}"), "Tensor(f32 [2, 2])");
    assert_eq!(format!("{:?}", x.exp()), "Tensor(f32 [2, 2], pending)");
    assert_eq!(Tensor::from([true, false]).to_string(), "bool [2] [ true, false]");
    assert_eq!(Tensor::from(7i64).to_string(), "i64 [] 7");
    assert_eq!(Tensor::arange(20, I32).to_string(), "i32 [20] [ 0,  1,  2, …, 17, 18, 19]");
    assert_eq!(zeros(&[0, 2]).to_string(), "f32 [0, 2] \n[]");
    assert_eq!(Tensor::from([f64::NAN, f64::INFINITY, 1.0]).to_string(), "f64 [3] [   NaN,    inf, 1.0000]");
    assert_eq!(Tensor::from([1e-9f64, 1.0]).to_string(), "f64 [2] [1.0000e-9,  1.0000e0]");
    let long = Tensor::arange(400, I64).reshape([20, 20]).to_string();
    assert_eq!(long.lines().count(), 8, "{long}");
    assert_eq!(format!("{:?} {}", Shape::from([2, 3]), Shape::scalar()), "[2, 3] []");
    assert_eq!(format!("{:?}", Param::new(x.clone())), "Param(f32 [2, 2])");
    assert_eq!(format!("{:?}", State::new(x)), "State(f32 [2, 2])");
    assert_eq!(format!("{BF16:>5}|{Bool}"), " bf16|bool");
}

#[test]
fn graphs_are_printed() {
    let x = Tensor::from([1.0f32, 2.0]);
    let shared = x.exp();
    let y = (&shared * &shared + 1.5).sum(0);
    let expected = "\
sum over [0] f32 []
└─ add f32 [2]
   ├─ mul f32 [2]
   │  ├─ exp f32 [2] #1
   │  │  └─ data f32 [2]
   │  └─ (see #1)
   └─ broadcast f32 [2]
      └─ 1.5 f32 []
";
    assert_eq!(tree(&y), expected);
    let text = dot(&[&y]);
    assert!(text.starts_with("digraph bolete {") && text.trim_end().ends_with('}'), "{text}");
    assert_eq!(text.matches("label=").count(), 7, "{text}");
    assert_eq!(text.matches(" -> ").count(), 7, "{text}");
    assert_eq!(text.matches("shape=box").count(), 1, "{text}");
    eval([&y]);
    assert_eq!(tree(&y).lines().count(), 1);
    assert!(tree(&y).contains("evaluated"));
}

#[test]
fn a_plan_says_what_it_costs() {
    let (a, b) = (
        Tensor::from_vec(vec![1.0f32; 64 * 32], [64, 32]),
        Tensor::from_vec(vec![1.0f32; 32 * 16], [32, 16]),
    );
    let product = report(&[&a.matmul(&b)]);
    assert_eq!(product.operations, 2 * 64 * 32 * 16);
    assert_eq!(product.bytes_moved, 4 * (64 * 32 + 32 * 16 + 64 * 16));
    assert_eq!(product.peak_bytes, product.bytes_moved);
    assert_eq!((product.arena_bytes, product.kernels.len()), (0, 1));
    assert_eq!(product.kernels[0].name, "matmul");
    // What follows a product runs over its blocks.
    let y = (a.matmul(&b) + 1.0).relu();
    let fused = report(&[&y]);
    assert_eq!(fused.kernels.len(), 1);
    assert_eq!(fused.kernels[0].name, "matmul+add+relu");
    assert_eq!(fused.operations, 2 * 64 * 32 * 16 + 2 * 64 * 16);
    // One pass: read x, write y.
    let y = (&a * 2.0).exp().sin();
    let pass = report(&[&y]);
    assert_eq!((pass.kernels.len(), pass.bytes_moved), (1, 2 * 4 * 64 * 32));
    assert_eq!(pass.operations, 3 * 64 * 32);
    let softmax = report(&[&a.softmax(1)]);
    assert_eq!((softmax.kernels.len(), softmax.arena_bytes), (1, 0), "{softmax}");
    // Two values that both must be there at once, and a third that takes the place of the first.
    let chain = a.matmul(&b).matmul(&b.t()).matmul(&b).matmul(&b.t());
    let report = report(&[&chain]);
    assert_eq!(report.kernels.len(), 4);
    assert_eq!(report.arena_bytes, 4 * (64 * 16 + 64 * 32));
    let text = report.to_string();
    assert!(text.starts_with("4 kernels, ") && text.lines().count() == 5, "{text}");
    assert!(!chain.is_evaluated());
    // A convolution: 2 · outputs · kernel size.
    let image = Tensor::from_vec(vec![1.0f32; 3 * 8 * 8], [1, 3, 8, 8]);
    let kernel = Tensor::from_vec(vec![1.0f32; 4 * 3 * 9], [4, 3, 3, 3]);
    let convolution =
        bolete_tensor::plan::report::report(&[&image.conv2d(&kernel, &Convolution2d::padded(1))]);
    assert_eq!(convolution.operations, 2 * 4 * 8 * 8 * 27);
}

/// Not a test of its own: what [`a_trace_is_json`] runs in another process.
#[test]
#[ignore = "run by a_trace_is_json"]
fn traced() {
    let x = Key::new(0).normal([32, 32], F32);
    let (value, slope) = value_and_grad(|x: &Tensor| x.matmul(x).softmax(1).log().sum(..))(&x);
    eval([&value, &slope]);
    let mut step = Step::new(|x: Tensor| x.exp().sum(0));
    step.call(step_argument(step_argument(x)));
}

fn step_argument(x: Tensor) -> Tensor {
    x * 1.5
}

#[test]
fn a_trace_is_json() {
    let folder = std::env::temp_dir().join(format!("bolete-trace-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("trace.json");
    let run = |path: &std::path::Path| {
        let mut command = Command::new(std::env::current_exe().expect("this test"));
        command.args(["--exact", "traced", "--ignored"]).env("BOLETE_TRACE", path).output().expect("it runs")
    };
    assert!(run(&file).status.success());
    let text = std::fs::read_to_string(&file).expect("a trace");
    let events = json_array(&text);
    assert!(events.len() >= 4, "{text}");
    let mut last = 0.0;
    for event in &events {
        let field = |name: &str| {
            let found = event.iter().find(|(key, _)| key == name);
            found.unwrap_or_else(|| panic!("{name} is missing in {event:?}")).1.clone()
        };
        assert_eq!((field("ph"), field("cat")), ("X".to_string(), "kernel".to_string()));
        let (start, duration): (f64, f64) = (field("ts").parse().unwrap(), field("dur").parse().unwrap());
        assert!(start >= last && duration >= 0.0);
        last = start;
    }
    assert!(
        events.iter().any(|event| event.iter().any(|(key, value)| key == "name" && value.contains("matmul")))
    );
    // A place that cannot be written does not stop the computation.
    assert!(run(&folder.join("missing").join("trace.json")).status.success());
    std::fs::remove_dir_all(&folder).expect("removed");
}

/// The objects of an array of flat objects (nested ones flattened), read strictly.
fn json_array(text: &str) -> Vec<Vec<(String, String)>> {
    let mut reader = Reader { rest: text.trim() };
    let mut events = Vec::new();
    reader.expect('[');
    if !reader.next_is(']') {
        loop {
            let mut fields = Vec::new();
            reader.object(&mut fields);
            events.push(fields);
            if !reader.next_is(',') {
                break;
            }
        }
        reader.expect(']');
    }
    assert!(reader.rest.is_empty(), "{:?} follows the array", reader.rest);
    events
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn next_is(&mut self, wanted: char) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }
    #[track_caller]
    fn expect(&mut self, wanted: char) {
        assert!(
            self.next_is(wanted),
            "expected {wanted} at {:?}",
            self.rest.chars().take(40).collect::<String>()
        );
    }
    fn string(&mut self) -> String {
        self.expect('"');
        let end = self.rest.find('"').expect("an end of the string");
        let text = &self.rest[..end];
        assert!(!text.contains(['\\', '\n']), "escapes are not expected in {text:?}");
        self.rest = &self.rest[end + 1..];
        text.to_string()
    }
    fn object(&mut self, fields: &mut Vec<(String, String)>) {
        self.expect('{');
        loop {
            let name = self.string();
            self.expect(':');
            self.rest = self.rest.trim_start();
            if self.rest.starts_with('{') {
                self.object(fields);
            } else if self.rest.starts_with('"') {
                let value = self.string();
                fields.push((name, value));
            } else {
                let end = self.rest.find([',', '}', ']']).expect("an end of the number");
                let number = self.rest[..end].trim();
                number.parse::<f64>().unwrap_or_else(|_| panic!("{number:?} is no number"));
                fields.push((name, number.to_string()));
                self.rest = &self.rest[end..];
            }
            if !self.next_is(',') {
                break;
            }
        }
        self.expect('}');
    }
}
