# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""k-Adam: Adam's momentum and normalisation, k times over, as an optax transformation.

A scale-invariant weight under Adam moves as if its update were normalised a second time: 2-Adam with a first moment that
forgets at once (the meta-adaptive effect). k-Adam writes the further normalisations out:

    u_0 = g,    u_i = EMA_{b1_i}(u_{i-1}) / (sqrt(EMA_{b2_i}(u_{i-1}^2)) + eps)   for i = 1..k,    w' = w - rate u_k

with both averages corrected for their start. k = 1 is Adam. Source: Gould and Tanaka, Continuous-time analysis of
adaptive optimization and normalization (arXiv 2411.05746).

    python examples/k_adam.py

trains a small network with k = 1, 2, 3 and prints the law of each on its scale-invariant weights.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax


class KAdamState(NamedTuple):
    """The number of steps so far, and for each stage the averages of its input and of its square."""

    count: jax.Array
    first: tuple[Any, ...]
    second: tuple[Any, ...]


def _stages(value: float | Sequence[float], k: int) -> tuple[float, ...]:
    values = (value,) * k if isinstance(value, (int, float)) else tuple(value)
    if len(values) != k:
        raise ValueError(f"expected {k} numbers, one for each stage, got {len(values)}")
    return values


def scale_by_k_adam(
    k: int, b1: float | Sequence[float] = 0.9, b2: float | Sequence[float] = 0.999, eps: float = 1e-8
) -> optax.GradientTransformation:
    """The direction u_k.

    Args:
        k: how often; 1 is Adam.
        b1, b2: what the averages keep in a step, one number or one for each stage.
        eps: added to each root.
    """
    if k < 1:
        raise ValueError("k must be at least 1")
    rates1, rates2 = _stages(b1, k), _stages(b2, k)

    def init(params: Any) -> KAdamState:
        zeros = tuple(jax.tree.map(jnp.zeros_like, params) for _ in range(k))
        return KAdamState(jnp.zeros([], jnp.int32), zeros, zeros)

    def update(updates: Any, state: KAdamState, params: Any = None) -> tuple[Any, KAdamState]:
        del params
        count = state.count + 1
        first, second = [], []
        for i in range(k):
            mean = jax.tree.map(lambda m, u, b=rates1[i]: b * m + (1 - b) * u, state.first[i], updates)
            square = jax.tree.map(lambda v, u, b=rates2[i]: b * v + (1 - b) * u * u, state.second[i], updates)
            scale1, scale2 = 1 - rates1[i] ** count, 1 - rates2[i] ** count
            updates = jax.tree.map(
                lambda m, v, a=scale1, b=scale2: (m / a.astype(m.dtype)) / (jnp.sqrt(v / b.astype(v.dtype)) + eps),
                mean, square,
            )
            first.append(mean)
            second.append(square)
        return updates, KAdamState(count, tuple(first), tuple(second))

    return optax.GradientTransformation(init, update)


def k_adam(
    learning_rate: float, k: int = 2, b1: float | Sequence[float] = 0.9, b2: float | Sequence[float] = 0.999,
    eps: float = 1e-8, weight_decay: float = 0.0,
) -> optax.GradientTransformation:
    """k-Adam with decoupled decay."""
    return optax.chain(
        scale_by_k_adam(k, b1, b2, eps), optax.add_decayed_weights(weight_decay),
        optax.scale_by_learning_rate(learning_rate),
    )


def _loss(params: Any, batch: Any) -> Any:
    h = batch["x"] @ params["w"]
    h = jax.nn.relu(h * jax.lax.rsqrt(jnp.mean(h * h, axis=0)))
    return jnp.mean((h @ params["head"] - batch["y"]) ** 2)


def main() -> None:
    """Trains with k = 1, 2, 3 and prints what the analysis says of each."""
    import noether_mlir

    rng = np.random.default_rng(0)
    batch = {"x": jnp.asarray(rng.standard_normal((64, 8)), jnp.float32)}
    batch["y"] = jnp.tanh(batch["x"] @ jnp.asarray(rng.standard_normal((8, 2)), jnp.float32))
    for k in (1, 2, 3):
        optimizer = k_adam(1e-2, k, weight_decay=0.1)

        def step(params: Any, state: Any, batch: Any, optimizer: Any = optimizer) -> Any:
            loss, grads = jax.value_and_grad(_loss)(params, batch)
            updates, state = optimizer.update(grads, state, params)
            return optax.apply_updates(params, updates), state, loss

        params = {
            "w": jnp.asarray(rng.standard_normal((8, 16)), jnp.float32),
            "head": jnp.asarray(rng.standard_normal((16, 2)) / 4, jnp.float32),
        }
        args = (params, optimizer.init(params))
        laws = noether_mlir.analyze(step, *args, batch).data["kinetics"]
        for _ in range(200):
            *args, loss = jax.jit(step)(*args, batch)
        texts = sorted({law["text"] for entry in laws if entry["symmetry"].startswith("S") for law in entry["laws"]})
        print(f"k = {k}: loss {float(loss):.4f}; {'; '.join(texts)}")


if __name__ == "__main__":
    main()
