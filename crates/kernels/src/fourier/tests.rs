//! Every kind of length against the definition, on every instruction set and several numbers of threads.

use super::complex::{C, root_of_unity};
use super::oracle::transform;
use super::{Context, FourierElement, complex_rows, real_from_half_rows, real_rows};
use crate::isa::Isa;
use crate::threads::Pool;

fn numbers<T: FourierElement>(count: usize, seed: u64) -> Vec<T> {
    let number = |index: u64| {
        let bits = (index + seed * 1_000_003 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((bits ^ bits >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    };
    (0..count as u64).map(|index| T::rounded(number(index))).collect()
}

/// Root mean square of the difference, relative to that of the expected.
fn distance<T: FourierElement + Into<f64>>(re: &[T], im: &[T], expected: &[C<f64>]) -> f64 {
    let (mut off, mut norm) = (0.0, 0.0);
    for ((re, im), expected) in re.iter().zip(im).zip(expected) {
        off += ((*re).into() - expected.re).powi(2) + ((*im).into() - expected.im).powi(2);
        norm += expected.re.powi(2) + expected.im.powi(2);
    }
    (off / norm).sqrt()
}

fn check<T: FourierElement + Into<f64>>(n: usize, epsilon: f64) {
    const ROWS: usize = 3;
    let limit = epsilon * (n as f64).log2().max(1.0);
    let (re, im) = (numbers::<T>(ROWS * n, 1), numbers::<T>(ROWS * n, 2));
    let half = n / 2 + 1;
    let pool = Pool::new(2);
    for &isa in Isa::available() {
        let context = Context { pool: &pool, isa };
        for inverse in [false, true] {
            let (mut out_re, mut out_im) = (vec![T::ZERO; ROWS * n], vec![T::ZERO; ROWS * n]);
            complex_rows(context, inverse, n, [&re, &im], [&mut out_re, &mut out_im]);
            for row in 0..ROWS {
                let range = row * n..(row + 1) * n;
                let x: Vec<C<T>> = range.clone().map(|index| C::new(re[index], im[index])).collect();
                let off = distance(&out_re[range.clone()], &out_im[range], &transform(inverse, &x));
                assert!(off <= limit, "{isa:?}: length {n}, inverse {inverse}, off by {off:e}");
            }
        }
        let (mut half_re, mut half_im) = (vec![T::ZERO; ROWS * half], vec![T::ZERO; ROWS * half]);
        real_rows(context, n, &re, [&mut half_re, &mut half_im]);
        let mut back = vec![T::ZERO; ROWS * n];
        real_from_half_rows(context, n, [&half_re, &half_im], &mut back);
        for row in 0..ROWS {
            let x: Vec<C<T>> = re[row * n..][..n].iter().map(|value| C::new(*value, T::ZERO)).collect();
            let range = row * half..(row + 1) * half;
            let off = distance(&half_re[range.clone()], &half_im[range], &transform(false, &x)[..half]);
            assert!(off <= limit, "{isa:?}: real length {n}, off by {off:e}");
            let scaled: Vec<C<f64>> = x.iter().map(|x| C::new(x.re.into() * n as f64, 0.0)).collect();
            let off = distance(&back[row * n..][..n], &vec![T::ZERO; n], &scaled);
            assert!(off <= 2.0 * limit, "{isa:?}: back to real length {n}, off by {off:e}");
        }
    }
}

#[test]
fn double_precision() {
    for n in (1..=70).chain([97, 100, 101, 128, 210, 243, 256, 625, 1000, 1009, 1024]) {
        check::<f64>(n, 3e-16);
    }
}

#[test]
fn single_precision() {
    for n in (1..=40).chain([74, 128, 360, 509]) {
        check::<f32>(n, 2e-7);
    }
}

#[test]
fn the_bits_do_not_depend_on_the_number_of_threads() {
    let (n, rows) = (60, 500);
    let (re, im) = (numbers::<f64>(rows * n, 3), numbers::<f64>(rows * n, 4));
    let run = |threads: usize| {
        let pool = Pool::new(threads);
        let (mut out_re, mut out_im) = (vec![0.0; rows * n], vec![0.0; rows * n]);
        let context = Context { pool: &pool, isa: Isa::detected() };
        complex_rows(context, false, n, [&re, &im], [&mut out_re, &mut out_im]);
        (out_re, out_im)
    };
    let one = run(1);
    assert!(run(2) == one && run(5) == one);
}

#[test]
fn roots_of_unity_are_exact_where_they_can_be() {
    assert_eq!(root_of_unity::<f64>(0, 12), C::new(1.0, -0.0));
    assert_eq!(root_of_unity::<f64>(3, 12), C::new(0.0, -1.0));
    assert_eq!(root_of_unity::<f64>(6, 12), C::new(-1.0, -0.0));
    assert_eq!(root_of_unity::<f64>(9, 12), C::new(0.0, 1.0));
    let eighth = root_of_unity::<f64>(1, 8);
    assert!((eighth.re - 0.5f64.sqrt()).abs() < 2e-16 && (eighth.im + 0.5f64.sqrt()).abs() < 2e-16);
}
