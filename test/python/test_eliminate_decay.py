# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The decay of scale-invariant weights as a learning-rate schedule: the same training, without the decay.

Numbers from theory: Li and Arora (2020), in discrete time.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from rewrites import STEPS, compare, optimized, train_rewritten
from zoo import MODELS

import noether_mlir

#: Every way in which optax and torch decay under a linear update.
OPTIMIZERS = {
    "sgd": lambda rate, decay: optax.chain(optax.add_decayed_weights(decay), optax.sgd(rate)),
    "heavy_ball": lambda rate, decay: optax.chain(optax.add_decayed_weights(decay), optax.sgd(rate, momentum=0.9)),
    "nesterov": lambda rate, decay: optax.chain(
        optax.add_decayed_weights(decay), optax.sgd(rate, momentum=0.8, nesterov=True)),
    "decoupled": lambda rate, decay: optax.chain(
        optax.trace(0.9), optax.add_decayed_weights(decay), optax.scale(-rate)),
    "average": lambda rate, decay: optax.chain(
        optax.add_decayed_weights(decay), optax.ema(0.9, debias=False), optax.scale(-rate)),
    "two_averages": lambda rate, decay: optax.chain(
        optax.add_decayed_weights(decay), optax.trace(0.5), optax.trace(0.4), optax.scale(-rate)),
}
NETWORKS = ["mlp_layernorm", "cnn_batchnorm_running", "mlp_rmsnorm"]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", NETWORKS)
def test_trajectories_are_equal(name, optimizer):
    step, args, data = optimized(MODELS[name], OPTIMIZERS[optimizer](0.01, 5e-3))
    rewritten = noether_mlir.rewrite(step, *args, data[0], passes="eliminate-decay")
    assert rewritten.changes_arguments, "nothing was rewritten"
    compare(step, rewritten, args, data, 1e-12)


def columns(batch, params):
    """Each column over its root mean square: one scale each."""
    h = batch["x"] @ params["w"]
    return jnp.mean(jnp.tanh(h * jax.lax.rsqrt(jnp.mean(h * h, axis=0))) * batch["y"])


def column_step(transformation):
    def step(params, state, batch):
        loss, grads = jax.value_and_grad(columns, argnums=1)(batch, params)
        updates, state = transformation.update(grads, state, params)
        return optax.apply_updates(params, updates), state, loss

    rng = np.random.default_rng(0)
    params = {"w": jnp.asarray(rng.standard_normal((4, 3)))}
    data = [{"x": jnp.asarray(rng.standard_normal((8, 4))), "y": jnp.asarray(rng.standard_normal((8, 3)))}
            for _ in range(STEPS)]
    return step, (params, transformation.init(params)), data


@pytest.mark.parametrize(("optimizer", "rate", "decay", "momentum", "factor", "growth"), [
    ("heavy_ball", 0.1, 5e-4, 0.9, 0.9994977283678897, 1.001005300601762),
    ("heavy_ball", 0.1, 1e-4, 0.9, None, 1.000200210400956),
    ("sgd", 0.1, 5e-4, 0.0, None, 1.0001000075005),
    ("nesterov", 0.1, 5e-4, 0.9, None, 1.0010048437211287),
])
def test_the_schedule(optimizer, rate, decay, momentum, factor, growth):
    """T7: what a step does to the unit, and to the learning rate."""
    sgd = optax.sgd(rate, momentum=momentum or None, nesterov=optimizer == "nesterov")
    step, args, data = column_step(optax.chain(optax.add_decayed_weights(decay), sgd))
    rewritten = noether_mlir.rewrite(step, *args, data[0], passes="eliminate-decay")
    *adapted, extra = rewritten.adapt(*args, data[0])
    (name,) = extra.states
    later = noether_mlir.rewriting.Extra({name: extra.states[name] + 1}, {})
    unit = rewritten.restore(*adapted, later)[0]["w"] / args[0]["w"]
    np.testing.assert_allclose(unit, unit[0, 0], rtol=1e-15)
    if factor:
        np.testing.assert_allclose(unit[0, 0], factor, rtol=1e-14)
    np.testing.assert_allclose(unit[0, 0] ** -2, growth, rtol=1e-12)


def test_the_decay_is_gone():
    """Where the gradient is zero, nothing moves."""
    step, args, data = column_step(OPTIMIZERS["heavy_ball"](0.1, 5e-3))
    rewritten = noether_mlir.rewrite(step, *args, data[0], passes="eliminate-decay")
    batch = jax.tree.map(jnp.zeros_like, data[0]) | {"x": data[0]["x"]}
    adapted = rewritten.adapt(*args, batch)
    state = jax.tree.map(jnp.zeros_like, adapted[1])  # at rest
    params, *_ = rewritten(adapted[0], state, batch, adapted[-1])
    np.testing.assert_array_equal(params["w"], args[0]["w"])


def test_units_are_set_back():
    """A decay so strong that the unit would shrink to 1e-35 within the run."""
    step, args, data = column_step(optax.chain(optax.add_decayed_weights(1.0), optax.sgd(0.2)))
    rewritten = noether_mlir.rewrite(step, *args, data[0], passes="eliminate-decay")
    # Without a gradient: else the rate grows until training is unstable.
    data = [{"x": batch["x"], "y": jnp.zeros((8, 3))} for batch in data] * 8
    (params, _), _ = train_rewritten(rewritten, args, data[:360])
    np.testing.assert_allclose(params["w"], 0.8**360 * args[0]["w"], rtol=1e-12)
    params, state, _, extra = rewritten.adapt(*args, data[0])
    for batch in data[:100]:
        params, state, _, extra = rewritten(params, state, batch, extra)
    (count,) = extra.states.values()
    assert 0 < count < 50


def test_averages_and_metrics_see_the_weights_themselves():
    transformation = OPTIMIZERS["heavy_ball"](0.05, 5e-3)

    def step(params, state, average, batch):
        loss, grads = jax.value_and_grad(columns, argnums=1)(batch, params)
        updates, state = transformation.update(grads, state, params)
        params = optax.apply_updates(params, updates)
        average = jax.tree.map(lambda a, p: 0.9 * a + 0.1 * p, average, params)
        return params, state, average, loss, optax.global_norm(params), optax.global_norm(state)

    _, args, data = column_step(transformation)
    args = (*args, args[0])
    rewritten = noether_mlir.rewrite(step, *args, data[0], passes="eliminate-decay")
    assert rewritten.changes_arguments
    compare(step, rewritten, args, data, 1e-12)


def clipped(rate, decay):
    return optax.chain(optax.clip_by_global_norm(0.5), optax.add_decayed_weights(decay), optax.sgd(rate))


@pytest.mark.parametrize("transformation", [
    optax.adamw(1e-2, weight_decay=0.1),
    optax.chain(optax.add_decayed_weights(1e-3), optax.adam(1e-2)),
    optax.lion(1e-2, weight_decay=0.1),
    clipped(0.1, 1e-2),
    OPTIMIZERS["sgd"](optax.cosine_decay_schedule(0.1, 100), 1e-2),
    optax.chain(optax.add_decayed_weights(1e-2), optax.ema(0.9, debias=True), optax.scale(-0.1)),
    optax.sgd(0.1),
    OPTIMIZERS["heavy_ball"](0.1, 0.05),  # too strong for the momentum: no real modes
], ids=["adamw", "adam", "lion", "clipped", "schedule", "debiased", "no_decay", "too_strong"])
def test_what_is_not_proved_is_left_alone(transformation):
    step, args, data = column_step(transformation)
    assert not noether_mlir.rewrite(step, *args, data[0], passes="eliminate-decay").changes_arguments


def test_weights_that_are_not_invariant_keep_their_decay():
    def step(params, batch):
        loss, grads = jax.value_and_grad(lambda p: jnp.mean((batch["x"] @ p["w"] - batch["y"]) ** 2))(params)
        return jax.tree.map(lambda p, g: p - 0.1 * (g + 1e-2 * p), params, grads), loss

    _, (params, _), data = column_step(optax.sgd(0.1))
    assert not noether_mlir.rewrite(step, params, data[0], passes="eliminate-decay").changes_arguments
