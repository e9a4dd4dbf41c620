# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the steps share: AdamW on a schedule, a flax TrainState that is never allocated, losses."""

import jax
import jax.numpy as jnp
import optax
from flax.training import train_state


def adamw(peak, *, decay=0.1, b2=0.95, clip=1.0, warmup=2_000, steps=100_000, mask=None):
    """AdamW with clipping by the global norm (None: none), warmed up and annealed by a cosine."""
    schedule = optax.warmup_cosine_decay_schedule(0.0, peak, warmup, steps, end_value=0.1 * peak)
    optimizer = optax.adamw(schedule, b1=0.9, b2=b2, weight_decay=decay, mask=mask)
    return optimizer if clip is None else optax.chain(optax.clip_by_global_norm(clip), optimizer)


def matrices(params):
    """What GPT-2 recipes decay: weights, not biases and gains."""
    return jax.tree.map(lambda p: p.ndim >= 2, params)


class TrainState(train_state.TrainState):
    """The usual one, with the running statistics that BatchNorm needs."""

    batch_stats: dict | None = None


def abstract_state(model, optimizer, *inputs):
    """The state a linen model starts training with, as shapes."""

    def create(key):
        variables = model.init({"params": key, "dropout": key}, *inputs)
        return TrainState.create(apply_fn=model.apply, params=variables["params"], tx=optimizer,
                                 batch_stats=variables.get("batch_stats"))

    return jax.eval_shape(create, jax.random.key(0))


def shape(*sizes, dtype=jnp.float32):
    return jax.ShapeDtypeStruct(sizes, dtype)


def cross_entropy(logits, labels):
    """The mean over all that is labelled. logits: [..., classes]; labels: integers [...]."""
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


def next_token_loss(logits, tokens):
    """logits: [batch, time, vocabulary] of tokens [batch, time + 1] but the last."""
    return cross_entropy(logits, tokens[:, 1:])


def token_step(model, optimizer, batch, time):
    """(step, args) of a linen language model."""

    def train_step(state, tokens):
        def loss_fn(params):
            return next_token_loss(state.apply_fn({"params": params}, tokens[:, :-1]), tokens)

        loss, grads = jax.value_and_grad(loss_fn)(state.params)
        return state.apply_gradients(grads=grads), loss

    tokens = shape(batch, time + 1, dtype=jnp.int32)
    return train_step, (abstract_state(model, optimizer, jnp.zeros((1, time), jnp.int32)), tokens)
