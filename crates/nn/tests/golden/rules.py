"""Writes rules.json: trajectories of the optimisers beyond those of make.py, in f64, by PyTorch, and by equations written out
here for Lion, LAMB and Muon. Run with PyTorch 2.15."""

import json
import pathlib

import torch
from torch import nn
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)


def dump(tensor):
    return {"shape": list(tensor.shape), "values": tensor.detach().flatten().tolist()}


class Lion(torch.optim.Optimizer):
    """Chen et al. 2023, algorithm 2."""

    def __init__(self, parameters, lr, betas, weight_decay):
        super().__init__(parameters, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            first, second = group["betas"]
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                update = torch.sign(first * m + (1 - first) * p.grad) + group["weight_decay"] * p
                p.copy_(p - group["lr"] * update)
                m.copy_(second * m + (1 - second) * p.grad)


def adam_direction(state, gradient, betas, eps):
    t = state["t"] = state.get("t", 0) + 1
    state["m"] = betas[0] * state.get("m", 0) + (1 - betas[0]) * gradient
    state["v"] = betas[1] * state.get("v", 0) + (1 - betas[1]) * gradient**2
    return state["m"] / (1 - betas[0] ** t) / ((state["v"] / (1 - betas[1] ** t)) ** 0.5 + eps)


class Lamb(torch.optim.Optimizer):
    """You et al. 2020, algorithm 2, without a bound on the norm of the parameter."""

    def __init__(self, parameters, lr, betas, eps, weight_decay):
        super().__init__(parameters, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                r = adam_direction(self.state[p], p.grad, group["betas"], group["eps"])
                r = r + group["weight_decay"] * p
                size, length = torch.linalg.vector_norm(p), torch.linalg.vector_norm(r)
                ratio = size / length if size > 0 and length > 0 else 1.0
                p.copy_(p - group["lr"] * ratio * r)


def newton_schulz(g, steps):
    x = g / (torch.linalg.matrix_norm(g) + 1e-7)
    if g.shape[0] > g.shape[1]:
        x = x.T
    for _ in range(steps):
        a = x @ x.T
        x = 3.4445 * x + (-4.775 * a + 2.0315 * a @ a) @ x
    return x.T if g.shape[0] > g.shape[1] else x


class Muon(torch.optim.Optimizer):
    """Jordan 2024; AdamW for what is no matrix."""

    def __init__(self, parameters, lr, momentum, nesterov, steps, weight_decay, other_rate, betas, eps):
        options = dict(lr=lr, momentum=momentum, nesterov=nesterov, steps=steps, weight_decay=weight_decay)
        super().__init__(parameters, options | dict(other_rate=other_rate, betas=betas, eps=eps))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            mu = group["momentum"]
            for p in group["params"]:
                state = self.state[p]
                if p.ndim == 2:
                    b = state["b"] = mu * state.get("b", 0) + (1 - mu) * p.grad
                    direction = newton_schulz((1 - mu) * p.grad + mu * b if group["nesterov"] else b, group["steps"])
                    direction = direction * max(1, p.shape[0] / p.shape[1]) ** 0.5
                    rate = group["lr"]
                else:
                    direction = adam_direction(state, p.grad, group["betas"], group["eps"])
                    rate = group["lr"] * group["other_rate"]
                p.copy_(p - rate * direction - rate * group["weight_decay"] * p)


def network():
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))


def main():
    torch.manual_seed(5)
    start = network().state_dict()
    x = torch.randn(8, 3)
    y = torch.stack([x[:, 0] * x[:, 1], x[:, 2].sin() * 2], 1)

    def run(kind, **options):
        model = network()
        model.load_state_dict(start)
        optimiser = kind(model.parameters(), **options)
        losses = []
        for _ in range(100):
            optimiser.zero_grad()
            loss = F.mse_loss(model(x), y)
            loss.backward()
            losses.append(loss.item())
            optimiser.step()
        return {
            "losses": [round(loss, 12) for loss in losses],
            "parameters": {path: dump(parameter) for path, parameter in model.named_parameters()},
        }

    optim = torch.optim
    lamb = dict(betas=(0.9, 0.999), eps=1e-6)
    muon = dict(momentum=0.95, steps=5, other_rate=0.3, betas=(0.9, 0.95), eps=1e-8)
    runs = {
        "sgd_dampening": run(optim.SGD, lr=0.1, momentum=0.9, dampening=0.4, weight_decay=0.01),
        "adagrad": run(optim.Adagrad, lr=0.1),
        "adagrad_options": run(
            optim.Adagrad, lr=0.2, lr_decay=0.02, initial_accumulator_value=0.3, eps=1e-6, weight_decay=0.03
        ),
        "adadelta": run(optim.Adadelta, lr=1.0),
        "adadelta_options": run(optim.Adadelta, lr=2.0, rho=0.8, eps=1e-4, weight_decay=0.02),
        "rmsprop": run(optim.RMSprop, lr=0.01),
        "rmsprop_centred": run(optim.RMSprop, lr=0.01, alpha=0.9, eps=1e-4, centered=True),
        "rmsprop_momentum": run(optim.RMSprop, lr=0.005, momentum=0.8, weight_decay=0.02),
        "rmsprop_centred_momentum": run(optim.RMSprop, lr=0.003, momentum=0.5, eps=1e-3, centered=True),
        "adam_amsgrad": run(optim.Adam, lr=0.05, betas=(0.9, 0.9), amsgrad=True, weight_decay=0.01),
        "adamw_amsgrad": run(optim.AdamW, lr=0.05, betas=(0.9, 0.9), amsgrad=True, weight_decay=0.1),
        "nadam": run(optim.NAdam, lr=0.02),
        "nadam_decoupled": run(
            optim.NAdam, lr=0.02, momentum_decay=0.02, weight_decay=0.1, decoupled_weight_decay=True
        ),
        "radam": run(optim.RAdam, lr=0.02),
        "radam_options": run(optim.RAdam, lr=0.03, betas=(0.8, 0.9), eps=1e-5, weight_decay=0.05),
        "adamax": run(optim.Adamax, lr=0.02),
        "adamax_options": run(optim.Adamax, lr=0.03, betas=(0.8, 0.9), eps=1e-4, weight_decay=0.05),
        "adafactor": run(optim.Adafactor, lr=0.02),
        "adafactor_options": run(
            optim.Adafactor, lr=0.2, beta2_decay=-0.6, eps=(1e-5, 1e-2), d=1.1, weight_decay=0.05
        ),
        "lion": run(Lion, lr=0.01, betas=(0.9, 0.99), weight_decay=0.1),
        "lamb": run(Lamb, lr=0.02, weight_decay=0.01, **lamb),
        "lamb_without_decay": run(Lamb, lr=0.02, weight_decay=0.0, **lamb),
        "muon": run(Muon, lr=0.02, nesterov=True, weight_decay=0.1, **muon),
        "muon_heavy_ball": run(Muon, lr=0.02, nesterov=False, weight_decay=0.0, **muon),
    }
    golden = {
        "start": {path: dump(tensor) for path, tensor in start.items()},
        "input": dump(x),
        "target": dump(y),
        "runs": runs,
    }
    text = json.dumps(golden, separators=(",", ":"))
    pathlib.Path(__file__).with_name("rules.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
