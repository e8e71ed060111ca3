//! Normalisation by the root of the mean square (Zhang, Sennrich 2019; Karras et al. 2018), and to length 1.

use smallvec::SmallVec;

use crate::shape::axis_for;
use crate::{CustomOp, Metadata, Tensor, custom};

/// x / √(mean of x² + ε) over `axes` axes from `first` on, times a weight in the shape of the last axes if there is a
/// second input.
#[derive(Debug)]
struct RmsNorm {
    first: usize,
    axes: usize,
    epsilon: f64,
}

impl RmsNorm {
    fn over(&self) -> SmallVec<[isize; 4]> {
        (self.first..self.first + self.axes).map(|axis| axis as isize).collect()
    }

    /// 1/√(mean of x² + ε).
    #[track_caller]
    fn scale(&self, x: &Tensor) -> Tensor {
        let mean = x.square().mean_keepdim(self.over().as_slice());
        (mean + Tensor::constant(self.epsilon, x.dtype())).rsqrt()
    }
}

impl CustomOp for RmsNorm {
    fn name(&self) -> &str {
        "rms_norm"
    }
    fn parameters(&self) -> Vec<u64> {
        vec![self.first as u64, self.axes as u64, self.epsilon.to_bits()]
    }
    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        vec![inputs[0].clone()]
    }
    fn fallback(&self, inputs: &[Tensor]) -> Option<Vec<Tensor>> {
        let normalised = &inputs[0] * self.scale(&inputs[0]);
        Some(vec![match inputs.get(1) {
            Some(weight) => normalised * weight,
            None => normalised,
        }])
    }
    fn vjp(
        &self,
        inputs: &[Tensor],
        _: &[Tensor],
        cotangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        let (x, weight, cotangent) = (&inputs[0], inputs.get(1), cotangents[0].as_ref()?);
        let scale = self.scale(x);
        let normalised = x * &scale;
        let weighted = weight.map_or_else(|| cotangent.clone(), |weight| cotangent * weight);
        let along = (&weighted * &normalised).mean_keepdim(self.over().as_slice());
        let dx = (weighted - &normalised * along) * scale;
        let outer: SmallVec<[isize; 4]> = (0..self.first as isize).collect();
        let dweight = weight.map(|_| Some((cotangent * normalised).sum(outer.as_slice())));
        Some([Some(dx)].into_iter().chain(dweight).collect())
    }
}

/// x / ‖x‖ along one axis; zero where x is.
#[derive(Debug)]
struct L2Normalise {
    axis: isize,
}

impl L2Normalise {
    /// ‖x‖ with 1 in place of 0, and where it is not 0.
    #[track_caller]
    fn length(&self, x: &Tensor) -> (Tensor, Tensor) {
        let length = x.norm_keepdim(2.0, self.axis);
        let usable = length.not_equal(Tensor::constant(0.0, x.dtype()));
        (usable.select(length, Tensor::constant(1.0, x.dtype())), usable)
    }
}

impl CustomOp for L2Normalise {
    fn name(&self) -> &str {
        "l2_normalise"
    }
    fn parameters(&self) -> Vec<u64> {
        vec![self.axis as u64]
    }
    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        vec![inputs[0].clone()]
    }
    fn fallback(&self, inputs: &[Tensor]) -> Option<Vec<Tensor>> {
        let (length, usable) = self.length(&inputs[0]);
        Some(vec![usable.select(&inputs[0] / length, Tensor::constant(0.0, inputs[0].dtype()))])
    }
    fn vjp(
        &self,
        inputs: &[Tensor],
        outputs: &[Tensor],
        cotangents: &[Option<Tensor>],
    ) -> Option<Vec<Option<Tensor>>> {
        let (y, cotangent) = (&outputs[0], cotangents[0].as_ref()?);
        let (length, usable) = self.length(&inputs[0]);
        let across = (cotangent - y * (cotangent * y).sum_keepdim(self.axis)) / length;
        Some(vec![Some(usable.select(across, Tensor::constant(0.0, y.dtype())))])
    }
}

impl Tensor {
    /// Each vector along the last axes divided by the root of its mean square, then scaled: the shape of `weight` says
    /// how many axes that is (Zhang, Sennrich 2019, equation 4).
    ///
    /// ```
    /// use bolete_tensor::Tensor;
    /// let x = Tensor::from([[2.0f64, -2.0]]);
    /// assert_eq!(x.rms_norm(&Tensor::from([5.0f64, 10.0]), 0.0).to_vec::<f64>(), [5.0, -10.0]);
    /// ```
    ///
    /// # Panics
    /// If the last axes of the tensor are not the shape of `weight`.
    #[track_caller]
    pub fn rms_norm(&self, weight: &Tensor, epsilon: f64) -> Tensor {
        let axes = weight.rank();
        assert!(
            axes > 0 && axes <= self.rank() && self.shape()[self.rank() - axes..] == **weight.shape(),
            "rms_norm: the last axes of {} must be the shape of the weight {}",
            self.shape(),
            weight.shape()
        );
        let dtype = self.dtype().to_float();
        let op = RmsNorm { first: self.rank() - axes, axes, epsilon };
        custom(op, &[self.cast(dtype), weight.cast(dtype)]).remove(0)
    }

    /// The vector of channels (axis 1) at each place divided by the root of its mean square, without a weight (Karras et
    /// al. 2018, section 4.2).
    ///
    /// # Panics
    /// If there are fewer than two axes.
    #[track_caller]
    pub fn pixel_norm(&self, epsilon: f64) -> Tensor {
        assert!(self.rank() >= 2, "pixel_norm: {} has no channels, axis 1", self.shape());
        let op = RmsNorm { first: 1, axes: 1, epsilon };
        custom(op, &[self.cast(self.dtype().to_float())]).remove(0)
    }

    /// Each vector along `axis` divided by its length, without overflow on the way. A vector of zeros stays zero, and so is
    /// its derivative; one with a NaN or an infinite element has NaN in it.
    ///
    /// ```
    /// use bolete_tensor::Tensor;
    /// let x = Tensor::from([[3.0f64, -4.0], [0.0, 0.0]]);
    /// assert_eq!(x.l2_normalise(-1).to_vec::<f64>(), [0.6, -0.8, 0.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// If the axis does not exist.
    #[track_caller]
    pub fn l2_normalise(&self, axis: isize) -> Tensor {
        let axis = axis_for("l2_normalise", self.shape(), axis, self.rank()) as isize;
        custom(L2Normalise { axis }, &[self.cast(self.dtype().to_float())]).remove(0)
    }
}
