"""Writes complex.json with NumPy: arithmetic of complex numbers.

    python complex.py
"""

import json
import pathlib

import numpy as np

random = np.random.default_rng(0)


def dump(array):
    return {"shape": list(array.shape), "values": array.flatten().tolist()}


def parts(array):
    return {"re": dump(np.real(array)), "im": dump(np.imag(array))}


def draw(*shape):
    return random.normal(size=shape) + 1j * random.normal(size=shape)


a, b, m = draw(2, 3), draw(2, 3), draw(3, 2)
results = {
    "add": a + b, "sub": a - b, "mul": a * b, "div": a / b, "conj": a.conj(), "exp": np.exp(a), "log": np.log(a),
    "sqrt": np.sqrt(a), "reciprocal": 1 / a, "matmul": a @ m, "transpose": a.T,
}
golden = {"a": parts(a), "b": parts(b), "m": parts(m), "abs": dump(np.abs(a)), "angle": dump(np.angle(a)),
          "results": {name: parts(value) for name, value in results.items()}}
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
