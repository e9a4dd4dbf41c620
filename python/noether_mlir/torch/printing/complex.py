# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Complex numbers: rotary embeddings are often written with them."""

from typing import Any

import torch

from noether_mlir.torch.printing.builder import Value
from noether_mlir.torch.printing.table import Emitter, prints


@prints("complex")
def complex_(e: Emitter, x: Value, y: Value) -> Value:
    return e.builder.op("complex", [x, y], e.out.shape, e.out.dtype)


@prints("real", "prims.real")
def real(e: Emitter, x: Value) -> Value:
    return e.builder.op("real", [x], e.out.shape, e.out.dtype) if x.dtype.is_complex else x


@prints("imag", "prims.imag")
def imag(e: Emitter, x: Value) -> Value:
    return e.builder.op("imag", [x], e.out.shape, e.out.dtype)


@prints("view_as_complex")
def view_as_complex(e: Emitter, x: Value) -> Value:
    b, shape = e.builder, x.shape[:-1]
    parts = []
    for part in (0, 1):
        piece = b.slice(x, [0] * len(shape) + [part], [*shape, part + 1])
        parts.append(b.reshape(piece, shape))
    return b.op("complex", parts, shape, e.out.dtype)


@prints("view_as_real")
def view_as_real(e: Emitter, x: Value) -> Value:
    b, dtype = e.builder, e.out.dtype
    parts = [b.reshape(b.op(name, [x], x.shape, dtype), (*x.shape, 1)) for name in ("real", "imag")]
    return b.concatenate(parts, x.rank)


@prints("_conj", "conj", "_conj_physical", "conj_physical", "resolve_conj")
def conj(e: Emitter, x: Value) -> Value:
    if not x.dtype.is_complex:
        return x
    b, part = e.builder, torch.float32 if x.dtype == torch.complex64 else torch.float64
    real_part, imaginary = (b.op(name, [x], x.shape, part) for name in ("real", "imag"))
    return b.op("complex", [real_part, b.unary("negate", imaginary)], x.shape, x.dtype)
