//! Accuracy over random bit patterns, random arguments of ordinary size and special values, on every instruction set.

use super::reference::{ERF, ERF_INV, distance_f32, distance_f64, erf};
use super::{Float, Real, cos_slice, sin_slice, tan_slice};
use crate::isa::{Instructions, Isa, Kernel};

/// A function of slices, on any instruction set.
trait Function {
    fn apply<I: Instructions, T: Float>(a: &[T], b: &[T], out: &mut [T]);
}

struct Apply<'a, T, F> {
    a: &'a [T],
    b: &'a [T],
    out: &'a mut [T],
    function: std::marker::PhantomData<F>,
}

impl<T: Float, F: Function> Kernel for Apply<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        F::apply::<I, T>(self.a, self.b, self.out);
    }
}

fn apply<T: Float, F: Function>(isa: Isa, a: &[T], b: &[T]) -> Vec<T> {
    let mut out = vec![T::ZERO; a.len()];
    isa.run(Apply { a, b, out: &mut out, function: std::marker::PhantomData::<F> });
    out
}

macro_rules! functions {
    ($($name:ident = |$x:ident, $y:ident| $value:expr;)*) => {
        $(struct $name;
        impl Function for $name {
            #[inline(always)]
            fn apply<I: Instructions, T: Float>(a: &[T], b: &[T], out: &mut [T]) {
                for ((out, $x), $y) in out.iter_mut().zip(a).zip(b) {
                    let _ = $y;
                    *out = $value;
                }
            }
        })*
    };
}

functions! {
    Exp = |x, y| x.exp::<I>();
    ExpM1 = |x, y| x.exp_m1::<I>();
    Ln = |x, y| x.ln::<I>();
    Ln1p = |x, y| x.ln_1p::<I>();
    Sqrt = |x, y| x.sqrt::<I>();
    Rsqrt = |x, y| x.rsqrt::<I>();
    Tanh = |x, y| x.tanh::<I>();
    Sigmoid = |x, y| x.sigmoid::<I>();
    Softplus = |x, y| x.softplus::<I>();
    Silu = |x, y| x.silu::<I>();
    Erf = |x, y| x.erf::<I>();
    ErfInv = |x, y| x.erf_inv::<I>();
    Gelu = |x, y| x.gelu::<I>();
    GeluTanh = |x, y| x.gelu_tanh::<I>();
    Sin = |x, y| x.sin::<I>();
    Floor = |x, y| x.floor::<I>();
    Ceil = |x, y| x.ceil::<I>();
    Round = |x, y| x.round::<I>();
    Trunc = |x, y| x.trunc::<I>();
    Abs = |x, y| x.abs::<I>();
    Sign = |x, y| x.sign::<I>();
    Sinh = |x, y| x.sinh::<I>();
    Cosh = |x, y| x.cosh::<I>();
    Asinh = |x, y| x.asinh::<I>();
    Acosh = |x, y| x.acosh::<I>();
    Atanh = |x, y| x.atanh::<I>();
    Cbrt = |x, y| x.cbrt::<I>();
    Logaddexp = |x, y| x.logaddexp::<I>(*y);
    Atan2 = |x, y| x.atan2::<I>(*y);
    Pow = |x, y| x.pow::<I>(*y);
    Modulo = |x, y| x.modulo::<I>(*y);
    Minimum = |x, y| x.minimum::<I>(*y);
    Maximum = |x, y| x.maximum::<I>(*y);
}

macro_rules! slice_functions {
    ($($name:ident = $slice:ident;)*) => {
        $(struct $name;
        impl Function for $name {
            #[inline(always)]
            fn apply<I: Instructions, T: Float>(a: &[T], _: &[T], out: &mut [T]) {
                $slice::<I, T>(a, out);
            }
        })*
    };
}

slice_functions! {
    SinSlice = sin_slice;
    CosSlice = cos_slice;
    TanSlice = tan_slice;
}

/// Xorshift with a multiplier.
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn within(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * ((self.bits() >> 11) as f64 / (1u64 << 53) as f64)
    }
}

const SPECIAL: [f64; 24] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
    2.0,
    -2.0,
    3.0,
    -3.0,
    0.5,
    -0.5,
    1.5,
    -2.5,
    1e-45,
    -1e-45,
    1e-40,
    1.1754943508222875e-38,
    3.4028234663852886e38,
    -3.4028234663852886e38,
    88.7,
    -103.5,
    1e5,
];

/// All pairs of special values, then as many random ones: a third with random bits, the rest within the ranges.
fn arguments_f64(ranges: &[(f64, f64)], single: bool) -> (Vec<f64>, Vec<f64>) {
    let mut random = Random(88_172_645_463_325_252);
    let mut draw = |kind: usize| match ranges.get(kind % (ranges.len() + 1)) {
        Some(&(low, high)) => random.within(low, high),
        None if single => f64::from(f32::from_bits(random.bits() as u32)),
        None => f64::from_bits(random.bits()),
    };
    let pairs = SPECIAL.into_iter().flat_map(|a| SPECIAL.map(|b| (a, b)));
    let extremes = [5e-324, -5e-324, f64::MAX, f64::MIN, f64::MIN_POSITIVE, 709.7, -745.0].map(|a| (a, 1.5));
    let samples =
        (0..150_000).map(|i| (draw(i), if i % 7 == 0 { (i % 41) as f64 - 20.0 } else { draw(i / 5) }));
    pairs.chain(extremes).chain(samples.collect::<Vec<_>>()).unzip()
}

/// Checks a function in single precision against double precision.
fn check_f32<F: Function>(ranges: &[(f64, f64)], limit: f64, expected: impl Fn(f64, f64) -> f64) {
    let (a, b) = arguments_f64(ranges, true);
    let narrow = |x: &Vec<f64>| x.iter().map(|&x| x as f32).collect::<Vec<f32>>();
    let (a, b) = (narrow(&a), narrow(&b));
    for &isa in Isa::available() {
        for ((&a, &b), actual) in a.iter().zip(&b).zip(apply::<f32, F>(isa, &a, &b)) {
            let expected = expected(f64::from(a), f64::from(b));
            // A reference of 2^-150 or less may become a zero.
            let off = distance_f32(
                actual,
                if expected.abs() < 1e-46 { 0.0f64.copysign(expected) } else { expected },
            );
            assert!(off <= limit, "{isa:?}: {a:e}, {b:e} gives {actual:e} not {expected:e}: {off} units");
        }
    }
}

/// Checks a function in double precision; the limit has to allow for the error of the reference.
fn check_f64<F: Function>(ranges: &[(f64, f64)], limit: f64, expected: impl Fn(f64, f64) -> f64) {
    let (a, b) = arguments_f64(ranges, false);
    for &isa in Isa::available() {
        for ((&a, &b), actual) in a.iter().zip(&b).zip(apply::<f64, F>(isa, &a, &b)) {
            let expected = expected(a, b);
            let off = distance_f64(actual, expected);
            assert!(off <= limit, "{isa:?}: {a:e}, {b:e} gives {actual:e} not {expected:e}: {off} units");
        }
    }
}

macro_rules! accuracy {
    ($($test:ident: $function:ident $ranges:expr, f32 $single:literal, f64 $double:literal, $expected:expr;)*) => {
        $(#[test]
        fn $test() {
            check_f32::<$function>(&$ranges, $single, $expected);
            check_f64::<$function>(&$ranges, $double, $expected);
        })*
    };
}

fn sigmoid(x: f64) -> f64 {
    if x < 0.0 { x.exp() / (1.0 + x.exp()) } else { 1.0 / (1.0 + (-x).exp()) }
}

/// The remainder that Python gives, whose zero has the sign of the divisor.
fn python_modulo(x: f64, divisor: f64) -> f64 {
    let r = x % divisor;
    if r == 0.0 {
        0.0f64.copysign(divisor)
    } else if (r < 0.0) != (divisor < 0.0) {
        r + divisor
    } else {
        r
    }
}

fn sign(x: f64) -> f64 {
    if x == 0.0 { 0.0 } else { x.signum() }
}

accuracy! {
    exp: Exp [(-110.0, 90.0), (-1.0, 1.0)], f32 2.0, f64 2.0, |x, _| x.exp();
    exp_m1: ExpM1 [(-20.0, 90.0), (-1.0, 1.0)], f32 2.0, f64 3.0, |x, _| x.exp_m1();
    ln: Ln [(0.0, 100.0), (0.5, 2.0)], f32 1.0, f64 2.0, |x, _| x.ln();
    ln_1p: Ln1p [(-1.0, 3.0), (-0.01, 0.01)], f32 1.0, f64 2.0, |x, _| x.ln_1p();
    sqrt: Sqrt [(0.0, 100.0)], f32 0.5001, f64 0.0, |x, _| x.sqrt();
    rsqrt: Rsqrt [(0.0, 100.0)], f32 1.5, f64 0.0, |x, _| 1.0 / x.sqrt();
    tanh: Tanh [(-10.0, 10.0), (-1.0, 1.0)], f32 1.5, f64 4.0, |x, _| x.tanh();
    sigmoid_: Sigmoid [(-90.0, 20.0), (-2.0, 2.0)], f32 2.5, f64 4.0, |x, _| sigmoid(x);
    sin: Sin [(-4.0, 4.0), (-2e6, 2e6)], f32 1.0, f64 1.5, |x, _| x.sin();
    sin_slices: SinSlice [(-4.0, 4.0), (-2e6, 2e6)], f32 1.0, f64 1.5, |x, _| x.sin();
    cos_slices: CosSlice [(-4.0, 4.0), (-2e6, 2e6)], f32 1.0, f64 1.5, |x, _| x.cos();
    tan_slices: TanSlice [(-4.0, 4.0), (-2e6, 2e6)], f32 1.5, f64 4.0, |x, _| x.tan();
    floor: Floor [(-4.0, 4.0)], f32 0.0, f64 0.0, |x, _| x.floor();
    ceil: Ceil [(-4.0, 4.0)], f32 0.0, f64 0.0, |x, _| x.ceil();
    round: Round [(-4.0, 4.0)], f32 0.0, f64 0.0, |x, _| x.round_ties_even();
    trunc: Trunc [(-4.0, 4.0)], f32 0.0, f64 0.0, |x, _| x.trunc();
    abs: Abs [(-4.0, 4.0)], f32 0.0, f64 0.0, |x, _| x.abs();
    sign_: Sign [(-4.0, 4.0)], f32 0.0, f64 0.0, |x, _| sign(x);
    sinh: Sinh [(-90.0, 90.0), (-1.0, 1.0)], f32 5.0, f64 6.0, |x, _| x.sinh();
    cosh: Cosh [(-90.0, 90.0), (-1.0, 1.0)], f32 5.0, f64 6.0, |x, _| x.cosh();
    acosh: Acosh [(1.0, 100.0), (1.0, 1.1)], f32 5.0, f64 6.0, acosh_reference;
    cbrt: Cbrt [(-100.0, 100.0)], f32 1.5, f64 2.0, |x, _| x.cbrt();
    atan2: Atan2 [(-4.0, 4.0), (-1e5, 1e5)], f32 0.51, f64 2.0, |y, x| y.atan2(x);
    pow: Pow [(0.0, 4.0), (-100.0, 100.0)], f32 0.51, f64 2.0, |x, y| x.powf(y);
    modulo: Modulo [(-4.0, 4.0), (-1e5, 1e5)], f32 1.0, f64 0.0, python_modulo;
}

/// The standard library's loses the digits of arguments near 1 and overflows for huge ones.
fn acosh_reference(x: f64, _: f64) -> f64 {
    match x {
        x if x < 1.0 => f64::NAN,
        x if x > 1e8 => x.ln() + std::f64::consts::LN_2,
        x => ((x - 1.0) + ((x - 1.0) * (x + 1.0)).sqrt()).ln_1p(),
    }
}

/// The identities that define the inverse functions, as those of the standard library are no better than ours.
#[test]
fn inverse_hyperbolic_functions_invert() {
    let x: Vec<f64> = (-4000..4000).map(|i| f64::from(i) / 1000.0 * 2f64.powi(i % 40 - 20)).collect();
    for &isa in Isa::available() {
        let (asinh, atanh) = (apply::<f64, Asinh>(isa, &x, &x), apply::<f64, Atanh>(isa, &x, &x));
        for (i, &x) in x.iter().enumerate() {
            assert!((asinh[i].sinh() - x).abs() <= 1e-14 * x.abs() * asinh[i].abs().max(1.0), "{isa:?} {x}");
            match x.abs() {
                a if a < 0.9 => assert!((atanh[i].tanh() - x).abs() <= 1e-15 * a, "{isa:?} {x}"),
                a => assert!((a < 1.0) == atanh[i].is_finite(), "{isa:?} {x}"),
            }
        }
        let edges = [0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, 1e300, 1.0];
        let asinh = apply::<f64, Asinh>(isa, &edges, &edges);
        assert!(asinh[1].is_sign_negative() && asinh[2] == f64::INFINITY && asinh[3] == f64::NEG_INFINITY);
        assert!((asinh[4] - (300.0 * 10f64.ln() + 2f64.ln())).abs() < 1e-12);
        assert_eq!(apply::<f64, Atanh>(isa, &edges, &edges)[5], f64::INFINITY);
    }
}

#[test]
fn logarithm_of_a_sum_of_exponentials() {
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    let a = [0.0, 1000.0, -1000.0, 3.0, inf, -inf, -inf, inf, nan, 1.0];
    let b = [0.0, 1000.0, -1001.0, -900.0, inf, -inf, 2.0, -inf, 1.0, nan];
    let ln2 = std::f64::consts::LN_2;
    let expected = [ln2, 1000.0 + ln2, -1000.0 + (-1f64).exp().ln_1p(), 3.0, inf, -inf, 2.0, inf, nan, nan];
    for &isa in Isa::available() {
        for (actual, expected) in apply::<f64, Logaddexp>(isa, &a, &b).into_iter().zip(expected) {
            assert!(distance_f64(actual, expected) <= 2.0, "{isa:?} {actual} {expected}");
        }
    }
}

#[test]
fn minimum_and_maximum_pass_nan_on() {
    let (a, b) = arguments_f64(&[(-4.0, 4.0)], false);
    for &isa in Isa::available() {
        let (low, high) = (apply::<f64, Minimum>(isa, &a, &b), apply::<f64, Maximum>(isa, &a, &b));
        for (i, (a, b)) in a.iter().zip(&b).enumerate() {
            if a.is_nan() || b.is_nan() {
                assert!(low[i].is_nan() && high[i].is_nan());
            } else {
                assert!(low[i] == a.min(*b) && high[i] == a.max(*b));
            }
        }
    }
}

#[test]
fn softplus() {
    let expected = |x: f64| if x > 0.0 { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() };
    check_f32::<Softplus>(&[(-90.0, 20.0), (-2.0, 2.0)], 2.0, |x, _| expected(x));
    check_f64::<Softplus>(&[(-700.0, 20.0), (-2.0, 2.0)], 4.0, |x, _| expected(x));
}

#[test]
fn error_function() {
    check_f32::<Erf>(&[(-4.5, 4.5), (-1.2, 1.2)], 1.5, |x, _| erf(x));
    check_f64::<Erf>(&[(-6.5, 6.5), (-1.2, 1.2)], 20.0, |x, _| erf(x));
    let (x, expected): (Vec<f64>, Vec<f64>) = ERF.into_iter().unzip();
    for &isa in Isa::available() {
        for (i, actual) in apply::<f64, Erf>(isa, &x, &x).into_iter().enumerate() {
            assert!(distance_f64(actual, expected[i]) <= 2.0, "{isa:?} {} {actual}", x[i]);
        }
    }
}

#[test]
fn inverse_error_function() {
    let (x, expected): (Vec<f64>, Vec<f64>) = ERF_INV.into_iter().unzip();
    for &isa in Isa::available() {
        for (i, actual) in apply::<f64, ErfInv>(isa, &x, &x).into_iter().enumerate() {
            assert!(distance_f64(actual, expected[i]) <= 4.0, "{isa:?} {} {actual}", x[i]);
        }
        let edges = [0.0, -0.0, 1.0, -1.0, 1.1, -3.0, f64::NAN, f64::INFINITY];
        let actual = apply::<f64, ErfInv>(isa, &edges, &edges);
        assert!(actual[0].to_bits() == 0 && actual[1].to_bits() == 1 << 63);
        assert!(actual[2] == f64::INFINITY && actual[3] == f64::NEG_INFINITY);
        assert!(actual[4..].iter().all(|x| x.is_nan()));
    }
    // The double-precision one, checked above, judges the single-precision one.
    check_f32::<ErfInv>(&[(-1.0, 1.0), (0.99, 1.0)], 4.0, |x, _| {
        apply::<f64, ErfInv>(Isa::Portable, &[x], &[x])[0]
    });
}

#[test]
fn gates() {
    let x: Vec<f64> = (-8000..8000).map(|i| f64::from(i) / 1000.0).chain(SPECIAL).collect();
    let single: Vec<f32> = x.iter().map(|&x| x as f32).collect();
    for &isa in Isa::available() {
        let narrow = [
            apply::<f32, Gelu>(isa, &single, &single),
            apply::<f32, GeluTanh>(isa, &single, &single),
            apply::<f32, Silu>(isa, &single, &single),
        ];
        for (i, &x) in single.iter().enumerate() {
            let x = f64::from(x);
            let inner = f64::SQRT_TWO_OVER_PI * (x + 0.044715 * x * x * x);
            let gates = [0.5 + 0.5 * erf(x / 2f64.sqrt()), sigmoid(2.0 * inner), sigmoid(x)];
            for (narrow, gate) in narrow.iter().zip(gates) {
                let (actual, expected) = (f64::from(narrow[i]), if gate == 0.0 { 0.0 } else { x * gate });
                let close = (actual - expected).abs() <= 3e-7 * x.abs().max(1e-30);
                let same = actual == expected || (actual.is_nan() && expected.is_nan());
                assert!(close || same, "{isa:?} {x} {actual} {expected}");
            }
        }
    }
}
