"""Writes image_sampling.json with PyTorch, torchvision and SciPy: resizing, sampling, filters and boxes, each with the
gradients of the sum of the result times 0.1, 0.2, 0.3 … 1.1, 0.1 … (eleven weights in turn).

    python image_sampling.py
"""

import json
import pathlib

import numpy as np
import scipy.ndimage
import torch
import torchvision
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
torch.manual_seed(0)


def dump(array):
    array = torch.as_tensor(np.asarray(array.detach() if isinstance(array, torch.Tensor) else array))
    return {"shape": list(array.shape), "values": array.flatten().tolist()}


def record(function, *inputs):
    at = [x.clone().requires_grad_() for x in inputs]
    value = function(*at)
    weights = (torch.arange(value.numel()) % 11 + 1).reshape(value.shape) / 10
    gradients = torch.autograd.grad((value * weights).sum(), at)
    return {"value": dump(value), "gradients": [dump(gradient) for gradient in gradients]}


golden = {}
row, image, volume = torch.randn(1, 2, 7), torch.randn(1, 2, 4, 5), torch.randn(1, 1, 3, 2, 4)
golden["inputs"] = {"row": dump(row), "image": dump(image), "volume": dump(volume)}
golden["resize"] = []


def resize(name, tensor, mode, corners=False, antialias=False, size=None, factors=None):
    options = {} if mode in ("nearest", "nearest-exact", "area") else {"align_corners": corners, "antialias": antialias}
    torch_mode = {"linear": ["linear", "bilinear", "trilinear"][tensor.dim() - 3], "cubic": "bicubic"}.get(mode, mode)
    result = record(lambda x: F.interpolate(x, size=size, scale_factor=factors, mode=torch_mode, **options), tensor)
    golden["resize"].append({"input": name, "mode": mode, "corners": corners, "antialias": antialias, "size": size,
                             "factors": factors, **result})


for mode in ["nearest", "nearest-exact", "linear", "area"]:
    resize("row", row, mode, size=[3])
    resize("row", row, mode, size=[14])
    resize("image", image, mode, size=[7, 3])
    resize("volume", volume, mode, size=[2, 3, 5])
    resize("image", image, mode, factors=[1.6, 0.7])
resize("row", row, "linear", True, size=[4])
resize("volume", volume, "linear", True, size=[1, 5, 3])
for size in [[7, 3], [4, 9], [2, 2]]:
    resize("image", image, "linear", True, size=size)
    resize("image", image, "linear", False, True, size=size)
    for corners in [False, True]:
        resize("image", image, "cubic", corners, size=size)
    resize("image", image, "cubic", False, True, size=size)
resize("image", image, "cubic", factors=[1.6, 0.7])
resize("image", image, "linear", True, factors=[1.6, 0.7])

channels = torch.arange(24.0).reshape(1, 8, 1, 3)
positions = torch.arange(24.0).reshape(1, 1, 4, 6)
golden["shuffle"] = {
    "channels": dump(channels), "positions": dump(positions), "pixel_shuffle": dump(F.pixel_shuffle(channels, 2)),
    "pixel_unshuffle": dump(F.pixel_unshuffle(positions, 2)), "channel_shuffle": dump(F.channel_shuffle(channels, 4)),
}

grid, volume_grid = torch.rand(1, 2, 3, 2) * 4 - 2, torch.rand(1, 1, 2, 2, 3) * 3 - 1.5
golden["inputs"] |= {"grid": dump(grid), "volume_grid": dump(volume_grid)}
golden["grid_sample"] = []
for mode in ["bilinear", "nearest", "bicubic"]:
    for padding in ["zeros", "border", "reflection"]:
        for corners in [False, True]:
            for of in ["image", "volume"]:
                if of == "volume" and mode == "bicubic":
                    continue
                inputs = (image, grid) if of == "image" else (volume, volume_grid)
                result = record(lambda x, g: F.grid_sample(x, g, mode, padding, corners), *inputs)
                golden["grid_sample"].append({"of": of, "mode": mode, "padding": padding, "corners": corners, **result})

maps, volume_maps = torch.randn(2, 2, 3), torch.randn(1, 3, 4)
golden["inputs"] |= {"maps": dump(maps), "volume_maps": dump(volume_maps)}
golden["affine_grid"] = [
    {"of": of, "size": size, "corners": corners,
     **record(lambda m: F.affine_grid(m, [len(m), 1, *size], align_corners=corners), tensor)}
    for of, tensor, size in [("maps", maps, [2, 3]), ("volume_maps", volume_maps, [2, 1, 3])] for corners in [False, True]
]

pictures = torch.randn(2, 2, 6, 5)
regions = torch.tensor([[1.3, 2.1, 7.7, 9.4], [-3.0, -2.0, 4.5, 3.5], [2.2, 3.1, 2.9, 3.6], [6.0, 5.0, 14.2, 16.8]])
numbers = torch.tensor([1, 0, 1, 0])
listed = torch.cat([numbers[:, None].double(), regions], 1)
golden["inputs"] |= {"pictures": dump(pictures), "regions": dump(regions), "numbers": dump(numbers)}
golden["roi_align"] = [
    {"ratio": ratio, "aligned": aligned,
     **record(lambda x: torchvision.ops.roi_align(x, listed, (2, 3), 0.6, ratio or -1, aligned), pictures)}
    for ratio in [0, 1, 2] for aligned in [False, True]
]
golden["roi_pool"] = record(lambda x: torchvision.ops.roi_pool(x, listed, (2, 3), 0.6), pictures)

blur = torchvision.transforms.functional.gaussian_blur
golden["gaussian_blur"] = record(lambda x: blur(x, [5, 3], [1.3, 0.7]), image)
plain = image.numpy()
golden["sobel"] = [dump(scipy.ndimage.sobel(plain[0, 0], axis, mode="mirror")) for axis in [0, 1]]
golden["laplacian"] = dump(scipy.ndimage.laplace(plain[0, 0], mode="mirror"))

ops = torchvision.ops
corner = torch.rand(8, 2) * 3
boxes = torch.cat([corner, corner + torch.rand(8, 2) * 3 + 0.2], 1)
anchors = boxes.roll(1, 0) + torch.tensor([0.0, 0.1, 0.2, 0.3])
scores, classes = torch.rand(8), torch.tensor([0, 1, 0, 1, 0, 0, 1, 1])
coder = torchvision.models.detection._utils.BoxCoder((10.0, 10.0, 5.0, 5.0))
deltas = coder.encode_single(boxes, anchors)
wild = torch.randn(8, 4) * 12
golden["inputs"] |= {"boxes": dump(boxes), "anchors": dump(anchors), "scores": dump(scores), "classes": dump(classes),
                     "wild": dump(wild)}
golden["boxes"] = {
    "area": record(ops.box_area, boxes), "iou": record(ops.box_iou, boxes, anchors[:3]),
    "giou": record(ops.generalized_box_iou, boxes, anchors[:3]),
    "clip": dump(ops.clip_boxes_to_image(boxes * 1.5 - 2, (2, 3))),
    "xywh": dump(ops.box_convert(boxes, "xyxy", "xywh")), "cxcywh": dump(ops.box_convert(boxes, "xyxy", "cxcywh")),
    "encode": dump(deltas), "decode": dump(coder.decode_single(wild, anchors)),
    "nms": [{"threshold": t, "all": dump(ops.nms(boxes, scores, t)), "batched": dump(ops.batched_nms(boxes, scores, classes, t))}
            for t in [0.05, 0.2, 0.5]],
}
path = pathlib.Path(__file__).with_suffix(".json")


def rounded(value):
    """Thirteen digits are more than the comparison needs."""
    if isinstance(value, dict):
        return {key: rounded(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [rounded(entry) for entry in value]
    return float(f"{value:.13g}") if isinstance(value, float) else value


path.write_text(json.dumps(rounded(golden), separators=(",", ":")) + "\n")
