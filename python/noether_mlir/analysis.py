# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the analysis of a training step says, as Python values. They mirror the JSON object; see `schema.json`."""

import dataclasses
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from noether_mlir.errors import MissingDependency, NoetherError
from noether_mlir.lowering import read_step
from noether_mlir.tool import run_tool


@dataclass(frozen=True)
class Obstruction:
    """An operation whose equation leaves a parameter no symmetry."""

    op: str = ""
    location: str = ""
    says: str = ""


@dataclass(frozen=True)
class Parameter:
    """A parameter of the step.

    Attributes:
        name: its pytree path. argument: its number among the entry function's arguments. shape, dtype: its type.
        role_decided_by: "data flow", "name", "attribute" or "caller".
        symmetries: ids of the symmetries that move it.
        dead: the loss does not depend on it at all.
        invariant_unit: "tensor", "axes [1]" or "none": the finest block that is scale-invariant on its own.
    """

    name: str = ""
    argument: int = -1
    shape: tuple[int, ...] = ()
    dtype: str = ""
    role: str = "param"
    role_decided_by: str = ""
    symmetries: tuple[str, ...] = ()
    dead: bool = False
    invariant_unit: str = "none"
    no_symmetry_because: tuple[Obstruction, ...] = ()


@dataclass(frozen=True)
class Member:
    """How one parameter moves: w -> exp(exponent * s) w, s a function of the index along `axes` (none: a number); for
    a translation w -> w + exponent * t; for a group of matrices M acts along the one axis of `axes`.

    Attributes:
        side: of groups of matrices: "direct" (M acts) or "inverse_transpose".
        block_axes: along which the matrix or the permutation varies.
        view: the shape that `axes` speak of, where it is not the parameter's own ([h*d] seen as [h, d]); else empty.
        offsets, sizes: the part of the view that moves, where it is not all of it; else empty.
    """

    parameter: str = ""
    exponent: Fraction = Fraction(0)
    axes: tuple[int, ...] = ()
    side: str | None = None
    block_axes: tuple[int, ...] = ()
    view: tuple[int, ...] = ()
    offsets: tuple[int, ...] = ()
    sizes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Indexed:
    """A parameter with an index for each axis: equal numbers are one index, the first ones those of the block's axes.

    Attributes:
        indices: by axis of the view; None where there is none.
        view, offsets, sizes: as those of a member.
    """

    parameter: str = ""
    indices: tuple[int | None, ...] = ()
    view: tuple[int, ...] = ()
    offsets: tuple[int, ...] = ()
    sizes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Absorber(Indexed):
    """A parameter that takes up a shift t of others, once parameters have multiplied it.

    It is shifted by exponent * number * (t times the factors, summed over the indices that it does not have).
    """

    exponent: Fraction = Fraction(0)
    number: float = 1.0
    factors: tuple[Indexed, ...] = ()


@dataclass(frozen=True)
class Spurion:
    """A constant that breaks a symmetry explicitly; with this log-scale degree of its own it would not."""

    constant: float | None = None
    degree: Fraction = Fraction(0)
    op: str = ""
    location: str = ""


@dataclass(frozen=True)
class Equation:
    """One step of a derivation: the equations that an operation puts on log-scales.

    Attributes:
        path: where the operation stands in the expanded step. rule: what is known of it.
        holds: the equations with the degrees of this symmetry in them. note: in other families, what it does.
    """

    op: str = ""
    location: str = ""
    equation: str = ""
    path: str = ""
    rule: str = ""
    holds: str = ""
    note: str = ""


@dataclass(frozen=True)
class Conserved:
    """How many independent quantities a group of matrices conserves under gradient flow, and under flow with momentum
    (where they fade with the friction)."""

    gradient_flow: int = 0
    momentum_flow: int = 0


@dataclass(frozen=True)
class Symmetry:
    """A family of transformations of the parameters that leaves the loss unchanged.

    Attributes:
        family: "scale", "rescale", "translation", "affine", "general_linear", "orthogonal", "complex_linear" or
            "permutation".
        absorbers: of an affine symmetry, the parameters that take up the members' shift.
        dimension: the number of independent one-parameter symmetries; 0 for a permutation, which has an `order`.
        exact: whether it holds with every constant as it is; else `broken_by` says which constants break it.
        block_shape: the shape of its charge: one size for each axis of its members; () for a number.
        traceless: only functions with zero mean along every block axis are symmetries.
        undescribed: the scale varies over the members in a way that no axes tell: no one element is given.
        charge: its Noether charge, in words.
        conserved: of groups of matrices, how much they conserve.
    """

    id: str = ""
    family: str = ""
    members: tuple[Member, ...] = ()
    absorbers: tuple[Absorber, ...] = ()
    block_shape: tuple[int, ...] = ()
    traceless: bool = False
    undescribed: bool = False
    dimension: int = 0
    order: str | None = None
    exact: bool = True
    broken_by: tuple[Spurion, ...] = ()
    charge: str = ""
    conserved: Conserved | None = None
    derivation: tuple[Equation, ...] = ()


@dataclass(frozen=True)
class Dimension:
    """How many independent continuous symmetries there are. None: not counted.

    Attributes:
        torus: scale and rescale, small constants promoted to spurions. torus_exact: with every constant as it is.
        translation: translations. affine: shifts that other parameters take up. linear: all continuous families together, none counted twice.
    """

    torus: int | None = None
    torus_exact: int | None = None
    translation: int | None = None
    affine: int | None = None
    linear: int | None = None


@dataclass(frozen=True)
class Law:
    """What kinetic symmetry breaking makes of one hyperparameter: `eta_eff = eta / r^2`.

    Attributes:
        parameter: the member of the symmetry whose update it is the law of.
        value: of the hyperparameter, where it is a constant of the step. degree: the power of r it is divided by.
    """

    parameter: str = ""
    hyperparameter: str = ""
    value: float | None = None
    degree: Fraction = Fraction(0)
    text: str = ""


@dataclass(frozen=True)
class StateDegree:
    """The log-scale degree of an optimizer state or a running statistic under a symmetry."""

    name: str = ""
    degree: Fraction = Fraction(0)


@dataclass(frozen=True)
class Break:
    """A term of the update that no degrees save; or, where it is not known to break anything, why nothing is claimed."""

    op: str = ""
    location: str = ""
    why: str = ""
    known: bool = True


@dataclass(frozen=True)
class Quantity:
    """A number, or a law, that follows from how the update moves the members of a symmetry.

    Attributes:
        text: what it is. label: "exact", "leading order" or "needs gradient statistics".
    """

    name: str = ""
    value: float | None = None
    text: str = ""
    label: str = ""


@dataclass(frozen=True)
class Motion:
    """How each member of a symmetry moves: x' = A x + b g for x = (parameter, buffers), entry by entry.

    Attributes:
        driven_by: "gradient", "normalized" (by its size, entry by entry: g is then in units of it) or "sign".
        transition, drive: A and b; empty where not all numbers are known.
    """

    driven_by: str = ""
    buffers: tuple[str, ...] = ()
    transition: tuple[tuple[float, ...], ...] = ()
    drive: tuple[float, ...] = ()


@dataclass(frozen=True)
class Prediction:
    """What follows from the law. Units: steps for the time constant, radians per step for the rotation, and those of
    the parameter for the norm. `label` is "exact", "leading order" or "needs gradient statistics", and speaks of these
    three; each of the other `quantities` has its own."""

    equilibrium_norm: float | None = None
    time_constant_steps: float | None = None
    rotation_per_step: float | None = None
    label: str = ""
    motion: Motion | None = None
    quantities: tuple[Quantity, ...] = ()

    def quantity(self, name: str) -> Quantity | None:
        """The quantity of this name, if it is known."""
        return next((quantity for quantity in self.quantities if quantity.name == name), None)


@dataclass(frozen=True)
class Kinetics:
    """How the optimizer treats one symmetry.

    Attributes:
        equivariant: the update commutes with the symmetry. ksb: kinetic symmetry breaking: it does not, unless
            hyperparameters are scaled along, which is what `laws` say.
        keeps: of matrices and shifts, the family that the update commutes with ("orthogonal" of a general linear
            group); "" for none.
        factor: of a translation that is not kept, what the shift is multiplied by at each step, where that is all.
    """

    symmetry: str = ""
    equivariant: bool = False
    ksb: bool = False
    keeps: str = ""
    factor: str = ""
    laws: tuple[Law, ...] = ()
    states: tuple[StateDegree, ...] = ()
    breaks: tuple[Break, ...] = ()
    prediction: Prediction | None = None


@dataclass(frozen=True)
class Lint:
    """A remark on the training recipe that follows from the symmetries; `code` is stable."""

    code: str = ""
    severity: str = "warning"
    parameter: str = ""
    message: str = ""
    location: str = ""
    help: str = ""


@dataclass(frozen=True)
class UnknownOperation:
    """An operation without a rule: nothing is claimed through it."""

    op: str = ""
    location: str = ""


@dataclass(frozen=True)
class Analysis:
    """Everything the analysis says about a step. Print it, or show it in a notebook, for a table.

    Attributes:
        gradient_mismatches: where what the update uses cannot be the gradient of this loss.
        data: the JSON object, as the compiler wrote it.
    """

    schema_version: int = 1
    tool_version: str = ""
    entry: str = ""
    source: str = ""
    parameters: tuple[Parameter, ...] = ()
    symmetries: tuple[Symmetry, ...] = ()
    dimension: Dimension = Dimension()
    kinetics: tuple[Kinetics, ...] = ()
    gradient_mismatches: tuple[Break, ...] = ()
    lints: tuple[Lint, ...] = ()
    unknown_operations: tuple[UnknownOperation, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_json(cls, data: str | Mapping[str, Any]) -> "Analysis":
        """Reads the JSON object. Keys that this version does not know are kept in `data`.

        Raises:
            NoetherError: if it is not such an object.
        """
        try:
            parsed = json.loads(data) if isinstance(data, str) else dict(data)
            if not isinstance(parsed, dict) or parsed.get("schema_version") != 1:
                raise ValueError("schema_version is not 1")
            return dataclasses.replace(_build(cls, parsed), data=parsed)
        except (ValueError, TypeError, AttributeError, ZeroDivisionError) as error:
            raise NoetherError(f"not an analysis in JSON: {error}") from None

    def json(self, indent: int | None = 2) -> str:
        """The JSON object, as the compiler wrote it."""
        return json.dumps(self.data, indent=indent, ensure_ascii=False)

    def parameter(self, name: str) -> Parameter:
        """The parameter of this name. Raises `KeyError` if there is none."""
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        raise KeyError(name)

    def kinetics_of(self, symmetry: str) -> Kinetics | None:
        """How the optimizer treats the symmetry of this id, if that is known."""
        return next((entry for entry in self.kinetics if entry.symmetry == symmetry), None)

    def __str__(self) -> str:
        from noether_mlir.table import to_text

        return to_text(self)

    def __rich_console__(self, console: Any, options: Any) -> Any:
        from noether_mlir.table import render

        yield from render(self)

    def _repr_html_(self) -> str:
        from noether_mlir.report import to_notebook
        from noether_mlir.table import to_html

        try:
            return to_notebook(self)
        except MissingDependency:
            return to_html(self)


@cache
def _fields(cls: type) -> tuple[tuple[str, Any], ...]:
    hints = get_type_hints(cls)
    return tuple((item.name, hints[item.name]) for item in dataclasses.fields(cls) if item.name != "data")


def _build(cls: type, data: Mapping[str, Any]) -> Any:
    return cls(**{name: _convert(hint, data[name]) for name, hint in _fields(cls) if data.get(name) is not None})


def _convert(hint: Any, value: Any) -> Any:
    if get_origin(hint) is tuple:
        return tuple(_convert(get_args(hint)[0], item) for item in value)
    if type(None) in get_args(hint):
        return None if value is None else _convert(get_args(hint)[0], value)
    if dataclasses.is_dataclass(hint):
        return _build(hint, value)  # type: ignore[arg-type]
    if hint is Fraction:
        return Fraction(str(value))
    if hint is float:
        return float(value)
    return value


def schema() -> dict[str, Any]:
    """The JSON Schema of the object that `noether analyze --format=json` prints."""
    return json.loads(resources.files("noether_mlir").joinpath("schema.json").read_text())


def numbers_with(known: Mapping[str, float], given: Mapping[str, float] | None) -> dict[str, float]:
    """The numbers that a step comes with, and in their places those that are given, also by the last keys of names."""
    given = dict(given or {})
    names = lambda key, name: name == key or name.endswith((f"['{key}']", f".{key}"))
    kept = {name: number for name, number in known.items() if not any(names(key, name) for key in given)}
    return {**kept, **given}


def analyze_text(
    text: str | bytes,
    source: str,
    *,
    spurion_threshold: float | None = None,
    derivations: bool = False,
    numbers: Mapping[str, float] | None = None,
    gradient_norm: float | None = None,
) -> Analysis:
    """Analyses a module in generic form; see `analyze`."""
    with tempfile.TemporaryDirectory(prefix="noether-") as folder:
        report = Path(folder) / "report.json"
        options = [f"json={report}"]
        if spurion_threshold is not None:
            options.append(f"spurion-threshold={spurion_threshold!r}")
        if derivations:
            options.append("derivations=true")
        if numbers or gradient_norm is not None:
            given = Path(folder) / "numbers.json"
            given.write_text(json.dumps({"arguments": dict(numbers or {}), "gradient_norm": gradient_norm}))
            options.append(f"numbers={given}")
        run_tool([f"--noether-report={' '.join(options)}", "-o", "/dev/null"], text, source)
        try:
            # Positions in the text itself, which the compiler reads from standard input.
            named = json.dumps(source, ensure_ascii=False)[:-1]
            data = json.loads(report.read_text(encoding="utf-8").replace('"<stdin>:', f"{named}:"))
        except (OSError, ValueError) as error:
            raise NoetherError(f"the compiler wrote no readable report for {source}: {error}") from None
    data["source"] = source
    return Analysis.from_json(data)


def analyze(
    step: Any,
    *args: Any,
    roles: Any = None,
    spurion_threshold: float | None = None,
    derivations: bool = False,
    numbers: Mapping[str, float] | None = None,
    gradient_norm: float | None = None,
    static_argnums: Any = None,
    static_argnames: Any = None,
    **kwargs: Any,
) -> Analysis:
    """Finds the symmetries of a training step and how its optimizer breaks them. Compiles and runs nothing.

    Args:
        step: a function of `args` (jitted or not, by `nnx.jit` and `equinox.filter_jit` too), which returns the next
            parameters and states, and a loss; or a compiled Keras model; or a `jax.stages.Lowered`, a
            `jax.export.Exported`, MLIR text, or the path of a module.
        args, kwargs: the function's arguments: arrays or `jax.ShapeDtypeStruct`s, flax.nnx modules, Equinox modules. Of a
            Keras model, a batch: x, y, and weights of the samples.
        roles: what arguments are, where that is not to be inferred: one entry per positional argument, or a mapping
            from argument names; an entry is "param", "state", "batch", "hyper" or "rng", a pytree of these, or None.
        spurion_threshold: constants up to this size that stand alone in a sum, comparison or maximum (the epsilons of
            normalisations) are treated as quantities with a scale of their own; symmetries that need it are reported
            as broken by them. Default: the compiler's.
        derivations: also give, for each symmetry, the equations that prove it.
        numbers: for predictions, what arguments (by name, or by the last key of it) are to be taken to be: {"lr": 0.1}.
        gradient_norm: for predictions, the root mean square of |w| |g| for a scale-invariant block.
        static_argnums, static_argnames: as for `jax.jit`.

    Raises:
        NotATrainingStep: if the input cannot be read, or is none; the message names the place.
        MissingDependency: if reading the input needs JAX, which is not installed.
    """
    options = {"roles": roles, "static_argnums": static_argnums, "static_argnames": static_argnames}
    text = read_step(step, args, kwargs, **options)
    return analyze_text(text.text, text.source, spurion_threshold=spurion_threshold, derivations=derivations,
                        numbers=numbers_with(text.numbers, numbers), gradient_norm=gradient_norm)
