//! The complementary error function and the normal distribution.

use std::f64::consts::{FRAC_1_SQRT_2, LN_2, PI};

use super::super::math::Float;
use crate::isa::Portable;

/// e^(x²) erfc(x) for x ≥ 1, by its continued fraction, evaluated from the back.
fn scaled_erfc(x: f64) -> f64 {
    let terms = 8 + (200.0 / (x * x)) as usize;
    let denominator = (1..=terms).rev().fold(x, |inner, k| x + 0.5 * k as f64 / inner);
    1.0 / (PI.sqrt() * denominator)
}

/// e^(−x²), with what squaring rounds away.
fn exp_minus_square(x: f64) -> f64 {
    let square = x * x;
    let lost = x.mul_add(x, -square);
    (-square).exp() * (1.0 - lost)
}

/// 1 − erf(x), accurate also where it is tiny.
pub fn erfc(x: f64) -> f64 {
    match x {
        x if x < 1.0 => 1.0 - Float::erf::<Portable>(x),
        // Beyond, the result is 0; the square of infinity would make NaN of its rounding error.
        x if x > 30.0 => 0.0,
        x => exp_minus_square(x) * scaled_erfc(x),
    }
}

/// The normal distribution function Φ.
pub fn distribution(x: f64) -> f64 {
    0.5 * erfc(-x * FRAC_1_SQRT_2)
}

/// ln Φ(x).
pub fn ln_distribution(x: f64) -> f64 {
    let t = -x * FRAC_1_SQRT_2;
    match x {
        x if x == f64::NEG_INFINITY => x,
        x if x < -1.5 => scaled_erfc(t).ln() - LN_2 - 0.5 * x * x,
        _ => (-0.5 * erfc(-t)).ln_1p(),
    }
}

/// Wichura's coefficients of numerators and denominators, the highest first.
const CENTRE: [[f64; 8]; 2] = [
    [
        2509.0809287301227,
        33430.57558358813,
        67265.7709270087,
        45921.95393154987,
        13731.69376550946,
        1971.5909503065513,
        133.14166789178438,
        3.3871328727963665,
    ],
    [
        5226.495278852854,
        28729.085735721943,
        39307.89580009271,
        21213.794301586597,
        5394.196021424751,
        687.1870074920579,
        42.31333070160091,
        1.0,
    ],
];
const MIDDLE: [[f64; 8]; 2] = [
    [
        0.0007745450142783414,
        0.022723844989269184,
        0.2417807251774506,
        1.2704582524523684,
        3.6478483247632045,
        5.769497221460691,
        4.630337846156546,
        1.4234371107496835,
    ],
    [
        1.0507500716444169e-09,
        0.0005475938084995345,
        0.015198666563616457,
        0.14810397642748008,
        0.6897673349851,
        1.6763848301838038,
        2.053191626637759,
        1.0,
    ],
];
const FAR: [[f64; 8]; 2] = [
    [
        2.0103343992922881e-07,
        2.7115555687434876e-05,
        0.0012426609473880784,
        0.026532189526576124,
        0.29656057182850487,
        1.7848265399172913,
        5.463784911164114,
        6.657904643501103,
    ],
    [
        2.0442631033899397e-15,
        1.421511758316446e-07,
        1.8463183175100548e-05,
        0.0007868691311456133,
        0.014875361290850615,
        0.1369298809227358,
        0.599832206555888,
        1.0,
    ],
];

fn quotient(coefficients: &[[f64; 8]; 2], r: f64) -> f64 {
    let polynomial = |of: &[f64; 8]| of.iter().fold(0.0, |sum, coefficient| sum * r + coefficient);
    polynomial(&coefficients[0]) / polynomial(&coefficients[1])
}

/// Φ⁻¹(p): infinite at 0 and 1, NaN beyond. Algorithm AS 241 (Wichura 1988), good to about 1e-16.
pub fn quantile(p: f64) -> f64 {
    let edge = match p {
        0.0 => Some(f64::NEG_INFINITY),
        1.0 => Some(f64::INFINITY),
        p if (0.0..1.0).contains(&p) => None,
        _ => Some(f64::NAN),
    };
    if let Some(edge) = edge {
        return edge;
    }
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        return q * quotient(&CENTRE, 0.180_625 - q * q);
    }
    let root = (-f64::ln(if q < 0.0 { p } else { 1.0 - p })).sqrt();
    let distance = if root <= 5.0 { quotient(&MIDDLE, root - 1.6) } else { quotient(&FAR, root - 5.0) };
    distance.copysign(q)
}
