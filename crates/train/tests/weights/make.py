"""Writes models of PyTorch 2.15 with an input and its output. Run: python make.py (in this folder).

NAME.pth and NAME.safetensors hold the same state dict; NAME.json holds input and output of the model in evaluation.
"""

import json
import os

import safetensors.torch
import torch
from torch import nn

os.chdir(os.path.dirname(os.path.abspath(__file__)))


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(6, 16)
        self.output = nn.Linear(16, 4)

    def forward(self, x):
        return self.output(torch.relu(self.hidden(x)))


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        y = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(x + self.bn2(self.conv2(y)))


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.blocks = nn.ModuleList([Block(8), Block(8)])
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean((2, 3)))


class Lstm(nn.Module):
    """Two layers, both directions, batch first."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(5, 6, num_layers=2, bidirectional=True, batch_first=True)
        self.head = nn.Linear(12, 3)

    def forward(self, x):
        return self.head(self.lstm(x)[0])


class Encoder(nn.Module):
    """One layer, normalisation after the residuals, relu, batch first."""

    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(8, 2, dim_feedforward=16, dropout=0.1, batch_first=True)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        return self.head(self.layer(x))


models = {
    "mlp": (Mlp, (3, 6)),
    "resnet": (ResNet, (2, 3, 6, 5)),
    "lstm": (Lstm, (2, 7, 5)),
    "encoder": (Encoder, (2, 4, 8)),
}
for name, (make, shape) in models.items():
    torch.manual_seed(1)
    model = make()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
    if name == "resnet":
        for _ in range(3):
            model(torch.randn(8, 3, 6, 5))
    model.eval()
    torch.save(model.state_dict(), name + ".pth")
    safetensors.torch.save_file(model.state_dict(), name + ".safetensors")
    x = torch.randn(shape)
    with torch.no_grad():
        y = model(x)
    case = {
        "input": {"shape": list(x.shape), "values": x.reshape(-1).tolist()},
        "output": {"shape": list(y.shape), "values": y.reshape(-1).tolist()},
    }
    with open(name + ".json", "w") as file:
        json.dump(case, file, separators=(",", ":"))
