# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What updates keep of groups that act on parts of a fused tensor, one matrix for each head: tried on trajectories."""

import jax
import jax.numpy as jnp
import noether_mlir
import numpy as np
import optax
import pytest
from noether_mlir.group_elements import random_element

WIDTH, HEADS, SIZE = 6, 2, 3


def attention(params, x):
    """Queries, keys and values from one matrix. (Biases of keys would be dead: their updates are made of rounding.)"""
    fused = (x @ params["qkv"]).reshape(*x.shape[:-1], 3, HEADS, SIZE)
    q, k, v = jnp.moveaxis(fused, -3, 0)
    weights = jax.nn.softmax(jnp.einsum("nqhd,nkhd->nhqk", q, k))
    mixed = jnp.einsum("nhqk,nkhd->nqhd", weights, v).reshape(*x.shape[:-1], HEADS * SIZE)
    return jnp.mean(jnp.sin(mixed @ params["out"]) * x)


def parameters():
    rng = np.random.default_rng(0)
    shapes = {"qkv": (WIDTH, 3 * HEADS * SIZE), "out": (HEADS * SIZE, WIDTH)}
    return {name: jnp.asarray(0.5 * rng.standard_normal(shape)) for name, shape in shapes.items()}


def by_heads(change):
    """A transformation of the gradient of `qkv` as [width, 3, heads, size]."""
    def update(grads, state, params=None):
        own = grads["qkv"]
        return {**grads, "qkv": change(own.reshape(WIDTH, 3, HEADS, SIZE)).reshape(own.shape)}, state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)


#: What is kept of the matrices between queries and keys, and between values and output.
UPDATES = {
    "momentum": (optax.sgd(0.1, momentum=0.9), "orthogonal"),
    "adamw": (optax.adamw(0.02, weight_decay=0.1), "permutation"),
    "clipped": (optax.chain(optax.clip_by_global_norm(0.1), optax.sgd(0.1)), "orthogonal"),
    "adafactor": (optax.adafactor(0.02, min_dim_size_to_factor=2), "permutation"),
    # Each head by its own norm: the matrices of heads may differ. By what heads have in common: they may not.
    "normed heads": (optax.chain(by_heads(lambda g: g * jax.lax.rsqrt(jnp.sum(g * g, (0, 1, 3), keepdims=True))),
                                 optax.sgd(0.1)), "orthogonal"),
    "mean of heads": (optax.chain(by_heads(lambda g: g - 0.5 * jnp.mean(g, axis=2, keepdims=True)), optax.sgd(0.1)),
                      None),
    "one index": (optax.chain(by_heads(lambda g: g.at[..., 0].multiply(2.0)), optax.sgd(0.1)), None),
}


@pytest.mark.parametrize("name", UPDATES)
def test_fused_heads(name):
    optimizer, expected = UPDATES[name]

    def step(params, state, x):
        loss, grads = jax.value_and_grad(attention)(params, x)
        updates, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, updates), state, loss

    params = parameters()
    batches = np.random.default_rng(1).standard_normal((5, 4, 5, WIDTH))
    report = noether_mlir.analyze(step, params, optimizer.init(params), batches[0]).data
    kinetics = {entry["symmetry"]: entry for entry in report["kinetics"]}
    paths = {f"params['{key}']": key for key in params}
    groups = [group for group in report["symmetries"] if group["family"] == "general_linear"]
    assert len(groups) == 2 and all(group["block_shape"] == [HEADS] for group in groups)

    jitted = jax.jit(step)

    def train(start):
        params, state = start, optimizer.init(start)
        for batch in batches:
            params, state, _ = jitted(params, state, batch)
        return params

    def moved(element, params):
        changed = element.act({path: np.asarray(params[key]) for path, key in paths.items()})
        return {key: jnp.asarray(changed.get(path, params[key])) for path, key in paths.items()}

    end = train(params)
    rng = np.random.default_rng(2)
    for group in groups:
        entry = kinetics[group["id"]]
        assert entry.get("keeps") == expected, group["id"]
        for family in ("orthogonal", "permutation"):
            element = random_element({**group, "family": family}, {p: params[k] for p, k in paths.items()}, rng)
            error = max(float(jnp.max(jnp.abs(a - b))) for a, b in zip(
                jax.tree.leaves(train(moved(element, params))), jax.tree.leaves(moved(element, end))))
            claimed = entry.get("keeps") in (family, "orthogonal")
            assert (error < 1e-9) if claimed else expected is None or error > 1e-4, (group["id"], family, error)
    # Whole heads may always change places; what is in them where something is kept.
    for group in report["symmetries"]:
        if group["family"] == "permutation":
            assert kinetics[group["id"]]["equivariant"] == (expected is not None or not group["block_shape"])
