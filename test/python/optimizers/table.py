# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The tables of docs/optimizers.md: what each optimizer makes of each family of symmetries, one for each library.

`python -m optimizers.table` in test/python writes them, with the analysis as it is.
"""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

from . import catalogue, steps
from .verify import claims_law, couples_blocks, short

DOCUMENT = pathlib.Path(__file__).resolve().parents[3] / "docs" / "optimizers.md"
BEGIN, END = "<!-- generated: python -m optimizers.table -->\n", "<!-- end -->\n"


@dataclasses.dataclass(frozen=True)
class Source:
    """A library of optimizers.

    Attributes:
        library: its name. entries: names of its optimizers, in order.
        report: a name -> what `noether analyze` says of the step with it, on the tensors of `network`.
        of: a name -> the library's own (without the suffix that tells ways to use it apart).
        excluded: names that are left out -> why.
    """

    library: str
    entries: tuple[str, ...]
    report: Callable[[str], Mapping[str, Any]]
    of: Callable[[str], str]
    excluded: Mapping[str, str]


OPTAX = Source("optax", tuple(catalogue.ENTRIES), steps.report, lambda name: catalogue.ENTRIES[name].of, catalogue.EXCLUDED)
SOURCES = [OPTAX]

#: Family -> the tensor it is read off.
SCALES = {"scale, tensor": "w_tensor", "scale, channel": "w_channel", "rescale": "relu_in"}
GROUPS = {"orthogonal": "norm_in", "GL": "linear_in", "translation": "norm_out"}
#: Symmetries of a tensor are of this family.
FAMILIES = {"w_tensor": "scale", "w_channel": "scale", "relu_in": "rescale", "norm_in": "orthogonal",
            "linear_in": "general_linear", "norm_out": "translation"}
SYMBOLS = {"learning_rate": "η", "max_learning_rate": "η", "weight_decay": "λ", "weight_decay_rate": "λ", "eps": "ε",
           "epsilon": "ε", "eps_root": "ε'"}


def of(found, tensor):
    """The symmetry that a column is about, and its kinetics."""
    kinetics = {k["symmetry"]: k for k in found["kinetics"]}
    for symmetry in found["symmetries"]:
        if symmetry["family"] == FAMILIES[tensor] and symmetry["members"][0]["parameter"] == f"params['{tensor}']":
            return symmetry, kinetics[symmetry["id"]]
    raise KeyError(tensor)


def place(item):
    """Where an operation stands, without line numbers, which change with versions."""
    where = (item["location"] or "").split(":")[0]
    op = item["op"].split(".")[-1]
    return f"`{op}`" + (f" in {where.removeprefix('optax/').removeprefix('_src/')}" if where else "")


def power(degree):
    """ "/ r²" of a degree of 2: what a hyperparameter is divided by."""
    digits = {"1": "", "2": "²", "3": "³", "4": "⁴"}
    size = degree.lstrip("-")
    return (" r" if degree.startswith("-") else "/r") + digits.get(size, f"^({size})")


def symbol(law):
    if law["value"] is not None:
        return SYMBOLS.get(law["hyperparameter"], "c")
    name = law["hyperparameter"]
    name = short(name) if "'" in name else name
    return SYMBOLS.get(name, name)


def laws(kinetics):
    found = dict.fromkeys(symbol(law) + power(law["degree"]) for law in kinetics["laws"])
    return ", ".join(sorted(found, key=lambda text: (text[0] != "η", text[0] != "λ", text)))


def scale_cell(kinetics):
    for item in kinetics["breaks"]:
        if "couples several" in item["why"]:
            return f"coupled by {place(item)}" + (f"; while that is constant: {laws(kinetics)}" if kinetics["laws"] else "")
        if "the update of" in item["why"]:
            return f"{laws(kinetics) or 'kept'}; another tensor's update depends on it"
        if "cannot be told" in item["why"]:
            return f"not followed: {place(item)}" if item["op"] else "not followed"
        if "couples the blocks" not in item["why"]:
            return f"none: {place(item)}" if item["op"] else "not followed"
    cell = laws(kinetics) or "kept"
    if couples_blocks(kinetics):
        item = next(b for b in kinetics["breaks"] if "couples the blocks" in b["why"])
        return f"{cell} as a whole; blocks coupled by {place(item)}"
    return cell


def group_cell(symmetry, kinetics):
    if "factor" in kinetics:
        factor = kinetics["factor"]
        for root in ("hyper", "opt_state.hyperparams"):
            factor = factor.replace(f"{root}['learning_rate']", "η").replace(f"{root}['weight_decay']", "λ")
        return f"× ({factor.replace(' * ', '')}) a step"
    if kinetics["equivariant"]:
        return "kept"
    item = kinetics["breaks"][0]
    why = place(item) if item["op"] else "another update reads it" if "the update of" in item["why"] else "not followed"
    return f"{kinetics.get('keeps') or 'none'}: {why}"


def row(source, name):
    found = source.report(name)
    cells = [scale_cell(of(found, tensor)[1]) for tensor in SCALES.values()]
    cells += [group_cell(*of(found, tensor)) for tensor in GROUPS.values()]
    return [f"`{name}`", *cells]


def is_solved(source, name):
    """Whether a law is known for the scale of a tensor, or the operation that couples tensors is named."""
    kinetics = of(source.report(name), "w_tensor")[1]
    return claims_law(kinetics) or any("couples several" in b["why"] for b in kinetics["breaks"])


def unsolved(source):
    """Entries without a law -> the operation that stops them."""
    return {name: of(source.report(name), "w_tensor")[1]["breaks"][0] for name in source.entries if not is_solved(source, name)}


def share_solved(source):
    """Of the library's own names, those with a law in some way to use them; and the names without one."""
    solved = {source.of(name) for name in source.entries if is_solved(source, name)}
    open_names = {source.of(name) for name in unsolved(source)} - solved
    return len(solved) / len(solved | open_names), sorted(open_names)


def table(source):
    lines = [f"### {source.library}", "", "| optimizer | " + " | ".join([*SCALES, *GROUPS]) + " |", "|---" * 7 + "|"]
    lines += ["| " + " | ".join(row(source, name)) + " |" for name in source.entries]
    if source.excluded:
        lines += ["", "Left out:", ""]
        lines += [f"- `{name}`: {why}." for name, why in source.excluded.items()]
    if stopped := unsolved(source):
        lines += ["", "Without a law:", ""]
        lines += [f"- `{name}`: {item['why']}{f' ({place(item)})' if item['op'] else ''}." for name, item in stopped.items()]
    return "\n".join(lines) + "\n"


def document(text):
    """The document with the tables as they are now."""
    head, rest = text.split(BEGIN)
    return head + BEGIN + "\n".join(map(table, SOURCES)) + END + rest.split(END)[1]


if __name__ == "__main__":
    DOCUMENT.write_text(document(DOCUMENT.read_text()))
