//! The learning-rate finder against curves whose answer is known.

use bolete_train::rate_finder::{RateFinder, find_rate};

/// Falls around `middle` as a sigmoid of the logarithm of the rate, and explodes above `end`.
fn curve(rate: f64, middle: f64, end: f64) -> f64 {
    2.0 - 1.0 / (1.0 + (-2.0 * (rate / middle).ln()).exp()) + (rate / end).powi(2)
}

#[test]
fn the_rates_grow_by_one_factor_between_both_ends() {
    let finder = RateFinder { first: 1e-4, last: 1e2, steps: 7, ..RateFinder::default() };
    let mut rates = Vec::new();
    let found = find_rate(&finder, |rate| {
        rates.push(rate);
        1.0
    });
    let expected = [1e-4, 1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2];
    assert!(rates.iter().zip(expected).all(|(rate, expected)| (rate / expected - 1.0).abs() < 1e-12));
    let found = found.unwrap();
    assert_eq!((rates.len(), found.diverged, found.steepest), (7, false, None));
}

#[test]
fn suggestions_lie_where_the_curve_says() {
    let finder = RateFinder { first: 1e-6, last: 100.0, steps: 400, smoothing: 0.0, ..RateFinder::default() };
    let found = find_rate(&finder, |rate| curve(rate, 1e-2, 10.0)).unwrap();
    let steepest = found.steepest.unwrap();
    assert!((steepest / 1e-2).ln().abs() < 0.1, "{steepest}");
    let lowest = found.steps.iter().min_by(|a, b| a.loss.total_cmp(&b.loss)).unwrap();
    assert_eq!(found.minimum_over_ten, Some(lowest.rate / 10.0));
    assert!(found.diverged);
    let last = found.steps.last().unwrap();
    assert!(last.smoothed > 4.0 * lowest.smoothed && last.rate < 100.0);
}

#[test]
fn the_average_has_no_bias_and_hides_noise() {
    let noise = |step: usize| if step.is_multiple_of(2) { 0.3 } else { -0.3 };
    let finder = RateFinder { first: 1e-6, last: 100.0, steps: 400, ..RateFinder::default() };
    let mut step = 0;
    let found = find_rate(&finder, |rate| {
        step += 1;
        curve(rate, 1e-2, 10.0) + noise(step)
    });
    let found = found.unwrap();
    assert_eq!(found.steps[0].smoothed, found.steps[0].loss);
    // By hand: (0.95 · 0.05 · a + 0.05 · b) / (1 − 0.95²).
    let (a, b) = (found.steps[0].loss, found.steps[1].loss);
    assert!((found.steps[1].smoothed - (0.95 * a + b) / 1.95).abs() < 1e-12);
    // An average lags behind by about twenty steps.
    let steepest = found.steepest.unwrap();
    assert!((1e-3..1.0).contains(&steepest), "{steepest}");
}

#[test]
fn a_loss_that_is_not_finite_ends_the_sweep() {
    let finder = RateFinder { steps: 10, ..RateFinder::default() };
    let mut calls = 0;
    let found = find_rate(&finder, |_| {
        calls += 1;
        if calls == 4 { f64::NAN } else { 1.0 / f64::from(calls) }
    });
    let found = found.unwrap();
    assert_eq!((calls, found.steps.len(), found.diverged), (4, 3, true));
    let nothing = find_rate(&finder, |_| f64::INFINITY).unwrap();
    assert_eq!((nothing.steps.len(), nothing.steepest, nothing.minimum_over_ten), (0, None, None));
}

#[test]
fn negative_losses_diverge_by_their_range() {
    let finder = RateFinder { first: 1.0, last: 9.0, steps: 9, smoothing: 0.0, ..RateFinder::default() };
    let mut losses = [-1.0, -2.0, -3.0, -2.0, -1.0, 1.0, 4.0, 9.0, 9.0].into_iter();
    // Covered: −3 to −1, later to 1; the limit is −3 + 3 · 2 = 3, then −3 + 3 · 4 = 9.
    let found = find_rate(&finder, |_| losses.next().unwrap()).unwrap();
    assert_eq!((found.steps.len(), found.diverged), (9, false));
    let mut losses = [-1.0, -2.0, -3.0, 3.5].into_iter();
    let found = find_rate(&finder, |_| losses.next().unwrap()).unwrap();
    assert_eq!((found.steps.len(), found.diverged), (4, true));
}

#[test]
fn settings_that_make_no_sweep_are_refused_in_one_line() {
    let good = RateFinder::default();
    let bad = [
        RateFinder { first: 0.0, ..good },
        RateFinder { last: 1e-8, ..good },
        RateFinder { last: f64::INFINITY, ..good },
        RateFinder { first: f64::NAN, ..good },
        RateFinder { steps: 1, ..good },
        RateFinder { smoothing: 1.0, ..good },
        RateFinder { divergence: 1.0, ..good },
    ];
    for finder in bad {
        let message = find_rate(&finder, |_| panic!("no step is made")).unwrap_err().to_string();
        assert!(
            message.starts_with("learning-rate finder: expected") && !message.contains('\n'),
            "{message}"
        );
    }
}
