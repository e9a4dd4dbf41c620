# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The network in Equinox, Haiku and Keras."""

import equinox as eqx
import haiku as hk
import jax
import keras
import optax
import plain

# --- Equinox: a module is a pytree, with functions and numbers among its leaves ---------------


class Equinox(eqx.Module):
    inner: eqx.nn.Linear
    layer_norm: eqx.nn.LayerNorm
    outer: eqx.nn.Linear
    batch_norm: eqx.nn.BatchNorm
    head: eqx.nn.Linear
    activation: callable

    def __init__(self, key):
        keys = jax.random.split(key, 3)
        self.inner = eqx.nn.Linear(5, 8, key=keys[0])
        self.layer_norm = eqx.nn.LayerNorm(8, eps=plain.EPSILON)
        self.outer = eqx.nn.Linear(8, 6, key=keys[1])
        self.batch_norm = eqx.nn.BatchNorm(6, axis_name="batch", eps=plain.EPSILON, mode="batch")
        self.head = eqx.nn.Linear(6, 3, key=keys[2])
        self.activation = jax.nn.relu

    def __call__(self, x, state):
        x = self.activation(self.layer_norm(self.inner(x)))
        x, state = self.batch_norm(self.outer(x), state)
        return self.head(self.activation(x)), state


def equinox(optimizer):
    transform = plain.OPTIMIZERS[optimizer]()
    model, state = eqx.nn.make_with_state(Equinox)(jax.random.key(0))

    @eqx.filter_jit
    def step(model, state, opt_state, x, y):
        @eqx.filter_value_and_grad(has_aux=True)
        def loss_fn(model, state):
            logits, state = jax.vmap(model, axis_name="batch", in_axes=(0, None), out_axes=(0, None))(x, state)
            return plain.cross_entropy(logits, y), state

        (loss, state), grads = loss_fn(model, state)
        updates, opt_state = transform.update(grads, opt_state, eqx.filter(model, eqx.is_inexact_array))
        return eqx.apply_updates(model, updates), state, opt_state, loss

    return step, (model, state, transform.init(eqx.filter(model, eqx.is_inexact_array)), *plain.batch())


# --- Haiku: a pure function of parameters and states ------------------------------------------


def haiku(optimizer):
    def forward(x):
        x = hk.Linear(8, name="inner")(x)
        x = jax.nn.relu(hk.LayerNorm(-1, True, True, eps=plain.EPSILON, name="layer_norm")(x))
        x = hk.Linear(6, name="outer")(x)
        x = hk.BatchNorm(True, True, decay_rate=0.9, eps=plain.EPSILON, name="batch_norm")(x, is_training=True)
        return hk.Linear(3, name="head")(jax.nn.relu(x))

    network = hk.transform_with_state(forward)
    transform = plain.OPTIMIZERS[optimizer]()
    params, state = network.init(jax.random.key(0), plain.batch()[0])

    @jax.jit
    def step(params, state, opt_state, key, x, y):
        def loss_fn(params):
            logits, new = network.apply(params, state, key, x)
            return plain.cross_entropy(logits, y), new

        (loss, state_), grads = jax.value_and_grad(loss_fn, has_aux=True)(params)
        updates, opt_state = transform.update(grads, opt_state, params)
        return optax.apply_updates(params, updates), state_, opt_state, loss

    return step, (params, state, transform.init(params), jax.random.key(1), *plain.batch())


# --- Keras: a compiled model ------------------------------------------------------------------


KERAS_OPTIMIZERS = {
    "sgd": lambda: keras.optimizers.SGD(0.1, momentum=0.9),
    "adamw": lambda: keras.optimizers.AdamW(1e-3, weight_decay=0.01, global_clipnorm=1.0),
}


def keras_model(optimizer):
    model = keras.Sequential([
        keras.layers.Input((5,)),
        keras.layers.Dense(8, name="inner"),
        keras.layers.LayerNormalization(epsilon=plain.EPSILON, name="layer_norm"),
        keras.layers.ReLU(),
        keras.layers.Dense(6, name="outer"),
        keras.layers.BatchNormalization(epsilon=plain.EPSILON, name="batch_norm"),
        keras.layers.ReLU(),
        keras.layers.Dense(3, name="head"),
    ])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=KERAS_OPTIMIZERS[optimizer](), loss=loss, metrics=["accuracy"])
    return model, plain.batch()
