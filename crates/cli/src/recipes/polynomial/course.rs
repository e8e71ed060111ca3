//! The training set of the course and the errors that it prints.

use bolete::prelude::*;

use super::Config;
use super::regression::draw;

/// The training set of the course: g(x) plus noise of deviation 10.
const COURSE: [(f64, f64); 15] = [
    (4.3113184, -8.77683),
    (8.279854, 60.513718),
    (-4.3628454, 23.806458),
    (-4.838004, 23.114985),
    (2.6221733, -8.120585),
    (2.0010605, -0.9829993),
    (8.623859, 39.422348),
    (-5.694196, 27.54778),
    (2.0655708, -2.2201467),
    (4.6557064, 5.656369),
    (-6.285658, 12.625713),
    (0.2013483, 2.9249892),
    (5.0890265, 8.824522),
    (-4.232169, 12.067185),
    (1.5493917, 12.062507),
];

/// The training errors that the course prints, by degree. Up to degree 5 they are those of exact least squares.
pub(super) const PRINTED: [(usize, f64); 5] = [(1, 320.97), (2, 97.25), (3, 59.24), (4, 58.50), (5, 51.98)];

/// The points of the course, or drawn ones.
pub(super) fn training_points(config: &Config) -> (Tensor, Tensor) {
    if !config.course_points {
        return draw(config.seed, &[config.points], config.noise);
    }
    let (x, y): (Vec<f64>, Vec<f64>) = COURSE.into_iter().unzip();
    (Tensor::from_vec(x, [COURSE.len()]), Tensor::from_vec(y, [COURSE.len()]))
}
