# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the law of a charge says that it will be: its recurrence, run beside the measurement in the compiled step."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp


class Predicted(NamedTuple):
    """The charge of one symmetry as its law predicts it. It is never corrected by what is measured later: only
    gradients (their size, and how they lie to the buffers) and the numbers of the update enter.

    Attributes:
        charge: predicted before the step; at the first step, where a prediction starts, what was measured.
        next_charge: predicted after the step.
        memory: what the recurrence carries to the next step.
    """

    charge: Any
    next_charge: Any
    memory: Any


def advance(measured: Mapping[str, Any], since: Any | None) -> Predicted:
    """One step of a recurrence.

    Args:
        measured: what `noether-track-charges=predict` measures, by name; arrays of the shape of the block.
        since: the memory of the last step; None where the prediction starts.

    Source: Kunin et al., Neural Mechanics (2021), section 5, in the exact discrete form; for updates that are divided
        by the size of gradients, Gould and Tanaka (2024): moves are orthogonal to the weights but for their memory.
    """
    if "transition" not in measured:
        return _normalized(measured, since)
    if "gradient_norm" not in measured:  # a translation
        return _shift(measured, since)
    return _gram(measured, since)


def _gram(measured: Mapping[str, Any], since: Any | None) -> Predicted:
    """G' = A G A^T + A h b^T + b h^T A^T + |g|^2 b b^T for x' = A x + b g, G = <x_i, x_j>, h = <x_i, g>, h_0 = 0."""
    size = measured["transition"].shape[0]
    a, b = measured["transition"][:, :size], measured["transition"][:, size]
    if since is None:
        rows = [
            [measured["charge"] if i == j == 0 else measured[f"gram_{min(i, j)}_{max(i, j)}"] for j in range(size)]
            for i in range(size)
        ]
        since = jnp.stack([jnp.stack(row) for row in rows])
    zero = jnp.zeros_like(measured["charge"])
    overlap = jnp.stack([zero, *(measured[f"overlap_{i}"] for i in range(1, size))])
    moved = jnp.einsum("ik,k...->i...", a, overlap)
    memory = jnp.einsum("ik,kl...,jl->ij...", a, since, a)
    memory += jnp.einsum("i...,j->ij...", moved, b) + jnp.einsum("i,j...->ij...", b, moved)
    memory += jnp.einsum("i,j,...->ij...", b, b, measured["gradient_norm"])
    return Predicted(since[0, 0], memory[0, 0], memory)


def _shift(measured: Mapping[str, Any], since: Any | None) -> Predicted:
    """X' = A X for sums X of parameter and buffers along a direction in which there is no gradient."""
    size = measured["transition"].shape[0]
    if since is None:
        since = jnp.stack([measured["charge"], *(measured[f"sum_{i}"] for i in range(1, size))])
    memory = jnp.einsum("ik,k...->i...", measured["transition"][:, :size], since)
    return Predicted(since[0], memory[0], memory)


def _normalized(measured: Mapping[str, Any], since: Any | None) -> Predicted:
    """r'^2 = a^2 r^2 + 2 a <w, p> + |p|^2 for w' = a w + p; the next <w, p> is what the memory of p leaves of
    <w', p>."""
    keeps, step = measured["keeps"], measured["step"]
    if since is None:
        since = jnp.stack([measured["charge"], measured["move_overlap"]])
    else:
        # Of the last step: r^2, what is left of <w, p> and the factor of p then.
        ratio = jnp.where(since[2] == 0, 0, step / jnp.where(since[2] == 0, 1, since[2]))
        since = jnp.stack([since[0], since[1] * ratio])
    charge, overlap = since[0], since[1]
    square = keeps**2 * charge + 2 * keeps * overlap + measured["move_norm"]
    left = measured["memory"] * (keeps * overlap + measured["move_norm"])
    return Predicted(charge, square, jnp.stack([square, left, jnp.broadcast_to(step, square.shape)]))
