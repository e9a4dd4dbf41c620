# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Many claims at once: their group elements one after the other, and one look at the loss.

Each of them leaves the loss alone wherever it starts from, so all together do. If the loss changes, the claims are
halved until the false ones are found: on a large step this costs a few runs instead of a dozen for each claim.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from noether_mlir.group_elements import Element, MalformedClaim, Parameters, is_supported, random_element
from noether_mlir.verification.checks import (
    FALLEN,
    SHRINK,
    Point,
    check,
    control_change,
    largest_deviation,
    noether_identity,
    places_of,
    rounding_hides,
    said_of,
)
from noether_mlir.verification.constants import Place
from noether_mlir.verification.verdict import ClaimVerdict

#: Size of the elements: many may act on one parameter.
SIZE = 0.3

Symmetry = Mapping[str, Any]


@dataclass(frozen=True)
class Composition:
    """Elements of several groups, one after the other."""

    elements: tuple[Element, ...]

    def act(self, parameters: Parameters) -> dict[str, np.ndarray]:
        """The parameters moved; those that do not move are absent."""
        moved: dict[str, np.ndarray] = {}
        for element in self.elements:
            moved |= element.act({**parameters, **moved})
        return moved


def check_jointly(
    points: Sequence[Point], symmetries: Sequence[Symmetry], done: Callable[[int], None] = lambda number: None
) -> list[ClaimVerdict]:
    """The verdicts on all claims, in their order.

    Args:
        done: told after each group of claims how many are settled.
    """
    verdicts: dict[int, ClaimVerdict] = {}
    exact, broken = [], []
    for i, symmetry in enumerate(symmetries):
        if not is_supported(symmetry) or not (symmetry["exact"] or places_of(symmetry)):
            verdicts[i] = check(points, symmetry)
        else:
            (exact if symmetry["exact"] else broken).append(i)
    for group in (exact, broken):
        todo = [group] if group else []
        while todo:
            some = todo.pop()
            found = _try([symmetries[i] for i in some], points)
            if found is None and len(some) == 1:
                verdicts[some[0]] = check(points, symmetries[some[0]])
            elif found is None:
                todo += [some[len(some) // 2 :], some[: len(some) // 2]]
            else:
                verdicts |= dict(zip(some, found))
            done(len(verdicts))
    return [verdicts[i] for i in range(len(symmetries))]


def _try(symmetries: Sequence[Symmetry], points: Sequence[Point]) -> list[ClaimVerdict] | None:
    """The verdicts, if all these claims hold together; else None. Either all are exact, or none is."""
    program, is_exact = points[0].program, symmetries[0]["exact"]
    places: dict[Place, None] = {}
    for symmetry in symmetries:
        places.update(dict.fromkeys(places_of(symmetry) or ()))
    loss = program.loss if is_exact else program.with_constants(tuple(places), SHRINK)
    if loss is None:
        return None
    worst, tolerance, vanishing = 0.0, 0.0, 0.0
    for point in points:
        try:
            drawn = [random_element(symmetry, point.parameters, point.rng, SIZE) for symmetry in symmetries]
            composed = [Composition(tuple(drawn))]
            usual = largest_deviation(point, program.loss, point.loss, point.noise, composed)
            if usual is None:
                return None
            if is_exact and not usual.vanishes:
                return None
            if not is_exact:
                at, noise = point.without(tuple(places), loss)
                after = largest_deviation(point, loss, at, noise, composed) if math.isfinite(at) else None
                if after is None or not (after.vanishes or after.size <= FALLEN * usual.size):
                    return None
                vanishing = max(vanishing, after.size)
        except MalformedClaim:
            return None
        worst, tolerance = max(worst, usual.size), max(tolerance, usual.tolerance)
    control = control_change(points[0], composed)
    if rounding_hides(points[0], control, tolerance):
        return None
    return [
        replace(
            ClaimVerdict(
                **said_of(symmetry),
                outcome="holds" if is_exact else "holds up to constants",
                deviation=worst,
                tolerance=tolerance,
                control=control,
                vanishing=None if is_exact else vanishing,
                together=len(symmetries),
            ),
            **noether_identity(points[0], symmetry),
        )
        for symmetry in symmetries
    ]
