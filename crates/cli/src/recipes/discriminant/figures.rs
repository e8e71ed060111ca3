//! Figures of discriminant analysis.

use bolete::plot::{
    Axes, Colour, ColourMap, Contour, Ellipse, Figure, FilledContour, Legend, Line, Marker, Scatter, linspace,
};
use bolete::prelude::*;

use super::MEANS;
use super::boundary::{Fitted, Line as Boundary};
use super::case::Case;
use crate::session::Session;

const COLOURS: [Colour; 2] = [Colour::BLUE, Colour::RED];

/// Points, ellipses, the posterior and the boundary of one case.
pub(super) fn panel(title: &str, case: &Case, boundary: &Boundary, logistic: &Boundary) -> Axes {
    let points = case.train.x.to_vec::<f64>();
    let classes = case.train.y.to_vec::<f64>();
    let scores = boundary.score(&case.train.x).to_vec::<f64>();
    let reach = |axis: usize| {
        let values = || points.iter().skip(axis).step_by(2).copied();
        let (low, high) = (values().fold(f64::MAX, f64::min), values().fold(f64::MIN, f64::max));
        let margin = 0.05 * (high - low);
        (low - margin, high + margin)
    };
    let ((left, right), (below, above)) = (reach(0), reach(1));
    let (x, y) = (linspace(left, right, 121), linspace(below, above, 121));
    let mesh: Vec<f64> = y.iter().flat_map(|y| x.iter().flat_map(move |x| [*x, *y])).collect();
    let mesh = Tensor::from_vec(mesh, [x.len() * y.len(), 2]);
    let posterior = boundary.score(&mesh).sigmoid().to_vec::<f64>();
    let other = logistic.score(&mesh).sigmoid().to_vec::<f64>();
    // Levels beyond 0 and 1 keep the darkest colours out, so that the points are seen.
    let levels: Vec<f64> = (-4..=14).map(|level| f64::from(level) / 10.0).collect();
    let mut axes = Axes::new(title)
        .labels("x₁", "x₂")
        .x_range(left, right)
        .y_range(below, above)
        .with(FilledContour::new(&x, &y, &posterior).levels_at(&levels).map(ColourMap::Diverging).no_bar())
        .with(Contour::new(&x, &y, &other).levels_at(&[0.5]).colour(Colour::GREEN))
        .with(Contour::new(&x, &y, &posterior).levels_at(&[0.5]).colour(Colour::BLACK))
        .area(260.0, 300.0)
        .legend(Legend::None);
    for (class, colour) in COLOURS.into_iter().enumerate() {
        for wrong in [false, true] {
            let chosen = (0..classes.len()).filter(|index| {
                classes[*index] == class as f64 && ((scores[*index] > 0.0) != (class == 1)) == wrong
            });
            let (x, y): (Vec<f64>, Vec<f64>) =
                chosen.map(|index| (points[2 * index], points[2 * index + 1])).unzip();
            let scatter = Scatter::new(&x, &y).colour(colour);
            axes.push(if wrong {
                scatter.marker(Marker::Star).size(7.0).edge(Colour::BLACK)
            } else {
                scatter.size(4.0).edge(Colour::WHITE)
            });
        }
        // The ellipse of two deviations: directions and squared radii are eigenvectors and eigenvalues.
        let covariance = case.covariances[class].to_vec::<f64>();
        let mean = MEANS[class];
        let matrix = [[covariance[0], covariance[1]], [covariance[2], covariance[3]]];
        axes.push(Ellipse::covariance((mean[0], mean[1]), matrix, 2.0).colour(Colour::BLACK).width(1.4));
    }
    axes
}

pub(super) fn cases(session: &mut Session, panels: Vec<Axes>) -> anyhow::Result<()> {
    let caption = "Two classes of 300 points, ellipses at two standard deviations, P(red | x) by discriminant analysis \
                   as background. The black line is its boundary, the green one that of logistic regression; stars are \
                   points that the discriminant gets wrong.";
    session.figure("cases", caption, &Figure::grid(3, panels))
}

/// How Newton's method goes, with a maximum and without one.
pub(super) fn newton(session: &mut Session, fits: &[(&str, Fitted)]) -> anyhow::Result<()> {
    let mut losses =
        Axes::new("Loss").labels("Newton step", "cross-entropy in nats").log_y().legend(Legend::None);
    let mut lengths = Axes::new("Length of the weights").labels("Newton step", "|w|").log_y();
    for (name, fitted) in fits {
        let steps: Vec<f64> = (0..fitted.losses.len()).map(|step| step as f64).collect();
        losses.push(Line::new(&steps, &fitted.losses).marker(Marker::Circle).label(*name));
        lengths.push(Line::new(&steps, &fitted.lengths).marker(Marker::Circle).label(*name));
    }
    let caption = "Newton's method for logistic regression. Where a line separates the classes, the loss goes to 0 and \
                   the weights grow without end.";
    session.figure("newton", caption, &Figure::grid(2, [losses, lengths]))
}
