# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Optimizers as steps on parameters, states and given gradients."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

#: What every rule is run with.
RATE, DECAY = 1e-3, 1e-2


def _sgd(w: Any, states: Any, g: Any, numbers: Any) -> Any:
    return w - numbers[0] * g, ()


def _momentum(w: Any, states: Any, g: Any, numbers: Any) -> Any:
    (m,) = states
    m = 0.9 * m + g
    return w - numbers[0] * m, (m,)


def _adamw(w: Any, states: Any, g: Any, numbers: Any) -> Any:
    (m, v), (rate, first, second) = states, numbers
    m = 0.9 * m + 0.1 * g
    v = 0.999 * v + 0.001 * (g * g)
    return w - rate * ((m / first) / (jnp.sqrt(v / second) + 1e-8) + DECAY * w), (m, v)


def _lion(w: Any, states: Any, g: Any, numbers: Any) -> Any:
    (m,) = states
    return w - numbers[0] * (jnp.sign(0.9 * m + 0.1 * g) + DECAY * w), (0.99 * m + 0.01 * g,)


#: Of a step's arguments: names alone do not tell gradients from parameters.
ROLES = ("param", "state", "batch", "hyper")


@dataclass(frozen=True)
class Rule:
    """An optimizer.

    Attributes:
        states: tensors it keeps for each parameter.
        update: next parameter and states from the present ones, the gradient and the numbers.
        numbers: what changes from step to step: the learning rate first.
    """

    states: int
    update: Callable[..., Any]
    numbers: tuple[float, ...] = (RATE,)

    @property
    def bytes(self) -> int:
        """Read and written for each f32 number: the gradient is only read."""
        return 4 * (3 + 2 * self.states)

    def step(self, charges: bool) -> Callable[..., Any]:
        """A step for a list of parameters, with |w|^2, <w, g> and |g|^2 of each if wanted."""

        def step(params: Any, states: Any, gradients: Any, numbers: Any) -> Any:
            # Something has to be the loss of a step.
            loss = jnp.ravel(params[0])[0]
            pairs = [self.update(*each, numbers) for each in zip(params, states, gradients)]
            sums = [(jnp.sum(w * w), jnp.sum(w * g), jnp.sum(g * g)) for w, g in zip(params, gradients)]
            new = [w for w, _ in pairs], [s for _, s in pairs], loss
            return (*new, sums) if charges else new

        return step


RULES = {
    "sgd": Rule(0, _sgd),
    "momentum": Rule(1, _momentum),
    "adamw": Rule(2, _adamw, (RATE, 0.1, 0.001)),
    "lion": Rule(1, _lion),
}


def stream(states: int) -> Rule:
    """Reads and writes what a rule does with one addition for each number: what memory allows."""

    def update(w: Any, held: Any, g: Any, numbers: Any) -> Any:
        return w - g, tuple(s + g for s in held)

    return Rule(states, update)


def shapes_of(rule: Rule, shapes: Any) -> Any:
    """Abstract arguments of a rule's step."""
    tensors = [jax.ShapeDtypeStruct(s, jnp.float32) for s in shapes]
    states = [tuple(tensor for _ in range(rule.states)) for tensor in tensors]
    numbers = tuple(jax.ShapeDtypeStruct((), jnp.float32) for _ in rule.numbers)
    return tensors, states, tensors, numbers
