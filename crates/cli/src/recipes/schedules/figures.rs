//! Schedules in pictures.

use bolete::plot::{Axes, Bars, Colour, Figure, Legend, Line};

use super::catalogue::{Named, plateau};
use super::comparison::Tried;
use crate::trial::{curves, mean_and_deviation};

/// Every schedule in a panel of its own.
pub fn drawn(all: &[Named], steps: u64) -> Figure {
    let places: Vec<u64> = (0..steps).collect();
    let panel = |name: &str, factors: &[f64]| {
        Axes::new(name)
            .labels("step", "factor")
            .y_range(0.0, 1.05)
            .area(175.0, 95.0)
            .with(Line::new(&places, factors).colour(Colour::BLUE))
    };
    let mut panels: Vec<Axes> = all
        .iter()
        .map(|named| {
            let factors: Vec<f64> = places.iter().map(|step| named.schedule.factor(*step)).collect();
            panel(named.name, &factors)
        })
        .collect();
    let (losses, factors) = plateau(steps);
    panels.push(
        panel("plateau", &factors)
            .with(Line::new(&places, &losses).colour(Colour::GRAY).width(1.0).label("loss"))
            .legend(Legend::UpperRight),
    );
    Figure::grid(4, panels).title("Factor of the learning rate")
}

/// Test loss by update, each schedule at its best rate.
pub fn losses(best: &[&Tried]) -> Figure {
    let half = best.len().div_ceil(2);
    let least = best.iter().map(|tried| tried.mean_loss()).fold(f64::INFINITY, f64::min);
    let panels = best.chunks(half.max(1)).map(|some| {
        let mut axes = Axes::new("")
            .labels("update", "test loss")
            .log_y()
            .y_range(least * 0.8, 3.0)
            .legend(Legend::Outside)
            .area(400.0, 230.0);
        for (series, tried) in some.iter().enumerate() {
            let name = format!("{}, {}", tried.name, tried.rate);
            curves::add_tests(&mut axes, series, &name, &tried.courses, |score| score.loss);
        }
        axes
    });
    Figure::grid(1, panels).title("Training with each schedule at its best largest rate")
}

/// Test loss at the end, each schedule at its best rate, with the spread over seeds.
pub fn ends(best: &[&Tried]) -> Figure {
    let mut sorted = best.to_vec();
    sorted.sort_by(|a, b| a.mean_loss().total_cmp(&b.mean_loss()));
    let names: Vec<String> = sorted.iter().map(|tried| format!("{}, {}", tried.name, tried.rate)).collect();
    let (means, deviations): (Vec<f64>, Vec<f64>) =
        sorted.iter().map(|tried| mean_and_deviation(&tried.losses())).unzip();
    Figure::new(
        Axes::new("Test loss at the end, mean and deviation over seeds")
            .labels("test loss", "")
            .area(420.0, 320.0)
            .with(Bars::new(&names, &means).errors(&deviations).horizontal()),
    )
}
