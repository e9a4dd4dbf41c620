# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Layers the zoo's models are made of, in plain jnp.

Every normalisation takes its epsilon as an argument, so that a test may lower a model with the
usual small constants, run it with none, or move each constant by itself.
"""

import jax
import jax.numpy as jnp
import numpy as np

# --- initial values -------------------------------------------------------------------------


def kernel(rng, *shape, fan_in=None):
    fan_in = fan_in or int(np.prod(shape[:-1]))
    return rng.standard_normal(shape) / np.sqrt(fan_in)


def gain(rng, *shape):
    return 1.0 + 0.3 * rng.standard_normal(shape)


def bias(rng, *shape):
    return 0.3 * rng.standard_normal(shape)


def linear(rng, inputs, outputs, with_bias=True):
    layer = {"kernel": kernel(rng, inputs, outputs)}
    if with_bias:
        layer["bias"] = bias(rng, outputs)
    return layer


def affine_init(rng, width, with_bias=True):
    layer = {"scale": gain(rng, width)}
    if with_bias:
        layer["bias"] = bias(rng, width)
    return layer


def convolution(rng, size, inputs, outputs, with_bias=False):
    layer = {"kernel": kernel(rng, size, size, inputs, outputs)}
    if with_bias:
        layer["bias"] = bias(rng, outputs)
    return layer


# --- functions ------------------------------------------------------------------------------


def dense(p, x):
    y = x @ p["kernel"]
    return y + p["bias"] if "bias" in p else y


def affine(p, x):
    y = x * p["scale"]
    return y + p["bias"] if "bias" in p else y


def conv(p, x, strides=(1, 1), padding="SAME", groups=1):
    y = jax.lax.conv_general_dilated(
        x, p["kernel"], strides, padding,
        dimension_numbers=("NHWC", "HWIO", "NHWC"), feature_group_count=groups)
    return y + p["bias"] if "bias" in p else y


def standardize(x, axes, eps):
    mean = jnp.mean(x, axis=axes, keepdims=True)
    variance = jnp.mean((x - mean) ** 2, axis=axes, keepdims=True)
    return (x - mean) / jnp.sqrt(variance + eps)


def layer_norm(x, eps):
    return standardize(x, -1, eps)


def rms_norm(x, eps):
    return x * jax.lax.rsqrt(jnp.mean(x * x, axis=-1, keepdims=True) + eps)


def batch_norm(x, eps):
    return standardize(x, tuple(range(x.ndim - 1)), eps)


def instance_norm(x, eps):
    return standardize(x, (1, 2), eps)


def group_norm(x, groups, eps):
    n, h, w, c = x.shape
    y = standardize(x.reshape(n, h, w, groups, c // groups), (1, 2, 4), eps)
    return y.reshape(n, h, w, c)


def max_pool(x, size=2):
    return jax.lax.reduce_window(
        x, -jnp.inf, jax.lax.max, (1, size, size, 1), (1, size, size, 1), "VALID")


def average_pool(x, size=2):
    total = jax.lax.reduce_window(
        x, 0.0, jax.lax.add, (1, size, size, 1), (1, size, size, 1), "VALID")
    return total / size**2


def squared_relu(x):
    return jnp.square(jax.nn.relu(x))


def cross_entropy(logits, labels):
    picked = jnp.take_along_axis(jax.nn.log_softmax(logits), labels[..., None], -1)
    return -jnp.mean(picked)


def squared_error(output, target):
    return jnp.mean((output - target) ** 2)


def rope(x):  # [batch, time, head, channel]
    half = x.shape[-1] // 2
    frequency = 100.0 ** (-np.arange(half) / half)
    angle = np.arange(x.shape[1])[:, None] * frequency
    cos = jnp.asarray(np.cos(angle)[None, :, None, :], x.dtype)
    sin = jnp.asarray(np.sin(angle)[None, :, None, :], x.dtype)
    a, b = x[..., :half], x[..., half:]
    return jnp.concatenate([a * cos - b * sin, a * sin + b * cos], -1)


def causal_attention(q, k, v):  # each [batch, time, head, channel]
    logits = jnp.einsum("bqhk,bshk->bhqs", q, k) / np.sqrt(q.shape[-1])
    time = q.shape[1]
    mask = jnp.tril(jnp.ones((time, time), bool))
    weights = jax.nn.softmax(jnp.where(mask, logits, -jnp.inf), axis=-1)
    return jnp.einsum("bhqs,bshk->bqhk", weights, v)
