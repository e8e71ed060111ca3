"""Writes attention.json with PyTorch: scaled dot-product attention and rotary embeddings, with gradients.

    python attention.py            # made with torch 2.15
"""

import json
import pathlib

import torch
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
torch.manual_seed(0)


def dump(tensor):
    tensor = tensor.detach()
    return {"shape": list(tensor.shape), "values": tensor.to(torch.float64).flatten().tolist()}


def case(name, shapes, bias=None, mask=None, **options):
    q, k, v = (torch.randn(shape, requires_grad=True) for shape in shapes)
    added = None
    if bias:
        added = bias = torch.randn(bias, requires_grad=True)
    if mask is not None:
        hidden = torch.zeros(mask.shape).masked_fill(~mask, float("-inf"))
        added = hidden if added is None else added + hidden
    output = F.scaled_dot_product_attention(q, k, v, attn_mask=added, **options)
    cotangent = torch.randn(output.shape)
    (output * cotangent).sum().backward()
    inputs = [q, k, v] + ([bias] if bias is not None else [])
    return {
        "name": name,
        "inputs": [dump(x) for x in inputs],
        "mask": None if mask is None else dump(mask),
        "cotangent": dump(cotangent),
        "output": dump(output),
        "gradients": [dump(x.grad) for x in inputs],
    }


mask = torch.rand(5, 7) > 0.4
mask[:, 0] = True
cases = [
    case("plain", [(2, 3, 5, 4), (2, 3, 7, 4), (2, 3, 7, 6)]),
    case("causal", [(2, 2, 6, 4)] * 3, is_causal=True),
    case("scale", [(3, 5, 4), (3, 5, 4), (3, 5, 4)], scale=0.3),
    case("bias", [(2, 3, 5, 4), (2, 3, 7, 4), (2, 3, 7, 4)], bias=(3, 5, 7)),
    case("mask", [(2, 3, 5, 4), (2, 3, 7, 4), (2, 3, 7, 4)], mask=mask),
    case("bias and mask", [(2, 3, 5, 4), (2, 3, 7, 4), (2, 3, 7, 4)], bias=(2, 1, 1, 7), mask=mask),
    case("grouped", [(2, 4, 5, 4), (2, 2, 7, 4), (2, 2, 7, 4)], enable_gqa=True),
]


def rotary(x, base, dims, interleaved):
    """RoFormer's formula, written with complex numbers."""
    length = x.shape[-2]
    angles = torch.outer(torch.arange(length).double(), base ** (-torch.arange(0, dims, 2) / dims))
    turn = torch.polar(torch.ones_like(angles), angles)
    part, rest = x[..., :dims], x[..., dims:]
    if interleaved:
        pairs = torch.view_as_complex(part.reshape(*part.shape[:-1], dims // 2, 2).contiguous())
        turned = torch.view_as_real(pairs * turn).flatten(-2)
    else:
        pairs = torch.complex(part[..., : dims // 2], part[..., dims // 2 :]) * turn
        turned = torch.cat([pairs.real, pairs.imag], -1)
    return torch.cat([turned, rest], -1)


x = torch.randn(2, 5, 8)
golden = {
    "cases": cases,
    "x": dump(x),
    "rotary_half": dump(rotary(x, 10000.0, 8, False)),
    "rotary_interleaved": dump(rotary(x, 500.0, 6, True)),
}
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
