//! Elementwise functions, reductions, fused loops, random numbers and indexing: nanoseconds per element and bytes per
//! second, each as a replayed step. `cargo bench -p bolete-tensor --bench loops [-- NAME…]`

use std::hint::black_box;
use std::time::Instant;

use bolete_tensor::{DType, Key, Step, Tensor, eval, threads};

/// Median seconds of a call, over at least 20 calls and half a second.
fn median(mut call: impl FnMut()) -> f64 {
    for _ in 0..3 {
        call();
    }
    let begin = Instant::now();
    let mut times = Vec::new();
    while times.len() < 20 || begin.elapsed().as_secs_f64() < 0.5 {
        let start = Instant::now();
        call();
        times.push(start.elapsed().as_secs_f64());
        if begin.elapsed().as_secs_f64() > 5.0 {
            break;
        }
    }
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Measures `function` on `x` and prints a line.
fn measure(name: &str, x: &Tensor, function: impl Fn(&Tensor) -> Tensor) {
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if !wanted.is_empty() && !wanted.iter().any(|wanted| name.contains(wanted.as_str())) {
        return;
    }
    let mut step = Step::new(|x: Tensor| function(&x));
    let seconds = median(|| {
        black_box(step.call(x.clone()));
    });
    let report = step.report().expect("the step has run");
    println!(
        "{name:28} {:>10.1} us {:>8.3} ns/element {:>7.1} GB/s  {} kernels",
        seconds * 1e6,
        seconds * 1e9 / x.elements() as f64,
        report.bytes_moved as f64 / seconds / 1e9,
        report.kernels.len()
    );
}

type Function = fn(&Tensor) -> Tensor;

fn main() {
    println!("{} threads", threads());
    let [a, b] = Key::new(1).split();
    let small = a.normal([4096], DType::F32).abs() * 0.3 + 0.1;
    let rows = a.normal([4096, 1024], DType::F32);
    let large = b.normal([1 << 24], DType::F32);
    let images = b.normal([128, 32, 28, 28], DType::F32);
    let indices = Key::new(2).permutation(4096);
    eval([&small, &rows, &large, &images, &indices]);

    let functions: [(&str, Function); 16] = [
        ("neg", Tensor::neg),
        ("square", Tensor::square),
        ("reciprocal", Tensor::reciprocal),
        ("sqrt", Tensor::sqrt),
        ("rsqrt", Tensor::rsqrt),
        ("exp", Tensor::exp),
        ("expm1", Tensor::expm1),
        ("log", Tensor::log),
        ("log1p", Tensor::log1p),
        ("tanh", Tensor::tanh),
        ("sigmoid", Tensor::sigmoid),
        ("softplus", Tensor::softplus),
        ("erf", Tensor::erf),
        ("erf_inv", Tensor::erf_inv),
        ("sin", Tensor::sin),
        ("cos", Tensor::cos),
    ];
    for (name, function) in functions {
        measure(&format!("{name} 4096"), &small, function);
    }
    measure("add 16m", &large, |x| x + 1.0);
    measure("gelu_tanh 16m", &large, |x| (x * 1.1 + 0.1).gelu_tanh() * 0.9);
    measure("sum 16m", &large, |x| x.sum(..));
    measure("sum rows 4096x1024", &rows, |x| x.sum(1));
    measure("sum columns 4096x1024", &rows, |x| x.sum(0));
    measure("max columns 4096x1024", &rows, |x| x.max(0));
    measure("argmax 4096x1024", &rows, |x| x.argmax(1));
    measure("softmax 4096x1024", &rows, |x| x.softmax(-1));
    let ones = Tensor::ones([1024], DType::F32);
    measure("layer_norm 4096x1024", &rows, |x| x.layer_norm(&ones, &ones, 1e-5));
    let channels = Tensor::ones([32], DType::F32);
    measure("batch_norm 128x32x28x28", &images, |x| x.batch_norm(&channels, &channels, 1e-5).output);
    measure("transpose 4096x1024", &rows, |x| x.t() + 0.0f64);
    measure("uniform 4m", &rows, |x| Key::new(7).uniform(x.shape(), DType::F32));
    measure("normal 4m", &rows, |x| Key::new(7).normal(x.shape(), DType::F32));
    measure("dropout 4m", &rows, |x| x.dropout(0.5, &Key::new(7)));
    measure("take 4096 rows", &rows, |x| x.take(&indices, 0));
    measure("scatter_add 4096 rows", &rows, |x| x.index_add(0, &indices, x));
    measure("concatenate", &rows, |x| Tensor::concatenate(&[x.clone(), x.clone()], 1));
    measure("cast f32 to bf16", &rows, |x| x.cast(DType::BF16));
}
