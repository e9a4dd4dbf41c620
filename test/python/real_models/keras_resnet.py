# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Keras's own ResNet-50 on the JAX backend, trained by a loop as in Keras's guide to custom JAX training steps."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import keras  # noqa: E402

from .recipe import shape  # noqa: E402


def resnet50():
    made = {}

    def create():
        model = made["model"] = keras.applications.ResNet50(weights=None)
        schedule = keras.optimizers.schedules.CosineDecay(0.0, 100_000, warmup_target=1e-3, warmup_steps=2_000)
        optimizer = made["optimizer"] = keras.optimizers.AdamW(schedule, weight_decay=0.05)
        optimizer.build(model.trainable_variables)
        collections = model.trainable_variables, model.non_trainable_variables, optimizer.variables
        return tuple([variable.value for variable in variables] for variables in collections)

    state = jax.eval_shape(create)  # as abstract as the rest: the weights are never drawn
    model, optimizer = made["model"], made["optimizer"]
    loss_fn = keras.losses.SparseCategoricalCrossentropy()

    def compute_loss(trainable, non_trainable, images, labels):
        predictions, non_trainable = model.stateless_call(trainable, non_trainable, images, training=True)
        return loss_fn(labels, predictions), non_trainable

    def train_step(state, images, labels):
        trainable, non_trainable, optimizer_variables = state
        (loss, non_trainable), grads = jax.value_and_grad(compute_loss, has_aux=True)(
            trainable, non_trainable, images, labels)
        trainable, optimizer_variables = optimizer.stateless_apply(optimizer_variables, grads, trainable)
        return (trainable, non_trainable, optimizer_variables), loss

    return train_step, (state, shape(256, 224, 224, 3), shape(256, dtype=jnp.int32))
