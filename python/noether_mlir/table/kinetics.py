# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The table of what the optimizer makes of each symmetry."""

from collections.abc import Hashable

from rich.table import Table
from rich.text import Text

from noether_mlir.analysis import Break, Kinetics, Law
from noether_mlir.table.grouping import Group, forecast_key, leaders
from noether_mlir.table.labels import Labels
from noether_mlir.table.symmetries import new_table
from noether_mlir.table.words import short_location


#: Families that are left of a larger one.
_KEPT = {"orthogonal": "rotations", "permutation": "permutations"}


def kinetics_table(groups: list[Group], label: Labels) -> Table | None:
    """One row for all groups that the optimizer treats alike; None if nothing is known."""
    alike: dict[Hashable, list[Group]] = {}
    for group in groups:
        if group.kinetics:
            first = group.kinetics[0]
            laws = frozenset((law.hyperparameter, law.value, law.text) for law in first.laws)
            breaks = frozenset(label.skeleton(item.why)[0] for item in first.breaks)
            alike.setdefault((first.equivariant, first.keeps, laws, breaks, forecast_key(first)), []).append(group)
    if not alike:
        return None
    columns: list[tuple[str | Text, dict]] = [
        ("symmetry", {"style": "bold", "overflow": "fold", "max_width": 22}),
        ("what the optimizer makes of it", {"overflow": "fold", "ratio": 1}),
        ("prediction", {"overflow": "fold"}),
    ]
    rows = []
    for treated in alike.values():
        everything = len(treated) == len(groups) and sum(len(group.symmetries) for group in groups) > 1
        kinetics = [entry for group in treated for entry in group.kinetics]
        # All of some families, where that is shorter.
        families = {group.first.family for group in treated}
        whole = sum(group.first.family in families for group in groups) == len(treated) > 3
        names = "all" if everything else ", ".join(sorted(families, reverse=True)) if whole else leaders(treated)
        rows.append((names, _words(kinetics, label), _prediction(kinetics[0])))
    predicted = any(prediction for *_, prediction in rows)
    table = new_table(*(columns if predicted else columns[:-1]))
    for row in rows:
        table.add_row(*row[: len(table.columns)])
    return table


def _words(kinetics: list[Kinetics], label: Labels) -> Text:
    lines = []
    if kinetics[0].equivariant and not kinetics[0].laws:
        lines.append(Text("equivariant: the optimizer keeps the symmetry"))
    elif kinetics[0].keeps:
        lines.append(Text(f"keeps the {_KEPT.get(kinetics[0].keeps, kinetics[0].keeps)} among them"))
    laws: dict[tuple[str, float | None, str], list[Law]] = {}
    for entry in kinetics:
        for law in entry.laws:
            laws.setdefault((law.hyperparameter, law.value, law.text or f"degree {law.degree}"), []).append(law)
    names = [name for name, _, _ in laws]
    for (name, value, words), found in sorted(laws.items(), key=lambda law: not law[0][2].startswith("eta")):
        line = Text(words, style="green")
        line.append(f"  ({name}{'' if value is None else f' = {value:g}'})", style="dim")
        if names.count(name) > 1:  # it has several laws: which parameters this one is of
            of = label.summary(law.parameter for law in found if law.parameter)
            line.append(f"  for {', '.join(of[:3])}{f' and {len(of) - 3} more' if len(of) > 3 else ''}", style="dim")
        lines.append(line)
    breaks = [item for entry in kinetics for item in entry.breaks]
    lines += break_lines([item for item in breaks if item.known], label, "broken: ")
    lines += break_lines([item for item in breaks if not item.known], label, "not known: ")
    return Text("\n").join(lines or [Text("no law found", style="dim")])


def break_lines(breaks: list[Break], label: Labels, start: str = "") -> list[Text]:
    """What does not fit, each kind once, and where."""
    kinds: dict[tuple[str, str], list[Break]] = {}
    for item in breaks:
        kinds.setdefault((label.skeleton(item.why)[0], item.op), []).append(item)
    lines = []
    for (_, op), items in kinds.items():
        line = Text("; ".join(label.merge(dict.fromkeys(item.why for item in items))), style="yellow")
        places = dict.fromkeys(short_location(item.location) for item in items if item.location)
        if places:
            more = f" and {len(places) - 2} more places" if len(places) > 2 else ""
            line.append(f" ({op} at {', '.join(list(places)[:2])}{more})", style="dim")
        lines.append(Text(start, style="yellow").append(line))
    return lines


def _prediction(kinetics: Kinetics) -> Text:
    prediction = kinetics.prediction
    parts = []
    if prediction:
        if prediction.equilibrium_norm is not None:
            parts.append(f"r -> {prediction.equilibrium_norm:.4g}")
        if prediction.time_constant_steps is not None:
            parts.append(f"in {prediction.time_constant_steps:.4g} steps")
        if prediction.rotation_per_step is not None:
            parts.append(f"{prediction.rotation_per_step:.3g} rad/step")
        if prediction.label and parts:
            parts.append(f"({prediction.label})")
    return Text("\n".join(parts))
