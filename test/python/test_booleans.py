# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Large constants of booleans come through: the compiler and jaxlib write them differently."""

import jax
import jax.numpy as jnp
import noether_mlir
import numpy as np
import pytest
from noether_mlir.booleans import pack_booleans, unpack_booleans


@pytest.mark.parametrize("shape", [(16, 16), (7, 3, 11), (103,)])
def test_both_ways(shape):
    entries = np.random.default_rng(0).integers(0, 2, shape).astype(np.uint8)
    kind = "x".join(map(str, shape)) + "xi1"
    text = lambda digits: f'%0 = "c"() <{{value = dense<"0x{digits.hex().upper()}"> : tensor<{kind}>}}>'
    wide, narrow = text(entries.tobytes()), text(np.packbits(entries, bitorder="little").tobytes())
    assert pack_booleans(wide) == narrow and unpack_booleans(narrow) == wide
    assert pack_booleans(narrow) == narrow and unpack_booleans(wide) == wide


def test_step_with_a_mask():
    mask = np.tril(np.ones((16, 16), bool))

    def step(w, x, y):
        def loss(w):
            h = x @ w
            scores = jnp.where(mask, h @ h.T / jnp.sqrt(jnp.sum(w * w)), -1e9)
            return jnp.mean((jax.nn.softmax(scores) @ h * jax.lax.rsqrt(jnp.sum(h * h)) - y) ** 2)

        value, gradient = jax.value_and_grad(loss)(w)
        return w - 0.1 * gradient, value

    rng = np.random.default_rng(0)
    w, x, y = (jnp.asarray(rng.standard_normal(shape)) for shape in ((4, 4), (16, 4), (16, 4)))
    plain = jax.jit(step)(w, x, y)
    (moved, loss), _ = noether_mlir.jit(step, track=True)(w, x, y)
    np.testing.assert_allclose(moved, plain[0], rtol=1e-12)
    np.testing.assert_allclose(loss, plain[1], rtol=1e-12)
