"""Writes upsample.json with PyTorch: layers that resize and rearrange images, with the gradients of the sum of squares.

    python upsample.py
"""

import json
import pathlib

import torch
from torch import nn

torch.set_default_dtype(torch.float64)
torch.manual_seed(0)


def dump(array):
    return {"shape": list(array.shape), "values": array.detach().flatten().tolist()}


x = torch.randn(2, 4, 4, 2)
layers = {
    "nearest": nn.Upsample(scale_factor=2),
    "linear": nn.Upsample(size=(3, 5), mode="bilinear"),
    "corners": nn.Upsample(scale_factor=(1.5, 2), mode="bilinear", align_corners=True),
    "cubic": nn.Upsample(size=(7, 3), mode="bicubic"),
    "shuffle": nn.PixelShuffle(2),
    "unshuffle": nn.PixelUnshuffle(2),
    "channels": nn.ChannelShuffle(2),
}
golden = {"input": dump(x), "layers": {}}
for name, layer in layers.items():
    # The kernel that deals out channels has no derivative there; shuffling by hand has.
    at = x.clone().requires_grad_()
    if name == "channels":
        output = at.reshape(2, 2, 2, 4, 2).transpose(1, 2).reshape(2, 4, 4, 2)
        assert torch.equal(output, layer(x))
    else:
        output = layer(at)
    output.square().sum().backward()
    golden["layers"][name] = {"output": dump(output), "gradient": dump(at.grad)}
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
