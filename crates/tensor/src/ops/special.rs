//! Special functions of probability theory.
//!
//! All are elementwise, of `f32` or `f64` (computed in `f64` and rounded), with derivatives of every order unless it
//! says otherwise. Outside of a function's domain the result is NaN.

use crate::cpu::execute::with_pool;
use crate::cpu::kernels::rows::for_row_blocks;
use crate::cpu::kernels::special::incomplete_gamma::{Tail, incomplete_gamma};
use crate::cpu::kernels::special::{bessel, beta, gamma, normal};
use crate::{CustomOp, DType, HostArray, HostArrayMut, Metadata, Tensor, custom};

use super::map::{Operand, together};

/// Elements from which a second thread pays.
const BLOCK: usize = 512;

/// The functions, with the orders of derivatives that belong to the family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    LnGamma,
    /// Order 0 is ψ itself.
    Polygamma(usize),
    LnBeta,
    /// Of order `order` in `a`, of (a, x).
    IncompleteGamma {
        tail: Tail,
        order: usize,
    },
    /// Of order `i` in `a` and `j` in `b`, of (a, b, x).
    IncompleteBeta {
        i: usize,
        j: usize,
    },
    Erfc,
    Ndtr,
    LogNdtr,
    Ndtri,
    /// e^(−|x|) Iₙ(x).
    ScaledBesselI(usize),
}

use Function::*;

impl Function {
    fn name(self) -> &'static str {
        match self {
            LnGamma => "lgamma",
            Polygamma(0) => "digamma",
            Polygamma(_) => "polygamma",
            LnBeta => "log_beta",
            IncompleteGamma { tail: Tail::Lower, .. } => "igamma",
            IncompleteGamma { tail: Tail::Upper, .. } => "igammac",
            IncompleteBeta { .. } => "betainc",
            Erfc => "erfc",
            Ndtr => "ndtr",
            LogNdtr => "log_ndtr",
            Ndtri => "ndtri",
            ScaledBesselI(_) => "bessel_ie",
        }
    }

    fn of(self, x: [f64; 3]) -> f64 {
        match self {
            LnGamma => gamma::ln_gamma(x[0]),
            Polygamma(order) => gamma::polygamma(order, x[0]),
            LnBeta => gamma::ln_beta(x[0], x[1]),
            IncompleteGamma { tail, order } => incomplete_gamma(tail, order, x[0], x[1]),
            IncompleteBeta { i, j } => beta::incomplete_beta(i, j, x[0], x[1], x[2]),
            Erfc => normal::erfc(x[0]),
            Ndtr => normal::distribution(x[0]),
            LogNdtr => normal::ln_distribution(x[0]),
            Ndtri => normal::quantile(x[0]),
            ScaledBesselI(order) => bessel::scaled_bessel_i(order, x[0]),
        }
    }

    /// The partial derivatives in every input.
    #[track_caller]
    fn partials(self, x: &[Tensor], y: &Tensor) -> Vec<Tensor> {
        let number = |value: f64| Tensor::constant(value, y.dtype());
        match self {
            LnGamma => vec![x[0].digamma()],
            Polygamma(order) => vec![x[0].polygamma(order + 1)],
            LnBeta => {
                let of_sum = (&x[0] + &x[1]).digamma();
                vec![x[0].digamma() - &of_sum, x[1].digamma() - of_sum]
            }
            IncompleteGamma { tail, order } => {
                let density = gamma_density(&x[0], &x[1], order);
                let density = if tail == Tail::Lower { density } else { density.neg() };
                vec![apply(IncompleteGamma { tail, order: order + 1 }, x), density]
            }
            IncompleteBeta { i, j } => vec![
                apply(IncompleteBeta { i: i + 1, j }, x),
                apply(IncompleteBeta { i, j: j + 1 }, x),
                beta_density(&x[0], &x[1], &x[2], i, j),
            ],
            Erfc => vec![x[0].square().neg().exp() * number(-std::f64::consts::FRAC_2_SQRT_PI)],
            Ndtr => vec![(x[0].square() * number(-0.5) - number(gamma::HALF_LN_TWO_PI)).exp()],
            LogNdtr => vec![(x[0].square() * number(-0.5) - number(gamma::HALF_LN_TWO_PI) - y).exp()],
            Ndtri => vec![(y.square() * number(0.5) + number(gamma::HALF_LN_TWO_PI)).exp()],
            ScaledBesselI(order) => {
                let above = apply(ScaledBesselI(order + 1), x);
                let slope = match order {
                    0 => above,
                    _ => (apply(ScaledBesselI(order - 1), x) + above) * number(0.5),
                };
                vec![slope - x[0].sign() * y]
            }
        }
    }
}

/// n over k.
fn binomial(n: usize, k: usize) -> f64 {
    (1..=k).fold(1.0, |product, i| product * (n + 1 - i) as f64 / i as f64)
}

/// The derivative of order `order` in `a` of the density xᵃ⁻¹ e⁻ˣ / Γ(a) = e^g. Its quotient with the density, Bₙ,
/// follows from the derivatives of g: Bₙ₊₁ = Σ (n over k) g⁽ᵏ⁺¹⁾ Bₙ₋ₖ.
#[track_caller]
pub(crate) fn gamma_density(a: &Tensor, x: &Tensor, order: usize) -> Tensor {
    in_double(&[a, x], |inputs| {
        let (a, x) = (&inputs[0], &inputs[1]);
        let exponent = (a - 1.0).xlogy(x) - x - a.lgamma();
        let slope = |k: usize| match k {
            1 => x.log() - a.digamma(),
            _ => a.polygamma(k - 1).neg(),
        };
        let mut quotients = vec![Tensor::constant(1.0, DType::F64)];
        for n in 0..order {
            let terms = (0..=n).map(|k| slope(k + 1) * &quotients[n - k] * binomial(n, k));
            quotients.push(terms.reduce(|sum, term| sum + term).expect("a sum of at least one term"));
        }
        exponent.exp() * &quotients[order]
    })
}

/// ∂P(a, x)/∂a.
#[track_caller]
pub(crate) fn incomplete_gamma_slope(a: &Tensor, x: &Tensor) -> Tensor {
    apply(IncompleteGamma { tail: Tail::Lower, order: 1 }, &[a.clone(), x.clone()])
}

/// The derivative of order `i` in `a` and `j` in `b` of the density xᵃ⁻¹ (1 − x)ᵇ⁻¹ / B(a, b), likewise.
#[track_caller]
fn beta_density(a: &Tensor, b: &Tensor, x: &Tensor, i: usize, j: usize) -> Tensor {
    in_double(&[a, b, x], |inputs| {
        let (a, b, x) = (&inputs[0], &inputs[1], &inputs[2]);
        let exponent = (a - 1.0).xlogy(x) + (b - 1.0).xlog1py(x.neg()) - a.log_beta(b);
        let slope = |p: usize, q: usize| {
            let common = (a + b).polygamma(p + q - 1);
            match (p, q) {
                (1, 0) => x.log() - a.digamma() + common,
                (0, 1) => x.neg().log1p() - b.digamma() + common,
                (_, 0) => common - a.polygamma(p - 1),
                (0, _) => common - b.polygamma(q - 1),
                _ => common,
            }
        };
        // quotients[p][q], each from those of lower order: one more derivative in a, or in b where there is none in a.
        let mut quotients: Vec<Vec<Tensor>> = Vec::new();
        for p in 0..=i {
            let mut row: Vec<Tensor> = Vec::new();
            for q in 0..=j {
                let next = if p == 0 && q == 0 {
                    Tensor::constant(1.0, DType::F64)
                } else if p == 0 {
                    let terms = (0..q).map(|l| slope(0, l + 1) * &row[q - 1 - l] * binomial(q - 1, l));
                    terms.reduce(|sum, term| sum + term).expect("a sum of at least one term")
                } else {
                    let pairs = (0..p).flat_map(|k| (0..=q).map(move |l| (k, l)));
                    let terms = pairs.map(|(k, l)| {
                        slope(k + 1, l) * &quotients[p - 1 - k][q - l] * (binomial(p - 1, k) * binomial(q, l))
                    });
                    terms.reduce(|sum, term| sum + term).expect("a sum of at least one term")
                };
                row.push(next);
            }
            quotients.push(row);
        }
        exponent.exp() * &quotients[i][j]
    })
}

/// `body` in `f64`: an exponent that is a difference of large numbers has too few digits in `f32`.
#[track_caller]
pub(crate) fn in_double(inputs: &[&Tensor], body: impl FnOnce(&[Tensor]) -> Tensor) -> Tensor {
    let wide: Vec<Tensor> = inputs.iter().map(|input| input.cast(DType::F64)).collect();
    body(&wide).cast(inputs[0].dtype())
}

/// A function of [`Function`] on each element.
#[derive(Debug)]
struct Special {
    function: Function,
}

impl CustomOp for Special {
    fn name(&self) -> &str {
        self.function.name()
    }
    fn parameters(&self) -> Vec<u64> {
        let (kind, orders) = match self.function {
            LnGamma => (0, [0, 0]),
            Polygamma(order) => (1, [order, 0]),
            LnBeta => (2, [0, 0]),
            IncompleteGamma { tail: Tail::Lower, order } => (3, [order, 0]),
            IncompleteGamma { tail: Tail::Upper, order } => (4, [order, 0]),
            IncompleteBeta { i, j } => (5, [i, j]),
            Erfc => (6, [0, 0]),
            Ndtr => (7, [0, 0]),
            LogNdtr => (8, [0, 0]),
            Ndtri => (9, [0, 0]),
            ScaledBesselI(order) => (10, [order, 0]),
        };
        vec![kind, orders[0] as u64, orders[1] as u64]
    }
    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        vec![inputs[0].clone()]
    }
    fn has_kernel(&self) -> bool {
        true
    }
    fn compute(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        macro_rules! compute {
            ($type:ty) => {{
                let columns: Vec<&[$type]> = inputs.iter().map(|input| input.as_slice()).collect();
                let out: &mut [$type] = outputs[0].as_mut_slice();
                let rows = out.len();
                with_pool(|pool| {
                    for_row_blocks(pool, [out], rows, BLOCK, &|first, [block]| {
                        for (offset, target) in block.iter_mut().enumerate() {
                            let mut arguments = [0.0f64; 3];
                            for (argument, column) in arguments.iter_mut().zip(&columns) {
                                *argument = column[first + offset].into();
                            }
                            *target = self.function.of(arguments) as $type;
                        }
                    });
                });
            }};
        }
        if outputs[0].dtype == DType::F64 { compute!(f64) } else { compute!(f32) }
    }
    fn vjp(
        &self,
        inputs: &[Tensor],
        outputs: &[Tensor],
        cotangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        let cotangent = cotangents[0].as_ref()?;
        let partials = self.function.partials(inputs, &outputs[0]);
        Some(partials.into_iter().map(|partial| Some(cotangent * partial)).collect())
    }
    fn jvp(
        &self,
        inputs: &[Tensor],
        outputs: &[Tensor],
        tangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        let partials = self.function.partials(inputs, &outputs[0]).into_iter().zip(tangents);
        let terms = partials.filter_map(|(partial, tangent)| Some(tangent.as_ref()? * partial));
        Some(vec![terms.reduce(|sum, term| sum + term)])
    }
    fn takes_leading_axes(&self) -> bool {
        true
    }
}

/// Records a function of tensors of one shape and type, `f32` or `f64`.
#[track_caller]
fn apply(function: Function, inputs: &[Tensor]) -> Tensor {
    custom(Special { function }, inputs).remove(0)
}

/// Records a function of any tensors: promoted to a float type, broadcast, half precision by way of `f32`.
#[track_caller]
fn special<const N: usize>(function: Function, inputs: [Tensor; N]) -> Tensor {
    let promoted = inputs.iter().map(Tensor::dtype).reduce(DType::promote);
    let dtype = promoted.expect("a function has arguments").to_float();
    let computed = if dtype.is_half() { DType::F32 } else { dtype };
    let inputs = together(function.name(), inputs);
    let inputs: Vec<Tensor> = inputs.iter().map(|input| input.cast(computed)).collect();
    apply(function, &inputs).cast(dtype)
}

/// Special functions. Integers become `f32`; the arguments of functions of several broadcast.
impl Tensor {
    /// ln |Γ(x)|, infinite at 0, −1, −2, …
    ///
    /// ```
    /// use bolete_tensor::Tensor;
    /// assert!((Tensor::from(5.0f64).lgamma().item() - 24f64.ln()).abs() < 1e-14);
    /// ```
    #[track_caller]
    pub fn lgamma(&self) -> Tensor {
        special(LnGamma, [self.clone()])
    }

    /// ψ(x), the derivative of [`lgamma`](Tensor::lgamma); NaN at 0, −1, −2, …
    #[track_caller]
    pub fn digamma(&self) -> Tensor {
        self.polygamma(0)
    }

    /// The derivative of order `order` of [`digamma`](Tensor::digamma), for x above −10⁵.
    #[track_caller]
    pub fn polygamma(&self, order: usize) -> Tensor {
        special(Polygamma(order), [self.clone()])
    }

    /// ln B(a, b) = ln Γ(a) + ln Γ(b) − ln Γ(a + b) of this tensor and `other`, without cancellation for large
    /// arguments.
    ///
    /// # Panics
    /// If the shapes do not go together, as for the functions below.
    #[track_caller]
    pub fn log_beta(&self, other: impl Operand) -> Tensor {
        special(LnBeta, [self.clone(), other.to_operand(self.dtype())])
    }

    /// The regularised lower incomplete gamma function P(a, x) = ∫₀ˣ tᵃ⁻¹ e⁻ᵗ dt / Γ(a) with this tensor as `a > 0`
    /// and `x ≥ 0`: the distribution function of the gamma distribution. Derivatives exist in x of every order, in
    /// `a` up to order 6 (beyond, evaluating panics).
    #[track_caller]
    pub fn igamma(&self, x: impl Operand) -> Tensor {
        special(IncompleteGamma { tail: Tail::Lower, order: 0 }, [self.clone(), x.to_operand(self.dtype())])
    }

    /// The upper one, Q(a, x) = 1 − P(a, x), accurate also where it is tiny. See [`igamma`](Tensor::igamma).
    #[track_caller]
    pub fn igammac(&self, x: impl Operand) -> Tensor {
        special(IncompleteGamma { tail: Tail::Upper, order: 0 }, [self.clone(), x.to_operand(self.dtype())])
    }

    /// The regularised incomplete beta function Iₓ(a, b) = ∫₀ˣ tᵃ⁻¹ (1 − t)ᵇ⁻¹ dt / B(a, b) with this tensor as `a`:
    /// the distribution function of the beta distribution. Derivatives exist in x of every order, in `a` and `b` up to
    /// order 4 each (beyond, evaluating panics).
    #[track_caller]
    pub fn betainc(&self, b: impl Operand, x: impl Operand) -> Tensor {
        let (b, x) = (b.to_operand(self.dtype()), x.to_operand(self.dtype()));
        special(IncompleteBeta { i: 0, j: 0 }, [self.clone(), b, x])
    }

    /// 1 − erf(x), accurate also where it is tiny.
    #[track_caller]
    pub fn erfc(&self) -> Tensor {
        special(Erfc, [self.clone()])
    }

    /// Φ(x), the distribution function of the standard normal distribution.
    #[track_caller]
    pub fn ndtr(&self) -> Tensor {
        special(Ndtr, [self.clone()])
    }

    /// ln Φ(x), also where Φ underflows.
    #[track_caller]
    pub fn log_ndtr(&self) -> Tensor {
        special(LogNdtr, [self.clone()])
    }

    /// The inverse of [`ndtr`](Tensor::ndtr) on (0, 1): ∓∞ at 0 and 1.
    #[track_caller]
    pub fn ndtri(&self) -> Tensor {
        special(Ndtri, [self.clone()])
    }

    /// e^(−|x|) I₀(x) with the modified Bessel function of the first kind: the norm of the von Mises distribution.
    #[track_caller]
    pub fn bessel_i0e(&self) -> Tensor {
        special(ScaledBesselI(0), [self.clone()])
    }

    /// e^(−|x|) I₁(x).
    #[track_caller]
    pub fn bessel_i1e(&self) -> Tensor {
        special(ScaledBesselI(1), [self.clone()])
    }
}
