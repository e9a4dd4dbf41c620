# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Keras's own ResNet-50 on the JAX backend, trained by a loop as in Keras's guide to custom JAX training steps."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import keras  # noqa: E402

from .recipe import shape  # noqa: E402


def named(variables, values=None):
    """Values by their variables' paths, which reports then call them by. Default: the variables' own."""
    values = [variable.value for variable in variables] if values is None else values
    return {variable.path: value for variable, value in zip(variables, values, strict=True)}


def resnet50():
    made = {}

    def create():
        model = made["model"] = keras.applications.ResNet50(weights=None)
        schedule = keras.optimizers.schedules.CosineDecay(0.0, 100_000, warmup_target=1e-3, warmup_steps=2_000)
        optimizer = made["optimizer"] = keras.optimizers.AdamW(schedule, weight_decay=0.05)
        optimizer.build(model.trainable_variables)
        return named(model.trainable_variables), named(model.non_trainable_variables), named(optimizer.variables)

    state = jax.eval_shape(create)  # as abstract as the rest: the weights are never drawn
    model, optimizer = made["model"], made["optimizer"]
    loss_fn = keras.losses.SparseCategoricalCrossentropy()

    def compute_loss(trainable, non_trainable, images, labels):
        predictions, non_trainable = model.stateless_call(trainable, non_trainable, images, training=True)
        return loss_fn(labels, predictions), non_trainable

    collections = model.trainable_variables, model.non_trainable_variables, optimizer.variables

    def train_step(state, images, labels):
        trainable, non_trainable, slots = (
            [values[variable.path] for variable in variables] for variables, values in zip(collections, state))
        (loss, non_trainable), grads = jax.value_and_grad(compute_loss, has_aux=True)(
            trainable, non_trainable, images, labels)
        trainable, slots = optimizer.stateless_apply(slots, grads, trainable)
        return tuple(map(named, collections, (trainable, non_trainable, slots))), loss

    return train_step, (state, shape(256, 224, 224, 3), shape(256, dtype=jnp.int32))
