# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The symmetries of a training step, the laws they give its optimizer, and the step rewritten with them.

`analyze(step, *args)` says which transformations of the parameters leave the loss unchanged and how the
optimizer breaks them. `jit(step, track=True)` stands where `jax.jit` stood and returns the Noether charges
beside the step's results; `jit(step, rewrite="adaptive")` runs the step in its equivalent adaptive form.
`verify(step, *args)` tries what is claimed on the step itself, and `noether_mlir.exports` hands it to other tools.

`analyze` of MLIR in generic form needs no JAX; everything that traces or runs a step does.
"""

from typing import TYPE_CHECKING, Any

from noether_mlir._version import __version__
from noether_mlir.analysis import Analysis, analyze
from noether_mlir.errors import (
    MissingDependency,
    NoetherError,
    NotATrainingStep,
    ToolNotFound,
    UnsupportedStep,
)

if TYPE_CHECKING:
    from noether_mlir.adaptive import Polar, adapt, restore
    from noether_mlir.jitted import Charges, JittedStep, jit
    from noether_mlir.rewriting import RewrittenStep, balance, rewrite, teleport
    from noether_mlir.verification.driver import verify
    from noether_mlir.verification.verdict import Verification

__all__ = [
    "Analysis",
    "Charges",
    "JittedStep",
    "MissingDependency",
    "NoetherError",
    "NotATrainingStep",
    "Polar",
    "RewrittenStep",
    "ToolNotFound",
    "UnsupportedStep",
    "Verification",
    "__version__",
    "adapt",
    "analyze",
    "balance",
    "jit",
    "restore",
    "rewrite",
    "teleport",
    "verify",
]

# What needs JAX is loaded when it is first asked for.
_NEEDS_JAX = {
    "Charges": "jitted",
    "JittedStep": "jitted",
    "Polar": "adaptive",
    "RewrittenStep": "rewriting",
    "Verification": "verification.verdict",
    "adapt": "adaptive",
    "balance": "rewriting",
    "jit": "jitted",
    "restore": "adaptive",
    "rewrite": "rewriting",
    "teleport": "rewriting",
    "verify": "verification.driver",
}


def __getattr__(name: str) -> Any:
    if name not in _NEEDS_JAX:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    from noether_mlir.lowering import require_jax

    require_jax(f"noether_mlir.{name}")
    return getattr(import_module(f"{__name__}.{_NEEDS_JAX[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
