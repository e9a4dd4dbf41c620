# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The real steps whose MLIR is among the test inputs, as functions, to count what they have."""

import contextlib
import functools
import importlib
import pathlib
import sys
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np

INPUTS = pathlib.Path(__file__).resolve().parent.parent.parent / "Inputs" / "dumps"
#: How many labels or tokens there are.
CLASSES = {"mlp_relu_sgd": 1, "mlp_layernorm_sgdm": 4, "cnn_batchnorm_linen_adamw": 5,
           "gpt_adamw": 32}


@contextlib.contextmanager
def generators():
    """The folder of the programs that made the dumps, importable."""
    path = str(INPUTS / "gen")
    sys.path.insert(0, path)
    settings = {name: getattr(jax.config, name) for name in (
        "jax_include_full_tracebacks_in_locations", "jax_hlo_source_file_canonicalization_regex")}
    try:
        yield
    finally:
        sys.path.remove(path)
        for name, value in settings.items():  # the generators set their own
            jax.config.update(name, value)


def double(tree):
    return jax.tree.map(
        lambda a: jnp.asarray(a, jnp.float64)
        if jnp.issubdtype(jnp.result_type(a), jnp.floating) else a, tree)


class Dump:
    """One dumped step: its loss as a function of parameters and batch, with any epsilon."""

    def __init__(self, name):
        self.name = name
        with generators():
            self.module = importlib.import_module(name)
            made = self.module.make()
        self.step, self.args = made["step"], double(made["args"])
        first = self.args[0]
        self.params = first.params if hasattr(first, "params") else first

    def value(self, params, batch, eps):
        """The loss the step returns, which is all of it that depends on these parameters alone."""
        first = self.args[0]
        first = first.replace(params=params) if hasattr(first, "params") else params
        rest = [batch if position == self.batch_position() else arg
                for position, arg in enumerate(self.args) if position]
        with self.epsilon(eps):
            out = self.step(first, *rest)[-1]
        return out["loss"] if isinstance(out, dict) else out

    def batch_position(self):
        return {"gpt_adamw": 2, "mlp_layernorm_sgdm": 2}.get(self.name, 1)

    @contextlib.contextmanager
    def epsilon(self, eps):
        """Another epsilon in every normalisation of the step."""
        with contextlib.ExitStack() as stack:
            replace = lambda *a: stack.enter_context(mock.patch.object(*a))  # noqa: E731
            if self.name == "mlp_layernorm_sgdm":
                replace(self.module, "layer_norm", functools.partial(self.module.layer_norm, eps=eps))
            elif self.name == "gpt_adamw":
                common = sys.modules["gpt_common"]
                replace(common, "rms_norm", functools.partial(common.rms_norm, eps=eps))
            elif self.name == "cnn_batchnorm_linen_adamw":
                batch_norm = self.module.nn.BatchNorm
                replace(self.module.nn, "BatchNorm", functools.partial(batch_norm, epsilon=eps))
            yield

    def points(self, count):
        rng = np.random.default_rng(0)

        def parameter(leaf):
            scale = np.sqrt(np.mean(np.square(leaf))) or 0.3
            return jnp.asarray(leaf + 0.7 * scale * rng.standard_normal(leaf.shape))

        def datum(leaf):
            if jnp.issubdtype(leaf.dtype, jnp.floating):
                return jnp.asarray(rng.standard_normal(leaf.shape))
            return jnp.asarray(rng.integers(0, CLASSES[self.name], leaf.shape), leaf.dtype)

        batch = self.args[self.batch_position()]
        return ([jax.tree.map(parameter, self.params) for _ in range(count)],
                [jax.tree.map(datum, batch) for _ in range(count)])
