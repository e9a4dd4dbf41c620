# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The same kinds of networks as flax users write them: linen and nnx."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from . import layers as L
from .model import images, register, tokens, vectors


def randomised(params, rng):
    """Gains and biases away from their usual ones and zeros, so that every element counts."""
    return jax.tree.map(lambda a: np.asarray(a) + 0.3 * rng.standard_normal(a.shape), params)


class LinenCNN(nn.Module):
    eps: tuple

    @nn.compact
    def __call__(self, x):
        for i, width in enumerate((3, 4)):
            x = nn.Conv(width, (3, 3), use_bias=False, name=f"conv{i}")(x)
            x = nn.BatchNorm(use_running_average=False, momentum=0.9, epsilon=self.eps[i],
                             name=f"norm{i}")(x)
            x = nn.relu(x)
            x = nn.max_pool(x, (2, 2), strides=(2, 2))
        return nn.Dense(3, name="head")(x.mean(axis=(1, 2)))


def linen_cnn_init(rng):
    variables = LinenCNN((0.0, 0.0)).init(jax.random.key(int(rng.integers(1 << 30))),
                                          jnp.zeros((1, 4, 4, 2)))
    return randomised(variables["params"], rng)


def linen_cnn_loss(params, statistics, batch, eps):
    logits, updated = LinenCNN(tuple(eps)).apply(
        {"params": params, "batch_stats": statistics}, batch["x"], mutable=["batch_stats"])
    return L.cross_entropy(logits, batch["y"]), updated["batch_stats"]


def linen_cnn_statistics():
    return {f"norm{i}": {"mean": np.zeros(n), "var": np.ones(n)} for i, n in enumerate((3, 4))}


register("linen_cnn_batchnorm", linen_cnn_init, images(), linen_cnn_loss, 2, linen_cnn_statistics)


class LinenTransformer(nn.Module):
    eps: tuple

    @nn.compact
    def __call__(self, x):
        h = nn.Embed(5, 4, name="embed")(x)
        y = nn.LayerNorm(epsilon=self.eps[0], name="norm0")(h)
        y = nn.MultiHeadDotProductAttention(num_heads=2, qkv_features=4, name="attention")(y)
        h = h + y
        y = nn.LayerNorm(epsilon=self.eps[1], name="norm1")(h)
        h = h + nn.Dense(4, name="down")(nn.relu(nn.Dense(3, name="up")(y)))
        return nn.Dense(5, name="head")(nn.RMSNorm(epsilon=self.eps[2], name="norm2")(h))


def linen_transformer_init(rng):
    variables = LinenTransformer((0.0, 0.0, 0.0)).init(
        jax.random.key(int(rng.integers(1 << 30))), jnp.zeros((1, 4), jnp.int32))
    return randomised(variables["params"], rng)


def linen_transformer_loss(params, batch, eps):
    return L.cross_entropy(LinenTransformer(tuple(eps)).apply({"params": params}, batch["x"]),
                           batch["y"])


register("linen_transformer", linen_transformer_init, tokens(), linen_transformer_loss, 3)


class NnxMLP(nnx.Module):
    def __init__(self, eps, *, rngs):
        self.fc0 = nnx.Linear(4, 6, rngs=rngs)
        self.norm0 = nnx.LayerNorm(6, epsilon=eps[0], rngs=rngs)
        self.fc1 = nnx.Linear(6, 5, use_bias=False, rngs=rngs)
        self.norm1 = nnx.BatchNorm(5, epsilon=eps[1], rngs=rngs)
        self.fc2 = nnx.Linear(5, 3, rngs=rngs)

    def __call__(self, x):
        x = nnx.relu(self.norm0(self.fc0(x)))
        return self.fc2(nnx.relu(self.norm1(self.fc1(x))))


def nnx_init(rng):
    model = NnxMLP((0.0, 0.0), rngs=nnx.Rngs(int(rng.integers(1 << 30))))
    return randomised(nnx.to_pure_dict(nnx.state(model, nnx.Param)), rng)


def nnx_loss(params, statistics, batch, eps):
    model = NnxMLP(eps, rngs=nnx.Rngs(0))
    nnx.update(model, params)
    nnx.update(model, statistics)
    loss = L.cross_entropy(model(batch["x"]), batch["y"])
    return loss, nnx.to_pure_dict(nnx.state(model, nnx.BatchStat))


def nnx_statistics():
    return {"norm1": {"mean": np.zeros(5), "var": np.ones(5)}}


register("nnx_mlp", nnx_init, vectors(), nnx_loss, 2, nnx_statistics)
