"""Writes the files of this folder with other programs, and what they hold to expected.json.

NumPy, PyTorch 2.15, safetensors, gguf, Pillow, scipy.io.wavfile, tifffile. Run: python make.py (in this folder).
"""

import collections
import json
import math
import os
import struct

import gguf
import numpy as np
import safetensors.numpy
import scipy.io.wavfile
import tifffile
import torch
from PIL import Image

os.chdir(os.path.dirname(os.path.abspath(__file__)))
random = np.random.default_rng(3)
expected = {}


def numbers(array):
    return [
        None if isinstance(v, float) and math.isnan(v) else v
        for v in np.asarray(array).astype(np.float64).reshape(-1).tolist()
    ]


def remember(name, array):
    expected[name] = {"shape": list(np.shape(array)), "values": numbers(array)}


# npy: every type, both byte orders, both orders of the axes, all versions.
small = np.arange(6).reshape(2, 3)
for kind in ["?", "u1", "i1", "<u2", ">i2", "<u4", ">u4", "<i4", ">i4", "<i8", ">u8", "<f2", ">f2", "<f4", ">f4", "<f8", ">f8"]:
    array = (small - (0 if "u" in kind or kind == "?" else 3)).astype(kind)
    name = "npy-" + kind.replace("<", "le-").replace(">", "be-").replace("?", "bool") + ".npy"
    np.save(name, array)
    remember(name, array)
cube = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
np.save("npy-fortran.npy", np.asfortranarray(cube))
remember("npy-fortran.npy", cube)
np.save("npy-scalar.npy", np.float64(2.5))
remember("npy-scalar.npy", np.float64(2.5))
np.save("npy-empty.npy", np.zeros((3, 0), np.int64))
remember("npy-empty.npy", np.zeros((3, 0)))
for version in [(2, 0), (3, 0)]:
    with open(f"npy-version{version[0]}.npy", "wb") as file:
        np.lib.format.write_array(file, cube, version=version)
    remember(f"npy-version{version[0]}.npy", cube)
arrays = {"a": cube, "b.c": np.array([1, -2, 3], np.int16), "flag": np.array(True)}
np.savez("stored.npz", **arrays)
np.savez_compressed("deflated.npz", **arrays)
for name, array in arrays.items():
    remember("npz/" + name, array)
np.savetxt("numbers.txt", random.normal(size=(4, 3)), header="three columns\nof numbers")
remember("numbers.txt", np.loadtxt("numbers.txt"))

# safetensors.
safetensors.numpy.save_file({"x": cube, "y": np.array([1, 2], np.int64), "h": cube.astype(np.float16)}, "plain.safetensors", {"by": "python"})
remember("safetensors/x", cube)
half = torch.tensor([1.5, -2.0, 3.25], dtype=torch.bfloat16)
import safetensors.torch
safetensors.torch.save_file({"half": half, "eight": half.to(torch.float8_e4m3fn)}, "small-floats.safetensors")

# PyTorch: all types, views, nesting, parameters, old and new files.
torch.manual_seed(0)
base = torch.arange(12, dtype=torch.float32).reshape(3, 4)
state = collections.OrderedDict()
for dtype in [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool]:
    state[str(dtype).split(".")[1]] = base.to(dtype)
state["transposed"] = base.t()
state["slice"] = base[1:, ::2]
state["expanded"] = base[:, :1].expand(3, 5)
state["scalar"] = torch.tensor(7.5)
state["empty"] = torch.zeros(0, 4)
state["parameter"] = torch.nn.Parameter(base * 2)
nested = {"model": state, "epoch": 3, "lr": 0.25, "name": "net", "none": None, "flags": [True, False], "pair": (1, base[0]), "size": base.size(), 5: base[:, 1], "device": torch.device("cpu"), "dtype": torch.float16}
torch.save(nested, "new.pth")
torch.save(nested, "old.pth", _use_new_zipfile_serialization=False)
torch.save(nested, "protocol4.pth", pickle_protocol=4)
torch.save({"u16": torch.arange(3).to(torch.uint16), "u32": torch.arange(3).to(torch.uint32)}, "unsigned.pth")
torch.save({"eight": half.to(torch.float8_e5m2)}, "eight.pth")
torch.save(base, "alone.pth")
for name, tensor in state.items():
    remember("torch/model." + name, tensor.detach().to(torch.float64).numpy())
remember("torch/pair.1", base[0].numpy())
remember("torch/5", base[:, 1].numpy())
network = torch.nn.Linear(2, 3)
optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
network(torch.ones(1, 2)).sum().backward()
optimiser.step()
torch.save(optimiser.state_dict(), "adam.pth")
remember("adam/state.0.exp_avg", optimiser.state_dict()["state"][0]["exp_avg"].numpy())
torch.save(network, "module.pth")

# GGUF: every known quantisation of the same kind of numbers.
writer = gguf.GGUFWriter("types.gguf", "test")
writer.add_uint32("test.u32", 7)
writer.add_int64("test.i64", -8)
writer.add_float32("test.f32", 0.5)
writer.add_bool("test.bool", True)
writer.add_string("test.text", "žluťoučký")
writer.add_array("test.numbers", [1, 2, 3])
writer.add_array("test.texts", ["a", "bc"])
weights = random.normal(size=(2, 256)).astype(np.float32)
for dtype in [np.float32, np.float16, np.float64, np.int8, np.int16, np.int32, np.int64]:
    array = (cube * 1.0 - 5).astype(dtype)
    writer.add_tensor(np.dtype(dtype).name, array)
    remember("gguf/" + np.dtype(dtype).name, array)
kinds = gguf.GGMLQuantizationType
for kind in [kinds.BF16, kinds.Q8_0, kinds.Q4_0, kinds.Q4_1, kinds.Q5_0, kinds.Q5_1]:
    packed = gguf.quants.quantize(weights, kind)
    writer.add_tensor(kind.name, packed, raw_dtype=kind)
    remember("gguf/" + kind.name, gguf.quants.dequantize(packed, kind))
for kind in [kinds.Q4_K, kinds.Q5_K, kinds.Q6_K]:
    # The package cannot quantise to these; any bits are a block once its scales are sane numbers.
    _, size = gguf.GGML_QUANT_SIZES[kind]
    packed = random.integers(0, 256, size=(2, size), dtype=np.uint8)
    scales = [208] if kind == kinds.Q6_K else [0, 2]
    for row in packed:
        for at in scales:
            row[at : at + 2] = np.frombuffer(np.float16(random.uniform(0.01, 0.1)).tobytes(), np.uint8)
    writer.add_tensor(kind.name, packed, raw_dtype=kind)
    remember("gguf/" + kind.name, gguf.quants.dequantize(packed, kind))
writer.add_tensor("Q2_K", random.integers(0, 256, size=(1, 84), dtype=np.uint8), raw_dtype=kinds.Q2_K)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()

# Pictures.
colours = random.integers(0, 256, size=(5, 7, 3), dtype=np.uint8)
Image.fromarray(colours).quantize(16).save("palette.png")
remember("palette.png", np.asarray(Image.open("palette.png").convert("RGB")))
Image.fromarray(random.integers(0, 256, size=(5, 7, 2), dtype=np.uint8), "LA").save("gray-alpha.png")
remember("gray-alpha.png", np.asarray(Image.open("gray-alpha.png").convert("RGBA")))
deep = random.integers(0, 65536, size=(5, 7), dtype=np.uint16)
Image.fromarray(deep).save("gray16.png")
remember("gray16.png", np.round(deep / 257.0))
Image.fromarray((colours[:, :, 0] > 127)).save("bits.png")
remember("bits.png", np.asarray(Image.open("bits.png").convert("L")))
ramp = np.zeros((16, 24, 3), np.uint8)
ramp[:, :, 0] = np.arange(24) * 10
ramp[:, :, 1] = np.arange(16)[:, None] * 15
exif = Image.Exif()
exif[0x0112] = 6
Image.fromarray(ramp).save("turned.jpg", quality=95, exif=exif, subsampling=0)
turned = Image.open("turned.jpg")
from PIL import ImageOps
remember("turned.jpg", np.asarray(ImageOps.exif_transpose(turned)))

frames = []
for step in range(4):
    frame = Image.new("RGB", (12, 9), (200, 30, 30))
    frame.paste((20, 220, 40), (step * 2, 1, step * 2 + 4, 6))
    frame.putpixel((11, 8), (step * 60, 0, 255))
    frames.append(frame)
frames[0].save("moving.gif", save_all=True, append_images=frames[1:], duration=[40, 80, 120, 200], loop=0, optimize=False)
moving = Image.open("moving.gif")
shown, delays = [], []
for index in range(moving.n_frames):
    moving.seek(index)
    shown.append(np.asarray(moving.convert("RGB")))
    delays.append(moving.info["duration"])
remember("moving.gif", np.stack(shown))
remember("moving.gif/delays", np.array(delays))

# TIFF: pages of several types.
pages = [
    ("gray8", colours[:, :, 0]),
    ("rgb8", colours),
    ("gray16", deep),
    ("rgb16", random.integers(0, 65536, size=(5, 7, 3), dtype=np.uint16)),
    ("gray32", random.integers(0, 2**32, size=(5, 7), dtype=np.uint32)),
    ("float32", random.normal(size=(5, 7)).astype(np.float32)),
    ("float64", random.normal(size=(5, 7))),
]
with tifffile.TiffWriter("pages.tiff") as tiff:
    for name, page in pages:
        tiff.write(page, photometric="rgb" if page.ndim == 3 else "minisblack", contiguous=False)
for index, (name, page) in enumerate(pages):
    remember(f"pages.tiff/{index}", page)
tifffile.imwrite("deflated.tiff", np.stack([deep, deep + 1]), compression="zlib", predictor=True, byteorder=">")
remember("deflated.tiff", np.stack([deep, deep + 1]))
tifffile.imwrite("tiles.tiff", np.moveaxis(pages[3][1], -1, 0), tile=(16, 16), planarconfig="separate", photometric="rgb")
remember("tiles.tiff", pages[3][1])
# The predictor of floats by hand, after technical note 3: bytes by significance, then their differences.
split = pages[5][1].astype(">f4").view(np.uint8).reshape(5, 7, 4).transpose(0, 2, 1).reshape(5, 28)
strip = np.diff(split, axis=1, prepend=np.uint8(0)).astype(np.uint8).tobytes()
tags = {256: 7, 257: 5, 258: 32, 259: 1, 262: 1, 273: 8, 277: 1, 278: 5, 279: len(strip), 317: 3, 339: 3}
with open("float-predictor.tiff", "wb") as file:
    file.write(b"II*\0" + struct.pack("<I", 8 + len(strip)) + strip + struct.pack("<H", len(tags)))
    file.write(b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items()) + bytes(4))
remember("float-predictor.tiff", pages[5][1])
Image.fromarray(colours).save("lzw.tiff", compression="tiff_lzw")
remember("lzw.tiff", colours)
Image.fromarray(colours).save("packbits.tiff", compression="packbits")
remember("packbits.tiff", colours)

# Sound.
for kind in ["u1", "i2", "i4", "f4", "f8"]:
    samples = random.normal(size=(11, 2)) * 0.3
    if kind[0] == "f":
        samples = samples.astype(kind)
        meaning = samples
    else:
        bits = int(kind[1]) * 8
        whole = np.clip(np.round(samples * 2 ** (bits - 1)), -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        samples = (whole + (128 if kind == "u1" else 0)).astype(kind)
        meaning = whole
    scipy.io.wavfile.write(f"sound-{kind}.wav", 8000, samples)
    remember(f"sound-{kind}.wav", meaning)
# 24 bits, extensible, three channels, an odd chunk before the data.
whole = random.integers(-(2**23), 2**23, size=(5, 3))
data = b"".join(struct.pack("<i", v)[:3] for v in whole.reshape(-1).tolist())
form = struct.pack("<HHIIHHHHI", 0xFFFE, 3, 48000, 48000 * 9, 9, 24, 22, 24, 7) + bytes.fromhex("0100000000001000800000aa00389b71")
chunks = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"LIST" + struct.pack("<I", 3) + b"abc\0" + b"data" + struct.pack("<I", len(data)) + data
with open("sound-i3.wav", "wb") as file:
    file.write(b"RIFF" + struct.pack("<I", len(chunks)) + chunks)
rate, back = scipy.io.wavfile.read("sound-i3.wav")
assert rate == 48000 and (back >> 8 == whole).all()
remember("sound-i3.wav", whole)

with open("expected.json", "w") as file:
    json.dump(expected, file, separators=(",", ":"))
