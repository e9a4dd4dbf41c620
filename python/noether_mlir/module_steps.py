# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Steps with modules among their arguments, for `noether_mlir.jit`: in the place of `nnx.jit` and `equinox.filter_jit`.

Each is compiled as a function of the arrays in the modules. What a step changes of flax.nnx modules is changed in them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from noether_mlir.errors import UnsupportedStep
from noether_mlir.modules import is_module, of_states
from noether_mlir.partition import function_of_values, has_other_leaves

if TYPE_CHECKING:
    from noether_mlir.jitted import JittedStep

Runner = Callable[[Sequence[Any], Mapping[str, Any]], Any]


def runner_for(owner: "JittedStep", args: Sequence[Any], kwargs: Mapping[str, Any]) -> Runner | None:
    """What runs a step on such arguments; None where JAX does.

    Raises:
        UnsupportedStep: if options of the step cannot be met with modules.
    """
    if any(map(is_module, [*args, *kwargs.values()])):
        kind: type[_Runner] = _InPlace
    elif not owner.has_static and has_other_leaves(owner.given, args, kwargs):
        kind = _OfValues
    else:
        return None
    if owner.rewrite:
        raise UnsupportedStep(
            "a rewrite changes the structure of parameters, which modules do not allow: write the step on their arrays"
            " (nnx.split, equinox.partition)"
        )
    unmet = {"static_argnums", "static_argnames", "in_shardings", "out_shardings", "donate_argnames"}
    given = [name for name, value in owner.options.items() if name in unmet and value is not None]
    if given or owner.options.get("roles") is not None and kind is _InPlace:
        raise UnsupportedStep(f"{', '.join(given) or 'roles'} cannot be given with modules among the arguments")
    return kind(owner).run


class _Runner:
    """Keeps a compiled step for each structure of the modules."""

    def __init__(self, owner: "JittedStep"):
        self.owner = owner
        self.made: dict[Any, tuple[JittedStep, Any]] = {}

    def compiled(self, key: Any, make: Callable[[], tuple[Callable[..., Any], Sequence[int]]]) -> "JittedStep":
        """The step for a structure, and for what is to be donated then."""
        if key not in self.made:
            function, donated = make()
            step = type(self.owner)(function, **{**self.owner.options, "donate_argnums": tuple(donated)})
            step.runner = None  # all its leaves are values
            self.made[key] = step, function
        return self.made[key][0]

    def call(self, step: "JittedStep", args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, Any]:
        """(what the step returns, its charges or None)."""
        out = step(*args, **kwargs)
        self.owner.prediction_labels = step.prediction_labels
        if not self.owner.options["track"] or self.owner.options["charges"] == "attribute":
            self.owner.charges = step.charges
            return out, None
        return out

    def donated(self) -> set[int]:
        given = self.owner.options.get("donate_argnums")
        return {given} if isinstance(given, int) else set(given or ())


class _InPlace(_Runner):
    """flax.nnx: the modules' states go in and come out."""

    def run(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        from flax import nnx

        extra = {name: value for name, value in kwargs.items() if name == "predict_from"}
        kwargs = {name: value for name, value in kwargs.items() if name not in extra}
        function, values, modules, key = of_states(self.owner.given, args, kwargs)

        def make() -> tuple[Callable[..., Any], Sequence[int]]:
            places = [position for position, arg in enumerate(args) if is_module(arg)]
            others = [position for position, arg in enumerate(args) if not is_module(arg)]
            donated = [1 + number for number, position in enumerate(others) if position in self.donated()]
            return function, [0, *donated] if places and set(places) <= self.donated() else donated

        (states, result), charges = self.call(self.compiled(key, make), values, extra)
        nnx.update(modules, states)
        return result if charges is None else (result, charges)


class _OfValues(_Runner):
    """Equinox: functions, strings and numbers among the leaves are part of the program."""

    def run(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        function, values, named, key = function_of_values(self.owner.given, args, kwargs, set())
        step = self.compiled(key, lambda: (function, sorted(self.donated())))
        out, charges = self.call(step, values, named)
        whole = self.made[key][1].returned(out)
        return whole if charges is None else (whole, charges)
