# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The example step from end to end: analysed, tracked and rewritten by the compiler, run by JAX."""

import functools
import pathlib
import sys

import jax
import jax.numpy as jnp
import jsonschema
import noether_mlir
import numpy as np
import pytest
from noether_mlir import Polar
from noether_mlir.analysis import schema

ROOT = pathlib.Path(__file__).resolve().parents[2]
KERNELS = ("conv1", "conv2", "conv3")


@pytest.fixture(scope="module")
def model():
    """examples/digits/model.py."""
    sys.path.insert(0, str(ROOT / "examples" / "digits"))
    import model

    return model


@pytest.fixture(scope="module")
def batches(model):
    return [jax.tree.map(jnp.asarray, batch) for batch in model.batches(model.digits()[0], 8, size=32)]


@pytest.fixture(scope="module")
def analysis(model, batches):
    return noether_mlir.analyze(model.step, *model.initial(), batches[0])


@pytest.fixture
def original(model, batches):
    """The states before each step and the losses, by `jax.jit`."""
    step, state, states, losses = jax.jit(model.step), model.initial(), [], []
    for batch in batches:
        states.append(state)
        *state, loss = step(*state, batch)
        losses.append(loss)
    return [*states, tuple(state)], losses


def close(left, right, tolerance=1e-5):
    scale = np.max(np.abs(right)) + 1e-30
    assert np.max(np.abs(np.asarray(left) - np.asarray(right))) <= tolerance * scale, (left, right)


def test_what_the_analysis_says(model, analysis):
    jsonschema.validate(analysis.data, schema())
    scale = {s.members[0].parameter: s for s in analysis.symmetries if s.family == "scale"}
    for layer, width in zip(KERNELS, model.WIDTHS):
        symmetry = scale[f"params['{layer}']['kernel']"]
        assert (symmetry.dimension, symmetry.members[0].axes, symmetry.block_shape) == (width, (3,), (width,))
        assert [spurion.degree for spurion in symmetry.broken_by] == [2]
        assert np.isclose(symmetry.broken_by[0].constant, model.EPSILON)
        laws = {law.hyperparameter: law.text for law in analysis.kinetics_of(symmetry.id).laws}
        assert laws["learning_rate"] == "eta_eff = eta / r^2"
    assert analysis.dimension.torus == 2 * sum(model.WIDTHS)
    assert analysis.dimension.torus_exact == sum(model.WIDTHS)
    assert "eta_eff = eta / r^2" in str(analysis)


def test_charges(model, batches, original, analysis):
    states, losses = original
    step = noether_mlir.jit(model.step, track=True, donate_argnums=(0, 1, 2))
    state, measured = jax.tree.map(jnp.copy, states[0]), []
    for batch, loss in zip(batches, losses):
        (*state, ours), charges = step(*state, batch)
        close(ours, loss)
        measured.append(charges)
    scales = [symmetry for symmetry in analysis.symmetries if symmetry.family in ("scale", "rescale")]
    assert set(measured[0]) == {symmetry.id for symmetry in scales}
    for symmetry in scales:
        if symmetry.family != "scale":
            continue
        layer = symmetry.members[0].parameter.split("'")[1]
        squares = [np.sum(np.asarray(params[layer]["kernel"]) ** 2, (0, 1, 2)) for params, _, _ in states]
        gradient = jax.grad(lambda params: model.loss_of(params, states[0][2], batches[0])[0])(states[0][0])
        close(measured[0][symmetry.id].gradient_norm, np.sum(gradient[layer]["kernel"] ** 2, (0, 1, 2)), 1e-4)
        for charges, before, after in zip(measured, squares, squares[1:]):
            ours = charges[symmetry.id]
            close(ours.charge, before)
            close(ours.next_charge, after)
            size = np.sqrt(ours.charge * ours.gradient_norm)
            assert np.all(np.abs(ours.identity) <= 1e-5 * size)


@pytest.mark.parametrize("track", [False, True])
def test_adaptive_form(model, batches, original, track):
    states, losses = original
    step = noether_mlir.jit(model.step, rewrite="adaptive", track=track, charges="attribute", donate_argnums=(0, 1, 2))
    state = jax.tree.map(jnp.copy, states[0])
    for batch, loss in zip(batches, losses):
        *state, ours = step(*state, batch)
        close(ours, loss, 1e-4)
    for layer in KERNELS:
        polar = state[0][layer]["kernel"]
        assert isinstance(polar, Polar)
        close(np.sum(np.asarray(polar.direction) ** 2, (0, 1, 2)), np.ones(polar.shape[-1]))
    restored = step.restore(*state)
    jax.tree.map(functools.partial(close, tolerance=1e-3), restored, states[-1])


# Small steps in which the gradient is not one contraction.


def weight_norm(w, x, y):
    return jnp.mean((x @ (w / jnp.linalg.norm(w)) - y) ** 2)


def cosine(w, x, y):
    return -jnp.vdot(y @ x, w) / jnp.sqrt(jnp.vdot(w, w))


@pytest.mark.parametrize("loss", [weight_norm, cosine])
def test_a_tensor_with_one_norm(loss):
    def step(w, x, y):
        value, g = jax.value_and_grad(loss)(w, x, y)
        return w - 0.1 * g, value

    rng = np.random.default_rng(0)
    args = tuple(jnp.asarray(rng.normal(size=shape)) for shape in (8, (16, 8), 16))
    (symmetry,) = noether_mlir.analyze(step, *args).symmetries
    assert (symmetry.family, symmetry.dimension, symmetry.exact) == ("scale", 1, True)
    (_, value), charges = noether_mlir.jit(step, track=True)(*args)
    assert np.isclose(value, loss(*args))
    if charges["S1"].identity is not None:  # the gradient may not be found, but not something else taken for it
        g = jax.grad(loss)(*args)
        np.testing.assert_allclose(charges["S1"].gradient_norm, g @ g, rtol=1e-10)
        assert abs(charges["S1"].identity) < 1e-12

    adaptive, plain = noether_mlir.jit(step, rewrite="adaptive"), jax.jit(step)
    state, w = args[0], args[0]
    for _ in range(10):
        state, value = adaptive(state, *args[1:])
        w, expected = plain(w, *args[1:])
        np.testing.assert_allclose(value, expected, rtol=1e-12)
    (restored,) = adaptive.restore(state)
    np.testing.assert_allclose(restored, w, rtol=1e-11)
