# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Decay towards a small random point: against the same method written by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from rewrites import distance, train

import noether_mlir

STEPS = 50


def noise(argument, shape, seed, deviation):
    """The bias of an argument of the step, as the pass describes it."""
    with np.errstate(over="ignore"):
        x = np.arange(int(np.prod(shape)), dtype=np.uint32) * np.uint32(0x9E3779B1)
        x += np.uint32(seed) * np.uint32(0x9E3779B1) + np.uint32(argument + 1) * np.uint32(0x85EBCA6B)
        x = (x ^ (x >> np.uint32(16))) * np.uint32(0x85EBCA6B)
        x = (x ^ (x >> np.uint32(13))) * np.uint32(0xC2B2AE35)
        x = (x ^ (x >> np.uint32(16))) >> np.uint32(8)
    return (deviation * np.sqrt(3) * (x * 2.0**-23 - (1 - 2.0**-24))).reshape(shape)


def mlp(params, batch):
    h = jnp.tanh(jax.nn.relu(batch["x"] @ params["a"]) @ params["b"])
    return jnp.mean((h @ params["c"] - batch["y"]) ** 2)


def relu_deep(params, batch):
    h = jax.nn.relu(batch["x"] @ params["a"])
    return jnp.mean((jax.nn.relu(h @ params["b"]) @ params["c"] - batch["y"]) ** 2)


def factored(params, batch):
    return jnp.mean((jnp.tanh(batch["x"] @ params["a"] @ params["b"]) @ params["c"] - batch["y"]) ** 2)


OPTIMIZERS = {
    "sgd": optax.chain(optax.add_decayed_weights(0.05), optax.sgd(0.1)),
    "momentum": optax.chain(optax.add_decayed_weights(0.05), optax.sgd(0.05, momentum=0.9)),
    "adamw": optax.adamw(1e-2, weight_decay=0.1),
    "adam_l2": optax.chain(optax.add_decayed_weights(0.05), optax.adam(1e-2)),
    "lion": optax.lion(1e-2, weight_decay=0.1),
}


def make(loss, transformation, shift=None):
    """A step; with a shift, on parameters less that, as the method is written by hand."""

    def step(params, state, batch):
        own = params if shift is None else jax.tree.map(jnp.subtract, params, shift)
        value, grads = jax.value_and_grad(loss)(params, batch)
        updates, state = transformation.update(grads, state, own)
        own = optax.apply_updates(own, updates)
        return own if shift is None else jax.tree.map(jnp.add, own, shift), state, value

    rng = np.random.default_rng(0)
    params = {name: jnp.asarray(rng.standard_normal(shape) / 2)
              for name, shape in {"a": (4, 5), "b": (5, 6), "c": (6, 3)}.items()}
    data = [{"x": jnp.asarray(rng.standard_normal((8, 4))), "y": jnp.asarray(rng.standard_normal((8, 3)))}
            for _ in range(STEPS)]
    return step, (params, transformation.init(params)), data


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("loss", [mlp, relu_deep, factored])
def test_by_hand(loss, optimizer):
    transformation = OPTIMIZERS[optimizer]
    step, args, data = make(loss, transformation)
    rewritten = noether_mlir.rewrite(step, *args, data[0], passes="break-symmetry", deviation=0.05, seed=3)
    shift = {name: noise(i, value.shape, 3, 0.05) for i, (name, value) in enumerate(sorted(args[0].items()))}
    by_hand, _, _ = make(loss, transformation, shift)
    wanted, _ = train(by_hand, args, data)
    plain, _ = train(step, args, data)
    params, state, batch, extra = rewritten.adapt(*args, data[0])
    for batch in data:
        params, state, _, extra = rewritten(params, state, batch, extra)
    assert distance(wanted[0], plain[0]) > 1e-4, "the bias does nothing"
    assert distance((params, state), wanted) < 1e-11


def test_the_bias_is_what_is_said():
    values = noise(0, (1000, 100), 7, 0.01)
    assert abs(values.std() / 0.01 - 1) < 5e-3 and abs(values.mean()) < 1e-4
    assert np.abs(values).max() < 0.01 * np.sqrt(3) and len(np.unique(values)) > 99000
    assert not np.any(values == noise(1, (1000, 100), 7, 0.01)[0, 0])


def test_equal_units_come_apart():
    """Two hidden units that are equal stay so, and do not with the bias."""
    transformation = OPTIMIZERS["momentum"]
    step, args, data = make(mlp, transformation)
    params = dict(args[0])
    params["a"] = params["a"].at[:, 1].set(params["a"][:, 0])
    params["b"] = params["b"].at[1].set(params["b"][0])
    plain, _ = train(step, (params, args[1]), data)
    np.testing.assert_allclose(plain[0]["a"][:, 1], plain[0]["a"][:, 0], rtol=1e-12)
    rewritten = noether_mlir.rewrite(step, *args, data[0], passes="break-symmetry", deviation=0.05)
    state, extra = args[1], rewritten.adapt(*args, data[0])[-1]
    for batch in data:
        params, state, _, extra = rewritten(params, state, batch, extra)
    assert np.abs(params["a"][:, 1] - params["a"][:, 0]).max() > 1e-3


@pytest.mark.parametrize("transformation", [optax.sgd(0.1), optax.adam(1e-2)], ids=["sgd", "adam"])
def test_without_decay_there_is_nothing_to_break(transformation):
    step, args, data = make(mlp, transformation)
    rewritten = noether_mlir.rewrite(step, *args, data[0], passes="break-symmetry")
    found = rewritten(*rewritten.adapt(*args, data[0]))
    jax.tree.map(np.testing.assert_array_equal, found[0], jax.jit(step)(*args, data[0])[0])
    assert "stablehlo.xor" not in rewritten.text


def test_scales_of_single_blocks_are_left_alone():
    """What a norm divides away has no trap."""
    transformation = OPTIMIZERS["sgd"]

    def step(params, state, batch):
        value, grads = jax.value_and_grad(lambda p: jnp.mean(
            jnp.tanh(batch["x"] @ (p["w"] / jnp.linalg.norm(p["w"]))) * batch["y"] * jnp.arange(3)))(params)
        updates, state = transformation.update(grads, state, params)
        return optax.apply_updates(params, updates), state, value

    _, (params, _), data = make(mlp, transformation)
    params = {"w": params["a"][:, :3]}
    found = noether_mlir.analyze(step, params, transformation.init(params), data[0]).data
    assert [s["family"] for s in found["symmetries"]] == ["scale"]
    rewritten = noether_mlir.rewrite(step, params, transformation.init(params), data[0], passes="break-symmetry")
    assert "stablehlo.xor" not in rewritten.text
