# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks one claimed symmetry on a step that runs."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from noether_mlir.group_elements import Element, MalformedClaim, is_continuous, is_supported, random_element
from noether_mlir.verification.constants import Place
from noether_mlir.verification.program import StepProgram
from noether_mlir.verification.verdict import ClaimVerdict, Identity, Outcome

Loss = Callable[[Sequence[np.ndarray]], float]

#: Sizes of the group elements tried: factors near 1, and up to e^3 or so.
SIZES = (0.1, 1.0)
#: How far the constants are scaled down to see whether the deviation goes with them.
SHRINK = 1e-8
#: What the deviation must have fallen to then. It falls at least as fast as the constant's square root: to 1e-4.
FALLEN = 1e-3
#: Rounding is estimated from a few samples of it: real deviations by chance reach several times their largest.
MARGIN = 50.0


@dataclass
class Point:
    """Arguments of the step, and what the loss does there.

    Attributes:
        values: one array per argument. loss: the loss. noise: how much it changes when parameters are re-rounded.
    """

    program: StepProgram
    values: list[np.ndarray]
    loss: float
    rng: np.random.Generator
    noise: float = 0.0
    _shrunk: dict[tuple[Place, ...], tuple[float, float]] = field(default_factory=dict)
    _gradients: dict[int, np.ndarray] | None = None

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """The parameters, by name, in double precision."""
        wide = lambda value: value.astype(np.result_type(value, np.float64), copy=False)
        return {a.name: wide(v) for a, v in zip(self.program.arguments, self.values) if a.role == "param"}

    @property
    def scale(self) -> float:
        """What deviations are relative to."""
        return max(abs(self.loss), 1e-12)

    def moved(self, parameters: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """The arguments with other values for some parameters."""
        return [
            parameters[a.name].astype(a.dtype) if a.role == "param" and a.name in parameters else value
            for a, value in zip(self.program.arguments, self.values)
        ]

    def gradients(self) -> dict[str, np.ndarray]:
        """The gradients that the update shows, by parameter."""
        if self._gradients is None:
            self._gradients = self.program.loss_and_gradients(self.values)[1]
        names = {i: argument.name for i, argument in enumerate(self.program.arguments)}
        return {names[i]: np.asarray(g, np.float64) for i, g in self._gradients.items()}

    def without(self, places: tuple[Place, ...], loss: Loss) -> tuple[float, float]:
        """The loss and its rounding noise here, with other constants at these places."""
        if places not in self._shrunk:
            at = loss(self.values)
            noise = rounding_noise(self, loss, at, self.parameters) if math.isfinite(at) else 0.0
            self._shrunk[places] = (at, noise)
        return self._shrunk[places]


def rounding_noise(
    point: Point, loss: Loss, reference: float, around: Mapping[str, np.ndarray], samples: int = 2
) -> float:
    """How much the loss changes, relatively, when the parameters in `around` are rounded another way."""
    eps = max(point.program.epsilon, float(np.finfo(np.float64).eps))
    noise = 4 * eps
    for _ in range(samples):
        jittered = {n: w * (1 + eps * point.rng.choice((-1.0, 1.0), w.shape)) for n, w in around.items()}
        noise = max(noise, abs(loss(point.moved({**around, **jittered})) - reference) / point.scale)
    return noise


def places_of(symmetry: Mapping[str, Any]) -> tuple[Place, ...] | None:
    """The constants that are said to break a symmetry, where they are used; None if one is no known number."""
    places = []
    for entry in symmetry.get("broken_by") or ():
        if entry.get("constant") is None:
            return None
        places.append(Place(float(entry["constant"]), entry.get("op") or "", entry.get("location") or ""))
    return tuple(dict.fromkeys(places))


@dataclass(frozen=True)
class Deviation:
    """The largest relative change of the loss, and what rounding explains of it."""

    size: float
    tolerance: float

    @property
    def vanishes(self) -> bool:
        return self.size <= self.tolerance


def largest_deviation(point: Point, loss: Loss, at: float, noise: float, elements: Sequence[Any]) -> Deviation | None:
    """The worst of some group elements; None if the loss overflows under all of them in a narrow type."""
    worst: Deviation | None = None
    for element in elements:
        moved = element.act(point.parameters)
        value = loss(point.moved(moved))
        if not math.isfinite(value) and point.program.precision == "native":
            continue
        size = abs(value - at) / point.scale if math.isfinite(value) else math.inf
        tolerance = MARGIN * noise
        if tolerance < size < math.inf:  # rounding at the place moved to may be larger
            tolerance = MARGIN * max(noise, rounding_noise(point, loss, value, moved))
        if worst is None or size / tolerance > worst.size / worst.tolerance:
            worst = Deviation(size, tolerance)
    return worst


def control_change(point: Point, elements: Sequence[Any]) -> float:
    """How much the loss changes under moves of the members that are as large, and none of the group."""
    largest = 0.0
    for element in elements:
        parameters = point.parameters
        moved = {}
        for name, value in element.act(parameters).items():
            change = value - parameters[name]
            size = float(np.sqrt(np.mean(change**2)))
            moved[name] = parameters[name] + size * point.rng.standard_normal(value.shape)
        value = point.program.loss(point.moved(moved))
        if math.isfinite(value):
            largest = max(largest, abs(value - point.loss) / point.scale)
    return largest


def noether_identity(point: Point, symmetry: Mapping[str, Any]) -> dict[str, Any]:
    """The Noether identity at a point, if the update shows the gradients of all members: fields of a verdict."""
    if not is_continuous(symmetry):
        return {}
    parameters, gradients = point.parameters, point.gradients()
    element = random_element(symmetry, parameters, point.rng, 1.0)
    velocity = element.velocity(parameters)
    if not velocity or any(name not in gradients for name in velocity):
        return {}
    value = sum(float((v * gradients[name]).sum()) for name, v in velocity.items())
    size = sum(float(np.abs(v * gradients[name]).sum()) for name, v in velocity.items())
    if symmetry["exact"] and abs(value) <= max(1e-6, 1e3 * point.noise) * size:
        return {"identity": Identity(value, size, 0.0, True)}
    # What it should be: a fourth-order difference, with a step that balances its error against rounding.
    h = max(point.noise, 1e-16) ** 0.2 * 0.3
    losses = [point.program.loss(point.moved(element.scaled(k * h).act(parameters))) for k in (-2, -1, 1, 2)]
    slope = (losses[0] - 8 * losses[1] + 8 * losses[2] - losses[3]) / (12 * h)
    agrees = bool(abs(value - slope) <= 1e-4 * size + 10 * point.noise * point.scale / h)
    why = "" if agrees else "what the update uses is not the gradient of this loss"
    return {"identity": Identity(value, size, slope, agrees), "why": why}


def _draw(point: Point, symmetry: Mapping[str, Any]) -> list[Element]:
    return [random_element(symmetry, point.parameters, point.rng, size) for size in SIZES]


def rounding_hides(point: Point, control: float, tolerance: float) -> bool:
    """Whether a false claim would not be noticed: in a narrow type, where the loss hardly depends on the parameters."""
    return point.program.precision == "native" and point.program.epsilon > 1e-12 and control < 10 * tolerance


def said_of(symmetry: Mapping[str, Any]) -> dict[str, Any]:
    """What a claim says of itself: fields of its verdict."""
    return {
        "symmetry": symmetry["id"],
        "family": symmetry["family"],
        "parameters": tuple(dict.fromkeys(member["parameter"] for member in symmetry["members"])),
        "dimension": int(symmetry.get("dimension") or 0),
        "constants": tuple(entry.get("constant") for entry in symmetry.get("broken_by") or ()),
    }


def check(points: Sequence[Point], symmetry: Mapping[str, Any]) -> ClaimVerdict:
    """The verdict on one claimed symmetry, an entry of `symmetries` in the JSON of an analysis."""
    said = said_of(symmetry)
    if not is_supported(symmetry):
        return ClaimVerdict(**said, outcome="not checkable", why=f"no elements of {symmetry['family']} are known here")
    try:
        drawn = [_draw(point, symmetry) for point in points]
        tried = [
            largest_deviation(point, point.program.loss, point.loss, point.noise, elements)
            for point, elements in zip(points, drawn)
        ]
    except MalformedClaim as error:
        return ClaimVerdict(**said, outcome="FALSE", why=str(error))
    found = [deviation for deviation in tried if deviation is not None]
    if not found:
        return ClaimVerdict(**said, outcome="not checkable", why="the loss overflows under the group elements tried")
    worst = max(found, key=lambda deviation: deviation.size / deviation.tolerance)
    said |= {
        "deviation": worst.size,
        "tolerance": worst.tolerance,
        "control": control_change(points[0], drawn[0]),
    }
    if rounding_hides(points[0], said["control"], worst.tolerance):
        return ClaimVerdict(**said, outcome="not checkable", why="rounding hides what other moves change, too")
    identity = noether_identity(points[0], symmetry)
    if not symmetry["exact"]:
        return _check_broken(points, drawn, worst, symmetry, said | identity)
    if worst.vanishes:
        return ClaimVerdict(**said | identity, outcome="holds")
    return ClaimVerdict(**said | identity | {"why": "the loss changes"}, outcome="FALSE")


def _check_broken(
    points: Sequence[Point],
    drawn: Sequence[Sequence[Element]],
    found: Deviation,
    symmetry: Mapping[str, Any],
    said: dict[str, Any],
) -> ClaimVerdict:
    """A symmetry that constants break: it must come back as they go."""

    def verdict(outcome: Outcome, why: str | None = None, vanishing: float | None = None) -> ClaimVerdict:
        reason = {} if why is None else {"why": why}
        return ClaimVerdict(**said | reason | {"vanishing": vanishing}, outcome=outcome)

    places = places_of(symmetry)
    if places is None:
        if found.vanishes:
            return verdict("holds up to constants")
        return verdict("not checkable", "what breaks it is no constant of the step")
    loss = points[0].program.with_constants(places, SHRINK)
    if loss is None:
        return verdict("not checkable", "its constants are not found in the module")
    worst = -1.0
    for point, elements in zip(points, drawn):
        at, noise = point.without(places, loss)
        after = largest_deviation(point, loss, at, noise, elements) if math.isfinite(at) else None
        if after is None:
            continue
        worst = max(worst, after.size)
        if not after.vanishes and after.size > FALLEN * found.size:
            why = f"the loss changes by {after.size:.1e} when its constants are {SHRINK:g} of what they are"
            return verdict("FALSE", why, after.size)
    if worst < 0:
        return verdict("not checkable", "without its constants the loss is not finite")
    return verdict("holds up to constants", vanishing=worst)
