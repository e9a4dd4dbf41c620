# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How many quantities gradient flow conserves, by the symmetries of its loss.

A symmetry theta -> exp(s A) theta with a symmetric generator A conserves theta^T A theta under
gradient flow; an antisymmetric one (a rotation) conserves nothing that is a function of theta alone
(Marcotte, Gribonval, Peyre 2023; Kunin et al. 2021). A shift conserves the sum it moves.
"""

import math
from collections.abc import Mapping
from typing import Any


def symmetric_rank(size: int, rank: int) -> int:
    """Free entries of a symmetric matrix of `size` rows whose rank is at most `rank`."""
    rank = min(size, rank)
    return rank * size - rank * (rank - 1) // 2


def _laws(symmetry: Mapping[str, Any], shapes: Mapping[str, list[int]]) -> int:
    """Conserved quantities of one symmetry that the scales do not give already."""
    copies = math.prod(symmetry["block_shape"])
    if symmetry["family"] == "translation":
        return symmetry["dimension"]
    if symmetry["family"] != "general_linear":
        return 0  # rotations; the scale of a complex number is a scale
    size = symmetry["size"]
    # U^T U - V V^T is symmetric, and of the rank that the other axes of U and V together allow.
    rank = sum(math.prod(member.get("view") or shapes[member["parameter"]]) // (size * copies)
               for member in symmetry["members"])
    return copies * symmetric_rank(size, rank) - symmetry["dimension_in_torus"]


def gradient_flow_laws(report: Mapping[str, Any]) -> int:
    """The number of independent conserved quantities of gradient flow.

    `report` is the JSON object of the analysis (`noether_mlir.analyze(...).data`). Counts what
    follows from the symmetries that hold exactly; at a generic point, with layers that are as wide
    as they are. Laws that are not quadratic or linear in the parameters are not counted.
    """
    shapes = {p["name"]: p["shape"] for p in report["parameters"]}
    torus = report["dimension"]["torus_exact"]
    return torus + sum(_laws(s, shapes) for s in report["symmetries"] if s["exact"])
