# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The charges a tracked step returns are those plain JAX computes, and obey their laws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from zoo import MODELS
from zoo.reports import block_shape, member_index, number
from zoo.steps import names, training_step

import noether_mlir

TOLERANCE = 1e-6
TRACKED = ["mlp_relu", "mlp_squared_relu", "mlp_layernorm", "mlp_weight_norm", "cnn_batchnorm",
           "cnn_batchnorm_running", "cnn_groupnorm", "scanned_layers", "gpt_modern",
           "gpt_fused_qkv", "transformer_reglu"]


def quadratic(symmetry, a, b, absolute=False):
    """Per block, the sum of exponent * a * b over all members."""
    shapes = {n: leaf.shape for n, leaf in a.items()}
    total = np.zeros(block_shape(symmetry, shapes))
    for member in symmetry["members"]:
        n = member["parameter"]
        view, part = member_index(member, shapes[n])
        product = (a[n].astype(float) * b[n]).reshape(view)[part]
        axes = member["axes"]
        others = tuple(i for i in range(len(view)) if i not in axes)
        kept = product.sum(axis=others) if not absolute else abs(product).sum(axis=others)
        kept = np.transpose(kept, np.argsort(np.argsort(axes)))
        exponent = float(number(member["exponent"]))
        total = total + (abs(exponent) if absolute else exponent) * kept
    return total


def close(found, expected, size):
    """Within tolerance of the size of what was summed."""
    found, expected = np.asarray(found, float), np.asarray(expected)
    assert found.shape == expected.shape
    assert (abs(found - expected) <= TOLERANCE * size + 1e-300).all(), (found, expected)


def gradients(model, params, batch):
    return names(jax.jit(jax.grad(model.value))(params, batch, model.epsilons()))


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("name", TRACKED)
def test_charges(name, optimizer):
    model = MODELS[name]
    step = training_step(model, optimizer, dtype=jnp.float64)
    tracked = noether_mlir.jit(step.function, track=True)
    plain = jax.jit(step.function)
    found = noether_mlir.analyze(step.function, *step.args).data
    symmetries = {s["id"]: s for s in found["symmetries"] if s["family"] in ("scale", "rescale")}
    args = step.args
    for t in range(3):
        args = (*args[:-1], model.data(t))
        expected = plain(*args)
        out, charges = tracked(*args)
        for a, b in zip(jax.tree.leaves(out), jax.tree.leaves(expected), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-13)
        assert set(charges) == set(symmetries)
        w, g, after = names(args[0]), gradients(model, args[0], args[-1]), names(expected[0])
        for key, symmetry in symmetries.items():
            charge = charges[key]
            close(charge.charge, quadratic(symmetry, w, w), quadratic(symmetry, w, w, True))
            close(charge.identity, quadratic(symmetry, w, g), quadratic(symmetry, w, g, True))
            close(charge.gradient_norm, quadratic(symmetry, g, g), quadratic(symmetry, g, g, True))
            close(charge.next_charge, quadratic(symmetry, after, after),
                  quadratic(symmetry, after, after, True))
            if symmetry["exact"] and not symmetry.get("traceless"):
                size = quadratic(symmetry, w, g, True)
                assert (abs(np.asarray(charge.identity)) <= 1e-11 * size + 1e-300).all(), key
        args = (*expected[:-1], args[-1])


@pytest.mark.parametrize("name", ["mlp_relu", "mlp_squared_relu", "mlp_weight_norm"])
def test_charge_moves_by_the_gradient_alone(name):
    """Under plain SGD, an exact symmetry's charge changes by eta^2 g^T A g at every step."""
    model = MODELS[name]
    rate = 0.1
    step = training_step(model, "sgd", dtype=jnp.float64, learning_rate=rate, weight_decay=0.0)
    tracked = noether_mlir.jit(step.function, track=True)
    _, charges = tracked(*step.args)
    assert charges
    for charge in charges.values():
        change = np.asarray(charge.next_charge) - np.asarray(charge.charge)
        np.testing.assert_allclose(change, rate**2 * np.asarray(charge.gradient_norm), rtol=1e-6,
                                   atol=1e-13)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adamw"])
def test_tracking_leaves_the_step_alone(optimizer):
    """In single precision too, what the step returns is what it returned."""
    step = training_step(MODELS["mlp_layernorm"], optimizer)
    tracked = noether_mlir.jit(step.function, track=True, charges="attribute")
    out, expected = tracked(*step.args), jax.jit(step.function)(*step.args)
    assert jax.tree.structure(out) == jax.tree.structure(expected)
    for a, b in zip(jax.tree.leaves(out), jax.tree.leaves(expected), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=2e-6, atol=1e-7)
    assert tracked.charges


@pytest.mark.parametrize("name", ["mlp_layernorm", "cnn_batchnorm_running"])
def test_rewritten_step_tracks_the_original_charges(name):
    """Rewriting first and tracking after: the radius is the charge."""
    model = MODELS[name]
    step = training_step(model, "momentum", dtype=jnp.float64)
    rewritten = noether_mlir.jit(step.function, rewrite="adaptive", track=True)
    out, charges = rewritten(*step.args)
    restored = rewritten.restore(*out[:-1], step.args[-1])
    plain = jax.jit(step.function)(*step.args)
    for a, b in zip(jax.tree.leaves(restored[0]), jax.tree.leaves(plain[0]), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)
    assert charges
