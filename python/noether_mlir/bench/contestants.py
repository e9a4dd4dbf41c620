# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What is measured: functions that do one update, by the name of their kernel."""

import importlib.util
import warnings
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import noether_mlir
from noether_mlir.bench.direct import DirectUpdate
from noether_mlir.bench.rules import DECAY, RATE, ROLES, RULES, Rule, shapes_of, stream

Update = Callable[[], None]


class Tensors:
    """Parameters, states and gradients of one list, which contestants that work in place share."""

    def __init__(self, shapes: Any, states: int):
        rng = np.random.default_rng(0)

        def fill(scale: float) -> list[np.ndarray]:
            block = (scale * rng.standard_normal(1 << 16)).astype(np.float32)
            return [np.resize(block, s) for s in shapes]

        self.shapes = shapes
        self.params, self.gradients = fill(0.02), fill(1e-3)
        self.states = [tuple(np.zeros(s, np.float32) for _ in range(states)) for s in shapes]


def direct(rule: Rule, tensors: Tensors, charges: bool) -> Update:
    """Our kernels on pointers."""
    numbers = tuple(np.float32(x) for x in rule.numbers)
    scalars = [np.array(x, np.float32) for x in numbers]
    arrays = jax.tree.leaves((tensors.params, tensors.states, tensors.gradients, scalars))
    return DirectUpdate(rule.step(charges), shapes_of(rule, tensors.shapes), arrays)


def roofline(rule: Rule, tensors: Tensors) -> Update:
    """The same bytes in one flat tensor, with an addition for each number."""
    size = sum(p.size for p in tensors.params)
    flat = Tensors([(size,)], rule.states)
    flat.gradients[0][:] = 0
    return direct(stream(rule.states), flat, charges=False)


def in_jax(step: Callable[..., Any], rule: Rule, tensors: Tensors, jit: Callable[..., Any]) -> Update:
    """A jitted step, donated, on arrays of its own."""
    params = [jnp.asarray(p) for p in tensors.params]
    states = [tuple(map(jnp.asarray, s)) for s in tensors.states]
    gradients = [jnp.asarray(g) for g in tensors.gradients]
    numbers = tuple(jnp.float32(x) for x in rule.numbers)
    function = jit(step, donate_argnums=(0, 1))
    held = [params, states]
    del params, states

    def update() -> None:
        held[0], held[1], *rest = function(held[0], held[1], gradients, numbers)
        jax.block_until_ready((held, rest))

    return update


def _optax(name: str) -> Any:
    import optax

    return {
        "sgd": lambda: optax.sgd(RATE), "momentum": lambda: optax.sgd(RATE, momentum=0.9),
        "adamw": lambda: optax.adamw(RATE, weight_decay=DECAY), "lion": lambda: optax.lion(RATE, weight_decay=DECAY),
    }[name]()  # fmt: skip


def with_optax(name: str, tensors: Tensors, charges: bool) -> Update:
    """The rule of optax, jitted and donated."""
    import optax

    optimizer = _optax(name)

    def step(params: Any, state: Any, gradients: Any, _: Any) -> Any:
        updates, state = optimizer.update(gradients, state, params)
        sums = [(jnp.sum(w * w), jnp.sum(w * g), jnp.sum(g * g)) for w, g in zip(params, gradients)]
        return (optax.apply_updates(params, updates), state, *([sums] if charges else []))

    params = [jnp.asarray(p) for p in tensors.params]
    function = jax.jit(step, donate_argnums=(0, 1))
    gradients = [jnp.asarray(g) for g in tensors.gradients]
    held = [params, optimizer.init(params)]
    del params

    def update() -> None:
        held[0], held[1], *rest = function(held[0], held[1], gradients, None)
        jax.block_until_ready((held, rest))

    return update


def with_torch(name: str, tensors: Tensors, kind: str, threads: int) -> Update | None:
    """The optimizer of torch.optim: `kind` is fused, foreach or compile. None where it has none."""
    if importlib.util.find_spec("torch") is None or name == "lion":
        return None
    import torch

    torch.set_num_threads(threads)
    params = [torch.nn.Parameter(torch.from_numpy(p)) for p in tensors.params]
    for p, g in zip(params, tensors.gradients):
        p.grad = torch.from_numpy(g)
    flags: dict[str, Any] = {"fused": {"fused": True}, "foreach": {"foreach": True}, "compile": {"foreach": True}}[kind]
    if name == "adamw":
        optimizer: Any = torch.optim.AdamW(params, RATE, weight_decay=DECAY, **flags)
    else:
        optimizer = torch.optim.SGD(params, RATE, momentum=0.9 if name == "momentum" else 0, **flags)
    if kind != "compile":
        return optimizer.step
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.compile(lambda: optimizer.step())


#: Kernels in the order they are shown in.
KERNELS = ("roofline", "torch-fused", "torch-foreach", "torch-compile", "optax", "optax+charges", "noether",
           "noether+charges", "noether-jax", "noether-jax+charges")


def make(kernel: str, name: str, tensors: Tensors, threads: int) -> Update | None:
    """A contestant, or None if this machine does not have it."""
    rule = RULES[name]
    base, _, charges = kernel.partition("+")
    if base == "roofline":
        return roofline(rule, tensors)
    if base.startswith("torch-"):
        return with_torch(name, tensors, base.removeprefix("torch-"), threads)
    if base == "optax":
        return with_optax(name, tensors, bool(charges)) if importlib.util.find_spec("optax") else None
    if base == "noether-jax":
        def ours(step: Any, **options: Any) -> Any:
            return noether_mlir.jit(step, kernels=True, roles=ROLES, **options)

        return in_jax(rule.step(bool(charges)), rule, tensors, ours)
    return direct(rule, tensors, bool(charges))
