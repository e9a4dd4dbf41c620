# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reports with proofs, to be spoiled: fresh copies of each claim, and what the checker says of them."""

import functools
import json
from collections.abc import Collection, Iterator

from noether_mlir.analysis import analyze_text
from noether_mlir.proof.check import Checker
from noether_mlir.proof.program import read_program
from noether_mlir.tool import run_tool


@functools.cache
def proofs(text):
    """The report on a step, with proofs, as JSON text."""
    return json.dumps(analyze_text(text, "step", derivations=True).data)


@functools.cache
def program(text):
    """A step as the checker reads it."""
    rules = ["--noether-populate-rules", "--mlir-print-op-generic", "--mlir-print-debuginfo"]
    return read_program(run_tool(rules, text), "main")


def chosen(items: Collection, families: Collection[str]) -> list:
    """The symmetries, or the verdicts, of some families."""
    return [item for item in items if (item["family"] if isinstance(item, dict) else item.family) in families]


def copies(text: str, families: Collection[str], which: int) -> Iterator:
    """Fresh copies of the report, each with one of its claims."""
    while True:
        report = json.loads(proofs(text))
        yield report, chosen(report["symmetries"], families)[which]


def tampered(text: str, families: Collection[str]) -> Iterator:
    """Each claim of a step, as its number and fresh copies of the report with it."""
    for which in range(len(chosen(json.loads(proofs(text))["symmetries"], families))):
        yield which, copies(text, families, which)


def fails(report, text: str, families: Collection[str], which: int = 0):
    """Why a claim is refused; False if it is not."""
    verdict = chosen(Checker(program(text), report).check_all(), families)[which]
    return verdict.outcome == "failed" and verdict.reason
