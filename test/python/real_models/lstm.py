# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The "large" language model of Zaremba et al. (2014): two LSTM layers of 1500 units, dropout between layers."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from .recipe import abstract_state, adamw, next_token_loss, shape


class LSTMLanguageModel(nn.Module):
    vocabulary: int = 10_000
    width: int = 1500
    layers: int = 2
    dropout: float = 0.65

    @nn.compact
    def __call__(self, tokens):
        dropout = lambda x: nn.Dropout(self.dropout, deterministic=False)(x)
        x = dropout(nn.Embed(self.vocabulary, self.width, name="embedding")(tokens))
        for i in range(self.layers):
            x = dropout(nn.RNN(nn.OptimizedLSTMCell(self.width), name=f"lstm_{i}")(x))
        return nn.Dense(self.vocabulary, name="head")(x)


def train_step(state, tokens, key):
    key = jax.random.fold_in(key, state.step)

    def loss_fn(params):
        logits = state.apply_fn({"params": params}, tokens[:, :-1], rngs={"dropout": key})
        return next_token_loss(logits, tokens)

    loss, grads = jax.value_and_grad(loss_fn)(state.params)
    return state.apply_gradients(grads=grads), loss


def language_model():
    state = abstract_state(LSTMLanguageModel(), adamw(1e-3, clip=10.0), jnp.zeros((1, 35), jnp.int32))
    return train_step, (state, shape(20, 36, dtype=jnp.int32), jax.eval_shape(lambda: jax.random.key(0)))
