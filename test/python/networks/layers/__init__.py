# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What random networks are made of: functions of a builder and the values there are so far.

A layer takes the stream (`s.h`, of shape [batch, ..., width]) and leaves a new one. It may look at
earlier values (`s.past`) and parameters (`s.kernels`), and does nothing where it does not fit.

The modules are imported in the order in which layers are listed: a seed chooses by it.
"""

# isort: off
from .registry import LAYERS, Stream
from . import pointwise, weights, norms, branches, indexing, sequences, bodies, images  # noqa: F401
from .ends import LOSSES, embedding
from .weights import linear
# isort: on

__all__ = ["LAYERS", "LOSSES", "Stream", "embedding", "linear"]
