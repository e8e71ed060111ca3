"""Writes norms.json with PyTorch in double precision: normalisation layers, embeddings and bags of them.

    python norms.py                  # needs torch; made with 2.15
"""

import json
import pathlib

import torch
from torch import nn
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
torch.manual_seed(7)


def dump(tensor):
    tensor = tensor.detach()
    return {"shape": list(tensor.shape), "values": tensor.flatten().tolist()}


def floats(module):
    return {path: dump(buffer) for path, buffer in module.named_buffers() if buffer.is_floating_point()}


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def case(name, module, x, *more, train=False):
    """Output, all gradients of <output, cotangent>, and state after a forward pass."""
    for parameter in module.parameters():
        parameter.data = torch.randn(parameter.shape) * 0.5 + 0.1
    for buffer in module.buffers():
        if buffer.is_floating_point():
            buffer.data = torch.rand(buffer.shape) + 0.5
    module.train(train)
    leaves = {path: dump(parameter) for path, parameter in module.named_parameters()} | floats(module)
    if x.is_floating_point():
        x.requires_grad_()
    output = module(x, *more)
    cotangent = torch.randn(output.shape)
    (output * cotangent).sum().backward()
    return {
        "name": name,
        "leaves": leaves,
        "input": dump(x),
        "more": [dump(tensor) for tensor in more],
        "cotangent": dump(cotangent),
        "output": dump(output),
        "input_gradient": dump(x.grad) if x.is_floating_point() else None,
        "gradients": {path: dump(parameter.grad) for path, parameter in module.named_parameters()},
        "state": floats(module),
    }


def instance(**options):
    return nn.InstanceNorm2d(3, eps=1e-4, affine=True, track_running_stats=True, momentum=0.3, **options)


numbers = torch.tensor([[1, 4, 2, 4], [0, 3, 3, 4], [2, 2, 0, 1]])
ragged = torch.tensor([1, 4, 2, 4, 0, 3, 3])
starts = torch.tensor([0, 3, 3, 6])
cases = [
    case("rms_norm", nn.RMSNorm(5, eps=1e-6), torch.randn(3, 5)),
    case("rms_norm_two_axes", nn.RMSNorm([3, 4], eps=1e-3), torch.randn(2, 3, 4)),
    case("group_norm", nn.GroupNorm(2, 6), torch.randn(2, 6, 2, 3)),
    case("group_norm_plain", nn.GroupNorm(3, 6, eps=1e-3, affine=False), torch.randn(2, 6, 4)),
    case("instance_norm", nn.InstanceNorm2d(3), torch.randn(2, 3, 2, 3)),
    case("instance_norm_training", instance(), torch.randn(2, 3, 2, 3), train=True),
    case("instance_norm_evaluation", instance(), torch.randn(2, 3, 2, 3)),
    case(
        "pixel_norm",
        Function(lambda x: x / (x.square().mean(1, keepdim=True) + 1e-8).sqrt()),
        torch.randn(2, 4, 3, 2),
    ),
    case("l2_normalise", Function(lambda x: F.normalize(x, dim=1)), torch.randn(2, 4, 3)),
    case("swiglu", Function(lambda x: F.silu(x[:, :3]) * x[:, 3:]), torch.randn(4, 6)),
    case("geglu", Function(lambda x: F.gelu(x[:, :3]) * x[:, 3:]), torch.randn(4, 6)),
    case("embedding", nn.Embedding(6, 3), numbers),
    case("embedding_padding", nn.Embedding(6, 3, padding_idx=4), numbers),
    case("bag_sum", nn.EmbeddingBag(6, 3, mode="sum"), numbers),
    case("bag_mean", nn.EmbeddingBag(6, 3, mode="mean"), numbers),
    case("bag_max", nn.EmbeddingBag(6, 3, mode="max"), numbers),
    case("bag_sum_padding", nn.EmbeddingBag(6, 3, mode="sum", padding_idx=4), numbers),
    case("bag_mean_padding", nn.EmbeddingBag(6, 3, mode="mean", padding_idx=4), numbers),
    case("bag_max_padding", nn.EmbeddingBag(6, 3, mode="max", padding_idx=4), numbers),
    case("bag_sum_ragged", nn.EmbeddingBag(6, 3, mode="sum"), ragged, starts),
    case("bag_mean_ragged", nn.EmbeddingBag(6, 3, mode="mean"), ragged, starts),
    case("bag_max_ragged", nn.EmbeddingBag(6, 3, mode="max"), ragged, starts),
]
weighted = nn.EmbeddingBag(6, 3, mode="sum")
weights = torch.randn(numbers.shape)
forward = weighted.forward
weighted.forward = lambda x, weights: forward(x, per_sample_weights=weights)
cases.append(case("bag_sum_weighted", weighted, numbers, weights))
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(cases, separators=(",", ":")) + "\n")
