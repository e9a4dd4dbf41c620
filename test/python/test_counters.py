# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Counts in an update: of steps, with what is made of them in a long run, and of entries, which are no hyperparameters."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from invariant import SIZE, loss, predict, shapes

import noether_mlir

LR, B1, B2, EPS, DECAY = 1e-3, 0.9, 0.999, 1e-15, 0.1

#: Adam's step as it is written elsewhere: what is added to w, of the averages and the count.
WRITTEN = {
    "rate first": lambda m, v, t: -(LR / (1 - B1**t)) * m / (jnp.sqrt(v) / jnp.sqrt(1 - B2**t) + EPS),
    "rate last": lambda m, v, t: -(LR / (1 - B1**t)) * (m / (jnp.sqrt(v) / jnp.sqrt(1 - B2**t) + EPS)),
    "one rate": lambda m, v, t: -(LR * jnp.sqrt(1 - B2**t) / (1 - B1**t)) * m / (jnp.sqrt(v) + EPS),
    "power of a half": lambda m, v, t: -(LR / (1 - B1**t)) * m / (jnp.sqrt(v) / (1 - B2**t) ** 0.5 + EPS),
    "rate below": lambda m, v, t: m / (
        jnp.sqrt(v) / (jnp.sqrt(1 - B2**t) * -(LR / (1 - B1**t))) + EPS / -(LR / (1 - B1**t))),
    "rate below, inverted": lambda m, v, t: m / (
        (jnp.sqrt(v) / jnp.sqrt(-(B2**t - 1)) + EPS) / (1 / ((B1**t - 1) / LR))),
}


def adamw(written, count=lambda t: t + 1, exponent=lambda t: t):
    def step(params, state, batch):
        value, grads = jax.value_and_grad(loss)(params, batch)
        w, g = params["w"], grads["w"]
        t = count(state["t"])
        m, v = B1 * state["m"] + (1 - B1) * g, B2 * state["v"] + (1 - B2) * g * g
        return {"w": w * (1 - LR * DECAY) + written(m, v, exponent(t))}, {"m": m, "v": v, "t": t}, value

    return step


def found(step, dtype=jnp.float32):
    with jax.enable_x64(False):
        params, batch = shapes(SIZE)
        state = {"m": params["w"], "v": params["w"], "t": jax.ShapeDtypeStruct((), dtype)}
        result = noether_mlir.analyze(step, params, state, batch)
    (symmetry,) = [s for s in result.symmetries if s.family == "scale"]
    return result.kinetics_of(symmetry.id).prediction


@pytest.mark.parametrize("dtype", [jnp.int32, jnp.float32], ids=["integer", "float"])
@pytest.mark.parametrize("written", WRITTEN.values(), ids=WRITTEN)
def test_bias_corrections_tend_to_one(written, dtype):
    """Norm and angle are those of optax's, and its steps are the same."""
    reference, prediction = predict(optax.adamw(LR, B1, B2, EPS, weight_decay=DECAY)), found(adamw(written), dtype)
    assert prediction.motion.driven_by == "normalized"
    assert prediction.equilibrium_norm == pytest.approx(reference.equilibrium_norm, rel=1e-9)
    assert prediction.rotation_per_step == pytest.approx(reference.rotation_per_step, rel=1e-9)

    rng = np.random.default_rng(0)
    params, batch = jax.tree.map(lambda s: jnp.asarray(rng.normal(size=s.shape)), shapes(SIZE))
    optimizer = optax.adamw(LR, B1, B2, EPS, weight_decay=DECAY)
    state = {"m": 0 * params["w"], "v": 0 * params["w"], "t": jnp.zeros((), dtype)}
    other, other_state, step = params, optimizer.init(params), jax.jit(adamw(written))
    for _ in range(5):
        updates, other_state = optimizer.update(jax.grad(loss)(other, batch), other_state, other)
        params, state, _ = step(params, state, batch)
        other = optax.apply_updates(other, updates)
    np.testing.assert_allclose(params["w"], other["w"], rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("options", [
    {"count": lambda t: t - 1}, {"count": lambda t: 2 * t}, {"count": lambda t: jnp.minimum(t + 1, 10)},
    {"count": lambda t: jnp.where(t < 5, t + 1, t)},
    {"exponent": lambda t: 1 / t}, {"exponent": lambda t: -t}, {"exponent": lambda t: jnp.minimum(t, 5)},
    {"exponent": lambda t: jnp.where(t < 5, t, 5)}, {"exponent": lambda t: t % 7}],
    ids=["down", "doubled", "bounded", "stopped", "inverse", "negative", "at most 5", "5 in the end", "periodic"])
def test_what_is_no_count_has_no_limit(options):
    prediction = found(adamw(WRITTEN["rate first"], **options))
    assert prediction.equilibrium_norm is None and prediction.rotation_per_step is None


# --- counts of entries ------------------------------------------------------------------------------


def normalised(square):
    """SGD over the root of a mean of squares, of which `square` makes what is divided by."""

    def step(params, epsilon, lr, batch):
        value, grads = jax.value_and_grad(loss)(params, batch)
        g = grads["w"]
        mean = square(jnp.mean(g * g), epsilon)
        return {"w": params["w"] - lr * g * jax.lax.rsqrt(mean)}, value

    return step


def laws_of(step):
    with jax.enable_x64(False):
        params, batch = shapes(SIZE)
        number = jax.ShapeDtypeStruct((), jnp.float32)
        found = noether_mlir.analyze(step, params, number, number, batch)
    (symmetry,) = [s for s in found.symmetries if s.family == "scale"]
    kinetics = found.kinetics_of(symmetry.id)
    return {law.hyperparameter: law.degree for law in kinetics.laws}, kinetics.breaks


def test_the_count_of_a_mean_is_not_rescaled():
    """An epsilon used as it is and squared has no one degree: a law that rescales the mean's count as well is none."""
    laws, _ = laws_of(normalised(lambda mean, epsilon: jnp.maximum(mean, epsilon)))
    assert laws == {"epsilon": -2, "lr": 1}
    laws, breaks = laws_of(normalised(lambda mean, epsilon: jnp.maximum(jnp.maximum(mean, epsilon), epsilon * epsilon)))
    assert not laws and "no scaling" in breaks[0].why
