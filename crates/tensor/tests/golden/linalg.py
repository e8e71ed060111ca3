"""Writes linalg.json with NumPy, SciPy and PyTorch: linear algebra, and gradients of it.

    python linalg.py
"""

import json
import pathlib

import numpy as np
import scipy.linalg
import torch

random = np.random.default_rng(0)
torch.set_default_dtype(torch.float64)


def dump(array):
    array = np.asarray(array, dtype=np.float64)
    return {"shape": list(array.shape), "values": array.flatten().tolist()}


def draw(*shape):
    return random.normal(size=shape)


def by_value(values):
    """Eigenvalues in an order that does not depend on rounding."""
    values = np.array(sorted(values, key=lambda value: (round(value.real, 6), round(value.imag, 6))))
    return {"re": dump(values.real), "im": dump(values.imag)}


def gradient(function, *arrays):
    tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
    function(*tensors).backward()
    return [dump(tensor.grad.numpy()) for tensor in tensors]


square, other, tall, wide = draw(5, 5), draw(5, 3), draw(6, 4), draw(3, 5)
definite = square @ square.T + np.eye(5)
deficient = draw(6, 2) @ draw(2, 4)
batch, right, vector, long_right = draw(2, 3, 3), draw(2, 3, 2), draw(5), draw(6, 2)
permutation, lower, upper = scipy.linalg.lu(square)
q, r = np.linalg.qr(tall)
q_full, r_full = np.linalg.qr(tall, mode="complete")
sign, logabsdet = np.linalg.slogdet(square)
weights = np.sin(np.arange(25.0)).reshape(5, 5)
weight = torch.tensor(weights)

golden = {
    "inputs": {
        "square": dump(square), "other": dump(other), "tall": dump(tall), "wide": dump(wide),
        "definite": dump(definite), "deficient": dump(deficient), "batch": dump(batch), "right": dump(right),
        "vector": dump(vector), "long_right": dump(long_right), "weights": dump(weights),
    },
    "results": {
        "cholesky": dump(np.linalg.cholesky(definite)),
        "cholesky_solve": dump(np.linalg.solve(definite, other)),
        "triangular_solve": dump(scipy.linalg.solve_triangular(square, other, lower=True)),
        "triangular_solve upper transposed": dump(scipy.linalg.solve_triangular(square, vector, trans="T")),
        "triangular_solve unit": dump(scipy.linalg.solve_triangular(square, other, lower=True, unit_diagonal=True)),
        "solve": dump(np.linalg.solve(square, other)),
        "solve vector": dump(np.linalg.solve(square, vector)),
        "solve batch": dump(np.linalg.solve(batch, right)),
        "inverse": dump(np.linalg.inv(square)),
        "det": dump(np.linalg.det(square)),
        "det batch": dump(np.linalg.det(batch)),
        "sign": dump(sign), "logabsdet": dump(logabsdet),
        "lu p": dump(permutation), "lu l": dump(lower), "lu u": dump(upper),
        "q": dump(q), "r": dump(r), "q full": dump(np.abs(q_full[:, :4])), "r full": dump(r_full),
        "singular_values": dump(np.linalg.svd(tall, compute_uv=False)),
        "singular_values deficient": dump(np.linalg.svd(deficient, compute_uv=False)),
        "u": dump(np.abs(np.linalg.svd(wide, full_matrices=False)[0])),
        "vh": dump(np.abs(np.linalg.svd(wide, full_matrices=False)[2])),
        "eigvalsh": dump(np.linalg.eigvalsh(definite)),
        "eigh vectors": dump(np.abs(np.linalg.eigh(definite)[1])),
        "pinv": dump(np.linalg.pinv(tall)), "pinv deficient": dump(np.linalg.pinv(deficient)),
        "lstsq": dump(np.linalg.lstsq(tall, long_right, rcond=None)[0]),
        "lstsq deficient": dump(scipy.linalg.lstsq(deficient, long_right, cond=1e-12)[0]),
        "lstsq wide": dump(np.linalg.lstsq(wide, other[:3], rcond=None)[0]),
        "matrix_power": dump(np.linalg.matrix_power(square, 7)),
        "matrix_power negative": dump(np.linalg.matrix_power(square, -3)),
        "expm": dump(scipy.linalg.expm(square)),
        "expm small": dump(scipy.linalg.expm(square * 1e-2)),
        "expm large": dump(scipy.linalg.expm(square * 5)),
        "kron": dump(np.kron(wide, other)),
        "cross": dump(np.cross(other, other[::-1])),
        "trace": dump(np.trace(batch, axis1=-2, axis2=-1)),
        "tril": dump(np.tril(tall, -1)), "triu": dump(np.triu(tall, 1)),
        "diagonal": dump(np.diagonal(tall, -1)), "diag": dump(np.diag(vector, -2)),
        "norm 2": dump(np.linalg.norm(tall, axis=1)), "norm 1": dump(np.linalg.norm(tall, 1, axis=0)),
        "norm 3": dump(np.linalg.norm(tall, 3, axis=0)), "norm inf": dump(np.linalg.norm(tall, np.inf, axis=0)),
        "frobenius": dump(np.linalg.norm(tall)), "nuclear": dump(np.linalg.norm(tall, "nuc")),
        "spectral": dump(np.linalg.norm(tall, 2)), "one": dump(np.linalg.norm(tall, 1)),
        "infinity": dump(np.linalg.norm(tall, np.inf)),
    },
    "eigenvalues": by_value(np.linalg.eigvals(square)),
    "gradients": {
        "cholesky": gradient(lambda a: (torch.linalg.cholesky(a) * weight).sum(), definite),
        "solve": gradient(lambda a, b: torch.linalg.solve(a, b).square().sum(), square, other),
        "det": gradient(torch.linalg.det, square),
        "det singular": gradient(torch.linalg.det, deficient[:4]),
        "qr": gradient(lambda a: (torch.linalg.qr(a)[0].sin() @ torch.linalg.qr(a)[1]).square().sum(), tall),
        "svd": gradient(lambda a: (torch.linalg.svd(a, full_matrices=False)[0].square() *
                                   torch.linalg.svd(a)[1]).sum(), tall),
        "eigh": gradient(lambda a: (torch.linalg.eigh(a)[1].square() * weight).sum(), definite),
        "eig": gradient(lambda a: (torch.linalg.eig(a)[1].abs() ** 3).sum() + torch.linalg.eig(a)[0].abs().sum(),
                        square),
        "pinv": gradient(lambda a: torch.linalg.pinv(a).square().sum(), tall),
        "expm": gradient(lambda a: (torch.linalg.matrix_exp(a) * weight).sum(), square),
        "nuclear": gradient(lambda a: torch.linalg.matrix_norm(a, "nuc"), tall),
    },
}
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
