# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Settings every Python test shares: the CPU, double precision, short locations."""

import os
import pathlib
import re
import sys

# Before JAX is imported: the tests compare numbers, which a GPU's fast modes would blur.
os.environ.setdefault("JAX_PLATFORMS", "cpu")

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
for path in (HERE, ROOT / "python"):
    if str(path) not in sys.path:
        sys.path.insert(0, str(path))

import jax  # noqa: E402

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_include_full_tracebacks_in_locations", False)
jax.config.update(
    "jax_hlo_source_file_canonicalization_regex",
    "|".join([re.escape(f"{HERE}/"), r".*/site-packages/"]),
)
