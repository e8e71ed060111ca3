//! Special functions.

use super::{Case, anywhere, case, positive, within_one};
use crate::Tensor;

fn fraction(x: &Tensor) -> Tensor {
    within_one(x) * 0.5 + 0.5
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("lgamma", &[&[3]], positive, |x| x[0].lgamma()),
        case("lgamma negative", &[&[2]], within_one, |x| (&x[0] * 0.4 - 1.5).lgamma()),
        case("digamma", &[&[2, 2]], positive, |x| x[0].digamma()),
        case("polygamma", &[&[3]], positive, |x| x[0].polygamma(2)),
        case("log_beta", &[&[2, 1], &[3]], positive, |x| x[0].log_beta(&x[1])),
        case("igamma", &[&[2, 1], &[3]], positive, |x| x[0].igamma(&x[1])),
        case("igammac", &[&[], &[3]], positive, |x| x[0].igammac(&x[1])),
        case("betainc", &[&[2], &[2], &[2]], positive, |x| x[0].betainc(&x[1], &x[2] / (&x[2] + 1.0))),
        case("erfc", &[&[3]], anywhere, |x| x[0].erfc()),
        case("ndtr", &[&[3]], anywhere, |x| x[0].ndtr()),
        case("log_ndtr", &[&[3]], anywhere, |x| x[0].log_ndtr()),
        case("ndtri", &[&[3]], fraction, |x| x[0].ndtri()),
        case("bessel_i0e", &[&[3]], positive, |x| x[0].bessel_i0e()),
        case("bessel_i1e", &[&[3]], positive, |x| x[0].bessel_i1e()),
        case("special empty", &[&[0, 2]], positive, |x| x[0].lgamma()),
    ]
}
