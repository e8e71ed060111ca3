"""Writes attention.json with PyTorch in double precision: multi-head attention and transformer layers.

    python attention.py            # needs torch; made with 2.15
"""

import json
import pathlib

import torch
from torch import nn

torch.set_default_dtype(torch.float64)
torch.manual_seed(6)


def dump(tensor):
    tensor = tensor.detach()
    return {"shape": list(tensor.shape), "values": tensor.to(torch.float64).flatten().tolist()}


def case(name, module, call, shapes, masks=()):
    for parameter in module.parameters():
        parameter.data = torch.randn(parameter.shape) * 0.3 + 0.05
    inputs = [torch.randn(shape, requires_grad=True) for shape in shapes]
    output = call(module, *inputs)
    cotangent = torch.randn(output.shape)
    (output * cotangent).sum().backward()
    return {
        "name": name,
        "leaves": {path: dump(parameter) for path, parameter in module.named_parameters()},
        "inputs": [dump(x) for x in inputs],
        "masks": [dump(mask) for mask in masks],
        "cotangent": dump(cotangent),
        "output": dump(output),
        "input_gradients": [dump(x.grad) for x in inputs],
        "gradients": {path: dump(parameter.grad) for path, parameter in module.named_parameters()},
    }


keys = torch.tensor([[True, True, True, False], [True, True, False, False]])
source = torch.tensor([[True, True, True, True, False], [True, True, True, True, True]])
causal = lambda n: torch.triu(torch.ones(n, n, dtype=torch.bool), 1)
options = {"dropout": 0.0, "batch_first": True}
itself = lambda **more: lambda m, x: m(x, x, x, need_weights=False, **more)[0]
layer = lambda **more: {"d_model": 8, "nhead": 2, "dim_feedforward": 12, **options, **more}
cases = [
    case("self", nn.MultiheadAttention(8, 2, **options), itself(), [(2, 4, 8)]),
    case("without_bias", nn.MultiheadAttention(8, 4, bias=False, **options), itself(), [(2, 4, 8)]),
    case("causal", nn.MultiheadAttention(8, 2, **options), itself(attn_mask=causal(4)), [(2, 4, 8)]),
    case("padded", nn.MultiheadAttention(8, 2, **options), itself(key_padding_mask=~keys), [(2, 4, 8)], [keys]),
    case("cross", nn.MultiheadAttention(8, 2, kdim=5, vdim=6, **options),
         lambda m, q, k, v: m(q, k, v, need_weights=False)[0], [(2, 4, 8), (2, 3, 5), (2, 3, 6)]),
    case("encoder_after", nn.TransformerEncoderLayer(**layer()), lambda m, x: m(x), [(2, 4, 8)]),
    case("encoder_before", nn.TransformerEncoderLayer(**layer(norm_first=True, activation="gelu")),
         lambda m, x: m(x, src_key_padding_mask=~keys), [(2, 4, 8)], [keys]),
    case("decoder_after", nn.TransformerDecoderLayer(**layer()),
         lambda m, x, y: m(x, y, tgt_mask=causal(4)), [(2, 4, 8), (2, 5, 8)]),
    case("decoder_before", nn.TransformerDecoderLayer(**layer(norm_first=True)),
         lambda m, x, y: m(x, y, tgt_mask=causal(4), memory_key_padding_mask=~source), [(2, 4, 8), (2, 5, 8)], [source]),
    case("transformer",
         nn.Transformer(8, 2, 1, 2, 12, norm_first=True, **options),
         lambda m, x, y: m(x, y, tgt_mask=causal(4)), [(2, 5, 8), (2, 4, 8)]),
]
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(cases, separators=(",", ":")) + "\n")
