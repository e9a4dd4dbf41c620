# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""ViT-B/16 in nnx: a class token, learned positions, dropout; the step split and merged as nnx's guide has it."""

import jax
import jax.numpy as jnp
from flax import nnx

from .recipe import adamw, cross_entropy, shape


class EncoderBlock(nnx.Module):
    def __init__(self, width, hidden, heads, dropout, *, rngs):
        self.norm1 = nnx.LayerNorm(width, epsilon=1e-6, rngs=rngs)
        self.attention = nnx.MultiHeadAttention(heads, width, dropout_rate=dropout, decode=False, rngs=rngs)
        self.norm2 = nnx.LayerNorm(width, epsilon=1e-6, rngs=rngs)
        self.mlp_in = nnx.Linear(width, hidden, rngs=rngs)
        self.mlp_out = nnx.Linear(hidden, width, rngs=rngs)
        self.dropout = nnx.Dropout(dropout, rngs=rngs)

    def __call__(self, x):
        x = x + self.dropout(self.attention(self.norm1(x)))
        y = self.dropout(nnx.gelu(self.mlp_in(self.norm2(x))))
        return x + self.dropout(self.mlp_out(y))


class VisionTransformer(nnx.Module):
    def __init__(self, layers=12, width=768, heads=12, hidden=3072, patch=16, image=224, classes=1000,
                 dropout=0.1, *, rngs):
        self.patch_embedding = nnx.Conv(3, width, (patch, patch), strides=(patch, patch), padding="VALID", rngs=rngs)
        self.class_token = nnx.Param(jnp.zeros((1, 1, width)))
        positions = 0.02 * jax.random.normal(rngs.params(), (1, (image // patch) ** 2 + 1, width))
        self.positions = nnx.Param(positions)
        self.dropout = nnx.Dropout(dropout, rngs=rngs)
        self.blocks = nnx.List([EncoderBlock(width, hidden, heads, dropout, rngs=rngs) for _ in range(layers)])
        self.norm = nnx.LayerNorm(width, epsilon=1e-6, rngs=rngs)
        self.head = nnx.Linear(width, classes, rngs=rngs)

    def __call__(self, images):
        x = self.patch_embedding(images)
        x = x.reshape(x.shape[0], -1, x.shape[-1])
        token = jnp.broadcast_to(self.class_token[...], (x.shape[0], 1, x.shape[-1]))
        x = self.dropout(jnp.concatenate([token, x], axis=1) + self.positions[...])
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)[:, 0])


def train_step(graph, state, batch):
    model, optimizer = nnx.merge(graph, state)
    model.train()

    def loss_fn(model):
        return cross_entropy(model(batch["image"]), batch["label"])

    loss, grads = nnx.value_and_grad(loss_fn)(model)
    optimizer.update(model, grads)
    return nnx.state((model, optimizer)), loss


def vit_b16():
    def create():
        model = VisionTransformer(rngs=nnx.Rngs(0))
        return model, nnx.Optimizer(model, adamw(1e-3, decay=0.1, b2=0.999), wrt=nnx.Param)

    graph, state = nnx.split(nnx.eval_shape(create))
    return train_step, (graph, state, {"image": shape(256, 224, 224, 3), "label": shape(256, dtype=jnp.int32)})
