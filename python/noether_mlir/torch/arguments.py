# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The arguments of a step: which it is called with, and the tensors among them."""

import dataclasses
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from typing import Any

import torch

from noether_mlir.errors import NotATrainingStep
from noether_mlir.lowering import step_name


def called_with(
    step: Callable[..., Any], model: Any, optimizer: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[tuple[Any, ...], list[str]]:
    """The positional arguments that a step takes, (model, optimizer, *args) or args alone, and their names."""
    full = (model, optimizer, *args)
    try:
        signature = inspect.signature(step)
    except (TypeError, ValueError):
        return full, [f"argument{number}" for number in range(len(full))]
    chosen = full
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    positional = [item for item in signature.parameters.values() if item.kind in kinds]
    needed = sum(item.default is inspect.Parameter.empty and item.name not in kwargs for item in positional)
    if needed <= len(args):
        chosen = tuple(args)
    try:
        bound = signature.bind(*chosen, **kwargs)
    except TypeError:
        raise NotATrainingStep(
            f"{step_name(step)}{signature} takes neither (model, optimizer, *batch) nor (*batch) with {len(args)}"
            " arguments in the batch"
        ) from None
    names: list[str] = []
    for name, value in bound.arguments.items():
        if signature.parameters[name].kind is inspect.Parameter.VAR_POSITIONAL:
            names += [f"{name}[{number}]" for number in range(len(value))]
        elif signature.parameters[name].kind in kinds and len(names) < len(chosen):
            names.append(name)
    return chosen, names


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    """What a collection consists of, with the text that follows its name."""
    if isinstance(value, Mapping):
        yield from ((f"[{key!r}]", item) for key, item in value.items())
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        yield from ((f".{name}", item) for name, item in zip(value._fields, value))
    elif isinstance(value, (list, tuple)):
        yield from ((f"[{number}]", item) for number, item in enumerate(value))
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield from ((f".{item.name}", getattr(value, item.name)) for item in dataclasses.fields(value))


def _tensors(name: str, value: Any) -> Iterator[tuple[str, torch.Tensor]]:
    if isinstance(value, torch.Tensor):
        yield name, value
    else:
        for inside, item in _parts(value):
            yield from _tensors(name + inside, item)


def _with_tensors(name: str, value: Any, tensors: Mapping[str, torch.Tensor]) -> Any:
    if isinstance(value, torch.Tensor):
        return tensors[name]
    if not any(True for _ in _tensors(name, value)):
        return value
    parts = [_with_tensors(name + inside, item, tensors) for inside, item in _parts(value)]
    if type(value) is dict:
        return dict(zip(value, parts))
    if isinstance(value, Mapping):
        other = copy(value)
        if isinstance(getattr(value, "data", None), dict):  # a UserDict shares its dictionary with its copy
            other.data = dict(value.data)  # type: ignore[attr-defined]
        for key, item in zip(list(value), parts):
            other[key] = item  # type: ignore[index]
        return other
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*parts)
    if isinstance(value, (list, tuple)):
        return type(value)(parts)
    other = copy(value)
    for item, part in zip(dataclasses.fields(value), parts):
        object.__setattr__(other, item.name, part)
    return other


class Batch:
    """The arguments of a call, with the tensors in them by name.

    Attributes:
        tensors: batch['x'] -> the tensor.
    """

    def __init__(self, args: Sequence[Any], names: Sequence[str], kwargs: Mapping[str, Any]):
        self._args = list(zip(names, args))
        self._kwargs = dict(kwargs)
        self.tensors = dict(
            pair for name, value in [*self._args, *self._kwargs.items()] for pair in _tensors(name, value)
        )

    def with_tensors(self, tensors: Mapping[str, torch.Tensor]) -> tuple[list[Any], dict[str, Any]]:
        """The arguments with other tensors in them."""
        args = [_with_tensors(name, value, tensors) for name, value in self._args]
        return args, {name: _with_tensors(name, value, tensors) for name, value in self._kwargs.items()}
