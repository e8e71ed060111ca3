"""Writes image.json with PyTorch: convolutions of sequences and volumes, transposed ones, padding, pooling; with gradients.

    python image.py            # made with torch 2.15
"""

import json
import pathlib

import torch
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
torch.manual_seed(3)


def dump(tensor):
    tensor = tensor.detach()
    return {"shape": list(tensor.shape), "values": tensor.to(torch.float64).flatten().tolist()}


def case(name, function, *shapes):
    inputs = [torch.randn(shape, requires_grad=True) for shape in shapes]
    output = function(*inputs)
    cotangent = torch.randn(output.shape)
    (output * cotangent).sum().backward()
    return {
        "name": name,
        "inputs": [dump(x) for x in inputs],
        "cotangent": dump(cotangent),
        "output": dump(output),
        "gradients": [dump(x.grad) for x in inputs],
    }


cases = [
    case("conv1d", lambda x, w: F.conv1d(x, w, stride=2, padding=1, dilation=2, groups=2), (2, 4, 9), (6, 2, 3)),
    case("conv3d", lambda x, w: F.conv3d(x, w, stride=(2, 1, 2), padding=(1, 0, 1), dilation=(1, 2, 1), groups=2),
         (2, 2, 5, 4, 5), (4, 1, 3, 2, 2)),
    case("conv_transpose1d", lambda x, w: F.conv_transpose1d(x, w, stride=3, padding=1, output_padding=2, groups=2),
         (2, 4, 5), (4, 3, 4)),
    case("conv_transpose2d",
         lambda x, w: F.conv_transpose2d(x, w, stride=(2, 1), padding=(1, 0), output_padding=(1, 1), dilation=(1, 2)),
         (2, 3, 4, 3), (3, 2, 3, 2)),
    case("conv_transpose3d", lambda x, w: F.conv_transpose3d(x, w, stride=2, padding=1, output_padding=1, groups=2),
         (1, 4, 2, 3, 2), (4, 1, 3, 2, 3)),
    case("unfold", lambda x: F.unfold(x, (2, 3), padding=1, stride=2, dilation=(2, 1)), (2, 3, 6, 5)),
    case("fold", lambda x: F.fold(x, (4, 5), (2, 2), padding=1, stride=2), (2, 12, 9)),
    case("reflect", lambda x: F.pad(x, (2, 1, 1, 3), mode="reflect"), (2, 2, 5, 4)),
    case("replicate", lambda x: F.pad(x, (2, 1, 1, 3), mode="replicate"), (2, 2, 5, 4)),
    case("circular", lambda x: F.pad(x, (2, 1, 1, 3), mode="circular"), (2, 2, 5, 4)),
    case("constant", lambda x: F.pad(x, (2, -1, -2, 3), value=0.7), (2, 2, 5, 4)),
    case("max_pool1d", lambda x: F.max_pool1d(x, 3, 2, 1), (2, 3, 8)),
    case("avg_pool1d", lambda x: F.avg_pool1d(x, 3, 2, 1), (2, 3, 8)),
    case("max_pool3d", lambda x: F.max_pool3d(x, (2, 3, 2), (2, 1, 2), (1, 1, 0)), (2, 2, 4, 5, 4)),
    case("avg_pool3d", lambda x: F.avg_pool3d(x, (2, 3, 2), (2, 1, 2), (1, 1, 0)), (2, 2, 4, 5, 4)),
    case("avg_without_padding", lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False), (2, 2, 6, 5)),
    case("lp_pool2d", lambda x: F.lp_pool2d(x.abs(), 3.0, 2), (2, 2, 6, 4)),
    case("adaptive_avg", lambda x: F.adaptive_avg_pool2d(x, (3, 2)), (2, 2, 7, 5)),
    case("adaptive_max", lambda x: F.adaptive_max_pool2d(x, (3, 2)), (2, 2, 7, 5)),
    case("unpool", lambda x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2), (2, 2, 6, 4)),
]
x = torch.randn(2, 6, 5)
_, indices = F.max_pool2d(x, 3, 2, 1, return_indices=True)
golden = {"cases": cases, "x": dump(x), "indices": dump(indices)}
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
