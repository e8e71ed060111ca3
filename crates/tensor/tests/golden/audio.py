"""Writes audio.json with PyTorch (short-time transforms, windows) and librosa (mel banks, cepstra).

    python audio.py

The signal is x[j] = sin(0.05 j + 0.002 j²/10) + 0.3 cos(1.1 j).
"""

import json
import pathlib

import librosa
import numpy as np
import torch

torch.set_default_dtype(torch.float64)


def dump(array):
    array = np.asarray(array)
    return {"shape": list(array.shape), "values": array.flatten().tolist()}


def parts(z):
    return {"re": dump(z.real), "im": dump(z.imag)}


j = np.arange(150)
x = torch.tensor(np.sin(0.05 * j + 0.0002 * j**2) + 0.3 * np.cos(1.1 * j))
golden = {"windows": {}}
for name, function in {
    "hann": torch.hann_window, "hamming": torch.hamming_window, "blackman": torch.blackman_window,
    "kaiser": lambda n, periodic: torch.kaiser_window(n, periodic, beta=9.0),
}.items():
    golden["windows"][name] = {"periodic": dump(function(9, True)), "symmetric": dump(function(8, False))}

options = {
    "default": dict(n_fft=16, hop_length=4, window=torch.hann_window(16)),
    "short window": dict(n_fft=15, hop_length=6, win_length=10, window=torch.hamming_window(10), normalized=True),
    "plain": dict(n_fft=20, hop_length=5, window=torch.ones(20), center=False, onesided=False),
}
golden["stft"] = {}
for name, option in options.items():
    z = torch.stft(x, return_complex=True, **option)
    # Spectra that no signal has, so that the inverse has something to average.
    changed = z * torch.exp(1j * torch.arange(z.shape[-1]) ** 2)
    back = torch.istft(changed, length=140, **option)
    golden["stft"][name] = {"stft": parts(z[:, ::4].numpy()), "istft": dump(back)}

bank = dict(sr=16000, n_fft=64, n_mels=6)
golden["mel"] = {
    "slaney": dump(librosa.filters.mel(dtype=np.float64, **bank)),
    "htk": dump(librosa.filters.mel(dtype=np.float64, htk=True, norm=None, fmin=100, fmax=7000, **bank)),
}
energy = np.abs(torch.stft(x, return_complex=True, n_fft=64, hop_length=16, window=torch.hann_window(64)).numpy()) ** 2
mel = librosa.filters.mel(dtype=np.float64, sr=16000, n_fft=64, n_mels=10) @ energy
golden["mel_spectrogram"] = dump(mel)
golden["mfcc"] = dump(librosa.feature.mfcc(S=librosa.power_to_db(mel), n_mfcc=5))
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
