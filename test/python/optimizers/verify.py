# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the laws: from w, and from the transformed w with hyperparameters and states scaled by the law.

The two runs must stay related by the same transformation. All symmetries of an optimizer are tried at once, in one
compiled program: tensors that are scaled are updated each on its own, with hyperparameters of its own; the others,
which matrices and shifts act on, by one optimizer together.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from zoo.reports import block_shape, log_scale, number

from . import network
from .catalogue import ENTRIES, Entry
from .literals import with_scaled_literals
from .steps import initial, report, update

STEPS = 20
#: Programs that run once are better compiled quickly.
QUICK = {"xla_backend_optimization_level": 0}
#: Tensors with one family of scales each.
LEAVES = ("w_tensor", "w_channel", "relu_in", "relu_out")
REST = tuple(name for name in network.SHAPES if name not in LEAVES)
SHAPES = {f"params['{name}']": shape for name, shape in network.SHAPES.items()}


def short(name):
    """'w' of "params['w']"."""
    return name.split("'")[1]


def members(symmetry):
    return [short(member["parameter"]) for member in symmetry["members"]]


def claims_law(kinetics):
    """Whether some law is claimed to hold for a tensor by itself."""
    return not any("couples several" in b["why"] or "no scaling" in b["why"] or "cannot be told" in b["why"]
                   for b in kinetics["breaks"])


def couples_blocks(kinetics):
    return any("couples the blocks" in b["why"] for b in kinetics["breaks"])


def laws_of(kinetics, leaf):
    """The laws of one member; those that are equal for all members are said of the first."""
    return [law for law in kinetics["laws"] if short(law["parameter"]) == leaf] or kinetics["laws"]


def law_name(law):
    """The hyperparameter's name in the catalogue."""
    name = law["hyperparameter"]
    return short(name) if "'" in name else name


def batches(seed):
    return jax.tree.map(lambda *a: jnp.stack(a), *[network.data(seed + t) for t in range(STEPS)])


def stack(trees):
    return jax.tree.map(lambda *leaves: jnp.stack([jnp.asarray(leaf) for leaf in leaves]), *trees)


# --- the program ---------------------------------------------------------------------------------


def one_update(entry: Entry, names, constants):
    """The update of some tensors: (hyper, factors, grads, state, params, value) -> (params, state).

    Args:
        constants: numbers in the step that are multiplied by `factors`, one each.
    """

    def plain(hyper, grads, state, params, value):
        new, next_state = update(entry, hyper, grads, state, params, value)
        # (Some states are made in single precision.)
        return new, jax.tree.map(lambda new, old: new.astype(old.dtype), next_state, state)

    return with_scaled_literals(plain, constants) if constants else (
        lambda hyper, factors, *args: plain(hyper, *args))


def runner(entry: Entry, constants, leaves):
    """`run(params, states, hyper, factors, batches)`: parameters and states at the end.

    States, hyperparameters and factors are by tensor, and those of the others under "rest".
    """
    parts = {leaf: (leaf,) for leaf in leaves} | {"rest": REST}
    updates = {part: one_update(entry, names, constants.get(part, ())) for part, names in parts.items()}
    fixed = {name: w for name, w in network.parameters().items() if name in LEAVES and name not in leaves}

    def run(params, states, hyper, factors, batches):
        def step(carry, batch):
            params, states = carry
            value, grads = jax.value_and_grad(lambda p: network.loss({**fixed, **p}, batch))(params)
            new, next_states = {}, {}
            for part, names in parts.items():
                own, next_states[part] = updates[part](
                    hyper[part], factors[part], {n: grads[n] for n in names}, states[part],
                    {n: params[n] for n in names}, value)
                new |= own
            return (new, next_states), None

        return jax.lax.scan(step, (params, states), batches)[0]

    return jax.jit(jax.vmap(run, in_axes=(0, 0, 0, 0, None)), compiler_options=QUICK)


# --- the transformations -------------------------------------------------------------------------


def scaled(kinetics, symmetry, field, start, constants, arrays):
    """The start with tensors scaled by powers of 2 (`field`, by tensor), all else by the law."""
    params, states, hyper, factors = (dict(part) for part in start)
    degrees = {state["name"]: float(number(state["degree"])) for state in kinetics["states"]}
    # Hyperparameters that are kept among the states.
    degrees |= {law["hyperparameter"]: float(number(law["degree"])) for law in kinetics["laws"]}
    exponents = {short(m["parameter"]): float(number(m["exponent"])) for m in symmetry["members"]}
    for leaf, log in field.items():
        uniform = log if arrays else np.asarray(exponents[leaf])
        params[leaf] = params[leaf] * np.exp2(log)
        laws = laws_of(kinetics, leaf)
        own = {law_name(law): float(number(law["degree"])) for law in laws if law["value"] is None}
        hyper[leaf] = {n: v * np.exp2(uniform * own.get(n, 0.0)) for n, v in hyper[leaf].items()}
        factors[leaf] = [
            jnp.asarray(np.exp2(uniform * next((float(number(law["degree"])) for law in laws if law["value"] == value), 0.0)))
            for value in constants.get(leaf, ())]

        def move(path, value, leaf=leaf, uniform=uniform):
            degree = degrees.get("opt_state" + jax.tree_util.keystr(path), 0.0)
            if degree == 0 or not jnp.issubdtype(value.dtype, jnp.floating):
                return value
            scale = np.exp2(uniform * degree)
            return value * (scale if np.ndim(scale) <= value.ndim else scale.ravel()[0])

        states[leaf] = jax.tree_util.tree_map_with_path(move, states[leaf])
    return params, states, hyper, factors


def matrix_of(family, size, rng):
    if family == "permutation":
        return np.eye(size)[np.roll(np.arange(size), 1)]
    matrix = np.eye(size) + 0.4 * rng.standard_normal((size, size))
    return np.linalg.qr(matrix)[0] if family == "orthogonal" else matrix


def act(symmetry, matrix, params):
    """The parameters moved by a matrix."""
    moved = dict(params)
    for member in symmetry["members"]:
        name, axis = short(member["parameter"]), member["axes"][0]
        own = np.linalg.inv(matrix).T if member["side"] == "inverse_transpose" else matrix
        moved[name] = jnp.moveaxis(jnp.tensordot(own, moved[name], (1, axis)), 0, axis)
    return moved


# --- the trial -----------------------------------------------------------------------------------


def tried(found):
    """The symmetries for which something is claimed that this module tries, by kind."""
    kinetics = {k["symmetry"]: k for k in found["kinetics"]}
    scales, groups, shifts = [], [], []
    for symmetry in found["symmetries"]:
        own = kinetics.get(symmetry["id"])
        if own is None:
            continue
        if symmetry["family"] in ("scale", "rescale"):
            if claims_law(own) and set(members(symmetry)) <= set(LEAVES):
                scales.append(symmetry)
        elif set(members(symmetry)) <= set(REST):
            if symmetry["family"] == "translation":
                if own["equivariant"] or "factor" in own:
                    shifts.append(symmetry)
            elif own.get("keeps"):
                groups.append(symmetry)
    return kinetics, scales, groups, shifts


@functools.cache
def results(name):
    """What became of what is claimed for an optimizer: id of the symmetry -> largest relative error.

    Laws that hold only while a number that several tensors share is constant are not tried.
    """
    entry = ENTRIES[name]
    kinetics, scales, groups, shifts = tried(report(name))
    leaves = LEAVES if scales else ()
    constants = {}
    for symmetry in scales:
        for leaf in members(symmetry):
            for law in laws_of(kinetics[symmetry["id"]], leaf):
                values = constants.setdefault(leaf, [])
                if law["value"] is not None and abs(law["value"]) != 1 and law["value"] not in values:
                    values.append(law["value"])
    constants = {leaf: values for leaf, values in constants.items() if values}
    params = {n: w for n, w in network.parameters().items() if n in leaves or n in REST}
    parts = {leaf: {leaf: params[leaf]} for leaf in leaves} | {"rest": {n: params[n] for n in REST}}
    states = {part: initial(entry, own) for part, own in parts.items()}
    # Hyperparameters may be arrays unless they meet numbers: norms of a tensor, states.
    arrays = (not constants and not any(couples_blocks(kinetics[s["id"]]) for s in scales)
              and not any(leaf.ndim == 0 and jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in jax.tree.leaves(states)))
    hyper = {part: {n: jnp.full(network.SHAPES[part], v) if arrays and part != "rest" else jnp.asarray(v)
                    for n, v in entry.hyper.items()} for part in parts}
    factors = {part: [jnp.ones(()) for _ in constants.get(part, ())] for part in parts}

    run = runner(entry, constants, leaves)
    count = 1 + len(scales) + len(groups) + len(shifts)
    # States as they are in the midst of a training; those of the rest as they are at the beginning, which shows how
    # they come to be moved along.
    warm, warm_states = jax.tree.map(
        lambda a: a[0], run(*stack([(params, states, hyper, factors)] * count), batches(0)))
    start = (warm, {**warm_states, "rest": initial(entry, {n: warm[n] for n in REST})}, hyper, factors)

    rng = np.random.default_rng(0)
    variants, expect = [start], []
    for symmetry in scales:
        shape = block_shape(symmetry, SHAPES)
        # Powers of two, which floating point scales by exactly: what is left is the law's.
        element = rng.choice([-1.0, 1.0, 2.0, 3.0], shape) if arrays else np.full(shape, 1.0)
        field = {short(n): f for n, f in log_scale(symmetry, element, SHAPES).items()}
        variants.append(scaled(kinetics[symmetry["id"]], symmetry, field, start, constants, arrays))
        expect.append(lambda end, f=field: {n: w * np.exp2(f.get(n, 0.0)) for n, w in end.items()})

    def restart(moved):
        return moved, {**start[1], "rest": initial(entry, {n: moved[n] for n in REST})}, hyper, factors

    for symmetry in groups:
        axis = symmetry["members"][0]["axes"][0]
        size = network.SHAPES[members(symmetry)[0]][axis]
        matrix = matrix_of(kinetics[symmetry["id"]]["keeps"], size, rng)
        variants.append(restart(act(symmetry, matrix, start[0])))
        expect.append(lambda end, s=symmetry, m=matrix: act(s, m, end))
    for symmetry in shifts:
        element = rng.standard_normal(block_shape(symmetry, SHAPES))
        field = {short(n): f for n, f in log_scale(symmetry, element, SHAPES).items()}
        variants.append(restart({n: w + field.get(n, 0.0) for n, w in start[0].items()}))
        factor = kinetics[symmetry["id"]].get("factor", "1")
        names = {"hyper": dict(entry.hyper), "opt_state": start[1]["rest"], "__builtins__": {}}
        decayed = float(eval(factor, names)) ** STEPS  # noqa: S307
        expect.append(lambda end, f=field, d=decayed: {n: w + d * f.get(n, 0.0) for n, w in end.items()})

    ended, _ = run(*stack(variants), batches(100))
    plain = {n: np.asarray(w[0]) for n, w in ended.items()}
    errors = {}
    for index, (symmetry, moved) in enumerate(zip(scales + groups + shifts, expect, strict=True), start=1):
        expected = moved(plain)
        errors[symmetry["id"]] = max(
            float(np.linalg.norm(ended[n][index] - expected[n]) / (np.linalg.norm(expected[n]) or 1.0))
            for n in plain)
    return errors
