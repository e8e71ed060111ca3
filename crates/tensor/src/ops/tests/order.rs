//! Order along an axis.

use super::{Case, anywhere, apart, case, flat};
use crate::{DType, Tensor};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("cumsum", &[&[3, 4]], anywhere, |x| x[0].cumsum(0).square() + x[0].cumsum(-1)),
        case("cumsum empty", &[&[2, 0]], anywhere, |x| x[0].cumsum(1)),
        flat("cumsum integers", &[&[5]], |x| (&x[0] * 10.0).cast(DType::I64).cumsum(0)),
        case("cumsum_reversed", &[&[2, 3, 2]], anywhere, |x| x[0].cumsum_reversed(1).square()),
        case("cumprod", &[&[3, 4]], anywhere, |x| x[0].cumprod(1)),
        case("cumprod zeros", &[&[5]], apart, |x| (&x[0] * x[0].greater(0.5).cast(x[0].dtype())).cumprod(0)),
        case("cummax", &[&[3, 4]], apart, |x| x[0].cummax(1).values.square()),
        case("cummin", &[&[3, 4]], apart, |x| x[0].cummin(0).values.square()),
        case("logcumsumexp", &[&[2, 5]], anywhere, |x| x[0].logcumsumexp(1)),
        case("diff", &[&[2, 5]], anywhere, |x| x[0].diff(2, 1).square()),
        flat("argsort", &[&[3, 4]], |x| x[0].argsort(0, true)),
        case("sort", &[&[3, 4]], apart, |x| x[0].sort(1, true).values.square() * Tensor::arange(4, x[0].dtype())),
        case("topk", &[&[2, 5]], apart, |x| x[0].topk(2, 1).values.square()),
        case("topk first axis", &[&[5, 2]], apart, |x| x[0].topk(3, 0).values.exp()),
        case("bottomk", &[&[2, 5]], apart, |x| x[0].bottomk(2, 1).values.square()),
        case("kthvalue", &[&[2, 5]], apart, |x| x[0].kthvalue(1, -1).square()),
        case("median", &[&[4, 3]], apart, |x| x[0].median(0).square()),
        case("quantile", &[&[2, 5]], apart, |x| x[0].quantile(&[0.1, 0.5, 1.0], 1).square()),
        flat("searchsorted", &[&[2, 4], &[2, 3]], |x| x[0].cumsum(1).searchsorted(&(&x[1] * 3.0), true)),
        flat("bucketize", &[&[3], &[5]], |x| x[1].bucketize(&x[0].cumsum(0), false)),
        flat("isin", &[&[4]], |x| (&x[0] * 4.0).floor().isin(&Tensor::from([0.0f64, 2.0]))),
        flat("count_nonzero", &[&[3, 4]], |x| x[0].greater(0.5).count_nonzero(1)),
        flat("bincount", &[&[6]], |x| (&x[0] * 5.0).cast(DType::I64).bincount(4)),
        case("bincount_weighted", &[&[6]], apart, |x| {
            (&x[0] * 5.0).cast(DType::I64).bincount_weighted(&x[0].square(), 4)
        }),
        flat("histogram", &[&[6]], |x| x[0].histogram(&Tensor::from([0.0f64, 0.3, 0.6, 1.0]))),
        case("histogram_weighted", &[&[6]], apart, |x| {
            x[0].histogram_weighted(&Tensor::from([0.0f64, 0.3, 0.6, 1.0]), &x[0].square())
        }),
        case("masked_select", &[&[2, 3]], anywhere, |x| {
            x[0].masked_select(&Tensor::from([[true, false, true], [false, true, false]])).square()
        })
        .computed_at_the_call(),
        flat("nonzero", &[&[2, 3]], |x| x[0].greater(0.5).nonzero()).computed_at_the_call(),
        flat("unique", &[&[5]], |x| (&x[0] * 3.0).floor().unique().values).computed_at_the_call(),
        case("masked_scatter", &[&[2, 3], &[6]], apart, |x| {
            x[0].masked_scatter(&x[0].greater(0.5), &x[1]).square()
        }),
    ]
}
