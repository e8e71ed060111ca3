//! Pooling of sequences and volumes, with indices, by powers, to given sizes, and undone.

use smallvec::smallvec;

use crate::{DType, Pool1d, Pool2d, Pool3d, Shape, Tensor};

use super::{PoolRole, checked};

/// The largest elements of windows, and where they were.
#[derive(Clone, Debug)]
pub struct Pooled {
    /// The largest elements.
    pub values: Tensor,
    /// Their places in the flattened plane of the image, as `i64`.
    pub indices: Tensor,
}

/// The options of a sequence for images of height 1.
fn flat(options: &Pool1d) -> Pool2d {
    Pool2d {
        window: [1, options.window[0]],
        stride: [1, options.stride[0]],
        padding: [(0, 0), options.padding[0]],
        dilation: [1, options.dilation[0]],
    }
}

/// The options of a volume for its images, and for its depth with images flattened to one axis.
fn parts(options: &Pool3d) -> [Pool2d; 2] {
    let last = |values: [usize; 3]| [values[1], values[2]];
    let images = Pool2d {
        window: last(options.window),
        stride: last(options.stride),
        padding: [options.padding[1], options.padding[2]],
        dilation: last(options.dilation),
    };
    let depth = Pool2d {
        window: [options.window[0], 1],
        stride: [options.stride[0], 1],
        padding: [options.padding[0], (0, 0)],
        dilation: [options.dilation[0], 1],
    };
    [images, depth]
}

/// Pooling of other than images, and with more than a maximum or a mean.
impl Tensor {
    /// The largest element of each window over the last axis; see [`max_pool2d`](Tensor::max_pool2d).
    ///
    /// # Panics
    /// If there is no axis or the window does not fit.
    #[track_caller]
    pub fn max_pool1d(&self, options: &Pool1d) -> Tensor {
        assert!(self.rank() >= 1, "max_pool1d: a sequence needs an axis");
        self.unsqueeze(-2).max_pool2d(&flat(options)).squeeze(-2)
    }

    /// The mean of each window over the last axis; see [`avg_pool2d`](Tensor::avg_pool2d).
    ///
    /// # Panics
    /// If there is no axis or the window does not fit.
    #[track_caller]
    pub fn avg_pool1d(&self, options: &Pool1d) -> Tensor {
        assert!(self.rank() >= 1, "avg_pool1d: a sequence needs an axis");
        self.unsqueeze(-2).avg_pool2d(&flat(options)).squeeze(-2)
    }

    /// The largest element of each window over the last three axes; see [`max_pool2d`](Tensor::max_pool2d). Of equal ones the
    /// derivative goes to one.
    ///
    /// # Panics
    /// If there are fewer than three axes or the window does not fit.
    #[track_caller]
    pub fn max_pool3d(&self, options: &Pool3d) -> Tensor {
        self.pool3d("max_pool3d", options, Tensor::max_pool2d)
    }

    /// The mean of each window over the last three axes; see [`avg_pool2d`](Tensor::avg_pool2d).
    ///
    /// # Panics
    /// If there are fewer than three axes or the window does not fit.
    #[track_caller]
    pub fn avg_pool3d(&self, options: &Pool3d) -> Tensor {
        self.pool3d("avg_pool3d", options, Tensor::avg_pool2d)
    }

    #[track_caller]
    fn pool3d(&self, name: &str, options: &Pool3d, pool: impl Fn(&Tensor, &Pool2d) -> Tensor) -> Tensor {
        assert!(self.rank() >= 3, "{name}: a volume needs three axes, but the shape is {}", self.shape());
        let [images, depth] = parts(options);
        let pooled = pool(self, &images);
        let size = [pooled.shape()[self.rank() - 2], pooled.shape()[self.rank() - 1]];
        pool(&pooled.flatten_range(-2, -1), &depth).unflatten(-1, &size)
    }

    /// The largest element of each window over the last two axes, and where it was, for [`max_unpool2d`](Tensor::max_unpool2d).
    ///
    /// # Panics
    /// If there are fewer than two axes or the window does not fit.
    #[track_caller]
    pub fn max_pool2d_with_indices(&self, options: &Pool2d) -> Pooled {
        let x = self.cast(self.dtype().to_float());
        let op = checked("max_pool2d_with_indices", &x, options, PoolRole::SelectMax);
        let plane: usize = op.image.iter().product();
        // Places are whole numbers, which the type must hold exactly.
        let exact = if plane <= 1 << 24 && x.dtype() != DType::F64 { DType::F32 } else { DType::F64 };
        let places = Tensor::arange(plane, exact).reshape(op.image).broadcast_to(x.shape());
        let indices = op.clone().record(smallvec![x.stop_gradient().cast(exact), places]).cast(DType::I64);
        Pooled { values: op.record(smallvec![x.clone(), x]), indices }
    }

    /// Elements put back where [`max_pool2d_with_indices`](Tensor::max_pool2d_with_indices) found them in images of a size, zeros
    /// elsewhere: `[…, height', width'] → […, size[0], size[1]]`.
    ///
    /// # Panics
    /// If there are fewer than two axes or the indices have another shape.
    #[track_caller]
    pub fn max_unpool2d(&self, indices: &Tensor, size: [usize; 2]) -> Tensor {
        let _site = crate::graph::site::on_behalf_of_caller();
        assert!(
            self.rank() >= 2 && self.shape() == indices.shape(),
            "max_unpool2d: elements {} and indices {} must have one shape of at least two axes",
            self.shape(),
            indices.shape()
        );
        let leading: Shape =
            self.shape()[..self.rank() - 2].iter().copied().chain([size[0] * size[1]]).collect();
        let [elements, places] = [self, indices].map(|tensor| tensor.flatten_range(-2, -1));
        Tensor::zeros(leading, self.dtype()).scatter(-1, &places, &elements).unflatten(-1, &size)
    }

    /// The mean of the elements of each window over the last two axes that are not padding.
    ///
    /// # Panics
    /// If there are fewer than two axes or the window does not fit.
    #[track_caller]
    pub fn avg_pool2d_without_padding(&self, options: &Pool2d) -> Tensor {
        let x = self.cast(self.dtype().to_float());
        assert!(
            x.rank() >= 2,
            "avg_pool2d_without_padding: an image needs two axes, but the shape is {}",
            x.shape()
        );
        let size = [x.shape()[x.rank() - 2], x.shape()[x.rank() - 1]];
        x.avg_pool2d(options) / Tensor::ones(size, x.dtype()).avg_pool2d(options)
    }

    /// (Σ |x|ᵖ)^(1/p) of each window over the last two axes; the derivative at a window of zeros is zero.
    ///
    /// # Panics
    /// If there are fewer than two axes or the window does not fit.
    #[track_caller]
    pub fn lp_pool2d(&self, power: f64, options: &Pool2d) -> Tensor {
        let count = (options.window[0] * options.window[1]) as f64;
        let sum = self.abs().pow(power).avg_pool2d(options) * count;
        let none = sum.equal(0.0);
        none.select(sum.zeros_like(), none.select(sum.ones_like(), &sum).pow(1.0 / power))
    }

    /// Means over windows along the last axes such that these get the given lengths, as in PyTorch: window i of n reaches from
    /// ⌊i·length/n⌋ to ⌈(i + 1)·length/n⌉.
    ///
    /// # Panics
    /// If there are fewer axes than lengths or an axis is empty.
    #[track_caller]
    pub fn adaptive_avg_pool(&self, lengths: &[usize]) -> Tensor {
        let mut x = self.cast(self.dtype().to_float());
        for (axis, windows) in self.adaptive_windows("adaptive_avg_pool", lengths) {
            let elements = window_elements(&x, axis, &windows);
            let widest = elements.shape()[axis + 1];
            // Each element of a window once; the others are repeated ones.
            let own: Vec<bool> = windows
                .iter()
                .flat_map(|(start, end)| (0..widest).map(move |at| start + at < *end))
                .collect();
            let counts: Vec<f64> = windows.iter().map(|(start, end)| (end - start) as f64).collect();
            let behind = vec![1; x.rank() - axis - 1];
            let along = |lengths: &[usize]| -> Shape { lengths.iter().chain(&behind).copied().collect() };
            let own = Tensor::from_vec(own, along(&[windows.len(), widest]));
            let counts = Tensor::from_vec(counts, along(&[windows.len()])).cast(x.dtype());
            x = own.select(&elements, elements.zeros_like()).sum(axis as isize + 1) / counts;
        }
        x
    }

    /// Maxima over the windows of [`adaptive_avg_pool`](Tensor::adaptive_avg_pool).
    ///
    /// # Panics
    /// As there.
    #[track_caller]
    pub fn adaptive_max_pool(&self, lengths: &[usize]) -> Tensor {
        let mut x = self.clone();
        for (axis, windows) in self.adaptive_windows("adaptive_max_pool", lengths) {
            let elements = window_elements(&x, axis, &windows);
            let inner = axis as isize + 1;
            if elements.elements() == 0 {
                x = elements.sum(inner).cast(x.dtype());
                continue;
            }
            // Of equal ones the first, to which the derivative goes.
            let best = elements.argmax(inner).unsqueeze(inner);
            x = elements.gather(inner, &best).squeeze(inner);
        }
        x
    }

    /// For each of the last axes the windows (start, end).
    #[track_caller]
    fn adaptive_windows(&self, name: &str, lengths: &[usize]) -> Vec<(usize, Vec<(usize, usize)>)> {
        assert!(
            lengths.len() <= self.rank(),
            "{name}: {} lengths for the axes of {}",
            lengths.len(),
            self.shape()
        );
        let first = self.rank() - lengths.len();
        let mut all = Vec::with_capacity(lengths.len());
        for (index, count) in lengths.iter().enumerate() {
            let axis = first + index;
            let length = self.shape()[axis];
            assert!(length > 0 || *count == 0, "{name}: axis {axis} of {} is empty", self.shape());
            let window = |i: usize| (i * length / count, ((i + 1) * length).div_ceil(*count));
            all.push((axis, (0..*count).map(window).collect()));
        }
        all
    }
}

/// The elements of windows (start, end) of an axis, along a further axis behind it. Shorter windows have their last element several
/// times.
#[track_caller]
fn window_elements(x: &Tensor, axis: usize, windows: &[(usize, usize)]) -> Tensor {
    let widest = windows.iter().map(|(start, end)| end - start).max().unwrap_or(1);
    let places: Vec<i64> = windows
        .iter()
        .flat_map(|(start, end)| (0..widest).map(move |at| (start + at).min(end - 1) as i64))
        .collect();
    x.take(&Tensor::from_vec(places, [windows.len(), widest]), axis as isize)
}
