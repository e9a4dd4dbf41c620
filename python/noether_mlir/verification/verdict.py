# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a verification says, as Python values and as JSON."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

Outcome = Literal["holds", "holds up to constants", "FALSE", "not checkable"]


@dataclass(frozen=True)
class Identity:
    """The Noether identity of one claim on the gradients that the update uses, in units of the loss.

    Attributes:
        value: <A theta, g> for a random generator A. size: the sum of its terms' absolute values.
        slope: what it is if g is the gradient: the derivative of the loss along A, by finite differences.
        agrees: whether `value` is `slope`, up to rounding. False: the update uses something else than the gradient.
    """

    value: float
    size: float
    slope: float
    agrees: bool


@dataclass(frozen=True)
class ClaimVerdict:
    """What was found about one claimed symmetry.

    Attributes:
        symmetry: its id. family, parameters, dimension: as claimed.
        outcome: "holds"; "holds up to constants" (those of `constants`: the deviation vanishes with them); "FALSE";
            "not checkable".
        deviation: the largest change of the loss under the group elements tried, relative to the loss.
        tolerance: what rounding explains of it: what re-rounding the parameters does to the loss, with a margin.
        control: how much the loss changes, relatively, under moves of the same size that are none of the group.
        constants: the constants that are said to break it.
        vanishing: the deviation when these are 1e-8 of their values, where that was tried.
        identity: the Noether identity, where the step shows the gradients of all members.
        why: for "FALSE" and "not checkable", the reason; else a remark, or empty.
        together: how many claims were tried at once; the numbers are theirs together.
    """

    symmetry: str
    family: str
    parameters: tuple[str, ...]
    dimension: int
    outcome: Outcome
    deviation: float | None = None
    tolerance: float | None = None
    control: float | None = None
    constants: tuple[float | None, ...] = ()
    vanishing: float | None = None
    identity: Identity | None = None
    why: str = ""
    together: int = 1


@dataclass(frozen=True)
class Completeness:
    """Claimed dimensions beside those that the gradients at random points have.

    Attributes:
        claimed, counted: dimensions by family, with every constant as it is: "torus", the diagonal (scale and rescale)
            symmetries; "translation", along fixed directions; "linear", on small models, all continuous linear ones
            together but affine ones, counted among the diagonal ones, translations and matrices that act along one axis. Entries
            that the loss does not depend on are not counted.
        points: how many random points the gradients were taken at. elements: entries of all parameters together.
        gap: the smallest singular value that counts over the largest that does not: how clear the count is.
        why: why there is no count, where there is none.
    """

    claimed: dict[str, int | None]
    counted: dict[str, int]
    points: int = 0
    elements: int = 0
    gap: float = 0.0
    why: str = ""


@dataclass(frozen=True)
class Verification:
    """What `noether verify` says of a step. True if nothing claimed is false.

    Attributes:
        source: the step. precision: "double" or "native"; why_native: why it is not double.
        engine: what ran it. points: how many random points the claims were checked at. loss: the loss at the first.
    """

    source: str
    precision: str
    engine: str
    points: int
    loss: float
    claims: tuple[ClaimVerdict, ...]
    completeness: Completeness | None = None
    why_native: str = ""

    def __bool__(self) -> bool:
        return not self.false

    @property
    def false(self) -> tuple[ClaimVerdict, ...]:
        """The claims found to be false."""
        return tuple(claim for claim in self.claims if claim.outcome == "FALSE")

    def claim(self, symmetry: str) -> ClaimVerdict:
        """The verdict on the symmetry of this id. Raises `KeyError` if there is none."""
        for claim in self.claims:
            if claim.symmetry == symmetry:
                return claim
        raise KeyError(symmetry)

    @property
    def data(self) -> dict[str, Any]:
        """The JSON object."""
        return {"schema_version": 1, **asdict(self), "holds": bool(self)}

    def json(self, indent: int | None = 2) -> str:
        """The JSON object, as text."""
        return json.dumps(self.data, indent=indent, ensure_ascii=False)

    def __str__(self) -> str:
        from noether_mlir.verification.table import to_text

        return to_text(self)

    def __rich_console__(self, console: Any, options: Any) -> Any:
        from noether_mlir.verification.table import render

        yield from render(self)
