# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`noether_mlir.jit`: a drop-in for `jax.jit` that tracks charges and runs the step in adaptive form."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from noether_mlir import kernels as own_kernels
from noether_mlir.adaptive import Polar, is_polar
from noether_mlir.errors import NoetherError, UnsupportedStep
from noether_mlir.lowering import LoweredStep, lower_to_text, plain_step, step_name
from noether_mlir.module_steps import runner_for
from noether_mlir.predictions import Predicted, advance
from noether_mlir.primitive import ModuleFunction, call
from noether_mlir.roles import parameter_names, static_positions
from noether_mlir.tool import run_tool


_UNKNOWN: Any = object()


class Charges(NamedTuple):
    """The Noether charge of one symmetry, measured inside one step. Each entry has one number per block.

    For a generator A of the symmetry (theta -> exp(s A) theta) at parameters theta and gradient g:

    Attributes:
        charge: theta^T A theta before the step: |w|^2 for a scale symmetry, |w1|^2 - |w2|^2 for a rescale pair.
        identity: theta^T A g, zero up to rounding if g is the gradient of the loss: each step re-checks the claim.
        gradient_norm: g^T A g.
        next_charge: theta^T A theta after the step.
        predicted: with `track="predict"`, what the law of the charge says, where it has one.

    A translation w -> w + s n, which is tracked where it is predicted, has the sum of the parameters along n for a
    charge, and that of the gradients for the identity.

    Source: Kunin et al., Neural Mechanics (2021), section 3; Tanaka and Kunin, Noether's Learning Dynamics (2021).
    """

    charge: Any = None
    identity: Any = None
    gradient_norm: Any = None
    next_charge: Any = None
    predicted: Predicted | None = None


@dataclass(frozen=True)
class AdaptedBlock:
    """One gauge-fixed symmetry of a rewritten step, by position in its entry function."""

    symmetry: str
    argument: int
    result: int
    parameters: tuple[int, ...]
    states: tuple[int, ...]


@dataclass(frozen=True)
class Program:
    """A step after the compiler: the module and what its arguments and results are."""

    module: ModuleFunction
    out_tree: Any
    out_avals: tuple[Any, ...]
    results: tuple[Any, ...]
    blocks: tuple[AdaptedBlock, ...]
    carried_to: Mapping[int, int]
    charges: tuple[tuple[str, str], ...]
    arguments: int
    name: str
    labels: Mapping[str, str]

    def unpack(self, leaves: Sequence[Any]) -> list[Any]:
        """The entry function's arguments from the step's leaves: directions, then radii."""
        values = [leaf.direction if is_polar(leaf) else leaf for leaf in leaves]
        for block in self.blocks:
            holder = leaves[block.parameters[0]]
            if not is_polar(holder) or block.symmetry not in holder.radius:
                raise NoetherError(
                    f"parameter {block.parameters[0]} is not in adaptive form for {block.symmetry}: pass either plain"
                    " arrays everywhere, or what this step returned"
                )
            values.append(holder.radius[block.symmetry])
        return values

    def pack(self, values: Sequence[Any], radii: Mapping[str, Any], positions: Mapping[int, int]) -> list[Any]:
        """`values` with a `Polar` in the place of each adapted parameter; `positions` maps entry arguments to
        places in `values`."""
        packed = list(values)
        held: dict[int, dict[str, Any]] = {}
        for block in self.blocks:
            for argument in block.parameters:
                if argument in positions:
                    held.setdefault(positions[argument], {})[block.symmetry] = radii[block.symmetry]
        for place, radius in held.items():
            packed[place] = Polar(packed[place], radius)
        return packed

    def run(self, leaves: Sequence[Any], since: Mapping[str, Charges] | None = None) -> tuple[Any, dict[str, Charges]]:
        """One step on traced values: what the step returns, and its charges by symmetry. Predictions go on from
        the charges `since`."""
        results = call(self.module, self.unpack(leaves), self.results, self.name)
        count = len(self.out_avals)
        radii = {block.symmetry: results[block.result] for block in self.blocks}
        out = jax.tree.unflatten(self.out_tree, self.pack(results[:count], radii, self.carried_to))
        measured: dict[str, dict[str, Any]] = {}
        start = len(results) - len(self.charges)
        for (symmetry, quantity), value in zip(self.charges, results[start:]):
            measured.setdefault(symmetry, {})[quantity] = value
        return out, {symmetry: self.charges_of(symmetry, parts, since) for symmetry, parts in measured.items()}

    def charges_of(self, symmetry: str, parts: Mapping[str, Any], since: Mapping[str, Charges] | None) -> Charges:
        """What was measured of one symmetry, and what is predicted of it."""
        known = {name: value for name, value in parts.items() if name in Charges._fields}
        if symmetry not in self.labels:
            return Charges(**known)
        last = since[symmetry].predicted if since else None
        return Charges(**known, predicted=advance(parts, last.memory if last else None))

    def adapt(self, leaves: Sequence[Any]) -> list[Any]:
        """The step's plain leaves in adaptive form."""
        if not self.blocks:
            return list(leaves)
        function = self.module.other("noether_adapt")
        avals = [jax.typeof(leaf) for leaf in leaves]
        results = call(function, leaves, [*avals, *function.signature.results[len(avals) :]], f"{self.name}_adapt")
        radii = {block.symmetry: results[block.argument] for block in self.blocks}
        return self.pack(results[: len(avals)], radii, {i: i for i in range(len(avals))})

    def restore(self, leaves: Sequence[Any]) -> list[Any]:
        """The inverse of `adapt`."""
        if not self.blocks:
            return list(leaves)
        function = self.module.other("noether_restore")
        values = self.unpack(leaves)
        avals = [jax.typeof(value) for value in values[: self.arguments]]
        return call(function, values, avals, f"{self.name}_restore")


def _shape(leaf: Any) -> Any:
    return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) if hasattr(leaf, "dtype") else leaf


def _zeros(tree: Any) -> Any:
    """Arrays of the shapes that `_shape` took, in the place of arguments whose values do not matter."""
    is_shape = lambda leaf: isinstance(leaf, jax.ShapeDtypeStruct)
    return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype) if is_shape(leaf) else leaf, tree)


def _flatten(tree: Any) -> tuple[list[Any], Any]:
    return jax.tree.flatten(tree, is_leaf=is_polar)


def _has_polar(tree: Any) -> bool:
    return any(map(is_polar, jax.tree.leaves(tree, is_leaf=is_polar)))


def _read_program(module: ModuleFunction, lowered: LoweredStep) -> Program:
    """Reads what the compiler's attributes say about a transformed module."""
    signature, out_avals = module.signature, lowered.out_avals
    blocks = tuple(
        AdaptedBlock(
            symmetry=entry["symmetry"],
            argument=entry["argument"],
            result=entry["result"],
            parameters=tuple(entry["parameters"]),
            states=tuple(entry.get("states") or ()),
        )
        for entry in signature.attributes.get("noether.adaptive") or ()
    )
    charges = tuple(
        tuple(attributes["noether.name"].rsplit(".", 1))
        for attributes in signature.result_attributes
        if attributes.get("noether.role") == "charge"
    )
    count = len(out_avals)
    if len(signature.results) != count + len(blocks) + len(charges):
        raise NoetherError(
            f"the compiler returned {len(signature.results)} results where {count} of the step, {len(blocks)} radii and"
            f" {len(charges)} charges were expected"
        )
    for position, (theirs, ours) in enumerate(zip(signature.results, out_avals)):
        if not jax.dtypes.issubdtype(ours.dtype, jax.dtypes.extended) and (theirs.shape, theirs.dtype) != (
            ours.shape,
            ours.dtype,
        ):
            raise NoetherError(f"the compiler changed the type of result {position}: {ours} became {theirs}")
    return Program(
        module=module,
        out_tree=lowered.out_tree,
        out_avals=out_avals,
        results=(*out_avals, *signature.results[count:]),
        blocks=blocks,
        carried_to={
            position: attributes["noether.carried_to"]
            for position, attributes in enumerate(signature.argument_attributes)
            if attributes.get("noether.carried_to") is not None
        },
        charges=charges,  # type: ignore[arg-type]
        arguments=len(signature.arguments) - len(blocks),
        name=lowered.name,
        labels=dict(signature.attributes.get("noether.predictions") or {}),
    )


class JittedStep:
    """A training step compiled with Noether's passes; `noether_mlir.jit` makes it.

    Called like the step. `lower`, `trace` and `eval_shape` are those of the `jax.jit` around it.

    Attributes:
        rewrite: the rewrite that is applied, or None.
        charges: with `charges="attribute"`, the charges of the last call (a dictionary of `Charges` by symmetry),
            on the device: reading it here does not wait for the step.
        prediction_labels: with `track="predict"`, how far to trust the prediction of each symmetry that has one:
            "exact" (up to rounding) or "leading order"; known after the first call.
    """

    def __init__(
        self,
        step: Callable[..., Any],
        *,
        track: bool | Literal["predict"],
        rewrite: Literal["adaptive"] | None,
        eps: Literal["exact", "keep"],
        charges: Literal["return", "attribute"],
        kernels: bool,
        roles: Any,
        static_argnums: Any,
        static_argnames: Any,
        **options: Any,
    ):
        if not callable(step):
            raise NoetherError(f"a step must be a function, not {type(step).__name__}")
        if rewrite not in (None, "adaptive"):
            raise NoetherError(f'unknown rewrite {rewrite!r}: it is None or "adaptive"')
        if eps not in ("exact", "keep"):
            raise NoetherError(f'unknown eps {eps!r}: it is "exact" or "keep"')
        if track not in (False, True, "predict"):
            raise NoetherError(f'unknown track {track!r}: it is True, False or "predict"')
        if track == "predict" and rewrite:
            raise NoetherError('track="predict" is of a step as it is: it cannot be given with a rewrite')
        if track == "predict" and options.get("in_shardings") is not None:
            raise UnsupportedStep(
                'in_shardings cannot be given with track="predict", which has an argument of its own: shard the'
                " arguments with jax.device_put, their shardings are kept"
            )
        if charges not in ("return", "attribute"):
            raise NoetherError(f'unknown charges {charges!r}: it is "return" or "attribute"')
        if rewrite and options.get("in_shardings") is not None:
            raise UnsupportedStep(
                "in_shardings cannot be given with a rewrite, since adapted parameters have another structure: shard"
                " the arguments with jax.device_put, their shardings are kept"
            )
        #: For steps with modules among their arguments, which are compiled as functions of the arrays in them.
        self.given, self.options = step, {
            "track": track, "rewrite": rewrite, "eps": eps, "charges": charges, "kernels": kernels, "roles": roles,
            "static_argnums": static_argnums, "static_argnames": static_argnames, **options,
        }  # fmt: skip
        self.runner: Any = _UNKNOWN
        self._step = plain_step(step)
        self._track = bool(track)
        self._predict = track == "predict"
        self.prediction_labels: dict[str, str] = {}
        self.rewrite = rewrite
        self._eps = eps
        self._charges = charges
        self._kernels = kernels
        self._roles = roles
        self._static = {"static_argnums": static_argnums, "static_argnames": static_argnames}
        self._returns_charges = track
        self._programs: dict[Any, Program] = {}
        self._seen: tuple[Any, ...] = ()
        self._transform = functools.lru_cache(maxsize=None)(self._run_compiler)
        self.charges: dict[str, Charges] = {}

        if track and options.get("out_shardings") is not None:
            options["out_shardings"] = (options["out_shardings"], None)
        donate = {name: options[name] for name in ("donate_argnums", "donate_argnames") if name in options}
        self._jitted = jax.jit(self._named(self._call), **self._static, **options)
        self._adapt = jax.jit(self._named(self._call_adapt), **self._static)
        self._adapt_donated = jax.jit(self._named(self._call_adapt), **self._static, **donate)
        self._restore = jax.jit(self._named(self._call_restore), **self._static)
        functools.update_wrapper(self, self._step, updated=())

    def _named(self, method: Callable[..., Any]) -> Callable[..., Any]:
        """`method` with the step's name and signature, from which JAX takes argument names and static ones."""

        def function(*args: Any, **kwargs: Any) -> Any:
            return method(*args, **kwargs)

        functools.update_wrapper(function, self._step, updated=())
        function.__name__ = step_name(self._step)
        return function

    # The passes.

    def _passes(self) -> list[str]:
        passes = []
        if self.rewrite:
            passes.append(f"--noether-rewrite-adaptive=eps={self._eps}")
        if self._track:
            predict = "=predict=true" if self._predict else ""
            passes += [f"--noether-track-charges{predict}", "--noether-lower-charges"]
        if self._kernels:
            passes += own_kernels.PASSES
        return [*passes, "--mlir-print-op-generic", "--mlir-print-debuginfo"]

    def _run_compiler(self, text: str) -> str:
        if not self.rewrite and not self._track and not self._kernels:
            return text
        if self._kernels:
            own_kernels.check_step(text)
            own_kernels.register_with_jax()
        return run_tool(self._passes(), text, step_name(self._step))

    def _split(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, Callable[[Any], Any]]:
        """The dynamic part of the arguments as one pytree, and how to put another in its place."""
        static = static_positions(self._step, len(args), **self._static)
        names = parameter_names(self._step)
        by_name = self._static["static_argnames"] or ()
        static_names = {by_name} if isinstance(by_name, str) else set(by_name)
        static_names |= {names[position] for position in static if position < len(names)}
        positions = [position for position in range(len(args)) if position not in static]
        keys = sorted(key for key in kwargs if key not in static_names)

        def rebuild(dynamic: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
            new, named = list(args), dict(kwargs)
            for position, value in zip(positions, dynamic[0]):
                new[position] = value
            named.update(dynamic[1])
            return tuple(new), named

        return (tuple(args[position] for position in positions), {key: kwargs[key] for key in keys}), rebuild

    def _program(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Program, list[Any], Any]:
        """The compiled program for these (traced) arguments, their leaves, and how to rebuild them."""
        dynamic, rebuild = self._split(args, kwargs)
        leaves, tree = _flatten(dynamic)
        plain = jax.tree.unflatten(tree, [leaf.direction if is_polar(leaf) else leaf for leaf in leaves])
        new_args, new_kwargs = rebuild(plain)
        self._seen = jax.tree.map(lambda leaf: leaf if leaf is None else _shape(leaf), new_args)
        lowered = lower_to_text(self._step, new_args, new_kwargs, roles=self._roles, **self._static)
        if lowered.ordered:
            raise UnsupportedStep(
                "the step has ordered side effects (jax.debug.print or io_callback with ordered=True), which a"
                " rewritten module cannot keep in order: use ordered=False"
            )
        key = (lowered.text, lowered.out_tree, lowered.out_avals, lowered.callbacks)
        if key not in self._programs:
            module = ModuleFunction(self._transform(lowered.text), "main", lowered.callbacks)
            self._programs[key] = _read_program(module, lowered)
        return self._programs[key], leaves, (tree, rebuild)

    # What JAX traces.

    def _call(self, *args: Any, **kwargs: Any) -> Any:
        since = kwargs.pop("predict_from", None) if self._predict else None
        program, leaves, _ = self._program(args, kwargs)
        if program.blocks and not any(map(is_polar, leaves)):
            leaves = program.adapt(leaves)
        self.prediction_labels = dict(program.labels)
        out, charges = program.run(leaves, since)
        return (out, charges) if self._track else out

    def _call_adapt(self, *args: Any, **kwargs: Any) -> Any:
        program, leaves, (tree, _) = self._program(args, kwargs)
        return jax.tree.unflatten(tree, program.adapt(leaves))

    def _call_restore(self, *args: Any, **kwargs: Any) -> Any:
        program, leaves, (tree, _) = self._program(args, kwargs)
        return jax.tree.unflatten(tree, program.restore(leaves))

    # What users call.

    @property
    def has_static(self) -> bool:
        """Whether some arguments are part of the program."""
        return any(value is not None for value in self._static.values())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.runner is _UNKNOWN:  # known from the first call
            self.runner = runner_for(self, args, kwargs)
        if self.runner is not None:
            return self.runner(args, kwargs)
        if self.rewrite and not _has_polar((args, kwargs)):
            _, rebuild = self._split(args, kwargs)
            args, kwargs = rebuild(self._adapt_donated(*args, **kwargs))
        if self._predict and self._charges == "attribute" and self.charges:
            kwargs.setdefault("predict_from", self.charges)
        out = self._jitted(*args, **kwargs)
        if not self._track or self._charges == "return":
            return out
        out, charges = out
        if not any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(charges)):
            self.charges = charges
        return out

    def adapt(self, *args: Any, **kwargs: Any) -> Any:
        """The same arguments with the weights in adaptive form: each adapted one a `Polar`, optimizer states and
        running statistics transported with their degrees. Arguments that are adapted already stay as they are.
        Once the step has been called, arguments at the end that carry nothing to adapt (the batch) may be left out.

        Returns:
            A tuple of the positional arguments; with keyword arguments, that tuple and the dictionary.
        """
        return self._map(self._adapt, False, args, kwargs)

    def restore(self, *args: Any, **kwargs: Any) -> Any:
        """The inverse of `adapt`: plain arrays again, such as checkpoints of the original step hold.

        As there, arguments at the end that carry nothing adapted may be left out.
        """
        return self._map(self._restore, True, args, kwargs)

    def _map(self, function: Any, adapted: bool, args: Any, kwargs: Any) -> Any:
        if not self.rewrite:
            raise NoetherError('only a step made with rewrite="adaptive" has an adaptive form')
        count = len(args)
        if _has_polar((args, kwargs)) == adapted:
            args = (*args, *map(_zeros, self._seen[count:]))
            _, rebuild = self._split(args, kwargs)
            args, kwargs = rebuild(function(*args, **kwargs))
        return (tuple(args[:count]), kwargs) if kwargs else tuple(args[:count])

    def lower(self, *args: Any, **kwargs: Any) -> Any:
        """As `jax.jit(step).lower`, of the transformed step."""
        return self._jitted.lower(*args, **kwargs)

    def trace(self, *args: Any, **kwargs: Any) -> Any:
        """As `jax.jit(step).trace`, of the transformed step."""
        return self._jitted.trace(*args, **kwargs)

    def eval_shape(self, *args: Any, **kwargs: Any) -> Any:
        """As `jax.jit(step).eval_shape`, of the transformed step."""
        return self._jitted.eval_shape(*args, **kwargs)

    def clear_cache(self) -> None:
        """Forgets every compiled program."""
        self._programs.clear()
        self._transform.cache_clear()
        for jitted in (self._jitted, self._adapt, self._adapt_donated, self._restore):
            jitted.clear_cache()  # type: ignore[attr-defined]


def jit(
    step: Callable[..., Any] | None = None,
    *,
    track: bool | Literal["predict"] = False,
    rewrite: Literal["adaptive"] | None = None,
    eps: Literal["exact", "keep"] = "exact",
    charges: Literal["return", "attribute"] = "return",
    kernels: bool = False,
    roles: Any = None,
    static_argnums: Any = None,
    static_argnames: Any = None,
    **options: Any,
) -> Any:
    """Compiles a training step as `jax.jit` does, with its symmetries tracked or put to use.

    For each signature the step is lowered once, transformed by `noether-opt`, and spliced into the program that
    `jax.jit` compiles; donation and shardings are kept.

    Args:
        step: a function of pytrees of arrays which returns the next parameters and states, and a loss. Of a function
            that is jitted already, the plain function inside is taken: give its options here. In the place of `nnx.jit` it
            takes flax.nnx modules, and changes them; in the place of `equinox.filter_jit`, Equinox's.
        track: also measure the Noether charge of each symmetry, within the step's own pass over the parameters.
            "predict" also runs the law of each charge beside it (`Charges.predicted`): a prediction starts where it is
            measured, and goes on from the charges that are passed as `predict_from=charges`; with
            `charges="attribute"` it goes on by itself.
        rewrite: "adaptive" runs the step on directions and radii instead of scale-invariant weights: their update is
            that of the direction with learning rate eta/r^2 (for SGD), and one recurrence for r; equal to the original
            step up to rounding. Results then have a `Polar` where such a weight was; plain arguments are adapted at
            the first call, and `restore` gives plain ones back.
        eps: with a rewrite, "exact" scales the epsilons of normalisations along with r^2, "keep" leaves them constant.
        charges: "return" returns `(out, charges)`, "attribute" returns `out` and sets `.charges`.
        kernels: run the update in kernels of our own, in place where arguments are donated: one pass over memory for
            all parameters and their charges. Numbers narrower than f32 are computed with in f32 and rounded once. On the
            CPU only.
        roles: see `analyze`.
        static_argnums, static_argnames: as for `jax.jit`.
        options: further options of `jax.jit`, such as `donate_argnums` and `out_shardings`.

    Returns:
        A `JittedStep`; without `step`, a decorator.

    Raises:
        NoetherError: for options that do not exist; `UnsupportedStep` at the first call if the step calls back into
            Python, `NotATrainingStep` if it is no training step.

    Source: Tanaka and Kunin, Noether's Learning Dynamics (2021), eq. (2) and section 4, in its exact discrete form.
    """
    chosen = {
        "track": track, "rewrite": rewrite, "eps": eps, "charges": charges, "kernels": kernels,
        "roles": roles,
        "static_argnums": static_argnums, "static_argnames": static_argnames, **options,
    }  # fmt: skip
    if step is None:
        return functools.partial(jit, **chosen)
    return JittedStep(step, **chosen)
