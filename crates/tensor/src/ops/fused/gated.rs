//! Gated linear units (Shazeer 2020).

use crate::Tensor;
use crate::shape::axis_for;

/// Gated linear units: a function of the gate times a value. Those with an axis take the gate from its first half and the
/// value from its second; those with `_with` take this tensor as the gate and another as the value.
impl Tensor {
    /// silu(gate) · value with the two halves of `axis`, which becomes half as long (Shazeer 2020, equation 6).
    ///
    /// ```
    /// use bolete_tensor::Tensor;
    /// let x = Tensor::from([[0.0f64, 1.0, 5.0, 2.0]]);
    /// assert_eq!(x.swiglu(-1).to_vec::<f64>(), [0.0, 2.0 / (1.0 + (-1.0f64).exp())]);
    /// ```
    ///
    /// # Panics
    /// If the axis does not exist or does not divide into halves.
    #[track_caller]
    pub fn swiglu(&self, axis: isize) -> Tensor {
        let [gate, value] = self.halves("swiglu", axis);
        gate.swiglu_with(&value)
    }

    /// silu(gate) · `value`, this tensor being the gate.
    ///
    /// # Panics
    /// If the shapes do not broadcast.
    #[track_caller]
    pub fn swiglu_with(&self, value: &Tensor) -> Tensor {
        self.silu() * value
    }

    /// gelu(gate) · value with the two halves of `axis`, which becomes half as long (Shazeer 2020, equation 6).
    ///
    /// # Panics
    /// If the axis does not exist or does not divide into halves.
    #[track_caller]
    pub fn geglu(&self, axis: isize) -> Tensor {
        let [gate, value] = self.halves("geglu", axis);
        gate.geglu_with(&value)
    }

    /// gelu(gate) · `value`, this tensor being the gate.
    ///
    /// # Panics
    /// If the shapes do not broadcast.
    #[track_caller]
    pub fn geglu_with(&self, value: &Tensor) -> Tensor {
        self.gelu() * value
    }

    #[track_caller]
    fn halves(&self, name: &str, axis: isize) -> [Tensor; 2] {
        let _site = crate::graph::site::on_behalf_of_caller();
        let place = axis_for(name, self.shape(), axis, self.rank());
        let length = self.shape()[place];
        assert!(
            length.is_multiple_of(2),
            "{name}: axis {axis} of {} does not divide into halves",
            self.shape()
        );
        let half = |start: usize| self.narrow(place as isize, start, length / 2);
        [half(0), half(length / 2)]
    }
}
