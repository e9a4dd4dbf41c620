# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""GPT-2 small in linen: LayerNorm, one kernel for queries, keys and values, learned positions; tied and untied."""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from .recipe import adamw, matrices, token_step


class CausalSelfAttention(nn.Module):
    heads: int

    @nn.compact
    def __call__(self, x):
        b, t, d = x.shape
        q, k, v = jnp.split(nn.Dense(3 * d, name="c_attn")(x), 3, axis=-1)
        q, k, v = (y.reshape(b, t, self.heads, d // self.heads).swapaxes(1, 2) for y in (q, k, v))
        scores = (q @ k.swapaxes(-2, -1)) / math.sqrt(d // self.heads)
        scores = jnp.where(jnp.tril(jnp.ones((t, t), bool)), scores, -jnp.inf)
        y = jax.nn.softmax(scores, axis=-1) @ v
        return nn.Dense(d, name="c_proj")(y.swapaxes(1, 2).reshape(b, t, d))


class MLP(nn.Module):
    @nn.compact
    def __call__(self, x):
        d = x.shape[-1]
        return nn.Dense(d, name="c_proj")(nn.gelu(nn.Dense(4 * d, name="c_fc")(x)))


class Block(nn.Module):
    heads: int

    @nn.compact
    def __call__(self, x):
        x = x + CausalSelfAttention(self.heads, name="attn")(nn.LayerNorm(1e-5, name="ln_1")(x))
        return x + MLP(name="mlp")(nn.LayerNorm(1e-5, name="ln_2")(x))


class GPT(nn.Module):
    layers: int = 12
    heads: int = 12
    width: int = 768
    context: int = 1024
    vocabulary: int = 50257
    tied: bool = True

    @nn.compact
    def __call__(self, tokens):
        embedding = nn.Embed(self.vocabulary, self.width, name="wte")
        positions = nn.Embed(self.context, self.width, name="wpe")
        x = embedding(tokens) + positions(jnp.arange(tokens.shape[1]))
        for i in range(self.layers):
            x = Block(self.heads, name=f"h_{i}")(x)
        x = nn.LayerNorm(1e-5, name="ln_f")(x)
        return embedding.attend(x) if self.tied else nn.Dense(self.vocabulary, use_bias=False, name="lm_head")(x)


def _step(model):
    return token_step(model, adamw(6e-4, mask=matrices), 8, model.context)


def gpt2():
    return _step(GPT())


def gpt2_untied():
    return _step(GPT(tied=False))
