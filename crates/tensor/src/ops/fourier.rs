//! Discrete Fourier transforms.
//!
//! Three linear ops do all of it, on the last axis and never scaled: complex to complex (either direction), real to
//! half spectrum, half spectrum to real. The transpose of the first is itself in the other direction; the other two are
//! each other's transposes up to weights ½ and 2 of the elements whose conjugates the half spectrum leaves out. So
//! derivatives of all orders stay within the family.

mod frequency;
mod transform;

use crate::cpu::execute::with_pool;
use crate::cpu::kernels::fourier::{Context, complex_rows, real_from_half_rows, real_rows};
use crate::cpu::kernels::isa::Isa;
use crate::{Complex, CustomOp, DType, HostArray, HostArrayMut, Metadata, Shape, Tensor, custom};

pub use transform::Norm;

/// What is transformed into what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// (re, im) into (re, im).
    Complex { inverse: bool },
    /// A real row of length n into the first n/2 + 1 elements (re, im) of its spectrum.
    ToHalf,
    /// (re, im) of a half spectrum into a real row.
    FromHalf,
}

/// A transform of rows of length `n`.
#[derive(Debug)]
struct Fourier {
    kind: Kind,
    n: usize,
}

impl Fourier {
    #[track_caller]
    fn transpose(&self, cotangents: &[Tensor]) -> Vec<Tensor> {
        let weight = |tensor: &Tensor, value: f64| interior_scaled(tensor, self.n, value);
        match self.kind {
            Kind::Complex { inverse } => record(Kind::Complex { inverse: !inverse }, self.n, cotangents),
            Kind::ToHalf => {
                let halved: Vec<Tensor> = cotangents.iter().map(|tensor| weight(tensor, 0.5)).collect();
                record(Kind::FromHalf, self.n, &halved)
            }
            Kind::FromHalf => {
                let half = record(Kind::ToHalf, self.n, cotangents);
                half.iter().map(|tensor| weight(tensor, 2.0)).collect()
            }
        }
    }
}

/// The elements of a half spectrum times `factor` where they stand for their conjugates too.
#[track_caller]
fn interior_scaled(half: &Tensor, n: usize, factor: f64) -> Tensor {
    let position = Tensor::arange(n / 2 + 1, DType::I64);
    let alone = position.equal(0).logical_or(&(position * 2).equal(n));
    half * alone.select(Tensor::constant(1.0, half.dtype()), Tensor::constant(factor, half.dtype()))
}

impl CustomOp for Fourier {
    fn name(&self) -> &str {
        match self.kind {
            Kind::Complex { inverse: false } => "fft",
            Kind::Complex { inverse: true } => "ifft",
            Kind::ToHalf => "rfft",
            Kind::FromHalf => "irfft",
        }
    }
    fn parameters(&self) -> Vec<u64> {
        let kind = match self.kind {
            Kind::Complex { inverse } => u64::from(inverse),
            Kind::ToHalf => 2,
            Kind::FromHalf => 3,
        };
        vec![kind, self.n as u64]
    }
    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        let with_last = |length: usize| {
            let mut shape: Shape = inputs[0].shape.clone();
            let last = shape.rank() - 1;
            shape.dims_mut()[last] = length;
            Metadata { shape, dtype: inputs[0].dtype }
        };
        match self.kind {
            Kind::Complex { .. } => vec![inputs[0].clone(), inputs[0].clone()],
            Kind::ToHalf => vec![with_last(self.n / 2 + 1), with_last(self.n / 2 + 1)],
            Kind::FromHalf => vec![with_last(self.n)],
        }
    }
    fn has_kernel(&self) -> bool {
        true
    }
    fn compute(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        macro_rules! compute {
            ($type:ty) => {
                with_pool(|pool| {
                    let context = Context { pool, isa: Isa::detected() };
                    let input = |index: usize| inputs[index].as_slice::<$type>();
                    match (self.kind, outputs) {
                        (Kind::Complex { inverse }, [re, im]) => {
                            let out = [re.as_mut_slice::<$type>(), im.as_mut_slice()];
                            complex_rows(context, inverse, self.n, [input(0), input(1)], out);
                        }
                        (Kind::ToHalf, [re, im]) => {
                            real_rows(
                                context,
                                self.n,
                                input(0),
                                [re.as_mut_slice::<$type>(), im.as_mut_slice()],
                            );
                        }
                        (Kind::FromHalf, [out]) => {
                            real_from_half_rows(
                                context,
                                self.n,
                                [input(0), input(1)],
                                out.as_mut_slice::<$type>(),
                            );
                        }
                        _ => unreachable!("the outputs are those of infer"),
                    }
                })
            };
        }
        if inputs[0].dtype == DType::F64 { compute!(f64) } else { compute!(f32) }
    }
    fn vjp(
        &self,
        _: &[Tensor],
        outputs: &[Tensor],
        cotangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        let known = or_zeros(cotangents, outputs)?;
        Some(self.transpose(&known).into_iter().map(Some).collect())
    }
    fn jvp(
        &self,
        inputs: &[Tensor],
        _: &[Tensor],
        tangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        let known = or_zeros(tangents, inputs)?;
        Some(record(self.kind, self.n, &known).into_iter().map(Some).collect())
    }
    fn takes_leading_axes(&self) -> bool {
        true
    }
}

/// The derivatives with zeros for those that are missing, unless all are.
#[track_caller]
fn or_zeros(derivatives: &[Option<Tensor>], like: &[Tensor]) -> Option<Vec<Tensor>> {
    derivatives.iter().any(Option::is_some).then(|| {
        let pairs = derivatives.iter().zip(like);
        pairs.map(|(derivative, like)| derivative.clone().unwrap_or_else(|| like.zeros_like())).collect()
    })
}

/// Records a transform of the last axis.
#[track_caller]
fn record(kind: Kind, n: usize, inputs: &[Tensor]) -> Vec<Tensor> {
    custom(Fourier { kind, n }, inputs)
}

/// The two parts that a transform gives.
#[track_caller]
fn parts(mut outputs: Vec<Tensor>) -> Complex {
    let im = outputs.pop().expect("a transform gives two parts");
    let re = outputs.pop().expect("a transform gives two parts");
    Complex { re, im }
}
