//! Samples have the distribution that they claim, and the derivatives.

use bolete_prob::*;
use bolete_tensor::{DType, Key, Tensor, grad, vmap};

const COUNT: usize = 20_000;

/// The statistic of Kolmogorov and Smirnov times √n: above 1.95 with probability 0.001 if the samples are right.
fn check_cdf<D: Distribution>(name: &str, distribution: &D, seed: u64) {
    let samples = distribution.sample(&[COUNT], &Key::new(seed));
    assert_eq!(samples.shape().dims(), [COUNT], "{name}");
    let mut sorted = samples.cast(DType::F64).to_vec::<f64>();
    sorted.sort_by(f64::total_cmp);
    let below = distribution.cdf(&Tensor::from_slice(&sorted, [COUNT])).expect("a cdf").to_vec::<f64>();
    let distance = below.iter().enumerate().fold(0f64, |largest, (index, below)| {
        let (before, after) = (index as f64 / COUNT as f64, (index + 1) as f64 / COUNT as f64);
        largest.max((below - before).abs()).max((below - after).abs())
    });
    let statistic = distance * (COUNT as f64).sqrt();
    assert!(statistic < 1.95, "{name}: the samples do not follow the cdf, statistic {statistic}");
}

/// Means and variances within five standard errors, the spread of the variance taken from the samples.
fn check_moments<D: Distribution>(name: &str, distribution: &D, seed: u64) {
    let samples = distribution.sample(&[COUNT], &Key::new(seed)).cast(DType::F64);
    let (mean, variance) = (samples.mean(0), samples.var(0, 1));
    let error = (mean - distribution.mean()).abs() / (distribution.variance() / COUNT as f64).sqrt();
    assert!(error.max(..).item() < 5.0, "{name}: the mean is {} standard errors off", error.max(..).item());
    let squares = (&samples - samples.mean_keepdim(0)).square();
    let error = (variance - distribution.variance()).abs() / (squares.var(0, 1) / COUNT as f64).sqrt();
    assert!(
        error.max(..).item() < 5.0,
        "{name}: the variance is {} standard errors off",
        error.max(..).item()
    );
}

fn number(value: f64) -> Tensor {
    Tensor::from(value)
}

#[test]
fn samples_follow_the_cdf() {
    let (a, b) = (number(0.7), number(2.5));
    check_cdf("normal", &Normal::new(&a, &b), 1);
    check_cdf("log-normal", &LogNormal::new(&a, &b), 2);
    check_cdf("exponential", &Exponential::new(&b), 3);
    check_cdf("laplace", &Laplace::new(&a, &b), 4);
    check_cdf("uniform", &Uniform::new(&a, &b), 5);
    check_cdf("gumbel", &Gumbel::new(&a, &b), 6);
    check_cdf("gamma", &Gamma::new(&a, &b), 7);
    check_cdf("gamma of large concentration", &Gamma::new(&number(40.0), &b), 8);
    check_cdf("beta", &Beta::new(&a, &b), 9);
    check_cdf("student t", &StudentT::new(&b, &a, &b), 10);
    check_cdf("sigmoid of normal", &Transformed::new(Normal::new(&a, &b), Sigmoid), 11);
    let weights = Categorical::from_probabilities(&Tensor::from([0.2f64, 0.8]));
    let parts = Normal::new(&Tensor::from([0.0f64, 3.0]), &Tensor::from([1.0f64, 0.5]));
    check_cdf("mixture", &Mixture::new(weights, parts), 12);
}

#[test]
fn samples_have_the_moments() {
    let mean = Tensor::from([0.5f64, -1.0, 2.0]);
    let factor = Tensor::from([[1.0f64, 0.0, 0.0], [0.5, 2.0, 0.0], [-1.0, 0.3, 0.1]]);
    check_moments("multivariate normal", &MultivariateNormal::new(&mean, &factor), 1);
    check_moments("bernoulli", &Bernoulli::new(&mean), 2);
    check_moments("categorical", &Categorical::new(&mean), 3);
    check_moments("dirichlet", &Dirichlet::new(&Tensor::from([0.3f64, 2.0, 1.0])), 4);
    check_moments("poisson", &Poisson::new(&Tensor::from([0.1f64, 4.0, 200.0])), 5);
    check_moments("independent", &Independent::new(Laplace::new(&mean, &number(2.0)), 1), 6);
    let normal = MultivariateNormal::new(&mean, &factor);
    let samples = normal.sample(&[COUNT], &Key::new(7)) - &mean;
    let covariance = samples.t().matmul(&samples) / COUNT as f64;
    assert!((covariance - normal.covariance()).abs().max(..).item() < 0.15);
}

/// d/dθ E f(x) by samples against the derivative of the known expectation.
#[test]
fn samples_are_differentiable() {
    let second_moment = |samples: Tensor| samples.square().mean(0).sum(..);
    let key = Key::new(3);
    let gamma = Gamma::new(&number(1.7), &number(2.0));
    let slope = grad(|gamma: &Gamma| second_moment(gamma.sample(&[COUNT * 4], &key)))(&gamma);
    // E x² = α(α + 1)/rate².
    assert!((slope.concentration.item() - (2.0 * 1.7 + 1.0) / 4.0).abs() < 0.05);
    assert!((slope.rate.item() + 2.0 * 1.7 * 2.7 / 8.0).abs() < 0.05);
    let beta = Beta::new(&number(1.5), &number(2.0));
    let slope = grad(|beta: &Beta| beta.sample(&[COUNT * 4], &key).mean(..))(&beta);
    assert!((slope.alpha.item() - 2.0 / 3.5f64.powi(2)).abs() < 0.01);
    assert!((slope.beta.item() + 1.5 / 3.5f64.powi(2)).abs() < 0.01);
    let normal = Normal::new(&number(0.5), &number(2.0));
    let slope = grad(|normal: &Normal| second_moment(normal.sample(&[COUNT * 4], &key)))(&normal);
    assert!((slope.mean.item() - 1.0).abs() < 0.1 && (slope.scale.item() - 4.0).abs() < 0.15);
}

#[test]
fn estimates_of_the_divergence_agree() {
    let (p, q) = (Normal::new(&number(0.5), &number(1.0)), Normal::new(&number(0.0), &number(0.9)));
    let exact = p.kl_divergence(&q).item();
    let estimate = kl_divergence_by_sampling(&p, &q, COUNT, &Key::new(0)).item();
    assert!((exact - estimate).abs() < 0.01, "{exact} and {estimate}");
}

#[test]
fn every_example_has_its_own_distribution() {
    let means = Tensor::from([[0.0f64, 1.0], [2.0, 3.0]]);
    let log_prob = |mean: &Tensor| Normal::new(mean, &number(1.0)).log_prob(&number(0.5));
    let together = vmap(log_prob)(&means);
    let whole = Normal::new(&means, &number(1.0)).log_prob(&number(0.5));
    assert_eq!(together.to_vec::<f64>(), whole.to_vec::<f64>());
}

#[test]
fn values_outside_have_no_density_and_harmless_derivatives() {
    let outside = Tensor::from([-1.0f64, 0.5]);
    let gamma = Gamma::new(&number(1.5), &number(1.0));
    assert_eq!(gamma.log_prob(&outside).to_vec::<f64>()[0], f64::NEG_INFINITY);
    let slope = grad(|gamma: &Gamma| {
        let log = gamma.log_prob(&outside);
        log.is_finite().select(&log, 0.0).sum(..)
    })(&gamma);
    assert!(slope.concentration.item().is_finite() && slope.rate.item().is_finite());
    let one = Categorical::new(&Tensor::from([0.0f64, f64::NEG_INFINITY]));
    assert_eq!(one.entropy().expect("closed").item(), 0.0);
    assert_eq!(one.log_prob(&Tensor::from([1i64, 7, -1])).to_vec::<f64>(), [f64::NEG_INFINITY; 3]);
}

#[test]
#[should_panic(expected = "Normal: parameters of shapes [2] and [3] do not go together")]
fn parameters_must_go_together() {
    Normal::new(&Tensor::zeros([2], DType::F32), &Tensor::ones([3], DType::F32));
}

#[test]
#[should_panic(expected = "expected […, n] and […, n, n]")]
fn factors_must_be_square() {
    MultivariateNormal::new(&Tensor::zeros([2], DType::F32), &Tensor::ones([3, 3], DType::F32));
}
