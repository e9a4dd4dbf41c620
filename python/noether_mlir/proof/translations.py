# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Proofs of translations: what is added to the parameters is followed through the step, and cancels before the loss.

Shifts are followed to first order, at any point: the product rule holds for products, and what is not linear makes what
is moved a function that nothing cancels with. A direction along which the loss has no slope at any point leaves it alone.
"""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from noether_mlir.proof.actions import axes_of_view
from noether_mlir.proof.degrees import BadDegree
from noether_mlir.proof.functions import Functions
from noether_mlir.proof.operations import Operation, Product, without_squares
from noether_mlir.proof.program import Step
from noether_mlir.proof.reading import NotCheckable, Proof, ProofError, at
from noether_mlir.proof.roots import rational
from noether_mlir.proof.rules import Tensor
from noether_mlir.proof.shifts import Labels, Shift, Term, from_factors, restricted, sum_over, to_factors, total
from noether_mlir.proof.takes import take

if TYPE_CHECKING:
    from noether_mlir.proof.check import Checker

#: Entries that a choice leaves out, whatever is added to the others (docs/translations.md).
_MASK = -1e9
_EXPONENTIALS = {"stablehlo.exponential", "math.exp"}
_FINITE = ("stablehlo.is_finite", "math.isfinite")


class TranslationProof(Proof):
    """The shifts that one translation makes of all values."""

    def __init__(self, checker: "Checker", symmetry: Mapping[str, Any]):
        super().__init__(checker, symmetry)
        self.shape = tuple(symmetry.get("block_shape", []))
        self.functions = Functions(self.shape, bool(symmetry.get("traceless")))
        self.shifts: dict[int, Shift] = {}
        #: By value, what the proof says of it: whether it moves.
        self.stated: dict[int, bool] = {}
        self.constants: set[float] = set()
        self.operation: Operation

    # --- the claim

    def move_parameters(self) -> None:
        terms: dict[int, list[Term]] = {}
        for member in self.symmetry["members"]:
            value = self.checker.parameters.get(member["parameter"])
            if value is None:
                raise ProofError(f"{member['parameter']} is no parameter")
            terms.setdefault(value, []).append(self.read_member(member, self.program.values[value].shape))
        if not terms:
            raise ProofError("no parameter moves")
        dimension = int(np.prod([size - fixed for size, fixed in self.functions.axes["t"]], dtype=object))
        # What several claims have in common is counted once.
        if not 0 < self.symmetry["dimension"] <= dimension:
            raise ProofError(f"the translations have dimension {dimension}")
        self.shifts = {value: total(own) for value, own in terms.items()}

    def read_member(self, member: Mapping[str, Any], shape: tuple[int, ...]) -> Term:
        view = member.get("view") or list(shape)
        offsets, sizes = member.get("offsets") or [0] * len(view), member.get("sizes") or view
        owners = axes_of_view(view, shape)
        if [sizes[axis] for axis in member["axes"]] != list(self.shape):
            raise BadDegree("there is not one axis for each of the block's")

        def digit(number: int) -> np.ndarray:
            stride = int(np.prod([view[n] for n in range(number + 1, len(owners)) if owners[n] == owners[number]]))
            index = np.arange(shape[owners[number]]) // stride % view[number] - offsets[number]
            return np.where((0 <= index) & (index < sizes[number]), index, -1)

        masks = [Labels.of([owners[n]], (digit(n) >= 0).astype(np.int64)) for n in range(len(owners))]
        labels = tuple(Labels.of([owners[axis]], digit(axis)) for axis in member["axes"])
        return restricted(Term("t", Fraction(member["exponent"]), labels, tuple(masks)))

    # --- the proof

    def read_operand(self, step: Step, value: int, stated: Mapping[str, Any]) -> None:
        moves = stated["shift"] != "0"
        if self.stated.setdefault(value, moves) != moves:
            raise ProofError(f"{at(step)}: a value does not move as it does where it is made")

    def read_result(self, step: Step, value: int, stated: Mapping[str, Any]) -> None:
        self.read_operand(step, value, stated)

    def check_operands(self) -> None:
        # What is added to each value, in the order of the step.
        for number in sorted(self.checker.slice):
            step = self.program.steps[number]
            if number in self.pieces:
                self.push_take(step)
            elif any(self.shifts.get(value) for value in step.operands):
                self.push(step)

    def moving(self) -> Iterable[int]:
        return [value for value, shift in self.shifts.items() if shift]

    def check_step(self, number: int) -> None:
        step = self.program.steps[number]
        for value in (*(step.operands[:2] if step.kind == "loop" else step.operands), *step.results):
            if bool(self.shifts.get(value)) != self.stated.get(value, False):
                raise ProofError(f"{at(step)}: whether a value moves is not what the proof says")

    def check_take(self, number: int) -> None:
        step = self.program.steps[number]
        for value in (step.operands[0], step.results[0]):
            if bool(self.shifts.get(value)) != self.stated.get(value, False):
                raise ProofError(f"{at(step)}: whether a value moves is not what the proof says")

    def push_take(self, step: Step) -> None:
        """Entries that are put elsewhere take their shifts with them."""
        terms = []
        for term in self.shifts.get(step.operands[0], ()):
            masks, labels = list(term.masks), list(term.labels)
            for axis, table in (step.takes or {}).items():
                def moved(own: Labels, fill: int, axis: int = axis, table: np.ndarray = table) -> Labels:
                    if axis not in own.axes:
                        return own
                    return Labels.of(own.axes, take(own.array, own.axes.index(axis), table, fill))

                masks = [moved(mask, 0) for mask in masks]
                labels = [moved(own, -1) for own in labels]
                if (table < 0).any():
                    masks.append(Labels.of([axis], (table >= 0).astype(np.int64)))
            terms.append(restricted(Term(term.name, term.coefficient, tuple(labels), tuple(masks))))
        shift = total(terms)
        if shift:
            self.shifts[step.results[0]] = shift

    def check_loss(self) -> None:
        if self.shifts.get(self.checker.loss):
            raise ProofError("the loss moves")
        claimed = {float(each["constant"]) for each in self.symmetry.get("broken_by", [])}
        if {np.float32(c) for c in claimed} != {np.float32(c) for c in self.constants}:
            raise ProofError("the constants that would have to move along are not those that the claim names")
        if self.symmetry.get("exact") is not (not claimed):
            raise ProofError("a symmetry is exact if no constant breaks it, and only then")

    # --- operations

    def fail(self, why: str) -> None:
        raise ProofError(f"{at(self.operation.step)}: {why}")

    def push(self, step: Step) -> None:
        step = without_squares(step)
        self.operation = Operation(self.program, step)
        moved = [bool(self.shifts.get(value)) for value in step.operands]
        if step.kind == "loop":
            carried, yielded = step.operands[:2]
            if any(moved[2:]) or self.shifts.get(carried, ()) != self.shifts.get(yielded, ()):
                self.fail("what the body yields is shifted otherwise than what is carried")
            return
        if step.op in _FINITE:
            return  # numbers are taken to be finite
        if step.op in _EXPONENTIALS:
            raise NotCheckable(f"{at(step)} makes a factor of a shift; this checker does not follow factors")
        if step.rule.is_barrier or not step.rule.uses:
            self.fail("nothing that moves may go in")
        if not any(self.program.values[value].is_float for value in step.results):
            self.compare(step, moved)
        for number, value in enumerate(step.results):
            if not self.program.values[value].is_float:
                continue
            result: Tensor = ("r", number)
            terms: list[Term] = []
            try:
                for chosen, products in self.operation.cells(result).items():
                    for term in self.cell(result, products, moved):
                        terms.append(from_factors(term, self.program.values[value].shape, step.rule.dims(result), chosen,
                                                  self.operation.sizes))
            except BadDegree as error:
                self.fail(str(error))
            shift = total(terms)
            if shift:
                self.shifts[value] = shift

    def placed(self, operand: int, chosen: tuple[int, ...]) -> Shift:
        """The shift of an operand over the factors."""
        step = self.operation.step
        value = step.operands[operand]
        terms = [to_factors(term, self.program.values[value].shape, step.rule.operands[operand], chosen,
                            self.operation.sizes, f"o{operand}") for term in self.shifts.get(value, ())]
        return total([term for term in terms if term is not None])

    def compare(self, step: Step, moved: list[bool]) -> None:
        """Comparisons take no notice of what is added to both sides."""
        used = [o for o in range(len(step.operands)) if step.rule.uses[o] == "?"]
        if any(each and o not in used for o, each in enumerate(moved)):
            self.fail("is not linear in what moves")
        if step.rule.frozen or step.rule.sums:
            self.fail("is not linear in what moves")
        shifts = {self.placed(o, (0,) * len(step.rule.operands[o])) for o in used if not self.is_infinite(o)}
        if len(shifts) != 1:
            self.fail("what it compares is not shifted alike")

    def is_infinite(self, operand: int) -> bool:
        number = self.program.values[self.operation.step.operands[operand]].number
        return number is not None and bool(np.isinf(number))

    def cell(self, result: Tensor, products: list[Product], moved: list[bool]) -> list[Term]:
        """The shift of a result over the factors, in one choice of segments."""
        operation, step = self.operation, self.operation.step
        mentioned = {operand for powers, _ in products for operand in powers}
        assumed = self.chosen_branch(step)
        for operand, moves in enumerate(moved):
            if moves and operand not in mentioned and operation.is_related(result, operand) and not any(
                    tensor == ("o", operand) for e in step.rule.equations if e.lhs == result for _, tensor in e.terms):
                self.fail("is not linear in what moves")
        found: list[Term] = []
        alike: list[tuple[int, Shift]] = []
        for powers, chosen in products:
            for operand, power in powers.items():
                use = operation.use(operand, result)
                own = self.placed(operand, chosen["o", operand]) if moved[operand] else ()
                if use in "|?":
                    if assumed is None or operand == assumed:
                        alike.append((operand, own))
                    continue
                if not own:
                    continue
                if use in "+-" and len(powers) == 1:
                    for term in own:
                        found += self.summed(term.scaled(Fraction(1 if use == "+" else -1)), operand, result)
                elif use == "*" and power == 1:
                    for term in own:
                        found += self.product(term, operand, powers, chosen, result)
                else:
                    self.fail("is not linear in what moves")
        return found + self.common(alike, result)

    def chosen_branch(self, step: Step) -> int | None:
        """The branch of a choice that asks whether a number is finite."""
        if step.op != "stablehlo.select":
            return None
        value = step.operands[0]
        for _ in range(8):
            maker = self.checker.roots.makers.get(value)
            if maker is None:
                return None
            if maker[0].op in _FINITE:
                return 1
            if maker[0].op not in ("stablehlo.broadcast_in_dim", "stablehlo.reshape"):
                return None
            value = maker[0].operands[0]
        return None

    def common(self, alike: list[tuple[int, Shift]], result: Tensor) -> list[Term]:
        """A maximum or a choice moves as all that it may take."""
        step, shifts, masks = self.operation.step, set(), []
        for operand, own in alike:
            number = self.program.values[step.operands[operand]].number
            if number is not None and np.isinf(number):
                continue
            if number is not None and number <= _MASK:
                masks.append(number)
                continue
            shifts.add(own)
        if not any(shifts):
            return []
        if len(shifts) != 1:
            self.fail("what it takes one of is not shifted alike")
        (own,) = shifts
        if any(term.axes & (step.rule.frozen | step.rule.sums) for term in own):
            self.fail("what it takes one of is not shifted alike")
        self.constants.update(masks)
        return list(own)

    def summed(self, term: Term, operand: int, result: Tensor) -> list[Term]:
        """A linear operation: summed over what it sums over."""
        rule = self.operation.rule
        if term.axes & rule.frozen:
            return [self.functions.mapped(self.operation, term, operand, result)]
        own = {f for dim in rule.operands[operand] for segment in dim for f in segment}
        left: Term | None = term
        for factor in sorted(rule.sums & own):
            if left is None:
                return []
            left = sum_over(left, factor, self.operation.sizes[factor], self.functions.sum_name, self.functions.length)
        return [] if left is None else [left]

    # --- products

    def product(self, term: Term, operand: int, powers: Mapping[int, int], chosen: Mapping[Tensor, tuple[int, ...]],
                result: Tensor) -> list[Term]:
        """With the other factor, by the product rule."""
        rule, step = self.operation.rule, self.operation.step
        others = [o for o in powers if o != operand]
        if len(others) != 1 or rule.frozen or abs(powers[others[0]]) != 1:
            return [self.functions.mapped(self.operation, term, operand, result)]
        (other,) = others
        power = int(powers[other])
        number = self.program.values[step.operands[other]].number
        if number is not None:
            factor = rational(number)
            if factor is None or (power < 0 and not factor):
                self.fail("multiplies with a number that is not finite")
            elif not factor:
                return []
            else:
                return self.summed(term.scaled(factor if power > 0 else 1 / factor), operand, result)
        root = self.checker.roots.get(step.operands[other])
        if not root.coefficient:
            return []
        dims = rule.operands[other]
        if len(dims) != len(root.dims) or any(len(dim) != 1 for dim in dims):
            return [self.functions.mapped(self.operation, term, operand, result)]
        factors: dict[int, tuple[str, ...]] = {}
        for axis, dimension in enumerate(root.dims):
            if dimension is not None:
                factors[dimension] = tuple(dims[axis][0])
        held = {factor for own in factors.values() for factor in own}
        # What the other factor does not depend on is summed first.
        left: Term | None = term
        for factor in sorted(rule.sums - held):
            if left is not None:
                left = sum_over(left, factor, self.operation.sizes[factor], self.functions.sum_name, self.functions.length)
        if left is None:
            return []
        term = left
        for axis, dimension in enumerate(root.dims):
            own = dims[axis][0]
            if dimension is None or not own or not set(own) <= rule.sums or term.axes & set(own) or power < 0:
                continue
            entries = self.checker.roots.sum_along(step.operands[other], axis)
            if entries == 0:
                return []
            if entries is not None and not rule.sums & held - set(own):
                return [term.scaled(entries)]
        return [self.functions.product(self.operation, term, root, power, factors)]
