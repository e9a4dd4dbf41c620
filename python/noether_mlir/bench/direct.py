# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiled updates called on arrays, without a framework between."""

import base64
import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from noether_mlir import kernels
from noether_mlir.bench.rules import ROLES
from noether_mlir.errors import NoetherError
from noether_mlir.lowering import lower_to_text
from noether_mlir.tool import run_tool


def _parse(text: str) -> Any:
    from jax.interpreters import mlir

    context = mlir.make_ir_context()
    with context:
        return mlir.ir.Module.parse(text), mlir.ir


def _library() -> ctypes.CDLL:
    library = kernels.load_runtime()
    library.noetherKernelsLoad.restype = ctypes.c_void_p
    library.noetherKernelsLoad.argtypes = [
        ctypes.c_char_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
    pointers = ctypes.POINTER(ctypes.c_void_p)
    library.noetherKernelsRun.restype = ctypes.c_int
    library.noetherKernelsRun.argtypes = [
        ctypes.c_void_p, ctypes.POINTER(ctypes.c_int64), ctypes.c_size_t,
        pointers, ctypes.c_size_t, pointers, ctypes.c_size_t]
    return library


class DirectUpdate:
    """The kernels of a step's update on given arrays.

    Args:
        step, args: a step whose update uses nothing but its arguments (no numbers computed on the way).
        arrays: its arguments' leaves as arrays; what is carried is overwritten in place.
    """

    def __init__(self, step: Callable[..., Any], args: Sequence[Any], arrays: Sequence[np.ndarray]):
        text = run_tool([*kernels.PASSES, "--mlir-print-op-generic"], lower_to_text(step, args, roles=ROLES).text)
        module, ir = _parse(text)
        entry = next(op for op in module.body.operations if "noether_update" in str(op))
        calls = [op for op in entry.body.blocks[0].operations if "call_target_name" in op.attributes
                 and ir.StringAttr(op.attributes["call_target_name"]).value == kernels.TARGET]
        if not calls:
            raise NoetherError("the step's update has no kernels")
        self._library = _library()
        self._calls = [self._prepare(op, ir, arrays) for op in calls]

    def _prepare(self, op: Any, ir: Any, arrays: Sequence[np.ndarray]) -> tuple[Any, ...]:
        from jaxlib.mlir.dialects import stablehlo

        config = {item.name: item.attr for item in ir.DictAttr(op.attributes["backend_config"])}
        table = np.array(list(ir.DenseI64ArrayAttr(config["table"])), np.int64)
        code = base64.b64decode(ir.StringAttr(config["object"]).value)
        message = ctypes.create_string_buffer(512)
        count = ir.IntegerAttr(config["kernels"]).value
        handle = self._library.noetherKernelsLoad(code, len(code), count, message, len(message))
        if not handle:
            raise NoetherError(message.value.decode(errors="replace"))
        operands = [arrays[ir.BlockArgument(value).arg_number] if isinstance(value.owner, ir.Block) else None
                    for value in op.operands]
        results: list[Any] = [None] * len(op.results)
        for alias in ir.ArrayAttr(op.attributes["output_operand_aliases"]):
            alias = stablehlo.OutputOperandAlias(alias)
            place = list(alias.output_tuple_indices)
            results[place[0] if place else 0] = operands[alias.operand_index]
        for i, result in enumerate(op.results):
            if results[i] is None:
                results[i] = np.empty(ir.RankedTensorType(result.type).shape, np.float32)
        self.sums = [result for result in results if result.ndim == 0]

        def pointers(values: Sequence[Any]) -> Any:
            return (ctypes.c_void_p * len(values))(*(None if v is None else v.ctypes.data for v in values))

        return (handle, table.ctypes.data_as(ctypes.POINTER(ctypes.c_int64)), len(table), pointers(operands),
                len(operands), pointers(results), len(results), table, operands, results)

    def __call__(self) -> None:
        for call in self._calls:
            if self._library.noetherKernelsRun(*call[:7]):
                raise NoetherError("the table does not fit the call")
