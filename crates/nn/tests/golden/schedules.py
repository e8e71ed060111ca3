"""Writes schedules.json: factors of learning rates by torch.optim.lr_scheduler. Run with PyTorch 2.15."""

import json
import pathlib

import torch
from torch.optim import lr_scheduler as lr


def factors(make, updates=24, rate=1.0):
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=rate)
    schedule = make(optimiser)
    found = []
    for _ in range(updates):
        found.append(optimiser.param_groups[0]["lr"] / rate)
        optimiser.step()
        schedule.step()
    return found


def plateau(values, **options):
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = lr.ReduceLROnPlateau(optimiser, **options)
    found = []
    for value in values:
        schedule.step(value)
        found.append(optimiser.param_groups[0]["lr"])
    return {"values": values, "factors": found}


losses = [1.0, 0.8, 0.79, 0.795, 0.788, 0.79, 0.81, 0.5, 0.499, 0.4999, 0.6, 0.4, 0.41, 0.42, 0.43, 0.44, 0.45, 0.46]
golden = {
    "step": factors(lambda o: lr.StepLR(o, 5, 0.3)),
    "multi_step": factors(lambda o: lr.MultiStepLR(o, [3, 10, 11], 0.5)),
    "exponential": factors(lambda o: lr.ExponentialLR(o, 0.85)),
    "polynomial": factors(lambda o: lr.PolynomialLR(o, 17, 2.5)),
    "linear": factors(
        lambda o: lr.SequentialLR(o, [lr.LinearLR(o, 1 / 5, 1, 4), lr.PolynomialLR(o, 12)], [5])
    ),
    "cosine": factors(lambda o: lr.CosineAnnealingLR(o, 23, 0.2)),
    "restarts": factors(lambda o: lr.CosineAnnealingWarmRestarts(o, 5, 1, 0.1)),
    "growing_restarts": factors(lambda o: lr.CosineAnnealingWarmRestarts(o, 3, 2)),
    "one_cycle": factors(
        lambda o: lr.OneCycleLR(
            o, 2.0, 24, pct_start=0.3, div_factor=20, final_div_factor=50, cycle_momentum=False
        ),
        rate=2.0,
    ),
    "sequence": factors(
        lambda o: lr.SequentialLR(
            o, [lr.ExponentialLR(o, 0.9), lr.StepLR(o, 3, 0.5), lr.PolynomialLR(o, 8)], [5, 14]
        )
    ),
    "product": factors(lambda o: lr.ChainedScheduler([lr.ExponentialLR(o, 0.9), lr.StepLR(o, 4, 0.5)])),
    "plateau": plateau(losses, factor=0.5, patience=2, threshold=0.01),
    "plateau_cooldown": plateau(losses, factor=0.2, patience=1, threshold=0.05, cooldown=2, min_lr=0.1),
    "plateau_maximise": plateau([-loss + 2 for loss in losses], mode="max", factor=0.5, patience=1, threshold=0.02),
}
path = pathlib.Path(__file__).with_name("schedules.json")
path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
