# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A small network that has a symmetry of every family, in tensors of their own."""

import jax
import jax.numpy as jnp
import numpy as np

#: Parameter -> shape. What each is for is in its name.
SHAPES = {
    "w_tensor": (4, 6),  # before an RMS norm: one scale for the tensor
    "w_channel": (6, 5),  # before a batch norm: a scale per column
    "relu_in": (5, 4),  # around a ReLU: a rescale per hidden unit
    "relu_out": (4, 3),
    "linear_in": (3, 2),  # with nothing in between: GL(2)
    "linear_out": (2, 4),
    "norm_in": (4, 5),  # around an RMS norm: O(5)
    "norm_out": (5, 3),  # before a softmax: a shift for each row
    "bias": (3,),
}
#: Enough examples that no unit is dead for all of them: norms have no epsilon, so that every symmetry is exact.
BATCH = 24


def parameters(seed=0, dtype=jnp.float64):
    rng = np.random.default_rng(seed)
    return {
        name: jnp.asarray(rng.standard_normal(shape) / np.sqrt(shape[0]), dtype)
        for name, shape in SHAPES.items()
    }


def data(seed=0, dtype=jnp.float64, batch=BATCH):
    """Inputs [batch, 4] and labels [batch]."""
    rng = np.random.default_rng(1000 + seed)
    return {
        "x": jnp.asarray(rng.standard_normal((batch, 4)), dtype),
        "y": jnp.asarray(rng.integers(0, 3, batch), jnp.int32),
    }


def _relu(h):
    """Without units that are dead."""
    return jax.nn.leaky_relu(h, 0.2)


def _rms_norm(h):
    return h * jax.lax.rsqrt(jnp.mean(h * h, axis=-1, keepdims=True))


def _batch_norm(h):
    h = h - jnp.mean(h, axis=0)
    return h * jax.lax.rsqrt(jnp.mean(h * h, axis=0))


def loss(params, batch):
    h = _relu(_rms_norm(batch["x"] @ params["w_tensor"]))
    h = _relu(_batch_norm(h @ params["w_channel"]))
    h = jnp.tanh(_relu(h @ params["relu_in"]) @ params["relu_out"])
    h = batch["x"] + jnp.tanh(h @ params["linear_in"] @ params["linear_out"])
    logits = _rms_norm(h @ params["norm_in"]) @ params["norm_out"] + params["bias"]
    logp = jax.nn.log_softmax(logits)
    return -jnp.mean(jnp.take_along_axis(logp, batch["y"][:, None], axis=1))
