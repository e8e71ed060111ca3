//! The confusion matrix.

use crate::numbers::{self, Numbers};
use crate::{Axes, ColourMap, HeatMap, ticks};

/// How often examples of each class (rows) were taken for each class (columns). `counts` is row-major; colours are the
/// part of each row, numbers the counts.
///
/// # Panics
/// If there are not `names.len()²` counts.
///
/// # Examples
/// ```
/// let axes = bolete_plot::confusion_matrix(&["cat", "dog"], &[48, 2, 5, 45]);
/// assert!(bolete_plot::Figure::new(axes).svg().contains(">48<"));
/// ```
#[track_caller]
pub fn confusion_matrix<S: AsRef<str>>(names: &[S], counts: &(impl Numbers + ?Sized)) -> Axes {
    let counts = counts.numbers();
    let classes = names.len();
    numbers::same_length(["counts", "pairs of classes"], [counts.len(), classes * classes]);
    let parts: Vec<f64> = counts
        .chunks(classes.max(1))
        .flat_map(|row| {
            let total: f64 = row.iter().sum();
            row.iter().map(move |count| if total > 0.0 { count / total } else { 0.0 })
        })
        .collect();
    let mut map = HeatMap::new(classes, classes, &parts)
        .map(ColourMap::Blues)
        .range(0.0, 1.0)
        .label("part of the true class");
    if classes <= 30 {
        let text = |&count: &f64| if count == 0.0 { String::new() } else { ticks::number(count) };
        map = map.texts(counts.iter().map(text).collect());
    }
    let side = (classes as f64 * 30.0).clamp(150.0, 420.0);
    let named = || names.iter().enumerate().map(|(index, name)| (index as f64, name.as_ref().to_string()));
    Axes::new("Confusion matrix")
        .labels("predicted", "true")
        .x_ticks(named())
        .y_ticks(named())
        .reverse_y()
        .equal_aspect()
        .area(side, side)
        .with(map)
}
