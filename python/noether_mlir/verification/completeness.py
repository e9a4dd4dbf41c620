# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How many symmetries a step has, counted from its gradients alone.

A diagonal symmetry theta -> exp(a s) theta leaves the loss unchanged if and only if sum_i a_i theta_i g_i = 0 at every
point: their Lie algebra is the null space of the rows theta * g, stacked over random parameters and batches. In the
same way, translations along fixed directions are the null space of the rows g. Nothing here knows a layer or a rule.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from noether_mlir.verification.program import StepProgram
from noether_mlir.verification.verdict import Completeness

#: What counts as zero among singular values, relative to the largest.
ZERO = 1e-9
#: A column this small, relative to the largest, is an entry that the loss does not depend on.
DEAD = 1e-12
#: More points than entries, so that the rank is not that of too small a sample.
OVERSAMPLING = 1.1
EXTRA = 20

Draw = Callable[[int], list[np.ndarray]]


def null_dimension(rows: np.ndarray) -> tuple[int, float]:
    """The dimension of the null space of `rows`, without the columns that are zero everywhere, and how clear it is.

    Returns:
        The dimension, and the smallest singular value that counts over the largest that does not.
    """
    rows = rows[np.isfinite(rows).all(axis=1)]
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = rows[norms[:, 0] > 0] / norms[norms[:, 0] > 0]
    size = np.sqrt((rows**2).mean(axis=0))
    alive = size > DEAD * max(size.max(initial=0.0), 1e-300)
    rows = rows[:, alive] / size[alive]
    if not rows.shape[1]:
        return 0, 0.0
    values = np.linalg.svd(rows, compute_uv=False)
    values = np.concatenate([values, np.zeros(max(rows.shape[1] - len(values), 0))]) / values[0]
    counted, rest = values[values > ZERO], values[values <= ZERO]
    gap = float(counted[-1] / max(rest[0] if len(rest) else 0.0, 1e-17))
    return len(rest), gap


def count(
    program: StepProgram,
    draw: Draw,
    dimension: Mapping[str, Any],
    most: int,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> Completeness:
    """Counts symmetries and sets them beside those that are claimed.

    Args:
        draw: makes the arguments of the point of this number.
        dimension: the object of that name in the JSON of an analysis.
        most: the largest number of parameter entries for which it is tried.
        advance: told after each point how many are done, and of how many.
    """
    claimed = {"torus": dimension.get("torus_exact"), "translation": dimension.get("translation")}
    positions = [i for i, argument in enumerate(program.arguments) if argument.role == "param"]
    elements = sum(int(np.prod(program.arguments[i].shape)) for i in positions)
    nothing = Completeness(claimed=claimed, counted={}, elements=elements)
    if program.precision != "double":
        return _without(nothing, "ranks need double precision")
    if elements > most:
        return _without(nothing, f"{elements:,} parameter entries, and at most {most:,} are counted")
    missing = [program.arguments[i].name for i in positions if i not in program.gradients]
    if missing:
        return _without(nothing, f"the update does not show the gradient of {missing[0]}")
    total = int(OVERSAMPLING * elements) + EXTRA
    weights, gradients = np.empty((total, elements)), np.empty((total, elements))
    for point in range(total):
        values = draw(point)
        found = program.loss_and_gradients(values)[1]
        weights[point] = np.concatenate([np.ravel(values[i]) for i in positions])
        gradients[point] = np.concatenate([np.ravel(found[i]) for i in positions])
        advance(point + 1, total)
    torus, gap = null_dimension(weights * gradients)
    translation, other = null_dimension(gradients)
    return Completeness(
        claimed=claimed,
        counted={"torus": torus, "translation": translation},
        points=total,
        elements=elements,
        gap=min(gap, other),
    )


def _without(nothing: Completeness, why: str) -> Completeness:
    return Completeness(nothing.claimed, nothing.counted, elements=nothing.elements, why=why)
