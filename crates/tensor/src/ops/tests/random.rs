//! Random numbers.

use super::{Case, case, flat, positive};
use crate::{DType, Key, Tensor};

pub(super) fn cases() -> Vec<Case> {
    vec![
        flat("split+split_many+permutation+normal+bernoulli+uniform", &[&[3]], |x| {
            let key = Key::from_tensor((x[0].sum(..) * 1e6).cast(DType::I64));
            let [a, b] = key.split();
            let shuffled = a.permutation(3).cast(DType::F64);
            b.normal([3], DType::F64) + shuffled + b.bernoulli(0.5, [3]).cast(DType::F64)
        }),
        // The derivative of a gamma number is that of the quantile, not that of the sampler's path: differences do not
        // show it. `tests/random.rs` checks it.
        flat("gamma", &[&[2]], |x| Key::new(2).gamma(&x[0], [3, 2], DType::F64)),
        flat("gamma small", &[&[3]], |x| Key::new(8).gamma(&x[0] * 0.1, [3], DType::F64)),
        flat("log_gamma", &[&[]], |x| Key::new(3).log_gamma(&x[0], [3], DType::F64)),
        flat("beta", &[&[2], &[]], |x| Key::new(4).beta(&x[0], &x[1], [2], DType::F64)),
        flat("dirichlet", &[&[3]], |x| Key::new(5).dirichlet(&x[0], [2], DType::F64)),
        flat("student_t", &[&[3]], |x| Key::new(6).student_t(&x[0], [3], DType::F64)),
        case("truncated_normal", &[&[3], &[]], positive, |x| {
            Key::new(7).truncated_normal(-&x[0], &x[1], [3], DType::F64)
        }),
        flat("poisson+randint", &[&[3]], |x| {
            let key = Key::from_tensor((x[0].sum(..) * 1e6).cast(DType::I64));
            (key.poisson(&x[0] * 20.0, [2, 3]) + key.randint(-5, 7, [3])).cast(DType::F64)
        }),
        flat("exponential+laplace+gumbel+cauchy+rademacher", &[&[]], |x| {
            let key = Key::from_tensor((&x[0] * 1e6).cast(DType::I64));
            let [a, b, c, d] = key.split();
            let sum = a.exponential([2], DType::F64) + b.laplace([2], DType::F64) + c.gumbel([2], DType::F64);
            sum + d.cauchy([2], DType::F64) + key.rademacher([2], DType::F64)
        }),
        flat("multinomial", &[&[2, 3]], |x| {
            let key = Key::from_tensor((x[0].sum(..) * 1e6).cast(DType::I64));
            key.multinomial(&x[0], 2, false) + key.multinomial(&x[0], 2, true)
        }),
        flat("shuffle+choice", &[&[4, 2]], |x| {
            let key = Key::from_tensor((x[0].sum(..) * 1e6).cast(DType::I64));
            key.shuffle(&x[0], 0) + key.choice(&x[0], 4, true, 0) * key.choice(&x[0], 4, false, 0)
        }),
        flat("bernoulli", &[&[3]], |x| Key::new(9).bernoulli(&x[0], [2, 3])),
        flat("categorical", &[&[3, 4]], |x| Key::new(1).categorical(&x[0])),
        flat("arange", &[&[3]], |x| &x[0] + Tensor::arange(3, DType::F64)),
    ]
}
