# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The adaptive form in RMSProp's terms: an approximation, with the constants of the theory.

Tanaka and Kunin (2021), equations (2) and (3); numbers T2, T3 and T6 of the theory.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from test_eliminate_decay import OPTIMIZERS, column_step, columns

import noether_mlir
from noether_mlir.rewriting import RewrittenStep


def rewritten_by(step, args, batch, **options) -> RewrittenStep:
    return noether_mlir.rewrite(step, *args, batch, passes="rewrite-adaptive", **options)


def run(rewritten, args, data):
    """Directions and radii after each step."""
    *carried, _, extra = rewritten.adapt(*args, data[0])
    history = []
    for batch in data:
        *out, extra = rewritten(*carried, batch, extra)
        carried = out[: len(carried)]
        (radius,) = extra.states.values()
        history.append((np.asarray(carried[0]["w"]), np.asarray(radius)))
    return history


def with_random_gradients(transformation):
    """A step whose gradient is the batch without its part along w, over |w|."""

    def step(params, state, batch):
        value, grads = jax.value_and_grad(
            lambda p: jnp.sum(p["w"] / jnp.linalg.norm(p["w"]) * batch["x"]))(params)
        updates, state = transformation.update(grads, state, params)
        return optax.apply_updates(params, updates), state, value

    return step


@pytest.mark.parametrize("optimizer", ["sgd", "heavy_ball", "nesterov", "decoupled", "average"])
def test_close_to_the_exact_form(optimizer):
    step, args, data = column_step(OPTIMIZERS[optimizer](0.02, 1e-2))
    exact = run(rewritten_by(step, args, data[0]), args, data)
    form = run(rewritten_by(step, args, data[0], form="rmsprop", gradients="noise"), args, data)
    direction = max(np.abs(a[0] - b[0]).max() for a, b in zip(exact, form))
    radius = max(np.abs(a[1] / b[1] - 1).max() for a, b in zip(exact, form))
    # Momentum spreads what a gradient does over 1 / (1 - beta) steps, and the form does it at once.
    step = max(np.abs(b[0] - a[0]).max() for a, b in zip(form, form[1:]))
    print(f"{optimizer}: direction {direction:.1e}, {direction / step:.1e} steps; radius {radius:.1e}")
    assert direction > 0
    assert direction / step < (5e-3 if optimizer == "sgd" else 10)
    assert radius < (1e-5 if optimizer == "sgd" else 2e-2)


@pytest.mark.parametrize(("rate", "decay", "momentum", "fourth", "angle"), [
    (0.1, 0.01, 0.0, 5.0025, 0.04472), (0.1, 0.01, 0.9, 50.013, 0.03244),
    (0.05, 0.02, 0.5, 2.5008, 0.03651)])
def test_equilibrium_under_noise(rate, decay, momentum, fourth, angle):
    """T3, within 3 %: gradients of unit size in random directions."""
    transformation = optax.chain(optax.add_decayed_weights(decay), optax.sgd(rate, momentum=momentum or None))
    step, size = with_random_gradients(transformation), 200
    rng = np.random.default_rng(0)
    params = {"w": jnp.asarray(rng.standard_normal(size))}
    params = {"w": params["w"] * fourth**0.25 / jnp.linalg.norm(params["w"])}
    steps = 1500
    data = {"x": jnp.asarray(rng.standard_normal((steps, size)) / np.sqrt(size))}
    args = (params, transformation.init(params))
    rewritten = rewritten_by(step, args, jax.tree.map(lambda a: a[0], data), form="rmsprop", gradients="noise")
    *carried, _, extra = rewritten.adapt(*args, jax.tree.map(lambda a: a[0], data))

    def body(carry, batch):
        carried, extra = carry
        *out, extra = rewritten(*carried, batch, extra)
        new = tuple(out[:2])
        (radius,) = extra.states.values()
        turned = jnp.arccos(jnp.clip(jnp.sum(carried[0]["w"] * new[0]["w"]), -1, 1))
        return (new, extra), (radius**4, turned**2)

    _, (fourths, angles) = jax.lax.scan(body, (tuple(carried), extra), data)
    np.testing.assert_allclose(np.mean(fourths), fourth, rtol=0.03)
    # Momentum spreads a gradient over steps: their sum turns as far, in steps that are not correlated.
    expected = np.sqrt(2 * rate * decay / (1 - momentum)) if momentum else angle
    np.testing.assert_allclose(np.sqrt(np.mean(angles)), expected, rtol=0.03)


@pytest.mark.parametrize(("rate", "decay", "momentum", "forgets", "constant"), [
    (0.1, 5e-4, 0.9, 2.0e-3, 19000.0), (0.1, 1e-4, 0.9, 4.0e-4, 95000.0)])
def test_numbers(rate, decay, momentum, forgets, constant):
    """T2: what the average forgets, and r^4 over it."""
    transformation = optax.chain(optax.add_decayed_weights(decay), optax.sgd(rate, momentum=momentum))
    step, args, data = column_step(transformation)
    batch = {"x": data[0]["x"], "y": jnp.zeros((8, 3))}
    still = rewritten_by(step, args, batch, form="rmsprop")
    adapted = still.adapt(*args, batch)
    (before,) = adapted[-1].states.values()
    (after,) = still(*adapted)[-1].states.values()
    np.testing.assert_allclose(1 - (after / before) ** 4, forgets, rtol=1e-9)
    # The share of |g|^2 that is added is C times what is forgotten.
    adapted = still.adapt(*args, data[0])
    (after,) = still(*adapted)[-1].states.values()
    grads = jax.grad(lambda p: columns(data[0], p))({"w": adapted[0]["w"]})["w"]
    added = after**4 - (1 - forgets) * before**4
    np.testing.assert_allclose(added / jnp.sum(grads**2, axis=0), constant * forgets, rtol=1e-9)


@pytest.mark.parametrize("transformation", [optax.adamw(1e-2), optax.lion(1e-2)], ids=["adamw", "lion"])
def test_only_linear_updates(transformation):
    step, args, data = column_step(transformation)
    assert not rewritten_by(step, args, data[0], form="rmsprop").changes_arguments
