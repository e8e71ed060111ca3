"""Golden numbers for augmentations, by torchvision, PIL and SciPy.

    python augmentation.py > augmentation.json

Pictures are [3, 20, 16], written as hexadecimal bytes.
"""

import json

import numpy as np
import torch
import torchvision.transforms.v2.functional as F
from PIL import Image, ImageOps
from scipy import ndimage
from torchvision.transforms import InterpolationMode

HEIGHT, WIDTH = 20, 16
rng = np.random.default_rng(7)
smooth = ndimage.gaussian_filter(rng.normal(size=(3, HEIGHT, WIDTH)), (0, 1.5, 1.5))
image = 120 + 260 * smooth + rng.normal(size=smooth.shape) * 8
image = np.clip(np.round(image), 0, 255).astype(np.uint8)
tensor = torch.from_numpy(image)
pil = Image.fromarray(image.transpose(1, 2, 0))
mask = (np.arange(HEIGHT)[:, None] // 4 * 5 + np.arange(WIDTH)[None] // 3).astype(np.uint8)

BILINEAR, NEAREST = InterpolationMode.BILINEAR, InterpolationMode.NEAREST
cases = {}


def add(name, result):
    result = np.asarray(result)
    assert result.dtype == np.uint8, (name, result.dtype)
    cases[name] = {"shape": list(result.shape), "bytes": result.tobytes().hex()}


def from_pil(picture):
    return np.asarray(picture).transpose(2, 0, 1)


def rounded(values):
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


add("image", image)
for factor in (0.6, 1.7):
    add(f"brightness {factor}", F.adjust_brightness(tensor, factor))
    add(f"contrast {factor}", F.adjust_contrast(tensor, factor))
    add(f"saturation {factor}", F.adjust_saturation(tensor, factor))
    add(f"sharpness {factor}", F.adjust_sharpness(tensor, factor))
    add(f"gamma {factor}", F.adjust_gamma(tensor, factor))
for turn in (0.1, -0.3, 0.5):
    add(f"hue {turn}", F.adjust_hue(tensor, turn))
add("gray", F.rgb_to_grayscale(tensor, 3))
add("invert", F.invert(tensor))
add("solarise 128", F.solarize(tensor, 128))
add("posterise 3", F.posterize(tensor, 3))
add("equalise", from_pil(ImageOps.equalize(pil)))
dull = image // 3 + 60
add("auto-contrast", F.autocontrast(torch.from_numpy(dull)))
add("Gaussian blur 1.2", F.gaussian_blur(tensor, [9, 9], [1.2, 1.2]))
add("motion blur 5", rounded(ndimage.uniform_filter1d(image.astype(float), 5, axis=2, mode="mirror")))
emboss = np.array([[-1.5, -0.5, 0], [-0.5, 1, 0.5], [0, 0.5, 1.5]])
add("emboss 0.5", rounded(np.stack([ndimage.correlate(p.astype(float), emboss, mode="mirror") for p in image])))

# Torchvision's affine turns clockwise, its rotate counter-clockwise.
add("rotation 30", F.rotate(tensor, 30, BILINEAR))
affine = dict(angle=-20, translate=[2, -3], scale=0.8, shear=[10.0, -5.0])
add("affine", F.affine(tensor, interpolation=BILINEAR, **affine))
add("mask affine", F.affine(torch.from_numpy(mask)[None], interpolation=NEAREST, **affine)[0])
start = [[0, 0], [WIDTH, 0], [WIDTH, HEIGHT], [0, HEIGHT]]
end = [[3, 1], [14, 4], [15, 18], [2, 17]]
add("perspective", F.perspective(tensor, start, end, BILINEAR))
add("resize 9 31", from_pil(pil.resize((31, 9), Image.Resampling.BILINEAR)))
add("resize 33 7", from_pil(pil.resize((7, 33), Image.Resampling.BILINEAR)))

rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
right = 1.5 * np.sin(rows / 3.0)
down = 2.0 * np.cos(columns / 4.0)
field = torch.tensor(np.stack([right * 2 / WIDTH, down * 2 / HEIGHT], -1), dtype=torch.float32)[None]
add("displacement", F.elastic(tensor, field, BILINEAR))

# Rotation by 40 degrees about the centre with SciPy, whose coordinates are (row, column) of pixel centres.
angle = np.radians(40)
inverse = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
centre = np.array([(HEIGHT - 1) / 2, (WIDTH - 1) / 2])
for name, mode, values in [("reflect", "mirror", [0] * 3), ("edge", "nearest", [0] * 3), ("constant", "grid-constant", [10, 90, 250])]:
    planes = [
        ndimage.affine_transform(p.astype(float), inverse, centre - inverse @ centre, order=1, mode=mode, cval=v)
        for p, v in zip(image, values)
    ]
    add(f"border {name}", rounded(np.stack(planes)))

print("{")
print(",\n".join(f"{json.dumps(name)}: {json.dumps(case)}" for name, case in cases.items()))
print("}")
