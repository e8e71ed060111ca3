"""Writes reparameterised.json: weight and spectral normalisation by torch.nn.utils.parametrizations, in f64. Run with
PyTorch 2.15."""

import json
import pathlib

import torch
from torch import nn
from torch.nn.utils import parametrizations

torch.set_default_dtype(torch.float64)
torch.manual_seed(6)


def dump(tensor):
    return {"shape": list(tensor.shape), "values": tensor.detach().flatten().tolist()}


def weight_norm(layer):
    before = dump(layer.weight)
    parametrizations.weight_norm(layer)
    parts = layer.parametrizations.weight
    length, direction = parts.original0, parts.original1
    first = dump(length)
    with torch.no_grad():
        length.mul_(torch.rand_like(length) + 0.5)
        direction.add_(torch.randn_like(direction))
    cotangent = torch.randn_like(layer.weight)
    slopes = torch.autograd.grad((layer.weight * cotangent).sum(), [length, direction])
    return {
        "before": before,
        "first_length": first,
        "length": dump(length),
        "direction": dump(direction),
        "weight": dump(layer.weight),
        "cotangent": dump(cotangent),
        "length_slope": dump(slopes[0]),
        "direction_slope": dump(slopes[1]),
    }


def spectral_norm(layer):
    before = dump(layer.weight)
    parametrizations.spectral_norm(layer, n_power_iterations=1)
    state = layer.parametrizations.weight[0]
    with torch.no_grad():
        for vector in [state._u, state._v]:
            vector.copy_(nn.functional.normalize(torch.randn_like(vector), dim=0))
    layer.eval()
    found = {"before": before, "u": dump(state._u), "v": dump(state._v), "evaluated": dump(layer.weight)}
    layer.train()
    weight = layer.weight
    cotangent = torch.randn_like(weight)
    slope = torch.autograd.grad((weight * cotangent).sum(), layer.parametrizations.weight.original)[0]
    return found | {
        "trained": dump(weight),
        "next_u": dump(state._u),
        "next_v": dump(state._v),
        "cotangent": dump(cotangent),
        "slope": dump(slope),
    }


golden = {
    "weight_norm": {"linear": weight_norm(nn.Linear(3, 4)), "convolution": weight_norm(nn.Conv2d(2, 3, 2))},
    "spectral_norm": {"linear": spectral_norm(nn.Linear(3, 4)), "convolution": spectral_norm(nn.Conv2d(2, 3, 2))},
}
path = pathlib.Path(__file__).with_name("reparameterised.json")
path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
