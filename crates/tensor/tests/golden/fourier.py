"""Writes fourier.json with NumPy and SciPy: transforms of numbers that the test makes itself.

    python fourier.py

The input of length n is x[j] = sin(1.3 j + 0.7 sin(j)), the imaginary part cos(0.9 j − 0.4 sin(2 j)).
"""

import json
import pathlib

import numpy as np
from scipy import fft as scipy_fft


def real(n):
    j = np.arange(n)
    return np.sin(1.3 * j + 0.7 * np.sin(j))


def imaginary(n):
    j = np.arange(n)
    return np.cos(0.9 * j - 0.4 * np.sin(2 * j))


def dump(array):
    return {"shape": list(array.shape), "values": [float(f"{v:.17g}") for v in array.flatten()]}


def parts(array):
    return {"re": dump(np.real(array)), "im": dump(np.imag(array))}


def sample(array):
    """Long results are checked at 25 places."""
    step = max(1, len(array) // 25)
    return array[::step]


lengths = [1, 2, 3, 7, 12, 17, 97, 100, 128, 1000, 1009]
golden = {"lengths": []}
for n in lengths:
    z = real(n) + 1j * imaginary(n)
    half = np.fft.rfft(z.real)
    golden["lengths"].append({
        "n": n,
        "fft": parts(sample(np.fft.fft(z))),
        "ifft": parts(sample(np.fft.ifft(z, norm="ortho"))),
        "rfft": parts(sample(half)),
        "irfft": dump(sample(np.fft.irfft(z[: n // 2 + 1], n))),
        "dct": dump(sample(scipy_fft.dct(z.real))),
        "dct_ortho": dump(sample(scipy_fft.dct(z.real, norm="ortho"))),
        "idct": dump(sample(scipy_fft.dct(z.real, type=3))),
        "idct_ortho": dump(sample(scipy_fft.idct(z.real, norm="ortho"))),
    })
z = (real(60) + 1j * imaginary(60)).reshape(3, 4, 5)
golden["fft2"] = parts(np.fft.fft2(z, norm="ortho"))
golden["ifft2"] = parts(np.fft.ifft2(z))
golden["fftn"] = parts(np.fft.fftn(z, axes=(0, 1), norm="forward"))
golden["rfft2"] = parts(np.fft.rfft2(z.real))
golden["rfftn"] = parts(np.fft.rfftn(z.real, axes=(0, 2)))
golden["irfft2"] = dump(np.fft.irfft2(z, s=(4, 7)))
golden["irfftn"] = dump(np.fft.irfftn(z, s=(3, 8), axes=(0, 2)))
golden["cut"] = parts(np.fft.fft(z, 3, axis=1))
golden["padded"] = parts(np.fft.fft(z, 7, axis=0))
golden["irfft_default"] = dump(np.fft.irfft(z, axis=-1))
golden["fftshift"] = dump(np.fft.fftshift(z.real))
golden["ifftshift"] = dump(np.fft.ifftshift(z.real, axes=2))
golden["fftfreq"] = [dump(np.fft.fftfreq(n, 0.1)) for n in (1, 6, 7)]
golden["rfftfreq"] = [dump(np.fft.rfftfreq(n, 0.1)) for n in (1, 6, 7)]
golden["convolve"] = dump(np.convolve(real(40), imaginary(13)))
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
