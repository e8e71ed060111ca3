//! The tree-structured Parzen estimator: Bergstra, Bardenet, Bengio, Kégl, *Algorithms for hyper-parameter
//! optimization* (2011), each parameter by itself, with the bandwidths of Optuna.
//!
//! The trials so far are cut in the better ones and the rest. Each part gives a density of the values; among candidates
//! drawn from the better density, the one with the largest ratio of the two is tried.

use bolete_data::Randomness;

use super::space::Domain;

/// Trials that are drawn at random before the estimator begins.
pub(super) const START_UP: usize = 10;

/// Candidates that are drawn from the better density.
const CANDIDATES: usize = 24;

/// Number of trials that count as better, of `count`.
pub(super) fn better(count: usize) -> usize {
    count.div_ceil(10).min(25)
}

/// The next place in a domain. `good` and `bad` are places of better and other trials in the order in which they were
/// tried.
pub(super) fn propose(domain: &Domain, good: &[f64], bad: &[f64], random: &mut Randomness) -> f64 {
    match domain {
        Domain::Choice { values } => {
            let (good, bad) = (frequencies(values.len(), good), frequencies(values.len(), bad));
            let candidates = (0..CANDIDATES).map(|_| pick(&good, random));
            best(candidates.map(|index| ((good[index] / bad[index]).ln(), index as f64)))
        }
        _ => {
            let (good, bad) = (Mixture::new(domain, good), Mixture::new(domain, bad));
            let candidates = (0..CANDIDATES).map(|_| domain.round(good.draw(random)));
            best(candidates.map(|place| (good.log_density(place) - bad.log_density(place), place)))
        }
    }
}

fn best(candidates: impl Iterator<Item = (f64, f64)>) -> f64 {
    candidates
        .fold(
            (f64::NEG_INFINITY, f64::NAN),
            |best, next| if next.0 > best.0 || best.1.is_nan() { next } else { best },
        )
        .1
}

/// How often each of `count` choices was tried, with one more try spread over all.
fn frequencies(count: usize, tried: &[f64]) -> Vec<f64> {
    let mut weights = vec![1.0 / count as f64; count];
    for (place, weight) in tried.iter().zip(weights_of(tried.len())) {
        weights[(place.round().max(0.0) as usize).min(count - 1)] += weight;
    }
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / sum).collect()
}

fn pick(weights: &[f64], random: &mut Randomness) -> usize {
    let mut left = f64::from(random.uniform()) * weights.iter().sum::<f64>();
    for (index, weight) in weights.iter().enumerate() {
        left -= weight;
        if left < 0.0 {
            return index;
        }
    }
    weights.len() - 1
}

/// The last 25 count fully, earlier ones the less, the older they are.
fn weights_of(count: usize) -> Vec<f64> {
    const FULL: usize = 25;
    let ramp = count.saturating_sub(FULL);
    let rise = |index: usize| {
        1.0 / count as f64 + (1.0 - 1.0 / count as f64) * index as f64 / (ramp.max(2) - 1) as f64
    };
    (0..count).map(|index| if index < ramp { rise(index) } else { 1.0 }).collect()
}

/// Normal densities around places, cut off at the ends of the interval, and a wide one in its middle.
struct Mixture {
    low: f64,
    high: f64,
    /// Half the width of what rounds to one value.
    half: f64,
    /// Weight, mean, deviation.
    kernels: Vec<(f64, f64, f64)>,
}

impl Mixture {
    fn new(domain: &Domain, places: &[f64]) -> Mixture {
        let (low, high) = domain.interval();
        let half = match (domain, domain.count()) {
            (Domain::Integer { .. }, _) => 0.5,
            (_, Some(steps)) => (high - low) / (2 * (steps.max(2) - 1)) as f64,
            _ => 0.0,
        };
        let middle = (low + high) / 2.0;
        let mut kernels: Vec<(f64, f64, f64)> = places
            .iter()
            .zip(weights_of(places.len()))
            .map(|(place, weight)| (weight, *place, 0.0))
            .collect();
        kernels.push((1.0, middle, 0.0));
        kernels.sort_by(|a, b| a.1.total_cmp(&b.1));
        let means: Vec<f64> = kernels.iter().map(|kernel| kernel.1).collect();
        let count = kernels.len();
        let narrowest = (high - low) / (1.0 + count as f64).min(100.0);
        let own = kernels.iter().position(|kernel| kernel.1 == middle).unwrap_or(0);
        for (index, kernel) in kernels.iter_mut().enumerate() {
            let left = kernel.1 - if index == 0 { low } else { means[index - 1] };
            let right = if index + 1 == count { high } else { means[index + 1] } - kernel.1;
            kernel.2 = left.max(right).clamp(narrowest, high - low);
        }
        kernels[own].2 = high - low;
        let sum: f64 = kernels.iter().map(|kernel| kernel.0).sum();
        kernels.iter_mut().for_each(|kernel| kernel.0 /= sum);
        Mixture { low, high, half, kernels }
    }

    fn draw(&self, random: &mut Randomness) -> f64 {
        let weights: Vec<f64> = self.kernels.iter().map(|kernel| kernel.0).collect();
        let (_, mean, deviation) = self.kernels[pick(&weights, random)];
        // At least a third of each density lies inside, since its mean does.
        for _ in 0..1000 {
            let place = mean + deviation * f64::from(random.normal());
            if (self.low..=self.high).contains(&place) {
                return place;
            }
        }
        mean.clamp(self.low, self.high)
    }

    fn log_density(&self, place: f64) -> f64 {
        let sum: f64 = self
            .kernels
            .iter()
            .map(|(weight, mean, deviation)| {
                let below = |at: f64| 0.5 * libm::erfc((mean - at) / (deviation * std::f64::consts::SQRT_2));
                let inside = below(self.high) - below(self.low);
                let density = if self.half > 0.0 {
                    below((place + self.half).min(self.high)) - below((place - self.half).max(self.low))
                } else {
                    let distance = (place - mean) / deviation;
                    (-0.5 * distance * distance).exp() / (deviation * (2.0 * std::f64::consts::PI).sqrt())
                };
                weight * density / inside
            })
            .sum();
        sum.max(1e-300).ln()
    }
}
