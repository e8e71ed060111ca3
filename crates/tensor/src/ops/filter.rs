//! Fixed filters of images. At the border the image is mirrored without repeating its edge (`d c b | a b c d | c b a`).

use smallvec::SmallVec;

use crate::cpu::execute::with_pool;
use crate::cpu::kernels::filter::Filter;
use crate::cpu::kernels::gemm::element::Number;
use crate::cpu::kernels::isa::Isa;
use crate::cpu::kernels::math::Real;
use crate::{CustomOp, DType, HostArray, HostArrayMut, Metadata, Tensor, custom};

use super::custom::Engine;

/// Filters of images.
impl Tensor {
    /// The last two axes blurred by normal distributions of standard deviations `sigma` in windows of `size`, both height
    /// first. The weights add up to 1.
    ///
    /// # Panics
    /// If a size is even or reaches beyond the mirrored image, a deviation is not positive, or there are fewer than two axes.
    #[track_caller]
    pub fn gaussian_blur(&self, size: [usize; 2], sigma: [f64; 2]) -> Tensor {
        assert!(
            size.iter().all(|size| size % 2 == 1) && sigma.iter().all(|sigma| *sigma > 0.0),
            "gaussian_blur: sizes {size:?} must be odd, standard deviations {sigma:?} positive"
        );
        let mut image = self.clone();
        for (axis, (size, sigma)) in [-2, -1].into_iter().zip(size.into_iter().zip(sigma)) {
            let middle = (size / 2) as f64;
            let heights: Vec<f64> =
                (0..size).map(|tap| (-0.5 * ((tap as f64 - middle) / sigma).powi(2)).exp()).collect();
            let total: f64 = heights.iter().sum();
            let weights: Vec<f64> = heights.iter().map(|height| height / total).collect();
            image = image.filtered("gaussian_blur", axis, &weights);
        }
        image
    }

    /// Sobel's derivatives along height and along width, the last two axes: `[−1, 0, 1]` along one and `[1, 2, 1]` along
    /// the other. A slope of 1 per position gives 8.
    ///
    /// # Panics
    /// If there are fewer than two axes or one of them is shorter than 2.
    #[track_caller]
    pub fn sobel(&self) -> [Tensor; 2] {
        let _site = crate::graph::site::on_behalf_of_caller();
        let along = |axis: isize, across: isize| {
            self.filtered("sobel", axis, &[-1.0, 0.0, 1.0]).filtered("sobel", across, &[1.0, 2.0, 1.0])
        };
        [along(-2, -1), along(-1, -2)]
    }

    /// The sum of the second differences along the last two axes: the neighbours above, below, left and right, less four
    /// times the position itself.
    ///
    /// # Panics
    /// If there are fewer than two axes or one of them is shorter than 2.
    #[track_caller]
    pub fn laplacian(&self) -> Tensor {
        let _site = crate::graph::site::on_behalf_of_caller();
        let along = |axis: isize| self.filtered("laplacian", axis, &[1.0, -2.0, 1.0]);
        along(-2) + along(-1)
    }

    /// Each position along `axis`, counted from the end, as the weighted sum of those around it.
    #[track_caller]
    fn filtered(&self, name: &str, axis: isize, weights: &[f64]) -> Tensor {
        assert!(self.rank() >= 2, "{name}: expected […, height, width], found {}", self.shape());
        let dtype = self.dtype().to_float();
        let length = self.shape()[(self.rank() as isize + axis) as usize];
        let reach = weights.len() / 2;
        assert!(
            length > reach,
            "{name} of {}: a window of {} needs axis {axis} to be longer than {reach}",
            self.shape(),
            weights.len()
        );
        // Half precision is added up in single.
        let computed = if dtype == DType::F64 { DType::F64 } else { DType::F32 };
        let op = FilterOp { axis, weights: weights.to_vec(), transposed: false };
        op.of(&self.cast(computed)).cast(dtype)
    }
}

/// Weighted sums of neighbours along an axis, or the transpose of that.
#[derive(Clone, Debug)]
struct FilterOp {
    /// Counted from the end, negative.
    axis: isize,
    weights: Vec<f64>,
    transposed: bool,
}

impl FilterOp {
    #[track_caller]
    fn of(&self, x: &Tensor) -> Tensor {
        custom(self.clone(), std::slice::from_ref(x)).remove(0)
    }
}

impl CustomOp for FilterOp {
    fn name(&self) -> &str {
        if self.transposed { "filter_transposed" } else { "filter" }
    }
    fn parameters(&self) -> Vec<u64> {
        let weights = self.weights.iter().map(|weight| weight.to_bits());
        [self.axis.unsigned_abs() as u64, self.transposed.into()].into_iter().chain(weights).collect()
    }
    fn infer(&self, inputs: &[Metadata]) -> Vec<Metadata> {
        inputs.to_vec()
    }
    fn has_kernel(&self) -> bool {
        true
    }
    fn overwrites(&self, _: Engine) -> bool {
        true
    }
    fn compute(&self, inputs: &[HostArray], outputs: &mut [HostArrayMut]) {
        let dims = inputs[0].shape.dims();
        let axis = (dims.len() as isize + self.axis) as usize;
        let sizes = [dims[..axis].iter().product(), dims[axis], dims[axis + 1..].iter().product()];
        let (source, target) = (&inputs[0], &mut outputs[0]);
        match source.dtype {
            DType::F64 => {
                self.run(&self.weights, sizes, source.as_slice::<f64>(), target.as_mut_slice::<f64>());
            }
            _ => {
                let weights: SmallVec<[f32; 16]> = self.weights.iter().map(|weight| *weight as f32).collect();
                self.run(&weights, sizes, source.as_slice::<f32>(), target.as_mut_slice::<f32>());
            }
        }
    }
    fn vjp(&self, _: &[Tensor], _: &[Tensor], cotangents: &[Option<Tensor>]) -> Option<Vec<Option<Tensor>>> {
        let cotangent = cotangents[0].as_ref()?;
        let transpose = FilterOp { transposed: !self.transposed, ..self.clone() };
        Some(vec![Some(transpose.of(cotangent))])
    }
    fn jvp(&self, _: &[Tensor], _: &[Tensor], tangents: &[Option<Tensor>]) -> Option<Vec<Option<Tensor>>> {
        Some(vec![tangents[0].as_ref().map(|tangent| self.of(tangent))])
    }
    fn takes_leading_axes(&self) -> bool {
        true
    }
}

impl FilterOp {
    fn run<T: Number + Real>(
        &self,
        weights: &[T],
        [outer, length, inner]: [usize; 3],
        source: &[T],
        target: &mut [T],
    ) {
        let filter = Filter { weights, transposed: self.transposed, outer, length, inner };
        with_pool(|pool| filter.run(pool, Isa::detected(), source, target));
    }
}
