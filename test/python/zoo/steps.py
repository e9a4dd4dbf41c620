# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Training steps made of the zoo's models and optax."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from .model import Model, cast

#: The optimizers, as functions of the hyperparameters a user would turn.
OPTIMIZERS: dict[str, Callable[..., optax.GradientTransformation]] = {
    "sgd": lambda learning_rate, weight_decay: optax.chain(
        optax.add_decayed_weights(weight_decay), optax.sgd(learning_rate)),
    "momentum": lambda learning_rate, weight_decay: optax.chain(
        optax.add_decayed_weights(weight_decay), optax.sgd(learning_rate, momentum=0.9)),
    "adamw": lambda learning_rate, weight_decay, eps=1e-8: optax.adamw(
        learning_rate, weight_decay=weight_decay, eps=eps),
}

#: Hyperparameters at which the small models train.
USUAL = {
    "sgd": {"learning_rate": 0.1, "weight_decay": 5e-3},
    "momentum": {"learning_rate": 0.02, "weight_decay": 5e-3},
    "adamw": {"learning_rate": 3e-3, "weight_decay": 0.1},
}


@dataclasses.dataclass(frozen=True)
class Step:
    """A step `step(params, opt_state[, statistics], batch[, hyper])` and its arguments."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    carried: int  # how many leading arguments come back, in order, before the loss

    def __call__(self, *args):
        return self.function(*args)


def training_step(model: Model, optimizer="sgd", *, variant="constant", hyper=False, epsilons=None,
                  dtype=jnp.float32, seed=0, **settings) -> Step:
    """One whole step: forward, backward, update.

    Args:
        variant: "constant" learning rate, a "schedule", or a "clipping" of the global norm.
        hyper: pass the hyperparameters as an argument, a dictionary of scalars.
        epsilons: the model's; the usual ones by default.
        settings: hyperparameters instead of the usual ones.
    """
    values = {**USUAL[optimizer], **settings}
    epsilons = model.epsilons() if epsilons is None else epsilons

    def transformation(values):
        if variant == "schedule":
            rate = optax.warmup_cosine_decay_schedule(
                0.1 * values["learning_rate"], values["learning_rate"], 10, 100)
            values = {**values, "learning_rate": rate}
        inner = OPTIMIZERS[optimizer](**values)
        # The norm's bound lies within the range the gradients have, so that it acts at some steps.
        return optax.chain(optax.clip_by_global_norm(0.5), inner) if variant == "clipping" else inner

    def value(params, statistics, batch):
        if statistics is None:
            return model.loss(params, batch, epsilons), None
        return model.loss(params, statistics, batch, epsilons)

    def update(params, opt_state, statistics, batch, values):
        (loss, statistics), grads = jax.value_and_grad(value, has_aux=True)(
            params, statistics, batch)
        updates, opt_state = transformation(values).update(grads, opt_state, params)
        return optax.apply_updates(params, updates), opt_state, statistics, loss

    # Four plain signatures: what a report calls an argument is its name here.
    if model.statistics is None and not hyper:
        def step(params, opt_state, batch):
            params, opt_state, _, loss = update(params, opt_state, None, batch, values)
            return params, opt_state, loss
    elif model.statistics is None:
        def step(params, opt_state, batch, hyper):
            params, opt_state, _, loss = update(params, opt_state, None, batch, hyper)
            return params, opt_state, loss
    elif not hyper:
        def step(params, opt_state, statistics, batch):
            return update(params, opt_state, statistics, batch, values)
    else:
        def step(params, opt_state, statistics, batch, hyper):
            return update(params, opt_state, statistics, batch, hyper)

    params = model.parameters(seed, dtype)
    state = cast(transformation(values).init(params), dtype)
    statistics = model.initial_statistics(dtype)
    args = [params, state, *([] if statistics is None else [statistics]), model.data(seed, dtype)]
    carried = len(args) - 1
    if hyper:
        args.append(cast(values, dtype))
    return Step(step, tuple(args), carried)


def names(params, root="params"):
    """The pytree paths of the parameters, as reports call them, with the leaves."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(params)
    return {root + jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in leaves}


def rename(params, values, root="params"):
    """A pytree like `params` whose leaves are those of `values`, by name."""
    return jax.tree_util.tree_map_with_path(
        lambda path, leaf: jnp.asarray(values[root + jax.tree_util.keystr(path)], leaf.dtype), params)
