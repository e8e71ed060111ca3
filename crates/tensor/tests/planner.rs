//! Planned computations against plain ones: fused ops against their definition, reductions of every geometry against
//! sums in `f64`.

use bolete_tensor::plan::report::report;
use bolete_tensor::{DType, Key, Tensor, eval, grad, value_and_grad};

/// Computes a value by itself, so that nothing is fused with what follows.
fn now(tensor: Tensor) -> Tensor {
    eval([&tensor]);
    tensor
}

fn numbers(tensor: &Tensor) -> Vec<f64> {
    tensor.cast(DType::F64).to_vec()
}

#[track_caller]
fn assert_close(got: &Tensor, expected: &Tensor, tolerance: f64) {
    assert_eq!(got.shape(), expected.shape());
    let (got, expected) = (numbers(got), numbers(expected));
    let scale = expected.iter().fold(1e-300f64, |largest, value| largest.max(value.abs()));
    for (index, (got, expected)) in got.iter().zip(&expected).enumerate() {
        assert!((got - expected).abs() <= tolerance * scale, "element {index} is {got}, expected {expected}");
    }
}

fn tolerance(dtype: DType) -> f64 {
    if dtype == DType::F64 { 1e-12 } else { 1e-5 }
}

fn random(seed: u64, shape: &[usize], dtype: DType) -> Tensor {
    now(Key::new(seed).normal(shape, dtype))
}

const SHAPES: &[&[usize]] =
    &[&[1, 1], &[3, 5], &[7, 1], &[1, 1025], &[33, 16], &[2, 9000], &[4, 3, 17], &[130, 70]];

#[test]
fn softmax_is_what_it_says() {
    for dtype in [DType::F32, DType::F64] {
        for (seed, shape) in SHAPES.iter().enumerate() {
            for axis in 0..shape.len() as isize {
                let x = now(random(seed as u64, shape, dtype) * 3.0);
                let largest = now(x.max_keepdim(axis));
                let powers = now(now(&x - &largest).exp());
                let sum = now(powers.sum_keepdim(axis));
                let softmax = now(&powers / &sum);
                let logarithm = now(now(&x - &largest) - now(sum.log()));
                assert_close(&x.softmax(axis), &softmax, tolerance(dtype));
                assert_close(&x.log_softmax(axis), &logarithm, tolerance(dtype));
                // The derivative of Σ w·softmax is softmax·(w − Σ w·softmax).
                let w = random(99, shape, dtype);
                let inner = now(now(&w * &softmax).sum_keepdim(axis));
                let expected = now(&softmax * now(&w - &inner));
                let slope = grad(|x: &Tensor| (x.softmax(axis) * &w).sum(..))(&x);
                assert_close(&slope, &expected, 10.0 * tolerance(dtype));
            }
        }
    }
}

#[test]
fn cross_entropy_is_what_it_says() {
    for dtype in [DType::F32, DType::F64] {
        for (rows, classes) in [(1, 1), (5, 10), (33, 3), (3, 9000), (600, 2)] {
            let logits = random(rows as u64, &[rows, classes], dtype);
            let labels = now(Tensor::arange(rows, DType::I64).modulo(classes));
            let log = now(logits.log_softmax(1));
            let picked = now(log.gather(1, &labels.unsqueeze(1)));
            let expected = now(picked.neg().squeeze(1));
            let (value, slope) = value_and_grad(|x: &Tensor| x.cross_entropy(&labels).mean(..))(&logits);
            assert_close(&logits.cross_entropy(&labels), &expected, tolerance(dtype));
            assert_close(&value, &now(expected.mean(..)), tolerance(dtype));
            let hot = now(labels.one_hot(classes, dtype));
            let difference = now(now(log.exp()) - &hot);
            assert_close(&slope, &now(difference / rows as f64), 10.0 * tolerance(dtype));
        }
    }
}

#[test]
fn norms_are_what_they_say() {
    for dtype in [DType::F32, DType::F64] {
        for (seed, shape) in SHAPES.iter().enumerate() {
            let last = shape[shape.len() - 1];
            let x = random(seed as u64, shape, dtype);
            let (w, b) = (random(7, &[last], dtype), random(8, &[last], dtype));
            let count = last as f64;
            let mean = now(now(x.sum_keepdim(-1)) / count);
            let centred = now(&x - &mean);
            let variance = now(now(now(&centred * &centred).sum_keepdim(-1)) / count);
            let normal = now(&centred / now(now(&variance + 1e-5).sqrt()));
            let expected = now(now(&normal * &w) + &b);
            assert_close(&x.layer_norm(&w, &b, 1e-5), &expected, tolerance(dtype));

            let channels = shape[1];
            let axes: Vec<isize> = (0..shape.len() as isize).filter(|axis| *axis != 1).collect();
            let (w, b) = (random(7, &[channels], dtype), random(8, &[channels], dtype));
            let count = (x.elements() / channels) as f64;
            let mean = now(now(x.sum_keepdim(axes.as_slice())) / count);
            let centred = now(&x - &mean);
            let variance = now(now(now(&centred * &centred).sum_keepdim(axes.as_slice())) / count);
            let mut along = vec![1; shape.len()];
            along[1] = channels;
            let normal = now(&centred / now(now(&variance + 1e-3).sqrt()));
            let expected = now(now(&normal * w.reshape(along.clone())) + b.reshape(along));
            let norm = x.batch_norm(&w, &b, 1e-3);
            assert_close(&norm.output, &expected, tolerance(dtype));
            assert_close(&norm.mean, &mean.flatten(), tolerance(dtype));
            assert_close(&norm.variance, &variance.flatten(), tolerance(dtype));
        }
    }
}

#[test]
fn dropout_keeps_and_scales() {
    let x = random(1, &[40, 250], DType::F64);
    let key = Key::new(5);
    let dropped = numbers(&x.dropout(0.25, &key));
    let mut gone = 0;
    for (dropped, x) in dropped.iter().zip(numbers(&x)) {
        gone += usize::from(*dropped == 0.0);
        assert!(*dropped == 0.0 || *dropped == x * (1.0 / 0.75));
    }
    // 10000 draws: five standard deviations are 217.
    assert!((2500isize - gone as isize).abs() < 217, "{gone} of 10000 are gone");
    let slope = numbers(&grad(|x: &Tensor| x.dropout(0.25, &key).sum(..))(&x));
    for (slope, dropped) in slope.iter().zip(&dropped) {
        assert_eq!(*slope, if *dropped == 0.0 { 0.0 } else { 1.0 / 0.75 });
    }
}

/// The reduction of `[outer, length, inner]` along the middle, one number after the other.
fn middle(values: &[f64], [outer, length, inner]: [usize; 3], combine: fn(f64, f64) -> f64) -> Vec<f64> {
    let mut result = Vec::new();
    for i in 0..outer {
        for k in 0..inner {
            let at = |j: usize| values[(i * length + j) * inner + k];
            result.push((1..length).fold(at(0), |all, j| combine(all, at(j))));
        }
    }
    result
}

#[test]
fn reductions_of_every_geometry() {
    let shapes = [
        [1, 1, 1],
        [1, 2, 1],
        [3, 7, 1],
        [2, 1023, 1],
        [2, 1025, 1],
        [3, 8192, 1],
        [3, 8193, 1],
        [1, 16384, 1],
        [2, 16385, 1],
        [1, 100_003, 1],
        [5000, 3, 1],
        [1, 3, 5],
        [1, 1, 4],
        [4, 33, 2],
        [1, 20_000, 3],
        [1, 70_000, 1],
        [1, 5, 1024],
        [1, 5, 1025],
        [2, 40, 1500],
        [1, 3, 10_000],
        [3, 100, 127],
        [1, 2000, 31],
        [64, 9, 64],
    ];
    for (seed, shape) in shapes.into_iter().enumerate() {
        for dtype in [DType::F32, DType::F64] {
            let x = random(seed as u64, &shape, dtype);
            let values = numbers(&x);
            // Of f32 numbers the sums are exact enough in f64; the error of ours must not grow with the length.
            let sum = Tensor::from(middle(&values, shape, |a, b| a + b)).reshape([shape[0], shape[2]]);
            let size = (shape[1] as f64).sqrt();
            let bound = if dtype == DType::F64 { 1e-14 } else { 1e-6 } * size;
            for (got, expected) in numbers(&x.sum(1)).iter().zip(numbers(&sum)) {
                assert!(
                    (got - expected).abs() <= bound * size,
                    "sum of {shape:?}: {got}, expected {expected}"
                );
            }
            let largest = middle(&values, shape, f64::max);
            assert_eq!(numbers(&x.max(1)), largest, "max of {shape:?}");
            assert_eq!(numbers(&x.min(1)), middle(&values, shape, f64::min), "min of {shape:?}");
            // With something fused before and after, and two reductions of the same values.
            let (total, squares) = ((&x * 2.0).sum(1) + 1.0, x.square().sum(1));
            eval([&total, &squares]);
            assert_close(&total, &now(now(now(&x * 2.0).sum(1)) + 1.0), 0.0);
            assert_close(&squares, &now(now(x.square()).sum(1)), 0.0);
            // And through the back door: the same numbers in another order in memory.
            let stored = now(x.permute(&[2, 1, 0]));
            assert_close(&stored.permute(&[2, 1, 0]).sum(1), &x.sum(1), 0.0);
            assert_eq!(numbers(&stored.permute(&[2, 1, 0]).max(1)), largest);
            assert_close(&x.flip(1).sum(1), &now(now(x.flip(1)).sum(1)), 0.0);
        }
    }
}

#[test]
fn whole_numbers_are_summed_exactly() {
    for shape in [[1, 100_000, 1], [3, 9001, 1], [2, 3000, 17], [1, 4, 3000]] {
        let count: usize = shape.iter().product();
        let values: Vec<i64> = (0..count as i64).map(|value| value * 7919 % 1013 - 500).collect();
        let expected: Vec<i64> = (0..shape[0] * shape[2])
            .map(|at| {
                (0..shape[1]).map(|j| values[(at / shape[2] * shape[1] + j) * shape[2] + at % shape[2]]).sum()
            })
            .collect();
        let x = Tensor::from_vec(values, shape);
        assert_eq!(x.sum(1).to_vec::<i64>(), expected);
        assert_eq!(x.cast(DType::I32).sum(1).cast(DType::I64).to_vec::<i64>(), expected);
        let positive = x.greater(0);
        let counted: i64 = positive.sum(..).item() as i64;
        assert_eq!(counted, x.to_vec::<i64>().iter().filter(|value| **value > 0).count() as i64);
        assert_eq!(positive.any(..).to_vec::<bool>(), [true]);
        assert_eq!(positive.all(..).to_vec::<bool>(), [false]);
    }
}

#[test]
fn a_huge_row_is_summed_accurately() {
    let count = 3_000_001;
    let x = now(Key::new(3).uniform([count], DType::F32));
    let exact: f64 = x.to_vec::<f32>().iter().map(|value| f64::from(*value)).sum();
    let sum = x.sum(..).item();
    assert!((sum - exact).abs() <= 1e-6 * exact, "{sum}, expected {exact}");
    let mean = x.mean(..).item();
    assert!((mean - exact / count as f64).abs() <= 1e-6);
    // The variance of uniform numbers: two passes, so that nothing cancels.
    let variance = (&x + 1000.0).var(.., 0).item();
    assert!((variance - 1.0 / 12.0).abs() < 1e-3, "{variance}");
}

#[test]
fn a_number_that_changes_does_not_reach_another_computation() {
    let x = Tensor::from([1.0f32, 2.0, 3.0]);
    for step in 0..50 {
        let rate = f64::from(step) * 0.5;
        let expected: Vec<f32> =
            [1.0f32, 2.0, 3.0].iter().map(|x| x * rate as f32 + 1.0 - rate as f32).collect();
        assert_eq!((&x * rate + 1.0 - rate).to_vec::<f32>(), expected);
        // A graph that differs only in which of two numbers is used twice.
        let (a, b) = (Tensor::scalar(rate, DType::F32), Tensor::scalar(2.0, DType::F32));
        assert_eq!((&a * &b + &a).item(), rate * 3.0);
        assert_eq!((&a * &b + &b).item(), rate * 2.0 + 2.0);
    }
}

#[test]
fn empty_and_single_values_look_different_to_the_planner() {
    // Two graphs that differ in nothing but their leaf.
    let nothing = Tensor::from_vec(Vec::<u8>::new(), [0]);
    assert_eq!(nothing.cast(DType::F32).sum(..).item(), 0.0);
    assert_eq!(Tensor::scalar(3.0, DType::U8).cast(DType::F32).sum(..).item(), 3.0);
    assert_eq!(nothing.broadcast_to([2, 0]).sum(1).to_vec::<i64>(), [0, 0]);
    assert_eq!(Tensor::scalar(3.0, DType::U8).broadcast_to([2, 0]).sum(1).to_vec::<i64>(), [0, 0]);
    assert_eq!(
        Tensor::zeros([0, 3], DType::F32).matmul(&Tensor::ones([3, 0], DType::F32)).shape(),
        &[0, 0][..]
    );
    assert_eq!(
        (Tensor::ones([2, 0], DType::F32).matmul(&Tensor::ones([0, 3], DType::F32)) + 1.0).to_vec::<f32>(),
        [1.0; 6]
    );
}

/// The gradients of `Σ w·softmax(g·x + b)` in `x`, `g` and `b`: row values, values per position, and reductions over the
/// columns of the same matrix, with what each is by itself.
#[test]
fn columns_share_the_loop_of_their_rows() {
    let shapes: [&[usize]; 9] = [
        &[1, 2],
        &[3, 5],
        &[200, 31],
        &[17, 128],
        &[700, 64],
        &[40, 2048],
        &[5, 2049],
        &[3, 8192],
        &[4, 3, 17],
    ];
    for dtype in [DType::F32, DType::F64] {
        for (seed, shape) in shapes.iter().enumerate() {
            let width = *shape.last().expect("two axes at least");
            let (x, w) = (random(seed as u64, shape, dtype), random(seed as u64 + 50, shape, dtype));
            let (g, b) = (random(70, &[width], dtype), random(71, &[width], dtype));
            let axes: Vec<isize> = (0..shape.len() as isize - 1).collect();
            let softmax = (&g * &x + &b).softmax(-1);
            let inner = (&w * &softmax).sum_keepdim(-1);
            let slope = &softmax * (&w - &inner);
            let (of_g, of_b) = ((&slope * &x).sum(&axes[..]), slope.sum(&axes[..]));
            // The slope is stored and read by both reductions, as where a pass overwrites what it has read.
            let kernels = report(&[&slope, &of_g, &of_b]).kernels.len();
            eval([&slope, &of_g, &of_b]);
            assert!(shape.len() > 2 || kernels == 1, "{kernels} kernels for {shape:?}");
            let plain = now(now(&g * &x) + &b).softmax(-1);
            let plain = now(&now(plain.clone()) * now(&w - now(now(&w * &plain).sum_keepdim(-1))));
            assert_close(&slope, &plain, tolerance(dtype));
            // Of the very same slope the sums are the same bits.
            assert_close(&of_b, &now(slope.sum(&axes[..])), 0.0);
            assert_close(&of_g, &now(now(&slope * &x).sum(&axes[..])), 0.0);
        }
    }
}

/// What the backward pass can compute from what it reads anyway is not stored by the forward pass.
#[test]
fn a_gelu_keeps_its_input_alone() {
    let (x, weight) = (random(0, &[512, 256], DType::F32), random(1, &[256, 1024], DType::F32));
    let loss = |(x, weight): &(Tensor, Tensor)| x.matmul(weight).gelu_tanh().square().sum(..);
    let (value, (of_x, of_weight)) = value_and_grad(loss)(&(x.clone(), weight.clone()));
    let report = report(&[&value, &of_x, &of_weight]);
    // The product, and what its cotangent is at the same time; tanh and the rest of the GELU would be as large each.
    let product = 512 * 1024 * 4;
    assert!(report.arena_bytes < 2 * product + product / 4, "{report}");
    // By plain ops, one after the other.
    let pre = now(x.matmul(&weight));
    let inner = now((&pre + now(pre.square()) * &pre * 0.044715) * (2.0 / std::f64::consts::PI).sqrt());
    let tanh = now(inner.tanh());
    let output = now(now(&tanh + 1.0) * &pre * 0.5);
    assert_close(&value, &now(output.square()).sum(..), 1e-5);
    let slope = now(1.0 - now(tanh.square()));
    let inner_slope = now((now(pre.square()) * (3.0 * 0.044715) + 1.0) * (2.0 / std::f64::consts::PI).sqrt());
    let of_gelu = now(now(&tanh + 1.0) * 0.5 + now(&slope * &inner_slope) * &pre * 0.5);
    let of_product = now(&output * 2.0 * &of_gelu);
    assert_close(&of_x, &of_product.matmul(&weight.t()), 1e-5);
    assert_close(&of_weight, &x.t().matmul(&of_product), 1e-5);
}

/// The gradient of a weight that a layer transposes is computed the way round that the update reads it, by the same
/// kernel as the update.
#[test]
fn products_read_as_transposes_are_computed_as_such() {
    for dtype in [DType::F32, DType::F64] {
        let (x, weight) = (random(0, &[24, 40], dtype), random(1, &[30, 40], dtype));
        let loss = |weight: &Tensor| x.matmul(&weight.t()).square().sum(..);
        let updated = &weight - grad(loss)(&weight) * 0.1;
        assert_eq!(report(&[&updated]).kernels.len(), 2, "{}", report(&[&updated]));
        let product = now(x.matmul(&weight.t()));
        let gradient = now((product * 2.0).t().matmul(&x));
        assert_close(&updated, &now(&weight - gradient * 0.1), tolerance(dtype));
        // Also in a batch, and where the product itself is read too.
        let (a, b) = (random(2, &[3, 5, 7], dtype), random(3, &[3, 7, 4], dtype));
        let both = now(a.matmul(&b));
        assert_close(&(a.matmul(&b).t() + 1.0), &now(both.t() + 1.0), tolerance(dtype));
        let square = a.matmul(&a.t());
        let whole = now(a.matmul(&now(a.t())));
        assert_close(&(&square + square.t() * 2.0), &now(&whole + now(whole.t()) * 2.0), tolerance(dtype));
    }
}
