//! Speed of the kernels as a fraction of the machine's peak, which the program measures itself, and next to the `gemm`
//! crate.
//!
//! `cargo run --release -p bench --bin kernels -- [pool|gemm|thin|convolution|pooling]`; without a word, everything.

use bench::peak::Peak;
use bolete_kernels::convolution::{self, ConvolutionShape};
use bolete_kernels::gemm::element::GemmElement;
use bolete_kernels::gemm::{Accumulate, Gemm, MatrixView, MatrixViewMut, gemm};
use bolete_kernels::isa::Isa;
use bolete_kernels::pooling::{self, PoolingShape};
use bolete_kernels::threads::Pool;
use half::bf16;
use std::any::TypeId;
use std::hint::black_box;
use std::time::Instant;

/// Shortest of many timings of `body`, in seconds per call.
fn time(mut body: impl FnMut()) -> f64 {
    body();
    let mut best = f64::INFINITY;
    let mut calls = 1u32;
    let start = Instant::now();
    while start.elapsed().as_secs_f64() < 0.3 {
        let lap = Instant::now();
        (0..calls).for_each(|_| body());
        let spent = lap.elapsed().as_secs_f64();
        best = best.min(spent / calls as f64);
        if spent < 1e-4 {
            calls *= 2;
        }
    }
    best
}

/// What all measurements run on.
struct Machine {
    pool: Pool,
    isa: Isa,
    peak: f64,
}

impl Machine {
    fn line(&self, kernel: &str, size: &str, seconds: f64, flops: f64, peak: f64) {
        let rate = flops / seconds / 1e9;
        let (milliseconds, fraction) = (seconds * 1e3, rate / peak * 100.0);
        print!("{kernel:16} {size:40} {milliseconds:10.4} ms {rate:7.1} GFLOP/s {fraction:4.0} %");
    }

    /// A product of `[batch, m, n, k]`; `turned` operands are stored transposed.
    fn product<T: GemmElement + Default>(&self, name: &str, sizes: [usize; 4], turned: [bool; 2]) {
        let [batch, m, n, k] = sizes;
        let (a, b) = (vec![T::default(); batch * m * k], vec![T::default(); batch * k * n]);
        let mut c = vec![T::default(); batch * m * n];
        let view = |data: &[T], rows: usize, columns: usize, turned: bool| MatrixView {
            ptr: data.as_ptr(),
            row_stride: if turned { 1 } else { columns as isize },
            column_stride: if turned { rows as isize } else { 1 },
            batch_stride: (rows * columns) as isize,
        };
        let (a, b) = (view(&a, m, k, turned[0]), view(&b, k, n, turned[1]));
        let ptr = c.as_mut_ptr();
        let c = MatrixViewMut { ptr, row_stride: n as isize, batch_stride: (m * n) as isize };
        let product = Gemm { batch, m, n, k, a, b, c, accumulate: Accumulate::Replace };
        // SAFETY: the buffers hold what the sizes and strides name.
        let seconds = time(|| unsafe { gemm(&self.pool, self.isa, &product, None) });
        let names = turned.map(|turned| if turned { 't' } else { 'n' });
        let size = format!("{}{} {batch} x {m}x{n}x{k}", names[0], names[1]);
        let peak = if size_of::<T>() == 8 { self.peak / 2.0 } else { self.peak };
        let bytes = (batch * (m * k + k * n + m * n) * size_of::<T>()) as f64;
        self.line(name, &size, seconds, (2 * batch * m * n * k) as f64, peak);
        print!(" {:6.1} GB/s", bytes / seconds / 1e9);
        if TypeId::of::<T>() == TypeId::of::<f32>() && batch == 1 {
            let parallelism = match self.pool.size() {
                1 => ::gemm::Parallelism::None,
                threads => ::gemm::Parallelism::Rayon(threads),
            };
            #[rustfmt::skip]
            // SAFETY: as above.
            let other = time(|| unsafe {
                ::gemm::gemm(
                    m, n, k,
                    c.ptr.cast::<f32>(), 1, c.row_stride, false,
                    a.ptr.cast(), a.column_stride, a.row_stride,
                    b.ptr.cast(), b.column_stride, b.row_stride,
                    0.0, 1.0, false, false, false, parallelism,
                );
            });
            print!("   gemm crate {:10.4} ms ({:.2} x)", other * 1e3, other / seconds);
        }
        println!();
    }

    fn convolution(&self, [images, channels, outputs, side]: [usize; 4], [k, pad, stride]: [usize; 3]) {
        let shape = ConvolutionShape {
            images,
            channels,
            outputs,
            groups: 1,
            size: [side; 2],
            kernel: [k; 2],
            stride: [stride; 2],
            padding: [[pad; 2]; 2],
            dilation: [1; 2],
        };
        let [height, width] = shape.output_size().expect("sizes that fit together");
        let x = vec![0.5f32; images * channels * side * side];
        let w = vec![0.5f32; outputs * channels * k * k];
        let y = vec![0.5f32; images * outputs * height * width];
        let flops = 2.0 * (y.len() * channels * k * k) as f64;
        let (mut out, mut dx, mut dw) = (y.clone(), x.clone(), w.clone());
        let size = format!("x[{images},{channels},{side},{side}] w[{outputs},{channels},{k},{k}]/{stride}");
        let line = |name: &str, seconds: f64| {
            self.line(name, &size, seconds, flops, self.peak);
            println!();
        };
        let Machine { pool, isa, .. } = self;
        line("convolution", time(|| convolution::forward(pool, *isa, &shape, &x, &w, &mut out, None)));
        line("input gradient", time(|| convolution::input_gradient(pool, *isa, &shape, &y, &w, &mut dx)));
        line("weight gradient", time(|| convolution::weight_gradient(pool, *isa, &shape, &x, &y, &mut dw)));
    }

    fn pooling(&self, planes: usize, side: usize, window: usize, stride: usize, pad: usize) {
        let shape = PoolingShape {
            planes,
            size: [side; 2],
            window: [window; 2],
            stride: [stride; 2],
            padding: [[pad; 2]; 2],
            dilation: [1; 2],
        };
        let [height, width] = shape.output_size().expect("sizes that fit together");
        let x: Vec<f32> = (0..planes * side * side).map(|index| (index * 7919 % 1000) as f32).collect();
        let ct = vec![1.0f32; planes * height * width];
        let (mut out, mut dx) = (ct.clone(), x.clone());
        let line = |name: &str, seconds: f64| {
            let rate = (x.len() + ct.len()) as f64 * 4.0 / seconds / 1e9;
            let size = format!("[{planes},{side},{side}] {window}x{window}/{stride}");
            println!("{name:16} {size:40} {:10.4} ms {rate:7.1} GB/s", seconds * 1e3);
        };
        let Machine { pool, isa, .. } = self;
        line("max select", time(|| pooling::max_select(pool, *isa, &shape, &x, &x, 0.0, &mut out)));
        line("max scatter", time(|| pooling::max_scatter(pool, *isa, &shape, &x, &ct, &mut dx)));
        line("sum", time(|| pooling::sum(pool, *isa, &shape, &x, &mut out)));
        line("sum transposed", time(|| pooling::sum_transposed(pool, *isa, &shape, &ct, &mut dx)));
    }
}

fn main() {
    let word = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    let wanted = |group: &str| word.as_deref().is_none_or(|word| group == word);
    let isa = Isa::detected();
    for threads in [1, 2] {
        let pool = Pool::new(threads);
        let peak = Peak::F32.measure(&pool, isa);
        println!("\n{isa:?}, {threads} threads: peak {peak:.1} GFLOP/s of f32");
        let machine = Machine { pool, isa, peak };
        if wanted("pool") {
            // Tasks of about a microsecond, so that the second thread gets one before the first has done both.
            let task = || {
                black_box(bolete_kernels::peak::multiply_adds(isa, 500));
            };
            let alone = time(task);
            let both = time(|| machine.pool.run(machine.pool.size(), &|_| task()));
            println!("fork and join: {:.2} us besides a task of {:.2} us", (both - alone) * 1e6, alone * 1e6);
        }
        let straight = [false, false];
        if wanted("gemm") {
            for size in [32, 64, 128, 256, 512, 1024, 2048] {
                machine.product::<f32>("f32", [1, size, size, size], straight);
            }
            for size in [512, 1024] {
                machine.product::<f64>("f64", [1, size, size, size], straight);
                machine.product::<bf16>("bf16", [1, size, size, size], straight);
            }
            machine.product::<f32>("f32", [1, 32, 32, 2], straight);
            machine.product::<f32>("f32", [1, 32, 2, 32], straight);
            for turned in [straight, [false, true], [true, false], [true, true]] {
                for [m, n, k] in [[64, 512, 784], [64, 10, 512], [784, 512, 64], [1000, 1000, 1000]] {
                    machine.product::<f32>("f32", [1, m, n, k], turned);
                }
                machine.product::<f32>("f32", [64, 64, 64, 32], turned);
            }
        }
        if wanted("thin") {
            for turned in [straight, [false, true]] {
                for m in [1, 2, 4, 6, 8, 12] {
                    for [n, k] in [[256, 256], [512, 784], [1024, 1024], [4096, 1024]] {
                        machine.product::<f32>("f32", [1, m, n, k], turned);
                    }
                }
            }
            machine.product::<f32>("f32", [1, 1, 4096, 4096], straight);
            machine.product::<f32>("f32", [1, 4096, 1, 4096], straight);
            machine.product::<f32>("f32", [1, 4096, 1, 4096], [true, false]);
        }
        if wanted("convolution") {
            machine.convolution([128, 1, 32, 28], [5, 2, 1]);
            machine.convolution([128, 32, 64, 14], [5, 2, 1]);
            machine.convolution([16, 64, 64, 56], [3, 1, 1]);
            machine.convolution([16, 256, 256, 14], [3, 1, 1]);
            machine.convolution([16, 64, 128, 56], [3, 1, 2]);
            machine.convolution([16, 64, 256, 28], [1, 0, 1]);
        }
        if wanted("pooling") {
            machine.pooling(128 * 32, 28, 2, 2, 0);
            machine.pooling(128 * 64, 14, 2, 2, 0);
            machine.pooling(16 * 64, 56, 3, 2, 1);
            machine.pooling(16 * 64, 56, 3, 1, 1);
        }
    }
}
