# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Entries of the catalogue as training steps."""

import functools

import jax
import jax.numpy as jnp
import optax

import noether_mlir

from . import network
from .catalogue import ENTRIES, Entry


def initial(entry: Entry, params):
    """The optimizer's state at `params`, a pytree."""
    hyper = {name: jnp.asarray(value) for name, value in entry.hyper.items()}
    transformation = entry.make(hyper)
    if "slow" in entry.extra:
        params = optax.LookaheadParams.init_synced(params)
        return {"inner": transformation.init(params), "slow": params.slow}
    return transformation.init(params)


def update(entry: Entry, hyper, grads, state, params, value):
    """One update: the next parameters and state. `value` is the loss."""
    transformation = entry.make(hyper)
    extra = {}
    if "value" in entry.extra:
        extra["value"] = value
    if "slow" in entry.extra:
        pair = optax.LookaheadParams(fast=params, slow=state["slow"])
        updates, inner = transformation.update(grads, state["inner"], pair)
        pair = optax.apply_updates(pair, updates)
        return pair.fast, {"inner": inner, "slow": pair.slow}
    updates, state = transformation.update(grads, state, params, **extra)
    return optax.apply_updates(params, updates), state


def training_step(entry: Entry):
    """`step(params, opt_state, batch, hyper)` and its arguments, in double precision."""

    def step(params, opt_state, batch, hyper):
        loss, grads = jax.value_and_grad(network.loss)(params, batch)
        params, opt_state = update(entry, hyper, grads, opt_state, params, loss)
        return params, opt_state, loss

    params = network.parameters()
    hyper = {name: jnp.asarray(value, jnp.float64) for name, value in entry.hyper.items()}
    return step, (params, initial(entry, params), network.data(), hyper)


@functools.cache
def report(name):
    """What `noether analyze` says of an entry's step."""
    step, args = training_step(ENTRIES[name])
    return noether_mlir.analyze(step, *args).data
