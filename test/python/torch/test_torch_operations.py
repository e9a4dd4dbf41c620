# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Each operation of the table does in XLA what it does in PyTorch. All of a group are one module."""

import numpy as np
import pytest
import torch
from noether_mlir.errors import UnsupportedStep
from noether_mlir.torch.printing import TABLE, Argument, Output, print_module
from noether_mlir.torch.tracing import trace
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional as F
from torch_running import run_module

aten = torch.ops.aten
generator = torch.Generator().manual_seed(0)


def real(*shape):
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def positive(*shape):
    return torch.rand(shape, generator=generator, dtype=torch.float64) + 0.1


X, Y, P, S = real(3, 4), real(3, 4), positive(3, 4), real(4)
T, B = real(2, 3, 4), real(2, 4, 5)
N, M = torch.tensor([[1, -2, 3], [4, 5, -6]]), torch.tensor([[2, 3, -2], [-3, 2, 4]])
BOOL = torch.tensor([[True, False, True, True], [False, False, True, False], [True, True, False, False]])
IMAGE, KERNEL, BIAS = real(2, 4, 7, 6), real(6, 4, 3, 3), real(6)
GROUPED, TURNED = real(6, 2, 3, 3), real(4, 3, 3, 2)
ROWS, PLACES = torch.tensor([[2, 0], [1, 2]]), torch.tensor([[0, 3, 1, 1], [2, 2, 0, 3]])


def gradient(function, *values):
    """The function's value and its gradients."""
    leaves = [value.detach().clone().requires_grad_() for value in values]
    result = function(*leaves)
    weight = torch.arange(result.numel(), dtype=result.dtype).reshape(result.shape) / result.numel() - 0.3
    return (result.detach(), *torch.autograd.grad((result * weight).sum(), leaves))


ELEMENTWISE = {
    "unary": lambda: [f(X) for f in (
        torch.neg, torch.exp, torch.expm1, torch.tanh, torch.sin, torch.cos, torch.tan, torch.sigmoid, torch.floor,
        torch.ceil, torch.round, torch.erf, torch.erfc, torch.abs, torch.sign, torch.relu, torch.square, torch.exp2,
        torch.trunc, torch.reciprocal, torch.isnan, torch.isinf, torch.isfinite, torch.atan, torch.sinh, torch.cosh,
        torch.asinh, torch.logical_not, F.silu, F.gelu, F.softplus, F.mish, F.hardswish, F.leaky_relu, F.elu, F.selu,
        F.hardtanh, F.logsigmoid, F.relu6, F.hardsigmoid, F.celu, F.softsign, F.tanhshrink)],
    "positive": lambda: [f(P) for f in (
        torch.log, torch.log1p, torch.sqrt, torch.rsqrt, torch.log2, torch.log10, torch.lgamma, torch.digamma)],
    "within one": lambda: [f(P / 2) for f in (torch.asin, torch.acos, torch.atanh, torch.erfinv)],
    "binary": lambda: [f(X, Y) for f in (
        torch.add, torch.sub, torch.mul, torch.div, torch.maximum, torch.minimum, torch.atan2, torch.eq, torch.ne,
        torch.lt, torch.le, torch.gt, torch.ge, torch.fmod, torch.remainder, torch.logical_and, torch.logical_or,
        torch.logical_xor, torch.fmax, torch.fmin, torch.floor_divide)],
    "numbers": lambda: [
        torch.add(X, S, alpha=2), torch.sub(X, 3, alpha=0.5), torch.rsub(X, 2.0), X * 3, 2 / X, X + True, N + 0.5,
        torch.div(X, Y, rounding_mode="floor"), torch.div(X, Y, rounding_mode="trunc"), N > 1.5, N * True],
    "integers": lambda: [
        N // M, torch.div(N, M, rounding_mode="trunc"), N % M, torch.fmod(N, M), N / M, N & M, N | M, N ^ M, ~N,
        N.abs(), N.to(torch.float64), N.to(torch.bool), BOOL & BOOL.flip(0), ~BOOL, BOOL.to(torch.int32), N.sign()],
    "powers": lambda: [
        X**2, X**3, P**0.5, P**-0.5, X**-1, P**1.7, X**0, X**1, 2.0**X, P**X, torch.pow(N, 2), torch.pow(P, S)],
    "choices": lambda: [
        torch.where(BOOL, X, Y), torch.where(X > 0, X, 0.0), X.masked_fill(BOOL, -1.0), X.clamp(-0.5, 0.5),
        X.clamp(min=S), X.clamp(max=0.1), X.clamp_min(0.2), X.lerp(Y, 0.3), X.lerp(Y, P), torch.addcmul(X, Y, P, value=0.7),
        torch.addcdiv(X, Y, P, value=-2), torch.nan_to_num(X / 0.0), torch.heaviside(X, S), torch.copysign(X, Y)],
    "made": lambda: [
        torch.full((2, 3), 1.5), torch.zeros(2), torch.ones_like(N), torch.arange(5), torch.arange(1, 9, 2),
        torch.arange(0.0, 1.0, 0.25), torch.eye(3), torch.tensor([1.0, -2.5]), torch.tensor([True, False]),
        torch.linspace(0, 1, 5, dtype=torch.float64), X.new_full((2,), 3.0), torch.full((), float("-inf"))],
    "complex": lambda: [
        torch.view_as_real(torch.view_as_complex(real_pairs()) * torch.polar(P, X)[:, :2]),
        torch.view_as_complex(real_pairs()).abs(), torch.complex(X, Y).conj().imag, torch.complex(X, Y).real],
}


def real_pairs():
    return torch.stack((X[:, :2], Y[:, :2]), -1)


SHAPES = {
    "shapes": lambda: [
        T.view(6, 4), T.permute(2, 0, 1), T.transpose(0, 2), X.t(), T.unsqueeze(1), T[:1].squeeze(0), S.expand(3, 4),
        X.repeat(2, 3), X.repeat(2, 1, 2), T.flatten(1), torch.cat((X, Y), 1), torch.cat((X, S[None]), 0),
        torch.stack((X, Y), 1), X.flip(0, 1), T.roll(1, 2), T.roll((1, -1), (0, 1)), X.roll(3), X.tril(), X.triu(1),
        X.diagonal(), X.diagonal(1), T.diagonal(-1, 1, 2), T.movedim(0, 2), X.repeat_interleave(2, 1)],
    "pieces": lambda: [
        T[:, 1:, ::2], T[..., -1], T[1], X[:, -3:-1], T.narrow(2, 1, 2), T.select(1, -1), *T.split(2, 2), *T.chunk(2, 1),
        *T.unbind(2), *X.split([1, 3], 1)],
    "padding": lambda: [
        F.pad(X, (1, 2)), F.pad(X, (0, 1, 2, 0), value=3.0), F.pad(X, (-1, 1)), F.pad(IMAGE, (1, 2, 1, 0), mode="reflect"),
        F.pad(IMAGE, (1, 1, 1, 1), mode="replicate"), F.pad(IMAGE, (1, 1, 1, 1), mode="circular")],
    "sums": lambda: [
        T.sum(), T.sum(1), T.sum((0, 2), keepdim=True), N.sum(), BOOL.sum(1), T.mean(), T.mean((1, 2)), X.prod(1),
        X.amax(1), X.amin((0, 1)), BOOL.any(0), BOOL.all(1), X.any(), X.var(1), X.std(), X.var(0, correction=0),
        *torch.var_mean(X, 1), X.norm(), X.norm(1, 1), torch.linalg.vector_norm(X, 3, 0), X.norm(float("inf"), 1),
        X.softmax(1), X.log_softmax(0), X.logsumexp(1), torch.cumsum(X, 1), torch.cumsum(N, 0), X.max(), N.min(),
        *X.max(1), *X.min(0, keepdim=True), X.argmax(1), X.argmin(), X.argmax(0, keepdim=True), X.sum(dtype=torch.float32)],
    "sorted": lambda: [
        *X.sort(1), *X.sort(0, descending=True), *X.topk(2, 1), *X.topk(2, 0, largest=False), X.argsort(1)],
    "products": lambda: [
        X @ Y.T, T @ B, T @ S, X.mv(S), S.dot(S), torch.addmm(X, X, real_square(), beta=0.5, alpha=2),
        torch.baddbmm(real_batch(), T, B, beta=0.3), torch.einsum("bij,bjk->ik", T, B), F.linear(X, Y, S[:3]),
        torch.outer(S, S), torch.bmm(T, B)],
}


def real_square():
    return torch.arange(16, dtype=torch.float64).view(4, 4) / 7


def real_batch():
    return torch.arange(30, dtype=torch.float64).view(2, 3, 5) / 11


INDEXING = {
    "read": lambda: [
        F.embedding(ROWS, X), X.index_select(1, torch.tensor([3, 0])), X[ROWS], T[:, ROWS[0], ROWS[1]], T[ROWS % 2, :, ROWS],
        X[torch.tensor([-1, 0])], T[:, :, PLACES], X.gather(1, PLACES), X.gather(0, ROWS), T[(ROWS % 2)[0][:, None], ROWS[1]],
        torch.take_along_dim(X, PLACES[:, :1].repeat(2, 1)[:3], 1)],
    "written": lambda: [
        torch.zeros(3, 4, dtype=torch.float64).scatter(1, PLACES, -1.0), X.scatter(1, PLACES[:, :2], Y),
        X.scatter_add(0, ROWS, Y), X.scatter_reduce(1, PLACES[:, :1], Y, "amax"), X.index_add(0, torch.tensor([0, 0, 2]), Y),
        X.index_put((ROWS[0], ROWS[1]), S[:2]), X.index_put((torch.tensor([0, 0]),), Y[:2], accumulate=True),
        X.index_put((BOOL,), torch.tensor(5.0, dtype=torch.float64)), X.slice_scatter(Y[:, :2], 1, 1, 3),
        X.slice_scatter(Y[:, :2], 1, 0, 4, 2), X.select_scatter(S, 0, 1),
        F.one_hot(PLACES, 5)],
    "gradients": lambda: [
        *gradient(lambda w: F.embedding(ROWS, w), X), *gradient(lambda w: F.embedding(ROWS, w, padding_idx=2), X),
        *gradient(lambda x: x[ROWS, 1:], X), *gradient(lambda x: x.gather(1, PLACES), X),
        *gradient(lambda x: F.cross_entropy(x, torch.tensor([1, 3, 0]), reduction="none"), X),
        *gradient(lambda x: F.cross_entropy(x, torch.tensor([1, -100, 0]), label_smoothing=0.1).reshape(1), X),
        *gradient(lambda x: F.cross_entropy(x, P / P.sum(1, keepdim=True)).reshape(1), X),
        *gradient(lambda x: x.max(1).values, X), *gradient(lambda x: x.cumsum(1), X), *gradient(lambda x: x[:, ::2], X),
        *gradient(lambda x: F.pad(x, (1, -1)), X), *gradient(lambda x: x.topk(2, 1).values, X),
        *gradient(lambda x: x.norm(dim=1), X), *gradient(lambda x: x.prod(1), X), *gradient(lambda x: x.std(1), X)],
}

WINDOWS = {
    "convolutions": lambda: [
        *gradient(lambda x, w, b: F.conv2d(x, w, b), IMAGE, KERNEL, BIAS),
        *gradient(lambda x, w: F.conv2d(x, w, stride=(2, 3), padding=(1, 2)), IMAGE, KERNEL),
        *gradient(lambda x, w: F.conv2d(x, w, dilation=2, padding=2, stride=2), IMAGE, KERNEL),
        *gradient(lambda x, w, b: F.conv2d(x, w, b, groups=2, padding=1), IMAGE, GROUPED, BIAS),
        *gradient(lambda x, w: F.conv2d(x, w, groups=4, padding="same"), IMAGE, KERNEL[:4, :1]),
        *gradient(lambda x, w: F.conv1d(x, w, stride=2, padding=1), IMAGE[:, :, 0], KERNEL[:, :, 0]),
        *gradient(lambda x, w: F.conv3d(x, w, padding=1), IMAGE[:, :, None], KERNEL[:, :, None]),
        *gradient(lambda x, w: F.conv_transpose2d(x, w, stride=2, padding=1, output_padding=1), IMAGE, TURNED),
        *gradient(lambda x, w: F.conv_transpose2d(x, w, stride=(1, 2), groups=2, dilation=(2, 1)), IMAGE, TURNED),
    ],
    "pooling": lambda: [
        *gradient(lambda x: F.max_pool2d(x, 2), IMAGE), *gradient(lambda x: F.max_pool2d(x, 3, 2, 1), IMAGE),
        *gradient(lambda x: F.max_pool2d(x, (2, 3), ceil_mode=True), IMAGE), *gradient(lambda x: F.avg_pool2d(x, 2), IMAGE),
        *gradient(lambda x: F.avg_pool2d(x, 3, 2, 1), IMAGE),
        *gradient(lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False), IMAGE),
        *gradient(lambda x: F.avg_pool2d(x, (2, 3), ceil_mode=True), IMAGE),
        *gradient(lambda x: F.adaptive_avg_pool2d(x, 1), IMAGE), *gradient(lambda x: F.adaptive_avg_pool2d(x, (7, 3)), IMAGE),
        *gradient(lambda x: F.max_pool1d(x, 2), IMAGE[:, 0]), *gradient(lambda x: F.avg_pool1d(x, 2), IMAGE[:, 0]),
        *gradient(lambda x: F.interpolate(x, scale_factor=2, mode="nearest"), IMAGE),
        *gradient(lambda x: F.interpolate(x, size=(5, 9), mode="bilinear", align_corners=False), IMAGE),
        *gradient(lambda x: F.pixel_shuffle(x, 2), IMAGE), *gradient(lambda x: F.unfold(x, 3), IMAGE),
    ],
    "norms": lambda: [
        *gradient(lambda x, w: F.layer_norm(x, (4,), w, S), T, S), *gradient(lambda x: F.layer_norm(x, (3, 4)), T),
        *gradient(lambda x, w: F.rms_norm(x, (4,), w, 1e-6), T, S), *gradient(lambda x: F.rms_norm(x, (4,)), T),
        *gradient(lambda x, w: F.group_norm(x, 2, w, S), IMAGE, S), *gradient(lambda x: F.instance_norm(x), IMAGE),
        *gradient(lambda x, w: F.batch_norm(x, None, None, w, S, training=True), IMAGE, S),
        *gradient(lambda x: F.batch_norm(x, S, positive_four(), training=False), IMAGE),
        *gradient(lambda x: F.normalize(x, dim=1), X), *gradient(lambda x: F.local_response_norm(x, 2), IMAGE),
        *gradient(lambda x: F.cosine_similarity(x, Y), X)],
    "losses": lambda: [
        *[gradient(lambda x, f=f: f(x, Y).reshape(1), X)[1] for f in (F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss)],
        *gradient(lambda x: F.binary_cross_entropy_with_logits(x, P.clamp(max=1)).reshape(1), X),
        *gradient(lambda x: F.binary_cross_entropy(x.sigmoid(), P.clamp(max=1)).reshape(1), X),
        *gradient(lambda x: F.kl_div(x.log_softmax(1), Y.softmax(1), reduction="batchmean").reshape(1), X),
        *gradient(lambda x: F.nll_loss(x.log_softmax(1), torch.tensor([1, 3, 0]), weight=P[0]).reshape(1), X),
        *gradient(lambda x: F.scaled_dot_product_attention(x, x, x, is_causal=True), T[:, None])],
}


def positive_four():
    return torch.tensor([0.5, 1.0, 1.5, 2.0], dtype=torch.float64)


GROUPS = {"elementwise": ELEMENTWISE, "shapes": SHAPES, "indexing": INDEXING, "windows": WINDOWS}
INPUTS = [name for name, value in list(globals().items()) if isinstance(value, torch.Tensor)]


def results_of(group, values, names):
    """All results of a group, on these inputs."""
    before = {name: globals()[name] for name in INPUTS}
    results = []
    try:
        globals().update(zip(INPUTS, values))
        with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
            for name, make in GROUPS[group].items():
                made = make()
                results += made
                names += [f"{name}[{number}]" for number in range(len(made))]
    finally:
        globals().update(before)
    return results


@pytest.mark.parametrize("group", GROUPS)
def test_operations(group):
    """Traced on fake tensors, printed, and run."""
    names, values = [], [globals()[name] for name in INPUTS]
    expected = results_of(group, values, names)
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    graph = trace(lambda *fakes: results_of(group, fakes, []), [mode.from_tensor(value) for value in values], mode)
    text = print_module(graph, [Argument(n, "batch") for n in INPUTS], [Output(n, "metric") for n in names])
    wrong = {}
    for name, value, other in zip(names, expected, run_module(text, [v.numpy() for v in values]), strict=True):
        value = value.resolve_neg().resolve_conj().numpy()
        if value.shape != other.shape or value.dtype != other.dtype:
            wrong[name] = (value.shape, value.dtype, other.shape, other.dtype)
        elif not np.allclose(value, other, rtol=1e-10, atol=1e-10, equal_nan=True):
            wrong[name] = np.abs(value - other).max()
    assert not wrong
