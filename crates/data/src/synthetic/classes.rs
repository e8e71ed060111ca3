//! Points with classes.

use std::f64::consts::{PI, TAU};

use super::LabelledPoints;
use crate::{DataError, Randomness};

const SPIRAL: u64 = u64::from_be_bytes(*b"SPIRAL\0\0");
const BLOBS: u64 = u64::from_be_bytes(*b"BLOBS\0\0\0");
const MOONS: u64 = u64::from_be_bytes(*b"MOONS\0\0\0");
const CIRCLES: u64 = u64::from_be_bytes(*b"CIRCLES\0");
const GAUSSIAN: u64 = u64::from_be_bytes(*b"GAUSSIAN");

/// Arms of a spiral, one per class, `per_class` points each, class after class. Point `i` of class `c` of `C` is
///
/// ```text
/// t = i / (per_class - 1)
/// angle = 2π/C · (c + 2t) + noise · N(0, 1)
/// (x, y) = t · (sin angle, cos angle)
/// ```
///
/// as in lecture 2, which takes 2 classes of 100 points with noise 0.2.
///
/// # Examples
/// ```
/// let spiral = bolete_data::synthetic::spiral(2, 100, 0.2, 7);
/// assert_eq!((spiral.len(), spiral.labels[100]), (200, 1));
/// ```
pub fn spiral(classes: usize, per_class: usize, noise: f64, seed: u64) -> LabelledPoints {
    let mut data = LabelledPoints::new(2);
    let mut randomness = Randomness::keyed(&[SPIRAL, seed]);
    for class in 0..classes {
        for index in 0..per_class {
            let t = index as f64 / (per_class.max(2) - 1) as f64;
            let angle = TAU / classes as f64 * (class as f64 + 2.0 * t) + noise * randomness.normal_double();
            data.push(&[t * angle.sin(), t * angle.cos()], class);
        }
    }
    data
}

/// Round clouds: point `i` belongs to class `i % centres.len()` and is `centre + deviation · N(0, I)`.
///
/// # Panics
/// If the centres differ in their number of coordinates.
#[track_caller]
pub fn blobs(count: usize, centres: &[&[f64]], deviation: f64, seed: u64) -> LabelledPoints {
    let dimensions = centres.first().map_or(0, |centre| centre.len());
    for centre in centres {
        let found = centre.len();
        assert!(found == dimensions, "expected centres of {dimensions} coordinates, found one of {found}");
    }
    let mut data = LabelledPoints::new(dimensions);
    let mut randomness = Randomness::keyed(&[BLOBS, seed]);
    for index in 0..if centres.is_empty() { 0 } else { count } {
        let class = index % centres.len();
        let point: Vec<f64> =
            centres[class].iter().map(|value| value + deviation * randomness.normal_double()).collect();
        data.push(&point, class);
    }
    data
}

/// Two half circles that reach into each other, as scikit-learn's `make_moons`: with `a` from 0 to π in even steps,
/// class 0 is `(cos a, sin a)` and class 1 is `(1 - cos a, ½ - sin a)`; each coordinate gets `noise · N(0, 1)`.
/// Class 0 comes first and has half of the points, rounded down.
pub fn moons(count: usize, noise: f64, seed: u64) -> LabelledPoints {
    let outer = |a: f64| [a.cos(), a.sin()];
    let inner = |a: f64| [1.0 - a.cos(), 0.5 - a.sin()];
    let mut randomness = Randomness::keyed(&[MOONS, seed]);
    let mut data = LabelledPoints::new(2);
    let first = count / 2;
    for (class, size) in [first, count - first].into_iter().enumerate() {
        for index in 0..size {
            let a = PI * index as f64 / (size.max(2) - 1) as f64;
            let [x, y] = if class == 0 { outer(a) } else { inner(a) };
            let noisy = [x + noise * randomness.normal_double(), y + noise * randomness.normal_double()];
            data.push(&noisy, class);
        }
    }
    data
}

/// A circle of radius `factor` (class 1) within one of radius 1 (class 0), as scikit-learn's `make_circles`: points
/// in even steps of the angle; each coordinate gets `noise · N(0, 1)`. Class 0 comes first and has half of the
/// points, rounded down.
pub fn circles(count: usize, factor: f64, noise: f64, seed: u64) -> LabelledPoints {
    let mut randomness = Randomness::keyed(&[CIRCLES, seed]);
    let mut data = LabelledPoints::new(2);
    let first = count / 2;
    for (class, (size, radius)) in [(first, 1.0), (count - first, factor)].into_iter().enumerate() {
        for index in 0..size {
            let a = TAU * index as f64 / size as f64;
            let (x, y) = (radius * a.cos(), radius * a.sin());
            let noisy = [x + noise * randomness.normal_double(), y + noise * randomness.normal_double()];
            data.push(&noisy, class);
        }
    }
    data
}

/// Normal classes `x | y = c ~ N(mean_c, covariance_c)`, `per_class` points each, class after class: what linear
/// discriminant analysis assumes (with one covariance for all). A covariance is `[d, d]`, row-major.
///
/// Lecture 2 has the means (0, 0) and (1, 0) with covariances such as `[[0.01, 0.2], [0.2, 5]]`, 300 points each.
///
/// # Errors
/// [`DataError::Invalid`] when sizes do not fit, or a covariance is not symmetric and positive definite.
pub fn gaussian_classes(
    means: &[&[f64]],
    covariances: &[&[f64]],
    per_class: usize,
    seed: u64,
) -> Result<LabelledPoints, DataError> {
    let dimensions = means.first().map_or(0, |mean| mean.len());
    if means.len() != covariances.len() || means.iter().any(|mean| mean.len() != dimensions) {
        return Err(DataError::invalid(
            "as many covariances as means, of equal numbers of coordinates",
            format!("{} means and {} covariances", means.len(), covariances.len()),
        ));
    }
    let mut data = LabelledPoints::new(dimensions);
    let mut randomness = Randomness::keyed(&[GAUSSIAN, seed]);
    for (class, (mean, covariance)) in means.iter().zip(covariances).enumerate() {
        let expected = || {
            format!("covariance {class} as a symmetric positive definite {dimensions} x {dimensions} matrix")
        };
        let factor =
            cholesky(covariance, dimensions).map_err(|found| DataError::invalid(expected(), found))?;
        for _ in 0..per_class {
            let standard: Vec<f64> = (0..dimensions).map(|_| randomness.normal_double()).collect();
            let coordinate = |row: usize| {
                let products = (0..=row).map(|column| factor[row * dimensions + column] * standard[column]);
                mean[row] + products.sum::<f64>()
            };
            data.push(&(0..dimensions).map(coordinate).collect::<Vec<_>>(), class);
        }
    }
    Ok(data)
}

/// The lower triangle `L` with `L Lᵀ = covariance`, or what is wrong.
fn cholesky(covariance: &[f64], size: usize) -> Result<Vec<f64>, String> {
    if covariance.len() != size * size {
        return Err(format!("{} values", covariance.len()));
    }
    let mut factor = vec![0.0; size * size];
    for row in 0..size {
        for column in 0..=row {
            let (here, mirrored) = (covariance[row * size + column], covariance[column * size + row]);
            if (here - mirrored).abs() > 1e-12 * here.abs().max(mirrored.abs()) {
                return Err(format!("{here} and {mirrored} on both sides of the diagonal"));
            }
            let products = (0..column).map(|k| factor[row * size + k] * factor[column * size + k]);
            let left = here - products.sum::<f64>();
            factor[row * size + column] = if row > column {
                left / factor[column * size + column]
            } else if left > 0.0 {
                left.sqrt()
            } else {
                return Err(format!("{left} left on the diagonal in row {row}"));
            };
        }
    }
    Ok(factor)
}
