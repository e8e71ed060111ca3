//! Modified Bessel functions of the first kind of integer order.

/// e^(−|x|) Iₙ(x): the power series, whose terms have one sign, and the asymptotic series for large arguments
/// (Abramowitz and Stegun 9.6.10, 9.7.1).
pub fn scaled_bessel_i(order: usize, x: f64) -> f64 {
    let a = x.abs();
    let n = order as f64;
    let sign = if x < 0.0 && !order.is_multiple_of(2) { -1.0 } else { 1.0 };
    if x.is_nan() || a == f64::INFINITY {
        return if x.is_nan() { x } else { 0.0 };
    }
    // Beyond 650 the sum itself would overflow.
    if a <= (30.0 + n * n).min(650.0) {
        let half = 0.5 * a;
        let (mut term, mut sum) = (1.0, 0.0);
        for k in 1..=order {
            term *= half / k as f64;
        }
        for k in 1..10_000 {
            sum += term;
            term *= half * half / (k as f64 * (k as f64 + n));
            if term <= 1e-17 * sum {
                break;
            }
        }
        // In two factors, because the exponential alone may underflow.
        let decay = (-half).exp();
        return sign * (sum * decay) * decay;
    }
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..200 {
        let odd = (2 * k - 1) as f64;
        let next: f64 = term * (odd * odd - 4.0 * n * n) / (8.0 * a * k as f64);
        if next.abs() >= f64::abs(term) || next == 0.0 {
            break;
        }
        term = next;
        sum += term;
        if term.abs() < 1e-17 {
            break;
        }
    }
    sign * sum / (2.0 * std::f64::consts::PI * a).sqrt()
}
