//! Learning rates over time against PyTorch (`golden/schedules.py`).

use bolete_nn::{ReduceOnPlateau, Schedule, ScheduleSequence};
use serde_json::Value;

#[path = "../../tensor/tests/golden/read.rs"]
mod read;
use read::{assert_numbers_close, file, numbers};

/// Compares the factors of the first updates with those of the file.
#[track_caller]
fn compare(name: &str, factor: impl Fn(u64) -> f64) {
    let expected = numbers(&file("schedules")[name]);
    let found: Vec<f64> = (0..expected.len() as u64).map(factor).collect();
    assert_numbers_close(name, &found, &expected, 1e-12);
}

fn of(schedule: Schedule) -> impl Fn(u64) -> f64 {
    move |step| schedule.factor(step)
}

#[test]
fn steps_and_powers() {
    compare("step", of(Schedule::Step { every: 5, factor: 0.3 }));
    compare("exponential", of(Schedule::Exponential { factor: 0.85 }));
    compare("polynomial", of(Schedule::Polynomial { warm_up: 0, total: 17, power: 2.5, last: 0.0 }));
    compare("linear", of(Schedule::linear(5, 17)));
}

#[test]
fn cosines() {
    compare("cosine", of(Schedule::Cosine { warm_up: 0, total: 23, last: 0.2 }));
    compare("restarts", of(Schedule::CosineRestarts { period: 5, growth: 1, last: 0.1 }));
    compare("growing_restarts", of(Schedule::CosineRestarts { period: 3, growth: 2, last: 0.0 }));
    compare("one_cycle", of(Schedule::OneCycle { total: 24, rise: 0.3, first: 1.0 / 20.0, last: 1e-3 }));
}

#[test]
fn sequences() {
    let sequence = ScheduleSequence::new(Schedule::Exponential { factor: 0.9 })
        .then(5, Schedule::Step { every: 3, factor: 0.5 })
        .then(14, Schedule::linear(0, 8));
    compare("sequence", |step| sequence.factor(step));
    let product = ScheduleSequence::new(Schedule::Exponential { factor: 0.9 })
        .times(ScheduleSequence::new(Schedule::Step { every: 4, factor: 0.5 }));
    compare("product", |step| product.factor(step));
    let milestones = ScheduleSequence::multi_step(&[3, 10, 11], 0.5);
    compare("multi_step", |step| milestones.factor(step));
    assert_eq!(ScheduleSequence::multi_step(&[0, 2], 0.5).factor(1), 0.5);
}

#[test]
#[should_panic(expected = "a part from 5 cannot follow one from 5")]
fn a_sequence_goes_on() {
    let _ = ScheduleSequence::new(Schedule::Constant).then(5, Schedule::Constant).then(5, Schedule::Constant);
}

#[test]
fn inverse_rates() {
    let inverse = Schedule::InverseTime { decay: 0.5 };
    assert_eq!([0, 2, 6].map(|step| inverse.factor(step)), [1.0, 0.5, 0.25]);
    // Vaswani et al. 2017, equation 3, relative to its largest value.
    let (warm_up, model) = (40.0f64, 512.0f64);
    let rate = |number: f64| model.powf(-0.5) * number.powf(-0.5).min(number * warm_up.powf(-1.5));
    for step in [0, 1, 20, 38, 39, 40, 41, 200, 5000] {
        let found = Schedule::InverseSquareRoot { warm_up: 40 }.factor(step);
        assert!((found - rate(step as f64 + 1.0) / rate(warm_up)).abs() < 1e-12, "{step}: {found}");
    }
}

/// Shows a plateau the values of the file.
fn observe(name: &str, mut plateau: ReduceOnPlateau) {
    let file: &Value = &file("schedules")[name];
    let found: Vec<f64> = numbers(&file["values"]).into_iter().map(|value| plateau.observe(value)).collect();
    assert_numbers_close(name, &found, &numbers(&file["factors"]), 1e-12);
    assert!(plateau.seen.factor < 1.0, "{name}: nothing was reduced");
}

#[test]
fn plateaus() {
    let plain = ReduceOnPlateau { factor: 0.5, patience: 2, threshold: 0.01, ..ReduceOnPlateau::default() };
    observe("plateau", plain);
    let resting = ReduceOnPlateau { factor: 0.2, patience: 1, threshold: 0.05, ..plain };
    observe("plateau_cooldown", ReduceOnPlateau { cooldown: 2, smallest: 0.1, ..resting });
    observe("plateau_maximise", ReduceOnPlateau { maximise: true, patience: 1, threshold: 0.02, ..plain });
}

#[test]
fn nan_is_no_improvement() {
    let mut plateau = ReduceOnPlateau { patience: 0, ..ReduceOnPlateau::default() };
    assert_eq!([1.0, f64::NAN, 0.5].map(|value| plateau.observe(value)), [1.0, 0.1, 0.1]);
    assert_eq!(plateau.seen.best, Some(0.5));
}
