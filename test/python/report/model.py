# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A small language model with every kind of symmetry that a report shows, and a recipe with something to remark on."""

import jax
import jax.numpy as jnp

WIDTH, HEADS, HIDDEN, WORDS, LAYERS = 16, 2, 24, 32, 2


def norm(x, gain):
    return x * jax.lax.rsqrt(jnp.mean(x * x, -1, keepdims=True) + 1e-6) * gain


def block(params, x):
    heads = lambda name: jnp.einsum("td,dhk->htk", norm(x, params["norm1"]), params[name])
    scores = jnp.einsum("htk,hsk->hts", heads("query"), heads("key"))
    mask = jnp.tril(jnp.ones(scores.shape[1:], bool))
    weights = jax.nn.softmax(jnp.where(mask, scores, -jnp.inf))
    x = x + jnp.einsum("hts,hsk,hkd->td", weights, heads("value"), params["out"])
    hidden = jax.nn.relu(norm(x, params["norm2"]) @ params["up"] + params["bias"])
    return x + hidden @ params["down"]


def loss_of(params, tokens):
    x = params["embed"][tokens[:-1]]
    for layer in params["blocks"]:
        x = block(layer, x)
    direction = params["head"] * jax.lax.rsqrt(jnp.sum(params["head"] ** 2, 0))
    logits = norm(x, params["norm"]) @ direction + params["offset"]
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), tokens[1:, None], 1))


def step(params, momentum, tokens):
    loss, grads = jax.value_and_grad(loss_of)(params, tokens)
    momentum = jax.tree.map(lambda m, g, w: 0.9 * m + g + 1e-3 * w, momentum, grads, params)
    return jax.tree.map(lambda w, m: w - 0.05 * m, params, momentum), momentum, loss


def make():
    """The step and the shapes of its arguments."""
    shape = lambda *sizes: jax.ShapeDtypeStruct(sizes, jnp.float32)
    layer = {
        "norm1": shape(WIDTH), "norm2": shape(WIDTH),
        **{name: shape(WIDTH, HEADS, WIDTH // HEADS) for name in ("query", "key", "value")},
        "out": shape(HEADS, WIDTH // HEADS, WIDTH),
        "up": shape(WIDTH, HIDDEN), "bias": shape(HIDDEN), "down": shape(HIDDEN, WIDTH),
    }
    params = {
        "embed": shape(WORDS, WIDTH), "blocks": [layer] * LAYERS, "norm": shape(WIDTH), "head": shape(WIDTH, WORDS),
        "offset": shape(WORDS),
    }
    return step, (params, params, jax.ShapeDtypeStruct((9,), jnp.int32))
