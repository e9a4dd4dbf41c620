# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs every operation of a module by itself, and on operands scaled as its rule allows."""

from dataclasses import dataclass

import jax
import numpy as np
from jax.interpreters import mlir
from jaxlib.mlir.dialects import func

from noether_mlir.primitive import ModuleFunction, call
from noether_mlir.proof.rules import parse_rule
from noether_mlir.tool import run_tool
from rules.rule import ScaleSystem
from rules.uses import check_uses

ir = mlir.ir

@dataclass
class Checked:
    """One operation: its name, its rule, and what is wrong with it (nothing if it holds)."""

    name: str
    rule: str
    error: str | None = None


def generic(module) -> str:
    return module.operation.get_asm(print_generic_op_form=True, use_local_scope=True)


def lower(function, *args) -> str:
    """A function as a module in generic form, with one public function `main`."""
    return generic(jax.jit(function, keep_unused=True).lower(*args).compiler_ir("stablehlo"))


def generic_form(text: str) -> str:
    """Pretty text to generic form."""
    with mlir.make_ir_context() as context, ir.Location.unknown(context):
        return generic(ir.Module.parse(text))


def is_scaled(type_) -> bool:
    element = ir.RankedTensorType(type_).element_type
    return isinstance(element, ir.FloatType | ir.ComplexType)


def shape_of(type_) -> tuple[int, ...]:
    return tuple(ir.RankedTensorType(type_).shape)


def isolated(op):
    """A function that runs a copy of one operation on values for its operands."""
    with op.context, ir.Location.unknown(op.context):
        module = ir.Module.create()
        operand_types = [value.type for value in op.operands]
        result_types = [value.type for value in op.results]
        with ir.InsertionPoint(module.body):
            main = func.FuncOp("main", (operand_types, result_types))
            block = main.add_entry_block()
            with ir.InsertionPoint(block):
                copy = op.operation.clone()
                for number, argument in enumerate(block.arguments):
                    copy.operands[number] = argument
                if "noether.rule" in copy.attributes:
                    del copy.attributes["noether.rule"]
                func.ReturnOp(list(copy.results))
        text = generic(module)
    part = ModuleFunction(text, "main")
    run = jax.jit(lambda *args: call(part, args, part.signature.results, "operation"))
    return lambda *args: [np.asarray(value) for value in run(*args)]


def agrees(before, factor, after, precision, noise) -> bool:
    """Whether `after` is `before` times `factor`, where a value of any scale stays one."""
    free = is_free(before)
    if not (is_free(after) | (np.abs(after) <= noise))[free].all():
        return False
    expected = before[~free] * factor[~free]
    # Sums may cancel: what matters is the size of their terms.
    size = np.abs(expected).max(initial=0)
    return np.allclose(expected, after[~free], rtol=precision, atol=max(size * precision, noise))


def precision_of(name, value) -> float:
    """How well a result is known: operations that round on purpose keep the scale up to rounding."""
    if name == "stablehlo.reduce_precision":
        return 2.0**-6
    return 1e-5 if value.dtype == np.float32 else 1e-8


def is_free(value):
    """Where a value has any scale."""
    return (value == 0) | ~np.isfinite(value)


def check_rule(name, rule, run, operands, operand_types, result_types, generator, fixed=()) -> str | None:
    """What is wrong with a rule: it is tried on scaled operands, then with each operand zero or infinite.

    Args:
        fixed: operands whose value the rule depends on (a constant exponent).
    """
    if rule.is_barrier:
        return None
    shapes, every = {}, {}
    for kind, types in (("o", operand_types), ("r", result_types)):
        for number, type_ in enumerate(types):
            every[kind, number] = shape_of(type_)
            if is_scaled(type_):
                shapes[kind, number] = shape_of(type_)
    system = ScaleSystem(rule, shapes, every)
    scaled = [number for number, type_ in enumerate(operand_types) if is_scaled(type_)]
    variable = [number for number in scaled if number not in fixed]

    # No operand special, then each in turn a constant that has any scale.
    for special, fill in [(None, None), *[(n, v) for n in variable for v in (0.0, np.inf)]]:
        skipping = () if special is None else (("o", special),)
        values = list(operands)
        if special is not None:
            values[special] = np.full_like(values[special], fill)
        before = run(*values)
        for _ in range(2):
            scales, spoken = system.random_solution(generator, skipping)
            # Equal log-scales are equal to the last bit, so that what cancels still does.
            scales = {tensor: np.round(scale, 10) for tensor, scale in scales.items()}
            moved = [
                value * np.exp(scales["o", number]) if number in scaled and number != special else value
                for number, value in enumerate(values)
            ]
            after = run(*moved)
            sizes = [np.abs(value[np.isfinite(value)]).max(initial=0) for value in map(np.asarray, moved)]
            noise = 1e-12 * max(sizes, default=0)
            where = "" if special is None else f" with operand {special} = {fill}"
            for number, (x, y) in enumerate(zip(before, after, strict=True)):
                if ("r", number) not in shapes:
                    if not np.array_equal(x, y):
                        return f"result {number} changes{where}"
                    continue
                told = spoken["r", number]
                factor = np.exp(scales["r", number])
                if not agrees(x[told], factor[told], y[told], precision_of(name, y), noise):
                    return f"result {number} does not scale as the rule says{where}"
                if not is_free(x[~told]).all():
                    return f"result {number} is not zero where no equation speaks of it{where}"
    return None


def check_operation(op, rule, run, operands, generator) -> str | None:
    """What is wrong with the rule of an operation on these operands."""
    fixed = (1,) if op.operation.name == "stablehlo.power" else ()
    operand_types = [operand.type for operand in op.operands]
    result_types = [result.type for result in op.results]
    name, parsed = op.operation.name, parse_rule(rule)
    return check_rule(
        name, parsed, run, operands, operand_types, result_types, generator, fixed
    ) or check_uses(name, parsed, run, operands, operand_types, result_types, generator)


def check_module(text: str, arguments, generator, seen: set[str]) -> list[Checked]:
    """Runs `main` operation by operation and checks the rule of each. Those in `seen` (by text) are only run."""
    text = run_tool(["--noether-populate-rules", "--mlir-print-op-generic"], text)
    checked = []

    def run_function(function, arguments):
        block = function.regions[0].blocks[0]
        values = dict(zip(block.arguments, arguments, strict=True))
        for op in block.operations:
            name = op.operation.name
            operands = [values[operand] for operand in op.operands]
            if name == "func.return":
                return operands
            if name == "func.call":
                callee = functions[ir.FlatSymbolRefAttr(op.attributes["callee"]).value]
                values.update(zip(op.results, run_function(callee, operands), strict=True))
                continue
            run = isolated(op)
            values.update(zip(op.results, run(*operands), strict=True))
            rule = str(op.attributes["noether.rule"]) if "noether.rule" in op.attributes else None
            types = f"{[str(o.type) for o in op.operands]} -> {[str(r.type) for r in op.results]}"
            key = f"{name} {rule} {types} {op.operation.attributes}"
            if key in seen or name == "stablehlo.constant":
                continue
            seen.add(key)
            error = check_operation(op, rule, run, operands, generator) if rule else "no rule"
            checked.append(Checked(name, rule, error))
        raise AssertionError("a function without a return")

    with mlir.make_ir_context() as context, ir.Location.unknown(context):
        context.allow_unregistered_dialects = True
        module = ir.Module.parse(text)
        functions = {ir.StringAttr(op.attributes["sym_name"]).value: op for op in module.body.operations}
        run_function(functions["main"], arguments)
    return checked
