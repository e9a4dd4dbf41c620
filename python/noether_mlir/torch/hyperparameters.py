# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Numbers that Python code computes with, made symbolic: they become arguments of the traced step.

What the code decides by them (`if weight_decay != 0`) is decided for their values.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch._dynamo.source import ConstantSource
from torch.fx.experimental.symbolic_shapes import DimDynamic, ShapeEnv

from noether_mlir.errors import UnsupportedStep


@dataclass(frozen=True)
class Hyperparameter:
    """A number among an optimizer's options.

    Attributes:
        name: as reports have it. optimizer, group: where it is. key: of the option. place: in the option, if that is a
            tuple. value: the number, or a tensor.
    """

    name: str
    optimizer: int
    group: int
    key: str
    place: int | None
    value: Any


def hyperparameters(
    optimizers: Sequence[torch.optim.Optimizer], counters: Collection[tuple[int, int, str]] = ()
) -> list[Hyperparameter]:
    """The options of optimizers that are floating point numbers, or tensors.

    Args:
        counters: (optimizer, group, key) of options that are integers and wanted too.
    """
    found = []
    for number, optimizer in enumerate(optimizers):
        for position, group in enumerate(optimizer.param_groups):
            root = f"optimizers[{number}]." if len(optimizers) > 1 else ""
            inside = len(optimizer.param_groups) > 1 or root
            for key, option in group.items():
                if key == "params":
                    continue
                name = f"{root}param_groups[{position}]['{key}']" if inside else key
                wanted = (number, position, key) in counters
                for place, value in [(None, option)] if wanted else _numbers(option):
                    full = name if place is None else f"{name}[{place}]"
                    found.append(Hyperparameter(full, number, position, key, place, value))
    return found


def _numbers(option: Any) -> Iterator[tuple[int | None, Any]]:
    if not isinstance(option, (tuple, list)):
        if type(option) is float or isinstance(option, torch.Tensor):
            yield None, option
        return
    several = any(type(value) is float for value in option)
    for place, value in enumerate(option):
        if isinstance(value, torch.Tensor) or (several and type(value) in (int, float)):
            yield place, value if isinstance(value, torch.Tensor) else float(value)


def with_values(
    optimizers: Sequence[torch.optim.Optimizer], chosen: Sequence[Hyperparameter], values: Sequence[Any]
) -> list[list[dict[str, Any]]]:
    """For each optimizer and group, the options with other numbers in them."""
    options: list[list[dict[str, Any]]] = [[{} for _ in optimizer.param_groups] for optimizer in optimizers]
    for item, value in zip(chosen, values):
        group = optimizers[item.optimizer].param_groups[item.group]
        changed = options[item.optimizer][item.group]
        if item.place is None:
            changed[item.key] = value
        else:
            entries = list(changed.get(item.key, group[item.key]))
            entries[item.place] = value
            changed[item.key] = type(group[item.key])(entries)
    return options


class Symbols:
    """Makes symbolic numbers.

    Attributes:
        environment: holds them, and what was decided by their values.
    """

    def __init__(self) -> None:
        self.environment = ShapeEnv(allow_scalar_outputs=True)
        self._symbols: dict[str, Any] = {}

    def number(self, name: str, value: float | int) -> Any:
        """A symbolic number of this value."""
        source = ConstantSource(f"noether_{name}")
        # One symbol for each number, however many have one value.
        symbol = self.environment.create_unspecified_symbol(value, source=source, dynamic_dim=DimDynamic.DYNAMIC)
        self._symbols[name] = symbol
        make = self.environment.create_symfloatnode if isinstance(value, float) else self.environment.create_symintnode
        return make(symbol, hint=value, source=source)

    def check(self, names: Iterable[str]) -> None:
        """Raises `UnsupportedStep` if one of these numbers became a constant: the step would be that of one moment."""
        for name in names:
            symbol = self._symbols.get(name)
            if symbol is not None and not self.environment.replace(symbol).free_symbols:
                raise UnsupportedStep(
                    f"the step computes with {name} in a way that is not followed: keep it as a tensor"
                    " (torch.tensor(0.0)), or compute with +, -, *, / and ** only"
                )
