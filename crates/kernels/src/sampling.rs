//! Random numbers by rejection, one at a time.
//!
//! Each number reads a stream of its own ([`Stream`]), whose domain is its position, for as long as it takes: the bits
//! depend on key and position alone.

use super::philox::{Stream, uniform_f64};
use super::special::gamma::{HALF_LN_TWO_PI, ln_gamma, stirling_correction};
use super::special::incomplete_gamma::less_its_logarithm;
use super::special::normal::quantile;

/// Domains of single numbers start here; those below belong to whole tensors of uniform numbers.
const FIRST_DOMAIN: u64 = 1 << 32;

/// The stream of number `position` of a key.
pub fn stream(key: u64, position: u64) -> Stream {
    Stream::new(key, FIRST_DOMAIN + position)
}

/// Uniform in (0, 1), symmetric about ½.
fn uniform(stream: &mut Stream) -> f64 {
    let words = [stream.next_word(), stream.next_word()];
    uniform_f64(words) + 2f64.powi(-54)
}

fn normal(stream: &mut Stream) -> f64 {
    quantile(uniform(stream))
}

/// A number of the gamma distribution of a shape of at least 1: Marsaglia and Tsang, *A simple method for generating
/// gamma variables* (2000). NaN for other shapes.
pub fn gamma(stream: &mut Stream, shape: f64) -> f64 {
    if !(1.0..f64::INFINITY).contains(&shape) {
        return if shape == f64::INFINITY { shape } else { f64::NAN };
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = normal(stream);
        let root = 1.0 + c * x;
        if root <= 0.0 {
            continue;
        }
        let v = root * root * root;
        let u = uniform(stream);
        if u.ln() < 0.5 * x * x + d * (1.0 - v + v.ln()) {
            return d * v;
        }
    }
}

/// ln (rateᵏ e^(−rate) / k!). For large `k` by Stirling's series, in which the large terms cancel before they are
/// computed.
fn ln_poisson_probability(k: f64, rate: f64) -> f64 {
    if k < 10.0 {
        return k * rate.ln() - rate - ln_gamma(k + 1.0);
    }
    -k * less_its_logarithm((rate - k) / k) - 0.5 * k.ln() - HALF_LN_TWO_PI - stirling_correction(k)
}

/// A number of the Poisson distribution: by multiplying uniform numbers for small rates (Knuth), else by Hörmann's
/// transformed rejection PTRS (1993). Both are exact. −1 for a rate that is negative, NaN or above 10¹⁵.
pub fn poisson(stream: &mut Stream, rate: f64) -> i64 {
    if !(0.0..=1e15).contains(&rate) {
        return -1;
    }
    if rate < 10.0 {
        let limit = (-rate).exp();
        let (mut count, mut product) = (0, uniform(stream));
        while product > limit {
            count += 1;
            product *= uniform(stream);
        }
        return count;
    }
    let b = 0.931 + 2.53 * rate.sqrt();
    let a = -0.059 + 0.02483 * b;
    let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
    let v_r = 0.9277 - 3.6224 / (b - 2.0);
    loop {
        let u = uniform(stream) - 0.5;
        let v = uniform(stream);
        let us = 0.5 - u.abs();
        let k = ((2.0 * a / us + b) * u + rate + 0.43).floor();
        if us >= 0.07 && v <= v_r {
            return k as i64;
        }
        if k < 0.0 || (us < 0.013 && v > us) {
            continue;
        }
        let left = (v * inverse_alpha / (a / (us * us) + b)).ln();
        if left <= ln_poisson_probability(k, rate) {
            return k as i64;
        }
    }
}
