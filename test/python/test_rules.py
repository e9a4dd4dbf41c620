# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every rule is a claim about an operation: op(scaled operands) == scaled op(operands).

Rules are taken from what the compiler writes; random log-scales that satisfy their equations are drawn, also with one
operand zero or infinite (such a tensor has any scale, and equations with it say nothing).
"""

import numpy as np
import pytest
from rules.checking import check_module, generic_form, lower
from rules.samples import FUNCTIONS, TEXTS, text_of

#: Operations checked already, by their text.
SEEN: set[str] = set()


def check(text, arguments):
    wrong = [c for c in check_module(text, arguments, np.random.default_rng(0), SEEN) if c.error]
    assert not wrong, "\n".join(f"{c.name}: {c.error}; {c.rule}" for c in wrong)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_operations_of_jax(name):
    function, arguments = FUNCTIONS[name]
    check(lower(function, *arguments), list(arguments))


@pytest.mark.parametrize("name", TEXTS)
def test_operations_jax_does_not_print(name):
    check(generic_form(text_of(name)), list(TEXTS[name][2]))
