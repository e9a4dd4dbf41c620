# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How fast updates are on this machine: ours, the frameworks', and what memory allows."""

from noether_mlir.bench.measure import LISTS, QUICK, RULES, Row, measure

__all__ = ["LISTS", "QUICK", "RULES", "Row", "measure"]
