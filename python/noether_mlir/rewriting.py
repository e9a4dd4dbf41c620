# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Training steps rewritten by their symmetries, and the maps of their arguments there and back.

What each rewrite claims is said in docs/rewrites.md. The adaptive form has a place of its own in
`noether_mlir.jit`, since there it changes what is in the pytrees.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax

from noether_mlir.errors import NoetherError, UnsupportedStep
from noether_mlir.lowering import LoweredStep, lower_to_text, plain_step
from noether_mlir.passes import pass_pipeline
from noether_mlir.primitive import ModuleFunction, call
from noether_mlir.tool import run_tool


@dataclass(frozen=True)
class Extra:
    """What a rewritten step takes besides the arguments it had.

    Attributes:
        states: arrays that the rewrite carries from step to step, by name (a radius, a count of steps).
        dropped: leaves of the arguments that the step does not need any more, by the number of the leaf.
    """

    states: dict[str, Any]
    dropped: dict[int, Any]


jax.tree_util.register_dataclass(Extra, data_fields=["states", "dropped"], meta_fields=[])


class RewrittenStep:
    """A training step in another form; `noether_mlir.rewrite` makes it.

    It is called with the arguments that `adapt` returns, `(*args, extra)`, and returns what the step did and the next
    `extra`: `(*results, extra)` of a step that returns a tuple, else `(result, extra)`. Leaves that left the step
    are None in arguments and results.

    Attributes:
        text: the rewritten module in generic form.
    """

    def __init__(self, text: str, lowered: LoweredStep, in_tree: Any):
        self.text = text
        self._module = ModuleFunction(text, "main", lowered.callbacks)
        self._name = lowered.name
        self._in_tree, self._out_tree = in_tree, lowered.out_tree
        signature = self._module.signature
        dropped = signature.attributes.get("noether.dropped") or {}
        self._dropped: tuple[int, ...] = tuple(dropped.get("arguments", ()))
        self._dropped_results: tuple[int, ...] = tuple(dropped.get("results", ()))
        self._arguments = in_tree.num_leaves
        self._results = lowered.out_tree.num_leaves
        kept = self._arguments - len(self._dropped)
        self._states = tuple(
            attributes.get("noether.name", f"state {i}")
            for i, attributes in enumerate(signature.argument_attributes[kept:])
        )
        self._out_avals = tuple(
            aval for i, aval in enumerate(lowered.out_avals) if i not in set(self._dropped_results)
        )
        self._run = jax.jit(self._call)
        self._map = jax.jit(self._call_map, static_argnums=0)

    @property
    def dropped(self) -> tuple[int, ...]:
        """The leaves of the arguments that left the step, by number."""
        return self._dropped

    @property
    def changes_arguments(self) -> bool:
        """Whether arguments have another form: else `adapt` and `restore` only add and take away an empty `extra`."""
        return "noether_adapt" in self._module.signatures

    def has(self, function: str) -> bool:
        """Whether the rewrite made a function of the arguments, such as "balance"."""
        return f"noether_{function}" in self._module.signatures

    def _flatten(self, args: Sequence[Any]) -> tuple[list[Any], Extra]:
        """The module's arguments: the kept leaves and the states."""
        if not args or not isinstance(args[-1], Extra):
            raise NoetherError("expected the arguments that adapt returned, or a step's results and the next batch")
        extra = args[-1]
        leaves = iter(jax.tree.leaves(tuple(args[:-1])))
        try:
            kept = [next(leaves) for i in range(self._arguments) if i not in self._dropped]
        except StopIteration:
            raise NoetherError("the arguments have fewer leaves than those of the step that was rewritten") from None
        if next(leaves, None) is not None:
            raise NoetherError("the arguments have more leaves than those of the step that was rewritten")
        return kept + [extra.states[name] for name in self._states], extra

    def _unflatten(self, tree: Any, count: int, gone: Sequence[int], values: Sequence[Any]) -> Any:
        rest = iter(values)
        return jax.tree.unflatten(tree, [None if i in gone else next(rest) for i in range(count)])

    def adapt(self, *args: Any) -> tuple[Any, ...]:
        """The step's arguments in the form of the rewritten one: `(*args, extra)`."""
        if jax.tree.structure(args) != self._in_tree:
            raise NoetherError("expected the arguments of the step that was rewritten")
        if not self.changes_arguments:
            return (*args, Extra({}, {}))
        values = self._map("adapt", jax.tree.leaves(args))
        kept = self._arguments - len(self._dropped)
        states = dict(zip(self._states, values[kept:]))
        dropped = dict(zip(self._dropped, values[kept + len(self._states) :]))
        return (*self._unflatten(self._in_tree, self._arguments, self._dropped, values[:kept]), Extra(states, dropped))

    def restore(self, *args: Any) -> tuple[Any, ...]:
        """The inverse of `adapt`: takes `(*args, extra)`."""
        values, extra = self._flatten(args)
        if not self.changes_arguments:
            return tuple(args[:-1])
        values += [extra.dropped[i] for i in self._dropped]
        return jax.tree.unflatten(self._in_tree, self._map("restore", values))

    def __call__(self, *args: Any) -> tuple[Any, ...]:
        return self._run(*args)

    def move(self, function: str, *args: Any) -> tuple[Any, ...]:
        """The arguments moved along symmetries, by a function that the rewrite made: "balance" or "teleport"."""
        if not self.has(function):
            raise NoetherError(f"the rewrite made no function {function!r}")
        if jax.tree.structure(args) != self._in_tree:
            raise NoetherError("expected the arguments of the step that was rewritten")
        return jax.tree.unflatten(self._in_tree, self._map(function, jax.tree.leaves(args)))

    # What JAX traces.

    def _call_map(self, function: str, values: list[Any]) -> list[Any]:
        other = self._module.other(f"noether_{function}")
        return call(other, values, other.signature.results, f"{self._name}_{function}")

    def _call(self, *args: Any) -> tuple[Any, ...]:
        values, extra = self._flatten(args)
        count = len(self._out_avals)
        results = (*self._out_avals, *self._module.signature.results[count:])
        found = call(self._module, values, results, self._name)
        out = self._unflatten(self._out_tree, self._results, self._dropped_results, found[:count])
        extra = Extra(dict(zip(self._states, found[count:])), extra.dropped)
        return (*out, extra) if isinstance(out, tuple) else (out, extra)


def rewrite(
    step: Callable[..., Any],
    *args: Any,
    passes: str | Sequence[str | tuple[str, Mapping[str, Any]]],
    roles: Any = None,
    **options: Any,
) -> RewrittenStep:
    """A training step rewritten by passes of docs/rewrites.md.

    Args:
        step: the training step, as for `noether_mlir.analyze`.
        args: its arguments, or their shapes (`jax.ShapeDtypeStruct`).
        passes: the rewrite's name, a key of `noether_mlir.passes.REWRITES`; or several, in order, each alone or with its own options.
        roles: as for `noether_mlir.analyze`.
        options: those of a single rewrite, with underscores.

    Raises:
        NoetherError: if there is no such rewrite or option, or a pass fails.
    """
    chosen = [(passes, options)] if isinstance(passes, str) else [
        (entry, {}) if isinstance(entry, str) else entry for entry in passes
    ]
    if options and not isinstance(passes, str):
        raise NoetherError("of several rewrites each has its own options: pass pairs of a name and a dictionary")
    lowered = lower_to_text(plain_step(step), args, roles=roles)
    if lowered.ordered:
        raise UnsupportedStep("the step has ordered side effects, which a rewritten module cannot keep in order")
    pipeline = [pass_pipeline(name, entry) for name, entry in chosen]
    text = run_tool([*pipeline, "--mlir-print-op-generic", "--mlir-print-debuginfo"], lowered.text, lowered.name)
    return RewrittenStep(text, lowered, jax.tree.structure(args))


def _moved(function: str, step: Callable[..., Any], args: Sequence[Any], options: Mapping[str, Any]) -> tuple[Any, ...]:
    rewritten = rewrite(step, *args, passes=function, **options)
    return rewritten.move(function, *args) if rewritten.has(function) else tuple(args)


def balance(step: Callable[..., Any], *args: Any, **options: Any) -> tuple[Any, ...]:
    """The step's arguments with parameters balanced along rescale symmetries (states go along): the same loss for
    all data, and the smallest sum of squares that is reached in `sweeps` sweeps (default 30)."""
    return _moved("balance", step, args, options)


def teleport(step: Callable[..., Any], *args: Any, **options: Any) -> tuple[Any, ...]:
    """The step's arguments moved along rescale symmetries to where the gradient on this batch is larger and the loss the
    same: by at most `distance` (default 0.5) in the logarithm of each scale."""
    return _moved("teleport", step, args, options)
