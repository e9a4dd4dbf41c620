# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Small functions that between them use every operation of StableHLO and CHLO that computes with numbers."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax


def _normal(*shape):
    return np.random.default_rng(sum(shape) + 7 * len(shape)).normal(size=shape)


def _positive(*shape):
    return np.abs(_normal(*shape)) + 0.3


X, Y, W, V = _normal(3, 4), _normal(3, 4) + 0.1, _normal(4, 5), _normal(6)
P = _positive(3, 4)
IMAGE, KERNEL = _normal(2, 3, 3, 4), _normal(2, 2, 4, 4)
INDICES = np.array([[2], [0], [2]])


def _conv(window_strides=(1, 1), padding="SAME", **kwargs):
    return lambda x, w: lax.conv_general_dilated(
        x, w, window_strides, padding, dimension_numbers=("NHWC", "HWIO", "NHWC"), **kwargs
    )


def _gradient(function):
    return lambda *args: jax.grad(lambda *a: jnp.sum(jnp.sin(function(*a))), argnums=range(len(args)))(*args)


def _unary(*names):
    return {name: (getattr(jnp, name, None) or getattr(lax, name), (X,)) for name in names}


#: Name: (function, arguments).
FUNCTIONS = {
    **_unary(
        "abs", "ceil", "cos", "cosh", "exp", "expm1", "floor", "isfinite", "isinf", "isnan", "negative", "rint",
        "sign", "sin", "sinh", "square", "tan", "tanh", "arctan", "arcsinh", "cbrt",
    ),
    **{name: (function, (P,)) for name, function in {
        "log": jnp.log, "log1p": jnp.log1p, "sqrt": jnp.sqrt, "rsqrt": lax.rsqrt, "lgamma": lax.lgamma,
        "digamma": lax.digamma, "bessel": lax.bessel_i1e, "arccosh": lambda x: jnp.arccosh(1 + x),
        "power": lambda x: (x**-1.5, x**0.3, x**2, x**3, x ** jnp.float64(1 / 3), jnp.power(2.0, x), x**0.12345678),
    }.items()},
    "activations": (
        lambda x: (jax.nn.relu(x), jax.nn.gelu(x, approximate=False), jax.nn.silu(x), lax.logistic(x)), (X,),
    ),
    "erf_inv": (lambda x: lax.erf_inv(jnp.tanh(x)), (X,)),
    "arithmetic": (
        lambda x, y: (x + y, x - y, x * y, x / y, jnp.maximum(x, y), jnp.minimum(x, y), lax.rem(x, y)), (X, Y),
    ),
    "comparisons": (
        lambda x, y: (x == y, x < y, x >= y, x != y, x < 0, jnp.arctan2(x, y), lax.nextafter(x, y)), (X, Y),
    ),
    "select": (lambda x, y: (jnp.where(x > 0, x, y), lax.select(x[0, 0] > 0, x, y), jnp.where(x > 0, x, 0.0)), (X, Y)),
    "clamp": (lambda x, y: (lax.clamp(-y, x, y), lax.clamp(0.0, x, 2.0)), (X, P)),
    "conversions": (
        lambda x: (x.astype(jnp.float32), x.astype(int), x.astype(bool), jnp.arange(4).astype(float) * x,
                   lax.reduce_precision(x, 8, 7), lax.bitcast_convert_type(x, jnp.int64)), (X,),
    ),
    "complex": (
        lambda x, y: (lax.complex(x, y) * lax.complex(y, x), jnp.abs(lax.complex(x, y)), lax.complex(x, y).imag,
                      jnp.conj(lax.complex(x, y)).real), (X, Y),
    ),
    "integers": (
        lambda k: (k + k, k * k, k // 2, k % 3, k & 1, k | 1, k ^ 3, ~k, k << 2, k >> 1, lax.population_count(k),
                   lax.clz(k), lax.shift_right_logical(k, 1), -k, jnp.abs(k), jnp.maximum(k, 2), k < 3, jnp.sum(k)),
        (np.arange(6),),
    ),
    "dot": (lambda x, w: (x @ w, jnp.dot(x[0], w), jnp.vdot(x[0], w[:, 0]), jnp.outer(x[0], w[0])), (X, W)),
    "dot_general": (
        lambda x, y: [jnp.einsum(f"bij,b{rest}", x, y) for rest in ("jk->bik", "jk->ki", "kl->bikl")],
        (_normal(2, 3, 4), _normal(2, 4, 2)),
    ),
    "conv_same": (_conv(), (IMAGE, KERNEL)),
    "conv_strided": (_conv((2, 2), "VALID"), (IMAGE, KERNEL)),
    "conv_gradient": (_gradient(_conv((2, 1), "SAME")), (IMAGE, KERNEL)),
    "conv_1x1": (_conv(), (IMAGE, KERNEL[:1, :1])),
    "conv_1x1_gradient": (_gradient(_conv()), (IMAGE, KERNEL[:1, :1])),
    "conv_dense": (_conv(padding="VALID"), (IMAGE, _normal(3, 3, 4, 3))),
    "conv_grouped": (_conv(feature_group_count=2), (IMAGE, _normal(2, 2, 2, 4))),
    "conv_grouped_gradient": (_gradient(_conv(feature_group_count=2)), (IMAGE, _normal(2, 2, 2, 4))),
    "conv_depthwise": (_conv(feature_group_count=4), (IMAGE, _normal(2, 2, 1, 8))),
    "conv_depthwise_gradient": (_gradient(_conv(feature_group_count=4)), (IMAGE, _normal(2, 2, 1, 4))),
    "conv_batch_groups": (_conv(padding="VALID", batch_group_count=2), (IMAGE, KERNEL)),
    "conv_dilated": (_conv(padding=[(1, 0), (0, 1)], lhs_dilation=(2, 1), rhs_dilation=(1, 2)), (IMAGE, KERNEL)),
    "reductions": (lambda x: (x.sum(0), x.sum(), x.max(1), x.min(), x.mean(), (x > 0).any(0), (x > 0).all()), (X,)),
    "product": (lambda x: (x.prod(1), x.prod()), (X,)),
    "argmax": (lambda x: (jnp.argmax(x, 0), jnp.argmin(x)), (X,)),
    "reduce_custom": (
        lambda x, y: lax.reduce((x, y), (0.0, 0.0), lambda a, b: (a[0] + b[0], jnp.maximum(a[1], b[1])), (1,)),
        (X, Y),
    ),
    "reduce_mixed": (
        lambda x, y: lax.reduce((x, y), (0.0, 0.0), lambda a, b: (a[0] + b[0] + b[1] - b[1], a[1] + b[1]), (1,)),
        (X, Y),
    ),
    "reduce_logsumexp": (lambda x: lax.reduce(x, -jnp.inf, lambda a, b: jnp.logaddexp(a, b), (1,)), (X,)),
    "logsumexp": (lambda x: jax.nn.logsumexp(x, axis=1), (X,)),
    "cumulative": (lambda x: (lax.cumsum(x, 1), lax.cummax(x, 0), lax.cumprod(x, 1), lax.cumlogsumexp(x, 1)), (X,)),
    "pooling": (
        lambda x: (lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID"),
                   lax.reduce_window(x, 0.0, lax.add, (1, 3, 3, 1), (1, 1, 1, 1), "SAME")), (IMAGE,),
    ),
    "pooling_gradient": (
        _gradient(lambda x: lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")), (IMAGE,),
    ),
    "sort": (lambda x, y: (jnp.sort(x, 1), *lax.sort((x, y), dimension=0, num_keys=1), jnp.argsort(x, 1)), (X, Y)),
    "top_k": (lambda x: lax.top_k(x, 2), (X,)),
    "broadcast": (
        lambda x, v: (x[:, None] + jnp.zeros((1, 2, 1)), jnp.broadcast_to(x[0], (2, 4)), v[:, None] * v), (X, V),
    ),
    "reshape": (
        lambda x: [x.reshape(shape) for shape in ((4, 6), (2, 2, 6), (24,), (8, 3), (1, 4, 1, 6), (3, 8))],
        (_normal(2, 2, 6),),
    ),
    "transpose": (lambda x: (x.transpose(2, 0, 1), x.T), (_normal(2, 3, 4),)),
    "reverse": (lambda x: (x[::-1], lax.rev(x, (0, 1))), (X,)),
    "slice": (lambda x: (x[:, 1:3], x[1:], x[1:2, ::2], x[:, -1]), (X,)),
    "slice_gradient": (_gradient(lambda x: x[:, 1:3] * x[:, :2]), (X,)),
    "concatenate": (lambda x, y: (jnp.concatenate([x, y, x[:1]]), jnp.stack([x, y], 1)), (X, Y)),
    "pad": (
        lambda x, p: (lax.pad(x, p, [(1, 2, 0), (0, 1, 0)]), lax.pad(x, p, [(0, 0, 1), (0, 0, 0)]),
                      lax.pad(x, p, [(-1, 2, 0), (0, -2, 0)]), lax.pad(x, p, [(-1, 0, 0), (0, -2, 0)]),
                      lax.pad(x, p, [(0, 0, 0), (0, 0, 0)])),
        (X, np.float64(1.5)),
    ),
    "embedding": (lambda x: (x[INDICES[:, 0]], x[:, jnp.array([1, 1])], x[jnp.array([0, 2]), jnp.array([1, 3])]), (X,)),
    "embedding_gradient": (_gradient(lambda x: x[INDICES[:, 0]]), (X,)),
    "take_along_axis": (lambda x: jnp.take_along_axis(x, INDICES, 1), (X,)),
    "take_along_axis_gradient": (_gradient(lambda x: jnp.take_along_axis(x, INDICES, 1)), (X,)),
    "scatter": (
        lambda x, v: (x.at[jnp.array([0, 2, 0])].add(v), x.at[jnp.array([0, 2, 1])].set(v),
                      x.at[jnp.array([0, 2, 0])].max(v), x.at[jnp.array([0, 2, 0])].mul(v),
                      x.at[:, 1:3].set(v[:, :2]), x.at[1, 2].add(1.0)),
        (X, Y),
    ),
    "dynamic_slice": (
        lambda x, v, i: (lax.dynamic_slice(x, (i, jnp.int32(0)), (2, 4)),
                         lax.dynamic_update_slice(x, v[:2], (i, jnp.int32(0))),
                         lax.dynamic_update_slice(x, v, (i, jnp.int32(0)))),
        (X, Y, np.int32(1)),
    ),
    "cholesky": (lambda x: lax.linalg.cholesky(x @ x.T + jnp.eye(3), symmetrize_input=False), (X,)),
    "fft": (lambda x: (jnp.fft.fft(x, axis=1), jnp.fft.rfft2(x), jnp.fft.irfft(lax.complex(x, x))), (X,)),
    "barrier": (lambda x, y: lax.optimization_barrier((x, y)), (X, Y)),
    "iota": (lambda x: x + lax.iota(float, 4), (X,)),
    "random": (lambda key: lax.rng_bit_generator(key, (3, 4)), (np.array([1, 2], np.uint64),)),
    "layer_norm": (
        _gradient(lambda x, g: g * (x - x.mean(1, keepdims=True)) * lax.rsqrt(x.var(1, keepdims=True) + 1e-5)), (X, Y),
    ),
    "attention": (
        _gradient(lambda q, k, v: jax.nn.softmax(jnp.einsum("qhd,khd->hqk", q, k)) @ v.transpose(1, 0, 2)),
        (_normal(3, 2, 4), _normal(3, 2, 4), _normal(3, 2, 4)),
    ),
}

#: Operations that JAX does not print, in pretty form: the body of `main`, its type, its arguments.
_SPD = np.array([[4.0, 1.0], [1.0, 3.0]])
TEXTS = {
    "batch_norm_training": (
        """%0:3 = "stablehlo.batch_norm_training"(%a, %b, %c) {epsilon = 0.01 : f32, feature_index = 1 : i64} :
             (tensor<3x4xf64>, tensor<4xf64>, tensor<4xf64>) -> (tensor<3x4xf64>, tensor<4xf64>, tensor<4xf64>)
           return %0#0, %0#1, %0#2 : tensor<3x4xf64>, tensor<4xf64>, tensor<4xf64>""",
        "(%a: tensor<3x4xf64>, %b: tensor<4xf64>, %c: tensor<4xf64>)"
        " -> (tensor<3x4xf64>, tensor<4xf64>, tensor<4xf64>)",
        (X, _normal(4), _positive(4)),
    ),
    "batch_norm_training_without_epsilon": (
        """%0:3 = "stablehlo.batch_norm_training"(%a, %b, %c) {epsilon = 0.0 : f32, feature_index = 1 : i64} :
             (tensor<3x4xf64>, tensor<4xf64>, tensor<4xf64>) -> (tensor<3x4xf64>, tensor<4xf64>, tensor<4xf64>)
           return %0#0, %0#1, %0#2 : tensor<3x4xf64>, tensor<4xf64>, tensor<4xf64>""",
        "(%a: tensor<3x4xf64>, %b: tensor<4xf64>, %c: tensor<4xf64>)"
        " -> (tensor<3x4xf64>, tensor<4xf64>, tensor<4xf64>)",
        (X, _normal(4), _positive(4)),
    ),
    **{
        f"batch_norm_inference_{epsilon}": (
            f"""%0 = "stablehlo.batch_norm_inference"(%a, %b, %c, %d, %e)
                 {{epsilon = {epsilon} : f32, feature_index = 1 : i64}} :
                 (tensor<3x4xf64>, tensor<4xf64>, tensor<4xf64>, tensor<4xf64>, tensor<4xf64>) -> tensor<3x4xf64>
               return %0 : tensor<3x4xf64>""",
            "(%a: tensor<3x4xf64>, %b: tensor<4xf64>, %c: tensor<4xf64>, %d: tensor<4xf64>, %e: tensor<4xf64>)"
            " -> tensor<3x4xf64>",
            (X, _normal(4), _normal(4), _normal(4), _positive(4)),
        )
        for epsilon in ("0.01", "0.0")
    },
    **{
        f"batch_norm_grad_{epsilon}": (
            f"""%0:3 = "stablehlo.batch_norm_grad"(%a, %b, %c, %d, %e)
                 {{epsilon = {epsilon} : f32, feature_index = 1 : i64}} :
                 (tensor<3x4xf64>, tensor<4xf64>, tensor<4xf64>, tensor<4xf64>, tensor<3x4xf64>)
                 -> (tensor<3x4xf64>, tensor<4xf64>, tensor<4xf64>)
               return %0#0, %0#1, %0#2 : tensor<3x4xf64>, tensor<4xf64>, tensor<4xf64>""",
            "(%a: tensor<3x4xf64>, %b: tensor<4xf64>, %c: tensor<4xf64>, %d: tensor<4xf64>, %e: tensor<3x4xf64>)"
            " -> (tensor<3x4xf64>, tensor<4xf64>, tensor<4xf64>)",
            (X, _normal(4), _normal(4), _positive(4), Y),
        )
        for epsilon in ("0.01", "0.0")
    },
    "broadcast": (
        """%0 = "stablehlo.broadcast"(%a) {broadcast_sizes = array<i64: 2>} : (tensor<3x4xf64>) -> tensor<2x3x4xf64>
           return %0 : tensor<2x3x4xf64>""",
        "(%a: tensor<3x4xf64>) -> tensor<2x3x4xf64>", (X,),
    ),
    "dot": (
        """%0 = stablehlo.dot %a, %b : (tensor<3x4xf64>, tensor<4x5xf64>) -> tensor<3x5xf64>
           return %0 : tensor<3x5xf64>""",
        "(%a: tensor<3x4xf64>, %b: tensor<4x5xf64>) -> tensor<3x5xf64>", (X, W),
    ),
    "einsum": (
        """%0 = "stablehlo.einsum"(%a, %b) {einsum_config = "ij,kj->ki"} :
             (tensor<3x4xf64>, tensor<3x4xf64>) -> tensor<3x3xf64>
           return %0 : tensor<3x3xf64>""",
        "(%a: tensor<3x4xf64>, %b: tensor<3x4xf64>) -> tensor<3x3xf64>", (X, Y),
    ),
    "map": (
        """%0 = "stablehlo.map"(%a, %b) ({
           ^bb0(%x: tensor<f64>, %y: tensor<f64>):
             %zero = stablehlo.constant dense<0.0> : tensor<f64>
             %relu = stablehlo.maximum %x, %zero : tensor<f64>
             %sum = stablehlo.add %relu, %y : tensor<f64>
             %product = stablehlo.multiply %x, %sum : tensor<f64>
             stablehlo.return %product : tensor<f64>
           }) {dimensions = array<i64: 0, 1>} : (tensor<3x4xf64>, tensor<3x4xf64>) -> tensor<3x4xf64>
           return %0 : tensor<3x4xf64>""",
        "(%a: tensor<3x4xf64>, %b: tensor<3x4xf64>) -> tensor<3x4xf64>", (X, Y),
    ),
    "round_nearest_afz": (
        """%0 = stablehlo.round_nearest_afz %a : tensor<3x4xf64>
           return %0 : tensor<3x4xf64>""",
        "(%a: tensor<3x4xf64>) -> tensor<3x4xf64>", (X,),
    ),
    **{
        f"triangular_solve_{side}_{unit}": (
            f"""%0 = "stablehlo.triangular_solve"(%a, %b) {{left_side = {side}, lower = true, unit_diagonal = {unit},
                     transpose_a = #stablehlo<transpose NO_TRANSPOSE>}} :
                     (tensor<2x2xf64>, tensor<2x2xf64>) -> tensor<2x2xf64>
               return %0 : tensor<2x2xf64>""",
            "(%a: tensor<2x2xf64>, %b: tensor<2x2xf64>) -> tensor<2x2xf64>", (_SPD, _normal(2, 2)),
        )
        for side in ("true", "false") for unit in ("true", "false")
    },
    "torch_index_select": (
        """%0 = "stablehlo.torch_index_select"(%a, %b) {batch_dims = 0 : i64, dim = 1 : i64} :
             (tensor<3x4xf64>, tensor<2xi64>) -> tensor<3x2xf64>
           return %0 : tensor<3x2xf64>""",
        "(%a: tensor<3x4xf64>, %b: tensor<2xi64>) -> tensor<3x2xf64>", (X, np.array([3, 1])),
    ),
    "chlo_broadcasts": (
        """%0 = chlo.broadcast_add %a, %b : (tensor<3x4xf64>, tensor<4xf64>) -> tensor<3x4xf64>
           %1 = chlo.broadcast_multiply %0, %c : (tensor<3x4xf64>, tensor<3x1xf64>) -> tensor<3x4xf64>
           %2 = chlo.broadcast_divide %1, %b : (tensor<3x4xf64>, tensor<4xf64>) -> tensor<3x4xf64>
           %3 = chlo.broadcast_atan2 %2, %b : (tensor<3x4xf64>, tensor<4xf64>) -> tensor<3x4xf64>
           %4 = chlo.broadcast_maximum %3, %c : (tensor<3x4xf64>, tensor<3x1xf64>) -> tensor<3x4xf64>
           return %4 : tensor<3x4xf64>""",
        "(%a: tensor<3x4xf64>, %b: tensor<4xf64>, %c: tensor<3x1xf64>) -> tensor<3x4xf64>",
        (X, _normal(4), _normal(3, 1)),
    ),
}


def text_of(name: str) -> str:
    body, signature, _ = TEXTS[name]
    return f"module {{ func.func public @main{signature} {{\n{body}\n}} }}"
