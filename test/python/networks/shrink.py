# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes failures small: first the recipe, then the program, while the failure stays."""

import dataclasses

from .generate import LARGEST, build
from .program import Node, Program

BATCH = 12  # candidates judged at once


def smaller_recipes(recipe):
    """Recipes with less in them."""
    for i in range(len(recipe.layers)):
        yield dataclasses.replace(recipe, layers=recipe.layers[:i] + recipe.layers[i + 1:])
    if recipe.penalty != "none":
        yield dataclasses.replace(recipe, penalty="none")
    for i, size in enumerate(recipe.sizes):
        for less in range(1 if i == 2 else 2, size):
            yield dataclasses.replace(recipe, sizes=(*recipe.sizes[:i], less, *recipe.sizes[i + 1:]))


def _replaced(program, number, other):
    """The program with a value taken from another one."""
    result = Program()
    for node in program.nodes:
        result.nodes.append(dataclasses.replace(
            node, inputs=tuple(other if j == number else j for j in node.inputs)))
    return result


def _with_node(program, number, node):
    result = Program()
    result.nodes = list(program.nodes)
    result.nodes[number] = node
    return result


def smaller_programs(program):
    """Programs with an operation less, or a parameter that is data, or an earlier end."""
    count = len(program.nodes)
    is_body = any(node.op == "arg" for node in program.nodes)
    for i in range(count - 1, -1, -1):  # the end moves forward
        node = program.nodes[i]
        if not is_body and node.op == "reduce" and node.shape != () and i < count - 2:
            cut = Program()
            cut.nodes = list(program.nodes[:i + 1])
            value = cut.add("multiply", i, cut.add("data", shape=list(node.shape)))
            cut.add("reduce", value, kind="add", axes=list(range(len(node.shape))))
            yield cut
    for i in range(count - 1, -1, -1):
        node = program.nodes[i]
        for j in dict.fromkeys(node.inputs):
            if program.shape(j) == node.shape and not program.nodes[j].integer:
                if i < count - 1:
                    yield _replaced(program, i, j)
                elif program.nodes[j].op not in ("arg", "param", "data"):
                    shorter = Program()
                    shorter.nodes = list(program.nodes[:j + 1])
                    yield shorter
        if node.op not in ("data", "const", "index", "mask", "eps", "arg") and i < count - 1 and not is_body:
            yield _with_node(program, i, Node("data", (), {"shape": list(node.shape)}, node.shape))
        for key in ("body", "otherwise"):
            if key in node.attrs:
                for body in smaller_programs(node.attrs[key]):
                    body = body.pruned()
                    if len(body.nodes) < len(node.attrs[key].nodes) and body.nodes[-1].op != "arg":
                        yield _with_node(program, i, dataclasses.replace(
                            node, attrs={**node.attrs, key: body}))


def weight(program):
    """What shrinking makes smaller."""
    total = program.size
    for node in program.nodes:
        total += 3 + sum(3 * weight(node.attrs[k]) for k in ("body", "otherwise") if k in node.attrs)
        total += 2 * (node.op not in ("data", "const", "broadcast", "reshape", "eps"))
    return total


def _first(candidates, fails):
    """The first candidate that fails, looked at in batches; `fails` takes a list."""
    batch = []
    for candidate in candidates:
        batch.append(candidate)
        if len(batch) == BATCH:
            for one, bad in zip(batch, fails([program for _, program in batch]), strict=True):
                if bad:
                    return one
            batch = []
    for one, bad in zip(batch, fails([program for _, program in batch]) if batch else [], strict=True):
        if bad:
            return one
    return None


def shrink(recipe, program, fails, rounds=200):
    """A smaller program that fails too.

    Args:
        recipe: what the program was built from, or None.
        fails: of a list of programs, which of them fail in the way of interest.
        rounds: how often something may be made smaller.
    """
    while recipe is not None and rounds > 0:
        rounds -= 1

        def recipes(current=recipe, limit=weight(program)):
            for candidate in smaller_recipes(current):
                try:
                    smaller = build(candidate)
                except Exception:  # a layer that does not fit these sizes
                    continue
                if weight(smaller) < limit and 0 < smaller.size <= 2 * LARGEST:
                    yield candidate, smaller

        found = _first(recipes(), fails)
        if found is None:
            break
        recipe, program = found
    while rounds > 0:
        rounds -= 1

        def programs(current=program, limit=weight(program)):
            for smaller in smaller_programs(current):
                smaller = smaller.pruned()
                if weight(smaller) < limit and smaller.params and smaller.shape(-1) == ():
                    yield None, smaller

        found = _first(programs(), fails)
        if found is None:
            break
        program = found[1]
    return program
