//! Densities, moments, entropies, cdfs and divergences against PyTorch and SciPy (`distributions.py` in this folder).

use bolete_prob::*;
use bolete_tensor::{DType, Tensor, Tree, value_and_grad};
use serde_json::Value;

#[path = "../../../tensor/tests/golden/read.rs"]
mod read;
use read::{assert_numbers_close, file, shape};

/// A tensor whose infinities and NaNs are written as texts.
fn tensor(value: &Value, dtype: DType) -> Tensor {
    let number = |value: &Value| match value.as_str() {
        Some(text) => text.parse().expect("a number"),
        None => value.as_f64().expect("a number"),
    };
    let values: Vec<f64> = value["values"].as_array().expect("a list").iter().map(number).collect();
    Tensor::from_vec(values, shape(&value["shape"])).cast(dtype)
}

#[track_caller]
fn assert_close(what: &str, found: &Tensor, expected: &Value, tolerance: f64) {
    let expected = tensor(expected, DType::F64);
    let found = found.cast(DType::F64);
    assert_eq!(found.shape(), expected.shape(), "{what}");
    let (found, expected) = (found.to_vec::<f64>(), expected.to_vec::<f64>());
    for (found, expected) in found.into_iter().zip(expected) {
        if expected.is_finite() {
            assert_numbers_close(what, &[found], &[expected], tolerance);
        } else {
            assert!(
                found == expected || (found.is_nan() && expected.is_nan()),
                "{what}: {found}, not {expected}"
            );
        }
    }
}

struct Check<'a> {
    case: &'a Value,
    dtype: DType,
    tolerance: f64,
}

impl Check<'_> {
    fn distribution<D: Distribution>(&self, make: impl Fn(&[Tensor]) -> D) {
        let (case, tolerance) = (self.case, self.tolerance);
        let name = case["name"].as_str().expect("a name");
        let parameters: Vec<Tensor> = case["parameters"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|parameter| tensor(parameter, self.dtype))
            .collect();
        let distribution = make(&parameters);
        let values = tensor(&case["values"], self.dtype);
        let (log_prob, gradients) = gradients(&parameters, &values, &make);
        assert_eq!(log_prob.dtype(), self.dtype, "{name}");
        assert_close(&format!("{name}: log_prob"), &log_prob, &case["log_prob"], tolerance);
        for (gradient, expected) in gradients.iter().zip(case["gradients"].as_array().expect("a list")) {
            assert_close(&format!("{name}: gradient"), gradient, expected, tolerance);
        }
        let check = |what: &str, found: Option<Tensor>| {
            if let (Some(found), false) = (found, case[what].is_null()) {
                assert_close(&format!("{name}: {what}"), &found, &case[what], tolerance);
            }
        };
        let transformed = name.starts_with("Transformed") && name != "Transformed affine";
        if !transformed {
            check("mean", Some(distribution.mean()));
            check("variance", Some(distribution.variance()));
        }
        let entropy = distribution.entropy();
        let has_entropy = !(transformed || name == "Mixture" || name == "Poisson");
        assert_eq!(entropy.is_some(), has_entropy, "{name}: entropy");
        check("entropy", entropy);
        let cdf = distribution.cdf(&values);
        assert!(
            cdf.is_some() || ["MultivariateNormal", "Dirichlet", "Independent"].contains(&name),
            "{name}: cdf"
        );
        check("cdf", cdf);
    }
}

/// Log-densities, and the gradients in the parameters of their weighted sum, infinite ones left out.
fn gradients<D: Distribution>(
    parameters: &[Tensor],
    values: &Tensor,
    make: impl Fn(&[Tensor]) -> D,
) -> (Tensor, Vec<Tensor>) {
    let mut log_prob = None;
    let (_, gradients) = value_and_grad(|parameters: &Vec<Tensor>| {
        let log = make(parameters).log_prob(values);
        log_prob = Some(log.clone());
        let weights = (Tensor::arange(log.elements(), log.dtype()) * 0.37 + 1.0).reshape(log.shape());
        log.is_finite().select(&log * weights, 0.0).sum(..)
    })(&parameters.to_vec());
    (log_prob.expect("the density was computed"), gradients)
}

fn normal(x: &[Tensor]) -> Normal {
    Normal::new(&x[0], &x[1])
}

fn check_all(dtype: DType, tolerance: f64) {
    let affine = || Affine { offset: Tensor::scalar(1.5, dtype), scale: Tensor::scalar(-2.0, dtype) };
    for case in file("distributions")["cases"].as_array().expect("a list") {
        let check = Check { case, dtype, tolerance };
        match case["name"].as_str().expect("a name") {
            "Normal" => check.distribution(normal),
            "LogNormal" => check.distribution(|x| LogNormal::new(&x[0], &x[1])),
            "MultivariateNormal" => check.distribution(|x| MultivariateNormal::new(&x[0], &x[1])),
            "Bernoulli" => check.distribution(|x| Bernoulli::new(&x[0])),
            "Categorical" => check.distribution(|x| Categorical::new(&x[0])),
            "Exponential" => check.distribution(|x| Exponential::new(&x[0])),
            "Laplace" => check.distribution(|x| Laplace::new(&x[0], &x[1])),
            "Uniform" => check.distribution(|x| Uniform::new(&x[0], &x[1])),
            "Gumbel" => check.distribution(|x| Gumbel::new(&x[0], &x[1])),
            "Gamma" => check.distribution(|x| Gamma::new(&x[0], &x[1])),
            "Beta" => check.distribution(|x| Beta::new(&x[0], &x[1])),
            "Dirichlet" => check.distribution(|x| Dirichlet::new(&x[0])),
            "Poisson" => check.distribution(|x| Poisson::new(&x[0])),
            "StudentT" => check.distribution(|x| StudentT::new(&x[0], &x[1], &x[2])),
            "Mixture" => {
                check.distribution(|x| Mixture::new(Categorical::new(&x[0]), Normal::new(&x[1], &x[2])))
            }
            "Transformed exp" => check.distribution(|x| Transformed::new(normal(x), Exp)),
            "Transformed sigmoid" => check.distribution(|x| Transformed::new(normal(x), Sigmoid)),
            "Transformed tanh" => check.distribution(|x| Transformed::new(normal(x), Tanh)),
            "Transformed softplus" => check.distribution(|x| Transformed::new(normal(x), Softplus)),
            "Transformed affine" => check.distribution(|x| Transformed::new(normal(x), affine())),
            "Transformed chain" => {
                check.distribution(|x| Transformed::new(normal(x), Chain { first: affine(), second: Exp }))
            }
            "Independent" => check.distribution(|x| Independent::new(normal(x), 1)),
            unknown => panic!("distributions.py has a distribution `{unknown}` that is not tested"),
        }
    }
}

#[test]
fn distributions_in_f64() {
    check_all(DType::F64, 1e-10);
}

#[test]
fn distributions_in_f32() {
    check_all(DType::F32, 1e-5);
}

fn divergence<P: KlDivergence<Q> + Tree, Q: Tree>(
    pair: &Value,
    p: impl Fn(&[Tensor]) -> P,
    q: impl Fn(&[Tensor]) -> Q,
) {
    for (dtype, tolerance) in [(DType::F64, 1e-10), (DType::F32, 1e-5)] {
        let parameters = |value: &Value| -> Vec<Tensor> {
            value.as_array().expect("a list").iter().map(|parameter| tensor(parameter, dtype)).collect()
        };
        let found = p(&parameters(&pair["p"])).kl_divergence(&q(&parameters(&pair["q"])));
        assert_close(pair["name"].as_str().expect("a name"), &found, &pair["kl"], tolerance);
    }
}

#[test]
fn divergences() {
    for pair in file("distributions")["pairs"].as_array().expect("a list") {
        macro_rules! both {
            ($make:expr) => {
                divergence(pair, $make, $make)
            };
        }
        match pair["name"].as_str().expect("a name") {
            "Normal" => both!(normal),
            "LogNormal" => both!(|x| LogNormal::new(&x[0], &x[1])),
            "MultivariateNormal" => both!(|x| MultivariateNormal::new(&x[0], &x[1])),
            "Bernoulli" => both!(|x| Bernoulli::new(&x[0])),
            "Categorical" => both!(|x| Categorical::new(&x[0])),
            "Beta" => both!(|x| Beta::new(&x[0], &x[1])),
            "Gamma" => both!(|x| Gamma::new(&x[0], &x[1])),
            "Dirichlet" => both!(|x| Dirichlet::new(&x[0])),
            "Exponential" => both!(|x| Exponential::new(&x[0])),
            "Laplace" => both!(|x| Laplace::new(&x[0], &x[1])),
            "Poisson" => both!(|x| Poisson::new(&x[0])),
            "Uniform" => both!(|x| Uniform::new(&x[0], &x[1])),
            "Gumbel" => both!(|x| Gumbel::new(&x[0], &x[1])),
            "Laplace Normal" => divergence(pair, |x| Laplace::new(&x[0], &x[1]), normal),
            "Exponential Gamma" => {
                divergence(pair, |x| Exponential::new(&x[0]), |x| Gamma::new(&x[0], &x[1]))
            }
            "Independent" => both!(|x| Independent::new(normal(x), 1)),
            unknown => panic!("distributions.py has a pair `{unknown}` that is not tested"),
        }
    }
}
