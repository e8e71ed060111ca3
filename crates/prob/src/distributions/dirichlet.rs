//! The distribution of Dirichlet.

use bolete_tensor::{Key, Shape, Tensor, Tree};

use crate::Distribution;
use crate::distribution::{clean, joined, together, within};

/// Probabilities of n classes, with density Π xᵢ^(αᵢ − 1) / B(α) where all are positive and sum to 1.
#[derive(Clone, Debug, Tree)]
pub struct Dirichlet {
    /// The concentrations α `[batch…, n]`, positive.
    pub concentration: Tensor,
}

impl Dirichlet {
    /// From concentrations `[batch…, n]`.
    ///
    /// # Panics
    /// If there is no axis of classes or it is empty.
    #[track_caller]
    pub fn new(concentration: &Tensor) -> Dirichlet {
        assert!(
            concentration.shape().last().is_some_and(|classes| *classes > 0),
            "Dirichlet: expected concentrations […, n], found {}",
            concentration.shape()
        );
        let [concentration] = together("Dirichlet", [concentration]);
        Dirichlet { concentration }
    }

    pub(crate) fn classes(&self) -> usize {
        self.concentration.shape()[self.concentration.rank() - 1]
    }

    /// ln B(α) `[batch…]`.
    pub(crate) fn log_normaliser(&self) -> Tensor {
        self.concentration.lgamma().sum(-1) - self.concentration.sum(-1).lgamma()
    }
}

impl Distribution for Dirichlet {
    fn batch_shape(&self) -> Shape {
        self.concentration.shape()[..self.concentration.rank() - 1].into()
    }
    fn event_shape(&self) -> Shape {
        [self.classes()].into()
    }
    fn is_reparameterised(&self) -> bool {
        true
    }
    fn sample(&self, shape: &[usize], key: &Key) -> Tensor {
        key.dirichlet(&self.concentration, joined(shape, &self.batch_shape()), self.concentration.dtype())
    }
    /// Values count as inside if their sum is 1 within 10⁻³ (10⁻⁶ in `f64`).
    #[track_caller]
    fn log_prob(&self, value: &Tensor) -> Tensor {
        let tolerance = if self.concentration.dtype() == bolete_tensor::DType::F64 { 1e-6 } else { 1e-3 };
        let positive = value.greater(0.0);
        let whole = (value.sum(-1) - 1.0).abs().less(tolerance);
        let inside = positive.all(-1).logical_and(&whole);
        let log = ((&self.concentration - 1.0) * clean(&positive, value, 1.0).log()).sum(-1);
        within(&inside, &(log - self.log_normaliser()), f64::NEG_INFINITY)
    }
    fn mean(&self) -> Tensor {
        &self.concentration / self.concentration.sum_keepdim(-1)
    }
    fn variance(&self) -> Tensor {
        let (mean, total) = (self.mean(), self.concentration.sum_keepdim(-1));
        &mean * (1.0 - &mean) / (total + 1.0)
    }
    fn entropy(&self) -> Option<Tensor> {
        let (alpha, total) = (&self.concentration, self.concentration.sum(-1));
        let terms = ((alpha - 1.0) * alpha.digamma()).sum(-1);
        Some(self.log_normaliser() + (&total - self.classes()) * total.digamma() - terms)
    }
}
