# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The table of symmetries where there are many kinds of them: a line or two for each, under headings by family.

Every parameter that moves is named, by its module where all of the module moves (`norm.*`). What is left to the full
table is along which of its axes each one moves: the shape is that of the smallest.
"""

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field

from rich.table import Table
from rich.text import Text

from noether_mlir.analysis import Analysis
from noether_mlir.table.grouping import Group, Line, exponent_text
from noether_mlir.table.labels import Labels, siblings, split
from noether_mlir.table.parts import Part
from noether_mlir.table.symmetries import FAMILIES, dimension_text, holds_text, new_table

#: By how they move (an exponent, +t, M), the short names of the parameters that do.
Moves = dict[str, list[str]]


@dataclass
class Entry:
    """What is told in one place: groups of symmetries that differ in the module they lie in, or in the part of one
    index that they permute."""

    groups: list[Group]
    moves: Moves
    modules: list[str] = field(default_factory=list)  # each has what moves, if there are several

    def name(self) -> str:
        return self.groups[0].first.id + (".." if sum(len(group.symmetries) for group in self.groups) > 1 else "")

    def size(self) -> str:
        """How many there are, of which dimension, and the shape of what one moves: 2 x 16 of [16]x16."""
        alike = [self.groups] if self.modules else [[group] for group in self.groups]
        together = [Group([symmetry for group in some for symmetry in group.symmetries], [], {}) for some in alike]
        dimensions = ", ".join(map(dimension_text, together))
        return f"{dimensions} of {', '.join(dict.fromkeys(map(_smallest_shape, alike)))}"

    def text(self, modules: "Modules") -> Text:
        """All of it but the name."""
        text = Text(self.size())
        text.append(" (no axes tell how)" if self.groups[0].first.undescribed else "", style="dim")
        if self.modules:
            text.append(" in ").append(", ".join(modules.collapse(self.modules)), style="bold")
        for number, (exponent, names) in enumerate(self.moves.items()):
            text.append("; " if number else ": ")
            text.append(f"{exponent} " if exponent else "", style="cyan")
            text.append(", ".join(modules.collapse(names)))
        return text


class Modules:
    """The modules of a model: all that stands before a dot in the short name of a parameter."""

    def __init__(self, labels: Iterable[str]):
        self.content: dict[str, set[str]] = {}
        for label in labels:
            parts = label.split(".")
            for length in range(1, len(parts)):
                self.content.setdefault(".".join(parts[:length]), set()).add(label)
        self._labels = Labels(["_", *self.content, *labels])  # "_": so that nothing starts all names

    def wildcards(self, labels: Sequence[str]) -> list[str]:
        """The same parameters, as module.* where all of a module is among them."""
        there, found = set(labels), {}
        for label in labels:
            parts = label.split(".")
            modules = (".".join(parts[:length]) for length in range(1, len(parts)))
            whole = next((m for m in modules if len(self.content[m]) > 1 and self.content[m] <= there), None)
            found[label if whole is None else f"{whole}.*"] = None
        return list(found)

    def collapse(self, names: Sequence[str]) -> list[str]:
        """Few texts for names: those that differ in numbers together, and then siblings."""
        patterns: dict[str, list[str]] = {}
        for name in names:
            patterns.setdefault(split(name)[0], []).append(name)
        texts = []
        for pattern, alike in patterns.items():
            ending = ".*" if pattern.endswith(".*") else ""
            texts.append(self._labels.collapse([name.removesuffix(ending) for name in alike]) + ending)
        inside: dict[str, list[str]] = {}
        for text, _ in siblings([(text, None) for text in texts]):
            module, _, rest = text.partition(".") if "{" not in text.partition(".")[0] else (text, "", "")
            inside.setdefault(module, []).append(rest)
        return [
            f"{module}.({', '.join(rests)})" if len(rests) > 1 else ".".join(filter(None, (module, *rests)))
            for module, rests in inside.items()
        ]


def _smallest_shape(groups: Sequence[Group]) -> str:
    """The shape of what is smallest in each group, as one where they have as many axes."""
    smallest = [
        min(group.lines.values(), key=lambda line: (len(line.parts[0].view), math.prod(line.parts[0].sizes)))
        for group in groups
    ]
    alike: dict[Hashable, list[Part]] = {}
    for part in (part for line in smallest for part in line.parts):
        alike.setdefault((len(part.view), part.axes, part.block_axes), []).append(part)
    return ", ".join(dict.fromkeys(Line(parts).shape() for parts in alike.values()))


def _moves(group: Group, label: Labels) -> Moves:
    """By exponent, the parameters of all symmetries of a group."""
    moves: dict[str, dict[str, None]] = {}
    for line in group.lines.values():
        exponent = exponent_text(line.parts[0], group.first.family)
        moves.setdefault(exponent, {}).update((label(part.parameter), None) for part in line.parts)
    return {exponent: list(names) for exponent, names in moves.items()}


def _within(group: Group, label: Labels) -> tuple[list[str], Hashable]:
    """The modules that a group's symmetries lie in, each in one, and what moves there; nothing if one spans several."""
    modules: dict[str, None] = {}
    inside: set[tuple[str, str]] = set()
    of_symmetry: dict[int, set[str]] = {}
    for line in group.lines.values():
        exponent = exponent_text(line.parts[0], group.first.family)
        for number, part in zip(line.numbers, line.parts):
            module, _, rest = label(part.parameter).partition(".")
            modules[module] = None
            inside.add((exponent, rest))
            of_symmetry.setdefault(number, set()).add(module)
    if any(len(each) > 1 for each in of_symmetry.values()) or not all(rest for _, rest in inside):
        return [], None
    return list(modules), frozenset(inside)


def entries(groups: list[Group], label: Labels, modules: Modules) -> list[Entry]:
    """Groups, those told in one place together."""
    found: dict[Hashable, Entry] = {}
    for group in groups:
        holds = (group.first.undescribed, *map(str, holds_text(group)))
        lies_in, inside = _within(group, label)
        moves = _moves(group, label)
        # Permutations of the factors of one index, and what several modules have each.
        key: Hashable = group.first.id
        if inside is not None:
            key = (group.first.family, holds, inside)
        elif group.first.family == "permutation":
            key = (group.first.family, frozenset(name for names in moves.values() for name in names))
        entry = found.setdefault(key, Entry([], {}))
        entry.groups.append(group)
        for exponent, names in moves.items():
            entry.moves[exponent] = list(dict.fromkeys([*entry.moves.get(exponent, []), *names]))
        entry.modules += [module for module in lies_in if module not in entry.modules]
    for entry in found.values():
        whole = {exponent: modules.wildcards(names) for exponent, names in entry.moves.items()}
        if len(entry.modules) > 1:  # what is the same in each is told once
            whole = {e: list(dict.fromkeys(name.partition(".")[2] for name in names)) for e, names in whole.items()}
        else:
            entry.modules = []
        entry.moves = whole
    return list(found.values())


def compact_table(analysis: Analysis, groups: list[Group], label: Labels) -> Table:
    """A heading for each family and how it holds; a line or two for each entry."""
    modules = Modules([label(parameter.name) for parameter in analysis.parameters])
    table = new_table(("", {"style": "bold", "no_wrap": True}), ("symmetries", {"ratio": 1, "overflow": "fold"}))
    sections: dict[tuple[str, ...], list[Entry]] = {}
    for entry in entries(groups, label, modules):
        first = entry.groups[0]
        section = (FAMILIES.get(first.first.family, first.first.family), *map(str, holds_text(first)))
        sections.setdefault(section, []).append(entry)
    for (family, *holds), found in sections.items():
        table.add_row("", Text(f"{family}, {', '.join(holds)}", style="underline"))
        for entry in found:
            table.add_row(entry.name(), entry.text(modules))
    return table
