# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How many symmetries a step has, counted from its gradients alone.

A diagonal symmetry theta -> exp(a s) theta leaves the loss unchanged if and only if sum_i a_i theta_i g_i = 0 at every
point: their Lie algebra is the null space of the rows theta * g, stacked over random parameters and batches. In the
same way, translations along fixed directions are the null space of the rows g, and other linear symmetries are found
among more linear vector fields. Nothing here knows a layer or a rule.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from noether_mlir.analysis import Analysis
from noether_mlir.group_elements import TORUS
from noether_mlir.verification.linear_fields import ZERO, LinearFields
from noether_mlir.verification.program import StepProgram
from noether_mlir.verification.verdict import Completeness

#: A column this small, relative to the largest, is an entry that the loss does not depend on.
DEAD = 1e-12
#: Up to how many linear vector fields linear symmetries are looked for among.
MOST_FIELDS = 1500
#: More points than entries, so that the rank is not that of too small a sample.
OVERSAMPLING = 1.1
EXTRA = 20

Draw = Callable[[int], list[np.ndarray]]


def null_dimension(rows: np.ndarray, count_zeros: np.ndarray | None = None) -> tuple[int, float]:
    """The dimension of the null space of `rows`, and how clear it is.

    Args:
        count_zeros: which columns count where they are zero in every row; default: none.

    Returns:
        The dimension, and the smallest singular value that counts over the largest that does not.
    """
    rows = rows[np.isfinite(rows).all(axis=1)]
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = rows[norms[:, 0] > 0] / norms[norms[:, 0] > 0]
    size = np.sqrt((rows**2).mean(axis=0))
    alive = size > DEAD * max(size.max(initial=0.0), 1e-300)
    zeros = int((~alive & count_zeros).sum()) if count_zeros is not None else 0
    rows = rows[:, alive] / size[alive]
    if not rows.shape[1]:
        return zeros, 0.0
    values = np.linalg.svd(rows, compute_uv=False)
    values = np.concatenate([values, np.zeros(max(rows.shape[1] - len(values), 0))]) / values[0]
    counted, rest = values[values > ZERO], values[values <= ZERO]
    gap = float(counted[-1] / max(rest[0] if len(rest) else 0.0, 1e-17))
    return zeros + len(rest), gap


def null_directions(rows: np.ndarray) -> np.ndarray:
    """An orthonormal basis of the null space of `rows`, as columns."""
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-300)
    size = np.sqrt((rows**2).mean(axis=0))
    size = np.where(size > DEAD * size.max(initial=0.0), size, 1.0)
    _, values, directions = np.linalg.svd(rows / size, full_matrices=True)
    rank = int((values > ZERO * values[0]).sum()) if len(values) else 0
    return np.linalg.qr(directions[rank:].T / size[:, None])[0]


def claimed_linear(data: Mapping[str, Any]) -> int | None:
    """The dimension of all continuous symmetries together that hold with every constant as it is, if it is stated.

    Without affine ones, which are not among the linear vector fields that are counted.
    """
    dimension = data["dimension"]
    if dimension.get("linear") is None:
        return None
    broken = sum(
        int(symmetry["dimension"]) - int(symmetry.get("dimension_in_torus") or 0)
        for symmetry in data["symmetries"]
        if symmetry["family"] == "affine" or (not symmetry["exact"] and symmetry["family"] not in TORUS)
    )
    return int(dimension["linear"]) - int(dimension["torus"]) + int(dimension["torus_exact"]) - broken


def count(
    program: StepProgram,
    draw: Draw,
    analysis: Analysis,
    most: int,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> Completeness:
    """Counts symmetries and sets them beside those that are claimed.

    Args:
        draw: makes the arguments of the point of this number.
        analysis: what is claimed.
        most: the largest number of parameter entries for which it is tried.
        advance: told after each point how many are done, and of how many.
    """
    dimension = analysis.data["dimension"]
    claimed = {"torus": dimension.get("torus_exact"), "translation": dimension.get("translation")}
    positions = [i for i, argument in enumerate(program.arguments) if argument.role == "param"]
    names = [program.arguments[i].name for i in positions]
    sizes = [int(np.prod(program.arguments[i].shape)) for i in positions]
    nothing = Completeness(claimed=claimed, counted={}, elements=sum(sizes))
    if program.precision != "double":
        return replace(nothing, why="ranks need double precision")
    if sum(sizes) > most:
        return replace(nothing, why=f"{sum(sizes):,} parameter entries, and at most {most:,} are counted")
    missing = [name for i, name in zip(positions, names) if i not in program.gradients]
    if missing:
        return replace(nothing, why=f"the update does not show the gradient of {missing[0]}")
    fields = LinearFields([program.arguments[i].shape for i in positions])
    counts_linear = fields.count <= MOST_FIELDS
    total = int(OVERSAMPLING * (fields.count if counts_linear else sum(sizes))) + EXTRA
    weights, gradients = np.empty((total, sum(sizes))), np.empty((total, sum(sizes)))
    for point in range(total):
        values = draw(point)
        found = program.loss_and_gradients(values)[1]
        weights[point] = np.concatenate([np.ravel(values[i]) for i in positions])
        gradients[point] = np.concatenate([np.ravel(found[i]) for i in positions])
        advance(point + 1, total)
    finite = np.isfinite(gradients).all(axis=1)
    weights, gradients = weights[finite], gradients[finite]
    dead = {parameter.name for parameter in analysis.parameters if parameter.dead}
    live = np.repeat([name not in dead for name in names], sizes)

    torus, gap = null_dimension(weights * gradients)
    translation, other = null_dimension(gradients, live)
    counted = {"torus": torus, "translation": translation}
    gap = min(gap, other)
    if counts_linear:
        claimed["linear"] = claimed_linear(analysis.data)
        rows = np.array([fields.against(w, g) for w, g in zip(weights, gradients)])
        linear, other = null_dimension(rows, np.ones(fields.count, bool))
        # What moves along a translation counts as that translation, whatever function of the parameters it is.
        moved = fields.within(null_directions(gradients), list(weights))
        counted["linear"] = translation + linear - moved
        gap = min(gap, other)
    return replace(nothing, claimed=claimed, counted=counted, points=total, gap=gap)
