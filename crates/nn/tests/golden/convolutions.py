"""Writes convolutions.json with PyTorch in double precision: convolution layers of sequences and volumes, pooling, attention to channels.

    python convolutions.py            # needs torch; made with 2.15
"""

import json
import pathlib

import torch
from torch import nn

torch.set_default_dtype(torch.float64)
torch.manual_seed(8)


def dump(tensor):
    tensor = tensor.detach()
    return {"shape": list(tensor.shape), "values": tensor.flatten().tolist()}


class SqueezeExcite(nn.Module):
    def __init__(self):
        super().__init__()
        self.squeeze, self.excite = nn.Linear(6, 2), nn.Linear(2, 6)

    def forward(self, x):
        gates = torch.sigmoid(self.excite(torch.relu(self.squeeze(x.mean((2, 3))))))
        return x * gates[:, :, None, None]


def case(name, module, shape):
    for parameter in module.parameters():
        parameter.data = torch.randn(parameter.shape) * 0.5 + 0.1
    x = torch.randn(shape, requires_grad=True)
    output = module(x)
    cotangent = torch.randn(output.shape)
    (output * cotangent).sum().backward()
    return {
        "name": name,
        "leaves": {path: dump(parameter) for path, parameter in module.named_parameters()},
        "inputs": [dump(x)],
        "cotangent": dump(cotangent),
        "output": dump(output),
        "input_gradients": [dump(x.grad)],
        "gradients": {path: dump(parameter.grad) for path, parameter in module.named_parameters()},
    }


cases = [
    case("conv1d", nn.Conv1d(4, 6, 3, stride=2, padding=1, dilation=2, groups=2), (2, 4, 9)),
    case("conv3d", nn.Conv3d(2, 3, (2, 3, 2), stride=(1, 2, 1), padding=1, bias=False), (1, 2, 3, 4, 3)),
    case("conv_transpose1d", nn.ConvTranspose1d(4, 6, 4, stride=2, padding=1, output_padding=1, groups=2), (2, 4, 5)),
    case("conv_transpose2d", nn.ConvTranspose2d(3, 2, 4, stride=2, padding=1), (2, 3, 3, 4)),
    case("conv_transpose3d", nn.ConvTranspose3d(2, 3, 2, stride=2, padding=1), (1, 2, 2, 3, 2)),
    case("max_pool1d", nn.MaxPool1d(2), (2, 3, 6)),
    case("avg_pool3d", nn.AvgPool3d(2), (1, 2, 4, 2, 4)),
    case("adaptive_avg", nn.AdaptiveAvgPool2d((3, 1)), (2, 2, 7, 5)),
    case("adaptive_max", nn.AdaptiveMaxPool1d(3), (2, 2, 7)),
    case("reflect", nn.ReflectionPad2d((1, 2, 0, 1)), (2, 2, 4, 3)),
    case("unfold", nn.Unfold((2, 2), padding=1), (1, 2, 3, 3)),
    case("fold", nn.Fold((3, 3), (2, 2)), (1, 8, 4)),
    case("squeeze_excite", SqueezeExcite(), (2, 6, 3, 3)),
]
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(cases, separators=(",", ":")) + "\n")
