//! What the tests compare with: distances in units in the last place, and values that the standard library lacks,
//! computed by mpmath with 40 digits.

/// How far `actual` is from `expected`, in units in the last place that a number of the given fraction bits and least
/// exponent has there. Infinite where only one is NaN or infinite, or a zero has the wrong sign.
fn distance(actual: f64, expected: f64, fraction_bits: i32, least_exponent: i32, largest: f64) -> f64 {
    if expected.is_nan() || actual.is_nan() {
        return if expected.is_nan() && actual.is_nan() { 0.0 } else { f64::INFINITY };
    }
    if actual == expected {
        let same_sign = actual != 0.0 || actual.is_sign_negative() == expected.is_sign_negative();
        return if same_sign { 0.0 } else { f64::INFINITY };
    }
    // Beyond half a unit past the largest number infinity is right; just below it, it is one unit off.
    if actual.is_infinite() && actual * expected > 0.0 {
        let excess = expected.abs() / largest - 1.0;
        let unit = 2f64.powi(-fraction_bits - 1);
        return if excess >= 0.49 * unit {
            0.0
        } else if excess >= -unit {
            1.0
        } else {
            f64::INFINITY
        };
    }
    if actual.is_infinite() || expected.is_infinite() {
        return f64::INFINITY;
    }
    let exponent = (expected.abs().min(largest).to_bits() >> 52) as i32 - 1023;
    let unit = exponent.max(least_exponent) - fraction_bits;
    // In two steps, because the unit itself may be subnormal.
    (actual - expected).abs() * 2f64.powi(-unit / 2) * 2f64.powi(-unit - -unit / 2)
}

/// The distance of a single-precision number from a double-precision one.
pub fn distance_f32(actual: f32, expected: f64) -> f64 {
    distance(f64::from(actual), expected, 23, -126, f64::from(f32::MAX))
}

/// The distance of two double-precision numbers.
pub fn distance_f64(actual: f64, expected: f64) -> f64 {
    distance(actual, expected, 52, -1022, f64::MAX)
}

/// The error function, by its series of positive terms.
pub fn erf(x: f64) -> f64 {
    let t = x.abs();
    if x.is_nan() || t > 6.0 {
        return if x.is_nan() { x } else { x.signum() };
    }
    let (mut term, mut sum, mut n) = (t, t, 0.0);
    while term > sum * 1e-18 {
        n += 1.0;
        term *= 2.0 * t * t / (2.0 * n + 1.0);
        sum += term;
    }
    (sum * (-t * t).exp() * std::f64::consts::FRAC_2_SQRT_PI).copysign(x)
}

/// Arguments and values of erf.
pub const ERF: [(f64, f64); 28] = [
    (1e-300, 1.1283791670955126e-300),
    (1e-20, 1.1283791670955125e-20),
    (1e-09, 1.1283791670955127e-09),
    (0.001, 0.0011283787909692365),
    (0.1, 0.1124629160182849),
    (0.8474820338676423, 0.7692855863812443),
    (0.9901443871128752, 0.8385692016658137),
    (1.054232278678836, 0.8640147658308429),
    (1.2309403405324604, 0.9182835540576564),
    (0.9878782896879168, 0.8376077410006887),
    (1.2067899959985005, 0.9121145069481612),
    (0.13480627394033767, 0.15119615918092746),
    (0.6587471852537263, 0.6484614750026115),
    (1.2320280603979765, 0.9185529192415275),
    (0.878769463764309, 0.7860465494692607),
    (0.9999999, 0.842700751438961),
    (1.0, 0.8427007929497149),
    (1.0000001, 0.8427008344604605),
    (5.714412409578052, 0.9999999999999993),
    (1.8547092268004075, 0.9912829200101743),
    (3.5984383341326023, 0.999999639968023),
    (2.508206879837169, 0.9996105626918944),
    (3.9644282102560595, 0.9999999793598416),
    (4.112311820847694, 0.999999993961469),
    (1.3642595289856208, 0.9463131105524211),
    (2.361976022272856, 0.9991632367518339),
    (2.6694635934544406, 0.9998401152885203),
    (5.790092321861905, 0.9999999999999998),
];

/// Arguments and values of the inverse of erf.
pub const ERF_INV: [(f64, f64); 22] = [
    (1e-300, 8.86226925452758e-301),
    (1e-20, 8.86226925452758e-21),
    (1e-09, 8.86226925452758e-10),
    (0.001, 0.0008862271574665521),
    (0.1, 0.08885599049425769),
    (0.5314509032582835, 0.5125405430209483),
    (-0.6807915752839235, -0.704339073281632),
    (0.594293982862409, 0.5879407698814143),
    (-0.7224651632021937, -0.7678287163509214),
    (0.2349050409322333, 0.21128136731086122),
    (-0.7466015348994606, -0.8076104575574503),
    (-0.9964502755949307, -2.0616609669248716),
    (0.7428094894485642, 0.8011919627928126),
    (-0.5810872350097642, -0.5715607233470779),
    (-0.5690376615505355, -0.5568790845712077),
    (0.9978, 2.165029549443678),
    (0.9982, 2.2071554342344673),
    (0.99999988, 3.7430667755125944),
    (0.9999999, 3.7665625816384707),
    (0.9999999999990905, 5.05125408524939),
    (0.9999999999999991, 5.686128441310391),
    (0.9999999999999999, 5.8635847487551676),
];
