//! Identities that hold to the last digits, and derivatives against differences. Values are checked against SciPy in
//! the golden tests.

use super::bessel::scaled_bessel_i;
use super::beta::incomplete_beta;
use super::gamma::{digamma, ln_beta, ln_gamma, polygamma};
use super::incomplete_gamma::{Tail, incomplete_gamma};
use super::jet::Jet;
use super::normal::{distribution, erfc, ln_distribution, quantile};

#[track_caller]
fn close(left: f64, right: f64, tolerance: f64) {
    assert!((left - right).abs() <= tolerance * (1.0 + right.abs()), "{left} is not {right}");
}

#[test]
fn jets_differentiate() {
    // f = a³ b / (a + b) at (2, 3).
    let (a, b) = (Jet::<3, 3>::first(2.0), Jet::<3, 3>::second(3.0));
    let f = a * a * a * b / (a + b);
    close(f.value(), 24.0 / 5.0, 1e-15);
    close(f.derivative(1, 0), (36.0 * 5.0 - 24.0) / 25.0, 1e-15);
    // ∂f/∂b = a⁴ / (a + b)², ∂²f/∂a∂b = 4a³/(a + b)² − 2a⁴/(a + b)³.
    close(f.derivative(0, 1), 16.0 / 25.0, 1e-15);
    close(f.derivative(1, 1), 32.0 / 25.0 - 32.0 / 125.0, 1e-15);
    close(f.ln().exp().derivative(2, 1), f.derivative(2, 1), 1e-13);
}

#[test]
fn gamma_functions_satisfy_their_recurrences() {
    for step in 0..4000 {
        let x = -20.0 + 0.0171 * f64::from(step) + 1e-3;
        close(ln_gamma(x + 1.0), ln_gamma(x) + x.abs().ln(), 2e-13);
        close(digamma(x + 1.0), digamma(x) + 1.0 / x, 1e-12);
        for order in 1..4 {
            let factorial: f64 = (1..=order).map(|k| k as f64).product();
            let sign = if order % 2 == 0 { 1.0 } else { -1.0 };
            let jump = sign * factorial / x.powi(order as i32 + 1);
            close(polygamma(order, x + 1.0), polygamma(order, x) + jump, 1e-12 * (1.0 + jump.abs()));
        }
    }
    for n in [1.0, 2.0] {
        assert_eq!(ln_gamma(n), 0.0);
    }
    assert!(ln_gamma(0.0).is_infinite() && ln_gamma(-3.0).is_infinite() && digamma(-3.0).is_nan());
    assert!(ln_gamma(f64::NAN).is_nan() && ln_gamma(f64::INFINITY) == f64::INFINITY);
}

#[test]
fn log_beta_is_symmetric_and_accurate_for_large_arguments() {
    for (a, b) in [(0.5, 3.0), (12.0, 0.3), (200.0, 400.0), (11.0, 9.0)] {
        assert_eq!(ln_beta(a, b), ln_beta(b, a));
        close(ln_beta(a, b), ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b), 1e-12);
    }
    // B(a, 1) = 1/a and B(a, 2) = 1/(a (a + 1)).
    for a in [0.3, 5.0, 1e3, 1e8] {
        close(ln_beta(a, 1.0), -f64::ln(a), 1e-14);
        close(ln_beta(a, 2.0), -f64::ln(a) - f64::ln(a + 1.0), 1e-14);
    }
}

#[test]
fn incomplete_functions_agree_with_closed_forms() {
    for x in [1e-8, 0.2, 1.0, 3.5, 40.0] {
        close(incomplete_gamma(Tail::Lower, 0, 1.0, x), -f64::exp_m1(-x), 1e-15);
        let upper = incomplete_gamma(Tail::Upper, 0, 2.0, x);
        assert!((upper / ((1.0 + x) * (-x).exp()) - 1.0).abs() < 1e-13, "{x}");
    }
    for x in [0.01, 0.4, 0.77, 0.999] {
        close(incomplete_beta(0, 0, 3.5, 1.0, x), x.powf(3.5), 1e-14);
        close(incomplete_beta(0, 0, 2.0, 2.0, x), x * x * (3.0 - 2.0 * x), 1e-14);
    }
    assert!(
        incomplete_gamma(Tail::Lower, 0, -1.0, 1.0).is_nan() && incomplete_beta(0, 0, 1.0, 1.0, 1.5).is_nan()
    );
    assert_eq!(incomplete_gamma(Tail::Upper, 0, 2.0, f64::INFINITY), 0.0);
    assert_eq!(incomplete_gamma(Tail::Lower, 1, 2.0, 0.0), 0.0);
}

#[test]
fn derivatives_in_the_shapes_are_those_of_differences() {
    let h = 1e-5;
    for (a, x) in [(0.3, 0.1), (0.3, 2.0), (3.0, 3.9), (3.0, 4.0), (15.0, 9.0), (40.0, 60.0), (2.0, 5.0)] {
        for tail in [Tail::Lower, Tail::Upper] {
            for order in 0..4 {
                let at = |a: f64| incomplete_gamma(tail, order, a, x);
                let difference = (at(a + h) - at(a - h)) / (2.0 * h);
                close(incomplete_gamma(tail, order + 1, a, x), difference, 1e-7);
            }
        }
    }
    for (a, b, x) in [(0.5, 0.7, 0.2), (2.0, 3.0, 0.9), (12.0, 7.0, 0.6), (30.0, 60.0, 0.3)] {
        for (i, j) in [(0, 0), (1, 0), (0, 1), (1, 1), (2, 1)] {
            let at = |a: f64, b: f64| incomplete_beta(i, j, a, b, x);
            let in_a = (at(a + h, b) - at(a - h, b)) / (2.0 * h);
            let in_b = (at(a, b + h) - at(a, b - h)) / (2.0 * h);
            close(incomplete_beta(i + 1, j, a, b, x), in_a, 1e-6);
            close(incomplete_beta(i, j + 1, a, b, x), in_b, 1e-6);
        }
    }
}

#[test]
fn normal_functions_invert_each_other() {
    for step in -300..=300 {
        let x = f64::from(step) * 0.02;
        let p = distribution(x);
        if x < 5.0 {
            // What rounding p loses grows with x.
            close(quantile(p), x, 1e-14 + 1e-16 / (-0.5 * x * x).exp());
        }
        close(ln_distribution(x), p.ln(), 1e-14);
        close(erfc(x) + erfc(-x), 2.0, 1e-15);
    }
    assert_eq!((quantile(0.0), quantile(1.0)), (f64::NEG_INFINITY, f64::INFINITY));
    assert!(quantile(1.1).is_nan() && quantile(-0.1).is_nan() && quantile(f64::NAN).is_nan());
    assert_eq!((distribution(f64::NEG_INFINITY), distribution(f64::INFINITY)), (0.0, 1.0));
    assert!(erfc(f64::NAN).is_nan() && ln_distribution(f64::NEG_INFINITY) == f64::NEG_INFINITY);
}

#[test]
fn bessel_functions_satisfy_their_recurrence() {
    for x in [1e-3, 0.5, 3.0, 29.9, 30.1, 31.5, 700.0, 1e5] {
        for order in 1..6 {
            // Iₙ₋₁ − Iₙ₊₁ = 2n/x Iₙ.
            let left = scaled_bessel_i(order - 1, x) - scaled_bessel_i(order + 1, x);
            close(left, 2.0 * order as f64 / x * scaled_bessel_i(order, x), 1e-14);
            assert_eq!(scaled_bessel_i(order, -x).abs(), scaled_bessel_i(order, x));
        }
    }
    assert_eq!((scaled_bessel_i(0, 0.0), scaled_bessel_i(1, 0.0)), (1.0, 0.0));
}
