//! Connectionist temporal classification: the probability of all alignments of a labelling, and its slope.
//!
//! States are the labels with blanks before, between and behind; forward and backward variables are logarithms, as in
//! Graves et al. 2006, section 4.1, kept in double precision whatever the type of the inputs.

/// One sequence. `classes` log probabilities per step, and steps `pitch` apart.
#[derive(Clone, Copy)]
pub struct Sequence<'a, T> {
    /// From the first step of this sequence on.
    pub log_probabilities: &'a [T],
    /// Numbers from step to step.
    pub pitch: usize,
    /// Steps.
    pub steps: usize,
    /// Labels, none of which is the blank.
    pub target: &'a [i64],
    /// The class that stands for no label.
    pub blank: usize,
}

impl<T: Copy + Into<f64>> Sequence<'_, T> {
    fn states(&self) -> usize {
        2 * self.target.len() + 1
    }

    fn class(&self, state: usize) -> usize {
        if state.is_multiple_of(2) { self.blank } else { self.target[state / 2] as usize }
    }

    /// Whether a state follows the one before the last directly: two different labels need no blank between.
    fn skips(&self, state: usize) -> bool {
        state % 2 == 1 && state >= 3 && self.class(state) != self.class(state - 2)
    }

    fn emits(&self, step: usize, state: usize) -> f64 {
        self.log_probabilities[step * self.pitch + self.class(state)].into()
    }

    /// Logarithms of the probabilities of all beginnings that end in a state, `[steps, states]`.
    fn forward(&self) -> Vec<f64> {
        let states = self.states();
        let mut alpha = vec![f64::NEG_INFINITY; self.steps * states];
        for step in 0..self.steps {
            for state in 0..states {
                let sum = match step {
                    0 if state < 2 => 0.0,
                    0 => f64::NEG_INFINITY,
                    _ => {
                        let before = |back: usize| alpha[(step - 1) * states + state - back];
                        let one = if state >= 1 { before(1) } else { f64::NEG_INFINITY };
                        let two = if self.skips(state) { before(2) } else { f64::NEG_INFINITY };
                        log_sum([before(0), one, two])
                    }
                };
                alpha[step * states + state] = sum + self.emits(step, state);
            }
        }
        alpha
    }

    /// The logarithm of the probability of the labelling.
    fn total(&self, alpha: &[f64]) -> f64 {
        let states = self.states();
        if self.steps == 0 {
            return if states == 1 { 0.0 } else { f64::NEG_INFINITY };
        }
        let last = &alpha[(self.steps - 1) * states..];
        let before = if states > 1 { last[states - 2] } else { f64::NEG_INFINITY };
        log_sum([last[states - 1], before, f64::NEG_INFINITY])
    }

    /// The negative logarithm of the probability of the labelling; infinite if there is no alignment.
    pub fn loss(&self) -> f64 {
        -self.total(&self.forward())
    }

    /// Tells `add` of the slope of the loss in the log probability of each class at each step, in any number of parts:
    /// minus the probability of passing there. Tells nothing if there is no alignment.
    pub fn slope(&self, mut add: impl FnMut(usize, usize, f64)) {
        let states = self.states();
        let alpha = self.forward();
        let total = self.total(&alpha);
        if total == f64::NEG_INFINITY || self.steps == 0 {
            return;
        }
        // Of all ends that begin behind a state.
        let mut beta = vec![f64::NEG_INFINITY; states];
        beta[states - 1] = 0.0;
        if states > 1 {
            beta[states - 2] = 0.0;
        }
        for step in (0..self.steps).rev() {
            for state in 0..states {
                add(step, self.class(state), -(alpha[step * states + state] + beta[state] - total).exp());
            }
            for state in 0..states {
                let after = |on: usize| {
                    if state + on < states {
                        beta[state + on] + self.emits(step, state + on)
                    } else {
                        f64::NEG_INFINITY
                    }
                };
                let two =
                    if state + 2 < states && self.skips(state + 2) { after(2) } else { f64::NEG_INFINITY };
                // States are taken in order, and each needs itself and later ones only.
                beta[state] = log_sum([after(0), after(1), two]);
            }
        }
    }
}

/// ln Σ eˣ.
fn log_sum(terms: [f64; 3]) -> f64 {
    let largest = terms.into_iter().fold(f64::NEG_INFINITY, |a, b| if b > a || b.is_nan() { b } else { a });
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    largest + terms.iter().map(|term| (term - largest).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Σ over all paths, by counting.
    fn by_enumeration(probabilities: &[f64], classes: usize, target: &[i64]) -> f64 {
        let steps = probabilities.len() / classes;
        let mut total = 0.0;
        for path in 0..classes.pow(steps as u32) {
            let at = |step: usize| path / classes.pow(step as u32) % classes;
            let labels: Vec<i64> = (0..steps)
                .filter(|&step| at(step) != 0 && (step == 0 || at(step) != at(step - 1)))
                .map(|step| at(step) as i64)
                .collect();
            if labels == target {
                total += (0..steps).map(|step| probabilities[step * classes + at(step)]).product::<f64>();
            }
        }
        total
    }

    #[test]
    fn the_loss_is_that_of_all_paths_and_the_slope_its_difference() {
        let probabilities: Vec<f64> = (0..15).map(|i| 0.1 + 0.05 * f64::from(i * 7 % 11)).collect();
        for target in [&[][..], &[1], &[1, 1], &[1, 2], &[2, 1, 2], &[2, 2, 2], &[1, 1, 1, 1]] {
            let loss = |probabilities: &[f64]| {
                let logs: Vec<f64> = probabilities.iter().map(|p| p.ln()).collect();
                let sequence =
                    Sequence { log_probabilities: &logs[..], pitch: 3, steps: 5, target, blank: 0 };
                let mut slope = vec![0.0; 15];
                sequence.slope(|step, class, by| slope[step * 3 + class] += by);
                (sequence.loss(), slope)
            };
            let expected = by_enumeration(&probabilities, 3, target);
            let (found, slope) = loss(&probabilities);
            if expected == 0.0 {
                assert!(found == f64::INFINITY && slope.iter().all(|slope| *slope == 0.0));
                continue;
            }
            assert!((found + expected.ln()).abs() < 1e-12, "{target:?}: {found}");
            for index in 0..15 {
                let mut moved = probabilities.clone();
                moved[index] *= 1.0 + 1e-6;
                let difference = (-by_enumeration(&moved, 3, target).ln() - found) / 1e-6;
                assert!(
                    (slope[index] - difference).abs() < 1e-5,
                    "{target:?} {index}: {} {difference}",
                    slope[index]
                );
            }
        }
    }
}
