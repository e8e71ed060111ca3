//! Pooling against its definition, over shapes, instruction sets and pools. Values are small integers, so that sums are
//! exact and compare by bits.

use super::*;
use std::fmt::Debug;

fn shapes() -> Vec<PoolingShape> {
    let shape = |planes, size, window, stride, padding, dilation| PoolingShape {
        planes,
        size,
        window,
        stride,
        padding,
        dilation,
    };
    let none = [[0; 2]; 2];
    vec![
        shape(300, [28, 28], [2, 2], [2, 2], none, [1, 1]),
        shape(7, [9, 11], [2, 2], [2, 2], none, [1, 1]),
        shape(3, [2, 3], [2, 2], [2, 2], none, [1, 1]),
        shape(5, [13, 17], [3, 3], [1, 1], [[1, 1]; 2], [1, 1]),
        shape(5, [13, 17], [3, 3], [2, 2], [[1, 1]; 2], [1, 1]),
        shape(4, [10, 7], [2, 3], [3, 1], [[1, 0], [0, 2]], [2, 3]),
        shape(2, [3, 3], [2, 2], [1, 2], [[2, 1], [1, 2]], [1, 1]),
        shape(2, [3, 2], [2, 2], [1, 1], [[4, 1], [1, 5]], [5, 3]),
        shape(1, [1, 1], [1, 1], [1, 1], none, [1, 1]),
        shape(0, [4, 4], [2, 2], [2, 2], none, [1, 1]),
        shape(2, [0, 3], [2, 2], [1, 1], [[1, 1]; 2], [1, 1]),
        shape(1, [40, 300], [5, 5], [4, 4], [[2, 2]; 2], [1, 1]),
    ]
}

fn check<T: PoolingElement + Debug>(of: fn(f32) -> T, bits: fn(&T) -> u64) {
    let pools: Vec<Pool> = [1, 2, 3, 5].into_iter().map(Pool::new).collect();
    for shape in shapes() {
        let [height, width] = shape.output_size().unwrap();
        let windows = shape.planes * height * width;
        let len = shape.planes * shape.size[0] * shape.size[1];
        let mut state = 5u64;
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) as usize
        };
        // Few values, so that many are equal; infinities, and now and then a NaN.
        let levels = [-3.0, -1.0, 0.0, 1.0, 4.0, f32::NEG_INFINITY, f32::NEG_INFINITY, f32::INFINITY];
        let x: Vec<T> = (0..len)
            .map(|_| of(if next() % 23 == 0 { f32::NAN } else { levels[next() % levels.len()] }))
            .collect();
        let t: Vec<T> = (0..len).map(|_| of((next() % 100) as f32)).collect();
        let ct: Vec<T> = (0..windows).map(|_| of((next() % 100) as f32)).collect();
        let empty = of(-5.0);
        let fresh = || [windows, len, windows, len].map(|len| vec![of(9.0); len]);
        let mut expected = fresh();
        oracle::max_select(&shape, &x, &t, empty, &mut expected[0]);
        oracle::max_scatter(&shape, &x, &ct, &mut expected[1]);
        oracle::sum(&shape, &t, &mut expected[2]);
        oracle::sum_transposed(&shape, &ct, &mut expected[3]);
        for &isa in Isa::available() {
            for pool in &pools {
                let mut actual = fresh();
                max_select(pool, isa, &shape, &x, &t, empty, &mut actual[0]);
                max_scatter(pool, isa, &shape, &x, &ct, &mut actual[1]);
                sum(pool, isa, &shape, &t, &mut actual[2]);
                sum_transposed(pool, isa, &shape, &ct, &mut actual[3]);
                for (which, (expected, actual)) in expected.iter().zip(&actual).enumerate() {
                    let same = expected.iter().map(bits).eq(actual.iter().map(bits));
                    assert!(same, "{isa:?} {which} {shape:?}: {expected:?} {actual:?}");
                }
            }
        }
    }
}

#[test]
fn f32_equals_the_definition() {
    check::<f32>(|x| x, |x| x.to_bits() as u64);
}

#[test]
fn f64_equals_the_definition() {
    check::<f64>(|x| x as f64, |x| x.to_bits());
}
