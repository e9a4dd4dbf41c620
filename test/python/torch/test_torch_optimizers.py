# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every optimizer of torch.optim: what is claimed of it for each family of symmetries, run."""

import pytest
import torch
import torch_laws
import torch_optimizers as optimizers
from optimizers import table

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
