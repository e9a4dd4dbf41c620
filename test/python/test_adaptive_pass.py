# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The adaptive rewrite is exact for whatever stands in the step: every optimizer, coupled metrics,
averages of the weights, operations nothing is known about, loops, blocks of zeros, mixed precision.

All in double precision; where rounding is amplified, the yardstick is the original itself from a start
one unit in the last place away.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import optax.contrib
import pytest
from zoo import MODELS

import noether_mlir
from noether_mlir import Polar

STEPS = 6

OPTIMIZERS = {
    "sgd": lambda: optax.chain(optax.add_decayed_weights(5e-3), optax.sgd(0.1)),
    "nesterov": lambda: optax.sgd(0.05, momentum=0.9, nesterov=True),
    "clipped": lambda: optax.chain(optax.clip_by_global_norm(0.5), optax.adamw(1e-2)),
    "adaptive_clipped": lambda: optax.chain(optax.adaptive_grad_clip(0.1), optax.sgd(0.1, momentum=0.9)),
    "adafactor": lambda: optax.adafactor(1e-2, min_dim_size_to_factor=2),
    "adagrad": lambda: optax.adagrad(0.1),
    "amsgrad": lambda: optax.amsgrad(1e-2),
    "lamb": lambda: optax.lamb(1e-2, weight_decay=0.05),
    "lars": lambda: optax.lars(0.1, weight_decay=0.05),
    "lion": lambda: optax.lion(1e-2),
    "muon": lambda: optax.contrib.muon(1e-2),
    "rmsprop": lambda: optax.rmsprop(1e-2, momentum=0.9, centered=True),
    "rprop": lambda: optax.rprop(1e-2),
    "schedule_free": lambda: optax.contrib.schedule_free_adamw(1e-2),
    "accumulating": lambda: optax.MultiSteps(optax.adamw(1e-2), 2),
}


def distance(a, b):
    """The largest relative distance of two trees' float leaves."""
    worst = 0.0
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        x, y = np.asarray(x), np.asarray(y)
        if x.dtype.kind != "f" or not x.size:
            continue
        finite = np.isfinite(y)
        np.testing.assert_array_equal(x[~finite], y[~finite])
        x, y = x[finite].astype(np.float64), y[finite].astype(np.float64)
        worst = max(worst, float(np.linalg.norm(x - y) / max(np.linalg.norm(y), 1e-300)))
        assert np.isfinite(worst)
    return worst


def nudged(tree):
    rng = np.random.default_rng(0)
    return jax.tree.map(
        lambda x: x * (1 + 2.2e-16 * jnp.asarray(rng.integers(-1, 2, x.shape))), tree)


def polars(tree):
    leaves = jax.tree.leaves(tree, is_leaf=lambda node: isinstance(node, Polar))
    return [leaf for leaf in leaves if isinstance(leaf, Polar)]


def train(step, args, data, carried):
    for batch in data:
        out = step(*args, batch)
        args, rest = out[:carried], out[carried:]
    return args, rest


def compare(step, args, data, tolerance=1e-13):
    """Runs a step as it is and rewritten; the carried arguments and the other results must agree."""
    carried = len(args)
    rewritten = noether_mlir.jit(step, rewrite="adaptive")
    adapted = rewritten.adapt(*args, data[0])
    assert polars(adapted), "no parameter was rewritten"
    original = jax.jit(step)
    expected, expected_rest = train(original, args, data, carried)
    control, control_rest = train(original, (nudged(args[0]), *args[1:]), data, carried)
    result, rest = train(rewritten, adapted[:carried], data, carried)
    restored = rewritten.restore(*result, data[0])[:carried]
    for found, wanted, noisy in [*zip(restored, expected, control, strict=True),
                                 (rest, expected_rest, control_rest)]:
        noise = distance(noisy, wanted)
        print(f"rewritten {distance(found, wanted):.1e}, one-ulp control {noise:.1e}")
        assert distance(found, wanted) <= max(tolerance, 10 * noise)
    return adapted


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", ["mlp_layernorm_without_bias", "cnn_groupnorm"])
def test_every_optimizer(name, optimizer):
    model = MODELS[name]
    transformation = OPTIMIZERS[optimizer]()

    def step(params, state, average, batch):
        loss, grads = jax.value_and_grad(model.loss)(params, batch, model.epsilons())
        updates, state = transformation.update(grads, state, params)
        params = optax.apply_updates(params, updates)
        average = jax.tree.map(lambda a, p: 0.9 * a + 0.1 * p, average, params)
        metrics = {"gradient": optax.global_norm(grads), "norm": optax.global_norm(params),
                   "largest": jax.tree.map(lambda p: jnp.sort(p.ravel())[-1], params)}
        return params, state, average, loss, metrics

    params = model.parameters(0, jnp.float64)
    args = (params, transformation.init(params), params)
    compare(step, args, [model.data(t, jnp.float64) for t in range(STEPS)])


def channels(h, eps=1e-5):
    """Each column over its root mean square."""
    return h * jax.lax.rsqrt(jnp.mean(h * h, axis=0) + eps)


def columns(rng, inputs=4, outputs=3):
    return {"w": jnp.asarray(rng.standard_normal((inputs, outputs)))}


def batches(count, size=8, inputs=4):
    rng = np.random.default_rng(3)
    return [{"x": jnp.asarray(rng.standard_normal((size, inputs))),
             "y": jnp.asarray(rng.standard_normal((size, 3)))} for _ in range(count)]


def loss_of(params, batch):
    return jnp.mean((jnp.tanh(channels(batch["x"] @ params["w"])) - batch["y"]) ** 2)


def momentum_step(params, state, batch):
    loss, grads = jax.value_and_grad(loss_of)(params, batch)
    state = jax.tree.map(lambda m, g: 0.9 * m + g, state, grads)
    return jax.tree.map(lambda p, m: p - 0.05 * m, params, state), state, loss


def zeros_like(params):
    return jax.tree.map(jnp.zeros_like, params)


def test_states_are_held_in_the_gauge_of_their_gradients():
    params = columns(np.random.default_rng(0))
    momentum = jax.tree.map(jnp.ones_like, params)
    adapted = compare(momentum_step, (params, momentum), batches(STEPS))
    (polar,) = polars(adapted)
    (radius,) = polar.radius.values()
    np.testing.assert_allclose(radius, np.linalg.norm(params["w"], axis=0), rtol=1e-15)
    np.testing.assert_allclose(np.linalg.norm(polar.direction, axis=0), 1, rtol=1e-15)
    np.testing.assert_allclose(adapted[1]["w"], np.ones((4, 3)) * radius, rtol=1e-15)


def test_the_direction_stays_on_the_sphere():
    params = columns(np.random.default_rng(0))
    rewritten = noether_mlir.jit(momentum_step, rewrite="adaptive")
    args = rewritten.adapt(params, zeros_like(params), batches(1)[0])[:2]
    args, _ = train(rewritten, args, batches(40), 2)
    np.testing.assert_allclose(np.linalg.norm(args[0]["w"].direction, axis=0), 1, rtol=1e-15)


def test_a_block_of_zeros_has_radius_one():
    params = columns(np.random.default_rng(0))
    params = {"w": params["w"].at[:, 1].set(0)}
    adapted = compare(momentum_step, (params, zeros_like(params)), batches(STEPS))
    (radius,) = polars(adapted)[0].radius.values()
    assert radius[1] == 1 and not np.any(np.asarray(adapted[0]["w"].direction)[:, 1])


def test_a_block_that_becomes_zero():
    def step(params, batch):
        loss, grads = jax.value_and_grad(loss_of)(params, batch)
        keep = jnp.array([1.0, 0.0, 1.0])  # the second column is dropped
        return jax.tree.map(lambda p, g: keep * (p - 0.1 * g), params, grads), loss

    compare(step, (columns(np.random.default_rng(0)),), batches(STEPS))


def test_operations_nothing_is_known_about():
    def loss(params, batch):
        value = loss_of(params, batch)
        # Sums, exponentials and matrix functions of the weights have no degree.
        w = params["w"]
        return value + 1e-3 * jnp.sum(jnp.cumsum(jax.lax.stop_gradient(w)) * 0)

    def step(params, state, batch):
        value, grads = jax.value_and_grad(loss)(params, batch)
        w, g = params["w"], grads["w"]
        state = 0.9 * state + jnp.exp(-w * w) * g + jnp.sin(g)
        q, _ = jnp.linalg.qr(w)
        rate = 0.05 / (1 + jnp.linalg.norm(q.T @ g))
        new = {"w": w - rate * jnp.where(jnp.abs(state) > 0.01, state, g)}
        return new, state, value, jnp.argmax(jnp.abs(w), axis=0), jnp.max(jnp.cumsum(g, axis=1))

    params = columns(np.random.default_rng(0))
    compare(step, (params, jnp.zeros((4, 3))), batches(STEPS))


def test_loops_and_branches():
    def step(params, state, batch):
        loss, grads = jax.value_and_grad(loss_of)(params, batch)

        def halve(carry):
            w, count = carry
            return w * 0.5, count + 1

        shrunk, count = jax.lax.while_loop(lambda c: jnp.linalg.norm(c[0]) > 2, halve,
                                           (params["w"], 0))
        g = jax.lax.cond(loss > 0.9, lambda g: jnp.clip(g, -0.1, 0.1), lambda g: g, grads["w"])
        state = 0.9 * state + g + 1e-3 * shrunk
        return {"w": params["w"] - 0.1 * state}, state, loss, count

    params = columns(np.random.default_rng(0))
    compare(step, (params, jnp.zeros((4, 3))), batches(STEPS))


def test_blocks_within_an_axis():
    """Groups of channels share a scale: the block's index is a part of the channel axis."""
    def loss(params, batch):
        h = (batch["x"] @ params["w"]).reshape(-1, 2, 3)
        h = h * jax.lax.rsqrt(jnp.mean(h * h, axis=(0, 2), keepdims=True) + 1e-5)
        return jnp.mean(jnp.tanh(h.reshape(-1, 6)) ** 3 * jnp.arange(6))

    def step(params, first, second, batch):
        value, grads = jax.value_and_grad(loss)(params, batch)
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, grads)
        second = jax.tree.map(lambda v, g: 0.99 * v + 0.01 * g * g, second, grads)
        new = jax.tree.map(lambda p, m, v: p - 0.01 * (m / (jnp.sqrt(v) + 1e-8) + 0.1 * p),
                           params, first, second)
        return new, first, second, value

    params = columns(np.random.default_rng(0), outputs=6)
    adapted = compare(step, (params, zeros_like(params), zeros_like(params)), batches(STEPS))
    (radius,) = polars(adapted)[0].radius.values()
    assert radius.shape == (2,)
    np.testing.assert_allclose(
        radius, np.linalg.norm(np.reshape(params["w"], (4, 2, 3)), axis=(0, 2)), rtol=1e-15)


@pytest.mark.parametrize("scanned", [False, True])
def test_layers_of_a_stacked_parameter(scanned):
    """Each layer has symmetries of its own, and so radii of its own; the last one has none."""
    def loss(params, batch):
        def layer(h, w):
            return jnp.tanh(channels(h @ w)), None

        h = batch["x"]
        if scanned:
            h, _ = jax.lax.scan(layer, h, params["w"][:2])
        else:
            h, _ = layer(h, params["w"][0])
            h, _ = layer(h, params["w"][1])
        return jnp.mean((h @ params["w"][2]) ** 2)

    def step(params, state, batch):
        value, grads = jax.value_and_grad(loss)(params, batch)
        state = jax.tree.map(lambda m, g: 0.9 * m + g, state, grads)
        return jax.tree.map(lambda p, m: p - 0.05 * (m + 0.1 * p), params, state), state, value

    params = {"w": jnp.asarray(np.random.default_rng(0).standard_normal((3, 4, 4)))}
    adapted = compare(step, (params, zeros_like(params)), batches(STEPS))
    radii = polars(adapted)[0].radius.values()
    expected = np.linalg.norm(params["w"], axis=1)
    found = sorted(np.asarray(radius).tolist() for radius in radii)
    np.testing.assert_allclose(found, sorted(expected[:2].tolist()), rtol=1e-15)
    np.testing.assert_array_equal(adapted[0]["w"].direction[2], params["w"][2])


def test_half_precision_has_wide_radii():
    params = {"w": columns(np.random.default_rng(0))["w"].astype(jnp.bfloat16)}

    def step(params, state, batch):
        wide = jax.tree.map(lambda p: p.astype(jnp.float32), params)
        loss, grads = jax.value_and_grad(loss_of)(wide, batch)
        state = jax.tree.map(lambda m, g: 0.9 * m + g, state, grads)
        new = jax.tree.map(lambda p, m: (p.astype(jnp.float32) - 0.05 * m).astype(p.dtype),
                           params, state)
        return new, state, loss

    data = [jax.tree.map(lambda a: a.astype(jnp.float32), b) for b in batches(STEPS)]
    state = {"w": jnp.zeros((4, 3), jnp.float32)}
    rewritten = noether_mlir.jit(step, rewrite="adaptive")
    adapted = rewritten.adapt(params, state, data[0])[:2]
    (polar,) = polars(adapted)
    assert polar.direction.dtype == jnp.bfloat16
    assert all(radius.dtype == jnp.float32 for radius in polar.radius.values())
    (_, _), (loss,) = train(rewritten, adapted, data, 2)
    (_, _), (expected,) = train(jax.jit(step), (params, state), data, 2)
    np.testing.assert_allclose(float(loss), float(expected), rtol=0.05)


def test_epsilons_can_be_kept():
    params = columns(np.random.default_rng(0))
    args, data = (params, zeros_like(params)), batches(STEPS)
    _, (expected,) = train(jax.jit(momentum_step), args, data, 2)
    kept = noether_mlir.jit(momentum_step, rewrite="adaptive", eps="keep")
    _, (loss,) = train(kept, kept.adapt(*args, data[0])[:2], data, 2)
    error = abs(float(loss - expected)) / float(expected)
    assert 0 < error < 1e-3  # an approximation, and not the exact rewrite
