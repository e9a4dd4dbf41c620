# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""One operation as its rule describes it: sums of products, in each choice of segments."""

from dataclasses import replace
from fractions import Fraction

import numpy as np

from noether_mlir.proof.anyscale import shapes_of
from noether_mlir.proof.degrees import Application
from noether_mlir.proof.program import Program, Step
from noether_mlir.proof.rules import Equation, Tensor

#: One product of a sum: the operands with the power they have, and the segments they are in.
Product = tuple[dict[int, int], dict[Tensor, tuple[int, ...]]]


def without_squares(step: Step) -> Step:
    """A square as the product of a value with itself; any other step as it is."""
    if step.op != "chlo.square" or len(step.operands) != 1:
        return step
    twice = Equation(("r", 0), ((Fraction(1), ("o", 0)), (Fraction(1), ("o", 1))))
    rule = replace(step.rule, operands=step.rule.operands * 2, uses=("*", "*"), equations=(twice,))
    return replace(step, op="stablehlo.multiply", rule=rule, operands=step.operands * 2)


class Operation:
    """An operation of the step, with the shapes it has there."""

    def __init__(self, program: Program, step: Step):
        self.program = program
        self.step = step
        self.rule = step.rule
        self.application = Application(step.rule, shapes_of(program, step))

    @property
    def sizes(self) -> dict[str, int]:
        """The sizes of all factors."""
        return self.application.sizes

    def cells(self, result: Tensor) -> dict[tuple[int, ...], list[Product]]:
        """For each choice of segments of a result, the products that are added there."""
        rule = self.rule
        equations = [equation for equation in rule.equations if equation.lhs == result and equation.terms]
        found: dict[tuple[int, ...], list[Product]] = {}
        for equation in equations or [Equation(result, ())]:
            for chosen in self.application.choices(equation):
                powers = {tensor[1]: power for power, tensor in equation.terms if tensor[0] == "o"}
                terms = found.setdefault(chosen[result], [])
                if equations:
                    terms.append((powers, chosen))
        if any(len(dim) > 1 for dim in rule.dims(result)):
            for chosen, terms in found.items():
                # A number fills what no operand covers; what is overwritten is not read.
                own = self.factors_of(result, chosen)
                wide = [term for term in terms if any(rule.operands[operand] for operand in term[0])]
                read = [term for term in wide if all(self.factors_of(("o", o), term[1]["o", o]) <= own | rule.sums
                                                     for o in term[0])]
                if self.step.op.endswith("dynamic_update_slice"):
                    wide = read or wide
                found[chosen] = wide or terms
        return found

    def extent(self, segment: tuple[str, ...]) -> int:
        """The number of indices of a segment."""
        return self.application.extent(segment)

    def zero_along(self, powers: dict[int, int], chosen: dict[Tensor, tuple[int, ...]], segment: tuple[str, ...], size: int,
                   zero: set[int], parts: dict[int, tuple[int, np.ndarray]]) -> np.ndarray:
        """Where a product is zero, along a segment of the result."""
        found = np.zeros(size, bool)
        for operand in powers:
            value = self.step.operands[operand]
            if self.rule.uses[operand] not in "+-|*":
                continue
            if value in zero:
                return np.ones(size, bool)
            if value not in parts:
                continue
            axis, mask = parts[value]
            dim, number = self.rule.operands[operand][axis], chosen["o", operand][axis]
            start = sum(self.extent(each) for each in dim[:number]) if len(dim) > 1 else 0
            own = mask[start:start + self.extent(dim[number])] if len(dim) > 1 else mask
            if own.all():
                return np.ones(size, bool)
            if dim[number] == segment and len(own) == size:
                found |= own
        return found

    def factors_of(self, tensor: Tensor, chosen: tuple[int, ...]) -> set[str]:
        """The factors that a tensor has in its segments."""
        return {f for dim, n in zip(self.rule.dims(tensor), chosen, strict=True) for f in dim[n]}

    def value(self, tensor: Tensor) -> int:
        """The value that a tensor of the rule is."""
        return (self.step.operands if tensor[0] == "o" else self.step.results)[tensor[1]]

    def is_related(self, result: Tensor, operand: int) -> bool:
        """Whether a result depends on an operand, as far as the rule says."""
        rule = self.rule
        equations = [equation for equation in rule.equations if equation.lhs == result and equation.terms]
        return (not equations or self.use(operand, result) == "_"
                or any(tensor == ("o", operand) for equation in equations for _, tensor in equation.terms))

    def use(self, operand: int, result: Tensor) -> str:
        """How an operand enters a result: one of + - * | ? _."""
        rule, values = self.rule, self.program.values
        use = rule.uses[operand] if rule.uses else "_"
        # Numbers that are rounded are not linear in anything.
        is_float = values[self.step.operands[operand]].is_float and values[self.value(result)].is_float
        return use if is_float or use == "?" else "_"
