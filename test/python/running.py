# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the modules that passes print."""

import numpy as np

from noether_mlir.primitive import ModuleFunction, call


def run_module(text, args, function="main"):
    """Compiles a function of a module in generic form with XLA and runs it on flat arguments."""
    module = ModuleFunction(text, function)
    return [np.asarray(value) for value in call(module, args, module.signature.results, "module")]
