# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Lends a model and its optimizers other tensors for a while. Everything is put back, whatever happens."""

import math
import random
import sys
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch.nn.utils import stateless

#: Options of optimizers that choose among implementations of one update: the plain ones.
_PLAIN = {"foreach": False, "fused": False, "differentiable": False}


@contextmanager
def swapped_optimizer(
    optimizer: torch.optim.Optimizer, tensors: Mapping[int, torch.Tensor], state: Mapping[Any, Any],
    groups: Sequence[Mapping[str, Any]], capturable: bool,
) -> Iterator[None]:  # fmt: skip
    """An optimizer of other tensors.

    Args:
        tensors: by the ids of the parameters it has, those it is to have.
        state: its state, by the latter (or by any other key).
        groups: for each parameter group, the entries that are to be others.
        capturable: whether to choose by tensors what is else decided in Python, where the optimizer can.
    """
    saved = [dict(group) for group in optimizer.param_groups]
    attributes = dict(vars(optimizer))
    lists = list(optimizer.param_groups)
    try:
        for group, changes in zip(optimizer.param_groups, groups):
            plain = {**_PLAIN, "capturable": True} if capturable else _PLAIN
            group.update({name: value for name, value in plain.items() if name in group})
            group.update(changes)
            group["params"] = [tensors[id(parameter)] for parameter in group["params"]]
        optimizer.state = defaultdict(dict)
        for key, value in state.items():
            optimizer.state[key] = dict(value) if isinstance(value, dict) else value
        yield
    finally:
        vars(optimizer).clear()
        vars(optimizer).update(attributes)
        optimizer.param_groups[:] = lists
        for group, before in zip(optimizer.param_groups, saved):
            group.clear()
            group.update(before)


@contextmanager
def swapped_model(model: torch.nn.Module, tensors: Mapping[str, torch.Tensor]) -> Iterator[None]:
    """A model with other parameters and buffers, by name; tied ones stay tied."""
    with stateless._reparametrize_module(model, dict(tensors), tie_weights=True):
        yield


def _subclasses(kind: type) -> Iterator[type]:
    yield kind
    for other in kind.__subclasses__():
        yield from _subclasses(other)


@contextmanager
def replaced(target: Any, name: str, value: Any) -> Iterator[None]:
    """An attribute that is another for a while."""
    missing = object()
    before = vars(target).get(name, missing)
    setattr(target, name, value)
    try:
        yield
    finally:
        if before is missing:
            delattr(target, name)
        else:
            setattr(target, name, before)


@contextmanager
def still_schedulers() -> Iterator[None]:
    """Within it, learning rate schedulers do nothing: they set what the next step is given."""
    from torch.optim import lr_scheduler

    with ExitStack() as stack:
        for kind in set(_subclasses(lr_scheduler.LRScheduler)):
            if "step" in vars(kind):
                stack.enter_context(replaced(kind, "step", lambda self, *args, **kwargs: None))
        yield


def _extremum(choose: Any, symbolic: Any) -> Any:
    def chosen(*values: Any, **named: Any) -> Any:
        if len(values) == 2 and any(isinstance(value, torch.SymFloat) for value in values):
            return symbolic(*values)
        return choose(*values, **named)

    return chosen


def _function(plain: Any, symbolic: Any) -> Any:
    return lambda x, *rest: symbolic(x) if isinstance(x, torch.SymFloat) and not rest else plain(x, *rest)


@contextmanager
def symbolic_arithmetic() -> Iterator[None]:
    """Within it, functions of numbers in Python keep them symbolic: of `math`, and the extrema in `torch.optim`."""
    modules = [module for name, module in list(sys.modules.items()) if name.startswith("torch.optim.") and module]
    with ExitStack() as stack:
        for module in modules:
            stack.enter_context(replaced(module, "max", _extremum(max, torch.sym_max)))
            stack.enter_context(replaced(module, "min", _extremum(min, torch.sym_min)))
        for name in ("sqrt", "exp", "log", "cos", "sin", "tanh"):
            symbolic = getattr(torch, f"_sym_{name}", None)
            if symbolic is not None:
                stack.enter_context(replaced(math, name, _function(getattr(math, name), symbolic)))
        yield


@contextmanager
def compiling(flag: bool) -> Iterator[None]:
    """Within it, PyTorch takes itself to be compiling: capturable optimizers then do with tensors on any device."""
    with replaced(torch.compiler, "_is_compiling_flag", flag):
        yield


@contextmanager
def undisturbed(models: Iterable[torch.nn.Module]) -> Iterator[None]:
    """Keeps random generators, and what modules hold (also attributes that they set as they run), as they are."""
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_available() and torch.cuda.is_initialized() else []
    modules = {id(part): part for model in models for part in model.modules()}.values()
    saved = [
        (part, dict(vars(part)), [(held, dict(held)) for held in vars(part).values() if type(held) is dict])
        for part in modules
    ]
    gradients = [(tensor, tensor.grad) for part in modules for tensor in part.parameters(recurse=False)]
    numpy = sys.modules.get("numpy")
    draws = random.getstate(), numpy.random.get_state() if numpy else None
    try:
        with torch.random.fork_rng(devices=devices), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        random.setstate(draws[0])
        if numpy:
            numpy.random.set_state(draws[1])
        for part, attributes, dictionaries in saved:
            vars(part).clear()
            vars(part).update(attributes)
            for held, content in dictionaries:
                if held.keys() != content.keys() or any(held[key] is not content[key] for key in content):
                    held.clear()
                    held.update(content)
        for tensor, gradient in gradients:
            if tensor.grad is not gradient:
                tensor.grad = gradient
