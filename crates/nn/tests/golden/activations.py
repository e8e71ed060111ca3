"""Writes activations.json with PyTorch in double precision: layers without memory, and the bilinear layer.

    python activations.py            # needs torch; made with 2.15
"""

import json
import pathlib

import torch
from torch import nn
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
torch.manual_seed(5)


def dump(tensor):
    tensor = tensor.detach()
    return {"shape": list(tensor.shape), "values": tensor.flatten().tolist()}


class Function(nn.Module):
    """A formula; PyTorch's own hard sigmoid and swish have a slope in single precision."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def case(name, module, *shapes):
    for parameter in module.parameters():
        parameter.data = torch.randn(parameter.shape) * 0.5 + 0.1
    inputs = [(torch.randn(shape) * 3).requires_grad_() for shape in shapes]
    output = module(*inputs)
    cotangent = torch.randn(output.shape)
    (output * cotangent).sum().backward()
    return {
        "name": name,
        "leaves": {path: dump(parameter) for path, parameter in module.named_parameters()},
        "inputs": [dump(x) for x in inputs],
        "cotangent": dump(cotangent),
        "output": dump(output),
        "input_gradients": [dump(x.grad) for x in inputs],
        "gradients": {path: dump(parameter.grad) for path, parameter in module.named_parameters()},
    }


cases = [
    case("relu6", nn.ReLU6(), (3, 7)),
    case("celu", nn.CELU(0.5), (3, 7)),
    case("mish", nn.Mish(), (3, 7)),
    case("softsign", nn.Softsign(), (3, 7)),
    case("log_sigmoid", nn.LogSigmoid(), (3, 7)),
    case("hard_sigmoid", Function(lambda x: F.relu6(x + 3) / 6), (3, 7)),
    case("hard_swish", Function(lambda x: x * F.relu6(x + 3) / 6), (3, 7)),
    case("hard_tanh", nn.Hardtanh(), (3, 7)),
    case("threshold", nn.Threshold(0.5, -2.0), (3, 7)),
    case("glu", nn.GLU(dim=1), (2, 6, 3)),
    case("prelu", nn.PReLU(), (3, 7)),
    case("prelu_channels", nn.PReLU(4), (2, 4, 3)),
    case("bilinear", nn.Bilinear(3, 4, 2), (2, 5, 3), (2, 5, 4)),
    case("bilinear_without_bias", nn.Bilinear(3, 2, 4, bias=False), (5, 3), (5, 2)),
]
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(cases, separators=(",", ":")) + "\n")
