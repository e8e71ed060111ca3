//! Numbers in ready-made diagrams.

use bolete_plot::{Axes, Figure, Histogram, parity, precision_recall, reliability, roc};

fn shows(axes: Axes, text: &str) {
    let svg = Figure::new(axes).svg();
    assert!(svg.contains(text), "{text} is not in {svg}");
}

#[test]
fn areas_under_curves_are_those_of_scikit_learn() {
    // Scores of one digit, so that many are equal. sklearn.metrics.roc_auc_score, average_precision_score:
    let mixed = |i: usize| (i * 7919) % 1000;
    let scores: Vec<f64> = (0..60).map(|i| (mixed(i) as f64 / 100.0).round() / 10.0).collect();
    let positive: Vec<bool> = (0..60).map(|i| mixed(i) + (i * 331) % 700 > 800).collect();
    shows(roc(&[("m", &scores, &positive)]), "m (area 0.9118)");
    shows(precision_recall(&[("m", &scores, &positive)]), "m (AP 0.9142)");
}

#[test]
fn calibration_error_is_the_mean_gap() {
    // Two bins: ten examples at 0.2 of which 4 are right, ten at 0.9 of which 9 are right.
    let confidence: Vec<f64> = [[0.2; 10], [0.9; 10]].concat();
    let right: Vec<bool> = (0..20).map(|i| if i < 10 { i < 4 } else { i < 19 }).collect();
    shows(reliability(&confidence, &right, 2), "ECE = 10 %");
}

#[test]
fn parity_says_how_far_off_predictions_are() {
    shows(parity(&[1.0, 2.0, 3.0], &[1.0, 2.0, 4.0]), "R² = 0.5, MAE = 0.3333");
}

#[test]
fn histograms_count_everything_once() {
    let values: Vec<f64> = (0..1000).map(|i| ((i * 7919) % 1009) as f64 / 100.0).collect();
    for histogram in
        [Histogram::new(&values), Histogram::new(&values).bins(7), Histogram::new(&[5.0; 9]).bins(3)]
    {
        let (edges, heights) = histogram.counts();
        assert_eq!(edges.len(), heights.len() + 1);
        assert!(edges.windows(2).all(|pair| pair[0] < pair[1]));
        let total: f64 = heights.iter().sum();
        assert!(total == 1000.0 || total == 9.0);
    }
    let (edges, heights) = Histogram::new(&values).density().counts();
    let area: f64 = heights.iter().enumerate().map(|(i, height)| height * (edges[i + 1] - edges[i])).sum();
    assert!((area - 1.0).abs() < 1e-12);
    let (_, heights) = Histogram::new(&[0.5, 1.5, 9.0]).range(0.0, 2.0).bins(2).counts();
    assert_eq!(heights, [1.0, 1.0]);
}
