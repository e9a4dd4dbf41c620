# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Judges many networks: what is false, what is missing, and whether a known gap explains it."""

import dataclasses
import warnings

from .analysis import Refused, reports
from .claims import Numbers, causes, judge


@dataclasses.dataclass
class Outcome:
    """One network. `false` and `missing` are empty where all is well."""

    false: list
    found: dict
    there: dict
    missing: dict
    unclear: bool
    causes: list  # values without influence: a known gap
    refused: str = ""

    @property
    def kind(self):
        if self.refused:
            return "refused"
        if self.false:
            return "false"
        if self.unclear:
            return "unclear"
        if self.missing:
            return "known gap" if self.causes else "missing"
        return "complete"


def examine_one(program, report):
    """What a report is worth. A failure is looked at again, at more and other points."""
    if isinstance(report, Refused):
        return Outcome([], {}, {}, {}, False, [], str(report))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for seed, oversampling in ((0, 1.15), (1, 2.5)):
            numbers = Numbers(program, seed, oversampling)
            verdict = judge(report, numbers)
            if not (verdict.false or verdict.missing or verdict.unclear):
                break
        why = causes(numbers) if verdict.missing else []
    return Outcome(verdict.false, verdict.found, verdict.there, verdict.missing, verdict.unclear, why)


def examine(programs):
    """Outcomes of networks by name."""
    found = reports(programs)
    return {name: examine_one(program, found[name]) for name, program in programs.items()}


def fails_as(outcome):
    """For the shrinker: which of a list of programs fail as this one does."""
    families = sorted(outcome.missing)

    def fails(programs):
        outcomes = examine({f"n{i}": p for i, p in enumerate(programs)}).values()
        return [o.kind == outcome.kind and (outcome.kind != "missing" or any(
            family in o.missing for family in families)) for o in outcomes]

    return fails


#: Operations that say little about why something is missing.
COMMON = {"param", "data", "const", "broadcast", "reshape", "index", "mask", "arg", "eps", "add", "subtract",
          "multiply", "negate"}


def signature(program):
    """The operations of a shrunk failure: its class."""
    from .generate import operations

    return " ".join(op for op in operations(program) if op not in COMMON)
