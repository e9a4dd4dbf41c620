# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Steps as frameworks have them, as functions of arrays that return what they change.

Steps that update flax.nnx modules in place, steps of Equinox's modules, compiled Keras models. Frameworks are recognised by
their types' names, and imported only where there is something of theirs.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from noether_mlir import keras
from noether_mlir.errors import NoetherError
from noether_mlir.roles import parameter_names, static_positions


def is_module(value: Any) -> bool:
    """Whether a value is a flax.nnx module, or another object of its kind, such as an optimizer."""
    names = {kind.__name__ for kind in type(value).__mro__ if kind.__module__.startswith("flax.nnx")}
    return bool(names & {"Module", "Object", "Pytree"}) and not names & {"Variable", "VariableState", "State"}


def functional(
    step: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], options: Mapping[str, Any]
) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]:
    """A step as a function of arrays, whatever it and its arguments are.

    Returns:
        (step, args, kwargs), as they were if all leaves of the arguments are values. Else:
        of a Keras model, and what `fit` hands to it, the step that `fit` takes (`noether_mlir.keras`);
        with nnx modules among the arguments, a function that takes the modules' states in a dictionary by the arguments' names,
        then the other arguments, and returns the states beside what the step does;
        with other leaves, a function of the values (`noether_mlir.partition`).

    Raises:
        NoetherError: if `options` has what speaks of the arguments as they were.
    """
    if keras.is_model(step):
        return *keras.training_step(step, (*args, *kwargs.values())), {}
    if not callable(step):
        return step, tuple(args), dict(kwargs)
    if any(map(is_module, [*args, *kwargs.values()])):
        if any(option is not None for option in options.values()):
            raise NoetherError(f"with flax.nnx modules among the arguments, {' and '.join(options)} cannot be given")
        return *of_states(step, args, kwargs)[:2], {}
    from noether_mlir.partition import function_of_values, has_other_leaves

    static = static_positions(step, len(args), options.get("static_argnums"), options.get("static_argnames"))
    dynamic = [arg for position, arg in enumerate(args) if position not in static]
    if options.get("static_argnames") or not has_other_leaves(step, dynamic, kwargs):
        return step, tuple(args), dict(kwargs)
    return function_of_values(step, args, kwargs, static)[:3]


def of_states(
    step: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any], tuple[Any, ...]]:
    """A step as a function of the states of its nnx modules, and of its other arguments.

    Returns:
        (function, args, modules, key): the modules by the arguments' names. Functions of equal keys are the same function.
    """
    from flax import nnx

    while hasattr(step, "__wrapped__") and hasattr(step, "lower"):  # nnx.jit, jax.jit
        step = step.__wrapped__
    known = parameter_names(step)
    names = [known[i] if i < len(known) else f"argument{i}" for i in range(len(args))]
    given = [*zip(names, args), *kwargs.items()]
    modules = {name: value for name, value in given if is_module(value)}
    graph, states = nnx.split(modules)
    others = {name: value for name, value in given if not is_module(value)}

    def function(modules: Any, *rest: Any) -> Any:
        merged = nnx.merge(graph, modules)
        values = {**merged, **dict(zip(others, rest))}
        result = step(*(values[name] for name in names), **{name: values[name] for name in kwargs})
        return nnx.state(merged), result

    function.__name__ = getattr(step, "__name__", type(step).__name__)
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    signature = [inspect.Parameter(name, kind) for name in ("modules", *others)]
    function.__signature__ = inspect.Signature(signature)  # type: ignore[attr-defined]
    return function, (states, *others.values()), modules, (graph, *names, *kwargs)
