# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The network that every framework builds, as functions of dictionaries of arrays.

A layer under a LayerNorm, a layer under a BatchNorm, a head; kernels are [inputs, outputs].
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax

EPSILON = 1e-5
SIZES = {"inner": (5, 8), "outer": (8, 6), "head": (6, 3)}
NAMES = ("inner.kernel", "inner.bias", "layer_norm.scale", "layer_norm.bias", "outer.kernel", "outer.bias",
         "batch_norm.scale", "batch_norm.bias", "head.kernel", "head.bias")

#: As recipes have them. The numbers stand in the step as constants.
OPTIMIZERS = {
    "sgd": lambda: optax.sgd(0.1, momentum=0.9),
    "adamw": lambda: optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(1e-3, weight_decay=0.01)),
}


def batch():
    rng = np.random.default_rng(0)
    return jnp.asarray(rng.standard_normal((16, 5)), jnp.float32), jnp.asarray(rng.integers(0, 3, 16), jnp.int32)


def init():
    rng = np.random.default_rng(1)
    params = {}
    for name, shape in SIZES.items():
        params[f"{name}.kernel"] = jnp.asarray(rng.standard_normal(shape), jnp.float32)
        params[f"{name}.bias"] = jnp.asarray(rng.standard_normal(shape[1]), jnp.float32)
    for name, width in {"layer_norm": 8, "batch_norm": 6}.items():
        params[f"{name}.scale"] = jnp.asarray(rng.standard_normal(width), jnp.float32)
        params[f"{name}.bias"] = jnp.asarray(rng.standard_normal(width), jnp.float32)
    return params


def normalized(params, name, x, axis):
    mean = x.mean(axis, keepdims=True)
    variance = ((x - mean) ** 2).mean(axis, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(variance + EPSILON) * params[f"{name}.scale"] + params[f"{name}.bias"]


def logits(params, x):
    layer = lambda name, x: x @ params[f"{name}.kernel"] + params[f"{name}.bias"]
    x = jax.nn.relu(normalized(params, "layer_norm", layer("inner", x), -1))
    x = jax.nn.relu(normalized(params, "batch_norm", layer("outer", x), 0))
    return layer("head", x)


def cross_entropy(logits, labels):
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


def one_hot_cross_entropy(logits, labels):
    """As Keras writes it."""
    return -(jax.nn.one_hot(labels, logits.shape[-1]) * jax.nn.log_softmax(logits)).sum(-1).mean()


def step_and_arguments(optimizer, objective=cross_entropy):
    transform = OPTIMIZERS[optimizer]()
    params = init()

    def step(params, state, x, y):
        loss, grads = jax.value_and_grad(lambda params: objective(logits(params, x), y))(params)
        updates, state = transform.update(grads, state, params)
        return optax.apply_updates(params, updates), state, loss

    return step, (params, transform.init(params), *batch())
