# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A graph as a module with one function, @main."""

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from noether_mlir.errors import UnsupportedStep
from noether_mlir.torch.locations import location_of
from noether_mlir.torch.printing.builder import TYPES, Builder, Value, quoted
from noether_mlir.torch.printing.symbols import is_symbolic, print_symbolic
from noether_mlir.torch.printing.table import TABLE, Emitter, Result


@dataclass(frozen=True)
class Argument:
    """An argument of the function.

    Attributes:
        role: "param", "state", "batch", "hyper" or "rng". carried_to: the number of the result that is its next value.
    """

    name: str
    role: str
    carried_to: int | None = None


@dataclass(frozen=True)
class Output:
    """A result of the function; its role is "loss", "param", "state" or "metric"."""

    name: str
    role: str


def type_of(value: Any) -> Result | None:
    """The type of what a node stands for: a tensor, or a symbolic number."""
    if isinstance(value, torch.Tensor):
        return Result(tuple(map(int, value.shape)), value.dtype)
    if isinstance(value, (torch.SymFloat, float)):
        return Result((), torch.float64)
    if isinstance(value, (torch.SymBool, bool)):
        return Result((), torch.bool)
    if isinstance(value, (torch.SymInt, int)):
        return Result((), torch.int64)
    return None


def operation_name(target: Any) -> str:
    """aten.add of aten.add.Tensor."""
    if isinstance(target, torch._ops.OpOverload):
        return ".".join(str(target).split(".")[:2])
    return getattr(target, "__name__", str(target))


def attribute_of(module: torch.fx.GraphModule, node: torch.fx.Node) -> torch.Tensor:
    """The constant that a node reads."""
    value: Any = module
    for part in str(node.target).split("."):
        value = getattr(value, part)
    assert isinstance(value, torch.Tensor)
    return value


class _Printer:
    def __init__(self, module: torch.fx.GraphModule):
        self.module = module
        self.builder = Builder()
        self.values: dict[torch.fx.Node, Any] = {}

    def value(self, node: torch.fx.Node) -> Any:
        return self.values[node]

    def constant(self, node: torch.fx.Node) -> Value:
        tensor = attribute_of(self.module, node)
        return self.builder.constant(tensor, tensor.shape, tensor.dtype)

    def call(self, node: torch.fx.Node) -> Any:
        target = node.target
        args = torch.fx.map_arg(node.args, self.value)
        kwargs = torch.fx.map_arg(node.kwargs, self.value)
        if target is operator.getitem and isinstance(args[0], (list, tuple)):
            return args[0][args[1]]
        try:
            if is_symbolic(target):
                return print_symbolic(self.builder, target, list(args))
            name = operation_name(target)
            if name == "aten._local_scalar_dense":
                x = self.builder.reshape(args[0], ())
                return self.builder.convert(x, torch.float64 if x.dtype.is_floating_point else x.dtype)
            emit = TABLE.get(name)
            if emit is None:
                raise NotImplementedError(f"the operation {target}")
            results = node.meta.get("val")
            listed = list(results) if isinstance(results, (list, tuple)) else [results]
            return emit(Emitter(self.builder, [type_of(result) for result in listed]), *args, **kwargs)
        except NotImplementedError as error:
            raise UnsupportedStep(f"{_place(node)}{error} cannot be printed as StableHLO") from None
        except (TypeError, KeyError) as error:  # arguments that the table's functions do not take
            raise UnsupportedStep(f"{_place(node)}the operation {target} is used in a way that is not known ({error})") from error


def _place(node: torch.fx.Node) -> str:
    place = location_of(node)
    return f"{place[0]}:{place[1]}: " if place else ""


def _dictionary(entries: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{name} = {value}" for name, value in entries.items()) + "}"


def print_module(
    module: torch.fx.GraphModule, arguments: Sequence[Argument], outputs: Sequence[Output], name: str = "step"
) -> str:
    """The module in MLIR's generic form, with locations.

    Args:
        module: a graph of functional ATen operations; nodes know their values' types.
        arguments: what its placeholders are, in order. outputs: what its results are.

    Raises:
        UnsupportedStep: if there is an operation that is not in the table; names it, and the source line.
    """
    printer = _Printer(module)
    builder = printer.builder
    placeholders, returned = [], []
    for node in module.graph.nodes:
        builder.location = location_of(node)
        if node.op == "placeholder":
            found = type_of(node.meta["val"])
            if found is None or found.dtype not in TYPES:
                raise UnsupportedStep(f"{arguments[len(placeholders)].name} has a type that is not known")
            printer.values[node] = Value(f"%arg{len(placeholders)}", *found)
            placeholders.append(printer.values[node])
        elif node.op == "get_attr":
            printer.values[node] = printer.constant(node)
        elif node.op == "call_function":
            printer.values[node] = printer.call(node)
        elif node.op == "output":
            returned = [_returned(printer, item) for item in node.args[0]]
    assert len(placeholders) == len(arguments) and len(returned) == len(outputs)

    attributes = []
    for argument in arguments:
        entries = {
            "noether.name": quoted(argument.name), "noether.role": quoted(argument.role),
            "noether.role_decided_by": quoted("caller"),
        }  # fmt: skip
        if argument.carried_to is not None:
            entries["noether.carried_to"] = f"{argument.carried_to} : i64"
        attributes.append(_dictionary(entries))
    results = [_dictionary({"noether.name": quoted(out.name), "noether.role": quoted(out.role)}) for out in outputs]
    in_types = ", ".join(value.type for value in placeholders)
    out_types = ", ".join(value.type for value in returned)
    block = ", ".join(f"{value.name}: {value.type}" for value in placeholders)
    names = ", ".join(value.name for value in returned)
    body = builder.body(returned)
    return (
        f"{builder.location_definitions()}"
        f'"builtin.module"() <{{sym_name = {quoted(f"torch_{name}")}}}> ({{\n'
        f'  "func.func"() <{{arg_attrs = [{", ".join(attributes)}],'
        f" function_type = ({in_types}) -> ({out_types}), res_attrs = [{', '.join(results)}],"
        f' sym_name = "main", sym_visibility = "public"}}> ({{\n'
        f"  ^bb0({block}):\n{body}"
        f'    "func.return"({names}) : ({out_types}) -> () loc(#loc0)\n'
        f"  }}) : () -> () loc(#loc0)\n}}) : () -> () loc(#loc0)\n"
    )


def _returned(printer: _Printer, item: Any) -> Value:
    if isinstance(item, torch.fx.Node):
        return printer.values[item]
    found = type_of(item)
    assert found is not None
    return printer.builder.constant(item, *found)


