# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A mixture of experts like Mixtral's, in nnx: each token's two best experts of eight, LLaMA's block around them."""

import jax
import jax.numpy as jnp
from flax import nnx

from .llama import rotate
from .recipe import adamw, next_token_loss, shape


class Attention(nnx.Module):
    def __init__(self, width, heads, key_value_heads, *, rngs):
        linear = lambda inputs, outputs: nnx.Linear(inputs, outputs, use_bias=False, rngs=rngs)
        self.heads, self.key_value_heads, self.size = heads, key_value_heads, width // heads
        self.q, self.o = linear(width, width), linear(width, width)
        self.k, self.v = (linear(width, key_value_heads * self.size) for _ in range(2))

    def __call__(self, x):
        split = lambda y: y.reshape(*y.shape[:-1], -1, self.size)
        q, k, v = split(self.q(x)), split(self.k(x)), split(self.v(x))
        y = jax.nn.dot_product_attention(rotate(q, 1e6), rotate(k, 1e6), v, is_causal=True)
        return self.o(y.reshape(x.shape))


class Experts(nnx.Module):
    """Tokens go to the experts with the largest router logits, weighted by a softmax over these."""

    def __init__(self, width, hidden, experts, chosen, *, rngs):
        self.chosen = chosen
        self.router = nnx.Linear(width, experts, use_bias=False, rngs=rngs)
        init = nnx.initializers.lecun_normal()
        self.gate = nnx.Param(init(rngs.params(), (experts, width, hidden)))
        self.up = nnx.Param(init(rngs.params(), (experts, width, hidden)))
        self.down = nnx.Param(init(rngs.params(), (experts, hidden, width)))

    def __call__(self, x):
        logits, chosen = jax.lax.top_k(self.router(x), self.chosen)
        weights = jax.nn.one_hot(chosen, self.gate.shape[0]) * jax.nn.softmax(logits)[..., None]
        h = nnx.silu(jnp.einsum("btd,edf->btef", x, self.gate[...])) * jnp.einsum("btd,edf->btef", x, self.up[...])
        return jnp.einsum("btef,efd,btke->btd", h, self.down[...], weights)


class Layer(nnx.Module):
    def __init__(self, width, hidden, heads, key_value_heads, experts, *, rngs):
        self.attention_norm = nnx.RMSNorm(width, epsilon=1e-5, rngs=rngs)
        self.attention = Attention(width, heads, key_value_heads, rngs=rngs)
        self.experts_norm = nnx.RMSNorm(width, epsilon=1e-5, rngs=rngs)
        self.experts = Experts(width, hidden, experts, 2, rngs=rngs)

    def __call__(self, x):
        x = x + self.attention(self.attention_norm(x))
        return x + self.experts(self.experts_norm(x))


class Mixtral(nnx.Module):
    def __init__(self, layers=32, width=4096, hidden=14336, heads=32, key_value_heads=8, experts=8,
                 vocabulary=32_000, *, rngs):
        self.embedding = nnx.Embed(vocabulary, width, rngs=rngs)
        self.layers = nnx.List([Layer(width, hidden, heads, key_value_heads, experts, rngs=rngs)
                                for _ in range(layers)])
        self.norm = nnx.RMSNorm(width, epsilon=1e-5, rngs=rngs)
        self.head = nnx.Linear(width, vocabulary, use_bias=False, rngs=rngs)

    def __call__(self, tokens):
        x = self.embedding(tokens)
        for layer in self.layers:
            x = layer(x)
        return self.head(self.norm(x))


def train_step(graph, state, tokens):
    model, optimizer = nnx.merge(graph, state)
    loss, grads = nnx.value_and_grad(lambda model: next_token_loss(model(tokens[:, :-1]), tokens))(model)
    optimizer.update(model, grads)
    return nnx.state((model, optimizer)), loss


def mixtral():
    def create():
        model = Mixtral(rngs=nnx.Rngs(0))
        return model, nnx.Optimizer(model, adamw(3e-4), wrt=nnx.Param)

    graph, state = nnx.split(nnx.eval_shape(create))
    return train_step, (graph, state, shape(4, 2049, dtype=jnp.int32))
