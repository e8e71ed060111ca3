//! The elementary functions as programs: operation for operation those of [`math`](crate::math) in single precision,
//! where the reasons stand. The tests hold both to the same bits.

use super::{Binary, Builder, Comparison, Vector};
use crate::math::real::Real;

/// All bits but the sign.
const MAGNITUDE: u32 = 0x7fff_ffff;
const SIGN: u32 = 0x8000_0000;
const FRACTION: u8 = 23;

impl Builder {
    /// a + b.
    pub fn add(&mut self, a: Vector, b: Vector) -> Vector {
        self.binary(Binary::Add, a, b)
    }

    /// a − b.
    pub fn subtract(&mut self, a: Vector, b: Vector) -> Vector {
        self.binary(Binary::Subtract, a, b)
    }

    /// a · b.
    pub fn multiply(&mut self, a: Vector, b: Vector) -> Vector {
        self.binary(Binary::Multiply, a, b)
    }

    /// a / b.
    pub fn divide(&mut self, a: Vector, b: Vector) -> Vector {
        self.binary(Binary::Divide, a, b)
    }

    /// −x.
    pub fn negate(&mut self, x: Vector) -> Vector {
        let sign = self.bits(SIGN);
        self.binary(Binary::Xor, x, sign)
    }

    /// |x|.
    pub fn magnitude(&mut self, x: Vector) -> Vector {
        let mask = self.bits(MAGNITUDE);
        self.binary(Binary::And, x, mask)
    }

    /// The magnitude of `x` with the sign of `sign`.
    fn with_sign_of(&mut self, x: Vector, sign: Vector) -> Vector {
        self.choose_bits(MAGNITUDE, x, sign)
    }

    /// −1, 0, 1 or NaN.
    pub fn sign(&mut self, x: Vector) -> Vector {
        let (zero, one) = (self.constant(0.0), self.constant(1.0));
        let minus_one = self.constant(-1.0);
        let (positive, negative) =
            (self.compare(Comparison::Greater, x, zero), self.compare(Comparison::Less, x, zero));
        let sign = self.select(negative, minus_one, zero);
        let sign = self.select(positive, one, sign);
        let nan = self.compare(Comparison::Unordered, x, x);
        self.select(nan, x, sign)
    }

    /// The larger of two, NaN if one is.
    pub fn maximum(&mut self, a: Vector, b: Vector) -> Vector {
        self.extreme(Binary::Larger, a, b)
    }

    /// The smaller of two, NaN if one is.
    pub fn minimum(&mut self, a: Vector, b: Vector) -> Vector {
        self.extreme(Binary::Smaller, a, b)
    }

    fn extreme(&mut self, operation: Binary, a: Vector, b: Vector) -> Vector {
        let extreme = self.binary(operation, b, a);
        let nan = self.compare(Comparison::Unordered, b, b);
        self.select(nan, b, extreme)
    }

    /// max(x, 0), NaN for NaN.
    pub fn relu(&mut self, x: Vector) -> Vector {
        let zero = self.constant(0.0);
        self.binary(Binary::Larger, zero, x)
    }

    /// c₀ + x (c₁ + x (c₂ + …)).
    fn polynomial(&mut self, x: Vector, coefficients: &[f32]) -> Vector {
        let (last, rest) = coefficients.split_last().expect("a polynomial has a coefficient");
        let mut value = self.constant(*last);
        for coefficient in rest.iter().rev() {
            let coefficient = self.constant(*coefficient);
            value = self.multiply_add(x, value, coefficient);
        }
        value
    }

    fn clamp(&mut self, x: Vector, low: f32, high: f32) -> Vector {
        let x = self.at_most(x, high);
        let low = self.constant(low);
        self.binary(Binary::Larger, low, x)
    }

    fn at_most(&mut self, x: Vector, high: f32) -> Vector {
        let high = self.constant(high);
        self.binary(Binary::Smaller, high, x)
    }

    /// The nearest integer to x · factor, as the sum and difference with a large number round it.
    fn nearest(&mut self, x: Vector, factor: f32) -> Vector {
        let (factor, magic) = (self.constant(factor), self.constant(f32::MAGIC));
        let sum = self.multiply_add(x, factor, magic);
        self.subtract(sum, magic)
    }

    fn two_to_the(&mut self, n: Vector) -> Vector {
        let bias = self.constant(f32::MAGIC + 127.0);
        let sum = self.add(n, bias);
        self.shift_left(sum, FRACTION)
    }

    /// The value times 2ⁿ. One instruction rounds as the interpreter's two products do, of which the first is exact.
    fn scale(&mut self, value: Vector, n: Vector) -> Vector {
        self.binary(Binary::Scale, value, n)
    }

    /// 2ⁿ in two factors, halves of n rounded down and up. `sum` is n + [`f32::MAGIC`], which has n in its lowest bits.
    pub(super) fn powers_of_two(&mut self, sum: Vector) -> [Vector; 2] {
        let exponents = self.bits(!((1 << FRACTION) - 1));
        // With a bias of 127, n / 2 is n + 254 halved: the lowest bit falls to the fraction, where it is cut off.
        [254, 255].map(|twice_bias| {
            let twice_bias = self.bits(twice_bias);
            let biased = self.binary(Binary::AddIntegers, sum, twice_bias);
            let halved = self.shift_left(biased, FRACTION - 1);
            self.binary(Binary::And, halved, exponents)
        })
    }

    /// 2ⁿ, a number that is neither subnormal nor infinite; `sum` as above.
    pub(super) fn power_of_two(&mut self, sum: Vector) -> Vector {
        let bias = self.bits(127);
        let biased = self.binary(Binary::AddIntegers, sum, bias);
        self.shift_left(biased, FRACTION)
    }

    /// (n, r, c) with x = n ln 2 + r + c.
    fn reduce_exponent(&mut self, x: Vector) -> (Vector, Vector, Vector) {
        let n = self.nearest(x, f32::LOG2_E);
        let (high_part, low_part) = (self.constant(-f32::LN_2_HIGH), self.constant(f32::LN_2_LOW));
        let high = self.multiply_add(n, high_part, x);
        let low = self.multiply(n, low_part);
        let r = self.subtract(high, low);
        let lost = self.subtract(high, r);
        (n, r, self.subtract(lost, low))
    }

    fn exp_polynomial(&mut self, r: Vector) -> Vector {
        self.polynomial(r, &[4.9999997e-01, 1.6666538e-01, 4.166774e-02, 8.367319e-03, 1.3837953e-03])
    }

    /// (n, eʳ) with eˣ = 2ⁿ eʳ.
    fn exp_parts(&mut self, x: Vector) -> (Vector, Vector) {
        let (n, r, _) = self.reduce_exponent(x);
        let (square, polynomial) = (self.multiply(r, r), self.exp_polynomial(r));
        let p = self.multiply_add(square, polynomial, r);
        let one = self.constant(1.0);
        (n, self.add(one, p))
    }

    /// eˣ.
    pub fn exp(&mut self, x: Vector) -> Vector {
        let x = self.clamp(x, f32::EXP_LOW, f32::EXP_HIGH);
        let (n, value) = self.exp_parts(x);
        self.scale(value, n)
    }

    /// eˣ where neither underflow nor overflow can happen.
    fn exp_moderate(&mut self, x: Vector) -> Vector {
        let (n, value) = self.exp_parts(x);
        self.binary(Binary::ScaleNormal, value, n)
    }

    /// eˣ − 1.
    pub fn exp_m1(&mut self, x: Vector) -> Vector {
        let clamped = self.clamp(x, f32::EXP_M1_LOW, f32::EXP_HIGH);
        let (n, r, c) = self.reduce_exponent(clamped);
        let (square, polynomial) = (self.multiply(r, r), self.exp_polynomial(r));
        let tail = self.multiply_add(square, polynomial, c);
        let p = self.add(r, tail);
        let (zero, one, most) = (self.constant(0.0), self.constant(1.0), self.constant(f32::FRACTION_BITS));
        let negative = self.negate(n);
        let power = self.two_to_the(negative);
        let flat = self.compare(Comparison::Greater, n, most);
        let inverse = self.select(flat, zero, power);
        let rest = self.subtract(one, inverse);
        let sum = self.add(rest, p);
        let result = self.scale(sum, n);
        self.itself_if_tiny(x, result)
    }

    fn itself_if_tiny(&mut self, x: Vector, result: Vector) -> Vector {
        let (magnitude, tiny) = (self.magnitude(x), self.constant(f32::TINY));
        let is_tiny = self.compare(Comparison::Less, magnitude, tiny);
        self.select(is_tiny, x, result)
    }

    /// (m, k) with x = m 2ᵏ.
    fn split(&mut self, x: Vector) -> (Vector, Vector) {
        let lowest = f32::SQRT_HALF.to_bits();
        let offset = self.bits(1f32.to_bits().wrapping_sub(lowest));
        let shifted = self.binary(Binary::AddIntegers, x, offset);
        let (fraction, lowest) = (self.bits((1 << FRACTION) - 1), self.bits(lowest));
        let mantissa = self.binary(Binary::And, shifted, fraction);
        let mantissa = self.binary(Binary::AddIntegers, mantissa, lowest);
        let exponent = self.shift_right(shifted, FRACTION);
        let (integers, bias) = (self.constant(f32::INTEGERS), self.constant(f32::INTEGERS + 127.0));
        let biased = self.binary(Binary::Or, exponent, integers);
        (mantissa, self.subtract(biased, bias))
    }

    fn ln_core(&mut self, f: Vector, k: Vector, c: Option<Vector>) -> Vector {
        let (two, half) = (self.constant(2.0), self.constant(0.5));
        let sum = self.add(two, f);
        let s = self.divide(f, sum);
        let z = self.multiply(s, s);
        let half_f = self.multiply(half, f);
        let half_square = self.multiply(half_f, f);
        let polynomial = self.polynomial(z, &[6.6666776e-01, 3.997757e-01, 2.987133e-01]);
        let tail = self.multiply_add(z, polynomial, half_square);
        let c = c.unwrap_or_else(|| self.constant(0.0));
        let (low_part, high_part) = (self.constant(f32::LN_2_LOW), self.constant(f32::LN_2_HIGH));
        let low = self.multiply_add(k, low_part, c);
        let low = self.multiply_add(s, tail, low);
        let rest = self.subtract(half_square, low);
        let rest = self.subtract(f, rest);
        self.multiply_add(k, high_part, rest)
    }

    fn ln_edges(&mut self, x: Vector, result: Vector) -> Vector {
        let (zero, infinity) = (self.constant(0.0), self.constant(f32::INFINITY));
        let (minus_infinity, nan) = (self.constant(f32::NEG_INFINITY), self.constant(f32::NAN));
        let is_zero = self.compare(Comparison::Equal, x, zero);
        let not_positive = self.select(is_zero, minus_infinity, nan);
        let finite = self.compare(Comparison::Less, x, infinity);
        let result = self.select(finite, result, x);
        let positive = self.compare(Comparison::Greater, x, zero);
        self.select(positive, result, not_positive)
    }

    /// The natural logarithm.
    pub fn ln(&mut self, x: Vector) -> Vector {
        let (smallest, up) = (self.constant(f32::MIN_POSITIVE), self.constant(f32::INTEGERS));
        let subnormal = self.compare(Comparison::Less, x, smallest);
        let lifted = self.multiply(x, up);
        let normal = self.select(subnormal, lifted, x);
        let (m, k) = self.split(normal);
        let (zero, one, shift) = (self.constant(0.0), self.constant(1.0), self.constant(f32::from(FRACTION)));
        let shift = self.select(subnormal, shift, zero);
        let k = self.subtract(k, shift);
        let f = self.subtract(m, one);
        let result = self.ln_core(f, k, None);
        self.ln_edges(x, result)
    }

    /// ln(1 + x).
    pub fn ln_1p(&mut self, x: Vector) -> Vector {
        let (u, result) = self.ln_1p_core(x);
        let result = self.ln_edges(u, result);
        self.itself_if_tiny(x, result)
    }

    /// ln(1 + x) for x from 0 to 1, NaN for NaN.
    fn ln_1p_of_fraction(&mut self, x: Vector) -> Vector {
        let (_, result) = self.ln_1p_core(x);
        self.itself_if_tiny(x, result)
    }

    /// 1 + x, and its logarithm if it is positive and finite.
    fn ln_1p_core(&mut self, x: Vector) -> (Vector, Vector) {
        let one = self.constant(1.0);
        let u = self.add(one, x);
        let x_part = self.subtract(u, one);
        let one_part = self.subtract(u, x_part);
        let (lost_of_one, lost_of_x) = (self.subtract(one, one_part), self.subtract(x, x_part));
        let lost = self.add(lost_of_one, lost_of_x);
        let (m, k) = self.split(u);
        let correction = self.divide(lost, u);
        let f = self.subtract(m, one);
        (u, self.ln_core(f, k, Some(correction)))
    }

    /// The hyperbolic tangent.
    pub fn tanh(&mut self, x: Vector) -> Vector {
        let a = self.magnitude(x);
        let twice = self.add(a, a);
        let bounded = self.at_most(twice, f32::TANH_FLAT);
        let e = self.exp_moderate(bounded);
        let (one, two, limit) = (self.constant(1.0), self.constant(2.0), self.constant(f32::TANH_SPLIT));
        let sum = self.add(e, one);
        let quotient = self.divide(two, sum);
        let large = self.subtract(one, quotient);
        let z = self.multiply(a, a);
        let cube = self.multiply(a, z);
        let polynomial = self
            .polynomial(z, &[-3.333328e-01, 1.3331406e-01, -5.3736515e-02, 2.0628165e-02, -5.6922873e-03]);
        let small = self.multiply_add(cube, polynomial, a);
        let is_small = self.compare(Comparison::Less, a, limit);
        let value = self.select(is_small, small, large);
        self.with_sign_of(value, x)
    }

    fn exp_of_minus_magnitude(&mut self, x: Vector) -> Vector {
        let sign = self.bits(SIGN);
        let negative = self.binary(Binary::Or, x, sign);
        // No number overflows that is not positive.
        let low = self.constant(f32::EXP_LOW);
        let clamped = self.binary(Binary::Larger, low, negative);
        let (n, value) = self.exp_parts(clamped);
        self.scale(value, n)
    }

    /// 1 / (1 + e⁻ˣ).
    pub fn sigmoid(&mut self, x: Vector) -> Vector {
        let e = self.exp_of_minus_magnitude(x);
        let (zero, one) = (self.constant(0.0), self.constant(1.0));
        let negative = self.compare(Comparison::Less, x, zero);
        let numerator = self.select(negative, e, one);
        let sum = self.add(one, e);
        self.divide(numerator, sum)
    }

    /// ln(1 + eˣ).
    pub fn softplus(&mut self, x: Vector) -> Vector {
        let zero = self.constant(0.0);
        let positive = self.binary(Binary::Larger, x, zero);
        let e = self.exp_of_minus_magnitude(x);
        let logarithm = self.ln_1p_of_fraction(e);
        self.add(positive, logarithm)
    }

    /// The error function.
    pub fn erf(&mut self, x: Vector) -> Vector {
        let a = self.magnitude(x);
        let t = self.at_most(a, f32::ERF_FLAT);
        let z = self.multiply(t, t);
        let polynomial = self.polynomial(
            z,
            &[
                1.2837917e-01,
                -3.7612626e-01,
                1.1283579e-01,
                -2.6853347e-02,
                5.187162e-03,
                -7.997853e-04,
                7.806903e-05,
            ],
        );
        let small = self.multiply_add(t, polynomial, t);
        let logarithm = self.polynomial(
            t,
            &[
                2.0712089e-04,
                1.1276269e+00,
                6.372667e-01,
                1.0385543e-01,
                -2.218924e-02,
                3.0335267e-03,
                -1.9492462e-04,
            ],
        );
        let negative = self.negate(logarithm);
        let e = self.exp_moderate(negative);
        let (one, limit) = (self.constant(1.0), self.constant(f32::ERF_SPLIT));
        let large = self.subtract(one, e);
        let is_small = self.compare(Comparison::Less, t, limit);
        let value = self.select(is_small, small, large);
        self.with_sign_of(value, x)
    }

    /// The nearest number that bf16 has, halves to even; NaN stays NaN.
    pub fn rounded_to_bf16(&mut self, x: Vector) -> Vector {
        let (one, half, quiet) = (self.bits(1), self.bits(0x7fff), self.bits(0x0040_0000));
        let upper = self.bits(0xffff_0000);
        let lowest = self.shift_right(x, 16);
        let odd = self.binary(Binary::And, lowest, one);
        let up = self.binary(Binary::AddIntegers, odd, half);
        let sum = self.binary(Binary::AddIntegers, x, up);
        let rounded = self.binary(Binary::And, sum, upper);
        let high = self.binary(Binary::And, x, upper);
        let kept = self.binary(Binary::Or, high, quiet);
        let nan = self.compare(Comparison::Unordered, x, x);
        self.select(nan, kept, rounded)
    }
}
