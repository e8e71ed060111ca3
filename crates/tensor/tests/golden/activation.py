"""Writes activation.json with PyTorch: activation functions and their derivatives.

    python activation.py
"""

import json
import pathlib

import torch
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
x = torch.linspace(-7.3, 7.1, 25)
slope = torch.linspace(-0.5, 0.7, 25)


def hard_sigmoid(x):
    """PyTorch's own has a derivative of single precision."""
    return torch.clamp(x / 6 + 0.5, 0, 1)


functions = {
    "relu6": F.relu6, "celu": lambda x: F.celu(x, 1.5), "threshold": lambda x: F.threshold(x, 0.5, -2.0),
    "log_sigmoid": F.logsigmoid, "softsign": F.softsign, "hard_sigmoid": hard_sigmoid, "hard_swish": lambda x: x * hard_sigmoid(x),
    "hard_tanh": F.hardtanh, "mish": F.mish, "prelu": lambda x: torch.where(x > 0, x, slope * x),
}


def dump(array):
    return {"shape": list(array.shape), "values": array.tolist()}


golden = {"x": dump(x), "slope": dump(slope), "values": {}, "derivatives": {}}
for name, function in functions.items():
    at = x.clone().requires_grad_()
    value = function(at)
    value.sum().backward()
    golden["values"][name], golden["derivatives"][name] = dump(value.detach()), dump(at.grad)
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
