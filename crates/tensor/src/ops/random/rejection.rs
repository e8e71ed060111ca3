//! Distributions that are sampled by rejection: ops with a kernel.

use crate::cpu::execute::with_pool;
use crate::cpu::kernels::rows::for_row_blocks;
use crate::cpu::kernels::sampling::{gamma, poisson, stream};
use crate::ops::special::{gamma_density, in_double, incomplete_gamma_slope};
use crate::{CustomOp, DType, HostArray, HostArrayMut, Metadata, Tensor, custom};

/// Numbers from which a second thread pays.
const BLOCK: usize = 256;

/// What is drawn with the inputs (keys, parameter), the shape of the keys being the first axes of the parameter's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Distribution {
    /// Of a shape of at least 1.
    Gamma,
    /// Of a rate, as `i64`.
    Poisson,
    /// Below a bound, all equally likely, as `i64`. The parameter only says how many.
    Below(u64),
}

/// Independent numbers, one for each element of the parameter.
#[derive(Debug)]
struct Rejection {
    distribution: Distribution,
}

impl CustomOp for Rejection {
    fn name(&self) -> &str {
        match self.distribution {
            Distribution::Gamma => "gamma",
            Distribution::Poisson => "poisson",
            Distribution::Below(_) => "randint",
        }
    }
    fn parameters(&self) -> Vec<u64> {
        match self.distribution {
            Distribution::Gamma => vec![0],
            Distribution::Poisson => vec![1],
            Distribution::Below(bound) => vec![2, bound],
        }
    }
    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        let dtype = if self.distribution == Distribution::Gamma { inputs[1].dtype } else { DType::I64 };
        vec![Metadata { shape: inputs[1].shape.clone(), dtype }]
    }
    fn has_kernel(&self) -> bool {
        true
    }
    fn compute(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        let keys: &[i64] = inputs[0].as_slice();
        let count = outputs[0].shape.elements();
        // Numbers of one key.
        let per_key = count / keys.len().max(1);
        macro_rules! fill {
            ($type:ty, |$index:ident, $stream:ident| $value:expr) => {{
                let out: &mut [$type] = outputs[0].as_mut_slice();
                with_pool(|pool| {
                    for_row_blocks(pool, [out], count, BLOCK, &|first, [block]| {
                        for (offset, target) in block.iter_mut().enumerate() {
                            let $index = first + offset;
                            let key = keys[$index / per_key] as u64;
                            let $stream = &mut stream(key, ($index % per_key) as u64);
                            *target = $value;
                        }
                    });
                })
            }};
        }
        match (self.distribution, inputs[1].dtype) {
            (Distribution::Gamma, DType::F64) => {
                let shape: &[f64] = inputs[1].as_slice();
                fill!(f64, |index, stream| gamma(stream, shape[index]));
            }
            (Distribution::Gamma, _) => {
                let shape: &[f32] = inputs[1].as_slice();
                fill!(f32, |index, stream| gamma(stream, f64::from(shape[index])) as f32);
            }
            (Distribution::Poisson, _) => {
                let rate: &[f64] = inputs[1].as_slice();
                fill!(i64, |index, stream| poisson(stream, rate[index]));
            }
            (Distribution::Below(bound), _) => fill!(i64, |_index, stream| stream.below(bound) as i64),
        }
    }
    /// The derivative of a gamma number in its shape by implicit differentiation of P(a, z) = u at fixed u:
    /// dz/da = −(∂P/∂a) / (∂P/∂z) (Figurnov, Mohamed, Mnih 2018).
    fn vjp(
        &self,
        inputs: &[Tensor],
        outputs: &[Tensor],
        cotangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        let Distribution::Gamma = self.distribution else { return Some(vec![None; 2]) };
        let slope = in_double(&[&inputs[1], &outputs[0]], |inputs| {
            let (a, z) = (&inputs[0], &inputs[1]);
            -(incomplete_gamma_slope(a, z) / gamma_density(a, z, 0))
        });
        Some(vec![None, Some(cotangents[0].as_ref()? * slope)])
    }
    fn takes_leading_axes(&self) -> bool {
        true
    }
}

#[track_caller]
fn draw(distribution: Distribution, keys: &Tensor, parameter: &Tensor) -> Tensor {
    custom(Rejection { distribution }, &[keys.clone(), parameter.clone()]).remove(0)
}

/// Gamma numbers of shapes of at least 1, `f32` or `f64`.
#[track_caller]
pub(super) fn gamma_from_one(keys: &Tensor, shape: &Tensor) -> Tensor {
    draw(Distribution::Gamma, keys, shape)
}

/// Poisson numbers of rates in `f64`.
#[track_caller]
pub(super) fn poisson_of(keys: &Tensor, rate: &Tensor) -> Tensor {
    draw(Distribution::Poisson, keys, rate)
}

/// As many integers below `bound` as `like` has elements.
#[track_caller]
pub(super) fn below(keys: &Tensor, bound: u64, like: &Tensor) -> Tensor {
    draw(Distribution::Below(bound), keys, like)
}
