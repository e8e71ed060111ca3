"""Writes ctc.json with PyTorch: the CTC loss and its gradient in the logits, in double precision.

    python ctc.py
"""

import json
import pathlib

import torch

torch.manual_seed(0)
torch.set_default_dtype(torch.float64)


def dump(tensor):
    return {"shape": list(tensor.shape), "values": tensor.detach().flatten().tolist()}


T, N, C = 7, 6, 5
logits = torch.randn(T, N, C, requires_grad=True)
# Ordinary, repeated labels, empty target, as long as possible, impossible (repeats need blanks), short input.
targets = torch.tensor([[1, 2, 3, 0], [2, 2, 1, 0], [0, 0, 0, 0], [1, 2, 3, 4], [3, 3, 3, 3], [4, 1, 0, 0]])
target_lengths = torch.tensor([3, 3, 0, 4, 4, 2])
input_lengths = torch.tensor([7, 7, 5, 4, 6, 2])
golden = {"logits": dump(logits), "targets": targets.tolist(), "target_lengths": target_lengths.tolist(),
          "input_lengths": input_lengths.tolist()}


def loss(reduction, blank=0, zero_infinity=True, targets=targets):
    return torch.nn.functional.ctc_loss(logits.log_softmax(-1), targets, input_lengths, target_lengths, blank,
                                        reduction, zero_infinity)


plain = loss("none", zero_infinity=False)
golden["losses"] = [None if value.isinf() else value.item() for value in plain]
for reduction in ["mean", "sum"]:
    value = loss(reduction)
    golden[reduction] = {"loss": value.item(), "gradient": dump(torch.autograd.grad(value, logits)[0])}
# The last class as blank: labels move down by one.
moved = torch.where(targets > 0, targets - 1, targets)
value = loss("sum", blank=C - 1, targets=moved)
golden["last_blank"] = {"loss": value.item(), "gradient": dump(torch.autograd.grad(value, logits)[0])}
golden["moved"] = moved.tolist()
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
