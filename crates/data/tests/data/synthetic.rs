//! Synthetic sets follow their equations.

use crate::support::assert_message;
use bolete_data::synthetic::{self, LabelledPoints};

fn radius(point: &[f64]) -> f64 {
    point[0].hypot(point[1])
}

#[test]
fn sets_depend_on_their_seed_only() {
    let sets = |seed| -> Vec<LabelledPoints> {
        vec![
            synthetic::spiral(3, 20, 0.2, seed),
            synthetic::blobs(20, &[&[0.0, 1.0, 2.0], &[3.0, 4.0, 5.0]], 1.0, seed),
            synthetic::moons(21, 0.1, seed),
            synthetic::circles(21, 0.5, 0.1, seed),
            synthetic::gaussian_classes(&[&[0.0]], &[&[2.0]], 20, seed).unwrap(),
        ]
    };
    assert_eq!(sets(1), sets(1));
    for (one, other) in sets(1).into_iter().zip(sets(2)) {
        assert_ne!(one.points, other.points);
        assert_eq!(one.labels, other.labels);
        assert_eq!(one.points.len(), one.len() * one.dimensions);
    }
}

#[test]
fn without_noise_points_lie_on_their_curves() {
    let spiral = synthetic::spiral(2, 100, 0.0, 0);
    assert!((radius(spiral.point(99)) - 1.0).abs() < 1e-12 && radius(spiral.point(100)) < 1e-12);
    // Half of the way out, one turn further: sin and cos of π·(1 + 1) for class 1.
    let middle = synthetic::spiral(2, 101, 0.0, 0);
    assert!((middle.point(101 + 50)[1] - 0.5).abs() < 1e-12, "{:?}", middle.point(151));
    let circles = synthetic::circles(40, 0.5, 0.0, 0);
    assert!((0..40).all(|i| (radius(circles.point(i)) - [1.0, 0.5][i / 20]).abs() < 1e-12));
    // As sklearn.datasets.make_moons(6, shuffle=False).
    let moons = synthetic::moons(6, 0.0, 0);
    let expected = [1.0, 0.0, 0.0, 1.0, -1.0, 0.0, 0.0, 0.5, 1.0, -0.5, 2.0, 0.5];
    assert!(moons.points.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-12));
    assert_eq!(moons.labels, [0, 0, 0, 1, 1, 1]);
    let blobs = synthetic::blobs(3, &[&[1.0], &[2.0]], 0.0, 0);
    assert_eq!((blobs.points, blobs.labels), (vec![1.0, 2.0, 1.0], vec![0, 1, 0]));
}

#[test]
fn gaussian_classes_have_their_moments() {
    let covariance: &[f64] = &[0.01, 0.2, 0.2, 5.0];
    let count = 100_000;
    let data = synthetic::gaussian_classes(
        &[&[0.0, 0.0], &[1.0, -2.0]],
        &[&[1.0, 0.0, 0.0, 1.0], covariance],
        count,
        3,
    )
    .unwrap();
    assert_eq!(data.labels[count], 1);
    let points: Vec<&[f64]> = (count..2 * count).map(|index| data.point(index)).collect();
    let mean = |axis: usize| points.iter().map(|point| point[axis]).sum::<f64>() / count as f64;
    let means = [mean(0), mean(1)];
    for (row, column) in [(0, 0), (0, 1), (1, 1)] {
        let products = points.iter().map(|point| (point[row] - means[row]) * (point[column] - means[column]));
        let (found, expected) = (products.sum::<f64>() / count as f64, covariance[row * 2 + column]);
        assert!((found / expected - 1.0).abs() < 0.03, "{found} for {expected}");
    }
    assert!((means[0] - 1.0).abs() < 0.002 && (means[1] + 2.0).abs() < 0.04, "{means:?}");
    let refused = |covariance: &[f64], parts: &[&str]| {
        assert_message(synthetic::gaussian_classes(&[&[0.0, 0.0]], &[covariance], 1, 0), parts);
    };
    refused(&[1.0, 2.0, 2.0, 1.0], &["covariance 0", "-3 left on the diagonal in row 1"]);
    refused(&[1.0, 0.5, 0.4, 1.0], &["0.4 and 0.5 on both sides"]);
    refused(&[1.0], &["1 values"]);
    assert_message(synthetic::gaussian_classes(&[&[0.0]], &[], 1, 0), &["1 means and 0 covariances"]);
}

#[test]
fn the_polynomial_of_the_course_is_that_of_the_course() {
    let data = synthetic::course_polynomial(20_000, 5);
    let g = |x: f64| 0.1 * (x - 2.0).powi(3) + x * x - 6.0 * x + 1.0;
    let mut square = 0.0;
    for ((x, y), clean) in data.x.iter().zip(&data.y).zip(&data.clean) {
        assert!((-10.0..10.0).contains(x) && (clean - g(*x)).abs() < 1e-10);
        square += (y - clean).powi(2) / data.x.len() as f64;
    }
    assert!((square / 100.0 - 1.0).abs() < 0.05, "{square}");
}
