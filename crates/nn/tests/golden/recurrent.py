"""Writes recurrent.json with PyTorch: outputs, last states and all gradients of recurrent layers, in double precision.

    python recurrent.py
"""

import json
import pathlib

import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

torch.manual_seed(0)
torch.set_default_dtype(torch.float64)


def dump(tensor):
    return {"shape": list(tensor.shape), "values": [round(value, 15) for value in tensor.detach().flatten().tolist()]}


def case(layer, batch, steps, lengths=None, states=True):
    lstm = isinstance(layer, torch.nn.LSTM)
    directions = 2 if layer.bidirectional else 1
    x = torch.randn(batch, steps, layer.input_size, requires_grad=True)
    count = 2 if lstm else 1
    shape = (layer.num_layers * directions, batch, layer.hidden_size)
    start = [torch.randn(shape, requires_grad=True) for _ in range(count)] if states else []
    given = (tuple(start) if lstm else start[0]) if states else None
    if lengths is None:
        output, last = layer(x, given)
    else:
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        output, last = layer(packed, given)
        output, _ = pad_packed_sequence(output, batch_first=True, total_length=steps)
    last = list(last) if lstm else [last]
    outputs = [output] + last
    weights = [torch.randn_like(made) for made in outputs]
    loss = sum((made * weight).sum() for made, weight in zip(outputs, weights))
    named = dict(layer.named_parameters())
    loss.backward()
    return {"x": dump(x), "lengths": lengths, "states": [dump(state) for state in start],
            "outputs": [dump(made) for made in outputs], "weights": [dump(weight) for weight in weights],
            "parameters": {name: dump(value) for name, value in named.items()},
            "x_gradient": dump(x.grad), "state_gradients": [dump(state.grad) for state in start],
            "parameter_gradients": {name: dump(value.grad) for name, value in named.items()}}


def cell(layer, batch):
    x = torch.randn(batch, layer.input_size)
    states = [torch.randn(batch, layer.hidden_size) for _ in range(2 if isinstance(layer, torch.nn.LSTMCell) else 1)]
    last = layer(x, tuple(states) if len(states) == 2 else states[0])
    return {"x": dump(x), "states": [dump(state) for state in states],
            "outputs": [dump(made) for made in (last if len(states) == 2 else [last])],
            "parameters": {name: dump(value) for name, value in layer.named_parameters()}}


nn = torch.nn
golden = {
    "lstm": case(nn.LSTM(2, 3, batch_first=True), 2, 4),
    "lstm_everything": case(nn.LSTM(2, 2, 2, bidirectional=True, batch_first=True), 3, 4, [2, 4, 1]),
    "lstm_without_bias": case(nn.LSTM(2, 2, bias=False, batch_first=True), 2, 3, states=False),
    "gru": case(nn.GRU(2, 3, batch_first=True), 2, 4),
    "gru_everything": case(nn.GRU(2, 2, 2, bidirectional=True, batch_first=True), 3, 4, [2, 4, 1]),
    "gru_without_bias": case(nn.GRU(2, 2, bias=False, batch_first=True), 2, 3, states=False),
    "rnn": case(nn.RNN(2, 3, batch_first=True), 2, 4),
    "rnn_relu": case(nn.RNN(2, 3, nonlinearity="relu", batch_first=True), 2, 4),
    "rnn_everything": case(nn.RNN(2, 2, 2, bidirectional=True, batch_first=True), 3, 4, [2, 4, 1]),
    "lstm_cell": cell(nn.LSTMCell(2, 3), 2),
    "gru_cell": cell(nn.GRUCell(2, 3), 2),
    "rnn_cell": cell(nn.RNNCell(2, 3), 2),
}
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
