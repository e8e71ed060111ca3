"""Writes the golden values of this folder with PyTorch, in double precision on the CPU.

    python make.py            # needs torch; made with 2.15

The Rust tests next to it compare Bolete's layers, initialisers and optimisers with these numbers. Tensors are
{"shape": [...], "values": [...]}; numbers have all their digits.
"""

import json
import math
import pathlib

import torch
from torch import nn
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
HERE = pathlib.Path(__file__).parent


def dump(tensor):
    tensor = tensor.detach()
    return {"shape": list(tensor.shape), "values": tensor.flatten().tolist()}


def write(name, value):
    (HERE / f"{name}.json").write_text(json.dumps(value, separators=(",", ":")) + "\n")


def layer_case(name, module, shape, train=False, shift=0.0):
    """Output, all gradients of <output, cotangent>, and state after a forward pass."""
    for parameter in module.parameters():
        parameter.data = torch.randn(parameter.shape) * 0.5 + 0.1
    for path, buffer in module.named_buffers():
        if buffer.is_floating_point():
            buffer.data = torch.rand(buffer.shape) + 0.5
    module.train(train)
    before = {path: dump(buffer) for path, buffer in module.named_buffers() if buffer.is_floating_point()}
    x = (torch.randn(shape) + shift).requires_grad_()
    output = module(x)
    cotangent = torch.randn(output.shape)
    (output * cotangent).sum().backward()
    after = {path: dump(buffer) for path, buffer in module.named_buffers() if buffer.is_floating_point()}
    return {
        "name": name,
        "leaves": {path: dump(parameter) for path, parameter in module.named_parameters()} | before,
        "input": dump(x),
        "cotangent": dump(cotangent),
        "output": dump(output),
        "input_gradient": dump(x.grad),
        "gradients": {path: dump(parameter.grad) for path, parameter in module.named_parameters()},
        "state": after,
    }


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class SameStrided(nn.Module):
    """Convolution with as much padding as keeps ceil(length / stride), by explicit padding."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(4, 3, 3, 4))

    def forward(self, x):
        amounts = []
        for length, kernel, stride in reversed(list(zip(x.shape[2:], (3, 4), (2, 3)))):
            total = max((math.ceil(length / stride) - 1) * stride + kernel - length, 0)
            amounts += [total // 2, total - total // 2]
        return F.conv2d(F.pad(x, amounts), self.weight, stride=(2, 3))


def layers():
    torch.manual_seed(1)
    cases = [
        layer_case("linear", nn.Linear(5, 3), (4, 5)),
        layer_case("linear_without_bias", nn.Linear(4, 2, bias=False), (2, 3, 4)),
        layer_case("conv2d", nn.Conv2d(2, 3, (3, 2)), (2, 2, 6, 5)),
        layer_case(
            "conv2d_everything",
            nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(2, 1), dilation=(1, 2), groups=2, bias=False),
            (2, 4, 7, 6),
        ),
        layer_case("conv2d_depthwise", nn.Conv2d(3, 3, 3, padding=1, groups=3), (1, 3, 5, 5)),
        layer_case("conv2d_same", nn.Conv2d(2, 2, (3, 4), padding="same", dilation=(2, 1)), (1, 2, 6, 7)),
        layer_case("conv2d_same_strided", SameStrided(), (1, 3, 7, 8)),
        layer_case("max_pool2d", nn.MaxPool2d(2), (2, 2, 6, 5)),
        layer_case("max_pool2d_overlapping", nn.MaxPool2d(3, stride=2, padding=1), (1, 2, 7, 6)),
        layer_case("avg_pool2d", nn.AvgPool2d((2, 3)), (2, 2, 5, 6)),
        layer_case("avg_pool2d_overlapping", nn.AvgPool2d(3, stride=2, padding=1), (1, 2, 7, 6)),
        layer_case("batch_norm_vectors", nn.BatchNorm1d(3), (6, 3), train=True, shift=0.7),
        layer_case("batch_norm_images", nn.BatchNorm2d(3, momentum=0.3), (2, 3, 3, 4), train=True, shift=-0.3),
        layer_case("batch_norm_evaluation", nn.BatchNorm2d(3, eps=1e-3), (2, 3, 2, 2)),
        layer_case("layer_norm", nn.LayerNorm(6), (3, 2, 6), shift=1.0),
        layer_case("layer_norm_two_axes", nn.LayerNorm((3, 4), eps=1e-6), (2, 3, 4)),
        layer_case("dropout_evaluation", nn.Dropout(0.4), (3, 4)),
        layer_case("flatten", nn.Flatten(), (2, 3, 2, 2)),
        layer_case("identity", nn.Identity(), (2, 3)),
        layer_case("relu", nn.ReLU(), (3, 7)),
        layer_case("leaky_relu", nn.LeakyReLU(0.1), (3, 7)),
        layer_case("elu", nn.ELU(0.7), (3, 7)),
        layer_case("selu", nn.SELU(), (3, 7)),
        layer_case("gelu", nn.GELU(), (3, 7)),
        layer_case("gelu_tanh", nn.GELU(approximate="tanh"), (3, 7)),
        layer_case("silu", nn.SiLU(), (3, 7)),
        layer_case("sigmoid", nn.Sigmoid(), (3, 7)),
        layer_case("tanh", nn.Tanh(), (3, 7)),
        layer_case("softplus", Function(lambda x: torch.logaddexp(x, torch.zeros(()))), (3, 7)),
        layer_case("softmax", nn.Softmax(dim=-1), (3, 7)),
        layer_case("log_softmax", nn.LogSoftmax(dim=0), (3, 7)),
        layer_case(
            "sequential",
            nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3)),
            (2, 1, 6, 6),
            train=True,
        ),
    ]
    write("layers", cases)


def fans(weight):
    return list(nn.init._calculate_fan_in_and_fan_out(weight))


def initialisers():
    """Of large samples: the largest magnitude for uniform distributions, the standard deviation for all."""
    torch.manual_seed(3)
    relu, tanh = nn.init.calculate_gain("relu"), nn.init.calculate_gain("tanh")
    fill = {
        "fan_in": lambda w: nn.init.kaiming_uniform_(w, a=math.sqrt(5)),
        "xavier_uniform": lambda w: nn.init.xavier_uniform_(w, gain=tanh),
        "xavier_normal": lambda w: nn.init.xavier_normal_(w, gain=tanh),
        "kaiming_uniform": lambda w: nn.init.kaiming_uniform_(w, nonlinearity="relu"),
        "kaiming_normal": lambda w: nn.init.kaiming_normal_(w, nonlinearity="relu"),
        "lecun_uniform": lambda w: nn.init.kaiming_uniform_(w, nonlinearity="linear"),
        "lecun_normal": lambda w: nn.init.kaiming_normal_(w, nonlinearity="linear"),
        "truncated_normal": lambda w: nn.init.trunc_normal_(w, mean=0.5, std=2.0, a=-1.0, b=1.5),
    }
    cases = []
    for shape in [(400, 300), (64, 32, 5, 3)]:
        for name, function in fill.items():
            weight = function(torch.empty(shape))
            cases.append(
                {
                    "name": name,
                    "shape": shape,
                    "fans": fans(weight),
                    "mean": weight.mean().item(),
                    "deviation": weight.std().item(),
                    "largest": weight.abs().max().item(),
                }
            )
    names = ["relu", "tanh", "sigmoid", "selu"]
    gains = {name: nn.init.calculate_gain(name) for name in names}
    gains["leaky_relu"] = nn.init.calculate_gain("leaky_relu", 0.1)
    write("initialisers", {"cases": cases, "gains": gains})


def trajectory(start, x, y, optimiser, clip=None, schedule=None):
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    model.load_state_dict(start)
    optimiser = optimiser(model.parameters())
    schedule = schedule and schedule(optimiser)
    losses, norms, rates = [], [], []
    for _ in range(100):
        optimiser.zero_grad()
        loss = F.mse_loss(model(x), y)
        loss.backward()
        losses.append(loss.item())
        if clip:
            norms.append(nn.utils.clip_grad_norm_(model.parameters(), clip).item())
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        if schedule:
            schedule.step()
    return {
        "losses": losses,
        "norms": norms,
        "rates": rates if schedule else [],
        "parameters": {path: dump(parameter) for path, parameter in model.named_parameters()},
    }


def cosine(optimiser):
    warm_up, total = 10, 90
    rise = torch.optim.lr_scheduler.LinearLR(optimiser, 1 / warm_up, 1, warm_up - 1)
    fall = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, total - warm_up, eta_min=0.005)
    flat = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda _: 0.1)
    return torch.optim.lr_scheduler.SequentialLR(optimiser, [rise, fall, flat], [warm_up, total])


def optimisers():
    torch.manual_seed(4)
    start = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).state_dict()
    x = torch.randn(8, 3)
    y = torch.stack([x[:, 0] * x[:, 1], x[:, 2].sin() * 2], 1)
    sgd, adam, adamw = torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW
    run = lambda *arguments, **options: trajectory(start, x, y, *arguments, **options)
    write(
        "optimisers",
        {
            "start": {path: dump(tensor) for path, tensor in start.items()},
            "input": dump(x),
            "target": dump(y),
            "runs": {
                "sgd": run(lambda p: sgd(p, lr=0.1)),
                "sgd_weight_decay": run(lambda p: sgd(p, lr=0.1, weight_decay=0.05)),
                "momentum": run(lambda p: sgd(p, lr=0.05, momentum=0.9)),
                "nesterov": run(lambda p: sgd(p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01)),
                "adam": run(lambda p: adam(p, lr=0.02)),
                "adam_weight_decay": run(lambda p: adam(p, lr=0.02, betas=(0.8, 0.99), eps=1e-6, weight_decay=0.05)),
                "adamw": run(lambda p: adamw(p, lr=0.02, weight_decay=0.1)),
                "clipped": run(lambda p: sgd(p, lr=0.1, momentum=0.9), clip=0.3),
                "cosine": run(lambda p: adamw(p, lr=0.05), schedule=cosine),
                "step": run(
                    lambda p: sgd(p, lr=0.2),
                    schedule=lambda o: torch.optim.lr_scheduler.StepLR(o, 30, 0.5),
                ),
            },
        },
    )


if __name__ == "__main__":
    layers()
    initialisers()
    optimisers()
