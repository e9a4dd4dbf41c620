# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A training step as a flat list of rule applications, read anew from its text.

Calls are expanded, loops with a known number of iterations followed one by one, numbers folded. This is the
checker's own reading: of Noether it uses the rules of single operations, which are tested one by one.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from noether_mlir.errors import NotATrainingStep
from noether_mlir.proof import constants
from noether_mlir.proof.integers import Known, constant_integers, evaluate_integers, gather_table
from noether_mlir.proof.rules import Rule, copy_rule, parse_rule, slice_rule
from noether_mlir.proof.takes import Takes, takes_of

_CONSTANTS = ("stablehlo.constant", "mhlo.constant", "arith.constant")
_BRANCHES = ("stablehlo.case", "stablehlo.if", "scf.if")
_SELECTS = ("stablehlo.select", "mhlo.select", "arith.select")
_TERMINATORS = ("func.return", "stablehlo.return", "sdy.return", "scf.yield")
_MAX_ITERATIONS = 256
_MAX_UNROLLED = 1 << 18
_MAX_OPERATIONS = 1 << 22
_MAX_DEPTH = 128
_TENSOR = re.compile(r"tensor<((?:\d+x)*)([^,>]+(?:<[^>]*>)?)")
_POSITION = re.compile(r'"([^"]+)":(\d+):\d+')


@dataclass
class Value:
    """A value of the expanded step.

    Attributes:
        number: what it holds in every element, where that is known.
        zeros: it is a constant tensor of zeros, infinities and NaN.
        constant: of a constant tensor, what is equal for equal ones. integers: what it holds, if that is known.
    """

    shape: tuple[int, ...]
    element: str
    number: float | None = None
    zeros: bool = False
    constant: Any = None
    integers: Known = None

    @property
    def is_float(self) -> bool:
        """Whether it has a degree."""
        return self.element[0] in "fb" and self.element != "i1" or self.element.startswith(("complex", "tf"))


@dataclass
class Step:
    """One rule application. Operands and results are numbers of values.

    Attributes:
        path, part, kind: which step it is, as certificates say it.
        takes: where its entries come from, if that is all there is to say.
        rule_text: of the table; "" where the checker makes the rule itself.
    """

    op: str
    path: str
    part: int
    kind: str
    rule: Rule
    operands: tuple[int, ...]
    results: tuple[int, ...]
    rule_text: str = ""
    position: str = ""
    constrains: tuple[int, ...] = ()
    takes: Takes | None = None


@dataclass
class Program:
    """The expanded step.

    Attributes:
        has_user_rules: some operations may have a rule that a user wrote on them.
    """

    values: list[Value] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    arguments: list[int] = field(default_factory=list)
    results: list[int] = field(default_factory=list)
    has_user_rules: bool = False

    def slice_of(self, root: int) -> set[int]:
        """The steps that a value depends on."""
        makers: dict[int, list[int]] = {}
        for number, step in enumerate(self.steps):
            for value in step.results or step.constrains:
                makers.setdefault(value, []).append(number)
        needed: set[int] = set()
        seen = {root}
        pending = [root]
        while pending:
            for number in makers.get(pending.pop(), ()):
                if number in needed:
                    continue
                needed.add(number)
                for value in self.steps[number].operands:
                    if value not in seen:
                        seen.add(value)
                        pending.append(value)
        return needed


class _Expansion:
    def __init__(self, module: Any):
        self.program = Program()
        self.functions = {
            str(op.operation.attributes["sym_name"]).strip('"'): op.operation
            for op in module.body.operations
            if op.operation.name == "func.func"
        }
        self.types: dict[str, tuple[tuple[int, ...], str]] = {}
        self.prefix = ""
        self.position = 0
        self.visited = 0

    def expand(self, entry: str) -> Program:
        function = self.functions.get(entry)
        if function is None or not len(function.regions[0].blocks):
            raise NotATrainingStep(f"there is no function '{entry}'")
        block = function.regions[0].blocks[0]
        frame: dict[Any, int] = {}
        for argument in block.arguments:
            frame[argument] = self.value(argument.type)
            self.program.arguments.append(frame[argument])
        self.program.results = self.block(block, frame, 0)
        return self.program

    # --- values and steps

    def value(self, type_: Any, number: float | None = None, zeros: bool = False) -> int:
        text = str(type_)
        if text not in self.types:
            match = _TENSOR.match(text)
            if match:
                self.types[text] = tuple(int(size) for size in match.group(1).split("x") if size), match.group(2).strip()
            else:
                self.types[text] = (), text
        shape, element = self.types[text]
        self.program.values.append(Value(shape, element, number, zeros))
        return len(self.program.values) - 1

    def get(self, frame: dict[Any, int], value: Any) -> int:
        if value not in frame:
            frame[value] = self.value(value.type)
        return frame[value]

    def shape(self, value: int) -> tuple[int, ...]:
        return self.program.values[value].shape

    def number(self, value: int) -> float | None:
        return self.program.values[value].number

    def step(
        self, op: Any, rule: Rule, operands: Sequence[int], results: Sequence[int], part: int = 0, kind: str = "rule",
        rule_text: str = "", constrains: Sequence[int] = (),
    ) -> None:
        position = _POSITION.search(str(op.location))
        self.program.steps.append(
            Step(op.name, f"{self.prefix}{self.position}", part, kind, rule, tuple(operands), tuple(results), rule_text,
                 f"{position.group(1)}:{position.group(2)}" if position else "", tuple(constrains))
        )

    def copy(self, op: Any, sources: Sequence[int], result: int, part: int, kind: str = "rule", ignored: int = 0) -> None:
        rule = copy_rule(tuple(self.shape(source) for source in sources), self.shape(result), ignored)
        self.step(op, rule, sources, [result], part, kind)

    # --- control flow

    def block(self, block: Any, frame: dict[Any, int], depth: int) -> list[int]:
        if depth > _MAX_DEPTH:
            raise NotATrainingStep("regions and calls are nested too deeply")
        last = None
        for op in block.operations:
            last = op.operation
            self.visit(last, frame, depth)
        if last is None:
            raise NotATrainingStep("a block without operations")
        return [self.get(frame, operand) for operand in last.operands]

    def region(
        self, op: Any, number: int, arguments: Sequence[int], frame: dict[Any, int], depth: int, iteration: int = 0
    ) -> list[int]:
        """What a region of an operation yields; its operations are counted anew."""
        outer = self.prefix, self.position
        self.prefix = f"{self.prefix}{self.position}/{number}.{iteration}/"
        self.position = 0
        block = op.regions[number].blocks[0]
        for argument, value in zip(block.arguments, arguments, strict=True):
            frame[argument] = value
        try:
            return self.block(block, frame, depth + 1)
        finally:
            self.prefix, self.position = outer

    def visit(self, op: Any, frame: dict[Any, int], depth: int) -> None:
        self.visited += 1
        if self.visited > _MAX_OPERATIONS:
            raise NotATrainingStep("the step has too many operations once it is expanded")
        name = op.name
        callee = {"func.call": "callee", "stablehlo.composite": "decomposition"}.get(name)
        if callee and callee in op.attributes:
            self.call(op, str(op.attributes[callee]).lstrip("@").strip('"'), frame, depth)
            return
        if name in _TERMINATORS:
            return
        self.position += 1
        if name in _CONSTANTS:
            self.constant(op, frame)
        elif name == "stablehlo.while":
            self.loop(op, frame, depth)
        elif name in _BRANCHES:
            self.branches(op, frame, depth)
        elif name == "sdy.manual_computation":
            self.manual(op, frame, depth)
        elif name == "stablehlo.optimization_barrier":
            for operand, result in zip(op.operands, op.results, strict=True):
                frame[result] = self.get(frame, operand)
        elif name == "stablehlo.pad" and self.pads_nothing(op, frame):
            frame[op.results[0]] = self.get(frame, op.operands[0])
        elif name in ("stablehlo.dynamic_slice", "stablehlo.dynamic_update_slice"):
            self.dynamic_slice(op, frame, name == "stablehlo.dynamic_update_slice")
        else:
            self.by_rule(op, frame)

    def call(self, op: Any, callee: str, frame: dict[Any, int], depth: int) -> None:
        function = self.functions.get(callee)
        if function is None:
            raise NotATrainingStep(f"calls '{callee}', which is not defined here")
        block = function.regions[0].blocks[0]
        inner = {argument: self.get(frame, value) for argument, value in zip(block.arguments, op.operands, strict=True)}
        for result, value in zip(op.results, self.block(block, inner, depth + 1), strict=True):
            frame[result] = value

    def loop(self, op: Any, frame: dict[Any, int], depth: int) -> None:
        if self.unrolled(op, frame, depth):
            return
        body = op.regions[1].blocks[0]
        yields = list(body.operations)[-1].operation.operands
        carried, changing = [], []
        for part, (operand, argument, yielded) in enumerate(zip(op.operands, body.arguments, yields, strict=True)):
            initial = self.get(frame, operand)
            if yielded == argument:
                carried.append(initial)
                continue
            carried.append(self.value(op.results[part].type))
            changing.append(part)
            self.copy(op, [initial], carried[part], part, "carry")
        condition = self.region(op, 0, carried, frame, depth)
        values = self.region(op, 1, carried, frame, depth)
        for number, part in enumerate(changing):
            rule = copy_rule((self.shape(values[part]),), self.shape(carried[part]))
            # The condition belongs to the loop, whatever else uses it.
            self.step(op, rule, [carried[part], values[part], *condition], [], number, "loop", constrains=[carried[part]])
        for result, value in zip(op.results, carried, strict=True):
            frame[result] = value

    def unrolled(self, op: Any, frame: dict[Any, int], depth: int) -> bool:
        """Follows a loop iteration by iteration while its condition is a known number."""
        steps, values, first = len(self.program.steps), len(self.program.values), self.visited
        carried = [self.get(frame, operand) for operand in op.operands]
        values = len(self.program.values)
        for iteration in range(_MAX_ITERATIONS + 1):
            condition = self.region(op, 0, carried, frame, depth, iteration)
            number = self.number(condition[0]) if len(condition) == 1 else None
            if number is None:
                break
            if number == 0:
                for result, value in zip(op.results, carried, strict=True):
                    frame[result] = value
                return True
            carried = self.region(op, 1, carried, frame, depth, iteration)
            if self.visited - first > _MAX_UNROLLED:
                break
        del self.program.steps[steps:], self.program.values[values:]
        return False

    def taken(self, op: Any, frame: dict[Any, int]) -> int | None:
        """The region that is taken where the predicate is a known number."""
        number = self.number(self.get(frame, op.operands[0])) if len(op.operands) == 1 and len(op.regions) else None
        if number is None:
            return None
        last = len(op.regions) - 1
        if op.name.endswith(".if"):
            taken = 0 if number != 0 else 1
        else:
            taken = int(number) if 0 <= number < last else last
        if taken > last or len(op.regions[taken].blocks) != 1:
            return None
        block = op.regions[taken].blocks[0]
        operations = list(block.operations)
        types = [value.type for value in operations[-1].operation.operands] if operations else None
        return taken if not len(block.arguments) and types == [result.type for result in op.results] else None

    def branches(self, op: Any, frame: dict[Any, int], depth: int) -> None:
        if (taken := self.taken(op, frame)) is not None:
            for result, value in zip(op.results, self.region(op, taken, [], frame, depth), strict=True):
                frame[result] = value
            return
        yielded = [
            self.region(op, number, [], frame, depth) for number, region in enumerate(op.regions) if len(region.blocks)
        ]
        predicates = [self.get(frame, operand) for operand in op.operands]
        for part, result in enumerate(op.results):
            frame[result] = self.value(result.type)
            choices = [*predicates, *(values[part] for values in yielded)]
            self.copy(op, choices, frame[result], part, ignored=len(predicates))

    def manual(self, op: Any, frame: dict[Any, int], depth: int) -> None:
        arguments = []
        for part, (operand, argument) in enumerate(zip(op.operands, op.regions[0].blocks[0].arguments, strict=True)):
            arguments.append(self.value(argument.type))
            self.copy(op, [self.get(frame, operand)], arguments[-1], part)
        yielded = self.region(op, 0, arguments, frame, depth)
        for part, (result, inside) in enumerate(zip(op.results, yielded, strict=True)):
            frame[result] = self.value(result.type)
            self.copy(op, [inside], frame[result], len(arguments) + part)

    # --- operations

    def constant(self, op: Any, frame: dict[Any, int]) -> None:
        result = op.results[0]
        try:
            attribute = op.attributes["value"]
        except TypeError:  # complex elements, which the bindings do not know
            text = re.search(r"value = (dense<.{,200})", op.get_asm(print_generic_op_form=True))
            attribute = text.group(1) if text else ""
        number = constants.splat(attribute)
        if number is not None:
            frame[result] = self.value(result.type, number)
            return
        frame[result] = self.value(result.type, zeros=constants.consists_of_zeros(attribute))
        made = self.program.values[-1]
        made.constant = attribute
        made.integers = constant_integers(attribute, made.shape, made.element)
        self.step(op, Rule(is_barrier=True), [], [frame[result]])

    def fold(self, op: Any, operands: Sequence[int], frame: dict[Any, int]) -> bool:
        numbers = [self.number(operand) for operand in operands]
        if len(op.results) != 1 or not operands or len(op.regions) or None in numbers:
            return False

        def attribute(name: str) -> str:
            return str(op.attributes[name]) if name in op.attributes else ""

        result = self.value(op.results[0].type)
        known = [number for number in numbers if number is not None]
        number = constants.evaluate(op.name, known, self.program.values[result].element, attribute)
        if number is None:
            self.program.values.pop()
            return False
        self.program.values[result].number = number
        frame[op.results[0]] = result
        return True

    def pads_nothing(self, op: Any, frame: dict[Any, int]) -> bool:
        amounts = [str(op.attributes[key]) for key in ("edge_padding_low", "edge_padding_high", "interior_padding")]
        value = self.program.values[self.get(frame, op.operands[1])]
        return not any_number(value) and all(re.fullmatch(r"array<i64(: 0(, 0)*)?>", text) for text in amounts)

    def dynamic_slice(self, op: Any, frame: dict[Any, int], update: bool) -> None:
        operands = [self.get(frame, operand) for operand in op.operands]
        result = self.value(op.results[0].type)
        self.program.values.pop()
        tensors = 2 if update else 1
        whole = self.shape(operands[0])
        part = self.shape(operands[1]) if update else self.types[str(op.results[0].type)][0]
        starts = []
        for axis, index in enumerate(operands[tensors:]):
            room, start = whole[axis] - part[axis], self.number(index)
            if room and start is None:
                self.by_rule(op, frame)
                return
            starts.append(0 if start is None else min(max(int(start), 0), room))
        if self.fold(op, operands, frame):
            return
        result = frame[op.results[0]] = self.value(op.results[0].type)
        self.step(op, slice_rule(whole, starts, part, update), operands, [result])

    def by_rule(self, op: Any, frame: dict[Any, int]) -> None:
        operands = [self.get(frame, operand) for operand in op.operands]
        if op.name in _SELECTS and len(operands) == 3 and self.number(operands[0]) is not None:
            frame[op.results[0]] = operands[1 if self.number(operands[0]) else 2]
            return
        if self.fold(op, operands, frame):
            return
        text = str(op.attributes["noether.rule"]) if "noether.rule" in op.attributes else ""
        rule = parse_rule(text) if text else Rule(is_barrier=True)
        captured = self.captured(op, frame) if len(op.regions) else []
        if any(self.number(value) is None for value in captured):
            rule = Rule(is_barrier=True)
        if rule.is_barrier:
            operands = list(dict.fromkeys([*operands, *captured]))
            text = ""
        for result in op.results:
            frame[result] = self.value(result.type)
        self.step(op, rule, operands, [frame[result] for result in op.results], rule_text=text)
        if operands and len(op.results) == 1:
            self.follow_places(op, operands, frame[op.results[0]])

    def follow_places(self, op: Any, operands: Sequence[int], result: int) -> None:
        """Integers that are known, and what is taken from the places they say."""
        made = self.program.values[result]
        if not made.is_float:
            made.integers = evaluate_integers(op, [self.integers(operand) for operand in operands], made.shape)
        if op.name == "stablehlo.gather":
            places = self.integers(operands[1])
            self.program.steps[-1].takes = gather_table(op, self.shape(operands[0]), made.shape, places)
        else:
            self.program.steps[-1].takes = takes_of(op, self.shape(operands[0]))

    def integers(self, value: int) -> Known:
        """What a value holds, if it is a few integers that are known."""
        own = self.program.values[value]
        if own.number is not None and not own.is_float and own.number == int(own.number):
            return np.full(own.shape, int(own.number)) if math.prod(own.shape) <= 4096 else None
        return own.integers

    def captured(self, op: Any, frame: dict[Any, int]) -> list[int]:
        """Values from outside that the regions of an operation use."""
        found, pending, own = [], [op], set()
        while pending:
            for region in pending.pop().regions:
                for block in region.blocks:
                    own.update(block.arguments)
                    for inner in block.operations:
                        own.update(inner.operation.results)
                        found += list(inner.operation.operands)
                        pending.append(inner.operation)
        return [self.get(frame, value) for value in found if value not in own]


def read_program(text: str, entry: str) -> Program:
    """Expands the entry function of a module in generic form whose operations carry their rules.

    Raises:
        NotATrainingStep: if it cannot be read.
    """
    from jaxlib.mlir import ir

    context = ir.Context()
    context.allow_unregistered_dialects = True
    with context:
        try:
            module = ir.Module.parse(text)
        except (ir.MLIRError, ValueError) as error:
            raise NotATrainingStep(f"cannot be parsed: {str(error).splitlines()[0]}") from None
        try:
            return _Expansion(module).expand(entry)
        except (KeyError, IndexError, ValueError) as error:
            if isinstance(error, NotATrainingStep):
                raise
            raise NotATrainingStep(f"cannot be expanded: {error}") from None


def any_number(value: Value) -> bool:
    """Whether a constant is consistent with every degree: zero, infinite or NaN."""
    number = value.number
    return value.is_float and (value.zeros or (number is not None and (number == 0 or not math.isfinite(number))))
