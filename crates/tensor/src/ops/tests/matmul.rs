//! Matrix products.

use super::{Case, anywhere, case};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("matmul", &[&[3, 4], &[4, 2]], anywhere, |x| x[0].matmul(&x[1])),
        case("matmul vectors", &[&[4], &[4]], anywhere, |x| x[0].matmul(&x[1])),
        case("matmul row", &[&[4], &[2, 4, 3]], anywhere, |x| x[0].matmul(&x[1])),
        case("matmul batch", &[&[2, 1, 3, 4], &[3, 4, 2]], anywhere, |x| x[0].matmul(&x[1])),
        case("matmul strided", &[&[4, 3], &[2, 4]], anywhere, |x| x[0].t().matmul(&x[1].t())),
        case("matmul empty", &[&[3, 0], &[0, 2]], anywhere, |x| x[0].matmul(&x[1])),
        case("outer", &[&[3], &[2]], anywhere, |x| x[0].outer(&x[1])),
    ]
}
