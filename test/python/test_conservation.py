# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The numbers of conservation laws that the literature counts by Lie brackets.

Linear and ReLU networks: Marcotte, Gribonval and Peyre (2023), section 4; attention: the same count
applied to query-key products.
"""

import jax
import jax.numpy as jnp
import pytest

import noether_mlir
from noether_mlir.conservation import gradient_flow_laws, symmetric_rank


def laws(loss, parameters, *batch):
    def step(params, *batch):
        value, gradient = jax.value_and_grad(loss)(params, *batch)
        return jax.tree.map(lambda p, g: p - 0.1 * g, params, gradient), value

    return gradient_flow_laws(noether_mlir.analyze(step, parameters, *batch).data)


def shape(*sizes):
    return jax.ShapeDtypeStruct(sizes, jnp.float32)


def layers(sizes):
    return {f"w{i}": shape(*pair) for i, pair in enumerate(zip(sizes, sizes[1:], strict=False))}


LINEAR = {
    (3, 2, 3): 3, (2, 3, 2): 6, (2, 5, 2): 14, (1, 4, 1): 7, (3, 6, 2): 20, (2, 2, 2, 2): 6,
    (2, 3, 3, 2): 12, (2, 3, 4, 2): 16, (2, 4, 4, 2): 20, (2, 5, 5, 2): 30, (3, 3, 3, 3): 12,
    (4, 3, 2, 4): 9, (2, 3, 2, 3, 2): 15, (3, 5, 5, 5, 3): 45, (2, 5, 2, 5, 2): 31,
    (2, 1, 2, 1): 4,
    (1, 2, 2, 1): 6,  # the seventh, found by Lie closure, is not quadratic
}


@pytest.mark.parametrize("sizes", LINEAR, ids=str)
def test_linear_network(sizes):
    def loss(params, x, y):
        for i in range(len(sizes) - 1):
            x = x @ params[f"w{i}"]
        return jnp.mean((x - y) ** 2)

    assert laws(loss, layers(sizes), shape(7, sizes[0]), shape(7, sizes[-1])) == LINEAR[sizes]


RELU = {(2, 3, 2): 3, (2, 2, 2, 1): 4, (2, 3, 2, 2): 5, (1, 1, 1): 1, (1, 2, 1): 2}


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("sizes", RELU, ids=str)
def test_relu_network(sizes, bias):
    def loss(params, x, y):
        for i in range(len(sizes) - 1):
            x = x @ params[f"w{i}"] + (params[f"b{i}"] if bias else 0)
            x = jax.nn.relu(x) if i < len(sizes) - 2 else x
        return jnp.mean((x - y) ** 2)

    biases = {f"b{i}": shape(size) for i, size in enumerate(sizes[1:])}
    parameters = layers(sizes) | (biases if bias else {})
    assert laws(loss, parameters, shape(7, sizes[0]), shape(7, sizes[-1])) == RELU[sizes]


def rotary(x):
    half = x.shape[-1] // 2
    angle = jnp.arange(x.shape[1])[:, None] / 10000 ** (jnp.arange(half) / half)
    a, b = jnp.split(x, 2, axis=-1)
    return jnp.concatenate(
        [a * jnp.cos(angle) - b * jnp.sin(angle), b * jnp.cos(angle) + a * jnp.sin(angle)], -1)


def attention_loss(position=lambda x: x, heads=None):
    def loss(params, x, y):
        if heads:
            q = jnp.einsum("btd,dhk->bthk", x, params["q"])
            scores = jnp.einsum("bthk,bsk->bhts", q, x @ params["k"])
            weights = jax.nn.softmax(scores).mean(1)
        else:
            q, k = position(x @ params["q"]), position(x @ params["k"])
            weights = jax.nn.softmax(jnp.einsum("btk,bsk->bts", q, k))
        return jnp.mean((weights @ x - y) ** 2)

    return loss


@pytest.mark.parametrize(("loss", "parameters", "expected"), [
    (attention_loss(), {"q": shape(5, 2), "k": shape(5, 2)}, 3),
    (attention_loss(rotary), {"q": shape(5, 2), "k": shape(5, 2)}, 1),
    (attention_loss(rotary), {"q": shape(5, 4), "k": shape(5, 4)}, 2),
    (attention_loss(heads=2), {"q": shape(5, 2, 2), "k": shape(5, 2)}, 3),
], ids=["plain", "rotary", "two rotary pairs", "grouped queries"])
def test_attention(loss, parameters, expected):
    assert laws(loss, parameters, shape(2, 6, 5), shape(2, 6, 5)) == expected


def test_gated_unit():
    def loss(params, x, y):
        hidden = jax.nn.relu(x @ params["gate"]) * (x @ params["up"])
        return jnp.mean((hidden @ params["down"] - y) ** 2)

    parameters = {"gate": shape(3, 1), "up": shape(3, 1), "down": shape(1, 2)}
    assert laws(loss, parameters, shape(7, 3), shape(7, 2)) == 2


def test_symmetric_rank():
    assert [symmetric_rank(4, rank) for rank in range(6)] == [0, 4, 7, 9, 10, 10]
