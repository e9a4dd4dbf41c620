# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What is not a symmetry: parameters without one, and why; lints; operations without a rule."""

import re
from collections.abc import Hashable, Sequence

from rich.table import Table
from rich.text import Text

from noether_mlir.analysis import Analysis, Lint, Obstruction, Parameter
from noether_mlir.decay import choices_of
from noether_mlir.table.kinetics import break_lines
from noether_mlir.table.labels import Labels, fill, split
from noether_mlir.table.symmetries import new_table
from noether_mlir.table.words import short_location

#: Names in a row, in a message without them.
_SEVERAL = re.compile(r"\0(?:, \0)*(?: and (?:\0|\d+ more))?")


def reason_table(parameters: Sequence[Parameter], label: Labels, full: bool = False) -> Table | None:
    """One row for each reason, and the parameters it holds for."""
    reasons: dict[Hashable, list[Parameter]] = {}
    for parameter in parameters:
        # A permutation is no continuous symmetry.
        if all(name.startswith("P") for name in parameter.symmetries):
            why = "dead: the loss does not depend on it" if parameter.dead else _because(parameter.no_symmetry_because)
            reasons.setdefault((why, parameter.name if full else None), []).append(parameter)
    if not reasons:
        return None
    table = new_table(
        ("parameters without a continuous symmetry", {"overflow": "fold", "ratio": 1}),
        ("", {"justify": "right", "no_wrap": True}),
        ("why", {"overflow": "fold", "ratio": 1}),
    )
    for (why, _), found in reasons.items():  # type: ignore[misc]
        names = "\n".join(label.summary(parameter.name for parameter in found))
        table.add_row(names, f"x{len(found)}" if len(found) > 1 else "", why)
    return table


def _because(reasons: Sequence[Obstruction]) -> str:
    lines = []
    for reason in reasons[:2]:
        place = f" at {short_location(reason.location)}" if reason.location else ""
        # The degrees follow, which are of this parameter alone.
        lines.append(f"{reason.op}: {reason.says.partition('; ')[0]}{place}")
    return "\n".join(dict.fromkeys(lines))


def lint_table(lints: Sequence[Lint], label: Labels, full: bool = False) -> Table | None:
    """One row for lints that differ in the parameters only: the message is that of the first."""
    if not lints:
        return None
    alike: dict[Hashable, list[Lint]] = {}
    for number, lint in enumerate(lints):
        message = _SEVERAL.sub("\0", label.skeleton(lint.message)[0])
        key = (lint.code, lint.severity, split(message)[0], lint.help)
        alike.setdefault((*key, number if full else None), []).append(lint)
    table = new_table(
        ("lint", {"no_wrap": True}),
        ("parameter", {"overflow": "fold", "ratio": 1}),
        ("message", {"overflow": "fold", "ratio": 2}),
    )
    for found in alike.values():
        lint = found[0]
        short = label(lint.parameter) if len(found) == 1 else "it"
        message, parameters = label.skeleton(lint.message)
        texts = [short if name == lint.parameter else label(name) for name in parameters]
        words = Text(fill(message.replace("#", "\1").replace("\0", "#"), texts).replace("\1", "#"))
        if lint.help:
            words.append(f"; {lint.help}", style="dim")
        color = {"error": "red", "warning": "yellow"}.get(lint.severity, "cyan")
        names = label.summary(each.parameter for each in found if each.parameter)
        table.add_row(Text(lint.code, style=color), ", ".join(names), words)
    return table


def decay_table(analysis: Analysis, label: Labels) -> Table | None:
    """What a choice of decayed parameters by name amounts to; None if the recipe made none."""
    choices = choices_of(analysis)
    if not choices:
        return None
    table = new_table(
        ("decay by name", {"no_wrap": True}),
        ("", {"justify": "right", "no_wrap": True}),
        ("parameters", {"overflow": "fold", "ratio": 2}),
        ("by the symmetries", {"overflow": "fold", "ratio": 2}),
    )
    for choice in choices:
        odd = (choice.decayed, choice.kind) in ((True, "gain"), (True, "dead"), (False, "scale-invariant"))
        words = Text("decayed" if choice.decayed else "left out", style="yellow" if odd else "")
        table.add_row(words, f"x{len(choice.parameters)}", "\n".join(label.summary(choice.parameters)), choice.says)
    return table


def mismatches(analysis: Analysis, label: Labels) -> Text | None:
    """Where what the update uses cannot be the gradient."""
    lines = break_lines(list(analysis.gradient_mismatches), label)
    if not lines:
        return None
    return Text("\n").join([Text("What the update uses is not the gradient of this loss:", style="yellow"), *lines])


def unknown_operations(analysis: Analysis) -> Text | None:
    """Operations without a rule, each kind once."""
    if not analysis.unknown_operations:
        return None
    names: dict[str, int] = {}
    for operation in analysis.unknown_operations:
        names[operation.op] = names.get(operation.op, 0) + 1
    listed = ", ".join(name if times == 1 else f"{name} (x{times})" for name, times in names.items())
    return Text(f"Operations without a rule, through which nothing is claimed: {listed}", style="yellow")
