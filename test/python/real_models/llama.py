# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""LLaMA in linen: RMSNorm, rotary positions, grouped queries, SwiGLU; unrolled or under nn.scan, in bfloat16 or not."""

from dataclasses import dataclass, replace
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from .recipe import adamw, token_step


@dataclass(frozen=True)
class Config:
    layers: int
    width: int
    hidden: int
    heads: int
    key_value_heads: int
    vocabulary: int
    theta: float = 500_000.0
    tied: bool = False
    scan: bool = False
    dtype: Any = jnp.float32
    context: int = 2048


class RMSNorm(nn.Module):
    epsilon: float = 1e-5

    @nn.compact
    def __call__(self, x):
        weight = self.param("weight", nn.initializers.ones, (x.shape[-1],))
        y = x.astype(jnp.float32)
        y = y * jax.lax.rsqrt(jnp.mean(jnp.square(y), axis=-1, keepdims=True) + self.epsilon)
        return weight.astype(x.dtype) * y.astype(x.dtype)


def rotate(x, theta):
    """Rotary positions, halves paired. x: [batch, time, heads, channels]."""
    half = x.shape[-1] // 2
    frequencies = theta ** (-jnp.arange(half, dtype=jnp.float32) / half)
    angles = jnp.arange(x.shape[1], dtype=jnp.float32)[:, None] * frequencies
    cos, sin = (f(angles)[None, :, None, :].astype(x.dtype) for f in (jnp.cos, jnp.sin))
    a, b = jnp.split(x, 2, axis=-1)
    return jnp.concatenate([a * cos - b * sin, b * cos + a * sin], axis=-1)


class Attention(nn.Module):
    config: Config

    @nn.compact
    def __call__(self, x):
        c = self.config
        b, t, d = x.shape
        size = d // c.heads
        dense = lambda heads, name: nn.Dense(heads * size, use_bias=False, dtype=c.dtype, name=name)(x)
        q = rotate(dense(c.heads, "wq").reshape(b, t, c.heads, size), c.theta)
        k = rotate(dense(c.key_value_heads, "wk").reshape(b, t, c.key_value_heads, size), c.theta)
        v = dense(c.key_value_heads, "wv").reshape(b, t, c.key_value_heads, size)
        k, v = (jnp.repeat(y, c.heads // c.key_value_heads, axis=2) for y in (k, v))
        scores = jnp.einsum("bqhd,bkhd->bhqk", q, k) / jnp.sqrt(size).astype(c.dtype)
        mask = jnp.tril(jnp.ones((t, t), bool))
        scores = jnp.where(mask, scores, jnp.finfo(scores.dtype).min)
        weights = jax.nn.softmax(scores.astype(jnp.float32), axis=-1).astype(c.dtype)
        y = jnp.einsum("bhqk,bkhd->bqhd", weights, v).reshape(b, t, d)
        return nn.Dense(d, use_bias=False, dtype=c.dtype, name="wo")(y)


class FeedForward(nn.Module):
    config: Config

    @nn.compact
    def __call__(self, x):
        dense = lambda size, name: nn.Dense(size, use_bias=False, dtype=self.config.dtype, name=name)
        y = nn.silu(dense(self.config.hidden, "gate")(x)) * dense(self.config.hidden, "up")(x)
        return dense(x.shape[-1], "down")(y)


class Layer(nn.Module):
    config: Config

    @nn.compact
    def __call__(self, x, _=None):
        x = x + Attention(self.config, name="attention")(RMSNorm(name="attention_norm")(x))
        x = x + FeedForward(self.config, name="feed_forward")(RMSNorm(name="ffn_norm")(x))
        return x, None


class Llama(nn.Module):
    config: Config

    @nn.compact
    def __call__(self, tokens):
        c = self.config
        embedding = nn.Embed(c.vocabulary, c.width, dtype=c.dtype, name="tok_embeddings")
        x = embedding(tokens)
        if c.scan:
            layers = nn.scan(nn.remat(Layer), variable_axes={"params": 0}, split_rngs={"params": True},
                             length=c.layers)
            x, _ = layers(c, name="layers")(x, None)
        else:
            for i in range(c.layers):
                x, _ = Layer(c, name=f"layers_{i}")(x)
        x = RMSNorm(name="norm")(x)
        logits = embedding.attend(x) if c.tied else nn.Dense(c.vocabulary, use_bias=False, name="output")(x)
        return logits.astype(jnp.float32)


LLAMA_7B = Config(32, 4096, 11008, 32, 32, 32_000, theta=10_000.0, scan=True)
LLAMA_8B = Config(32, 4096, 14336, 32, 8, 128_256)
LLAMA_1B = Config(16, 2048, 8192, 32, 8, 128_256, tied=True, dtype=jnp.bfloat16)


def _step(config):
    return token_step(Llama(config), adamw(3e-4), 4, config.context)


def llama_7b_scanned():
    return _step(LLAMA_7B)


def llama_8b():
    return _step(LLAMA_8B)


def llama_8b_scanned():
    return _step(replace(LLAMA_8B, scan=True))


def llama_1b_tied():
    return _step(LLAMA_1B)
