# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the operations that are not printed are made of.

The first pass traces through autograd; normalisations are taken apart there, since PyTorch's own forms of them carry
annotations that functionalisation refuses. The second pass, without mutations, takes apart all that the table lacks.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch._decomp import core_aten_decompositions, decomposition_table

from noether_mlir.torch.printing import TABLE
from noether_mlir.torch.printing.module import operation_name

aten = torch.ops.aten
Tensor = torch.Tensor


def _layer_norm(x: Tensor, shape: Sequence[int], weight: Any, bias: Any, eps: float) -> tuple[Tensor, ...]:
    axes = list(range(x.dim() - len(shape), x.dim()))
    mean = x.mean(axes, keepdim=True)
    apart = x - mean
    inverse = torch.rsqrt((apart * apart).mean(axes, keepdim=True) + eps)
    y = apart * inverse
    y = y * weight if weight is not None else y
    return (y + bias if bias is not None else y), mean, inverse


def _rms_norm(x: Tensor, shape: Sequence[int], weight: Any, eps: float | None) -> tuple[Tensor, ...]:
    axes = list(range(x.dim() - len(shape), x.dim()))
    epsilon = torch.finfo(x.dtype).eps if eps is None else eps
    inverse = torch.rsqrt((x * x).mean(axes, keepdim=True) + epsilon)
    y = x * inverse
    return (y * weight if weight is not None else y), inverse


def _group_norm(
    x: Tensor, weight: Any, bias: Any, count: int, channels: int, size: int, groups: int, eps: float
) -> tuple[Tensor, ...]:
    parts = x.reshape(count, groups, -1)
    mean = parts.mean(-1, keepdim=True)
    apart = parts - mean
    inverse = torch.rsqrt((apart * apart).mean(-1, keepdim=True) + eps)
    y = (apart * inverse).reshape(x.shape)
    along = [1, channels, *[1] * (x.dim() - 2)]
    y = y * weight.view(along) if weight is not None else y
    y = y + bias.view(along) if bias is not None else y
    return y, mean.squeeze(-1), inverse.squeeze(-1)


def _batch_norm(
    x: Tensor, weight: Any, bias: Any, mean: Any, variance: Any, training: bool, momentum: float, eps: float
) -> tuple[Tensor, ...]:
    axes = [0, *range(2, x.dim())]
    along = [1, -1, *[1] * (x.dim() - 2)]
    if training:
        count = x.numel() // x.shape[1]
        own = x.mean(axes)
        apart = x - own.view(along)
        spread = (apart * apart).mean(axes)
        inverse = torch.rsqrt(spread + eps)
        if mean is not None:
            mean.copy_(mean * (1 - momentum) + own * momentum)
            variance.copy_(variance * (1 - momentum) + spread * (count / max(count - 1, 1)) * momentum)
        saved = own, inverse
    else:
        apart = x - mean.view(along)
        inverse = torch.rsqrt(variance + eps)
        saved = x.new_zeros(0), x.new_zeros(0)
    y = apart * inverse.view(along)
    y = y * weight.view(along) if weight is not None else y
    y = y + bias.view(along) if bias is not None else y
    return y, *saved


def _batch_norm_without_statistics(
    x: Tensor, weight: Any, bias: Any, training: bool, momentum: float, eps: float
) -> tuple[Tensor, ...]:
    return _batch_norm(x, weight, bias, None, None, training, momentum, eps)


def first_pass() -> dict[Any, Callable[..., Any]]:
    """Decompositions for the pass through autograd: only the forward parts are taken apart."""
    return {
        aten.native_layer_norm.default: _layer_norm,
        aten._fused_rms_norm.default: _rms_norm,
        aten.native_group_norm.default: _group_norm,
        aten.native_batch_norm.default: _batch_norm,
        aten._native_batch_norm_legit.default: _batch_norm,
        aten._native_batch_norm_legit.no_stats: _batch_norm_without_statistics,
    }


def second_pass() -> dict[Any, Callable[..., Any]]:
    """Decompositions for the pass without mutations: of all that is not in the table of printed operations."""
    chosen = {**decomposition_table, **core_aten_decompositions()}
    chosen = {op: rule for op, rule in chosen.items() if operation_name(op) not in TABLE}
    return {**chosen, **first_pass()}
