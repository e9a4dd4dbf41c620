# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Laws tried in eager PyTorch: from w, and from the transformed w with hyperparameters and states scaled by the law."""

import re

import numpy as np
import torch
from optimizers import network
from optimizers.verify import claims_law, couples_blocks, matrix_of
from torch_optimizers import batch, make, report, step
from zoo.reports import block_shape, log_scale, number

STEPS = 20
_OPTION = re.compile(r"(?:optimizers\[(\d+)\]\.)?param_groups\[(\d+)\]\['(\w+)'\](?:\[(\d+)\])?")
_STATE = re.compile(r"(?:optimizers\[\d+\]\.)?state\['(\w+)'\]\.(\w+)")
SHAPES = dict(network.SHAPES)


class Training:
    """A network in training: its parameters and states may be read and set."""

    def __init__(self, name):
        self.model, self.optimizers = make(name)
        self.parameters = dict(self.model.named_parameters())

    def run(self, first, count=STEPS):
        for seed in range(first, first + count):
            step(self.model, self.optimizers, *batch(seed))

    def values(self):
        return {name: value.detach().numpy().copy() for name, value in self.parameters.items()}

    def states(self):
        return {
            (name, key): value.clone() if isinstance(value, torch.Tensor) else value
            for optimizer in self.optimizers for name, parameter in self.parameters.items()
            for key, value in optimizer.state.get(parameter, {}).items()
        }

    def set(self, values, states):
        with torch.no_grad():
            for name, value in values.items():
                self.parameters[name].copy_(torch.as_tensor(value))
        for optimizer in self.optimizers:
            owned = {id(p) for group in optimizer.param_groups for p in group["params"]}
            for (name, key), value in states.items():
                if id(self.parameters[name]) in owned:
                    kept = value.clone() if isinstance(value, torch.Tensor) else value
                    optimizer.state[self.parameters[name]][key] = kept

    def scale_option(self, name, factor):
        optimizer, group, key, place = _OPTION.fullmatch(name).groups()
        options = self.optimizers[int(optimizer or 0)].param_groups[int(group)]
        if place is None:
            options[key] = options[key] * factor
        else:
            entries = list(options[key])
            entries[int(place)] *= factor
            options[key] = tuple(entries)


def laws_of(kinetics, leaf):
    """The laws of one member. (Each has hyperparameters of its own here.)"""
    return [law for law in kinetics["laws"] if law["parameter"] == leaf]


def is_inactive(name, constant):
    """Whether a constant is of a branch that is not taken here: tiny bounds, and RAdam's factor in its first steps."""
    return constant < 1e-15 or (name.startswith("RAdam") and constant == 1)


def scaled_run(name, symmetry, kinetics, start, logs, count=STEPS):
    """A training from the start with tensors scaled by powers of 2 (`logs`, by tensor), all else by the law."""
    values, states = start
    training = Training(name)
    exponents = {m["parameter"]: float(number(m["exponent"])) for m in symmetry["members"]}
    degrees = {state["name"]: float(number(state["degree"])) for state in kinetics["states"]}
    moved = {leaf: values[leaf] * np.exp2(log) for leaf, log in logs.items()}
    by_state = {}
    for state, degree in degrees.items():
        leaf, key = _STATE.fullmatch(state).groups()
        if leaf in logs:
            by_state[leaf, key] = exponents[leaf] * degree
    training.set({**values, **moved}, {
        key: value * 2.0 ** by_state.get(key, 0.0) if torch.is_floating_point(value) else value
        for key, value in states.items()})
    for leaf in logs:
        for law in laws_of(kinetics, leaf):
            if law["value"] is not None:
                assert is_inactive(name, law["value"]), law
            else:
                training.scale_option(law["hyperparameter"], 2.0 ** (exponents[leaf] * float(number(law["degree"]))))
    training.run(100, count)
    return training.values()


def distance(found, expected):
    return max(float(np.linalg.norm(found[n] - expected[n]) / (np.linalg.norm(expected[n]) or 1)) for n in expected)


def act(symmetry, matrix, values, rank_of):
    """Arrays by (parameter, ...) moved by a matrix where they have its axis."""
    moved = dict(values)
    for member in symmetry["members"]:
        axis = member["axes"][0]
        own = np.linalg.inv(matrix).T if member["side"] == "inverse_transpose" else matrix
        for key, value in values.items():
            if rank_of(key) != member["parameter"]:
                continue
            array = np.asarray(value)
            if array.ndim > axis and array.shape[axis] == len(matrix):
                moved[key] = np.moveaxis(np.tensordot(own, np.asarray(moved[key]), (1, axis)), 0, axis)
    return moved


def results(name):
    """What became of what is claimed: (id of the symmetry, trial) -> largest relative error."""
    found = report(name)
    kinetics = {entry["symmetry"]: entry for entry in found["kinetics"]}
    warm = Training(name)
    warm.run(0)
    start = warm.values(), warm.states()
    plain = Training(name)
    plain.set(*start)
    plain.run(100, 1)
    once = plain.values()
    plain.run(101, STEPS - 1)
    plain = plain.values()
    rng = np.random.default_rng(0)
    errors = {}
    for symmetry in found["symmetries"]:
        own = kinetics.get(symmetry["id"])
        family = symmetry["family"]
        if own is None:
            continue
        if family in ("scale", "rescale") and claims_law(own):
            shape = block_shape(symmetry, SHAPES)
            logs = log_scale(symmetry, np.ones(shape), SHAPES)
            ended = scaled_run(name, symmetry, own, start, logs)
            expected = {n: w * np.exp2(logs.get(n, 0.0)) for n, w in plain.items()}
            errors[symmetry["id"], "all"] = distance(ended, expected)
            assert {law["parameter"] for law in own["laws"]} <= set(logs)
            if shape and not couples_blocks(own):
                errors[symmetry["id"], "one block"] = one_block(name, symmetry, own, start, shape, once)
        elif family == "translation" and (own["equivariant"] or "factor" in own):
            element = rng.standard_normal(block_shape(symmetry, SHAPES))
            field = log_scale(symmetry, element, SHAPES)
            training = Training(name)
            training.set({n: w + field.get(n, 0.0) for n, w in start[0].items()}, start[1])
            training.run(100)
            kept = factor_of(name, own["factor"]) if "factor" in own else 1.0
            errors[symmetry["id"], "shift"] = distance(
                training.values(), {n: w + kept * field.get(n, 0.0) for n, w in plain.items()})
        elif own.get("keeps"):
            member = symmetry["members"][0]
            if any(m.get("view") or m.get("block_axes") for m in symmetry["members"]):
                continue
            size = SHAPES[member["parameter"]][member["axes"][0]]
            matrix = matrix_of(own["keeps"], size, rng)
            assert own["keeps"] in ("permutation", "orthogonal")  # which move states as they move parameters
            training = Training(name)
            states = act(symmetry, matrix, start[1], lambda key: key[0])
            training.set(
                act(symmetry, matrix, start[0], lambda key: key), {k: torch.as_tensor(v) for k, v in states.items()})
            training.run(100)
            errors[symmetry["id"], own["keeps"]] = distance(
                training.values(), act(symmetry, matrix, plain, lambda key: key))
    return errors


def one_block(name, symmetry, kinetics, start, shape, once):
    """One step with one block scaled, hyperparameters scaled for it: that block is as it should be. (The others are
    not: hyperparameters are numbers, and theirs are wrong then.)"""
    element = np.zeros(shape)
    element.flat[0] = 1.0
    logs = log_scale(symmetry, element, SHAPES)
    values, states = start
    # States are scaled as for all blocks, which is right within the block.
    ended = scaled_run(name, symmetry, kinetics, (values, states), logs, 1)
    error = 0.0
    for leaf, log in logs.items():
        block = log != 0
        expected = (once[leaf] * np.exp2(log))[block]
        error = max(error, float(np.linalg.norm(ended[leaf][block] - expected) / np.linalg.norm(expected)))
    return error


def factor_of(name, text):
    """What a factor such as 1 - param_groups[0]['lr'] * param_groups[0]['weight_decay'] multiplies to along the run."""
    text = re.sub(r"(?<![\w.])param_groups", "optimizers[0].param_groups", text)
    text = re.sub(r"(?<![\w.])state\['(\w+)'\]\.(\w+)", r"state['\1', '\2']", text)
    training = Training(name)
    training.run(0)
    product = 1.0
    for seed in range(100, 100 + STEPS):
        states = {key: value.item() for key, value in training.states().items() if value.numel() == 1}
        names = {"optimizers": training.optimizers, "state": states, "__builtins__": {}}
        product *= float(eval(text, names))  # noqa: S307
        training.run(seed, 1)
    return product
