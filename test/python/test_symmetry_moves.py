# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Moves along rescale symmetries: to balanced norms, and to larger gradients, with the loss unchanged.

Numbers of balancing: T19 of the theory (Saul 2023).
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from rewrites import distance

import noether_mlir

WIDTHS = (5, 6, 7, 4)


def relu_loss(params, batch):
    h = batch["x"]
    for i, w in enumerate(params[:-1]):
        h = jax.nn.relu(h @ w["w"] + w["b"]) if i else jax.nn.relu(h @ w["w"])
    return jnp.mean((h @ params[-1]["w"] - batch["y"]) ** 2)


def squared_relu_loss(params, batch):
    h = jax.nn.relu(batch["x"] @ params[0]["w"]) ** 2
    h = jax.nn.leaky_relu(h @ params[1]["w"] + params[1]["b"])
    return jnp.mean((h @ params[2]["w"] - batch["y"]) ** 2)


def gated_loss(params, batch):
    """A gated unit: up times gate, both positive homogeneous."""
    gate, up, down = (params[i]["w"] for i in range(3))
    h = jax.nn.relu(batch["x"] @ gate) * (batch["x"] @ up)
    return jnp.mean((h @ down - batch["y"]) ** 2)


def network(loss, seed=0):
    rng = np.random.default_rng(seed)
    gated = loss is gated_loss
    shapes = [(5, 6), (5, 6), (6, 4)] if gated else list(zip(WIDTHS, WIDTHS[1:]))
    params = [{"w": jnp.asarray(rng.standard_normal(s) * np.exp(rng.standard_normal(s[1])))} for s in shapes]
    if not gated:
        params[1]["b"] = jnp.asarray(rng.standard_normal(shapes[1][1]))
    batch = {"x": jnp.asarray(rng.standard_normal((16, 5))), "y": jnp.asarray(rng.standard_normal((16, 4)))}
    return params, batch


def make(loss, transformation):
    def step(params, state, batch):
        value, grads = jax.value_and_grad(loss)(params, batch)
        updates, state = transformation.update(grads, state, params)
        return optax.apply_updates(params, updates), state, value

    params, batch = network(loss)
    state = transformation.init(params)
    # States that are not zero.
    params, state, _ = jax.jit(step)(params, state, batch)
    return step, params, state, batch


def squares(params):
    return sum(float(jnp.sum(leaf**2)) for leaf in jax.tree.leaves(params))


def imbalance(params):
    """The largest log of outgoing over incoming squares, over hidden units."""
    worst = 0.0
    for below, above in zip(params, params[1:]):
        incoming = sum(np.sum(np.asarray(leaf) ** 2, axis=tuple(range(leaf.ndim - 1))) for leaf in below.values())
        outgoing = np.sum(np.asarray(above["w"]) ** 2, axis=1)
        worst = max(worst, float(np.max(np.abs(np.log(outgoing / incoming)))))
    return worst


LOSSES = [relu_loss, squared_relu_loss, gated_loss]
OPTIMIZERS = {
    "sgd": optax.sgd(1e-3),
    "momentum": optax.sgd(1e-4, momentum=0.9),
    "adamw": optax.adamw(1e-3),
    "lion": optax.lion(1e-3),
    "rmsprop": optax.rmsprop(1e-3),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("loss", LOSSES)
def test_balanced(loss, optimizer):
    step, params, state, batch = make(loss, OPTIMIZERS[optimizer])
    values = [squares(params)]
    once = noether_mlir.rewrite(step, params, state, batch, passes="balance", sweeps=1)
    moved, moved_state = params, state
    for _ in range(60):
        moved, moved_state, _ = once.move("balance", moved, moved_state, batch)
        values.append(squares(moved))
    np.testing.assert_allclose(loss(moved, batch), loss(params, batch), rtol=1e-12)
    assert distance(moved, params) > 1e-2, "nothing was moved"
    assert all(b <= a * (1 + 1e-14) for a, b in zip(values, values[1:])), values
    # No move along the orbit makes it smaller: the gradient there is zero.
    again, _, _ = once.move("balance", moved, moved_state, batch)
    assert distance(again, moved) < 1e-6


def test_parallel_balancing_converges():
    """T19: 60 sweeps leave an imbalance of 6e-9."""
    step, params, state, batch = make(relu_loss, optax.sgd(1e-3))
    assert imbalance(params) > 1
    moved, _, _ = noether_mlir.balance(step, params, state, batch, sweeps=60)
    assert imbalance(moved) < 1e-7


@pytest.mark.parametrize("loss", LOSSES)
def test_states_go_along(loss):
    """A momentum has the degree of gradients: w -> c w, m -> m / c, entry by entry."""
    step, params, state, batch = make(loss, OPTIMIZERS["momentum"])
    moved, moved_state, _ = noether_mlir.balance(step, params, state, batch, sweeps=10)
    before = jax.tree.map(jnp.multiply, params, state[0].trace)
    after = jax.tree.map(jnp.multiply, moved, moved_state[0].trace)
    assert distance(moved_state[0].trace, state[0].trace) > 1e-2
    assert distance(after, before) < 1e-13


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_step(optimizer):
    """One sweep at the end of each step: the same as balancing what the step returns."""
    step, params, state, batch = make(relu_loss, OPTIMIZERS[optimizer])
    rewritten = noether_mlir.rewrite(step, params, state, batch, passes="balance", every_step=True)
    found = rewritten(*rewritten.adapt(params, state, batch))
    plain = jax.jit(step)(params, state, batch)
    wanted = noether_mlir.balance(step, *plain[:2], batch, sweeps=1)
    assert distance(found[:2], wanted[:2]) < 1e-14
    assert float(found[2]) == pytest.approx(float(plain[2]), rel=1e-14)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("loss", LOSSES)
def test_teleported(loss, optimizer):
    step, params, state, batch = make(loss, OPTIMIZERS[optimizer])

    def slope(params):
        return squares(jax.grad(loss)(params, batch))

    before = slope(params)
    moved, _, _ = noether_mlir.teleport(step, params, state, batch, distance=0.3)
    np.testing.assert_allclose(loss(moved, batch), loss(params, batch), rtol=1e-12)
    assert slope(moved) > before * (1 + 1e-3)
    # On all other data as well.
    _, other = network(loss, 5)
    np.testing.assert_allclose(loss(moved, other), loss(params, other), rtol=1e-12)
    # By no more than was asked for, for any of the symmetries that share a parameter.
    ratios = [jnp.abs(jnp.log(a / b)) for a, b in zip(jax.tree.leaves(moved), jax.tree.leaves(params), strict=True)]
    assert max(float(r.max()) for r in ratios) < 0.3 * 3


def test_nothing_to_move():
    def loss(params, batch):
        return jnp.mean((jnp.tanh(batch["x"] @ params[0]["w"]) - 0.1) ** 2)

    step, params, state, batch = make(loss, optax.sgd(1e-3))
    moved, _, _ = noether_mlir.teleport(step, params, state, batch)
    jax.tree.map(np.testing.assert_array_equal, moved, params)
