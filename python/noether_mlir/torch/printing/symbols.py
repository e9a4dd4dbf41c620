# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Arithmetic of symbolic numbers: hyperparameters and counters, which Python computes with."""

import operator
from typing import Any

import torch

from noether_mlir.torch.printing.builder import Builder, Value

_BINARY = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "pow": "power", "pow_by_natural": "power",
    "float_pow": "power", "sym_max": "maximum", "sym_min": "minimum", "int_truediv": "divide",
    "float_truediv": "divide",
}  # fmt: skip
_UNARY = {
    "neg": "negate", "abs": "abs", "_sym_sqrt": "sqrt", "sqrt": "sqrt", "sym_sqrt": "sqrt", "_sym_exp": "exponential",
    "_sym_log": "log", "_sym_cos": "cosine", "_sym_sin": "sine", "_sym_tanh": "tanh", "exp": "exponential",
    "log": "log",
}  # fmt: skip
_COMPARISONS = {"lt": "LT", "le": "LE", "gt": "GT", "ge": "GE", "eq": "EQ", "ne": "NE"}


def is_symbolic(target: Any) -> bool:
    """Whether a call in the graph computes with symbolic numbers, not with tensors."""
    name = getattr(target, "__name__", "")
    if target is operator.getitem:
        return False
    known = name in _BINARY or name in _UNARY or name in _COMPARISONS or name in ("sym_float", "sym_int", "floordiv", "sym_ite")
    return known and not isinstance(target, torch._ops.OpOverload)


def print_symbolic(builder: Builder, target: Any, args: list[Any]) -> Value:
    """A call that `is_symbolic`. Numbers are in double precision, or integers where all are.

    Raises:
        NotImplementedError: if there is no such operation in StableHLO.
    """
    name = target.__name__
    if name == "sym_float":
        return builder.convert(_value(builder, args[0], torch.float64), torch.float64)
    integers = all(isinstance(arg, (int, bool)) or (isinstance(arg, Value) and not arg.dtype.is_floating_point) for arg in args)
    dtype = torch.int64 if integers and "truediv" not in name else torch.float64
    values = [_value(builder, arg, dtype) for arg in args]
    if name in _COMPARISONS:
        return builder.compare(_COMPARISONS[name], *values)
    if name in _UNARY:
        return builder.unary(_UNARY[name], values[0])
    if name in _BINARY:
        return builder.binary(_BINARY[name], *values)
    raise NotImplementedError(f"the symbolic operation {name}")


def _value(builder: Builder, arg: Any, dtype: torch.dtype) -> Value:
    return builder.convert(arg, dtype) if isinstance(arg, Value) else builder.constant(arg, (), dtype)
