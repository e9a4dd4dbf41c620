# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a person is told of each family of symmetries, and how it is drawn."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """A family of symmetries in words.

    Attributes:
        key: its name in the JSON object; also the name of its colour in the style sheet.
        name: its name for a person. formula: what an element does.
        meaning: one sentence that needs no knowledge of groups.
        marks: the shapes of its members in the drawing, by side: how most move, and how the others do.
    """

    key: str
    name: str
    formula: str
    meaning: str
    marks: tuple[str, str]


FAMILIES = (
    Family(
        "scale", "Scale", "w → c w",
        "The length of each of these blocks is invisible to the loss: only its direction counts.",
        ("disc", "ring"),
    ),
    Family(
        "rescale", "Rescale", "u → c u,  v → v / c",
        "What one weight gains another can lose: a factor moves between them and nothing changes.",
        ("disc", "ring"),
    ),
    Family(
        "translation", "Shift", "w → w + t",
        "The same amount can be added to all of these numbers at once, and the loss does not notice.",
        ("plus", "minus"),
    ),
    Family(
        "affine", "Absorbed shift", "b → b + t,  c → c − W t",
        "What is added to these numbers another parameter can take away again, after the weights between them.",
        ("plus", "minus"),
    ),
    Family(
        "general_linear", "Change of basis", "A → M A,  B → M⁻ᵀ B",
        "Only the product of these weights counts: any invertible matrix may be put between them.",
        ("square", "frame"),
    ),
    Family(
        "orthogonal", "Rotation", "A → Q A",
        "These weights may be rotated together: only lengths and angles count along this axis.",
        ("square", "frame"),
    ),
    Family(
        "complex_linear", "Complex scale", "A → (a + ib) A",
        "Pairs of entries may be rotated and scaled together, as complex numbers are.",
        ("square", "frame"),
    ),
    Family(
        "permutation", "Permutation", "i → π(i)",
        "Units that may change places: their order means nothing.",
        ("diamond", "diamond"),
    ),
)

_BY_KEY = {family.key: family for family in FAMILIES}


def family_of(key: str) -> Family:
    """The family of this name; of a name that this version does not know, one with just that name."""
    return _BY_KEY.get(key) or Family(key, key.replace("_", " "), "", "", ("disc", "ring"))
