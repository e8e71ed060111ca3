"""Writes special.json: elementwise and special functions by SciPy, derivatives in shapes by mpmath.

    python special.py
"""

import json
import pathlib

import mpmath
import numpy as np
from scipy import special

random = np.random.default_rng(1)


def dump(*columns):
    return [np.asarray(column, dtype=float).tolist() for column in columns]


def sorted_draw(low, high, count=24):
    return np.sort(random.uniform(low, high, size=count))


wide = np.concatenate([sorted_draw(-6, 6), [0.0, 1e-9, -1e-9, 25.3, -25.3]])
tail = np.concatenate([sorted_draw(-37, 37), sorted_draw(-3, 3), [0.0]])
positive = np.concatenate([sorted_draw(0.01, 4), sorted_draw(4, 60), [1e-10, 1.0, 2.0, 1e4, 1e9]])
gamma_domain = np.concatenate([positive, sorted_draw(-9, -0.1)])
probability = np.concatenate([sorted_draw(0, 1), [1e-300, 1e-20, 1e-5, 0.5, 1 - 1e-12]])
shapes = np.exp(random.uniform(np.log(0.05), np.log(300), size=60))
shapes_b = np.exp(random.uniform(np.log(0.05), np.log(300), size=60))
at = shapes * np.exp(random.normal(scale=0.7, size=60))
fraction = np.clip(shapes / (shapes + shapes_b) * np.exp(random.normal(scale=0.3, size=60)), 0.001, 0.999)

unary = {
    "exp2": (wide, np.exp2), "log2": (positive, np.log2), "log10": (positive, np.log10), "tan": (wide, np.tan),
    "asin": (probability, np.arcsin), "acos": (probability, np.arccos), "atan": (wide, np.arctan),
    "sinh": (wide, np.sinh), "cosh": (wide, np.cosh), "asinh": (wide, np.arcsinh),
    "acosh": (positive + 1, np.arccosh), "atanh": (probability[:-1], np.arctanh), "cbrt": (wide, np.cbrt),
    "sinc": (wide, np.sinc), "entr": (positive, special.entr), "logit": (probability, special.logit),
    "lgamma": (gamma_domain, special.gammaln), "digamma": (gamma_domain, special.digamma),
    "erfc": (tail, special.erfc), "ndtr": (tail, special.ndtr), "log_ndtr": (tail, special.log_ndtr),
    "ndtri": (probability, special.ndtri), "bessel_i0e": (tail * 10, special.i0e),
    "bessel_i1e": (tail * 10, special.i1e),
    "log_sigmoid": (tail, special.log_expit),
}
binary = {
    "logaddexp": (wide, wide[::-1], np.logaddexp), "hypot": (wide, wide[::-1], np.hypot),
    "xlogy": (wide, np.abs(wide) + 0.1, special.xlogy), "xlog1py": (wide, np.abs(wide), special.xlog1py),
    "log_beta": (shapes, shapes_b, special.betaln), "igamma": (shapes, at, special.gammainc),
    "igammac": (shapes, at, special.gammaincc),
}
polygamma = {str(n): dump(positive[:-2], special.polygamma(n, positive[:-2])) for n in (1, 2, 3)}

mpmath.mp.dps = 40


def lower(a, x):
    return mpmath.gammainc(a, 0, x, regularized=True)


def beta_cdf(a, b, x):
    return mpmath.betainc(a, b, 0, x, regularized=True)


few = slice(0, 14)
slope_a = [mpmath.diff(lambda a: lower(a, mpmath.mpf(x)), mpmath.mpf(a)) for a, x in zip(shapes[few], at[few])]
triples = list(zip(shapes[few], shapes_b[few], fraction[few]))
beta_a = [mpmath.diff(lambda p: beta_cdf(p, mpmath.mpf(b), mpmath.mpf(x)), mpmath.mpf(a)) for a, b, x in triples]
beta_b = [mpmath.diff(lambda q: beta_cdf(mpmath.mpf(a), q, mpmath.mpf(x)), mpmath.mpf(b)) for a, b, x in triples]

golden = {
    "unary": {name: dump(x, function(x)) for name, (x, function) in unary.items()},
    "binary": {name: dump(a, b, function(a, b)) for name, (a, b, function) in binary.items()},
    "polygamma": polygamma,
    "betainc": dump(shapes, shapes_b, fraction, special.betainc(shapes, shapes_b, fraction)),
    "igamma_slope": dump(shapes[few], at[few], [float(v) for v in slope_a]),
    "betainc_slopes": dump(shapes[few], shapes_b[few], fraction[few], [float(v) for v in beta_a],
                           [float(v) for v in beta_b]),
}
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
