"""The table of `cargo run --release -p bolete-train --example tpe`, by Optuna (pip install optuna)."""

import math
import sys

import numpy
import optuna

TRIALS = 60
HEIGHTS = numpy.array([1.0, 1.2, 3.0, 3.2])
NARROWNESS = numpy.array([
    [10.0, 3.0, 17.0, 3.5, 1.7, 8.0],
    [0.05, 10.0, 17.0, 0.1, 8.0, 14.0],
    [3.0, 3.5, 1.7, 10.0, 17.0, 8.0],
    [17.0, 8.0, 0.05, 10.0, 0.1, 14.0],
])
CENTRES = numpy.array([
    [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
    [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
    [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650],
    [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
])


def branin(trial):
    x, y = trial.suggest_float("x", -5, 10), trial.suggest_float("y", 0, 15)
    curve = y - 5.1 / (4 * math.pi**2) * x * x + 5 / math.pi * x - 6
    return curve**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


def hartmann6(trial):
    at = numpy.array([trial.suggest_float(name, 0, 1) for name in "abcdef"])
    return -float((HEIGHTS * numpy.exp(-(NARROWNESS * (at - CENTRES) ** 2).sum(1))).sum())


def rosenbrock4(trial):
    at = [trial.suggest_float(name, -2, 2) for name in "abcd"]
    return sum(100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in zip(at, at[1:]))


def mixed(trial):
    rate = trial.suggest_float("rate", 1e-6, 1, log=True)
    layers = trial.suggest_int("layers", 1, 12)
    kind = trial.suggest_categorical("kind", list("abcde"))
    kinds = dict(a=0.7, b=0.3, c=0.0, d=1.0, e=0.5)
    return (math.log10(rate) + 2.5) ** 2 + ((layers - 7) / 4) ** 2 + kinds[kind]


def main():
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    for function in (branin, hartmann6, rosenbrock4, mixed):
        for name, sampler in (("random", optuna.samplers.RandomSampler), ("tpe", optuna.samplers.TPESampler)):
            best = []
            for seed in range(seeds):
                study = optuna.create_study(sampler=sampler(seed=seed))
                study.optimize(function, n_trials=TRIALS)
                best.append(study.best_value)
            best.sort()
            quartiles = [best[(len(best) - 1) * part // 4] for part in (1, 2, 3)]
            print(f"{function.__name__:<12} {name:<7} " + " ".join(f"{value:9.4f}" for value in quartiles))


main()
