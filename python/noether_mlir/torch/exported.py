# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Programs of `torch.export`: a forward pass that ends in a loss, without an optimizer."""

import warnings

import torch
import torch.fx.traceback
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.export.graph_signature import InputKind, OutputKind
from torch.nn.attention import SDPBackend, sdpa_kernel

from noether_mlir.errors import NotATrainingStep
from noether_mlir.torch.capture import CapturedStep, Input
from noether_mlir.torch.cleaning import draws_as_arguments
from noether_mlir.torch.printing import Argument, Output, print_module
from noether_mlir.torch.printing.module import type_of
from noether_mlir.torch.tracing import trace

_ROLES = {InputKind.PARAMETER: "param", InputKind.BUFFER: "state", InputKind.USER_INPUT: "batch"}


def capture_exported(program: torch.export.ExportedProgram) -> CapturedStep:
    """A loss as a module: parameters, buffers, constants and inputs are its arguments.

    Raises:
        NotATrainingStep: if no result is a single floating point number, or shapes are not fixed.
        UnsupportedStep: if an operation cannot be printed.
    """
    with sdpa_kernel(SDPBackend.MATH), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = program.run_decompositions()  # without mutations
    held = {**program.state_dict, **program.constants}
    inputs = []
    nodes = [node for node in program.graph.nodes if node.op == "placeholder"]
    for node, spec in zip(nodes, program.graph_signature.input_specs):
        value = node.meta.get("val")
        found = type_of(value)
        if not isinstance(value, torch.Tensor) or found is None:
            continue
        if any(not isinstance(size, int) for size in value.shape):
            raise NotATrainingStep(f"{node.name} has no fixed shape: export the program without dynamic_shapes")
        name = spec.target if spec.target is not None else node.name
        # Constants are data too: what is claimed holds for any.
        inputs.append(Input(name, _ROLES.get(spec.kind, "batch"), held.get(spec.target), *found))
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    places = [isinstance(node.meta.get("val"), torch.Tensor) for node in nodes]

    def function(*tensors: torch.Tensor) -> list[torch.Tensor]:
        given = iter(tensors)
        values = [next(given) if tensor else node.meta.get("val") for node, tensor in zip(nodes, places)]
        with torch.fx.traceback.preserve_node_meta():
            results = torch.fx.Interpreter(program.graph_module).run(*values)
        for result, spec in zip(results, program.graph_signature.output_specs):
            is_number = isinstance(result, torch.Tensor) and result.numel() == 1 and result.dtype.is_floating_point
            if is_number and spec.kind is OutputKind.USER_OUTPUT:
                return [result.reshape(())]
        raise NotATrainingStep("the program returns no loss: export a module that ends in one")

    with mode:
        fakes = [torch.empty(item.shape, dtype=item.dtype) for item in inputs]
    graph = trace(function, fakes, mode)
    for number, node in enumerate(draws_as_arguments(graph)):
        found = type_of(node.meta["val"])
        assert found is not None
        inputs.append(Input(f"random[{number}]", "batch", None, *found))
    outputs = (Output("loss", "loss"),)
    text = print_module(graph, [Argument(item.name, item.role) for item in inputs], outputs, "exported")
    return CapturedStep(text, "<exported>", tuple(inputs), outputs, {}, ())
