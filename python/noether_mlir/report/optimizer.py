# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the optimizer makes of the symmetries: groups that it treats alike, in words and numbers."""

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from noether_mlir.analysis import Kinetics, Law, Quantity
from noether_mlir.table.grouping import Group
from noether_mlir.table.kinetics import break_lines
from noether_mlir.table.labels import Labels

_LETTERS = {"eta": "η", "lambda": "λ", "epsilon": "ε", "beta": "β", "alpha": "α"}
_POWERS = str.maketrans("0123456789-/", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻ᐟ")


def mathematics(words: str) -> str:
    """A formula of the report with the signs that a book would have: eta / r^2 becomes η / r²."""
    words = re.sub(r"\b(eta|lambda|epsilon|beta|alpha)(?=_|\b)", lambda match: _LETTERS[match.group(1)], words)
    words = re.sub(r"\^(-?\d+(?:/\d+)?)", lambda match: match.group(1).translate(_POWERS), words)
    return words.replace(" * ", " · ").replace(" - ", " − ")


@dataclass(frozen=True)
class LawText:
    """A law of one hyperparameter: what it acts as on the direction of a weight of length r."""

    hyperparameter: str
    value: float | None
    acts_as: str
    exponent: float  # of r


@dataclass
class Treatment:
    """Groups that the optimizer treats alike.

    Attributes:
        groups: their numbers. verdict: in a few words. laws: of scales. broken: what no law saves.
    """

    groups: list[int]
    verdict: str
    laws: list[LawText] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


_KEPT = {"orthogonal": "the rotations", "permutation": "the permutations", "translation": "the shift"}


def _verdict(kinetics: Kinetics, family: str) -> str:
    if kinetics.equivariant and not kinetics.laws:
        return "The optimizer keeps this symmetry: transformed weights take the transformed path."
    if kinetics.keeps:
        return f"The optimizer keeps {_KEPT.get(kinetics.keeps, kinetics.keeps)} among them."
    if kinetics.factor:
        return f"Each step multiplies the shift by {mathematics(kinetics.factor)}."
    if kinetics.laws and not kinetics.ksb:
        return "The optimizer keeps this symmetry, but for constants that guard divisions:"
    if kinetics.laws and family == "scale":
        return "The optimizer feels the length r of the weight, which the loss does not:"
    if kinetics.laws:
        return "The optimizer feels how the scale is shared, which the loss does not. For a member of length r:"
    if family in ("scale", "rescale"):
        return "No scaling of the hyperparameters was found that makes up for this symmetry:"
    return "That the optimizer keeps this symmetry is not proved:"


def law_texts(laws: Sequence[Law]) -> list[LawText]:
    """Each law once, learning rates first."""
    found: dict[Hashable, LawText] = {}
    for law in laws:
        acts_as = mathematics(law.text.partition("= ")[2] or law.text)
        key = (law.hyperparameter, law.value, acts_as)
        found.setdefault(key, LawText(law.hyperparameter, law.value, acts_as, -float(law.degree)))
    return sorted(found.values(), key=lambda law: not law.acts_as.startswith("η"))


def treatments(groups: Sequence[Group], label: Labels) -> list[Treatment]:
    """The groups whose kinetics are known, those treated alike together."""
    alike: dict[Hashable, Treatment] = {}
    for number, group in enumerate(groups):
        if not group.kinetics:
            continue
        first = group.kinetics[0]
        laws = law_texts([law for entry in group.kinetics for law in entry.laws])
        broken = [str(line) for line in break_lines([item for entry in group.kinetics for item in entry.breaks], label)]
        reasons = frozenset(label.skeleton(item.why)[0] for item in first.breaks)
        key = (_verdict(first, group.first.family), tuple(laws), reasons)
        if key not in alike:
            alike[key] = Treatment([], _verdict(first, group.first.family), laws, broken)
        alike[key].groups.append(number)
    return list(alike.values())


@dataclass(frozen=True)
class Forecast:
    """Numbers that are predicted for a group: each with its unit, and how far it holds."""

    name: str
    value: str
    label: str


_STANDARD = (
    ("equilibrium_norm", "length at equilibrium", ""),
    ("time_constant_steps", "time constant of the decay", " steps"),
    ("rotation_per_step", "angle per step at equilibrium", " rad"),
)
_NAMES = {
    "charge_recurrence": "how the charge moves",
    "decay_factor": "length kept per step without a gradient",
    "decay_rate": "rate of decay per step",
    "learning_rate_growth": "growth of the learning rate that replaces the decay",
    "direction_bound": "largest entry of an update, in learning rates",
    "stability": "stability of the moments",
}


def _number(value: float) -> str:
    """A number in four digits, without an exponent where it is not needed."""
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e7 else f"{value:.4g}"


def forecasts(group: Group) -> list[Forecast]:
    """What is predicted for the first symmetry of a group."""
    prediction = group.kinetics[0].prediction if group.kinetics else None
    if prediction is None:
        return []
    found = []
    for name, words, unit in _STANDARD:
        value = getattr(prediction, name)
        if value is not None:
            found.append(Forecast(words, f"{_number(value)}{unit}", prediction.label))
    return found + [_told(quantity) for quantity in prediction.quantities if quantity.name in _NAMES]


def _told(quantity: Quantity) -> Forecast:
    value = mathematics(quantity.text) if quantity.value is None else _number(quantity.value)
    return Forecast(_NAMES[quantity.name], value, quantity.label)
