# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every optimizer of torch.optim: what is claimed of it for each family of symmetries, run."""

import numpy as np
import pytest
import torch
import torch_laws
import torch_optimizers as optimizers
from optimizers import table
from torch_running import arguments, run, to_array

import noether_mlir.torch

TOLERANCE = 1e-9


def test_every_optimizer_is_in_the_catalogue():
    assert {optimizers.kind_of(name) for name in optimizers.ENTRIES} | set(optimizers.EXCLUDED) == optimizers.names()


@pytest.mark.parametrize("name", optimizers.ENTRIES)
def test_claims_hold(name, monkeypatch):
    optimizers.report(name)
    # Muon orthogonalises in bfloat16: rotations are kept up to its rounding. Here, in double precision.
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)
    errors = torch_laws.results(name)
    assert len(errors) >= 5
    assert not {key: error for key, error in errors.items() if not error < TOLERANCE}


#: What decides in Python by how many steps there were: it is captured in its form for accelerators, whose counters
#: compute in single precision.
BY_TENSORS = [name for name in optimizers.ENTRIES if name.startswith(("RAdam", "ASGD"))]


MUON = [name for name in optimizers.ENTRIES if name.startswith("Muon")]  # iterates in bfloat16
PLAIN = [name for name in optimizers.ENTRIES if name not in [*BY_TENSORS, *MUON]]


@pytest.mark.parametrize(("names", "tolerance"), [(PLAIN, 1e-10), (BY_TENSORS, 1e-5), (MUON, 1e-2)],
                         ids=["plain", "by tensors", "muon"])
def test_updates_run_again(names, tolerance):
    """Many small models, each with an optimizer, trained in one step: parameters and states after it, in XLA."""
    torch.manual_seed(0)
    models = {name.replace(":", "_"): torch.nn.Linear(4, 3, bias=not name.startswith("Muon")).double() for name in names}
    chosen = [
        getattr(torch.optim, optimizers.kind_of(name))(model.parameters(), **optimizers.ENTRIES[name])
        for name, model in zip(names, models.values())]
    x = torch.randn(5, 4, dtype=torch.float64)

    def step():
        for optimizer in chosen:
            optimizer.zero_grad()
        sum((model(x) ** 2 + model(x)).sum() for model in models.values()).backward()
        for optimizer in chosen:
            optimizer.step()

    for _ in range(7):
        step()
    captured = noether_mlir.torch.capture(step, models, chosen)
    found = run(captured, arguments(captured))
    step()
    compared = 0
    for number, (name, model) in enumerate(models.items()):
        for key, parameter in model.named_parameters():
            full = f"{name}.{key}"
            expected = {full: parameter} | {
                f"optimizers[{number}].state[{full!r}].{k}": v for k, v in chosen[number].state[parameter].items()}
            for key, value in expected.items():
                np.testing.assert_allclose(found[key], to_array(value), rtol=tolerance, atol=tolerance, err_msg=key)
                compared += 1
    assert compared >= 2 * len(names)


@pytest.mark.parametrize("name", ["SGD:momentum", "AdamW", "NAdam", "RAdam", "Adadelta"])
def test_a_new_optimizer_is_captured_as_one_that_has_run(name):
    """Its counters are not taken to be at their first step."""
    model = torch.nn.Linear(4, 3).double()
    optimizer = getattr(torch.optim, optimizers.kind_of(name))(model.parameters(), **optimizers.ENTRIES[name])

    def step(x):
        optimizer.zero_grad()
        (model(x) ** 2).sum().backward()
        optimizer.step()

    x = torch.ones(5, 4, dtype=torch.float64)
    new = noether_mlir.torch.capture(step, model, optimizer, x)
    for _ in range(3):
        step(x)
    assert noether_mlir.torch.capture(step, model, optimizer, x).text == new.text


@pytest.mark.parametrize(("name", "laws"), [
    ("SGD", {"lr": "2"}),
    ("SGD:decay", {"lr": "2", "weight_decay": "-2"}),
    ("AdamW", {"lr": "1", "weight_decay": "-1", "eps": "-1"}),
    ("Adam:decay", {"lr": "1", "weight_decay": "-2", "eps": "-1"}),
    ("Adadelta", {"lr": "2", "eps": "-2"}),
    ("Muon", {"lr": "1", "weight_decay": "-1", "eps": "-1"}),
])
def test_laws(name, laws):
    kinetics = table.of(optimizers.as_in_table(optimizers.report(name)), "w_tensor")[1]
    names = {"learning_rate": "lr"}
    found = {law["hyperparameter"].split("'")[1]: law["degree"] for law in kinetics["laws"]}
    assert {names.get(key, key): degree for key, degree in found.items()} == laws


def test_all_are_solved():
    for name in optimizers.ENTRIES:
        kinetics = table.of(optimizers.as_in_table(optimizers.report(name)), "w_tensor")[1]
        assert torch_laws.claims_law(kinetics), name


def test_table_is_up_to_date():
    text = optimizers.DOCUMENT.read_text()
    assert optimizers.document(text) == text, "run: cd test/python && python torch/torch_optimizers.py"
