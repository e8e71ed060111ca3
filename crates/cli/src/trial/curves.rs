//! Curves of repeated trainings in a panel.

use bolete::plot::{Axes, Band, Colour, Line};

use super::{Course, Score, mean_curve};

/// Adds the mean over `curves` as a line and one deviation around it as a band, in the palette's colour number `series`.
pub fn add(axes: &mut Axes, series: usize, label: &str, x: &[f64], curves: &[Vec<f64>]) {
    let (mean, deviation) = mean_curve(curves);
    let edge = |sign: f64| -> Vec<f64> {
        mean.iter().zip(&deviation).map(|(mean, deviation)| mean + sign * deviation).collect()
    };
    let (x, colour) = (&x[..mean.len()], Colour::series(series));
    axes.push(Band::new(x, &edge(-1.0), &edge(1.0)).colour(colour));
    axes.push(Line::new(x, &mean).colour(colour).label(label));
}

/// [`add`] for something of the test scores of several courses, by update.
pub fn add_tests<M>(
    axes: &mut Axes,
    series: usize,
    label: &str,
    courses: &[Course<M>],
    of: impl Fn(&Score) -> f64,
) {
    let Some(first) = courses.first() else { return };
    let updates: Vec<f64> = first.tests.iter().map(|(update, _)| *update as f64).collect();
    let curve = |course: &Course<M>| course.tests.iter().map(|(_, score)| of(score)).collect();
    add(axes, series, label, &updates, &courses.iter().map(curve).collect::<Vec<_>>());
}
