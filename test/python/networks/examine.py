# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Judges many networks: what is false, what is missing, and whether a known gap explains it."""

import dataclasses
import warnings

from .analysis import Refused, reports
from .claims import Numbers, judge
from .gaps import freed
from .motions import false_motions, fixed_directions, has_idle_elements, is_rounding


@dataclasses.dataclass
class Outcome:
    """One network. `false` and `missing` are empty where all is well; `missing` is of the torus."""

    false: list
    found: dict
    there: dict
    missing: dict
    unclear: bool
    gap: bool  # what is missing is missing for a known reason: see gaps.py
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
            return "known gap" if self.gap else "missing"
        return "complete"


def examine_one(program, report):
    """What a report is worth. A failure is looked at again, at more and other points."""
    if isinstance(report, Refused):
        return Outcome([], {}, {}, {}, False, False, str(report))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for look in ({}, {"seed": 1, "oversampling": 3.0, "careful": True}):
            numbers = Numbers(program, **look)
            verdict = judge(report, numbers)
            if not (verdict.false or verdict.missing or verdict.unclear):
                break
        verdict.false += false_motions(report, program)
        missing = verdict.missing
        if not verdict.false:
            claimed, there, clear = fixed_directions(report, numbers)
            if clear and claimed > there:
                verdict.false.append(f"translation: {claimed} fixed directions claimed, {there} there are")
            if clear and not has_idle_elements(program):
                verdict.found["translation"], verdict.there["translation"] = claimed, there
        if verdict.false and is_rounding(program):
            verdict.false, verdict.unclear = [], True
        gap = bool(missing) and not verdict.unclear and is_known_gap(program)
    return Outcome(verdict.false, verdict.found, verdict.there, missing, verdict.unclear, gap)


def is_known_gap(program):
    """Whether values that the loss does not depend on are why something is missing."""
    other = freed(program)
    if other is None:
        return False
    report = reports({"net": other})["net"]
    if isinstance(report, Refused):
        return False
    verdict = judge(report, Numbers(other, 1, 1.5, careful=True))
    return not verdict.missing and not verdict.unclear


def examine(programs):
    """Outcomes of networks by name."""
    found = reports(programs)
    return {name: examine_one(program, found[name]) for name, program in programs.items()}


def fails_as(outcome):
    """For the shrinker: which of a list of programs fail as this one does."""
    def ways(outcome):
        # A false claim is known by its family, what is missing by its kind of count.
        return {*outcome.missing, *(text.split(")")[0].split("(")[-1] for text in outcome.false)}

    def fails(programs):
        outcomes = examine({f"n{i}": p for i, p in enumerate(programs)}).values()
        return [o.kind == outcome.kind and (o.refused != "" or bool(ways(o) & ways(outcome)))
                for o in outcomes]

    return fails


#: Operations that say little about why something is missing.
COMMON = {"param", "data", "const", "broadcast", "reshape", "index", "mask", "arg", "eps", "add", "subtract",
          "multiply", "negate"}


def signature(program):
    """The operations of a shrunk failure: its class."""
    from .generate import operations

    return " ".join(op for op in operations(program) if op not in COMMON)
