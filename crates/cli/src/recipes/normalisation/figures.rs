//! Normalisation in pictures.

use bolete::plot::{Axes, Colour, Figure, Histogram, Legend, Line, Reference};

use super::comparison::Trained;
use super::inputs::{LeastSquares, Outlier};
use super::layers::Norm;
use super::statistics::Running;
use crate::trial::{curves, mean_and_deviation};

/// Running statistics by update, and what the layer gives in training and in use.
pub fn running(seen: &Running) -> Figure {
    let line = |values: &[f64], series: usize, label: &str| {
        Line::new(&(1..=values.len()).collect::<Vec<_>>(), values).colour(Colour::series(series)).label(label)
    };
    let statistics = Axes::new("Running statistics")
        .labels("updates", "")
        .with(Reference::horizontal(seen.mean).colour(Colour::series(0)))
        .with(Reference::horizontal(seen.deviation).colour(Colour::series(1)))
        .with(line(&seen.running_means, 0, "running mean"))
        .with(line(&seen.running_deviations, 1, "running std"));
    let outputs = Axes::new("Outputs")
        .labels("updates", "")
        .with(line(&seen.trained_means, 0, "mean, in training"))
        .with(line(&seen.used_means, 1, "mean, in use"))
        .with(line(&seen.trained_deviations, 2, "std, in training"))
        .with(line(&seen.used_deviations, 3, "std, in use"));
    Figure::grid(2, [statistics, outputs]).title("Batch normalisation of inputs with mean 5 and deviation 3")
}

/// Accuracy by update, a panel for each learning rate.
pub fn by_step(rates: &[f64], all: &[Trained]) -> Figure {
    let panels = rates.iter().enumerate().map(|(number, rate)| {
        let mut axes = Axes::new(format!("learning rate {rate}"))
            .labels("update", "test accuracy")
            .y_range(0.0, 1.0)
            .legend(if number == 0 { Legend::Automatic } else { Legend::None });
        for (series, norm) in Norm::ALL.into_iter().enumerate() {
            let of_norm = all.iter().filter(|trained| trained.norm == norm && trained.rate == *rate);
            for trained in of_norm {
                curves::add_tests(&mut axes, series, label(norm), &trained.courses, |score| score.accuracy);
            }
        }
        axes
    });
    Figure::grid(rates.len().min(2), panels).title("Normalisation of the hidden layers")
}

fn label(norm: Norm) -> &'static str {
    match norm {
        Norm::None => "none",
        Norm::Batch => "batch normalisation",
        Norm::Layer => "layer normalisation",
    }
}

/// Accuracy at the end by learning rate and by batch size.
pub fn at_the_end(by_rate: &[Trained], by_batch: &[Trained]) -> Figure {
    let panel = |title: &str, x: &str, all: &[Trained], of: fn(&Trained) -> f64| {
        let mut axes = Axes::new(title).labels(x, "test accuracy at the end").log_x().y_range(0.0, 1.0);
        for (series, norm) in Norm::ALL.into_iter().enumerate() {
            let of_norm: Vec<&Trained> = all.iter().filter(|trained| trained.norm == norm).collect();
            if of_norm.is_empty() {
                continue;
            }
            let places: Vec<f64> = of_norm.iter().map(|trained| of(trained)).collect();
            let seeds = of_norm[0].courses.len();
            let curves: Vec<Vec<f64>> = (0..seeds)
                .map(|seed| of_norm.iter().map(|trained| trained.accuracies()[seed]).collect())
                .collect();
            curves::add(&mut axes, series, label(norm), &places, &curves);
        }
        let mut ticks: Vec<f64> = all.iter().map(of).collect();
        ticks.dedup();
        axes.x_ticks(ticks.into_iter().map(|tick| (tick, tick.to_string())))
    };
    Figure::grid(
        2,
        [
            panel("By learning rate", "learning rate", by_rate, |trained| trained.rate),
            panel("By batch size", "batch size", by_batch, |trained| trained.batch as f64),
        ],
    )
    .title("Normalisation: accuracy at the end")
}

/// Excess error of least squares by update.
pub fn least_squares(raw: &LeastSquares, standardised: &LeastSquares) -> Figure {
    let line = |squares: &LeastSquares, name: &str| {
        Line::of(&squares.excess).label(format!("{name}, condition {:.3}", compact(squares.condition)))
    };
    Figure::new(
        Axes::new("Gradient descent on least squares, at the best rate")
            .labels("update", "error above the least")
            .log_y()
            .y_range(1e-12, f64::NAN)
            .legend(Legend::Outside)
            .with(line(raw, "as measured"))
            .with(line(standardised, "standardised")),
    )
}

fn compact(value: f64) -> String {
    if value < 100.0 { format!("{value:.1}") } else { format!("{value:.0e}") }
}

/// Numbers with an outlier by either kind of standardisation.
pub fn outlier(seen: &Outlier) -> Figure {
    let panel = |title: &str, values: &[f64]| {
        let others = &values[..values.len() - 1];
        let deviation = mean_and_deviation(others).1;
        Axes::new(format!("{title}: std of the others {deviation:.2}"))
            .labels("value", "density")
            .x_range(-4.0, 4.0)
            .with(Histogram::new(&others).bins(40).range(-4.0, 4.0).density())
    };
    Figure::grid(
        2,
        [panel("mean and deviation", &seen.standardised), panel("median and quartiles", &seen.robust)],
    )
    .title("999 numbers from N(0, 1) beside one that is 100")
}
