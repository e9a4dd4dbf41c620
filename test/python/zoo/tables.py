# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Counts of the zoo's models that are kept in files: counting all takes minutes."""

import json

from . import MODELS


def read(path):
    """The numbers by model."""
    return json.loads(path.read_text()) if path.exists() else {}


def recount(path, names, count):
    """Counts some models anew, or all, and keeps the numbers.

    Args:
        count: of a model, its number or numbers, and how far the null space stands out: the gap between
            singular values.
    """
    table = read(path)
    for name in names or MODELS:
        table[name], gap = count(MODELS[name])
        print(f"{name}: {table[name]}, gap {gap:.0e}", flush=True)
        lines = [f'  "{name}": {json.dumps(table[name])}' for name in sorted(table)]
        path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
