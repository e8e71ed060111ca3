//! The tree-structured Parzen estimator: Bergstra, Bardenet, Bengio, Kégl, *Algorithms for hyper-parameter
//! optimization* (2011), with kernels over all parameters together and the bandwidths that Watanabe, *Tree-structured
//! Parzen estimator* (2023), found to serve best.
//!
//! The trials so far are cut in the better ones and the rest. Each part gives a density of the values: around each
//! trial a kernel, which is a product over the parameters, so that what is good only together is found together. Among
//! candidates drawn from the better density, the one with the largest ratio of the two is tried.

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

/// The next places, one in each domain. `good` and `bad` are the places of better and other trials in the order in which
/// they were tried.
pub(super) fn propose(
    domains: &[&Domain],
    good: &[&[f64]],
    bad: &[&[f64]],
    random: &mut Randomness,
) -> Vec<f64> {
    let (good, bad) = (Mixture::new(domains, good), Mixture::new(domains, bad));
    let mut best = (f64::NEG_INFINITY, Vec::new());
    for _ in 0..CANDIDATES {
        let places = good.draw(random);
        let ratio = good.log_density(&places) - bad.log_density(&places);
        if ratio > best.0 || best.1.is_empty() {
            best = (ratio, places);
        }
    }
    best.1
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

/// A kernel around each of some trials, and one over everything.
struct Mixture<'a> {
    /// Of the kernels; their sum is 1.
    weights: Vec<f64>,
    parameters: Vec<Parameter<'a>>,
}

/// What the kernels are along one parameter.
struct Parameter<'a> {
    domain: &'a Domain,
    kernels: Kernels,
}

enum Kernels {
    /// Means and deviations of normal densities that are cut off at the ends of the interval, and half the width of what
    /// rounds to one value.
    Normal { kernels: Vec<(f64, f64)>, half: f64 },
    /// The choices of the trials; each has this much more probability than another choice.
    Choice { chosen: Vec<usize>, count: usize, more: f64 },
}

impl<'a> Mixture<'a> {
    fn new(domains: &[&'a Domain], trials: &[&[f64]]) -> Mixture<'a> {
        let mut weights = weights_of(trials.len());
        weights.push(1.0);
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= sum);
        let parameter = |(index, domain): (usize, &&'a Domain)| {
            let places: Vec<f64> = trials.iter().map(|places| places[index]).collect();
            Parameter { domain, kernels: Kernels::new(domain, &places) }
        };
        Mixture { weights, parameters: domains.iter().enumerate().map(parameter).collect() }
    }

    fn draw(&self, random: &mut Randomness) -> Vec<f64> {
        let kernel = pick(&self.weights, random);
        self.parameters.iter().map(|parameter| parameter.draw(kernel, random)).collect()
    }

    fn log_density(&self, places: &[f64]) -> f64 {
        let along = |parameter: &Parameter, place: f64, kernel| parameter.log_density(kernel, place);
        let of_kernel = |(kernel, weight): (usize, &f64)| {
            let product: f64 = self
                .parameters
                .iter()
                .zip(places)
                .map(|(parameter, place)| along(parameter, *place, kernel))
                .sum();
            weight.ln() + product
        };
        let terms: Vec<f64> = self.weights.iter().enumerate().map(of_kernel).collect();
        let most = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        most + terms.iter().map(|term| (term - most).exp()).sum::<f64>().ln()
    }
}

impl Kernels {
    fn new(domain: &Domain, places: &[f64]) -> Kernels {
        if let Domain::Choice { values } = domain {
            let count = values.len();
            let chosen =
                places.iter().map(|place| (place.round().max(0.0) as usize).min(count - 1)).collect();
            return Kernels::Choice { chosen, count, more: (places.len() + 1) as f64 };
        }
        let (low, high) = domain.interval();
        let half = match (domain, domain.count()) {
            (Domain::Integer { .. }, _) => 0.5,
            (_, Some(steps)) => (high - low) / (2 * (steps.max(2) - 1)) as f64,
            _ => 0.0,
        };
        let mut kernels: Vec<(f64, f64)> = places.iter().map(|place| (*place, 0.0)).collect();
        let mut order: Vec<usize> = (0..places.len()).collect();
        order.sort_by(|a, b| places[*a].total_cmp(&places[*b]));
        let narrowest = (high - low) / (2.0 + places.len() as f64).min(100.0);
        for (rank, index) in order.iter().enumerate() {
            let place = places[*index];
            let left = rank.checked_sub(1).map(|before| place - places[order[before]]);
            let right = order.get(rank + 1).map(|after| places[*after] - place);
            // As far as the farther neighbour; a trial without any reaches to the farther end.
            let reach = match (left, right) {
                (None, None) => (place - low).max(high - place),
                (left, right) => left.unwrap_or(0.0).max(right.unwrap_or(0.0)),
            };
            kernels[*index].1 = reach.clamp(narrowest, high - low);
        }
        kernels.push(((low + high) / 2.0, high - low));
        Kernels::Normal { kernels, half }
    }
}

impl Parameter<'_> {
    fn draw(&self, kernel: usize, random: &mut Randomness) -> f64 {
        match &self.kernels {
            Kernels::Choice { chosen, count, more } => {
                let mut weights = vec![1.0; *count];
                if let Some(choice) = chosen.get(kernel) {
                    weights[*choice] += more;
                }
                pick(&weights, random) as f64
            }
            Kernels::Normal { kernels, .. } => {
                let (low, high) = self.domain.interval();
                let (mean, deviation) = kernels[kernel];
                // At least a third of each density lies inside, since its mean does.
                let mut inside = (0..1000)
                    .map(|_| mean + deviation * f64::from(random.normal()))
                    .filter(|place| (low..=high).contains(place));
                self.domain.round(inside.next().unwrap_or(mean.clamp(low, high)))
            }
        }
    }

    /// The logarithm of the density of a kernel at a place, or of its probability where there are finitely many values.
    fn log_density(&self, kernel: usize, place: f64) -> f64 {
        match &self.kernels {
            Kernels::Choice { chosen, count, more } => match chosen.get(kernel) {
                None => -(*count as f64).ln(),
                Some(choice) => {
                    let weight = if *choice == place.round() as usize { 1.0 + more } else { 1.0 };
                    (weight / (*count as f64 + more)).ln()
                }
            },
            Kernels::Normal { kernels, half } => {
                let (low, high) = self.domain.interval();
                let (mean, deviation) = kernels[kernel];
                let below = |at: f64| 0.5 * libm::erfc((mean - at) / (deviation * std::f64::consts::SQRT_2));
                let inside = below(high) - below(low);
                let log = if *half > 0.0 {
                    let cell = below((place + half).min(high)) - below((place - half).max(low));
                    cell.max(1e-300).ln()
                } else {
                    let distance = (place - mean) / deviation;
                    -0.5 * distance * distance - (deviation * (2.0 * std::f64::consts::PI).sqrt()).ln()
                };
                log - inside.ln()
            }
        }
    }
}
