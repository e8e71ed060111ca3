//! Inputs brought to mean 0 and deviation 1 before training, and what a single outlier does to that.

use bolete::prelude::*;

/// Features of very different scale, with a target that depends on all of them alike.
pub struct Regression {
    /// `[items, features]`, as measured.
    pub raw: Tensor,
    /// The same by the mean and deviation of each feature.
    pub standardised: Tensor,
    /// `[items]`.
    pub targets: Tensor,
}

/// Each column with its mean taken off and divided by its deviation.
pub fn standardise(columns: &Tensor) -> Tensor {
    let (mean, deviation) = (columns.mean_keepdim(0), columns.var(0, 0).sqrt());
    (columns - mean) / deviation
}

impl Regression {
    /// As many items; feature k has the deviation `scales[k]` and as large a mean.
    pub fn new(items: usize, scales: &[f64], key: &Key) -> Regression {
        let [features, noise] = key.split();
        let count = scales.len();
        let unit = features.normal([items, count], DType::F64);
        let scales = Tensor::from_vec(scales.to_vec(), [count]);
        let targets = unit.sum(1) + noise.normal([items], DType::F64) * 0.1 + 1.0;
        let raw = (unit + 1.0) * scales;
        Regression { standardised: standardise(&raw), raw, targets }
    }
}

/// Gradient descent on the squared error of a line with offset.
pub struct LeastSquares {
    /// The largest curvature over the smallest.
    pub condition: f64,
    /// The error over the least one, by update.
    pub excess: Vec<f64>,
}

/// Descends for so many updates, at the rate 2 / (largest + smallest curvature), the best that there is.
pub fn descend(features: &Tensor, targets: &Tensor, steps: usize) -> LeastSquares {
    let items = features.shape()[0];
    let ones = Tensor::ones([items, 1], DType::F64);
    let design = Tensor::concatenate(&[ones, features.clone()], 1);
    let curvature = design.t().matmul(&design) / items as f64;
    let eigenvalues = curvature.eigvalsh().to_vec::<f64>();
    let (smallest, largest) = (eigenvalues[0], eigenvalues[eigenvalues.len() - 1]);
    let error = |weights: &Tensor| (design.matmul(weights) - targets).square().mean(..) * 0.5;
    let least = error(&design.lstsq(targets, None)).item();
    let mut step = Step::new(|weights: Tensor| {
        let (value, slope) = value_and_grad(&error)(&weights);
        (weights - slope * (2.0 / (largest + smallest)), value)
    });
    let mut weights = Tensor::zeros([design.shape()[1]], DType::F64);
    let mut excess = Vec::with_capacity(steps);
    for _ in 0..steps {
        let value;
        (weights, value) = step.call(weights);
        excess.push((value.item() - least).max(0.0));
    }
    LeastSquares { condition: largest / smallest, excess }
}

/// Numbers from N(0, 1), one of them replaced, standardised by mean and deviation and by median and quartiles.
pub struct Outlier {
    /// By mean and deviation.
    pub standardised: Vec<f64>,
    /// By median and the distance of the quartiles, 1.349 deviations of a normal distribution.
    pub robust: Vec<f64>,
}

impl Outlier {
    /// The last of the numbers is replaced by `value`.
    pub fn new(count: usize, value: f64, key: &Key) -> Outlier {
        let mut numbers = key.normal([count], DType::F64).to_vec::<f64>();
        numbers[count - 1] = value;
        let column = Tensor::from_vec(numbers, [count]);
        let quantiles = column.quantile(&[0.25, 0.5, 0.75], 0).to_vec::<f64>();
        let robust = (&column - quantiles[1]) / ((quantiles[2] - quantiles[0]) / 1.349);
        Outlier { standardised: standardise(&column.unsqueeze(1)).to_vec(), robust: robust.to_vec() }
    }
}
