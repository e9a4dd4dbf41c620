# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Normalisations and attention by their definitions, which autograd then differentiates.

PyTorch's fused forms have fused derivatives. Taken apart by the chain rule, the gradients of gains and biases are sums of
products, as in other frameworks, and are recognised as gradients.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn import functional as F

Tensor = torch.Tensor


def _centered(x: Tensor, axes: Sequence[int], eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """The normalised values, the mean, and the variance, with the axes kept."""
    mean = x.mean(axes, keepdim=True)
    apart = x - mean
    variance = (apart * apart).mean(axes, keepdim=True)
    return apart * torch.rsqrt(variance + eps), mean, variance


def _affine(y: Tensor, weight: Tensor | None, bias: Tensor | None, shape: Sequence[int] | None = None) -> Tensor:
    along = lambda tensor: tensor if shape is None else tensor.view(shape)
    y = y if weight is None else y * along(weight)
    return y if bias is None else y + along(bias)


def layer_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, bias: Tensor | None = None,
    eps: float = 1e-5, cudnn_enable: bool = True,
) -> Tensor:  # fmt: skip
    y, *_ = _centered(_wide(input), list(range(-len(normalized_shape), 0)), eps)
    return _affine(y, weight, bias).to(input.dtype)


def rms_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    wide = _wide(input)
    axes = list(range(-len(normalized_shape), 0))
    epsilon = torch.finfo(input.dtype).eps if eps is None else eps
    y = wide * torch.rsqrt((wide * wide).mean(axes, keepdim=True) + epsilon)
    return _affine(y, weight, None).to(input.dtype)


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Tensor:  # fmt: skip
    parts = _wide(input).reshape(input.shape[0], num_groups, -1)
    y, *_ = _centered(parts, [-1], eps)
    return _affine(y.reshape(input.shape), weight, bias, [1, -1, *[1] * (input.dim() - 2)]).to(input.dtype)


def _wide(x: Tensor) -> Tensor:
    """Statistics of short numbers are in single precision."""
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x


def _batch_norm(
    x: Tensor, mean: Tensor | None, variance: Tensor | None, weight: Tensor | None, bias: Tensor | None,
    training: bool, momentum: float, eps: float,
) -> Tensor:  # fmt: skip
    wide = _wide(x)
    along = [1, -1, *[1] * (x.dim() - 2)]
    if training:
        y, own, spread = _centered(wide, [0, *range(2, x.dim())], eps)
        if mean is not None and variance is not None:
            count = x.numel() // x.shape[1]
            with torch.no_grad():
                mean.copy_(mean * (1 - momentum) + own.reshape(-1) * momentum)
                unbiased = spread.reshape(-1) * (count / max(count - 1, 1))
                variance.copy_(variance * (1 - momentum) + unbiased * momentum)
    else:
        assert mean is not None and variance is not None
        y = (wide - mean.view(along)) * torch.rsqrt(variance + eps).view(along)
    return _affine(y, weight, bias, along).to(x.dtype)


def batch_norm(
    input: Tensor, running_mean: Tensor | None, running_var: Tensor | None, weight: Tensor | None = None,
    bias: Tensor | None = None, training: bool = False, momentum: float = 0.1, eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    if training:
        F._verify_batch_size(input.size())
    return _batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)


def torch_batch_norm(
    x: Tensor, weight: Tensor | None, bias: Tensor | None, mean: Tensor | None, variance: Tensor | None,
    training: bool, momentum: float, eps: float, cudnn_enabled: bool,
) -> Tensor:  # fmt: skip
    return _batch_norm(x, mean, variance, weight, bias, training, momentum, eps)


def weight_norm(v: Tensor, g: Tensor, dim: int = 0) -> Tensor:
    axes = [axis for axis in range(v.dim()) if dim == -1 or axis != dim]
    return v * (g * torch.rsqrt((v * v).sum(axes, keepdim=True)))


_attention = F.scaled_dot_product_attention


def attention(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, dropout_p: float = 0.0,
    is_causal: bool = False, scale: float | None = None, enable_gqa: bool = False,
) -> Tensor:  # fmt: skip
    """Without PyTorch's guard against rows that see nothing, where there can be none: without a mask."""
    if attn_mask is not None:
        return _attention(query, key, value, attn_mask, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa)
    factor = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    if enable_gqa:
        key = key.repeat_interleave(query.shape[-3] // key.shape[-3], -3)
        value = value.repeat_interleave(query.shape[-3] // value.shape[-3], -3)
    scores = query @ key.transpose(-2, -1) * factor
    if is_causal:
        kept = torch.ones(scores.shape[-2:], dtype=torch.bool, device=query.device).tril()
        scores = scores.masked_fill(~kept, -math.inf)
    weights = scores.softmax(-1)
    return (F.dropout(weights, dropout_p) if dropout_p else weights) @ value


#: Function of PyTorch -> the same by its definition.
DEFINITIONS: dict[Any, Callable[..., Any]] = {
    F.layer_norm: layer_norm,
    torch.layer_norm: layer_norm,
    F.rms_norm: rms_norm,
    torch.rms_norm: rms_norm,
    F.group_norm: group_norm,
    torch.group_norm: group_norm,
    F.batch_norm: batch_norm,
    torch.batch_norm: torch_batch_norm,
    _attention: attention,
    torch._weight_norm: weight_norm,
}
