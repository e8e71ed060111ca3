//! Contours lie on the function, and filled contours cover the plane once.

use bolete_plot::{Contour, FilledContour, linspace};

fn area(polygon: &[(f64, f64)]) -> f64 {
    let next = polygon.iter().cycle().skip(1);
    polygon.iter().zip(next).map(|(a, b)| a.0 * b.1 - b.0 * a.1).sum::<f64>() / 2.0
}

#[test]
fn lines_lie_on_the_function() {
    let functions: [fn(f64, f64) -> f64; 3] =
        [|x, y| x * x + y * y, |x, y| x * x - y * y, |x, y| (3.0 * x).sin() + (2.0 * y).cos()];
    for function in functions {
        let contour = Contour::function((-2.0, 2.0), (-2.0, 2.0), 201, function);
        for level in [-1.0, -0.3, 0.25, 1.0, 1.7] {
            for line in contour.lines_at(level) {
                assert!(line.len() >= 2);
                for (x, y) in line {
                    assert!((function(x, y) - level).abs() < 2e-3, "{} at {x}, {y}", function(x, y));
                }
            }
        }
    }
}

#[test]
fn a_circle_is_one_closed_line_of_the_right_length() {
    let lines = Contour::function((-2.0, 2.0), (-2.0, 2.0), 101, |x, y| x.hypot(y)).lines_at(1.0);
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].first(), lines[0].last());
    let length: f64 = lines[0].windows(2).map(|p| (p[0].0 - p[1].0).hypot(p[0].1 - p[1].1)).sum();
    assert!((length - std::f64::consts::TAU).abs() < 1e-3, "{length}");
}

#[test]
fn bands_cover_the_plane_exactly_once() {
    // Values without any order have every kind of saddle.
    let value = |i: usize| ((i * 7919 + i * i * 104_729) % 1009) as f64 / 1009.0;
    let (x, y) = (linspace(0.0, 13.0, 14), linspace(0.0, 9.0, 10));
    let values: Vec<f64> = (0..140).map(value).collect();
    let filled = FilledContour::new(&x, &y, &values);
    let levels = [f64::NEG_INFINITY, 0.1, 0.25, 0.4, 0.55, 0.7, 0.9, f64::INFINITY];
    let bands: Vec<_> = levels.windows(2).map(|pair| filled.area_between(pair[0], pair[1])).collect();
    let total: f64 = bands.iter().flatten().map(|polygon| area(polygon)).sum();
    assert!((total - 13.0 * 9.0).abs() < 1e-9, "{total}");
    assert!(bands.iter().flatten().all(|polygon| area(polygon) > -1e-12), "all run the same way round");
    for index in 0..2000 {
        let point = (
            13.0 * ((index * 37) % 2003) as f64 / 2003.0 + 1e-4,
            9.0 * ((index * 91) % 1999) as f64 / 1999.0 + 3.3e-4,
        );
        let holds = |polygon: &&Vec<(f64, f64)>| {
            let next = polygon.iter().cycle().skip(1);
            let crossed = polygon.iter().zip(next).filter(|(a, b)| {
                (a.1 > point.1) != (b.1 > point.1)
                    && point.0 < (b.0 - a.0) * (point.1 - a.1) / (b.1 - a.1) + a.0
            });
            crossed.count() % 2 == 1
        };
        let count: usize = bands.iter().map(|band| band.iter().filter(holds).count()).sum();
        assert_eq!(count, 1, "{point:?}");
    }
}

#[test]
fn lines_are_the_borders_of_bands() {
    let value = |i: usize| ((i * 6151 + i * i * 31) % 997) as f64;
    let axis = linspace(0.0, 8.0, 9);
    let values: Vec<f64> = (0..81).map(value).collect();
    let filled = FilledContour::new(&axis, &axis, &values).area_between(400.0, f64::INFINITY);
    let corners: std::collections::HashSet<(u64, u64)> =
        filled.iter().flatten().map(|(x, y)| (x.to_bits(), y.to_bits())).collect();
    for (x, y) in Contour::new(&axis, &axis, &values).lines_at(400.0).into_iter().flatten() {
        assert!(corners.contains(&(x.to_bits(), y.to_bits())), "{x}, {y}");
    }
}

#[test]
fn cells_with_a_gap_are_left_out() {
    let axis = linspace(0.0, 2.0, 3);
    let mut values = [0.0; 9];
    values[0] = f64::NAN;
    let total: f64 = FilledContour::new(&axis, &axis, &values)
        .area_between(f64::NEG_INFINITY, f64::INFINITY)
        .iter()
        .map(|polygon| area(polygon))
        .sum();
    assert_eq!(total, 3.0);
}
