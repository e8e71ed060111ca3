"""Writes distributions.json with PyTorch (and SciPy for cdfs and entropies that it lacks), in double precision.

    python distributions.py            # made with torch 2.15
"""

import json
import math
import pathlib

import torch
from scipy import stats
from torch import distributions as D

torch.set_default_dtype(torch.float64)
torch.manual_seed(0)


def dump(tensor):
    tensor = torch.as_tensor(tensor, dtype=torch.float64).detach()
    clean = [str(v) if not math.isfinite(v) else v for v in tensor.flatten().tolist()]
    return {"shape": list(tensor.shape), "values": clean}


def case(name, make, parameters, values, scipy=None):
    """scipy: from parameters (flat lists of numbers) to a frozen distribution, for cdf and entropy."""
    parameters = [torch.as_tensor(p, dtype=torch.float64).requires_grad_() for p in parameters]
    values = torch.as_tensor(values, dtype=torch.float64)
    distribution = make(*parameters)
    log_prob = distribution.log_prob(values)
    weights = torch.arange(log_prob.numel()).reshape(log_prob.shape) * 0.37 + 1.0
    (log_prob[log_prob.isfinite()] * weights[log_prob.isfinite()]).sum().backward()
    found = {
        "name": name,
        "parameters": [dump(p) for p in parameters],
        "values": dump(values),
        "log_prob": dump(log_prob),
        "gradients": [dump(p.grad if p.grad is not None else torch.zeros_like(p)) for p in parameters],
    }
    for what, of in (
        ("mean", lambda: distribution.mean),
        ("variance", lambda: distribution.variance),
        ("entropy", lambda: distribution.entropy()),
        ("cdf", lambda: distribution.cdf(values)),
    ):
        try:
            found[what] = dump(of())
        except NotImplementedError:
            pass
    if scipy:
        frozen = scipy(*[p.detach().numpy() for p in parameters])
        found["cdf"] = dump(frozen.cdf(values.numpy()))
        if "entropy" not in found:
            found["entropy"] = dump(frozen.entropy())
    return found


def mixture(logits, mean, scale):
    return D.MixtureSameFamily(D.Categorical(logits=logits), D.Normal(mean, scale))


def square(*transforms):
    return lambda mean, scale: D.TransformedDistribution(D.Normal(mean, scale), list(transforms), validate_args=False)


D.Distribution.set_default_validate_args(False)
two = [[0.3, -1.2], [0.5, 2.0]]
line = [[-3.0, -0.5], [0.0, 0.7], [2.5, 40.0]]
plus = [[0.01, 0.5], [1.0, 0.7], [2.5, 40.0]]
unit = [[0.01, 0.5], [0.99, 0.7], [0.25, 1e-8]]
root = torch.randn(2, 3, 3)
factor = torch.linalg.cholesky(root @ root.mT + torch.eye(3))
simplex = torch.distributions.Dirichlet(torch.ones(3)).sample((2, 2))
affine = D.AffineTransform(torch.tensor(1.5), torch.tensor(-2.0))
cases = [
    case("Normal", D.Normal, two, line),
    case("LogNormal", D.LogNormal, two, plus, lambda m, s: stats.lognorm(s, scale=math.e**m)),
    case("MultivariateNormal", lambda m, f: D.MultivariateNormal(m, scale_tril=f), [torch.randn(2, 3), factor], torch.randn(2, 2, 3)),
    case("Bernoulli", lambda l: D.Bernoulli(logits=l), [[0.3, -8.0]], [[0.0, 1.0], [1.0, 0.0]],
         lambda l: stats.bernoulli(1 / (1 + math.e ** -l))),
    case("Categorical", lambda l: D.Categorical(logits=l), [[[0.3, -2.0, 1.0], [0.0, 0.1, 5.0]]], [[0, 1], [2, 2]]),
    case("Exponential", D.Exponential, [[0.3, 2.0]], plus),
    case("Laplace", D.Laplace, two, line),
    case("Uniform", D.Uniform, [[-1.0, 0.0], [2.0, 0.5]], [[-0.5, 0.1], [1.9, 0.4]]),
    case("Gumbel", D.Gumbel, two, [[-1.0, -0.5], [0.0, 0.7], [2.5, 40.0]]),
    case("Gamma", D.Gamma, [[0.3, 7.0], [0.5, 2.0]], plus, lambda a, r: stats.gamma(a, scale=1 / r)),
    case("Beta", D.Beta, [[0.3, 7.0], [0.5, 2.0]], unit, stats.beta),
    case("Dirichlet", D.Dirichlet, [[[0.3, 7.0, 1.0], [0.5, 2.0, 3.0]]], simplex),
    case("Poisson", D.Poisson, [[0.3, 70.0]], [[0.0, 50.0], [3.0, 90.0]], stats.poisson),
    case("StudentT", D.StudentT, [[3.5, 2.2], [0.3, -1.2], [0.5, 2.0]], line, stats.t),
    case("StudentT", D.StudentT, [[0.9, 1.7], [0.3, -1.2], [0.5, 2.0]], line, stats.t),
    case("Mixture", mixture, [[[0.1, 1.0], [-1.0, 0.5]], [[0.0, 2.0], [1.0, -3.0]], [[1.0, 0.5], [2.0, 0.1]]], line),
    case("Transformed exp", square(D.ExpTransform()), two, plus),
    case("Transformed sigmoid", square(D.SigmoidTransform()), two, [[0.01, 0.5], [0.99, 0.7], [0.25, 0.001]]),
    case("Transformed tanh", square(D.TanhTransform()), two, [[-0.9, 0.5], [0.99, 0.7], [0.0, -0.5]]),
    case("Transformed softplus", square(D.SoftplusTransform()), two, plus),
    case("Transformed affine", square(affine), two, line),
    case("Transformed chain", square(affine, D.ExpTransform()), two, plus),
    case("Independent", lambda m, s: D.Independent(D.Normal(m, s), 1), [torch.randn(2, 3), torch.rand(2, 3) + 0.5], torch.randn(2, 3)),
]
for found in cases:
    # PyTorch leaves these out; SciPy and the definition have them.
    if found["name"] == "Categorical":
        p = torch.softmax(torch.tensor([[0.3, -2.0, 1.0], [0.0, 0.1, 5.0]]), -1)
        k = torch.arange(3)
        mean = (p * k).sum(-1)
        found["mean"], found["variance"] = dump(mean), dump((p * k**2).sum(-1) - mean**2)
        found["cdf"] = dump(p.cumsum(-1)[[[0, 1], [0, 1]], [[0, 1], [2, 2]]])


def pair(name, p, q):
    return {"name": name, "p": [dump(x) for x in p[1:]], "q": [dump(x) for x in q[1:]],
            "kl": dump(D.kl_divergence(p[0](*map(torch.as_tensor, p[1:])), q[0](*map(torch.as_tensor, q[1:]))))}


t = torch.tensor
a, b = t([0.3, 2.0]), t([1.5, 0.7])
c, d = t([-1.0, 4.0]), t([2.0, 0.2])
mvn = lambda m, f: D.MultivariateNormal(m, scale_tril=f)
root = torch.randn(2, 3, 3)
other = torch.linalg.cholesky(root @ root.mT + torch.eye(3))
pairs = [
    pair("Normal", (D.Normal, c, a), (D.Normal, d, b)),
    pair("LogNormal", (D.LogNormal, c, a), (D.LogNormal, d, b)),
    pair("MultivariateNormal", (mvn, torch.randn(2, 3), factor), (mvn, torch.randn(2, 3), other)),
    pair("Bernoulli", (lambda l: D.Bernoulli(logits=l), c), (lambda l: D.Bernoulli(logits=l), d)),
    pair("Categorical", (lambda l: D.Categorical(logits=l), torch.randn(2, 4)), (lambda l: D.Categorical(logits=l), torch.randn(2, 4))),
    pair("Beta", (D.Beta, a, b), (D.Beta, b, a + 1)),
    pair("Gamma", (D.Gamma, a, b), (D.Gamma, b, a + 1)),
    pair("Dirichlet", (D.Dirichlet, torch.rand(2, 3) + 0.1), (D.Dirichlet, torch.rand(2, 3) + 0.1)),
    pair("Exponential", (D.Exponential, a), (D.Exponential, b)),
    pair("Laplace", (D.Laplace, c, a), (D.Laplace, d, b)),
    pair("Poisson", (D.Poisson, a), (D.Poisson, b)),
    pair("Uniform", (D.Uniform, t([0.0, 0.1]), t([1.0, 0.9])), (D.Uniform, t([-1.0, 0.5]), t([1.0, 2.0]))),
    pair("Gumbel", (D.Gumbel, c, a), (D.Gumbel, d, b)),
    pair("Laplace Normal", (D.Laplace, c, a), (D.Normal, d, b)),
    pair("Exponential Gamma", (D.Exponential, a), (D.Gamma, b, a + 1)),
    pair("Independent", (lambda m, s: D.Independent(D.Normal(m, s), 1), torch.randn(2, 3), torch.rand(2, 3) + 0.1),
         (lambda m, s: D.Independent(D.Normal(m, s), 1), torch.randn(2, 3), torch.rand(2, 3) + 0.1)),
]
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps({"cases": cases, "pairs": pairs}, separators=(",", ":")) + "\n")
