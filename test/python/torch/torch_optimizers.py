# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every optimizer of torch.optim as a real training step on the network that has every family of symmetries.

`python torch/torch_optimizers.py` in test/python writes the table in docs/optimizers.md.
"""

import functools
import inspect
import json
import re
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent), str(Path(__file__).resolve().parents[3] / "python")]

import numpy as np  # noqa: E402
import torch  # noqa: E402
from optimizers import network, table  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

import noether_mlir.torch  # noqa: E402

LR, DECAY, EPS = {"lr": 0.02}, {"weight_decay": 0.1}, {"eps": 1e-3}
#: Name in torch.optim, with a suffix where there are several ways to use it -> options.
ENTRIES = {
    "SGD": LR,
    "SGD:momentum": {**LR, "momentum": 0.9},
    "SGD:nesterov": {**LR, "momentum": 0.9, "nesterov": True, "dampening": 0},
    "SGD:dampening": {**LR, "momentum": 0.9, "dampening": 0.5},
    "SGD:decay": {**LR, "momentum": 0.9, **DECAY},
    "Adam": {**LR, **EPS},
    "Adam:decay": {**LR, **EPS, **DECAY},
    "Adam:amsgrad": {**LR, **EPS, "amsgrad": True},
    "AdamW": {**LR, **EPS, **DECAY},
    "AdamW:amsgrad": {**LR, **EPS, **DECAY, "amsgrad": True},
    "NAdam": {**LR, **EPS},
    "NAdam:decoupled": {**LR, **EPS, **DECAY, "decoupled_weight_decay": True},
    "RAdam": {**LR, **EPS},
    "RAdam:decoupled": {**LR, **EPS, **DECAY, "decoupled_weight_decay": True},
    "Adamax": {**LR, **EPS},
    "Adadelta": {"lr": 0.5, **EPS},
    "Adagrad": {**LR, **EPS, "lr_decay": 0.01, "initial_accumulator_value": 0.1},
    "RMSprop": {**LR, **EPS},
    "RMSprop:centered": {**LR, **EPS, "centered": True, "momentum": 0.9},
    "Rprop": {**LR, "step_sizes": (1e-6, 50.0)},
    "ASGD": {**LR, "lambd": 1e-3, "t0": 5.0},
    "Adafactor": {**LR, "eps": (None, 1e-3)},
    "Adafactor:decay": {**LR, "eps": (None, 1e-3), **DECAY},
    "Muon": {**LR, **DECAY, "eps": 1e-7},
    "Muon:nesterov": {**LR, "weight_decay": 0.0, "nesterov": False, "eps": 1e-7, "adjust_lr_fn": "match_rms_adamw"},
}
EXCLUDED = {
    "LBFGS": "evaluates the loss as often as values decide: no function of w, g and a state",
    "SparseAdam": "updates the rows that a sparse gradient names: no program of fixed shapes",
}
MATRICES = [name for name, shape in network.SHAPES.items() if len(shape) == 2]


def names():
    """All optimizers of torch.optim."""
    return {
        name for name, kind in vars(torch.optim).items()
        if inspect.isclass(kind) and issubclass(kind, torch.optim.Optimizer) and kind is not torch.optim.Optimizer
    }


def kind_of(name):
    return name.split(":")[0]


class Network(nn.Module):
    """`optimizers.network` in PyTorch."""

    def __init__(self):
        super().__init__()
        for name, value in network.parameters().items():
            self.register_parameter(name, nn.Parameter(torch.tensor(np.asarray(value))))

    def forward(self, x):
        rms_norm = lambda h: h * torch.rsqrt((h * h).mean(-1, keepdim=True))
        h = F.leaky_relu(rms_norm(x @ self.w_tensor), 0.2)
        h = h @ self.w_channel
        h = h - h.mean(0)
        h = F.leaky_relu(h * torch.rsqrt((h * h).mean(0)), 0.2)
        h = torch.tanh(F.leaky_relu(h @ self.relu_in, 0.2) @ self.relu_out)
        h = x + torch.tanh(h @ self.linear_in @ self.linear_out)
        return rms_norm(h @ self.norm_in) @ self.norm_out + self.bias


@functools.cache
def batch(seed=0):
    data = network.data(seed)
    return torch.tensor(np.asarray(data["x"])), torch.tensor(np.asarray(data["y"]), dtype=torch.int64)


def make(name):
    """A network and its optimizers, with a group for each tensor. Muon is for matrices only."""
    model = Network()
    kind = getattr(torch.optim, kind_of(name))
    if kind_of(name) != "Muon":
        groups = [{"params": [value]} for value in model.parameters()]
        return model, [kind(groups, **ENTRIES[name])]
    own = dict(model.named_parameters())
    muon = kind([{"params": [own[n]]} for n in MATRICES], **ENTRIES[name])
    return model, [muon, torch.optim.SGD([own["bias"]], lr=0.1)]


def step(model, optimizers, x, y):
    for optimizer in optimizers:
        optimizer.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    for optimizer in optimizers:
        optimizer.step()
    return loss


@functools.cache
def report(name):
    """What Noether says of the step."""
    model, optimizers = make(name)
    return noether_mlir.torch.analyze(step, model, optimizers, *batch()).data


# The table.

DOCUMENT = table.DOCUMENT
BEGIN, END = "<!-- generated: python torch/torch_optimizers.py -->\n", "<!-- end of torch.optim -->\n"
_HYPERPARAMETER = re.compile(r"(?:optimizers\[\d+\]\.)?param_groups\[\d+\]\['(\w+)'\](?:\[(\d)\])?")
_NAMES = {"lr": "hyper['learning_rate']", "weight_decay": "hyper['weight_decay']", "eps": "hyper['eps']"}


def _plain(match):
    key, place = match.groups()
    return _NAMES.get(key, f"hyper['{key}']") if place in (None, "0") else f"hyper['{key}{place}']"


def as_in_table(found):
    """A report with names as the table's functions expect them."""
    plain = json.loads(json.dumps(found))
    for symmetry in plain["symmetries"]:
        for member in symmetry["members"]:
            member["parameter"] = f"params['{member['parameter']}']"
    for entry in plain["kinetics"]:
        for law in entry["laws"]:
            law["hyperparameter"] = _HYPERPARAMETER.sub(_plain, law["hyperparameter"])
        if "factor" in entry:
            entry["factor"] = _HYPERPARAMETER.sub(_plain, entry["factor"])
    return plain


def row(name):
    found = as_in_table(report(name))
    cells = [table.scale_cell(table.of(found, tensor)[1]) for tensor in table.SCALES.values()]
    cells += [table.group_cell(*table.of(found, tensor)) for tensor in table.GROUPS.values()]
    return [f"`{name}`", *(cell.replace("torch/optim/", "") for cell in cells)]


def lines():
    made = ["| optimizer | " + " | ".join([*table.SCALES, *table.GROUPS]) + " |", "|---" * 7 + "|"]
    made += ["| " + " | ".join(row(name)) + " |" for name in ENTRIES]
    made += ["", "Left out:", ""]
    made += [f"- `{name}`: {why}." for name, why in EXCLUDED.items()]
    return "\n".join(made) + "\n"


def document(text):
    """The document with the table as it is now."""
    head, rest = text.split(BEGIN)
    return head + BEGIN + lines() + END + rest.split(END)[1]


if __name__ == "__main__":
    DOCUMENT.write_text(document(DOCUMENT.read_text()))
