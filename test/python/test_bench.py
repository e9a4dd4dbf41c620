# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What `noether bench` measures is the update it says, and its rows are what other tools read."""

import json

import jax
import numpy as np
import pytest
from typer.testing import CliRunner

from noether_mlir.bench import contestants, rules
from noether_mlir.bench.lists import LISTS
from noether_mlir.cli import app

SHAPES = [(7, 9), (300,), (5,), (70001,)]


def test_lists():
    assert len(LISTS["gpt2"]) == 148 and sum(map(np.prod, LISTS["gpt2"])) == 124_439_808
    assert len(LISTS["resnet50"]) == 161 and sum(map(np.prod, LISTS["resnet50"])) == 25_557_032


@pytest.mark.parametrize("name", rules.RULES)
def test_direct_updates(name):
    """Kernels on pointers do what the jitted rule does, for several steps, and sum up what it sums up."""
    rule = rules.RULES[name]
    tensors = contestants.Tensors(SHAPES, rule.states)
    args = jax.tree.map(np.copy, (tensors.params, tensors.states))
    numbers = tuple(map(np.float32, rule.numbers))
    update, step = contestants.direct(rule, tensors, charges=True), jax.jit(rule.step(charges=True))
    for _ in range(3):
        update()
        *args, _, sums = step(*args, tensors.gradients, numbers)
        for found, expected in zip(jax.tree.leaves((tensors.params, tensors.states)), jax.tree.leaves(args)):
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-9)
        np.testing.assert_allclose(update.sums, jax.tree.leaves(sums), rtol=1e-5)


def test_rows():
    run = CliRunner().invoke(app, ["bench", "--quick", "--list=100x1024", "--optimizer=sgd", "--threads=1",
                                   "--rounds=2", "--format=json"])  # fmt: skip
    assert run.exit_code == 0, run.output
    rows = json.loads(run.output)["rows"]
    assert {"roofline", "optax", "optax+charges", "noether", "noether+charges"} <= {row["kernel"] for row in rows}
    for row in rows:
        assert set(row) == {"optimizer", "list", "kernel", "threads", "median_ms", "min_ms", "max_ms", "bytes"}
        assert row["bytes"] == 12 * 100 * 1024
        assert 0 < row["min_ms"] <= row["median_ms"] <= row["max_ms"]


@pytest.mark.parametrize("wrong", ["--list=none", "--optimizer=none"])
def test_unknown_names(wrong):
    run = CliRunner().invoke(app, ["bench", wrong])
    assert run.exit_code == 2
    assert "it is one of" in run.output
