# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A checker of proofs that shares no code with the solver: see docs/proofs.md."""

from collections.abc import Mapping
from typing import Any

from noether_mlir.lowering import require_jax
from noether_mlir.proof.check import Checker, NotCheckable, ProofError, Verdict
from noether_mlir.proof.program import read_program
from noether_mlir.tool import run_tool

__all__ = ["Verdict", "check_proof"]


def check_proof(report: Mapping[str, Any], text: str | bytes, source: str = "<step>", seed: int = 0) -> list[Verdict]:
    """Checks every proof of a report (made with derivations) against the step it was made from.

    Args:
        report: what `noether analyze --derivations --format=json` printed, parsed.
        text: the step, in generic form. source: what errors call it.
        seed: of the random elements of the symmetries.

    Returns:
        One verdict per symmetry. Where the report does not fit the step at all, every verdict is "failed".

    Raises:
        NotATrainingStep: if the step cannot be read. MissingDependency: if jaxlib is not installed.
    """
    require_jax("checking proofs (it reads MLIR with jaxlib)")
    rules = ["--noether-populate-rules", "--mlir-print-op-generic", "--mlir-print-debuginfo"]
    program = read_program(run_tool(rules, text, source), str(report.get("entry", "main")))
    program.has_user_rules = "noether.rule" in (text if isinstance(text, str) else text.decode(errors="replace"))
    try:
        return Checker(program, report, seed).check_all()
    except (ProofError, NotCheckable) as error:
        outcome = "failed" if isinstance(error, ProofError) else "unchecked"
        return [
            Verdict(str(s.get("id", "")), str(s.get("family", "")), outcome, 0, str(error))
            for s in report.get("symmetries", [])
        ]
