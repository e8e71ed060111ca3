//! The inverse of the error function, from which normal samples are made.
//!
//! As in M. Giles, *Approximating the erfinv function* (2010): with w = -ln(1 - x²) the function is x times a smooth
//! function of w (of √w in the tails), given by a polynomial on each of a few ranges. The polynomials are our own.

use super::exponential::ln;
use super::power::ln_medium;
use super::real::{Real, horner, multiply_add};
use crate::isa::Instructions;

#[inline(always)]
fn edges<T: Real>(x: T, result: T) -> T {
    let outside = if x.magnitude() == T::ONE { T::INFINITY.with_sign_of(x) } else { T::NAN };
    if x.magnitude() < T::ONE { result } else { outside }
}

/// The number whose error function is `x`.
#[inline(always)]
pub fn erf_inv_f32<I: Instructions>(x: f32) -> f32 {
    // In double precision 1 - x² keeps all digits that matter next to ±1.
    let wide = f64::from(x);
    let w = -ln_medium::<I>(1.0 - wide * wide) as f32;
    let c = w - 2.5;
    // 2^-25 or the rounding of the first coefficient.
    let center = horner!(
        I,
        c,
        1.5014094e+00,
        2.4664026e-01,
        -4.177669e-03,
        -1.2531776e-03,
        2.1860581e-04,
        -4.589255e-06,
        -3.5362318e-06,
        3.715349e-07,
        2.9426525e-08,
        -1.4006234e-09
    );
    let t = w.sqrt() - 3.0;
    let tail = horner!(
        I,
        t,
        2.8329768e+00,
        1.0016748e+00,
        9.44427e-03,
        -7.634017e-03,
        5.695723e-03,
        -3.6133653e-03,
        1.4629796e-03,
        -2.5342855e-05,
        -2.9247653e-04,
        9.431962e-05
    );
    edges(x, x * if w < 5.0 { center } else { tail })
}

/// The number whose error function is `x`.
#[inline(always)]
pub fn erf_inv_f64<I: Instructions>(x: f64) -> f64 {
    let w = -ln::<I, f64>((1.0 - x) * (1.0 + x));
    let c = w - 3.125;
    // 2^-52.2, like the other two below.
    let center = horner!(
        I,
        c,
        1.653654562683103,
        0.2401581824255895,
        -0.006033670871430709,
        -0.0007407025341652996,
        0.00018673420803641237,
        -1.388252336491505e-05,
        -1.3654692039173435e-06,
        4.234787804237792e-07,
        -2.9070366770981206e-08,
        -4.11263516727935e-09,
        1.0512107327136449e-09,
        -5.415372571626197e-11,
        -1.2974670064055035e-11,
        2.633427003261792e-12,
        -8.160860655114718e-14,
        -4.053482800535548e-14,
        6.648671988900399e-15,
        2.0098423602292553e-17,
        -1.3416297613059604e-16,
        1.1197364560470183e-17,
        1.3224489656345346e-18,
        -1.692701316227112e-19,
        -4.3277398435309605e-21
    );
    let root = w.sqrt();
    let m = root - 3.25;
    let middle = horner!(
        I,
        m,
        3.0838856104922203,
        1.0052589676941597,
        0.005370914553602541,
        -0.0037512085075984574,
        0.002491442095513862,
        -0.0016882755553042595,
        0.0009532893906088392,
        -0.0003550375283100172,
        2.4031010843600636e-05,
        6.828489800934077e-05,
        -4.731771751007879e-05,
        1.2475149859587369e-05,
        2.921902129248687e-06,
        -4.013575108139683e-06,
        1.5054508759035536e-06,
        1.7946277489448224e-08,
        -2.7774086462482154e-07,
        9.087770494326129e-08,
        3.2261804513281413e-09
    );
    let t = root - 5.0;
    let tail = horner!(
        I,
        t,
        4.8499064014085835,
        1.0103004648645333,
        -0.000138719318323638,
        -0.00021503011925432417,
        7.599527680387569e-05,
        -1.9681778687879067e-05,
        4.526064108471726e-06,
        -9.929795691725221e-07,
        2.2900002498572555e-07,
        -6.772063654959209e-08,
        2.9155821082509253e-08,
        -1.494756234620145e-08,
        7.609122914100321e-09,
        -3.798519030271935e-09,
        1.5100791141195362e-09,
        -2.529581833716909e-10,
        -2.7320557893330974e-11
    );
    let far = if w < 16.0 { middle } else { tail };
    edges(x, x * if w < 6.25 { center } else { far })
}
