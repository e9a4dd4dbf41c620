# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How a rule says that operands enter the results, tried on random numbers."""

import numpy as np
from jaxlib.mlir import ir

#: How well linear maps are linear, relative to the largest number around; more where an operation rounds.
PRECISION = {np.dtype(np.float32): 2e-5, np.dtype(np.float64): 1e-9, np.dtype(np.complex64): 2e-5,
             np.dtype(np.complex128): 1e-9}
ROUGH = 2.0**-5
ROUNDING = ("stablehlo.reduce_precision", "mhlo.stochastic_convert")


def shape_of(type_):
    return tuple(ir.RankedTensorType(type_).shape)


class _Trial:
    """An operation on some operands.

    Args:
        run: the operation, on a list of operands.
        operands: values for all of them; those in no role stay as they are.
    """

    def __init__(self, name, rule, run, operands, result_types, generator):
        self.name, self.rule, self.run, self.generator = name, rule, run, generator
        self.operands = [np.asarray(value) for value in operands]
        self.results = range(len(result_types))

    def among(self, *uses):
        return [number for number, use in enumerate(self.rule.uses) if use in uses]

    def tied(self, operand):
        """The results that an equation ties to an operand."""
        return {
            equation.lhs[1]
            for equation in self.rule.equations
            if equation.lhs[0] == "r" and any(tensor == ("o", operand) for _, tensor in equation.terms)
        }

    def at(self, values):
        """The results with some operands replaced: {number: value}."""
        operands = [values.get(n, value) for n, value in enumerate(self.operands)]
        with np.errstate(all="ignore"):
            return [np.asarray(value) for value in self.run(*operands)]

    def draw(self, operand, keep_infinite=False):
        """Random numbers; with `keep_infinite` none where the operand is infinite (where a maximum starts)."""
        value = self.operands[operand]
        drawn = np.asarray(self.generator.normal(size=value.shape))
        return np.where(np.isfinite(value) | (not keep_infinite), drawn, value).astype(value.dtype)

    def close(self, a, b):
        """Whether two results agree where both are finite, and are the same elsewhere."""
        a, b = np.asarray(a), np.asarray(b)
        finite = np.isfinite(a) & np.isfinite(b)
        if not np.array_equal(np.isfinite(a), np.isfinite(b)):
            return False
        size = max(1.0, np.abs(a[finite]).max(initial=0), np.abs(b[finite]).max(initial=0))
        rough = self.name in ROUNDING or a.dtype not in PRECISION
        precision = ROUGH if rough else PRECISION[a.dtype]
        return np.allclose(a[finite].astype(complex), b[finite].astype(complex), rtol=0, atol=precision * size)


def _sizes(rule, operand_types, result_types):
    sizes = dict(rule.sizes)
    for maps, types in ((rule.operands, operand_types), (rule.results, result_types)):
        for dims, type_ in zip(maps, types, strict=True):
            for dim, size in zip(dims, shape_of(type_), strict=True):
                if len(dim) == 1 and len(dim[0]) == 1:
                    sizes[dim[0][0]] = size
    return sizes


def _check_linear(trial, operand):
    """Linear in the operand, whatever it is added to: differences do not depend on where they start."""
    start, other, step, more = (trial.draw(operand) for _ in range(4))
    differences = [
        [np.subtract(a, b) for a, b in zip(trial.at({operand: x + d}), trial.at({operand: x}), strict=True)]
        for x, d in ((start, step), (other, step), (start, more), (start, step + more))
    ]
    for result in trial.tied(operand):
        first, second, third, both = (d[result] for d in differences)
        if not trial.close(first, second) or not trial.close(first + third, both):
            return f"result {result} is not linear in operand {operand}"
    return None


def _check_homogeneous(trial, operand):
    """Nothing is left where everything that is added is zero."""
    added = trial.among("+", "-", "|") + (trial.among("*") if trial.rule.uses[operand] != "*" else [])
    zero = {number: np.zeros_like(trial.operands[number]) for number in {operand, *added}}
    for result in trial.tied(operand):
        if not trial.close(trial.at(zero)[result], np.zeros_like(trial.at(zero)[result])):
            return f"result {result} is not zero where operand {operand} is"
    return None


def _check_summand(trial, operand, sizes):
    """A number added everywhere comes out as often as entries are added up, or not where others show."""
    rule, sign = trial.rule, 1 if trial.rule.uses[operand] == "+" else -1
    factors = {f for dim in rule.operands[operand] for segment in dim for f in segment}
    count = int(np.prod([sizes[f] for f in rule.sums if f in factors], dtype=int))
    start = trial.draw(operand)
    before, after = trial.at({operand: start}), trial.at({operand: (start + 2).astype(start.dtype)})
    cut = any(len(dim) > 1 for tensor in (*rule.operands, *rule.results) for dim in tensor)
    for result in trial.tied(operand):
        change = after[result] - before[result]
        expected = np.full_like(change, 2 * sign * count)
        if cut:
            expected = np.where(np.abs(change) < 1e-3, change, expected)
        if not trial.close(change, expected):
            return f"result {result} does not take up what is added to operand {operand}"
    return None


def _check_joint(trial, operands, maps, what):
    """A map of all these operands at once maps what is tied to them, and nothing else."""
    start = {number: trial.draw(number, keep_infinite=True) for number in operands}
    before = trial.at(start)
    tied = set().union(*(trial.tied(number) for number in operands))
    for change in maps:
        with np.errstate(all="ignore"):
            after = trial.at({n: change(value).astype(value.dtype) for n, value in start.items()})
            for result in trial.results:
                expected = change(before[result]) if result in tied else before[result]
                if not trial.close(after[result], expected):
                    return f"result {result} is no {what} of the operands {operands}"
    return None


def check_uses(name, rule, run, operands, operand_types, result_types, generator):
    """What is wrong with the uses of a rule, or nothing."""
    if not rule.uses or not all(np.prod(shape_of(t), dtype=int) for t in (*operand_types, *result_types)):
        return None
    trial = _Trial(name, rule, run, operands, result_types, generator)
    sizes = _sizes(rule, operand_types, result_types)
    for operand in trial.among("+", "-", "*"):
        error = _check_linear(trial, operand) or _check_homogeneous(trial, operand)
        # How often a reduction reads its initial value is left open: it is to be neutral.
        is_initial = name == "stablehlo.reduce" and operand >= len(operands) // 2
        if not error and rule.uses[operand] != "*" and not is_initial:
            error = _check_summand(trial, operand, sizes)
        if error:
            return error
    real = [n for n in range(len(operands)) if not np.iscomplexobj(operands[n])]
    ordered = [n for n in trial.among("?") if n in real]
    if ordered:
        error = _check_joint(trial, ordered, (lambda x: x + 2, np.sinh), "order")
        if error:
            return error
    for result in trial.results:
        choices = [n for n in trial.among("|") if result in trial.tied(n)]
        if choices:
            error = _check_joint(trial, choices, (lambda x: x + 2, lambda x: x * x), "choice")
            if error:
                return error
    return None
