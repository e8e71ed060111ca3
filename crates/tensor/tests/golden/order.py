"""Writes order.json with NumPy and PyTorch: running totals, sorting, counting, scattering, sums by labels.

    python order.py            # made with NumPy 2 and torch 2.15
"""

import json
import pathlib

import numpy as np
import torch

random = np.random.default_rng(1)
torch.set_default_dtype(torch.float64)


def dump(array):
    array = np.asarray(array)
    return {"shape": list(array.shape), "values": array.astype(np.float64).flatten().tolist()}


x = random.normal(size=(4, 5))
tied = np.round(x, 0)
t = torch.tensor(x)
whole = random.integers(0, 6, 20)
weights = random.normal(size=20)
edges = np.array([-1.5, -0.5, 0.0, 0.7, 2.0])
indices = random.integers(0, 5, size=(4, 7))
updates = random.normal(size=(4, 7))
reduce = lambda kind, include: t.scatter_reduce(
    1, torch.tensor(indices), torch.tensor(updates), kind, include_self=include).numpy()
a, b, c = random.normal(size=(2, 3, 4)), random.normal(size=(4, 3)), random.normal(size=(3, 3, 5))
order = np.argsort(tied, axis=1, kind="stable")
values, inverse, counts = np.unique(tied, return_inverse=True, return_counts=True)
equations = {
    "ijk,kj->i": (a, b), "ijk,kl,ljm->im": (a, b, c), "iij->j": (c,), "...k,kl": (a, b), "ijk->kji": (a,),
    "ijk,lj,jjm->": (a, b, c), "i...,i...->...": (a, a), "ab,ba": (b, b.T),
}
results = {
    "cumsum": np.cumsum(x, 0), "cumsum_reversed": np.cumsum(x[:, ::-1], 1)[:, ::-1], "cumprod": np.cumprod(x, 1),
    "cummax": torch.cummax(t, 1).values, "cummax_indices": torch.cummax(t, 0).indices, "cummin": torch.cummin(t, 0).values,
    "logcumsumexp": torch.logcumsumexp(t, 1), "diff": np.diff(x, 2, 1),
    "sort": np.sort(x, 0), "argsort": order, "topk": torch.topk(t, 3, 1).values, "topk_indices": torch.topk(t, 3, 1).indices,
    "bottomk": torch.topk(t, 2, 0, largest=False).values, "kthvalue": torch.kthvalue(t, 3, 1).values,
    "median": np.median(x, 0), "quantile": np.quantile(x, [0.0, 0.33, 0.9], 1),
    "searchsorted": np.searchsorted(edges, x), "searchsorted_right": np.searchsorted(edges, np.array([0.7, -9.0, 0.0]), "right"),
    "bincount": np.bincount(whole, minlength=8), "bincount_weighted": np.bincount(whole, weights, 8),
    "histogram": np.histogram(x, edges)[0], "histogram_weighted": np.histogram(x, edges, weights=weights.reshape(4, 5))[0],
    "unique": values, "unique_inverse": inverse.reshape(4, 5), "unique_counts": counts, "nonzero": np.argwhere(tied),
    "isin": np.isin(tied, [1, -1]), "masked_select": x[x > 0.3],
    "sum": reduce("sum", False), "mean": reduce("mean", True), "mean_alone": reduce("mean", False),
    "max": reduce("amax", True), "max_alone": reduce("amax", False), "min": reduce("amin", True),
    "min_alone": reduce("amin", False),
    "tensordot": np.tensordot(a, np.moveaxis(a, 0, -1), 2),
}
golden = {
    "x": dump(x), "tied": dump(tied), "whole": dump(whole), "weights": dump(weights), "edges": dump(edges),
    "indices": dump(indices), "updates": dump(updates), "a": dump(a), "b": dump(b), "c": dump(c),
    "results": {name: dump(value) for name, value in results.items()},
    "einsum": [{"equation": e, "operands": [dump(o) for o in operands], "result": dump(np.einsum(e, *operands))}
               for e, operands in equations.items()],
}
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
