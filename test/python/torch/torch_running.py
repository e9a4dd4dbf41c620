# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Captured steps run in XLA."""

import jax
import jax.numpy as jnp
import numpy as np
import torch

from noether_mlir.primitive import ModuleFunction, call

#: Programs that run once are better compiled quickly.
QUICK = {"xla_backend_optimization_level": 0}


def run_module(text, args):
    """Compiles a module with XLA and runs it on flat arguments."""
    module = ModuleFunction(text)
    function = jax.jit(lambda *values: call(module, values, module.signature.results, "module"), compiler_options=QUICK)
    return [np.asarray(value) for value in function(*args)]


def to_array(value):
    """A tensor or number as XLA takes it."""
    if isinstance(value, torch.Tensor):
        value = value.detach()
        return jnp.asarray(value.float().numpy(), jnp.bfloat16) if value.dtype == torch.bfloat16 else value.numpy().copy()
    return np.asarray(value)


def arguments(captured, draws=()):
    """The arguments of a captured step as they are now; random draws are given."""
    draws = iter(draws)
    return [to_array(next(draws) if item.value is None else item.value) for item in captured.inputs]


def run(captured, values):
    """The results of a captured step by name."""
    return dict(zip((out.name for out in captured.outputs), run_module(captured.text, values)))
