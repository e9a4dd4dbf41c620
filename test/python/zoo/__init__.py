# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Small networks of every kind, and the numerical truth about their symmetries."""

from . import (  # noqa: F401  (they register their models)
    attentions,
    cnns,
    flax_models,
    linear_algebra,
    lookups,
    mlps,
    norms,
    probes,
    recurrences,
    sharded,
    transformers,
)
from .model import MODELS, Model

__all__ = ["MODELS", "Model"]
