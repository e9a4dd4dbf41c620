# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Proofs of groups of matrices and of permutations: how M acts on all values, and that each operation passes it on."""

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from noether_mlir.proof.actions import Action, Placed, merge, place, read_action, retake
from noether_mlir.proof.operations import Operation, Product, without_squares
from noether_mlir.proof.program import Step
from noether_mlir.proof.reading import NotCheckable, Proof, ProofError, at
from noether_mlir.proof.rules import Tensor
from noether_mlir.proof.uniform import treats_indices_alike

if TYPE_CHECKING:
    from noether_mlir.proof.check import Checker

_SIDES = ("direct", "inverse_transpose", "paired")
#: What a tensor is moved by at an operation: the side, by place.
_Moves = dict[Placed, str]


class GroupProof(Proof):
    """The actions of one group.

    Of a value x that moves along an axis, M x or M^-T x is written instead, one matrix for each block. Values that are
    "paired" are the entries x_i y_i of which M moves x and M^-T moves y: the diagonal of a matrix X with M X M^-1. What
    is linear leaves them so, and their sum over i does not move. Where M is orthogonal or a permutation, M^-T is M.
    """

    def __init__(self, checker: "Checker", symmetry: Mapping[str, Any]):
        super().__init__(checker, symmetry)
        self.family = str(symmetry["family"])
        self.is_permutation = self.family == "permutation"
        self.is_linear = self.family == "general_linear"
        self.size = symmetry["size"]
        self.block_shape = tuple(symmetry["block_shape"])
        #: Whether M 1 = 1, by the side that acts.
        constant, total = (bool(symmetry.get(key)) for key in ("fixes_constant", "fixes_sum"))
        self.fixes_constant = {"direct": constant, "inverse_transpose": total}
        self.fixes_sum = {"direct": total, "inverse_transpose": constant}
        if self.family == "orthogonal":
            self.fixes_constant = self.fixes_sum = {"direct": constant or total}
        #: By value: how it moves, if it does.
        self.motions: dict[int, tuple[Action, ...]] = {}
        self.stated: list[tuple[Step, int, Any]] = []
        self.operation: Operation
        self.step: Step

    def move_parameters(self) -> None:
        if type(self.size) is not int or self.size < 2:
            raise ProofError("the matrix has no size")
        self.check_dimension()
        members: dict[int, list[Mapping[str, Any]]] = {}
        for member in self.symmetry["members"]:
            value = self.checker.parameters.get(member["parameter"])
            if value is None:
                raise ProofError(f"{member['parameter']} is no parameter")
            (axis,) = member["axes"]
            members.setdefault(value, []).append({**member, "axis": axis})
        if not members:
            raise ProofError("no parameter moves")
        for value, actions in members.items():
            self.motions[value] = self.motion(actions, value)

    def check_dimension(self) -> None:
        n, blocks = self.size, math.prod(self.block_shape)
        if self.symmetry.get("exact") is not True or self.symmetry.get("broken_by"):
            raise ProofError("groups are exact")
        if self.is_permutation:
            order = f"{n}!" if blocks == 1 else f"({n}!)^{blocks}"
            if self.symmetry["dimension"] != 0 or self.symmetry.get("order") != order:
                raise ProofError(f"a permutation group of order {order}")
            return
        constant, total = (bool(self.symmetry.get(key)) for key in ("fixes_constant", "fixes_sum"))
        if self.family == "orthogonal":
            n -= constant or total
            dimension = n * (n - 1) // 2
        else:
            dimension = (n - constant) * (n - total)
        if self.symmetry["dimension"] != dimension * blocks:
            raise ProofError(f"the group has dimension {dimension * blocks}")

    def motion(self, stated: Any, value: int) -> tuple[Action, ...]:
        """The actions on a value, parts that are moved alike taken together."""
        if stated == "?":
            raise NotCheckable("no axes tell how a value moves")
        if not isinstance(stated, list):
            raise ProofError(f"{stated!r} is no list of actions")
        actions = []
        for each in stated:
            side = each["side"]
            if side not in _SIDES or (side != "direct" and self.is_permutation):
                raise ProofError(f"{side!r} is no side")
            if side == "inverse_transpose" and not self.is_linear:
                raise ProofError("M^-T is M")
            actions.append(read_action(each, self.program.values[value].shape, self.size, self.block_shape))
        return merge(actions)

    def read_operand(self, step: Step, value: int, stated: Mapping[str, Any]) -> None:
        self.stated.append((step, value, stated["actions"]))

    def read_result(self, step: Step, value: int, stated: Mapping[str, Any]) -> None:
        motion = self.motion(stated["actions"], value)
        if motion:
            self.motions[value] = motion

    def check_operands(self) -> None:
        for step, value, actions in self.stated:
            stated, own = self.motion(actions, value), self.motions.get(value, ())
            if [action.key for action in stated] != [action.key for action in own]:
                raise ProofError(f"{at(step)}: a value does not move as it does where it is made")

    def moving(self) -> Iterable[int]:
        return self.motions

    def check_loss(self) -> None:
        if self.checker.loss in self.motions:
            raise ProofError("the loss moves")

    # --- operations

    def check_step(self, number: int) -> None:
        step = self.step = without_squares(self.program.steps[number])
        if step.kind == "loop":
            self.check_loop(step)
            return
        if not any(value in self.motions for value in (*step.operands, *step.results)):
            return
        if step.rule.is_barrier or not treats_indices_alike(self.program, step):
            raise ProofError(f"{at(step)}: nothing that moves may go in or come out")
        self.operation = Operation(self.program, step)
        for result in range(len(step.results)):
            for chosen, terms in self.operation.cells(("r", result)).items():
                self.check_cell(("r", result), chosen, terms)

    def check_take(self, number: int) -> None:
        """Entries that are put elsewhere are moved as they were, if whole vectors are."""
        step = self.program.steps[number]
        moved = []
        for action in self.motions.get(step.operands[0], ()):
            taken = retake(action, step.takes or {}, self.size)
            if taken is None:
                raise NotCheckable(f"{at(step)} is read piece by piece in the proof")
            moved += taken
        own = self.motions.get(step.results[0], ())
        if [action.key for action in merge(moved)] != [action.key for action in own]:
            raise ProofError(f"{at(step)}: its result does not move as the entries it takes")

    def check_loop(self, step: Step) -> None:
        """What the body yields moves as what is carried; what decides does not."""
        carried, yielded = step.operands[:2]
        if any(value in self.motions for value in step.operands[2:]):
            raise ProofError(f"{at(step)}: what decides how often it runs moves")
        own, other = (self.motions.get(value, ()) for value in (carried, yielded))
        if yielded in self.checker.zero:
            return
        if [action.key for action in own] != [action.key for action in other]:
            raise ProofError(f"{at(step)}: what the body yields moves otherwise than what is carried")

    def moves(self, tensor: Tensor, chosen: tuple[int, ...]) -> _Moves:
        """What moves a tensor, in the segments chosen."""
        dims = self.step.rule.dims(tensor)
        found: _Moves = {}
        for action in self.motions.get(self.operation.value(tensor), ()):
            if len(dims) != len(self.program.values[self.operation.value(tensor)].shape):
                raise ProofError(f"{at(self.step)}: the rule does not speak of the axes of a tensor that moves")
            placed = place(action, self.size, dims, chosen, self.operation.sizes, f"{tensor[0]}{tensor[1]}")
            if placed is not None:
                found[placed] = action.side
        return found

    def check_cell(self, result: Tensor, own: tuple[int, ...], terms: list[Product]) -> None:
        rule = self.step.rule
        mentioned = {operand for powers, _ in terms for operand in powers}
        others: list[int] = []
        for operand in range(len(rule.operands)):
            if operand in mentioned or not self.operation.is_related(result, operand):
                continue
            if operand not in {o for eq in rule.equations if eq.lhs == result for _, (_, o) in eq.terms}:
                others.append(operand)
        plain: dict[Tensor, tuple[int, ...]] = {}
        for operand in others:
            dims = rule.operands[operand]
            if any(len(dim) > 1 for dim in dims) and self.step.operands[operand] in self.motions:
                raise ProofError(f"{at(self.step)}: what it does with its pieces is not known")
            plain["o", operand] = (0,) * len(dims)
        tensors: list[tuple[Tensor, tuple[int, ...]]] = [(result, own), *plain.items()]
        tensors += [(("o", o), chosen["o", o]) for powers, chosen in terms for o in powers]
        keys = {key: None for tensor, chosen in tensors for key in self.moves(tensor, chosen)}
        for key in keys:
            self.check_key(key, result, own, terms, plain)

    # --- one action at one operation

    def fail(self, why: str) -> None:
        raise ProofError(f"{at(self.step)}: {why}")

    def check_key(self, key: Placed, result: Tensor, own: tuple[int, ...], terms: list[Product],
                  plain: dict[Tensor, tuple[int, ...]]) -> None:
        """That what an operation makes moves as it says, along one index."""
        rule, moving = self.step.rule, set(key.moving)
        if key.factors & rule.frozen:
            self.fail("mixes entries of an index that is moved")
        inside = moving & self.operation.factors_of(result, own)
        stated = self.moves(result, own).get(key)
        if inside and inside != moving:
            self.fail("takes an index that is moved apart")
        if not inside and not moving <= rule.sums:
            self.fail("does not say how it treats an index that is moved")
        # What is zero moves in any way.
        if terms and all(self.is_zero(powers, chosen) for powers, chosen in terms):
            return
        terms = [term for term in terms if not self.is_zero(*term)]
        if inside and stated is None:
            self.fail("its result moves as well")
        every = [(("o", o), chosen["o", o]) for powers, chosen in terms for o in powers]
        for tensor, chosen in [*every, *plain.items()]:
            if key not in self.moves(tensor, chosen) and not self.is_uniform(tensor, chosen, key):
                self.fail("an operand that does not move meets one that does")
        opaque = [tensor for tensor, chosen in plain.items() if key in self.moves(tensor, chosen)]
        movers = [[("o", o) for o in powers if key in self.moves(("o", o), chosen["o", o])] for powers, chosen in terms]
        if not opaque and not any(movers):
            # The same number at all indices.
            if not terms or not (self.is_permutation or self.fixes_constant.get(stated or "", False)):
                self.fail("nothing that goes in moves as its result")
            return
        if self.is_permutation:
            if not inside:
                self.check_drop(result, opaque, movers, terms, moving)
            return
        if opaque:
            self.fail("is not linear in what moves")
        sides = {self.moves(tensor, chosen[tensor])[key]
                 for (_, chosen), own_movers in zip(terms, movers, strict=True) for tensor in own_movers}
        if any(powers[tensor[1]] != 1 for (powers, _), each in zip(terms, movers, strict=True) for tensor in each):
            self.fail("is not linear in what moves")
        if len(terms) == 1 and len(movers[0]) == 2:
            self.check_product(result, movers[0], sides, bool(inside), stated)
            return
        if any(len(each) > 1 for each in movers) or any(
                self.operation.use(o, result) not in "+-|*" for each in movers for _, o in each):
            self.fail("is not linear in what moves")
        if len(sides) != 1:
            self.fail("adds what M moves to what its inverse transpose moves")
        (side,) = sides
        if inside and stated != side:
            self.fail("its result is moved on the other side")
        if not inside:
            self.check_drop(result, opaque, movers, terms, moving)
            if side != "paired" and not self.fixes_sum[side]:
                self.fail("sums over an index, but 1^T M = 1^T is not claimed")
        for (powers, _), each in zip(terms, movers, strict=True):
            if each or not inside:
                continue
            numbers = [self.program.values[self.step.operands[o]].number for o in powers]
            if any(number is not None and not math.isfinite(number) for number in numbers):
                self.fail("adds an infinite number")
            if side != "paired" and not self.fixes_constant[side]:
                self.fail("adds a number to all entries, but M 1 = 1 is not claimed")

    def check_product(self, result: Tensor, movers: list[Tensor], sides: set[str], inside: bool,
                      stated: str | None) -> None:
        if any(self.operation.use(o, result) != "*" for _, o in movers):
            self.fail("is not bilinear in what moves")
        if "paired" in sides or (self.is_linear and sides != {"direct", "inverse_transpose"}):
            self.fail("M meets no inverse transpose")
        if inside and stated != "paired":
            self.fail("its result is paired")

    def is_zero(self, powers: dict[int, int], chosen: dict[Tensor, tuple[int, ...]]) -> bool:
        """Whether a product is zero."""
        if not self.step.rule.uses:
            return False
        return bool(self.operation.zero_along(powers, chosen, (), 1, self.checker.zero, self.checker.zero_parts).all())

    def check_drop(self, result: Tensor, opaque: list[Tensor], movers: list[list[Tensor]], terms: list[Product],
                   moving: set[str]) -> None:
        """Summing over an index is known where the rule says so, and nothing else weighs it."""
        for (powers, chosen), each in zip(terms, movers, strict=True):
            factors = [o for o in powers if self.operation.use(o, result) == "*"
                       and moving & self.operation.factors_of(("o", o), chosen["o", o])]
            for _, operand in each:
                use = self.operation.use(operand, result)
                if use not in "+-?*" or (use == "*" and len(factors) != 2):
                    self.fail("does not say how it sums over an index")
        if opaque:
            self.fail("does not say how it sums over an index")

    def is_uniform(self, tensor: Tensor, chosen: tuple[int, ...], key: Placed) -> bool:
        """Whether a tensor has the same entry wherever a vector is moved."""
        value, dims = self.operation.value(tensor), self.step.rule.dims(tensor)
        for name, index, first in key.heads():
            for axis, (dim, number) in enumerate(zip(dims, chosen, strict=True)):
                if name not in dim[number]:
                    continue
                labels = self.checker.uniform[value][axis]
                if labels is None:
                    return False
                extents = [self.operation.application.extent(segment) for segment in dim]
                start = sum(extents[:number]) if len(dim) > 1 else 0
                array = labels[start:start + extents[number]].reshape([self.operation.sizes[f] for f in dim[number]])
                array = np.moveaxis(array, dim[number].index(name), 0)
                if (array[index] != array[first]).any():
                    return False
        return True
