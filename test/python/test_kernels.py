# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Steps whose update runs in kernels of our own: what they compute, in every type, in place."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from zoo import MODELS
from zoo.steps import training_step

import noether_mlir
from noether_mlir import kernels

#: Sizes with and without a tail, smaller than a vector, larger than a chunk.
SHAPES = [(3,), (33,), (64, 65), (1, 70001), (17,), (2, 3, 5, 7)]
RULES = {
    "sgd": optax.sgd(1e-2),
    "momentum": optax.sgd(1e-2, momentum=0.9),
    "adamw": optax.adamw(1e-2),
    "lion": optax.lion(1e-2),
    "clipped": optax.chain(optax.clip_by_global_norm(0.1), optax.adam(1e-2)),
    "lamb": optax.lamb(1e-2),
    "adafactor": optax.adafactor(1e-2, min_dim_size_to_factor=2),
    "yogi": optax.yogi(1e-2),
    "signed": optax.chain(optax.scale_by_sign(), optax.scale(-1e-2)),
}


def squares(optimizer, dtype, seed=0):
    """A step of elementwise losses: gradients differ from element to element."""

    def step(params, state, batch):
        def loss(params):
            return sum(jnp.sum(jnp.sin(p * b) * b) for p, b in zip(params, batch))

        value, grads = jax.value_and_grad(loss)(params)
        updates, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, updates), state, value

    rng = np.random.default_rng(seed)
    params = [jnp.asarray(rng.normal(size=s), dtype) for s in SHAPES]
    batch = [jnp.asarray(rng.normal(size=s), dtype) for s in SHAPES]
    return step, [params, optimizer.init(params), batch]


def run(function, args, steps=3):
    for _ in range(steps):
        *carried, value = function(*args)
        args = [*carried, args[-1]]
    return jax.tree.leaves((carried, value))


@pytest.mark.parametrize("name", RULES)
def test_double(name):
    """In f64 nothing but the order of sums and fused products differ."""
    step, args = squares(RULES[name], jnp.float64)
    expected = run(jax.jit(step), args)
    found = run(noether_mlir.jit(step, kernels=True), args)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)


#: Units in the last place that fused products and the host compiler's own choices may differ by.
ULPS = 2


@pytest.mark.parametrize("name", ["sgd", "momentum", "adamw", "lion"])
def test_single(name):
    """One step in f32: within 2 ulp of the values, and where the step is as large as they are, 2 ulp of the step."""
    step, args = squares(RULES[name], jnp.float32)
    expected = run(jax.jit(step), args, steps=1)
    found = run(noether_mlir.jit(step, kernels=True), args, steps=1)
    before = jax.tree.leaves((args[:2], expected[-1]))
    for old, a, b in zip(before, found, expected, strict=True):
        old, a, b = map(np.asarray, (old, a, b))
        assert a.dtype == b.dtype
        if b.dtype.kind == "f":
            allowed = np.spacing(np.maximum(abs(old), abs(b))) + np.spacing(abs(b - old))
            assert (abs(a - b) <= ULPS * allowed).all()
