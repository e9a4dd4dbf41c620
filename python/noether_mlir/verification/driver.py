# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`noether_mlir.verify`: what is claimed of a step, tried on the step."""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from noether_mlir.analysis import Analysis, analyze_text
from noether_mlir.errors import NoetherError, UnsupportedStep
from noether_mlir.lowering import read_step
from noether_mlir.modules import functional
from noether_mlir.verification import completeness as counting
from noether_mlir.verification.arguments import STYLES, index_ranges, random_arguments
from noether_mlir.verification.checks import Point, check, rounding_noise
from noether_mlir.verification.joint import check_jointly
from noether_mlir.verification.program import Argument, Engine, Precision, StepProgram, load_program
from noether_mlir.verification.settings import MOST_ELEMENTS, POINTS, Progress, Settings
from noether_mlir.verification.verdict import Verification

Given = Sequence[Any] | Mapping[str, Any] | None


def verify(
    step: Any,
    *args: Any,
    roles: Any = None,
    claims: Analysis | None = None,
    points: int = POINTS,
    seed: int = 0,
    precision: Precision = "double",
    engine: Engine = "xla",
    jointly: bool = False,
    completeness: int = MOST_ELEMENTS,
    static_argnums: Any = None,
    static_argnames: Any = None,
    progress: Progress | None = None,
    **kwargs: Any,
) -> Verification:
    """Tries every symmetry that is claimed of a step on the step itself.

    The step runs on the CPU, in double precision where it can be put in it. Random elements of each symmetry's group
    act on the parameters, and the loss must not change; where constants are said to break a symmetry, the change must
    vanish with them. The Noether identity is checked on the gradients that the update uses, and on small models the
    symmetries are counted from these gradients.

    Args:
        step, args, kwargs, roles, static_argnums, static_argnames: as for `analyze`. With arrays among the arguments,
            the first point is at these; `jax.ShapeDtypeStruct`s, and other points, are filled with random numbers.
            A module (a path, MLIR text) may be followed by its flat arguments, or by none.
        claims: what is to be tried; default: what `analyze` says.
        points: at how many points (parameters and data).
        seed: of the random numbers.
        precision: "double", or "native" to leave the step's own types.
        engine: "xla", or "reference" for StableHLO's reference interpreter (slow; shares nothing with XLA).
        jointly: try many claims at once, and one by one only where they fail: for large steps.
        completeness: up to how many parameter entries symmetries are counted; 0 for never.
        progress: called with a title, how many are done, and of how many.

    Returns:
        A `Verification`, which is true if no claim is false.

    Raises:
        NotATrainingStep: if the input is none.
        UnsupportedStep: if it cannot be run here.
        MissingDependency: if JAX is not installed.
    """
    options = {"roles": roles, "static_argnums": static_argnums, "static_argnames": static_argnames}
    is_module = isinstance(step, (str, bytes, os.PathLike))
    if not is_module:
        step, args, kwargs = functional(step, args, kwargs, options)
    text = read_step(step, () if is_module else args, kwargs, **options)
    given = flat_arguments(args, kwargs, static_argnums, static_argnames) if args or kwargs else None
    settings = Settings(claims, points, seed, precision, engine, jointly, completeness)
    if progress is not None:
        settings = replace(settings, progress=progress)
    return verify_text(text.text, text.source, given, settings)


def flat_arguments(
    args: Sequence[Any], kwargs: Mapping[str, Any], static_argnums: Any = None, static_argnames: Any = None
) -> list[Any] | None:
    """The leaves of a step's arguments, in the order of the entry function's; None where only JAX knows them."""
    if static_argnums is not None or static_argnames is not None:
        return None
    return jax.tree.leaves((tuple(args), dict(sorted(kwargs.items()))))


def verify_text(
    text: str | bytes, source: str, given: Given = None, settings: Settings = Settings()  # noqa: B008
) -> Verification:
    """Tries the claims about a module in generic form; see `verify`.

    Args:
        given: arguments of the first point: in the order of the entry function, or by name or number. None, or None
            in a place: random ones.
    """
    tell = settings.progress
    tell("analyse", 0, 1)
    analysis = settings.claims if settings.claims is not None else analyze_text(text, source)
    tell("compile", 0, 1)
    program = load_program(text, source, analysis.entry, settings.precision, settings.engine)
    drawn = Points(program, given, settings.seed)
    at = [drawn.point(i) for i in range(settings.points)]
    symmetries = analysis.data["symmetries"]
    tell("claims", 0, len(symmetries))
    verdicts = []
    if settings.jointly:
        verdicts = check_jointly(at, symmetries, lambda done: tell("claims", done, len(symmetries)))
    else:
        for symmetry in symmetries:
            verdicts.append(check(at, symmetry))
            tell("claims", len(verdicts), len(symmetries))
    counted = None
    if settings.completeness:
        counted = counting.count(
            program,
            drawn.values,
            analysis,
            settings.completeness,
            lambda done, total: tell("count", done, total),
        )
    return Verification(
        source=source,
        precision=program.precision,
        why_native=program.why_native,
        engine=settings.engine,
        points=settings.points,
        loss=at[0].loss,
        claims=tuple(verdicts),
        completeness=counted,
    )


class Points:
    """Random arguments of a step, by number; the first at those that are given."""

    def __init__(self, program: StepProgram, given: Given, seed: int):
        self.program = program
        self.seed = seed
        self.given = _fitting(program, given)
        self.limits = index_ranges(program.text, program._entry)
        for i, value in self.given.items():  # the user's own indices say what is valid
            if value.dtype.kind in "iu" and value.size:
                self.limits[i] = max(int(value.max()) + 1, 1)
        self.style = STYLES[0]

    def values(self, number: int) -> list[np.ndarray]:
        """The arguments of a point."""
        rng = np.random.default_rng([self.seed, number])
        values = random_arguments(self.program, self.limits, rng, self.style)
        for i, value in self.given.items():
            # Parameters and the batch differ from point to point; what the user gives as state or rate stays.
            if number == 0 or self.program.arguments[i].role in ("state", "hyper", "rng"):
                values[i] = value
        return values

    def point(self, number: int) -> Point:
        """A point, with the loss there.

        Raises:
            UnsupportedStep: if the loss is not finite for any kind of random data.
        """
        for style in STYLES[STYLES.index(self.style) :]:
            self.style = style
            values = self.values(number)
            loss = self.program.loss(values)
            if math.isfinite(loss):
                rng = np.random.default_rng([self.seed, number, 1])
                point = Point(self.program, values, loss, rng)
                point.noise = rounding_noise(point, self.program.loss, loss, point.parameters, samples=4)
                return point
        raise UnsupportedStep(f"the loss is {loss} at random arguments: give arguments at which it is finite")


def _fitting(program: StepProgram, given: Given) -> dict[int, np.ndarray]:
    """The arguments that are given as arrays, in the types of what runs, by number.

    Raises:
        NoetherError: if they do not fit the step.
    """
    if not given:
        return {}
    if isinstance(given, Mapping):
        numbers = {argument.name: i for i, argument in enumerate(program.arguments)}
        numbers |= {str(i): i for i in range(len(program.arguments))}
        unknown = [name for name in given if str(name) not in numbers]
        if unknown:
            raise NoetherError(f"the step has no argument {unknown[0]}")
        places = {numbers[str(name)]: value for name, value in given.items()}
    elif len(given) != len(program.arguments):
        raise NoetherError(f"{len(given)} arguments are given, and the step has {len(program.arguments)}")
    else:
        places = dict(enumerate(given))
    return {
        i: _array(value, program.arguments[i])
        for i, value in places.items()
        if value is not None and not isinstance(value, jax.ShapeDtypeStruct)
    }


def _array(value: Any, argument: Argument) -> np.ndarray:
    if jax.dtypes.issubdtype(getattr(value, "dtype", np.float32), jax.dtypes.prng_key):
        value = jax.random.key_data(value)
    array = np.asarray(value)
    if array.shape != argument.shape:
        raise NoetherError(f"{argument.name} has the shape {list(argument.shape)}, and what is given {list(array.shape)}")
    return array.astype(argument.dtype)
