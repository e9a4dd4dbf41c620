# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The example of k-Adam: Adam for k = 1, bounded updates, and the law that the analysis reads from it."""

import importlib.util
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import noether_mlir

EXAMPLE = pathlib.Path(__file__).resolve().parent.parent.parent / "examples" / "k_adam.py"
spec = importlib.util.spec_from_file_location("k_adam", EXAMPLE)
example = importlib.util.module_from_spec(spec)
spec.loader.exec_module(example)


def gradients(steps, size=5):
    rng = np.random.default_rng(0)
    return jnp.asarray(rng.standard_normal((steps, size)) * np.exp(rng.standard_normal((steps, 1))))


def run(transformation, grads):
    state = transformation.init(grads[0])

    def body(state, g):
        update, state = transformation.update(g, state)
        return state, update

    return jax.lax.scan(body, state, grads)[1]


def test_one_is_adam():
    grads = gradients(30)
    np.testing.assert_allclose(
        run(example.scale_by_k_adam(1, 0.8, 0.95), grads), run(optax.scale_by_adam(0.8, 0.95), grads), rtol=1e-12)


@pytest.mark.parametrize("k", [2, 3])
def test_stages_are_adams_of_adams(k):
    rates1, rates2 = (0.9, 0.5, 0.0)[:k], (0.99, 0.9, 0.95)[:k]
    grads = gradients(30)
    wanted = grads
    for b1, b2 in zip(rates1, rates2):
        wanted = run(optax.scale_by_adam(b1, b2), wanted)
    np.testing.assert_allclose(run(example.scale_by_k_adam(k, rates1, rates2), grads), wanted, rtol=1e-12)


@pytest.mark.parametrize(("b1", "b2"), [(0.9, 0.999), (0.95, 0.99)])
def test_the_last_stage_bounds_the_update(b1, b2):
    """T18's exact bound holds for every stage: sup |m| / sqrt(v) over all inputs, bias corrections aside."""
    grads = gradients(400)
    bound = (1 - b1) / np.sqrt(1 - b2) * np.sqrt(1 / (1 - b1**2 / b2))
    count = np.arange(1, 401)[:, None]
    correction = (1 - b1**count) / np.sqrt(1 - b2**count)
    for k in (1, 2, 3):
        updates = np.abs(run(example.scale_by_k_adam(k, b1, b2, eps=0.0), grads)) * correction
        assert updates.max() <= bound * (1 + 1e-12)


@pytest.mark.parametrize("k", [1, 2])
def test_the_law_is_adams(k):
    """However often: the learning rate of a scale-invariant weight goes as 1 / r, and its epsilons are named."""
    optimizer = example.k_adam(1e-2, k)

    def step(params, state, batch):
        loss, grads = jax.value_and_grad(example._loss)(params, batch)
        updates, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, updates), state, loss

    rng = np.random.default_rng(0)
    params = {"w": jnp.asarray(rng.standard_normal((4, 5))), "head": jnp.asarray(rng.standard_normal((5, 2)))}
    batch = {"x": jnp.asarray(rng.standard_normal((8, 4))), "y": jnp.asarray(rng.standard_normal((8, 2)))}
    found = noether_mlir.analyze(step, params, optimizer.init(params), batch).data
    scale = next(s["id"] for s in found["symmetries"] if s["family"] == "scale")
    kinetics = next(entry for entry in found["kinetics"] if entry["symmetry"] == scale)
    degrees = {law["hyperparameter"]: law["degree"] for law in kinetics["laws"]}
    assert degrees["learning_rate"] == "1", kinetics
    with pytest.raises(ValueError):
        example.scale_by_k_adam(2, (0.9,))
