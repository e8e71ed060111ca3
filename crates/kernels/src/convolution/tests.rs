//! The fast convolutions against their definition, over shapes, types, instruction sets and pools.

use super::*;
use half::bf16;
use std::fmt::Debug;

fn values<T>(count: usize, of: impl Fn(f64) -> T) -> Vec<T> {
    let mut state = count as u64 + 3;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((state >> 33) % 129) as f64 / 64.0 - 1.0
    };
    (0..count).map(|_| of(next())).collect()
}

fn shape(
    images: usize,
    [channels, outputs, groups]: [usize; 3],
    size: [usize; 2],
    kernel: [usize; 2],
    [stride, dilation]: [[usize; 2]; 2],
    padding: [[usize; 2]; 2],
) -> ConvolutionShape {
    ConvolutionShape { images, channels, outputs, groups, size, kernel, stride, padding, dilation }
}

fn shapes() -> Vec<ConvolutionShape> {
    let one = [[1, 1], [1, 1]];
    vec![
        shape(3, [1, 5, 1], [9, 11], [5, 5], one, [[2, 2], [2, 2]]),
        shape(5, [7, 9, 1], [14, 14], [5, 5], one, [[2, 2], [2, 2]]),
        shape(2, [8, 6, 2], [7, 5], [3, 3], one, [[1, 0], [0, 2]]),
        shape(2, [6, 6, 6], [10, 9], [3, 2], [[2, 1], [1, 2]], [[1, 1], [3, 0]]),
        shape(1, [16, 24, 1], [13, 17], [1, 1], one, [[0, 0]; 2]),
        shape(1, [3, 2, 1], [1, 1], [1, 1], [[3, 2], [2, 3]], [[0, 0]; 2]),
        shape(4, [4, 8, 1], [11, 8], [4, 3], [[3, 2], [2, 1]], [[5, 4], [1, 2]]),
        shape(20, [6, 13, 1], [6, 6], [3, 3], one, [[0, 0]; 2]),
        shape(2, [6, 3, 1], [4, 4], [2, 2], one, [[3, 3], [2, 2]]),
        shape(1, [32, 16, 1], [40, 40], [3, 3], one, [[1, 1]; 2]),
        shape(5, [17, 35, 1], [7, 9], [3, 3], one, [[1, 1]; 2]),
        shape(1, [64, 33, 1], [14, 13], [3, 3], one, [[0, 1], [2, 0]]),
        shape(3, [70, 16, 1], [4, 4], [3, 3], one, [[1, 1]; 2]),
        shape(3, [40, 40, 2], [6, 8], [3, 3], one, [[2, 0], [0, 2]]),
        shape(1, [8, 9, 1], [5, 500], [3, 3], one, [[0, 0], [1, 2]]),
        shape(9, [130, 48, 1], [3, 8], [3, 3], one, [[1, 1], [0, 0]]),
        shape(2, [16, 16, 1], [1, 2], [3, 3], one, [[4, 1], [3, 3]]),
        shape(5, [17, 35, 1], [7, 9], [5, 5], one, [[2, 2]; 2]),
        shape(2, [9, 48, 1], [6, 11], [5, 5], one, [[0, 4], [3, 1]]),
        shape(12, [17, 35, 1], [15, 8], [3, 3], [[2, 2], [1, 1]], [[1, 1]; 2]),
        shape(3, [64, 33, 1], [16, 13], [3, 3], [[2, 2], [1, 1]], [[0, 1], [2, 0]]),
        shape(9, [64, 80, 2], [8, 7], [3, 3], [[2, 2], [1, 1]], [[1, 1]; 2]),
        shape(9, [40, 50, 1], [8, 8], [3, 3], [[2, 2], [1, 1]], [[1, 1]; 2]),
        shape(3, [64, 8, 1], [96, 96], [3, 3], one, [[1, 1]; 2]),
        shape(3, [5, 10, 5], [9, 7], [3, 3], one, [[1, 1]; 2]),
        shape(2, [40, 40, 40], [7, 7], [3, 3], one, [[1, 1]; 2]),
        shape(2, [20, 1, 1], [12, 33], [3, 3], one, [[0, 1], [2, 0]]),
        shape(4, [6, 9, 3], [9, 14], [5, 4], [[2, 3], [2, 1]], [[3, 1], [1, 5]]),
        shape(2, [3, 3, 3], [8, 9], [3, 3], [[2, 2], [1, 1]], [[1, 1]; 2]),
        // Strides beyond the image.
        shape(2, [3, 8, 1], [5, 7], [2, 3], [[usize::MAX, 1000], [1, 2]], [[1, 0], [0, 1]]),
        shape(2, [3, 3, 3], [5, 7], [2, 3], [[1, usize::MAX], [1, 1]], [[1, 0], [0, 1]]),
        shape(2, [3, 8, 1], [5, 7], [1, 1], [[usize::MAX, 3], [1, 1]], [[0, 0]; 2]),
        shape(0, [2, 2, 1], [4, 4], [3, 3], one, [[0, 0]; 2]),
        shape(2, [0, 2, 1], [4, 4], [3, 3], one, [[0, 0]; 2]),
        shape(1, [7, 3, 1], [3, 0], [1, 2], one, [[0, 0], [2, 2]]),
    ]
}

fn check<T: GemmElement + PartialEq + Debug + Default>(of: fn(f64) -> T, to: fn(T) -> f64, tolerance: f64) {
    let pools: Vec<Pool> = [1, 2, 3, 5].into_iter().map(Pool::new).collect();
    for (shapes_seen, shape) in shapes().into_iter().enumerate() {
        let [height, width] = shape.output_size().unwrap();
        // The transforms of Winograd's algorithms amplify rounding errors, in proportion to the largest sums.
        let fast = size_of::<T>() == 4 && shape.kernel[0] >= 3;
        let x = values(shape.images * shape.image_len(), of);
        let w = values(shape.outputs * shape.patch_len(), of);
        let dy = values(shape.images * shape.outputs * height * width, of);
        let mut expected = [vec![of(7.0); dy.len()], vec![of(7.0); x.len()], vec![of(7.0); w.len()]];
        oracle::forward(&shape, &x, &w, &mut expected[0]);
        oracle::input_gradient(&shape, &dy, &w, &mut expected[1]);
        oracle::weight_gradient(&shape, &x, &dy, &mut expected[2]);
        for &isa in Isa::available() {
            let mut first = None;
            for (index, pool) in (shapes_seen..).zip(&pools) {
                let image = shape.outputs * height * width;
                // Any outputs, whole lines, whole planes, or none but whole images.
                let row = [1, width, height * width, image][index % 4].max(1);
                let seen: Vec<AtomicUsize> = dy.iter().map(|_| AtomicUsize::new(0)).collect();
                let run = |range: Range<usize>| {
                    assert!(range.start.is_multiple_of(row) && range.end.is_multiple_of(row));
                    seen[range].iter().for_each(|seen| _ = seen.fetch_add(1, Ordering::Relaxed));
                };
                let epilogue = Epilogue { row, run: &run };
                let counted = index % 5 != 4;
                let mut actual = expected.clone().map(|values| vec![of(3.0); values.len()]);
                forward(pool, isa, &shape, &x, &w, &mut actual[0], counted.then_some(&epilogue));
                input_gradient(pool, isa, &shape, &dy, &w, &mut actual[1]);
                weight_gradient(pool, isa, &shape, &x, &dy, &mut actual[2]);
                assert!(seen.iter().all(|count| count.load(Ordering::Relaxed) == counted as usize));
                for (which, (expected, actual)) in expected.iter().zip(&actual).enumerate() {
                    let largest = expected.iter().map(|&x| to(x).abs()).fold(0.0, f64::max);
                    let scale = if fast { 20.0 + 10.0 * largest } else { 20.0 };
                    for (&x, &y) in expected.iter().zip(actual) {
                        let bound = tolerance * (to(x).abs() + scale);
                        assert!((to(x) - to(y)).abs() <= bound, "{isa:?} {which} {shape:?}: {x:?} {y:?}");
                    }
                }
                assert!(first.get_or_insert(actual.clone()) == &actual, "{isa:?} {shape:?}: other bits");
            }
        }
    }
}

#[test]
fn f32_is_close_to_the_definition() {
    check::<f32>(|x| x as f32, |x| x as f64, 2e-6);
}

#[test]
fn f64_is_close_to_the_definition() {
    check::<f64>(|x| x, |x| x, 1e-14);
}

#[test]
fn bf16_is_close_to_the_definition() {
    check::<bf16>(bf16::from_f64, |x| x.to_f64(), 1.0 / 128.0);
}

#[test]
fn sizes_are_checked() {
    let one = [[1, 1], [1, 1]];
    let good = shape(1, [4, 6, 2], [5, 6], [3, 4], [[2, 1], [1, 1]], [[1, 0], [0, 0]]);
    assert_eq!(good.output_size(), Ok([2, 3]));
    let error = |shape: ConvolutionShape| shape.output_size().unwrap_err();
    let groups = ConvolutionError::Groups { groups: 3, channels: 4, outputs: 6 };
    assert_eq!(error(ConvolutionShape { groups: 3, ..good }), groups);
    assert_eq!(error(ConvolutionShape { kernel: [0, 1], ..good }), ConvolutionError::Zero);
    let kernel = ConvolutionError::Kernel { axis: 1, extent: 7, padded: 6 };
    assert_eq!(error(ConvolutionShape { kernel: [3, 7], ..good }), kernel);
    let huge = shape(usize::MAX / 4, [4, 4, 1], [2, 2], [1, 1], one, [[0, 0]; 2]);
    assert_eq!(error(huge), ConvolutionError::Overflow);
    let padded = ConvolutionShape { padding: [[usize::MAX, 1], [0, 0]], ..good };
    assert_eq!(error(padded), ConvolutionError::Overflow);
}
