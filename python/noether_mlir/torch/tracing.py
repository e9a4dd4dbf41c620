# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A function of fake tensors, as a graph of functional ATen operations."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.fx.traceback
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.func import functionalize
from torch.fx._lazy_graph_module import _use_lazy_graph_module
from torch.fx.experimental.proxy_tensor import make_fx

from noether_mlir.errors import UnsupportedStep
from noether_mlir.torch import decompositions
from noether_mlir.torch.cleaning import clean


#: Taking operations apart may leave mutations, which another pass takes away.
_PASSES = 4


def _mutates(module: torch.fx.GraphModule) -> str | None:
    """An operation that changes one of its operands, if there is one."""
    for node in module.graph.nodes:
        if isinstance(node.target, torch._ops.OpOverload) and node.target._schema.is_mutable:
            return str(node.target)
    return None


def trace(function: Callable[..., Any], values: Sequence[Any], mode: FakeTensorMode) -> torch.fx.GraphModule:
    """The graph of a function of flat arguments that returns a list.

    It is traced twice: through autograd, with mutations in it, and then without.

    Args:
        values: fake tensors and symbolic numbers.

    Raises:
        UnsupportedStep: if an operation changes a tensor in a way that cannot be written without.
    """
    with mode, _use_lazy_graph_module(True):  # graphs are read, and never run as Python
        graph = make_fx(
            function, decomposition_table=decompositions.first_pass(), _allow_non_fake_inputs=True
        )(*values)
        table = decompositions.second_pass()
        for _ in range(_PASSES):
            plain = functionalize(torch.fx.Interpreter(graph).run, remove="mutations")
            with torch.fx.traceback.preserve_node_meta():
                graph = make_fx(plain, decomposition_table=table, _allow_non_fake_inputs=True)(*values)
            if not (left := _mutates(graph)):
                break
        else:
            raise UnsupportedStep(f"the operation {left} changes a tensor in a way that is not followed")
    clean(graph)
    return graph
