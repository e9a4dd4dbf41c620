# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A loss that sees the direction of one weight, and what is predicted of it under an optimizer."""

import jax
import jax.numpy as jnp
import optax

import noether_mlir

SIZE = 200
COLUMNS = 4


def loss(params, batch):
    """Of the direction of `w` alone. batch: inputs [6, rows], targets [6, COLUMNS]."""
    x, y = batch
    h = x @ params["w"]
    return jnp.mean(jnp.tanh(h * jax.lax.rsqrt(jnp.mean(h * h))) * y)


def draw(rng, size):
    """A batch for a parameter of `size` entries."""
    return jnp.asarray(rng.normal(size=(6, size // COLUMNS))), jnp.asarray(rng.normal(size=(6, COLUMNS)))


def shapes(size, dtype=jnp.float32):
    struct = jax.ShapeDtypeStruct
    return {"w": struct((size // COLUMNS, COLUMNS), dtype)}, (struct((6, size // COLUMNS), dtype), struct((6, COLUMNS), dtype))


def step_of(optimizer, loss=loss):
    def step(params, state, batch):
        value, grads = jax.value_and_grad(loss)(params, batch)
        updates, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, updates), state, value

    return step


def predict(optimizer, size=SIZE, dtype=jnp.float32, **options):
    with jax.enable_x64(dtype == jnp.float64):
        params, batch = shapes(size, dtype)
        state = jax.eval_shape(optimizer.init, params)
        found = noether_mlir.analyze(step_of(optimizer), params, state, batch, **options)
    (symmetry,) = [s for s in found.symmetries if s.family == "scale"]
    return found.kinetics_of(symmetry.id).prediction


def value(prediction, name):
    return prediction.quantity(name).value


def heavy_ball(rate, decay, momentum, nesterov=False):
    return optax.chain(optax.add_decayed_weights(decay), optax.sgd(rate, momentum=momentum or None, nesterov=nesterov))
