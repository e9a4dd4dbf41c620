# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`noether_mlir.jit` in the place of `nnx.jit` and `equinox.filter_jit`: the same losses, and charges beside them."""

import equinox as eqx
import flax_steps
import jax
import numpy as np
import other_steps
import plain
import pytest
from flax import nnx

import noether_mlir


def train_nnx(wrap, steps=5):
    """Losses, and the module at the end."""
    step, (model, optimizer, x, y) = flax_steps.nnx_in_place("sgd")
    step = wrap(step)
    outputs = [step(model, optimizer, x, y) for _ in range(steps)]
    return outputs, nnx.state(model), optimizer


def test_nnx_modules_are_changed_in_place():
    expected, state, optimizer = train_nnx(lambda step: step)
    tracked = noether_mlir.jit(flax_steps.nnx_step, track=True, donate_argnums=(0, 1))
    outputs, tracked_state, tracked_optimizer = train_nnx(lambda _: tracked)
    np.testing.assert_allclose([loss for loss, _ in outputs], expected, rtol=1e-6)
    for ours, theirs in zip(jax.tree.leaves(tracked_state), jax.tree.leaves(state), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    assert tracked_optimizer.step[...] == optimizer.step[...] == 5
    charges = [charges for _, charges in outputs]
    assert set(charges[0]) >= {"S1", "S2", "S3", "S4"}
    for before, after in zip(charges, charges[1:]):
        for name, charge in before.items():
            np.testing.assert_allclose(charge.next_charge, after[name].charge, rtol=1e-5, atol=1e-5)
    assert len(tracked.runner.__self__.made) == 1  # compiled once


def test_another_structure_is_another_program():
    tracked = noether_mlir.jit(flax_steps.nnx_step, track=True)
    for width in (6, 7):
        model = flax_steps.Network(rngs=nnx.Rngs(0))
        model.head = nnx.Linear(6, width, rngs=nnx.Rngs(1))
        optimizer = nnx.Optimizer(model, plain.OPTIMIZERS["sgd"](), wrt=nnx.Param)
        loss, _ = tracked(model, optimizer, *plain.batch())
        assert np.isfinite(loss) and model.head.kernel.shape == (6, width)


@pytest.mark.parametrize("charges", ["return", "attribute"])
def test_equinox_modules(charges):
    plain_step, args = other_steps.equinox("sgd")
    tracked = noether_mlir.jit(plain_step, track=True, charges=charges)

    def train(step):
        *state, x, y = args
        losses = []
        for _ in range(5):
            out = step(*state, x, y)
            *state, loss = out[0] if len(out) == 2 else out
            losses.append(loss)
        return losses, state, out

    expected, (model, *_), _ = train(plain_step)
    losses, (ours, *_), out = train(tracked)
    np.testing.assert_allclose(losses, expected, rtol=1e-6)
    assert ours.activation is jax.nn.relu and eqx.tree_equal(ours, model, rtol=1e-5, atol=1e-6)
    found = out[1] if charges == "return" else tracked.charges
    assert found["S1"].charge.shape == () and abs(found["S1"].identity) < 1e-4
    assert len(tracked.runner.__self__.made) == 1


def test_what_cannot_be_with_modules():
    step, args = flax_steps.nnx_in_place("sgd")
    for options in ({"rewrite": "adaptive"}, {"out_shardings": None, "static_argnums": 2}, {"roles": ("param",)}):
        with pytest.raises(noether_mlir.UnsupportedStep, match="modules"):
            noether_mlir.jit(step, **options)(*args)
