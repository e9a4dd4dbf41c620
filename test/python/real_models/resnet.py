# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""ResNet-50 as in flax's ImageNet example: BatchNorm with running statistics, linen."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from .recipe import abstract_state, adamw, cross_entropy, shape


class Bottleneck(nn.Module):
    filters: int
    conv: nn.Module
    norm: nn.Module
    strides: tuple[int, int] = (1, 1)

    @nn.compact
    def __call__(self, x):
        y = nn.relu(self.norm()(self.conv(self.filters, (1, 1))(x)))
        y = nn.relu(self.norm()(self.conv(self.filters, (3, 3), self.strides)(y)))
        y = self.norm(scale_init=nn.initializers.zeros_init())(self.conv(4 * self.filters, (1, 1))(y))
        if x.shape != y.shape:
            x = self.conv(4 * self.filters, (1, 1), self.strides, name="conv_proj")(x)
            x = self.norm(name="norm_proj")(x)
        return nn.relu(x + y)


class ResNet(nn.Module):
    stage_sizes: tuple[int, ...] = (3, 4, 6, 3)
    classes: int = 1000
    filters: int = 64

    @nn.compact
    def __call__(self, x, train=True):
        conv = partial(nn.Conv, use_bias=False)
        norm = partial(nn.BatchNorm, use_running_average=not train, momentum=0.9, epsilon=1e-5)
        x = conv(self.filters, (7, 7), (2, 2), padding=[(3, 3), (3, 3)], name="conv_init")(x)
        x = nn.relu(norm(name="bn_init")(x))
        x = nn.max_pool(x, (3, 3), strides=(2, 2), padding="SAME")
        for i, blocks in enumerate(self.stage_sizes):
            for j in range(blocks):
                strides = (2, 2) if i > 0 and j == 0 else (1, 1)
                x = Bottleneck(self.filters * 2**i, conv, norm, strides)(x)
        return nn.Dense(self.classes)(jnp.mean(x, axis=(1, 2)))


def train_step(state, batch):
    def loss_fn(params):
        logits, updated = state.apply_fn({"params": params, "batch_stats": state.batch_stats},
                                         batch["image"], mutable=["batch_stats"])
        return cross_entropy(logits, batch["label"]), updated["batch_stats"]

    (loss, statistics), grads = jax.value_and_grad(loss_fn, has_aux=True)(state.params)
    return state.apply_gradients(grads=grads, batch_stats=statistics), loss


def resnet50():
    state = abstract_state(ResNet(), adamw(1e-3, decay=0.05, b2=0.999, clip=None), jnp.zeros((1, 224, 224, 3)))
    return train_step, (state, {"image": shape(256, 224, 224, 3), "label": shape(256, dtype=jnp.int32)})
