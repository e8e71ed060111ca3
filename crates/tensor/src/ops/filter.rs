//! Fixed filters of images. At the border the image is mirrored without repeating its edge (`d c b | a b c d | c b a`).

use crate::Tensor;

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
        let along = |axis: isize| self.filtered("laplacian", axis, &[1.0, -2.0, 1.0]);
        along(-2) + along(-1)
    }

    /// Each position along `axis` as the weighted sum of those around it.
    #[track_caller]
    fn filtered(&self, name: &str, axis: isize, weights: &[f64]) -> Tensor {
        assert!(self.rank() >= 2, "{name}: expected […, height, width], found {}", self.shape());
        let image = self.cast(self.dtype().to_float());
        let length = self.shape()[(self.rank() as isize + axis) as usize];
        let reach = weights.len() / 2;
        assert!(
            length > reach,
            "{name} of {}: a window of {} needs axis {axis} to be longer than {reach}",
            self.shape(),
            weights.len()
        );
        let mirrored = |position: usize| {
            let position = (position as isize - reach as isize).unsigned_abs();
            if position < length { position as i64 } else { (2 * (length - 1) - position) as i64 }
        };
        let positions: Vec<i64> = (0..length + 2 * reach).map(mirrored).collect();
        let wide = image.take(&Tensor::from_vec(positions, [length + 2 * reach]), axis);
        let terms = weights.iter().enumerate().filter(|(_, weight)| **weight != 0.0);
        let sum = terms
            .map(|(tap, weight)| wide.narrow(axis, tap, length) * Tensor::constant(*weight, image.dtype()));
        sum.reduce(|sum, term| sum + term).unwrap_or_else(|| image.zeros_like())
    }
}
