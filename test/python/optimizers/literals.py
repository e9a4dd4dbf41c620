# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Functions with the numbers that stand in them made arguments."""

import jax
import jax.extend.core as jex
import jax.numpy as jnp
import numpy as np


class NoLiteral(Exception):
    """No number of this value stands in the function."""


def with_scaled_literals(function, values):
    """`scaled(first, factors, *rest)`: `function(first, *rest)` with each of `values` times its factor.

    Numbers are told by their absolute value, wherever they stand.
    """

    def scaled(first, factors, *rest):
        flat, tree = jax.tree.flatten((first, *rest))
        out_tree = None

        def flattened(*args):
            nonlocal out_tree
            out, out_tree = jax.tree.flatten(function(*jax.tree.unflatten(tree, args)))
            return out

        closed = jax.make_jaxpr(flattened)(*flat)
        seen = set()
        out = _evaluate(closed.jaxpr, closed.consts, flat, values, factors, seen)
        if missing := set(values) - seen:
            raise NoLiteral(missing)
        return jax.tree.unflatten(out_tree, out)

    return scaled


def _evaluate(jaxpr, consts, args, values, factors, seen):
    env = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*consts, *args], strict=True))

    def read(atom):
        if not isinstance(atom, jex.Literal):
            return env[atom]
        if jnp.issubdtype(atom.aval.dtype, jnp.floating):
            for value, factor in zip(values, factors, strict=True):
                if np.isclose(abs(float(atom.val)), abs(value), rtol=1e-6, atol=0):
                    seen.add(value)
                    return jnp.asarray(atom.val * factor, atom.aval.dtype)
        return atom.val

    for eqn in jaxpr.eqns:
        inputs = [read(atom) for atom in eqn.invars]
        inner = eqn.params.get("jaxpr") or eqn.params.get("call_jaxpr")
        if eqn.primitive.name in ("jit", "pjit", "closed_call", "custom_jvp_call", "custom_vjp_call") and inner is not None:
            outputs = _evaluate(inner.jaxpr, inner.consts, inputs, values, factors, seen)
        elif eqn.primitive.name == "scan":
            outputs = _scan(eqn.params, inputs, values, factors, seen)
        elif eqn.primitive.name == "cond":
            outputs = jax.lax.switch(inputs[0], [
                lambda *args, branch=branch: _evaluate(branch.jaxpr, branch.consts, args, values, factors, seen)
                for branch in eqn.params["branches"]], *inputs[1:])
        else:
            outputs = eqn.primitive.bind(*inputs, **eqn.primitive.get_bind_params(eqn.params))
            outputs = outputs if eqn.primitive.multiple_results else [outputs]
        env.update(zip(eqn.outvars, outputs, strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _scan(params, inputs, values, factors, seen):
    body, first = params["jaxpr"], params["num_consts"]
    count = params["num_carry"]

    def step(carry, x):
        out = _evaluate(body.jaxpr, body.consts, [*inputs[:first], *carry, *x], values, factors, seen)
        return out[:count], out[count:]

    carry, outputs = jax.lax.scan(
        step, inputs[first:first + count], inputs[first + count:], length=params["length"], reverse=params["reverse"])
    return [*carry, *outputs]
