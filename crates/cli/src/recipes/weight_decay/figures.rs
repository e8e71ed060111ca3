//! Weight decay in pictures.

use bolete::plot::{Axes, Bars, Colour, Figure, Legend, Line};

use super::by_heart::Trained;
use super::forms::Comparison;
use crate::trial::{Course, curves};

/// Accuracy in training and on the test set by update, and the norm of the weights.
pub fn over_time(all: &[Trained]) -> Figure {
    let updates: Vec<f64> = all[0].courses[0].tests.iter().map(|(update, _)| *update as f64).collect();
    let mut accuracy =
        Axes::new("training (dashed) and test (solid)").labels("update", "accuracy").y_range(0.0, 1.02);
    let mut loss = Axes::new("test").labels("update", "loss").log_y();
    let mut norm = Axes::new("norm of all weights").labels("update", "norm").y_range(0.0, f64::NAN);
    for (series, one) in all.iter().enumerate() {
        let name = format!("λ = {}", one.decay);
        let trained = |course: &Course<_>| course.trained.iter().map(|(_, score)| score.accuracy).collect();
        let (mean, _) = crate::trial::mean_curve(&one.courses.iter().map(trained).collect::<Vec<Vec<f64>>>());
        accuracy.push(Line::new(&updates, &mean).colour(Colour::series(series)).dashed().width(1.3));
        curves::add_tests(&mut accuracy, series, &name, &one.courses, |score| score.accuracy);
        curves::add_tests(&mut loss, series, &name, &one.courses, |score| score.loss);
        curves::add(&mut norm, series, &name, &updates, &one.norms);
    }
    Figure::grid(3, [accuracy.legend(Legend::None), loss.legend(Legend::None), norm.legend(Legend::Outside)])
        .title("A network that can learn wrong labels by heart, by decoupled weight decay λ")
}

/// How far the penalty leads from decoupled decay, by optimiser.
pub fn forms(all: &[(&str, &str, Comparison)]) -> Figure {
    let names: Vec<&str> = all.iter().map(|(name, ..)| *name).collect();
    let of = |value: fn(&Comparison) -> f64| -> Vec<f64> {
        // Exactly alike has no place on a logarithmic axis.
        all.iter().map(|(.., found)| value(found).max(1e-17)).collect()
    };
    Figure::new(
        Axes::new("Relative distance of the weights to those of the L2 penalty")
            .labels("", "relative distance")
            .log_y()
            .y_range(1e-17, 10.0)
            .legend(Legend::Outside)
            .with(
                Bars::new(&names, &of(|found| found.penalty_and_gradient))
                    .label("λθ in the gradient")
                    .group("decoupled", &of(|found| found.penalty_and_decoupled)),
            ),
    )
}
