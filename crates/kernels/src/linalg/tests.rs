//! The factorisations against their definitions: residuals and orthogonality on matrices of all kinds and sizes, with
//! products that are computed naively.

use super::cholesky::cholesky;
use super::eigenvectors::{Eigen, eig};
use super::exponential::exponential;
use super::lu::{lu, solve};
use super::qr::qr;
use super::real::{Machine, Real, identity, transposed};
use super::svd::svd;
use super::symmetric::eigh;
use super::triangular::{self, Shape};
use crate::isa::Isa;
use crate::threads::Pool;

/// What all residuals are held to, relative to the largest number of the matrix and in f64.
const LEVEL: f64 = 1e-13;

fn with_machine(body: impl Fn(Machine)) {
    for isa in Isa::available() {
        body(Machine { pool: &Pool::new(2), isa: *isa });
    }
}

/// Numbers between −1 and 1, always the same.
fn random<T: Real>(count: usize, seed: u64) -> Vec<T> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..count)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            T::of((state >> 11) as f64 / (1u64 << 52) as f64 - 1.0)
        })
        .collect()
}

fn product<T: Real>(a: &[T], b: &[T], size: [usize; 3]) -> Vec<T> {
    let [m, n, k] = size;
    let mut c = vec![T::ZERO; m * n];
    for i in 0..m {
        for l in 0..k {
            for j in 0..n {
                c[i * n + j] += a[i * k + l] * b[l * n + j];
            }
        }
    }
    c
}

/// The norm of the difference beside that of `a`; both are brought near 1 first.
fn residual<T: Real>(a: &[T], b: &[T]) -> f64 {
    assert_eq!(a.len(), b.len());
    let largest = a.iter().fold(0.0, |largest: f64, x| largest.max(x.double().abs()));
    if largest == 0.0 {
        return b.iter().fold(0.0, |largest: f64, x| largest.max(x.double().abs()));
    }
    let norm =
        |numbers: &mut dyn Iterator<Item = f64>| numbers.map(|x| (x / largest).powi(2)).sum::<f64>().sqrt();
    let distance = norm(&mut a.iter().zip(b).map(|(a, b)| a.double() - b.double()));
    let size = norm(&mut a.iter().map(|x| x.double()));
    assert!(distance.is_finite(), "a result is not finite");
    distance / size
}

/// How far the columns are from orthonormal, per column.
fn skew<T: Real>(q: &[T], rows: usize, columns: usize) -> f64 {
    if columns == 0 {
        return 0.0;
    }
    let gram = product(&transposed(q, rows, columns), q, [columns, columns, rows]);
    residual(&identity::<T>(columns, columns), &gram)
}

#[track_caller]
fn assert_small(what: &str, error: f64) {
    assert!(error <= LEVEL, "{what}: {error:e}");
}

/// Square, wide, tall, single, empty, of deficient rank, tiny, huge, zero, graded; larger than every block.
fn matrices() -> Vec<(String, Vec<f64>, usize, usize)> {
    let mut result = Vec::new();
    let shapes = [
        (0, 0),
        (0, 3),
        (4, 0),
        (1, 1),
        (1, 5),
        (6, 1),
        (2, 2),
        (3, 3),
        (5, 3),
        (3, 5),
        (8, 7),
        (33, 33),
        (64, 20),
        (20, 64),
        (100, 97),
        (50, 200),
        (200, 200),
    ];
    for (m, n) in shapes {
        result.push(("random".to_string(), random(m * n, 7 + (m * 31 + n) as u64), m, n));
    }
    for (m, n, rank) in [(3, 3, 1), (6, 4, 2), (4, 6, 2), (40, 40, 5), (90, 35, 34), (200, 150, 20)] {
        let (left, right) = (random(m * rank, 3), random::<f64>(rank * n, 4));
        result.push((format!("rank {rank}"), product(&left, &right, [m, n, rank]), m, n));
    }
    for scale in [1e-300, 1e-150, 1e150, 1e300, 5e-324] {
        for (m, n) in [(5, 5), (40, 40), (9, 4), (4, 9)] {
            let numbers = random::<f64>(m * n, 5).iter().map(|x| x * scale).collect();
            result.push((format!("times {scale:e}"), numbers, m, n));
        }
    }
    result.push(("zero".to_string(), vec![0.0; 20], 5, 4));
    result.push(("ones".to_string(), vec![1.0; 900], 30, 30));
    result.push(("identity".to_string(), identity(20, 20), 20, 20));
    let hilbert = (0..400).map(|at| 1.0 / (at / 20 + at % 20 + 1) as f64).collect();
    result.push(("hilbert".to_string(), hilbert, 20, 20));
    for up in [-1.0, 1.0] {
        let graded = random::<f64>(2500, 6).into_iter().enumerate();
        let graded = graded.map(|(at, x)| x * 10f64.powf(up * (at / 50 + at % 50) as f64)).collect();
        result.push(("graded".to_string(), graded, 50, 50));
    }
    let mut jordan = identity::<f64>(30, 30);
    (0..29).for_each(|i| jordan[i * 30 + i + 1] = 1.0);
    result.push(("jordan".to_string(), jordan.clone(), 30, 30));
    result.push(("jordan transposed".to_string(), transposed(&jordan, 30, 30), 30, 30));
    result.push(("zero".to_string(), vec![0.0; 36], 6, 6));
    // Row and column norms that differ by up to 10¹⁸, and the polynomial with roots 1, 2, … 15.
    let unbalanced = random::<f64>(100, 8).into_iter().enumerate();
    let unbalanced = unbalanced.map(|(at, x)| x * 100f64.powi((at / 10) as i32 - (at % 10) as i32)).collect();
    result.push(("unbalanced".to_string(), unbalanced, 10, 10));
    let polynomial = (1..=15).fold(vec![1.0], |polynomial, root| {
        let shifted = polynomial.iter().copied().chain([0.0]);
        shifted.zip([0.0].iter().chain(&polynomial)).map(|(high, low)| high - root as f64 * low).collect()
    });
    let mut companion = vec![0.0; 225];
    (0..15).for_each(|i| companion[i] = -polynomial[i + 1]);
    (1..15).for_each(|i| companion[i * 15 + i - 1] = 1.0);
    result.push(("companion".to_string(), companion, 15, 15));
    let mut cycle = vec![0.0; 400];
    (0..20).for_each(|i| cycle[i * 20 + (i + 1) % 20] = 1.0);
    result.push(("cycle".to_string(), cycle, 20, 20));
    result
}

#[test]
fn qr_gives_the_matrix_back() {
    with_machine(|on| {
        for (name, a, m, n) in matrices() {
            for columns in [m.min(n), m] {
                let what = format!("{name} {m} × {n} with {columns} columns");
                let (mut q, mut r) = (vec![0.0; m * columns], vec![0.0; columns * n]);
                qr(on, &a, [m, n], columns, &mut q, &mut r);
                // 5e-324 has no digits that a product could keep.
                if !name.contains("e-324") {
                    assert_small(&what, residual(&a, &product(&q, &r, [m, n, columns])));
                }
                assert_small(&what, skew(&q, m, columns));
                assert!((0..columns).all(|i| (0..i.min(n)).all(|j| r[i * n + j] == 0.0)), "{what}");
            }
        }
    });
}

#[test]
fn lu_gives_the_matrix_back() {
    with_machine(|on| {
        for (name, a, m, n) in matrices() {
            let mut factors = a.clone();
            let pivoting = lu(on, &mut factors, m, n);
            let k = m.min(n);
            let mut l = identity(m, k);
            let mut u = vec![0.0; k * n];
            for i in 0..m {
                (0..k.min(i)).for_each(|j| l[i * k + j] = factors[i * n + j]);
                if i < k {
                    (i..n).for_each(|j| u[i * n + j] = factors[i * n + j]);
                }
            }
            assert!(l.iter().all(|x| x.abs() <= 1.0), "{name} {m} × {n}");
            if name.contains("e-324") {
                continue;
            }
            let permuted: Vec<f64> =
                pivoting.rows.iter().flat_map(|row| a[row * n..(row + 1) * n].to_vec()).collect();
            assert_small(&format!("{name} {m} × {n}"), residual(&permuted, &product(&l, &u, [m, n, k])));
        }
    });
}

#[test]
fn svd_gives_the_matrix_back() {
    with_machine(|on| {
        for (name, a, m, n) in matrices() {
            let what = format!("{name} {m} × {n}");
            let k = m.min(n);
            let (mut s, mut u, mut vh) = (vec![0.0; k], vec![0.0; m * k], vec![0.0; k * n]);
            svd(on, &a, m, n, &mut s, &mut u, &mut vh);
            assert!(s.windows(2).all(|pair| pair[0] >= pair[1]) && s.iter().all(|s| *s >= 0.0), "{what}");
            if !name.contains("e-324") {
                let scaled: Vec<f64> = u.iter().enumerate().map(|(at, x)| x * s[at % k.max(1)]).collect();
                assert_small(&what, residual(&a, &product(&scaled, &vh, [m, n, k])));
            }
            assert_small(&what, skew(&u, m, k));
            assert_small(&what, skew(&transposed(&vh, k, n), n, k));
            let mut alone = vec![0.0; k];
            svd(on, &a, m, n, &mut alone, &mut [], &mut []);
            assert_eq!(alone, s, "{what}");
        }
    });
}

#[test]
fn eigh_gives_the_matrix_back() {
    with_machine(|on| {
        for (name, a, m, n) in matrices().into_iter().filter(|(_, _, m, n)| m == n) {
            let what = format!("{name} {n}");
            let half: Vec<f64> = a.iter().map(|x| x * 0.5).collect();
            let a: Vec<f64> = half.iter().zip(transposed(&half, m, n)).map(|(a, b)| a + b).collect();
            let (mut values, mut vectors) = (vec![0.0; n], vec![0.0; n * n]);
            eigh(on, &a, n, &mut values, &mut vectors);
            assert!(values.windows(2).all(|pair| pair[0] <= pair[1]), "{what}");
            if !name.contains("e-324") {
                let scaled: Vec<f64> =
                    vectors.iter().enumerate().map(|(at, x)| x * values[at % n.max(1)]).collect();
                let left = product(&a, &vectors, [n, n, n]);
                let whole = product(&scaled, &transposed(&vectors, n, n), [n, n, n]);
                assert_small(&what, residual(&a, &whole));
                // A V = V Λ beside the norm of A, as V is orthogonal.
                assert_small(&what, residual(&left, &scaled));
            }
            assert_small(&what, skew(&vectors, n, n));
            let mut alone = vec![0.0; n];
            eigh(on, &a, n, &mut alone, &mut []);
            assert_eq!(alone, values, "{what}");
        }
    });
}

#[test]
fn eigenvectors_satisfy_their_equation() {
    with_machine(|on| {
        for (name, a, _, n) in matrices().into_iter().filter(|(_, _, m, n)| m == n) {
            let what = format!("{name} {n}");
            let (mut real, mut imaginary) = (vec![0.0; n], vec![0.0; n]);
            let (mut vectors_real, mut vectors_imaginary) = (vec![0.0; n * n], vec![0.0; n * n]);
            let mut to = Eigen {
                real: &mut real,
                imaginary: &mut imaginary,
                vectors_real: &mut vectors_real,
                vectors_imaginary: &mut vectors_imaginary,
            };
            eig(on, &a, n, &mut to);
            if !name.contains("e-324") {
                // The residual is that of the balanced matrix, beside the norm of A.
                let largest = a.iter().fold(f64::MIN_POSITIVE, |largest, x| largest.max(x.abs()));
                let near: Vec<f64> = a.iter().map(|x| x / largest).collect();
                let norm = near.iter().map(|x| x * x).sum::<f64>().sqrt();
                let left_real = product(&near, &vectors_real, [n, n, n]);
                let left_imaginary = product(&near, &vectors_imaginary, [n, n, n]);
                for at in 0..n * n {
                    let (value, other) = (real[at % n] / largest, imaginary[at % n] / largest);
                    let (x, y) = (vectors_real[at], vectors_imaginary[at]);
                    let error = (left_real[at] - value * x + other * y)
                        .hypot(left_imaginary[at] - value * y - other * x);
                    assert!(error <= LEVEL * norm, "{what}: {error:e} beside {norm:e}");
                }
            }
            for k in 0..n {
                let square = |numbers: &[f64]| (0..n).map(|i| numbers[i * n + k].powi(2)).sum::<f64>();
                let norm = square(&vectors_real) + square(&vectors_imaginary);
                assert!((norm - 1.0).abs() < LEVEL, "{what}: a vector of norm {norm}");
            }
            let (mut alone, mut other) = (vec![0.0; n], vec![0.0; n]);
            let mut to = Eigen {
                real: &mut alone,
                imaginary: &mut other,
                vectors_real: &mut [],
                vectors_imaginary: &mut [],
            };
            eig(on, &a, n, &mut to);
            assert_eq!((alone, other), (real, imaginary), "{what}");
        }
    });
}

#[test]
fn cholesky_gives_the_matrix_back_or_says_no() {
    with_machine(|on| {
        for n in [0, 1, 2, 7, 48, 49, 100, 200] {
            for scale in [1.0, 1e-300, 1e-150, 1e150, 1e300] {
                let factor = random::<f64>(n * n, n as u64);
                let mut a = product(&factor, &transposed(&factor, n, n), [n, n, n]);
                (0..n).for_each(|i| a[i * n + i] += 0.1);
                a.iter_mut().for_each(|x| *x *= scale / (n + 1) as f64);
                let mut l = a.clone();
                assert!(cholesky(on, &mut l, n), "{n}");
                let back = product(&l, &transposed(&l, n, n), [n, n, n]);
                assert_small(&format!("{n} times {scale:e}"), residual(&a, &back));
                if n > 0 {
                    let mut broken = a.clone();
                    broken[n * n - 1] = -scale;
                    assert!(!cholesky(on, &mut broken, n), "{n} has a negative eigenvalue");
                }
            }
        }
    });
}

#[test]
fn triangular_and_general_systems_are_solved() {
    with_machine(|on| {
        for (n, columns) in [(0, 2), (1, 1), (5, 3), (48, 1), (49, 2), (130, 65), (200, 1)] {
            let mut a = random::<f64>(n * n, 9);
            a.iter_mut().for_each(|x| *x /= (n + 1) as f64);
            (0..n).for_each(|i| a[i * n + i] += 1.5);
            let x = random::<f64>(n * columns, 10);
            for bits in 0..8 {
                let shape = Shape { upper: bits & 1 == 1, transposed: bits & 2 == 2, unit: bits & 4 == 4 };
                let mut triangle = a.clone();
                for i in 0..n {
                    (0..n)
                        .filter(|j| if shape.upper { *j < i } else { *j > i })
                        .for_each(|j| triangle[i * n + j] = 0.0);
                    if shape.unit {
                        triangle[i * n + i] = 1.0;
                    }
                }
                let turned = if shape.transposed { transposed(&triangle, n, n) } else { triangle };
                let mut found = product(&turned, &x, [n, columns, n]);
                triangular::solve(on, shape, &a, n, n, &mut found, columns);
                assert_small(&format!("{shape:?} {n} × {columns}"), residual(&x, &found));
            }
            let mut factors = a.clone();
            let pivoting = lu(on, &mut factors, n, n);
            for transpose in [false, true] {
                let turned = if transpose { transposed(&a, n, n) } else { a.clone() };
                let b = product(&turned, &x, [n, columns, n]);
                let mut found = vec![0.0; n * columns];
                solve(on, &factors, |i| pivoting.rows[i], [n, columns], transpose, &b, &mut found);
                assert_small(&format!("{n} × {columns}"), residual(&x, &found));
            }
        }
    });
}

#[test]
fn exponentials_of_opposite_matrices_are_inverse() {
    with_machine(|on| {
        for (n, scale) in
            [(0, 1.0), (1, 3.0), (3, 1e-3), (4, 0.1), (5, 0.3), (6, 0.6), (7, 1.0), (40, 0.3), (20, 1e-300)]
        {
            let a: Vec<f64> = random::<f64>(n * n, 11).iter().map(|x| x * scale).collect();
            let negative: Vec<f64> = a.iter().map(|x| -x).collect();
            let (mut forth, mut back) = (vec![0.0; n * n], vec![0.0; n * n]);
            exponential(on, &a, n, &mut forth);
            exponential(on, &negative, n, &mut back);
            let error = residual(&identity(n, n), &product(&forth, &back, [n, n, n]));
            assert!(error < 1e-11, "{n} times {scale}: {error:e}");
        }
        let mut result = [0.0];
        exponential(on, &[-1e300], 1, &mut result);
        assert_eq!(result, [0.0]);
        exponential(on, &[-700.0], 1, &mut result);
        assert!((result[0] / (-700f64).exp() - 1.0).abs() < 1e-12);
    });
}

#[test]
fn what_is_not_finite_gives_nan_and_returns() {
    with_machine(|on| {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for n in [1, 5, 60] {
                let mut a = random::<f64>(n * n, 12);
                a[n * n / 2] = bad;
                let nan = |numbers: &[f64]| assert!(numbers.iter().all(|x| x.is_nan()), "{bad} in {n}");
                let (mut v, mut p, mut q) = (vec![0.0; n], vec![0.0; n * n], vec![0.0; n * n]);
                svd(on, &a, n, n, &mut v, &mut p, &mut q);
                [&v, &p, &q].into_iter().for_each(|part| nan(part));
                eigh(on, &a, n, &mut v, &mut p);
                [&v, &p].into_iter().for_each(|part| nan(part));
                qr(on, &a, [n, n], n, &mut p, &mut q);
                [&p, &q].into_iter().for_each(|part| nan(part));
                exponential(on, &a, n, &mut p);
                nan(&p);
                let mut w = vec![0.0; n];
                let mut to = Eigen {
                    real: &mut v,
                    imaginary: &mut w,
                    vectors_real: &mut p,
                    vectors_imaginary: &mut q,
                };
                eig(on, &a, n, &mut to);
                [&v, &w, &p, &q].into_iter().for_each(|part| nan(part));
            }
        }
    });
}

#[test]
fn single_precision_is_as_good_as_it_can_be() {
    with_machine(|on| {
        let (m, n) = (70, 50);
        let a = random::<f32>(m * n, 13);
        let (mut s, mut u, mut vh) = (vec![0.0; n], vec![0.0; m * n], vec![0.0; n * n]);
        svd(on, &a, m, n, &mut s, &mut u, &mut vh);
        let scaled: Vec<f32> = u.iter().enumerate().map(|(at, x)| x * s[at % n]).collect();
        assert!(residual(&a, &product(&scaled, &vh, [m, n, n])) < 1e-5);
        let (mut q, mut r) = (vec![0.0; m * n], vec![0.0; n * n]);
        qr(on, &a, [m, n], n, &mut q, &mut r);
        assert!(residual(&a, &product(&q, &r, [m, n, n])) < 1e-5);
        let square = product(&transposed(&a, m, n), &a, [n, n, m]);
        let (mut values, mut vectors) = (vec![0.0; n], vec![0.0; n * n]);
        eigh(on, &square, n, &mut values, &mut vectors);
        let scaled: Vec<f32> = vectors.iter().enumerate().map(|(at, x)| x * values[at % n]).collect();
        assert!(residual(&product(&square, &vectors, [n, n, n]), &scaled) < 1e-5);
    });
}
