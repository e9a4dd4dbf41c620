# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The network in Flax, linen and nnx."""

import functools
from typing import Any

import jax
import plain
from flax import linen as nn
from flax import nnx
from flax.training import train_state

# --- linen: a TrainState with running statistics ----------------------------------------------


class Linen(nn.Module):
    @nn.compact
    def __call__(self, x, train):
        x = nn.Dense(8, name="inner")(x)
        x = nn.relu(nn.LayerNorm(epsilon=plain.EPSILON, name="layer_norm")(x))
        x = nn.Dense(6, name="outer")(x)
        x = nn.BatchNorm(use_running_average=not train, epsilon=plain.EPSILON, name="batch_norm")(x)
        return nn.Dense(3, name="head")(nn.relu(x))


class TrainState(train_state.TrainState):
    batch_stats: Any


@jax.jit
def linen_step(state, batch):
    x, y = batch

    def loss_fn(params):
        logits, updates = state.apply_fn(
            {"params": params, "batch_stats": state.batch_stats}, x, train=True, mutable=["batch_stats"])
        return plain.cross_entropy(logits, y), updates

    (loss, updates), grads = jax.value_and_grad(loss_fn, has_aux=True)(state.params)
    state = state.apply_gradients(grads=grads, batch_stats=updates["batch_stats"])
    return state, {"loss": loss}


def linen(optimizer):
    model = Linen()
    variables = model.init(jax.random.key(0), plain.batch()[0], train=False)
    state = TrainState.create(apply_fn=model.apply, params=variables["params"], tx=plain.OPTIMIZERS[optimizer](),
                              batch_stats=variables["batch_stats"])
    return linen_step, (state, plain.batch())


# --- nnx: modules that a step changes in place ------------------------------------------------


class Network(nnx.Module):
    def __init__(self, *, rngs):
        self.inner = nnx.Linear(5, 8, rngs=rngs)
        self.layer_norm = nnx.LayerNorm(8, epsilon=plain.EPSILON, rngs=rngs)
        self.outer = nnx.Linear(8, 6, rngs=rngs)
        self.batch_norm = nnx.BatchNorm(6, epsilon=plain.EPSILON, rngs=rngs)
        self.head = nnx.Linear(6, 3, rngs=rngs)

    def __call__(self, x):
        x = nnx.relu(self.layer_norm(self.inner(x)))
        return self.head(nnx.relu(self.batch_norm(self.outer(x))))


@nnx.jit
def nnx_step(model, optimizer, x, y):
    loss, grads = nnx.value_and_grad(lambda model: plain.cross_entropy(model(x), y))(model)
    optimizer.update(model, grads)
    return loss


def nnx_in_place(optimizer):
    model = Network(rngs=nnx.Rngs(0))
    return nnx_step, (model, nnx.Optimizer(model, plain.OPTIMIZERS[optimizer](), wrt=nnx.Param), *plain.batch())


@functools.partial(jax.jit, static_argnums=0)
def nnx_functional_step(graph, state, x, y):
    """As in nnx's guide to performance: split outside, merged inside."""
    model, optimizer = nnx.merge(graph, state)
    loss, grads = nnx.value_and_grad(lambda model: plain.cross_entropy(model(x), y))(model)
    optimizer.update(model, grads)
    return nnx.state((model, optimizer)), loss


def nnx_functional(optimizer):
    model = Network(rngs=nnx.Rngs(0))
    graph, state = nnx.split((model, nnx.Optimizer(model, plain.OPTIMIZERS[optimizer](), wrt=nnx.Param)))
    return nnx_functional_step, (graph, state, *plain.batch()), {"static_argnums": 0}
