# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A traced graph without what computes nothing: copies, names for one value, values that nobody reads."""

from typing import Any

import torch

from noether_mlir.torch.printing.module import attribute_of, operation_name

_SAME = {
    "aten.detach", "aten.detach_copy", "aten.alias", "aten.alias_copy", "aten.lift_fresh", "aten.lift_fresh_copy",
    "aten.clone", "aten.contiguous",
}  # fmt: skip
_RANDOM = {
    "aten.bernoulli", "aten.rand", "aten.rand_like", "aten.randn", "aten.randn_like", "aten.randint",
    "aten.randint_like", "aten.randperm", "aten.normal", "aten.normal_functional", "aten.multinomial",
    "aten.exponential", "aten.uniform", "aten.geometric", "aten.native_dropout", "aten.poisson", "prims.normal",
}  # fmt: skip


def is_random(node: torch.fx.Node) -> bool:
    """Whether an operation draws random numbers."""
    if node.op != "call_function":
        return False
    name = operation_name(node.target)
    tags = getattr(node.target, "tags", ())
    return name in _RANDOM or torch.Tag.nondeterministic_seeded in tags


def clean(module: torch.fx.GraphModule) -> None:
    """Removes what computes nothing. Two equal operations on equal operands become one; random ones do not."""
    graph = module.graph
    for node in list(graph.nodes):
        if node.op == "call_function" and operation_name(node.target) in _SAME:
            node.replace_all_uses_with(node.args[0])  # type: ignore[arg-type]
    for node in reversed(list(graph.nodes)):
        if node.op in ("call_function", "get_attr") and not node.users:
            graph.erase_node(node)
    seen: dict[Any, torch.fx.Node] = {}
    for node in list(graph.nodes):
        if node.op != "call_function" or is_random(node):
            continue
        key = (node.target, repr(node.args), repr(sorted(node.kwargs.items(), key=lambda item: item[0])))
        if key in seen:
            node.replace_all_uses_with(seen[key])
            graph.erase_node(node)
        else:
            seen[key] = node


def _as_argument(module: torch.fx.GraphModule, node: torch.fx.Node, name: str) -> torch.fx.Node:
    """A new last argument in the place of a node."""
    last = [other for other in module.graph.nodes if other.op == "placeholder"][-1]
    with module.graph.inserting_after(last):
        argument = module.graph.placeholder(name)
    argument.meta.update(node.meta)
    node.replace_all_uses_with(argument)
    module.graph.erase_node(node)
    return argument


def draws_as_arguments(module: torch.fx.GraphModule) -> list[torch.fx.Node]:
    """Makes each random draw an argument of the graph, after the others; returns what they were.

    A step is then a function of its arguments alone. What is claimed holds for every draw.
    """
    drawn = [node for node in module.graph.nodes if is_random(node)]
    return [_as_argument(module, node, f"random_{number}") for number, node in enumerate(drawn)]


def constants_as_arguments(module: torch.fx.GraphModule, limit: int = 1 << 12) -> list[tuple[torch.fx.Node, torch.Tensor]]:
    """Makes tensors that the step found around it, of more entries than `limit`, arguments; returns them with their values.

    The weights of a teacher are data like any other, and nothing that a text should hold.
    """
    found = []
    for node in [node for node in module.graph.nodes if node.op == "get_attr"]:
        tensor = attribute_of(module, node)
        if tensor.numel() > limit:
            node.meta["val"] = tensor
            found.append((_as_argument(module, node, f"constant_{len(found)}"), tensor))
    return found
