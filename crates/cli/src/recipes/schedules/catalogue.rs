//! All schedules, and a rate that follows the loss.

use bolete::nn::ReduceOnPlateau;
use bolete::prelude::*;

/// Steps of the drawn schedules, of their warm-up, and cycles of those with restarts, as in the lecture's figure.
pub(super) const DRAWN: (u64, u64, u64) = (1000, 100, 3);

/// A schedule with its name.
pub(super) struct Named {
    pub name: &'static str,
    pub formula: &'static str,
    pub schedule: ScheduleSequence,
}

/// All schedules over so many steps.
pub(super) fn all(steps: u64, warm_up: u64, cycles: u64) -> Vec<Named> {
    let plain = |name, formula, schedule| Named { name, formula, schedule: ScheduleSequence::new(schedule) };
    let rise = Schedule::Polynomial { warm_up, total: warm_up, power: 1.0, last: 1.0 };
    let period = ((steps - warm_up) / cycles).max(1);
    let rate = 3.0 / steps as f64;
    vec![
        plain("constant", "1", Schedule::Constant),
        plain("linear warm-up", "t/w, then 1", rise),
        plain(
            "step decay",
            "½ every tenth of the time",
            Schedule::Step { every: (steps / 10).max(1), factor: 0.5 },
        ),
        Named {
            name: "milestones",
            formula: "⅒ after a half and after three quarters",
            schedule: ScheduleSequence::multi_step(&[steps / 2, steps * 3 / 4], 0.1),
        },
        plain("exponential", "e^(−kt)", Schedule::Exponential { factor: (-rate).exp() }),
        plain("inverse time", "1/(1 + kt)", Schedule::InverseTime { decay: 3.0 * rate }),
        plain("inverse square root", "t/w, then √(w/t)", Schedule::InverseSquareRoot { warm_up }),
        plain("linear", "warm-up, then a line to 0", Schedule::linear(warm_up, steps)),
        plain(
            "quadratic",
            "warm-up, then (1 − t)² to 0",
            Schedule::Polynomial { warm_up, total: steps, power: 2.0, last: 0.0 },
        ),
        plain("warm-up, cosine", "half a wave to 0", Schedule::Cosine { warm_up, total: steps, last: 0.0 }),
        Named {
            name: "warm-up, cosine, restarts",
            formula: "half waves, each as long",
            schedule: ScheduleSequence::new(rise)
                .then(warm_up, Schedule::CosineRestarts { period, growth: 1, last: 0.0 }),
        },
        plain(
            "longer restarts",
            "half waves, each twice as long",
            Schedule::CosineRestarts { period: steps.div_ceil(7), growth: 2, last: 0.0 },
        ),
        plain(
            "one cycle",
            "up and down by the cosine",
            Schedule::OneCycle { total: steps, rise: 0.3, first: 0.04, last: 4e-5 },
        ),
    ]
}

/// A rate that falls when the loss stalls, on a loss made for it: three slopes, each ending in a plateau.
pub(super) fn plateau(steps: u64) -> (Vec<f64>, Vec<f64>) {
    let mut rule =
        ReduceOnPlateau { patience: steps / 20, factor: 0.1, threshold: 0.01, ..ReduceOnPlateau::default() };
    let stage = (steps / 3).max(1);
    let loss = |step: u64| {
        let (number, within) = (step / stage, (step % stage) as f64 / stage as f64);
        (0.3 + 0.7 * (-within * 12.0).exp()) * 0.3f64.powi(number as i32)
    };
    (0..steps).map(|step| (loss(step), rule.observe(loss(step)))).unzip()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restarts_are_those_of_the_lecture() {
        let (steps, warm_up, cycles) = DRAWN;
        let all = all(steps, warm_up, cycles);
        let factor =
            |name: &str, step| all.iter().find(|named| named.name == name).unwrap().schedule.factor(step);
        for peak in [99, 100, 400, 700] {
            assert_eq!(factor("warm-up, cosine, restarts", peak), 1.0, "step {peak}");
        }
        assert!((factor("warm-up, cosine, restarts", 250) - 0.5).abs() < 1e-12);
        assert!(factor("warm-up, cosine, restarts", 399) < 1e-3);
        assert_eq!([99, 100, 200].map(|step| factor("step decay", step)), [1.0, 0.5, 0.25]);
    }

    #[test]
    fn the_plateau_is_seen() {
        let (_, factors) = plateau(1000);
        assert_eq!((factors[0], factors[999] < 0.02), (1.0, true));
    }
}
