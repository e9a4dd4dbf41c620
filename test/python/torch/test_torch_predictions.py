# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What is predicted of optimizers as torch.optim writes them: the numbers are its own, and runs of it have them."""

import math

import numpy as np
import pytest
import torch

import noether_mlir.torch

ROWS, COLUMNS = 4, 50


class Directed(torch.nn.Module):
    """Sees the direction of its weight alone."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(COLUMNS, ROWS, bias=False)

    def forward(self, x):
        h = self.layer(x)
        return torch.tanh(h * torch.rsqrt((h * h).mean()))


def predict(kind, hyperparameters="constants", **options):
    model = Directed()
    optimizer = getattr(torch.optim, kind)(model.parameters(), **options)

    def step(model, optimizer, x, y):
        optimizer.zero_grad()
        loss = (model(x) * y).mean()
        loss.backward()
        optimizer.step()
        return loss

    found = noether_mlir.torch.analyze(
        step, model, optimizer, torch.ones(6, COLUMNS), torch.ones(6, ROWS), hyperparameters=hyperparameters)
    (symmetry,) = [s for s in found.symmetries if s.family == "scale"]
    return found.kinetics_of(symmetry.id).prediction


def random_walk(kind, steps, start, **options):
    """Mean |w|^2 and angle per step under gradients that are not correlated, in the second half of a run."""
    generator = torch.Generator().manual_seed(0)
    w = torch.nn.Parameter(torch.randn(ROWS * COLUMNS, generator=generator, dtype=torch.float64))
    with torch.no_grad():
        w *= start / w.norm()
    optimizer = getattr(torch.optim, kind)([w], **options)
    squares, turns = [], []
    for _ in range(steps):
        g = torch.randn(w.shape, generator=generator, dtype=torch.float64)
        before = w.detach().clone()
        w.grad = (g - before * (g @ before) / (before @ before)) / before.norm()
        optimizer.step()
        after = w.detach()
        squares.append(float(after @ after))
        turns.append(2 - 2 * float(before @ after / before.norm() / after.norm()))
    half = steps // 2
    return np.mean(squares[half:]), math.sqrt(np.mean(turns[half:]))


@pytest.mark.parametrize("options", [{}, {"foreach": True}, {"foreach": False, "capturable": True}, {"hyperparameters": "arguments"}],
                         ids=["default", "foreach", "capturable", "arguments"])
def test_adamw(options):
    found = predict("AdamW", lr=1e-3, weight_decay=0.1, **options)
    assert found.motion.driven_by == "normalized"
    assert found.equilibrium_norm**2 == pytest.approx(1.0, rel=1e-3)
    assert found.rotation_per_step == pytest.approx(0.0032444, rel=1e-3)
    assert found.quantity("stability").value == pytest.approx(0.2212, abs=5e-5)


def test_adamw_runs_as_predicted():
    options = {"lr": 1e-2, "weight_decay": 0.5}
    found = predict("AdamW", **options)
    square, turn = random_walk("AdamW", 5000, found.equilibrium_norm, **options)
    assert square == pytest.approx(found.equilibrium_norm**2, rel=0.02)
    assert turn == pytest.approx(found.rotation_per_step, rel=0.02)
