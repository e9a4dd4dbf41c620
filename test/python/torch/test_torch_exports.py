# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Exports made of steps of PyTorch do in torch.optim what they say; programs of torch.export have the same symmetries."""

import json
from importlib import resources

import jsonschema
import pytest
import torch
import torch_networks as networks
from torch import nn
from torch.nn import functional as F
from facts import generators, same_span

import noether_mlir.torch
from noether_mlir import NoetherError, exports
from noether_mlir.torch.exported import capture_exported


@pytest.fixture(scope="module")
def network():
    """A model with epsilons too small to matter, its analysis, and a batch."""
    model = networks.model_of("cnn")
    model.norm1.eps = model.norm2.eps = 1e-20
    batch = networks.batch_of("cnn")
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    return model, noether_mlir.torch.analyze(networks.step, model, optimizer, batch), batch


def test_names_are_those_of_the_model(network):
    model, analysis, _ = network
    jsonschema.validate(analysis.data, json.loads(resources.files("noether_mlir").joinpath("schema.json").read_text()))
    assert [p.name for p in analysis.parameters] == [name for name, _ in model.named_parameters()]
    assert set(exports.torch_no_decay(analysis)) == {"conv1.weight", "conv2.weight", "conv2.bias"}
    assert set(exports.torch_no_decay(analysis, decay="rate")) == {
        name for name, _ in model.named_parameters()} - {"conv1.weight", "conv2.weight", "conv2.bias"}


def loss_of(model, batch):
    with torch.no_grad():
        return F.cross_entropy(model(batch["x"]), batch["y"]).item()


def test_decay_by_rate_groups_does_not_change_the_network(network):
    """With no gradient at all, a step of AdamW with these groups leaves the loss as it is."""
    model, analysis, batch = network
    saved = {name: value.clone() for name, value in model.state_dict().items()}
    losses = {}
    for decay in ("rate", "regularize"):
        groups = exports.torch_param_groups(analysis, model.named_parameters(), 0.5, decay)
        assert sum(len(group["params"]) for group in groups) == len(list(model.parameters()))
        optimizer = torch.optim.AdamW(groups, lr=0.2)
        before = loss_of(model, batch)
        for parameter in model.parameters():
            parameter.grad = torch.zeros_like(parameter)
        optimizer.step()
        losses[decay] = abs(loss_of(model, batch) - before)
        model.load_state_dict(saved)
        model.zero_grad()
    assert losses["rate"] < 1e-12 < 1e-3 < losses["regularize"]


def test_groups_want_the_analysed_model(network):
    with pytest.raises(NoetherError, match="other.weight"):
        exports.torch_param_groups(network[1], [("other.weight", nn.Parameter(torch.zeros(1)))], 0.1)


def test_scale_invariant_blocks(network):
    """The blocks of each export may be scaled: the loss stays."""
    model, analysis, batch = network
    own, before = dict(model.named_parameters()), loss_of(model, batch)
    saved = {name: value.clone() for name, value in model.state_dict().items()}
    blocks = exports.scale_invariant_blocks(analysis)
    assert {name for block in blocks for name in block.parameters} == {"conv1.weight", "conv2.weight", "conv2.bias"}
    for block in blocks:
        factors = torch.rand(block.blocks, dtype=torch.float64) + 0.5
        with torch.no_grad():
            for name, axes, view in zip(block.parameters, block.axes, block.views):
                shape = view or tuple(own[name].shape)
                along = [shape[axis] if axis in axes else 1 for axis in range(len(shape))]
                own[name].copy_((own[name].reshape(shape) * factors.reshape(along)).reshape(own[name].shape))
    # Running statistics do not matter in training.
    assert abs(loss_of(model, batch) - before) < 1e-12
    model.load_state_dict(saved)


class WithLoss(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x, y):
        logits = self.model(x)
        return F.cross_entropy(logits.flatten(0, -2), y.flatten())


@pytest.mark.parametrize("name", ["mlp", "llama"])
def test_exported_programs(name):
    """The symmetries of a program of torch.export are those of the training step."""
    model, batch = networks.model_of(name), networks.batch_of(name)
    program = torch.export.export(WithLoss(model), (batch["x"], batch["y"]))
    found = noether_mlir.torch.analyze(program)
    step = noether_mlir.torch.analyze(networks.step, model, torch.optim.SGD(model.parameters(), lr=0.1), batch)
    assert found.dimension == step.dimension
    assert not any(entry.laws or entry.equivariant for entry in found.kinetics) and not found.gradient_mismatches
    assert all("torch_networks.py:" in item.location for symmetry in found.symmetries for item in symmetry.broken_by)
    order = [f"model.{name}" for name, _ in model.named_parameters()]
    ours = generators(found, ("scale", "rescale"), order)
    assert same_span(ours, generators(step, ("scale", "rescale"), [name.removeprefix("model.") for name in order]))


def test_exported_programs_without_a_loss():
    model, batch = networks.model_of("mlp"), networks.batch_of("mlp")
    with pytest.raises(noether_mlir.NotATrainingStep, match="ends in one"):
        capture_exported(torch.export.export(model, (batch["x"],)))
