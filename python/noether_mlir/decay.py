# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a choice of decayed parameters by name amounts to, by the symmetries of the loss."""

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass

from noether_mlir.analysis import Analysis
from noether_mlir.exports import decayed_parameters, invariant_parameters

#: What decay does to a parameter of a kind, and what its absence does.
KINDS = {
    "scale-invariant": (
        "The loss does not see their lengths: decay only sets their learning rates.",
        "The loss does not see their lengths, and nothing holds these.",
    ),
    "gain": ("They multiply normalised values: nothing balances the decay (N103).", ""),
    "dead": ("The loss does not depend on them: decay only takes them to zero.", "The loss does not depend on them."),
    "other": ("Decay acts on the network.", "Decay does not act on them."),
}


@dataclass(frozen=True)
class Choice:
    """Parameters of a kind that are decayed, or that are not. says: what follows."""

    decayed: bool
    kind: str
    parameters: tuple[str, ...]
    says: str


def choices(analysis: Analysis, decayed: Collection[str]) -> list[Choice]:
    """All parameters by whether they are decayed, and whether the loss sees their length, or them at all."""
    invariant = set(invariant_parameters(analysis))
    regularized = set(decayed_parameters(analysis))
    gains = {lint.parameter for lint in analysis.lints if lint.code == "N103"}

    def kind(name: str) -> str:
        if name in invariant or name not in regularized:
            return "scale-invariant" if name in invariant else "dead"
        return "gain" if name in gains and name in decayed else "other"

    found: dict[tuple[bool, str], list[str]] = {}
    for parameter in analysis.parameters:
        found.setdefault((parameter.name in decayed, kind(parameter.name)), []).append(parameter.name)
    order = [(chosen, each) for chosen in (True, False) for each in KINDS]
    return [Choice(*key, tuple(found[key]), KINDS[key[1]][not key[0]]) for key in order if key in found]


def with_choices(analysis: Analysis, decayed: Collection[str]) -> Analysis:
    """The analysis with what a choice by name amounts to among its data, as `decay_by_name`."""
    told = [
        {**dataclasses.asdict(choice), "parameters": list(choice.parameters)} for choice in choices(analysis, decayed)
    ]
    return dataclasses.replace(analysis, data={**analysis.data, "decay_by_name": told})


def choices_of(analysis: Analysis) -> list[Choice]:
    """What `with_choices` put in; nothing if nothing was."""
    return [
        Choice(item["decayed"], item["kind"], tuple(item["parameters"]), item["says"])
        for item in analysis.data.get("decay_by_name", ())
    ]
